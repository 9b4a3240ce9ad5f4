package lint

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// never are the rights that entries cannot grant or deny.
const never = winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY | winnt.GENERIC_RIGHTS

// entry holds the facts about an entry of a DACL that the checks need.
type entry struct {
	ace    sd.ACE
	bits   winnt.AccessMask // that it can decide for some token
	allow  bool
	deny   bool
	always bool // it applies to every token with its SID: no condition, no object type
	data   string
}

// checkDACL adds the findings about the DACL: about each entry, about idle entries and about their order. A missing or
// NULL DACL is a finding by itself. Inherit-only and audit entries are not tested for being idle.
func (l *linter) checkDACL() {
	list := l.d.DACL()
	if list == nil {
		how := "there is no DACL"
		if l.d.Control()&sd.DACLPresent != 0 {
			how = "the DACL is NULL"
		}
		l.add("DACL", -1, sd.ACE{}, NullDACL, "A-42", "give it one: D:(A;;FA;;;BA), or D: to grant nothing",
			"%s: everybody but an AppContainer has every right", how)
		return
	}
	es := make([]entry, list.Len())
	owners := 0
	for i, a := range list.All() {
		es[i] = l.entry(i, a)
		if a.SID() == sid.OwnerRights && a.Flags()&sd.InheritOnly == 0 {
			owners++
		}
	}
	for i := range es {
		e := &es[i]
		l.checkInheritance("DACL", i, e.ace)
		l.checkTrustee("DACL", i, e.ace)
		if !e.allow && !e.deny || e.ace.Flags()&sd.InheritOnly != 0 {
			continue
		}
		if e.ace.SID() == sid.OwnerRights && owners == 1 { // its mere presence removes rights of the owner
			continue
		}
		l.checkIdle(es, i)
	}
	l.checkOrder(list)
}

// entry returns the facts about entry i of the DACL, and reports problems that do not depend on other entries. An entry
// that decides nothing has neither allow nor deny set.
func (l *linter) entry(i int, a sd.ACE) entry {
	t := a.Type()
	e := entry{ace: a}
	switch {
	case t.Layout() == sd.LayoutUnknown:
		l.add("DACL", i, a, UnknownType, "A-70", "drop the entry", "the type %s is unknown and decides nothing", t)
		return e
	case t.IsSystem():
		l.add("DACL", i, a, WrongList, "A-70", "move it to the SACL, or drop it",
			"an entry of this type decides nothing in a DACL")
		return e
	}
	e.allow, e.deny = t.IsAllow(), t.IsDeny()
	// Generic rights are mapped; ACCESS_SYSTEM_SECURITY and MAXIMUM_ALLOWED no entry can grant.
	e.bits = l.typ.Mapping.Map(a.Mask()) &^ never
	_, typed := a.ObjectType()
	e.always = (t == sd.AccessAllowed || t == sd.AccessDenied) && !typed
	if t.IsCallback() {
		l.checkCondition(i, &e)
	}
	return e
}

// checkCondition reports a condition that is unknown for every token or leaves its entry without effect. It clears the
// bits of an allow entry that never allows, and of a deny entry that never denies. A condition that cannot be decoded
// is unknown for every token. Other data is ignored.
func (l *linter) checkCondition(i int, e *entry) {
	data := e.ace.AppData()
	if !claims.IsConditional([]byte(data)) {
		return // a resource manager may interpret the data
	}
	e.data = data
	// A condition that cannot be decoded is unknown for every token.
	o := claims.Outcomes(1 << claims.Unknown)
	if x, err := claims.Decode([]byte(data)); err == nil {
		o = x.Outcomes(l.resource)
	}
	effect := "so it allows nothing"
	if e.deny {
		effect = "so it denies as if it had none"
	}
	mend := "mend the condition: its types, its names, and that @Resource names an attribute the SACL has"
	switch {
	case o == 1<<claims.Unknown:
		l.add("DACL", i, e.ace, AlwaysUnknown, "A-112", mend, "its condition cannot be decided for any token, %s",
			effect)
	case e.allow && !o.Has(claims.True):
		l.add("DACL", i, e.ace, NeverTrue, "A-70", mend, "its condition is true for no token, %s", effect)
	case e.deny && o == 1<<claims.False:
		l.add("DACL", i, e.ace, NeverTrue, "A-70", mend,
			"its condition is false for every token, so it denies nothing")
	}
	if e.allow && !o.Has(claims.True) || e.deny && o == 1<<claims.False {
		e.bits = 0
	}
}

// resource returns an attribute of the object as the access check does: the first valid one with the name. It returns
// false if there is none.
func (l *linter) resource(name string) (claims.Attribute, bool) {
	for _, a := range l.d.SACL().All() {
		if a.Type() != sd.SystemResourceAttribute || a.Flags()&sd.InheritOnly != 0 {
			continue
		}
		if v, err := claims.DecodeAttribute([]byte(a.AppData())); err == nil && claims.EqualName(v.Name, name) {
			return v, true
		}
	}
	return claims.Attribute{}, false
}

// checkIdle reports an entry that changes no decision. Either no entry can decide its rights, or earlier entries decide
// them all whenever it applies. At most one finding is reported. A denial of rights that earlier entries granted
// already is reported by addLate.
func (l *linter) checkIdle(es []entry, i int) {
	e := &es[i]
	if e.bits == 0 {
		if l.typ.Mapping.Map(e.ace.Mask())&^never == 0 {
			l.add("DACL", i, e.ace, NeverDecides, "A-46", "drop the entry",
				"no entry grants or denies any of its rights")
		}
		return // otherwise condition has reported the entry
	}
	var decided, granted winnt.AccessMask
	var by, before []string
	for j := range i {
		f := &es[j]
		m := f.bits & e.bits
		if m == 0 || f.ace.Flags()&sd.InheritOnly != 0 || f.ace.SID() != e.ace.SID() ||
			e.ace.Type() == sd.AccessAllowedCompound {
			continue
		}
		if f.always && f.allow {
			granted |= m
			before = append(before, fmt.Sprint(j+1))
		}
		if m&^decided != 0 && covers(f, e) {
			decided |= m
			by = append(by, fmt.Sprint(j+1))
		}
	}
	// Earlier entries for the same SID have granted or denied all that this one is about.
	if e.bits&^decided == 0 {
		l.add("DACL", i, e.ace, NeverDecides, "A-71", drop(e.ace),
			"entry %s decides all its rights before it, for everybody it is for", strings.Join(by, ", "))
		return
	}
	if e.deny && e.bits&^decided&l.granted(es[i+1:]) == 0 {
		l.addLate(i, e, granted, before)
	}
}

// addLate reports the deny entry i as useless because it comes too late: no later entry grants the rights that it
// denies. granted has the rights that earlier entries, with the indexes in before, grant to the same SID; 0 for none.
func (l *linter) addLate(i int, e *entry, granted winnt.AccessMask, before []string) {
	if granted != 0 {
		l.add("DACL", i, e.ace, UnreachableDeny, "A-71",
			"move it before entry "+before[0]+", if the refusal is meant to win",
			"entry %s grants the same SID %s before it, and nothing after it grants the rest: it denies nothing",
			strings.Join(before, ", "), l.rights(granted))
		return
	}
	l.add("DACL", i, e.ace, IdleDeny, "A-71", "move it before the entry whose grant it is to stop, or "+drop(e.ace),
		"nothing after it grants any of its rights, so it changes no decision")
}

// covers reports whether the earlier entry f decides whenever the entry e applies. e then decides none of their
// common rights. Both must have the same SID. If a token has the SID for deny only, deny entries apply and allow
// entries do not.
func covers(f, e *entry) bool {
	if f.always {
		return f.deny || e.allow
	}
	return f.data != "" && f.data == e.data && f.ace.Type() == e.ace.Type() && !f.ace.Type().IsObject()
}

// granted returns the rights that the entries grant to at least one token. A deny entry takes nothing away here. It
// returns 0 for no entries.
func (l *linter) granted(es []entry) (m winnt.AccessMask) {
	for i := range es {
		if es[i].allow && es[i].ace.Flags()&sd.InheritOnly == 0 {
			m |= es[i].bits
			if t := es[i].ace.Type(); t.IsCallback() && es[i].data == "" { // a resource manager decides about the entry
				m |= l.typ.Mapping.Map(es[i].ace.Mask())
			}
		}
	}
	return m
}

// drop returns the advice how to remove an entry without effect on this object. It differs for an entry that children
// inherit.
func drop(a sd.ACE) string {
	if a.Flags()&(sd.ObjectInherit|sd.ContainerInherit) != 0 {
		return "make it inherit-only (IO) if children need it, else drop it"
	}
	return "drop the entry"
}

// checkOrder reports the first entry that violates the canonical order, nothing if the list is canonical. A list that
// cannot be rebuilt has no finding.
func (l *linter) checkOrder(list *sd.ACL) {
	if sd.IsCanonical(list) {
		return
	}
	entries := list.Slice()
	for i := 1; i < len(entries); i++ {
		pair, err := sd.NewACL(entries[:i+1]...)
		if err != nil || sd.IsCanonical(pair) {
			continue
		}
		l.add("DACL", i, entries[i], NonCanonical, "", "if the order is not intended, sort it: refmon fmt --canonical",
			"canonical are explicit refusals first, then explicit grants (of each, those for one object type last), "+
				"then what is inherited; some editors refuse or rewrite a list in another order")
		return
	}
}

// checkTrustee reports the SIDs of an entry that no token has: unknown forms, and in a DACL a CREATOR OWNER or CREATOR
// GROUP that nothing inherits.
func (l *linter) checkTrustee(list string, i int, a sd.ACE) {
	for _, s := range []sid.SID{a.SID(), a.ClientSID()} {
		switch {
		case s.IsZero():
		case (s == sid.CreatorOwner || s == sid.CreatorGroup) && list == "DACL" &&
			a.Flags()&(sd.ObjectInherit|sd.ContainerInherit|sd.InheritOnly) == 0:
			l.add(list, i, a, Placeholder, "A-3", "name the owner, use OWNER RIGHTS (OW), or add OI CI IO",
				"%s is replaced when a child inherits the entry, and nothing inherits it: here it is for tokens that "+
					"hold %s itself", sid.Name(s), s)
		case !known(s):
			l.add(list, i, a, UnknownSID, "", "check it for a typing error", "%s", unknown(s))
		}
	}
}
