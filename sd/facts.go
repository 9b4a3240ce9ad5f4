package sd

import "github.com/refmon/refmon/sid"

// Facts is a bit set that says which special kinds of entries a list has. An access check tests this one word instead
// of searching for entries that are nearly always absent. Inherit-only entries count only for HasExtras and
// HasOthers. The zero value is a list of plain entries.
type Facts uint16

// Facts, one bit each.
const (
	HasOwnerRights       Facts = 1 << iota // an entry for S-1-3-4, of any type
	HasPrincipalSelf                       // an entry for S-1-5-10
	HasMandatoryLabel                      // type 0x11
	HasResourceAttribute                   // type 0x12
	HasScopedPolicy                        // type 0x13
	HasTrustLabel                          // type 0x14
	HasAccessFilter                        // type 0x15
	HasExtras                              // an entry that needs an Extra, inherit-only ones too
	HasOthers                              // an entry that neither allows nor denies plainly, inherit-only ones too
)

// systemFacts maps the types of entries that only matter in a SACL.
var systemFacts = [256]Facts{
	SystemMandatoryLabel:    HasMandatoryLabel,
	SystemResourceAttribute: HasResourceAttribute,
	SystemScopedPolicyID:    HasScopedPolicy,
	SystemProcessTrustLabel: HasTrustLabel,
	SystemAccessFilter:      HasAccessFilter,
}

// FactsOf returns which special entries a compiled list has, so that a check can skip stages. It returns 0 for an
// empty list.
func FactsOf(entries []Entry) Facts {
	var f Facts
	for i := range entries {
		e := &entries[i]
		if e.Aux != -1 {
			f |= HasExtras
		}
		if e.Kind > AccessDenied {
			f |= HasOthers
		}
		if e.Flags&InheritOnly != 0 {
			continue
		}
		f |= systemFacts[e.Kind]
		if e.SID.Len() == sid.OwnerRights.Len() { // both have one sub-authority
			switch e.SID {
			case sid.OwnerRights:
				f |= HasOwnerRights
			case sid.PrincipalSelf:
				f |= HasPrincipalSelf
			}
		}
	}
	return f
}

// Facts returns which special kinds of entries the list has, as computed when it was made. For a nil list it returns
// 0.
func (l *ACL) Facts() Facts {
	if l == nil {
		return 0
	}
	return l.facts
}
