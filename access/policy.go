package access

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// PolicySet holds the configured central access policies. nil and the zero
// value mean that none are configured. Policy ids in descriptors then have no
// effect. Do not change it while checks use it.
type PolicySet struct {
	Policies []Policy
	// Recovery is the descriptor whose DACL applies to objects with a policy id that is not in the set. nil means
	// D:(A;;GA;;;BA)(A;;GA;;;SY)(A;;GA;;;OW).
	Recovery *sd.Descriptor
}

// Policy is a central access policy: rules that can only remove rights. The zero
// value has no rules and removes nothing. Source: MS-GPCAP 2.2, MS-DTYP 2.5.3.2.
type Policy struct {
	ID    sid.SID // S-1-17-…, as scoped policy id entries name it
	Name  string  // for explanations
	Rules []Rule
}

// Rule is a central access rule. The zero value applies to every object and limits
// only AppContainers.
type Rule struct {
	Name       string         // for explanations
	AppliesTo  *claims.Expr   // nil: to every object
	Descriptor *sd.Descriptor // its DACL limits access; nil or no DACL: only AppContainers
	// Staged is a proposal under test. The check does not evaluate it, so it never changes a decision.
	Staged *sd.Descriptor
}

// recovery is the default recovery policy, D:(A;;GA;;;BA)(A;;GA;;;SY)(A;;GA;;;OW):
// full access for administrators, the system and the owner, nothing for others
//
var recovery = func() *sd.Descriptor {
	var aces []sd.ACE
	for _, s := range []sid.SID{sid.Administrators, sid.LocalSystem, sid.OwnerRights} {
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, s)
		if err != nil {
			panic("access: recovery policy: " + err.Error())
		}
		aces = append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		panic("access: recovery policy: " + err.Error())
	}
	return sd.New(sd.Parts{DACL: l})
}()

// configured reports whether the set has any policy. Without one, the policy ids in a SACL have no effect.
func (s *PolicySet) configured() bool { return s != nil && len(s.Policies) > 0 }

// Find returns the policy with an id, or nil if the set does not contain it.
func (s *PolicySet) Find(id sid.SID) *Policy {
	if s == nil {
		return nil
	}
	for i := range s.Policies {
		if s.Policies[i].ID == id {
			return &s.Policies[i]
		}
	}
	return nil
}

// recoveryRule returns the only rule of the recovery policy, which applies if a SACL names an unknown policy. A set
// without a recovery descriptor has the built-in one.
func (s *PolicySet) recoveryRule() Rule {
	d := s.Recovery
	if d == nil {
		d = recovery
	}
	return Rule{Name: "recovery policy", Descriptor: d}
}

// centralPolicy removes from q.held the rights that not all applicable rules of the object's central access policy
// grant (stage 7). The recovery policy replaces an unknown policy. Rights from privileges and the owner's
// implicit rights remain. The result is false if the request is denied.
func (q *query) centralPolicy() bool {
	at := nextSACLEntry(q.sacl.entries, sd.SystemScopedPolicyID, 0)
	p := q.r.Policies.Find(q.sacl.entries[at].SID)
	// The object names a policy that is not configured: the recovery policy applies
	//
	if p == nil {
		rule := q.r.Policies.recoveryRule()
		return q.applyRule(&rule, 0)
	}
	// Each rule narrows the result of the one before, so the result is their intersection in any order. Without
	// MAXIMUM_ALLOWED the first rule that removes a right ends the check.
	for i := range p.Rules {
		if r := &p.Rules[i]; q.applies(r) && !q.applyRule(r, i) {
			return false
		}
	}
	return true
}

// applies reports whether a central access rule applies to the object: its resource condition is TRUE or nil. UNKNOWN
// means that it does not apply.
func (q *query) applies(rule *Rule) bool {
	// The condition of a rule is about the resource and is evaluated like one of an allow entry: it must be TRUE.
	holds := rule.AppliesTo == nil || q.evaluate(rule.AppliesTo, allow, userPass) == claims.True
	if !holds && q.tr != nil {
		q.tr.notApplicable(rule)
	}
	return holds
}

// applyRule removes from q.held the rights that a central access rule does not grant. index is the rule's index, for
// explanations. OWNER RIGHTS means the object's owner, who keeps the implicit rights. The result is false if
// a required bit is lost.
func (q *query) applyRule(rule *Rule, index int) bool {
	if q.tr != nil {
		q.tr.enterRule(rule, index)
		defer q.tr.leaveRule()
	}
	reading := *q
	reading.dacl = list{}
	reading.dacl.set(rule.Descriptor.DACL())
	ok := reading.readDACL(q.own)
	q.held = reading.held
	return ok
}
