package access

import (
	"strconv"

	"github.com/refmon/refmon/sd"
)

// Words returns why the check granted or denied a right, for people: "entry 1 of the DACL denies FILE_WRITE_DATA". It
// counts entries from 1 (U-125). right is the name of the right, or "it".
func (r Reason) Words(granted bool, right string) string { return r.words(granted, right, r.entry()) }

// clause returns the text for one bit of the explanation: why the check granted or denied it, as [Reason.Words] does.
// It marks an ACE that was inherited. right is the name of the right, or "it".
func (x *Explanation) clause(reason *BitReason, right string) string {
	r, entry := &reason.Reason, reason.Reason.entry()
	for i := range x.Steps {
		if s := &x.Steps[i]; s.ACE >= 0 && s.List == r.List && s.ACE == r.Index && s.entry.Flags()&sd.Inherited != 0 {
			entry += " (inherited)"
			break
		}
	}
	return r.words(reason.Granted, right, entry)
}

// entry returns the text "entry 1 of the DACL". A reason without an entry does not use it.
func (r Reason) entry() string { return "entry " + strconv.Itoa(r.Index+1) + " of the " + r.List }

// words implements [Reason.Words]. entryText names the ACE that decided.
func (r Reason) words(granted bool, right, entryText string) string {
	switch r.Kind {
	case AceAllow:
		return entryText + " allows " + right
	case AceDeny:
		return entryText + " denies " + right
	case Owner:
		return "the owner has " + right + " implicitly"
	case Privilege:
		if granted {
			return r.Privilege.String() + " grants " + right
		}
		return r.Privilege.String() + " is not enabled"
	case NullDacl:
		return "there is no DACL, which grants everything"
	case EmptyDacl:
		return "the DACL is empty, which grants nothing"
	case NoAce:
		return "no entry grants " + right
	case IntegrityPolicy:
		if r.Index < 0 {
			return "the default integrity label forbids " + right
		}
		return "the integrity label, " + entryText + ", forbids " + right
	case TrustLabel:
		return "the trust label, " + entryText + ", forbids " + right
	case AccessFilter:
		return "the access filter, " + entryText + ", leaves out " + right
	case CentralAccessRule:
		return "the central access rule " + strconv.Quote(r.Name) + " does not grant " + right
	case KernelMode:
		return "a caller in kernel mode has " + right
	case PreviouslyGranted:
		return "an earlier check granted " + right
	case NotAsked:
		return "the call failed before it checked " + right
	case RestrictedPass:
		return r.secondPassWords(right+" to a restricting SID", entryText)
	case AppContainerPass:
		return r.secondPassWords(right+" to the package or its capabilities", entryText)
	}
	return r.String()
}

// secondPassWords returns the words for a right that the restricted pass or the AppContainer pass refused. right is the
// name of the right and of the pass. entryText names the ACE that denied it, and is ignored if r has no ACE.
func (r Reason) secondPassWords(right, entryText string) string {
	if r.Index < 0 {
		return "no entry grants " + right
	}
	return entryText + " denies " + right
}
