package lint

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// onlyFirst maps entry types to the rule by which only the first entry that is not inherit-only counts.
var onlyFirst = map[sd.Type]string{
	sd.SystemMandatoryLabel: "A-60", sd.SystemProcessTrustLabel: "A-64", sd.SystemScopedPolicyID: "A-100",
}

const labelPolicy = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP | winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP |
	winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP

// checkSACL adds findings for SACL entries that have no effect, and checks labels, filters and attributes. It ignores
// inherit-only labels, filters and attributes. A second entry of a type in onlyFirst is a finding. Without a SACL there
// are no findings.
func (l *linter) checkSACL() {
	first := map[sd.Type]int{}
	var names []claims.Attribute
	for i, a := range l.d.SACL().All() {
		t := a.Type()
		l.checkInheritance("SACL", i, a)
		l.checkTrustee("SACL", i, a)
		switch {
		case t.Layout() == sd.LayoutUnknown:
			l.add("SACL", i, a, UnknownType, "", "drop the entry", "the type %s is unknown and does nothing", t)
			continue
		case !t.IsSystem():
			l.add("SACL", i, a, WrongList, "", "move it to the DACL, or drop it",
				"an entry of this type does nothing in a SACL")
			continue
		case t.IsAudit() && a.Flags()&(sd.SuccessfulAccess|sd.FailedAccess) == 0:
			l.add("SACL", i, a, NoOutcome, "", "add SA, FA or both",
				"it is for neither success (SA) nor failure (FA), so it audits nothing")
		}
		if a.Flags()&sd.InheritOnly != 0 {
			continue
		}
		if rule, ok := onlyFirst[t]; ok {
			if j, seen := first[t]; seen {
				l.add("SACL", i, a, SecondOfKind, rule, drop(a),
					"only the first entry of its type counts, which is entry %d", j+1)
				continue
			}
			first[t] = i
		}
		switch t {
		case sd.SystemMandatoryLabel:
			l.checkLabel(i, a)
		case sd.SystemAccessFilter:
			l.checkFilter(i, a)
		case sd.SystemResourceAttribute:
			names = l.checkAttribute(i, a, names)
		}
	}
}

// checkLabel checks a mandatory label. It adds at most one finding.
func (l *linter) checkLabel(i int, a sd.ACE) {
	switch {
	case a.SID().Authority() != 16 || a.SID().SubAuthorities() == 0:
		l.add("SACL", i, a, BadLabel, "A-60", "use LW, ME, HI or SI",
			"its SID is not an integrity level, so the object has the default label, Medium with no-write-up")
	case a.Mask()&labelPolicy == 0:
		l.add("SACL", i, a, NoPolicy, "A-62", "give it NW, NR or NX", "it forbids nothing to lower levels")
	}
}

// checkFilter checks the condition of an access filter. A condition that cannot be decoded is one that is never
// true.
func (l *linter) checkFilter(i int, a sd.ACE) {
	x, err := claims.Decode([]byte(a.AppData()))
	if err == nil && x.Outcomes(l.resource).Has(claims.True) {
		return
	}
	l.add("SACL", i, a, NeverTrue, "A-65", "mend the condition",
		"its condition is true for no token, so it limits everybody to its mask")
}

// checkAttribute checks a resource attribute. Of several with one name only the first counts. names has the
// attributes before it; the result has them with this one, if it counts. A malformed one is ignored.
func (l *linter) checkAttribute(i int, a sd.ACE, names []claims.Attribute) []claims.Attribute {
	v, err := claims.DecodeAttribute([]byte(a.AppData()))
	if err != nil {
		l.add("SACL", i, a, AlwaysUnknown, "A-110", "replace it", "the attribute cannot be read: %v", err)
		return names
	}
	for _, n := range names {
		if claims.EqualName(n.Name, v.Name) {
			l.add("SACL", i, a, SecondOfKind, "A-110", drop(a),
				"an entry before it gives the attribute %q, and the first counts", n.Name)
			return names
		}
	}
	return append(names, v)
}
