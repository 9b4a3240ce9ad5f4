package access_test

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// passes reads a list for each side of the token: the DACL, or that of a central rule, which is the
// reason then of all that it takes.
func (b *bitReasons) passes(l *sd.ACL, open winnt.AccessMask, rule *access.Reason) (left winnt.AccessMask, ok bool) {
	container, exempt := !b.tok.Package.IsZero(), winnt.AccessMask(0)
	if rule != nil {
		exempt = b.own // no rule takes the implicit rights
	}
	if l == nil {
		return b.noList(open, exempt, rule)
	}
	for _, p := range []struct {
		side  side
		runs  bool
		limit winnt.AccessMask
		none  access.Reason // where no entry decides
	}{
		{userSide, true, ^b.own, access.Reason{Kind: access.NoAce, Index: -1}},
		{restrictedSide, b.isRestricted(), ^b.own, access.Reason{Kind: access.RestrictedPass, List: "DACL", Index: -1}},
		{packageSide, container, ^exempt, access.Reason{Kind: access.AppContainerPass, List: "DACL", Index: -1}},
	} {
		if p.side == userSide && l.Len() == 0 {
			p.none.Kind = access.EmptyDacl // no entry grants anything
		}
		if p.side == restrictedSide && b.tok.WriteRestricted {
			p.limit &= b.writeBits()
		}
		if !p.runs || open&p.limit == 0 {
			continue
		}
		granted, ok := b.pass(l, p.side, open&p.limit, p.none, rule)
		if open = open&^p.limit | granted; !b.max && !ok {
			return open, false
		}
	}
	return open, true
}

// noList is passes where there is no list, which grants all that the type has, and an AppContainer
// nothing.
func (b *bitReasons) noList(open, exempt winnt.AccessMask, rule *access.Reason) (left winnt.AccessMask, ok bool) {
	granted := open
	if b.max {
		granted &= b.own | b.mapped(winnt.GENERIC_ALL)&^twinDropped | b.asked
	}
	none, null := access.Reason{Kind: access.NoAce, Index: -1}, access.Reason{Kind: access.NullDacl, Index: -1}
	box := access.Reason{Kind: access.AppContainerPass, Index: -1}
	if rule != nil {
		none, box = *rule, *rule
	} else {
		b.each(granted&^b.own, null)
	}
	b.each(open&^granted, none)
	if left = granted; !b.tok.Package.IsZero() {
		left &= exempt
		b.ends(granted&^left, box)
	}
	return left, b.max || left == granted
}

// pass reads the list once: the first entry that applies decides a bit.
func (b *bitReasons) pass(l *sd.ACL, s side, open winnt.AccessMask, none access.Reason,
	rule *access.Reason) (granted winnt.AccessMask, ok bool) {
	for i, a := range l.All() {
		m := b.mapped(a.Mask()) &^ twinDropped & open
		if m == 0 {
			continue
		}
		switch b.applies(s, a, false) {
		case "allow":
			if granted |= m; s == userSide && rule == nil {
				b.each(m, access.Reason{Kind: access.AceAllow, List: "DACL", Index: i})
			}
		case "deny":
			r := access.Reason{Kind: none.Kind, List: "DACL", Index: i}
			if s == userSide {
				r.Kind = access.AceDeny
			}
			if rule != nil {
				r = *rule
			}
			if b.ends(m, r); !b.max {
				return granted, false
			}
		default:
			continue
		}
		open &^= m
	}
	if rule != nil {
		none = *rule
	}
	b.each(open, none)
	return granted, open == 0
}

// central reads the rules that apply; each takes from what those before left.
func (b *bitReasons) central(open winnt.AccessMask) {
	ids := b.systemEntries(sd.SystemScopedPolicyID)
	if len(ids) == 0 || b.r.Policies == nil || len(b.r.Policies.Policies) == 0 {
		return
	}
	p := b.r.Policies.Find(ids[0].SID())
	if p == nil {
		b.passes(b.rules()[0], open, &access.Reason{Kind: access.CentralAccessRule, Name: "recovery policy"})
		return
	}
	for i, rule := range p.Rules {
		if rule.AppliesTo != nil && rule.AppliesTo.Eval(&twinEnv{b.twin, userSide, true}) != claims.True {
			continue
		}
		var ok bool
		if open, ok = b.passes(rule.Descriptor.DACL(), open, &access.Reason{Kind: access.CentralAccessRule, Index: i,
			Name: rule.Name}); !ok {
			return
		}
	}
}
