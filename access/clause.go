package access

import (
	"strconv"

	"github.com/refmon/refmon/sd"
)

// Words returns why the check granted or denied a right, for people: "entry 1 of the DACL denies FILE_WRITE_DATA".
// Entries are counted from 1 (U-125). what is the name of the right, or "it".
func (r Reason) Words(granted bool, what string) string { return r.words(granted, what, r.entry()) }

// clause returns why the check decided the bit b, as [Reason.Words] does. It marks an ACE that was inherited. what is
// the name of the right, or "it".
func (x *Explanation) clause(b *BitReason, what string) string {
	r, entry := &b.Reason, b.Reason.entry()
	for i := range x.Steps {
		if s := &x.Steps[i]; s.ACE >= 0 && s.List == r.List && s.ACE == r.Index && s.entry.Flags()&sd.Inherited != 0 {
			entry += " (inherited)"
			break
		}
	}
	return r.words(b.Granted, what, entry)
}

// entry returns the text "entry 1 of the DACL", or "the DACL" for a reason about the whole list.
func (r Reason) entry() string {
	if r.Index < 0 {
		return "the " + r.List
	}
	return "entry " + strconv.Itoa(r.Index+1) + " of the " + r.List
}

// words implements [Reason.Words]. entry is the text for the ACE that decided.
func (r Reason) words(granted bool, what, entry string) string {
	switch r.Kind {
	case AceAllow:
		return entry + " allows " + what
	case AceDeny:
		return entry + " denies " + what
	case Owner:
		return "the owner has " + what + " implicitly"
	case Privilege:
		if granted {
			return r.Privilege.String() + " grants " + what
		}
		return r.Privilege.String() + " is not enabled"
	case NullDacl:
		return "there is no DACL, which grants everything"
	case EmptyDacl:
		return "the DACL is empty, which grants nothing"
	case NoAce:
		return "no entry grants " + what
	case IntegrityPolicy:
		if r.Index < 0 {
			return "the default integrity label forbids " + what
		}
		return "the integrity label, " + entry + ", forbids " + what
	case TrustLabel:
		return "the trust label, " + entry + ", forbids " + what
	case AccessFilter:
		return "the access filter, " + entry + ", leaves out " + what
	case CentralAccessRule:
		return "the central access rule " + strconv.Quote(r.Name) + " does not grant " + what
	case KernelMode:
		return "a caller in kernel mode has " + what
	case PreviouslyGranted:
		return "an earlier check granted " + what
	case NotAsked:
		return "the call failed before it checked " + what
	case RestrictedPass:
		return r.second(what+" to a restricting SID", entry)
	case AppContainerPass:
		return r.second(what+" to the package or its capabilities", entry)
	}
	return r.String()
}

// second returns the words for a right that the restricted pass or the AppContainer pass refused. what names the
// right and for whom it was refused, entry the ACE that denied it, if there is one.
func (r Reason) second(what, entry string) string {
	if r.Index < 0 {
		return "no entry grants " + what
	}
	return entry + " denies " + what
}
