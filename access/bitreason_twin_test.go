package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// bitReasons is the oracle of explanations. It handles requests that have no object types and that the call does not
// reject. It maps each bit to its reason. Each stage overwrites the reasons of earlier stages.
type bitReasons struct {
	*twin
	of   map[winnt.AccessMask]access.Reason
	last access.Reason // the reason that ended the check before it decided the other bits
}

// setAll sets the reason of all bits in a mask.
func (b *bitReasons) setAll(m winnt.AccessMask, r access.Reason) {
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		if m&bit != 0 {
			b.of[bit] = r
		}
	}
}

// setEnd sets the reason that ended the check.
func (b *bitReasons) setEnd(m winnt.AccessMask, r access.Reason) {
	b.last = r
	b.setAll(m, r)
}

// limit sets the reason of all bits outside m. It ended the check only if it refuses a bit of need.
func (b *bitReasons) limit(need, m winnt.AccessMask, r access.Reason) {
	if need&^m != 0 {
		b.last = r
	}
	b.setAll(^m, r)
}

func byPrivilege(p winnt.Privilege) access.Reason {
	return access.Reason{Kind: access.Privilege, Index: -1, Privilege: p}
}

// reasonsOf runs the stages in order.
func reasonsOf(r *access.Request) *bitReasons {
	b := &bitReasons{newTwin(r), map[winnt.AccessMask]access.Reason{}, access.Reason{}}
	defer func() { b.setAll(b.prev, access.Reason{Kind: access.PreviouslyGranted, Index: -1}) }() // they stay
	need := b.requested &^ b.prev
	var held winnt.AccessMask // rights granted by privileges
	for _, i := range []struct {
		on bool
		p  winnt.Privilege
		m  winnt.AccessMask
	}{{r.Intent.Backup, winnt.SeBackupPrivilege, 0x011200A9}, {r.Intent.Restore, winnt.SeRestorePrivilege,
		0x011F0116}} { // the rights that an intent grants
		if !b.max {
			i.m &= need
		}
		if i.m &^= b.prev | held; i.on && b.held(i.p) {
			held |= i.m
			b.setAll(i.m, byPrivilege(i.p))
		}
	}
	if need&^held&winnt.ACCESS_SYSTEM_SECURITY != 0 { // only a privilege grants it
		security := byPrivilege(winnt.SeSecurityPrivilege)
		if !b.held(winnt.SeSecurityPrivilege) {
			b.setEnd(winnt.ACCESS_SYSTEM_SECURITY, security)
			return b
		}
		held |= winnt.ACCESS_SYSTEM_SECURITY
		b.setAll(winnt.ACCESS_SYSTEM_SECURITY, security)
	}
	ceiling := b.limits(need)
	if !b.max && need&^ceiling != 0 { // if one right exceeds the limits, the check ends
		return b
	}
	held &= ceiling
	if need&ceiling&^held&winnt.WRITE_OWNER != 0 { // a privilege decides before any entry
		for _, p := range []winnt.Privilege{winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege} {
			if b.held(p) {
				held |= winnt.WRITE_OWNER
				b.setAll(winnt.WRITE_OWNER, byPrivilege(p))
				break
			}
		}
	}
	open := need &^ held
	if b.max {
		open = 0x0CFFFFFF // the rights that entries can grant
	}
	open &= ceiling
	b.ownerRights() // members of the owner group also have the owner's rights
	b.own &= open
	b.setAll(b.own, access.Reason{Kind: access.Owner, Index: -1})
	if open&^b.own == 0 && b.tok.Package.IsZero() {
		return b // no right is left for the lists
	}
	if open, ok := b.passes(b.r.Descriptor.DACL(), open, nil); ok {
		b.central(open)
	}
	return b
}

// limits applies the labels and filters of the SACL. Each is the reason for all bits that it excludes.
func (b *bitReasons) limits(need winnt.AccessMask) (ceiling winnt.AccessMask) {
	ceiling = b.ceiling()
	all := *b
	labels := 0
	for i, a := range b.r.Descriptor.SACL().All() {
		if a.Type() != sd.SystemProcessTrustLabel || a.Flags()&sd.InheritOnly != 0 || labels > 0 {
			continue
		}
		labels++
		alone := newTwin(all.r) // with the trust label only
		d := sd.New(sd.Parts{SACL: mustList(a)})
		r := *all.r
		r.Descriptor, alone.r, alone.tok.MandatoryPolicy = d, &r, 0
		if m := alone.ceiling(); m != ^winnt.AccessMask(0) {
			b.limit(need, m, access.Reason{Kind: access.TrustLabel, List: "SACL", Index: i})
		}
	}
	for i, a := range b.r.Descriptor.SACL().All() {
		if a.Type() == sd.SystemAccessFilter && a.Flags()&sd.InheritOnly == 0 &&
			b.condition(a.AppData(), userSide, true) != claims.True {
			b.limit(need, b.mapped(a.Mask())|winnt.ACCESS_SYSTEM_SECURITY, access.Reason{Kind: access.AccessFilter,
				List: "SACL", Index: i})
		}
	}
	if m := b.integrity(); m != ^winnt.AccessMask(0) {
		at := -1 // -1 for the default label, also if the first label is not a level
		for i, a := range b.r.Descriptor.SACL().All() {
			if a.Type() == sd.SystemMandatoryLabel && a.Flags()&sd.InheritOnly == 0 {
				if a.SID().Authority() == 16 {
					at = i
				}
				break
			}
		}
		b.limit(need, m, access.Reason{Kind: access.IntegrityPolicy, List: "SACL", Index: at})
	}
	return ceiling
}

// compareReasons compares each reason with the oracle's and counts the kinds that decided.
func compareReasons(t *testing.T, x *access.Explanation, r *access.Request, decided map[access.ReasonKind]int) {
	if len(r.ObjectTypes) > 0 {
		return
	}
	want := reasonsOf(r)
	bits := x.Asked | x.Decision.Granted
	if want.max {
		bits |= want.mapped(winnt.GENERIC_ALL)
	}
	once := map[access.ReasonKind]bool{}
	for i, got := range x.Reasons {
		w, found := want.of[got.Bit]
		if !found {
			w = want.last
		}
		if w.Kind == 0 {
			w = access.Reason{Kind: access.NoAce, Index: -1}
		}
		if !once[w.Kind] {
			once[w.Kind] = true
			decided[w.Kind]++
		}
		granted := x.Decision.Granted&got.Bit != 0
		switch w.Kind { // a denied request keeps the reasons of granted bits
		case access.AceAllow, access.Owner, access.NullDacl, access.PreviouslyGranted:
			granted = true
		case access.Privilege: // one that granted the bit, or the one that the request lacks
			granted = x.Decision.Status() != ntstatus.PrivilegeNotHeld
		}
		check.That(t, got.Reason == w && got.Granted == granted && bits&got.Bit != 0,
			"reason %d, of bit %v: %+v, want %+v, granted %t", i, got.Bit, got, w, granted)
		bits &^= got.Bit
	}
	check.That(t, bits == 0, "bits without a reason: %v, want none", bits)
}

// mustList returns an ACL with one entry.
func mustList(a sd.ACE) *sd.ACL {
	l, err := sd.NewACL(a)
	if err != nil {
		panic(err)
	}
	return l
}

// passes evaluates a list once for each kind of SIDs in the token. The list is the DACL, or that of a central rule,
// which is then the reason of all bits that it removes.
func (b *bitReasons) passes(l *sd.ACL, open winnt.AccessMask, rule *access.Reason) (left winnt.AccessMask, ok bool) {
	container, exempt := !b.tok.Package.IsZero(), winnt.AccessMask(0)
	if rule != nil {
		exempt = b.own // a rule does not remove implicit rights
	}
	if l == nil {
		return b.noList(open, exempt, rule)
	}
	for _, p := range []struct {
		side  side
		runs  bool
		limit winnt.AccessMask
		none  access.Reason // the reason if no entry decides
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

// noList is passes for a missing list. It grants all rights of the type, but nothing to an AppContainer.
func (b *bitReasons) noList(open, exempt winnt.AccessMask, rule *access.Reason) (left winnt.AccessMask, ok bool) {
	granted := open
	if b.max {
		granted &= b.own | b.mapped(winnt.GENERIC_ALL)&^twinDropped | b.requested
	}
	none, null := access.Reason{Kind: access.NoAce, Index: -1}, access.Reason{Kind: access.NullDacl, Index: -1}
	box := access.Reason{Kind: access.AppContainerPass, Index: -1}
	if rule != nil {
		none, box = *rule, *rule
	} else {
		b.setAll(granted&^b.own, null)
	}
	b.setAll(open&^granted, none)
	if left = granted; !b.tok.Package.IsZero() {
		left &= exempt
		b.setEnd(granted&^left, box)
	}
	return left, b.max || left == granted
}

// pass evaluates the list once. The first entry that applies to a bit decides it.
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
				b.setAll(m, access.Reason{Kind: access.AceAllow, List: "DACL", Index: i})
			}
		case "deny":
			r := access.Reason{Kind: none.Kind, List: "DACL", Index: i}
			if s == userSide {
				r.Kind = access.AceDeny
			}
			if rule != nil {
				r = *rule
			}
			if b.setEnd(m, r); !b.max {
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
	b.setAll(open, none)
	return granted, open == 0
}

// central applies the central access rules whose conditions hold. Each rule can only remove bits that
// the earlier rules still granted.
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
