package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	sacl    = winnt.ACCESS_SYSTEM_SECURITY
	maximum = winnt.MAXIMUM_ALLOWED
	full    = winnt.FILE_ALL_ACCESS

	// apart are rights that MAXIMUM_ALLOWED does not include, so that they must be requested by name.
	apart = winnt.WRITE_OWNER | sacl | ^full

	ceilings  = sd.HasMandatoryLabel | sd.HasTrustLabel | sd.HasAccessFilter
	mediumRID = winnt.SECURITY_MANDATORY_MEDIUM_RID
)

// engine runs access checks for one subject, under the policy of a store. It is only read.
//
// It holds pointers to pointers only, so that what a check may keep hold of (tokens and descriptors, which are on the
// heap anyway) does not move the caller's Request and Facts there.
type engine struct {
	subject *access.Subject
	policy  *Policy
}

// engineOf returns the engine that checks for a subject under a policy.
func engineOf(s *access.Subject, p *Policy) engine { return engine{s, p} }

// token returns the effective token, nil if the subject has no token.
func (e *engine) token() *token.Token { return e.subject.Effective() }

// mayAsk reports whether the subject can open anything: it has a token, and an impersonated client has at least level
// Impersonation.
func (e *engine) mayAsk() bool {
	return e.token() != nil && !e.subject.BelowImpersonation()
}

// Can returns the rights in want that the descriptor gives the subject, each as if
// it were requested alone. It uses every stage of the access check, and never
// backup or restore intent (F-2). Unix mode bits and the Unix super-user do not
// count (F-3). Can maps generic bits of want and ignores MAXIMUM_ALLOWED. A nil
// descriptor gives nothing: use [sd.NoSecurity] for an object without security. A
// nil subject, one without a token, and one below SecurityImpersonation get
// nothing. A nil policy is the default one.
func Can(s *access.Subject, d *sd.Descriptor, want winnt.AccessMask, p *Policy) winnt.AccessMask {
	if p == nil {
		p = &defaultPolicy
	}
	e := engineOf(s, p)
	if !e.mayAsk() {
		return 0
	}
	granted, _ := e.can(d, winnt.FileObject.Mapping.Map(want)&^maximum)
	return granted
}

// defaultPolicy is never written to.
var defaultPolicy Policy

// can implements [Can]: it returns the rights of want that descriptor d grants, and the privileges used. Each right
// counts as if it were requested alone. want must be mapped, and the subject must satisfy mayAsk. A zero want
// returns zero.
func (e *engine) can(d *sd.Descriptor, want winnt.AccessMask) (granted winnt.AccessMask, used winnt.PrivilegeSet) {
	if want == 0 {
		return 0, 0
	}
	dec := e.check(d, want)
	if dec.Allowed() { // F-2: each right alone would be granted too
		return want, dec.PrivilegesUsed
	}
	if want&(want-1) == 0 {
		return 0, dec.PrivilegesUsed
	}
	most := e.check(d, maximum)
	granted, used = most.Granted&want, most.PrivilegesUsed
	// including bits that are already granted: a privilege comes first
	for rest := want & apart; rest != 0; rest &= rest - 1 {
		one := rest & -rest
		dec = e.check(d, one)
		granted |= dec.Granted
		used |= dec.PrivilegesUsed
	}
	return granted, used
}

// most returns all rights that descriptor d grants, limited to file rights and those in requested, and the privileges
// used. It grants WRITE_OWNER by privilege only if that is in requested (F-41, A-44).
func (e *engine) most(d *sd.Descriptor, requested winnt.AccessMask) (granted winnt.AccessMask,
	used winnt.PrivilegeSet) {
	dec := e.check(d, maximum)
	more, used := e.can(d, requested&apart) // a privilege comes before the entries
	return dec.Granted&full | more, used | dec.PrivilegesUsed
}

// check runs the access check of descriptor d for one mapped mask. Without policies, options and compound entries it
// uses access.Check, which gives the same result.
func (e *engine) check(d *sd.Descriptor, desired winnt.AccessMask) access.Decision {
	o := &e.policy.Access
	s := e.subject
	if e.policy.Central == nil && o.Callback == nil && !o.ClaimsDisabled && !o.ADOwnerReadOnly &&
		(s.Primary == s.Client || s.Primary == nil || s.Client == nil || d.DACL().Facts()&sd.HasExtras == 0) {
		dec, _ := access.Check(e.token(), d, desired, winnt.FileObject) // fails only without a token or descriptor
		return dec
	}
	dec, _ := access.SeAccessCheck(e.request(d, desired))
	return dec
}

// request returns the parameters of an access check of descriptor d, that of a file, for the desired rights.
func (e *engine) request(d *sd.Descriptor, desired winnt.AccessMask) *access.Request {
	return &access.Request{Descriptor: d, Subject: *e.subject, Desired: desired, Type: winnt.FileObject,
		Policies: e.policy.Central, Options: e.policy.Access}
}

// unlimited reports whether mandatory policy certainly removes no right on an object with descriptor d: it has no
// label, trust label or access filter, and the token's integrity is at least Medium.
func (e *engine) unlimited(d *sd.Descriptor) bool {
	return d.SACL().Facts()&ceilings == 0 && e.token().Integrity() >= mediumRID
}

// under returns those of bits that the object's mandatory ceiling allows: label, trust label and access filters. A
// nil descriptor allows none. Each bit is checked on its own.
func (e *engine) under(d *sd.Descriptor, bits winnt.AccessMask) winnt.AccessMask {
	if d == nil { // The object's ceiling is not known, so nothing passes it (F-101).
		return 0
	}
	if bits == 0 || e.unlimited(d) {
		return bits
	}
	r := e.request(e.opened(d), 0)
	r.Policies = nil
	var left winnt.AccessMask
	for ; bits != 0; bits &= bits - 1 {
		r.Desired = bits & -bits
		dec, _ := access.SeAccessCheck(r)
		left |= dec.Granted
	}
	return left
}

// opened returns a descriptor with the SACL and owner of d and a DACL that denies nothing, so that a check against it
// shows the limits of mandatory policy alone. An AppContainer gets nothing from a NULL DACL and needs entries.
func (e *engine) opened(d *sd.Descriptor) *sd.Descriptor {
	p := sd.Parts{Control: sd.DACLPresent, Owner: d.Owner(), Group: d.Group(), SACL: d.SACL()}
	if !e.token().IsAppContainer() {
		return sd.New(p)
	}
	var aces []sd.ACE
	for _, s := range [...]sid.SID{e.anySID(), firstOf(e.token()), e.token().Package(), sid.AllRestrictedAppPackages} {
		if s.IsZero() {
			continue
		}
		if a, err := sd.NewACE(sd.AccessAllowed, 0, full|sacl, s); err == nil {
			aces = append(aces, a)
		}
	}
	if l, err := sd.NewACL(aces...); err == nil { // four entries always fit
		p.DACL = l
	}
	return sd.New(p)
}

// anySID returns a SID of the token that matches allow entries, or the zero SID if it has none.
func (e *engine) anySID() sid.SID {
	set, bits := e.token().SIDs(), e.token().AllowBits()
	for i := range set.Len() {
		if bits.Has(i) {
			return set.At(i)
		}
	}
	return sid.SID{}
}

// firstOf returns the first restricting SID, or the zero SID if the token has none. The order is that of the token.
func firstOf(t *token.Token) sid.SID {
	if s := t.RestrictedSet(); s.Len() > 0 {
		return s.At(0)
	}
	return sid.SID{}
}

// intentUnder returns the rights of bits that mandatory policy leaves to backup or restore intent (F-20, A-54). d is
// the descriptor of the object; a nil d allows no right.
func (e *engine) intentUnder(d *sd.Descriptor, bits winnt.AccessMask) winnt.AccessMask {
	if d == nil { // The object's ceiling is not known, so nothing passes it (F-101).
		return 0
	}
	if bits == 0 || e.unlimited(d) {
		return bits
	}
	p := sd.Parts{Control: sd.DACLPresent, Owner: d.Owner(), Group: d.Group(), SACL: d.SACL(), DACL: ownerNothing}
	r := e.request(sd.New(p), maximum)
	r.Policies = nil
	r.Intent = access.Intent{Backup: true, Restore: true}
	dec, _ := access.SeAccessCheck(r)
	return bits & dec.Granted
}

// ownerNothing is a list that grants nothing, not even to the owner.
var ownerNothing = func() *sd.ACL {
	a, err := sd.NewACE(sd.AccessAllowed, 0, 0, sid.OwnerRights)
	if err != nil {
		return new(sd.ACL)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		return new(sd.ACL)
	}
	return l
}()
