package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// explainAccess runs the access check of r again and returns the reason for each right, in the form of AccessReason.
// It returns nil for a malformed request.
func explainAccess(r *access.Request) []Reason {
	_, x, err := access.Explain(r)
	if err != nil {
		return nil
	}
	return Reasons(r, x)
}

// Reasons converts the explanation x of request r to the form of the event field AccessReason, with one reason for
// each right. Neither may be nil.
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

// reasonOf returns why one right was granted or denied, as the event field AccessReason shows it: the message code,
// and the deciding ACE, privilege or rule. If there is no code for the reason, the code is reasonUnknown.
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

// entryOf returns the ACE of the descriptor's SACL or DACL that decided, or the zero value if no ACE did. It is for
// reasons whose Index is that of an ACE, and not for central access rules.
func entryOf(d *sd.Descriptor, why *access.Reason) sd.ACE {
	if why.List == "SACL" {
		return d.SACL().At(why.Index)
	}
	return d.DACL().At(why.Index)
}

// entryText returns "D:" or "S:" and the SDDL of the ACE that decided. It returns "" if no ACE did, or if the ACE has
// no text form.
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

// rightsOf returns the rights that a requested mask stands for: it maps generic rights and removes MAXIMUM_ALLOWED.
func rightsOf(m *winnt.GenericMapping, mask winnt.AccessMask) winnt.AccessMask {
	return m.Map(mask) &^ winnt.MAXIMUM_ALLOWED
}
