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

// Reasons converts the explanation of a request to the form of the event field AccessReason, with one reason for each
// right. That of a right that the check did not reach is unknown. Neither may be nil.
func Reasons(request *access.Request, explanation *access.Explanation) []Reason {
	out := make([]Reason, 0, len(explanation.Reasons))
	for i := range explanation.Reasons {
		b := &explanation.Reasons[i]
		if explanation.Skipped(*b) {
			out = append(out, Reason{Bits: b.Bit, Code: reasonUnknown})
			continue
		}
		out = append(out, ReasonOf(request, b))
	}
	return out
}

// plainCodes are the codes of reasons that need nothing else.
var plainCodes = map[access.ReasonKind]uint16{
	access.Owner:             reasonOwner,
	access.NullDacl:          reasonNullDACL,
	access.EmptyDacl:         reasonEmptyDACL,
	access.NoAce:             ReasonNotGranted,
	access.RestrictedPass:    ReasonNotGranted,
	access.IntegrityPolicy:   reasonIntegrity,
	access.AppContainerPass:  reasonAppContainer,
	access.KernelMode:        reasonUnknown,
	access.PreviouslyGranted: reasonUnknown,
	access.NotAsked:          reasonUnknown,
}

// ReasonOf returns why one right was granted or denied, as the event field AccessReason shows it: the message code,
// and the deciding ACE, privilege or rule. If there is no code for the reason, the code is that of an unknown one. The
// check must have decided the right. Neither argument may be nil.
func ReasonOf(request *access.Request, bit *access.BitReason) Reason {
	out := Reason{Bits: bit.Bit, Code: reasonUnknown}
	why := &bit.Reason
	switch why.Kind {
	case access.AceAllow:
		out.Code, out.Entry = reasonGranted, decidingACEText(request.Descriptor, why)
	case access.AceDeny:
		out.Code, out.Entry = reasonDenied, decidingACEText(request.Descriptor, why)
	case access.Privilege:
		out.Code, out.Name = reasonMissingPrivilege, why.Privilege.String()
		if bit.Granted {
			out.Code = reasonGranted
		}
	case access.TrustLabel:
		out.Code, out.Entry = reasonTrustLabel, decidingACEText(request.Descriptor, why)
	case access.AccessFilter:
		out.Code, out.Entry = ReasonNotGranted, decidingACEText(request.Descriptor, why)
	case access.CentralAccessRule:
		out.Code, out.Name = reasonNotByCentralRule, why.Name
		if bit.Granted {
			out.Code = reasonByCentralRule
		}
	default:
		if code, ok := plainCodes[why.Kind]; ok {
			out.Code = code
		}
	}
	return out
}

// decidingACE returns the ACE of the descriptor's SACL or DACL that decided, or the zero value if no ACE did. It is
// for reasons whose Index is that of an ACE, and not for central access rules.
func decidingACE(descriptor *sd.Descriptor, reason *access.Reason) sd.ACE {
	if reason.List == "SACL" {
		return descriptor.SACL().At(reason.Index)
	}
	return descriptor.DACL().At(reason.Index)
}

// decidingACEText returns "D:" or "S:" and the SDDL of the ACE that decided. It returns "" if no ACE did, or if the
// ACE has no text form.
func decidingACEText(descriptor *sd.Descriptor, reason *access.Reason) string {
	a := decidingACE(descriptor, reason)
	if a.IsZero() {
		return ""
	}
	text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
	if err != nil {
		return ""
	}
	if reason.List == "SACL" {
		return "S:" + text
	}
	return "D:" + text
}

// requestedRights returns the rights for which a requested mask stands: it maps generic rights and removes
// MAXIMUM_ALLOWED.
func requestedRights(mapping *winnt.GenericMapping, requested winnt.AccessMask) winnt.AccessMask {
	return mapping.Map(requested) &^ winnt.MAXIMUM_ALLOWED
}
