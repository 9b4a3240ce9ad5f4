package audit

import (
	"strconv"

	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// UnsafeElevationID is the number of the event UnsafeElevation. Windows has no
// such event. Its security events have much lower numbers.
const UnsafeElevationID = 64048

// Elevation describes a call of PsImpersonateClient, by which a thread gets the token Client, for [UnsafeElevation].
type Elevation struct {
	Thread        uint64 // id of the thread that impersonates
	SystemThread  bool   // it belongs to the system process
	KernelMode    bool   // the call came from kernel mode
	Client        *token.Token
	CopyOnOpen    bool
	EffectiveOnly bool
	Level         winnt.SecurityImpersonationLevel
}

// UnsafeElevation returns the event for a thread that got a stronger token than its process has.
// Origin.Subject.Primary is the process's token. ok is false if the call was safe. The event is written whatever the
// policy says, and the call succeeds in any case. These calls are unsafe:
//   - A call from kernel mode, if its thread is outside the system process and the token has a privilege or integrity
//     level that the process does not have. Code in that process can take the token from its thread (I-48).
//   - A call without CopyOnOpen at a level below the token's own. Opening the token of the thread then gives the
//     stronger token (I-99).
func UnsafeElevation(from Origin, call Elevation) (event Event, ok bool) {
	p := from.Subject.Primary
	if call.Client == nil || p == nil {
		return Event{}, false
	}
	var causes []string
	extra := call.Client.Present() &^ p.Present()
	// Code in a process can take a stronger token that the kernel gave to its thread (I-48).
	if call.KernelMode && !call.SystemThread {
		if extra != 0 {
			causes = append(causes, "Privilege")
		}
		if call.Client.Integrity() > p.Integrity() {
			causes = append(causes, "Integrity")
		}
	}
	// Opening the token of the thread gives a stronger one than the level set (I-99).
	if !call.CopyOnOpen && call.Level < tokenLevel(call.Client) {
		causes = append(causes, "Level")
	}
	if len(causes) == 0 {
		return Event{}, false
	}
	return elevationEvent(from, call, extra, causes), true
}

// tokenLevel returns the impersonation level at which code that opens the token itself can use it: the token's own,
// or Impersonation for a primary token.
func tokenLevel(t *token.Token) winnt.SecurityImpersonationLevel {
	if t.Type() == winnt.TokenPrimary {
		return winnt.SecurityImpersonation
	}
	return t.Level()
}

// elevationEvent returns the event UnsafeElevation for a thread that got a stronger token than its process has.
// extraPrivileges has those that only the client's token has, which may be none. causes has at least one of Privilege,
// Integrity and Level.
func elevationEvent(from Origin, call Elevation, extraPrivileges winnt.PrivilegeSet, causes []string) Event {
	p := from.Subject.Primary
	from.Subject.Client = nil // the process is the subject, the client the target
	var l fieldList
	from.appendSubject(&l)
	from.appendToken(&l, "Target", call.Client)
	l.hex("ThreadId", call.Thread)
	l.text("ImpersonationLevel", levelCode(call.Level))
	l.text("CopyOnOpen", yesNo(call.CopyOnOpen))
	l.text("EffectiveOnly", yesNo(call.EffectiveOnly))
	l.privileges("PrivilegeList", extraPrivileges)
	l.text("SubjectIntegrity", integrityText(p))
	l.text("TargetIntegrity", integrityText(call.Client))
	l.list("Cause", policyChanges, causes)
	from.appendProcess(&l)
	return Event{Header: Header{ID: UnsafeElevationID, Subcategory: SystemIntegrity}, fields: l}
}

// integrityText returns the token's integrity level as the text of a SID, S-1-16-0 for a token without one.
func integrityText(t *token.Token) string {
	return "S-1-16-" + strconv.FormatUint(uint64(t.Integrity()), 10)
}

// levelCode returns the message code of an impersonation level (U-57a).
func levelCode(l winnt.SecurityImpersonationLevel) string {
	// Each level has a message code (U-57a).
	switch l {
	case winnt.SecurityAnonymous:
		return "%%1831"
	case winnt.SecurityIdentification:
		return "%%1832"
	case winnt.SecurityImpersonation:
		return "%%1833"
	case winnt.SecurityDelegation:
		return "%%1840"
	}
	return absent
}

// yesNo returns the message code of a yes-or-no field (U-57a).
func yesNo(b bool) string {
	// Yes and no are message codes (U-57a).
	if b {
		return "%%1842"
	}
	return "%%1843"
}
