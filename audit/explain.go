package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// explainAccess returns the reason of each bit of a request. It runs the check again and returns nil if that is not
// possible.
func explainAccess(r *access.Request) []Reason {
	_, x, err := access.Explain(r)
	if err != nil {
		return nil
	}
	return Reasons(r, x)
}

// Reasons returns the explanation of a request in the form of AccessReason,
// with one reason for each bit.
func Reasons(r *access.Request, x *access.Explanation) []Reason {
	out := make([]Reason, 0, len(x.Reasons))
	for i := range x.Reasons {
		b := &x.Reasons[i]
		out = append(out, reasonOf(r, b))
	}
	return out
}

// plainCodes are the codes of reasons that need nothing else.
var plainCodes = map[access.ReasonKind]uint16{
	access.Owner:             reasonOwner,
	access.NullDacl:          reasonNullDACL,
	access.EmptyDacl:         reasonEmptyDACL,
	access.NoAce:             reasonNotGranted,
	access.RestrictedPass:    reasonNotGranted,
	access.IntegrityPolicy:   reasonIntegrity,
	access.AppContainerPass:  reasonAppContainer,
	access.KernelMode:        reasonUnknown,
	access.PreviouslyGranted: reasonUnknown,
	access.NotAsked:          reasonUnknown,
}

// reasonOf returns the reason of a right as records print it: the message code, and the deciding entry, privilege or
// rule. If records have no code for the reason, the code is reasonUnknown.
func reasonOf(r *access.Request, b *access.BitReason) Reason {
	out := Reason{Bits: b.Bit, Code: reasonUnknown}
	why := &b.Reason
	switch why.Kind {
	case access.AceAllow:
		out.Code, out.Entry = reasonGranted, entryText(r.Descriptor, why)
	case access.AceDeny:
		// A bit that the entry does not deny was left undecided when the
		// entry ended the walk.
		if a := entryOf(r.Descriptor, why); mappingOf(r).Map(a.Mask())&b.Bit != 0 {
			out.Code, out.Entry = reasonDenied, entryText(r.Descriptor, why)
		}
	case access.Privilege:
		out.Code, out.Name = reasonMissingPrivilege, why.Privilege.String()
		if b.Granted {
			out.Code = reasonGranted
		}
	case access.TrustLabel:
		out.Code, out.Entry = reasonTrustLabel, entryText(r.Descriptor, why)
	case access.AccessFilter:
		out.Code, out.Entry = reasonNotGranted, entryText(r.Descriptor, why)
	case access.CentralAccessRule:
		out.Code, out.Name = reasonNotByCentralRule, why.Name
		if b.Granted {
			out.Code = reasonByCentralRule
		}
	default:
		if code, ok := plainCodes[why.Kind]; ok {
			out.Code = code
		}
	}
	return out
}

// entryOf returns the entry of the descriptor's SACL or DACL that a reason points to, or the zero value if it points
// to none. It is for reasons whose Index is that of an entry, and not for central access rules.
func entryOf(d *sd.Descriptor, why *access.Reason) sd.ACE {
	if why.List == "SACL" {
		return d.SACL().At(why.Index)
	}
	return d.DACL().At(why.Index)
}

// entryText returns "D:" or "S:" and the SDDL of the entry to which a reason points. It returns "" if the reason
// points to none, or if the entry has no text form.
func entryText(d *sd.Descriptor, why *access.Reason) string {
	a := entryOf(d, why)
	if a.IsZero() {
		return ""
	}
	text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
	if err != nil {
		return ""
	}
	if why.List == "SACL" {
		return "S:" + text
	}
	return "D:" + text
}

// rightsOf maps generic rights in a mask and removes MAXIMUM_ALLOWED.
func rightsOf(m *winnt.GenericMapping, mask winnt.AccessMask) winnt.AccessMask {
	return m.Map(mask) &^ winnt.MAXIMUM_ALLOWED
}
