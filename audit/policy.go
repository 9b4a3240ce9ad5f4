package audit

import (
	"fmt"
	"maps"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Outcome is the outcome of the audited operation. The zero value is Success.
type Outcome uint8

// The two outcomes.
const (
	Success Outcome = iota
	Failure
)

// String returns "success" or "failure", the words of the JSON form.
func (o Outcome) String() string {
	if o == Success {
		return "success"
	}
	return "failure"
}

// Setting is the set of outcomes of a subcategory that are recorded. The zero
// value records neither.
type Setting uint8

// The bits of a Setting.
const (
	OnSuccess Setting = 1 << Success
	OnFailure Setting = 1 << Failure
	OnBoth            = OnSuccess | OnFailure
)

// Has reports whether s records the outcome.
func (s Setting) Has(o Outcome) bool { return s>>(o&1)&1 != 0 }

// String returns "none", "success", "failure" or "success and failure".
func (s Setting) String() string {
	switch s & OnBoth {
	case OnSuccess:
		return "success"
	case OnFailure:
		return "failure"
	case OnBoth:
		return "success and failure"
	}
	return "none"
}

// UserSetting is the change that one account's policy makes for one
// subcategory. The zero value changes nothing.
type UserSetting struct {
	Include Setting // recorded although the system policy does not record it
	Exclude Setting // not recorded although the system policy records it; no effect on administrators
}

// CrashOnAuditFail is the behaviour if a required record cannot be kept. The
// zero value lets the operation proceed.
type CrashOnAuditFail uint8

// The values of the setting, as Windows numbers them.
const (
	ProceedOnAuditFail CrashOnAuditFail = iota // U-65: count the loss and go on
	FailOnAuditFail                            // U-64: the operation fails
	AuditFailed                                // U-64: a record was lost under FailOnAuditFail; operations still fail
)

// Options are the settings of a policy that belong to no subcategory. The
// zero value is the default.
type Options struct {
	CrashOnAuditFail      CrashOnAuditFail
	FullPrivilegeAuditing bool // record use of the seven privileges exempt otherwise
	AuditBaseObjects      bool // give unnamed kernel objects a SACL
	AuditBaseDirectories  bool // give object directories a SACL
}

// PolicySpec is the mutable description of a [Policy]. The zero value is the default policy.
type PolicySpec struct {
	// System has the setting of each subcategory. An absent one means none. A nil
	// map means the default of U-1.
	System map[Subcategory]Setting
	// Users has the changes of each account's policy.
	Users   map[sid.SID]map[Subcategory]UserSetting
	Options Options
	// GlobalSACLs are appended to the SACL of every object of a type, only for
	// auditing. Keys are type names, "File" and "Key" (U-16).
	GlobalSACLs map[string]*sd.ACL
}

// words is a set of subcategories for each outcome, with one bit per subcategory.
type words [2]uint64

// add adds the outcomes of setting for a subcategory to the set.
func (w *words) add(subcategory Subcategory, setting Setting) {
	for _, o := range [...]Outcome{Success, Failure} {
		if setting.Has(o) {
			w[o] |= subcategory.bit()
		}
	}
}

// has reports whether the set has the outcome of a subcategory.
func (w *words) has(subcategory Subcategory, outcome Outcome) bool {
	return w[outcome&1]&subcategory.bit() != 0
}

// Policy is an audit policy. It is immutable and may be used from any
// goroutine. [NewPolicy] returns one. The zero value records nothing.
type Policy struct {
	system  words
	users   map[sid.SID]userWords // never written after NewPolicy
	options Options
	global  map[string]*sd.ACL // never written after NewPolicy
	// anyone has the outcomes that are recorded for at least one account: by the system policy or an account's include.
	anyone words
}

// userWords is one account's own audit policy: the outcomes that it adds to the system policy and those that it
// removes.
type userWords struct{ include, exclude words }

// DefaultPolicy returns the policy that records Audit Policy Change, Security State Change and System Integrity, both
// outcomes, and nothing else (U-1).
func DefaultPolicy() *Policy { return defaultPolicy }

var defaultPolicy = newDefaultPolicy()

// newDefaultPolicy returns a new policy with the settings of [DefaultPolicy] (U-1).
func newDefaultPolicy() *Policy {
	p := &Policy{}
	// These three subcategories alone are on by default (U-1).
	for _, s := range [...]Subcategory{AuditPolicyChange, SecurityStateChange, SystemIntegrity} {
		p.system.add(s, OnBoth)
	}
	p.anyone = p.system
	return p
}

// NewPolicy returns a policy for spec, which the caller may change afterwards.
// It fails for unknown subcategories, settings with unknown bits, the null SID,
// an unknown CrashOnAuditFail, and a global SACL for a type other than File and
// Key.
func NewPolicy(spec PolicySpec) (*Policy, error) {
	p := &Policy{options: spec.Options}
	if spec.System == nil {
		p.system = defaultPolicy.system
	}
	for s, v := range spec.System {
		if err := checkSetting(s, v); err != nil {
			return nil, err
		}
		p.system.add(s, v)
	}
	p.anyone = p.system
	if err := p.setUsers(spec.Users); err != nil {
		return nil, err
	}
	for typ := range spec.GlobalSACLs {
		// Only these two types have a global SACL (U-16).
		if typ != "File" && typ != "Key" {
			return nil, fmt.Errorf("global SACL for type %q: only File and Key have one", typ)
		}
	}
	if spec.Options.CrashOnAuditFail > AuditFailed {
		return nil, fmt.Errorf("CrashOnAuditFail %d: want 0, 1 or 2", spec.Options.CrashOnAuditFail)
	}
	p.global = maps.Clone(spec.GlobalSACLs)
	return p, nil
}

// setUsers stores the audit policies of single accounts in p, which no other goroutine has yet. It returns an error
// for a zero SID, an unknown subcategory and an unknown setting; p must not be used then.
func (p *Policy) setUsers(users map[sid.SID]map[Subcategory]UserSetting) error {
	for who, settings := range users {
		if who.IsZero() {
			return fmt.Errorf("audit policy of an account: the SID is missing")
		}
		var w userWords
		for s, v := range settings {
			if err := checkSetting(s, v.Include|v.Exclude); err != nil {
				return err
			}
			w.include.add(s, v.Include)
			w.exclude.add(s, v.Exclude)
		}
		if p.users == nil {
			p.users = make(map[sid.SID]userWords, len(users))
		}
		p.users[who.Clone()] = w
		for o := range w.include {
			p.anyone[o] |= w.include[o]
		}
	}
	return nil
}

// checkSetting returns an error for an unknown subcategory and for a setting other than success and failure.
func checkSetting(subcategory Subcategory, setting Setting) error {
	if !subcategory.Valid() {
		return fmt.Errorf("audit policy: unknown subcategory %#x", uint8(subcategory))
	}
	if setting&^OnBoth != 0 {
		return fmt.Errorf("audit policy of %s: setting %#x has unknown bits", subcategory, uint8(setting))
	}
	return nil
}

// Spec returns a description of the policy, from which [NewPolicy] makes an equal one. Changes to it do not affect
// the policy.
func (p *Policy) Spec() PolicySpec {
	spec := PolicySpec{System: map[Subcategory]Setting{}, Options: p.options, GlobalSACLs: maps.Clone(p.global)}
	for s := range Subcategories {
		if v := p.System(s); v != 0 {
			spec.System[s] = v
		}
	}
	for who, w := range p.users {
		if spec.Users == nil {
			spec.Users = map[sid.SID]map[Subcategory]UserSetting{}
		}
		m := map[Subcategory]UserSetting{}
		for s := range Subcategories {
			if v := (UserSetting{w.include.setting(s), w.exclude.setting(s)}); v != (UserSetting{}) {
				m[s] = v
			}
		}
		spec.Users[who] = m
	}
	return spec
}

// setting returns which outcomes of a subcategory are in the set, 0 for neither.
func (w *words) setting(s Subcategory) Setting {
	var v Setting
	for _, o := range [...]Outcome{Success, Failure} {
		if w.has(s, o) {
			v |= 1 << o
		}
	}
	return v
}

// System returns which outcomes of a subcategory the system policy records, 0 for an unknown subcategory.
func (p *Policy) System(s Subcategory) Setting {
	if !s.Valid() {
		return 0
	}
	return p.system.setting(s)
}

// Options returns the settings of the policy that belong to no subcategory, such as CrashOnAuditFail.
func (p *Policy) Options() Options { return p.options }

// GlobalSACL returns the SACL that auditing applies to every object of the type, or nil for a type without one.
func (p *Policy) GlobalSACL(typ string) *sd.ACL { return p.global[typ] }

// Anyone reports whether the policy records the outcome for at least one account, by the system policy or by an
// account's own policy.
func (p *Policy) Anyone(subcategory Subcategory, outcome Outcome) bool {
	return subcategory.Valid() && p.anyone.has(subcategory, outcome)
}

// Records reports whether the outcome is recorded for an account. The account's own policy excludes outcomes from the
// system policy and includes others. It cannot exclude an administrator (U-1).
func (p *Policy) Records(subcategory Subcategory, outcome Outcome, user sid.SID, isAdmin bool) bool {
	if !subcategory.Valid() {
		return false
	}
	on := p.system.has(subcategory, outcome)
	w, ok := p.users[user]
	if !ok {
		return on
	}
	// An exclusion by the account's own policy has no effect on administrators (U-1).
	if w.exclude.has(subcategory, outcome) && !isAdmin {
		on = false
	}
	// The account's own policy includes what the system policy does not record (U-1).
	return on || w.include.has(subcategory, outcome)
}
