package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the functions that begin and end an impersonation.
type (
	ImpersonateSelfIn struct {
		ImpersonationLevel winnt.SecurityImpersonationLevel
	}
	ImpersonateSelfOut        struct{}
	ImpersonateLoggedOnUserIn struct {
		Token winnt.Handle `param:"hToken"`
	}
	ImpersonateLoggedOnUserOut struct{}
	SetThreadTokenIn           struct {
		Thread winnt.Handle // 0 stands for NULL: the calling thread
		Token  winnt.Handle // 0 ends the impersonation
	}
	SetThreadTokenOut struct{}
	RevertToSelfIn    struct{}
	RevertToSelfOut   struct{}
)

var impersonateConditions = []nt.Condition{
	{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
	{Status: ntstatus.NoMemory, Rule: "I-41", When: "no memory for the impersonation record"},
	{Status: ntstatus.Success, Rule: "I-43",
		When: "the user may only be identified: the thread gets a copy at SecurityIdentification"},
}

var (
	rowImpersonateSelf = function(nt.Meta{Name: "ImpersonateSelf",
		Summary: "gives the thread an impersonation token of its own process",
		Conditions: append([]nt.Condition{
			{Status: ntstatus.BadImpersonationLevel, Rule: "T-30",
				When: "the thread impersonates below SecurityImpersonation already"},
			{Status: ntstatus.AccessDenied, Rule: "T-30", When: "the process token's DACL does not let the caller duplicate it"},
			{Status: ntstatus.InvalidParameter, Rule: "I-71", When: "ImpersonationLevel is above SecurityDelegation"},
		}, impersonateConditions...)},
		func(t *Thread, in ImpersonateSelfIn) (out ImpersonateSelfOut, st ntstatus.Status) {
			return out, t.impersonateSelf(in.ImpersonationLevel)
		})
	rowImpersonateLoggedOnUser = function(nt.Meta{Name: "ImpersonateLoggedOnUser",
		Summary: "lets the thread act as the user of a token",
		Conditions: append([]nt.Condition{
			{Status: ntstatus.InvalidHandle, Rule: "I-72", When: "hToken names no handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "I-72", When: "hToken is no token"},
			{Status: ntstatus.AccessDenied, Rule: "I-72",
				When: "hToken lacks TOKEN_QUERY and, for a primary token, TOKEN_DUPLICATE, " +
					"for an impersonation token TOKEN_IMPERSONATE"},
		}, impersonateConditions...)},
		func(t *Thread, in ImpersonateLoggedOnUserIn) (out ImpersonateLoggedOnUserOut, st ntstatus.Status) {
			return out, t.impersonateUser(in.Token)
		})
	rowSetThreadToken = function(nt.Meta{Name: "SetThreadToken", Summary: "sets or ends the impersonation of a thread",
		Conditions: of("NtSetInformationThread")},
		func(t *Thread, in SetThreadTokenIn) (out SetThreadTokenOut, st ntstatus.Status) {
			thread := in.Thread
			if thread == 0 {
				// SetThreadToken without a thread is for the calling one (I-71).
				thread = winnt.NtCurrentThread
			}
			return out, t.assign(thread, in.Token)
		})
	rowRevertToSelf = function(nt.Meta{Name: "RevertToSelf", Summary: "ends the impersonation of the calling thread",
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-51",
			When: "always; also when the thread was not impersonating"}}},
		func(t *Thread, _ RevertToSelfIn) (out RevertToSelfOut, st ntstatus.Status) {
			// Setting no token on the thread ends its impersonation.
			return out, t.assign(winnt.NtCurrentThread, 0)
		})
)

// assign calls NtSetInformationThread with the class for tokens (I-70).
func (t *Thread) assign(thread, token winnt.Handle) ntstatus.Status {
	return t.nt.NtSetInformationThread(thread, nt.ThreadImpersonationToken, token)
}

// impersonateSelf opens the process token in the caller's context, duplicates
// it at the level, and puts the duplicate on the thread; both handles are
// closed whatever happens (I-71).
func (t *Thread) impersonateSelf(level winnt.SecurityImpersonationLevel) ntstatus.Status {
	own, st := t.nt.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
	if !st.IsSuccess() {
		return st
	}
	defer t.nt.NtClose(own)
	dup, st := t.duplicate(own, winnt.TOKEN_IMPERSONATE, nil, level, winnt.TokenImpersonation)
	if !st.IsSuccess() {
		return st
	}
	defer t.nt.NtClose(dup)
	return t.assign(winnt.NtCurrentThread, dup)
}

// impersonateUser uses an impersonation token as it is and duplicates a primary
// one. No privilege is asked for: I-42 decides the level that the thread gets,
// so success may mean that the user is only identified (I-72).
func (t *Thread) impersonateUser(token winnt.Handle) ntstatus.Status {
	typ, st := t.tokenType(token)
	if !st.IsSuccess() {
		return st
	}
	if typ == winnt.TokenImpersonation {
		return t.assign(winnt.NtCurrentThread, token)
	}
	dup, st := t.duplicateUser(token)
	if !st.IsSuccess() {
		return st
	}
	defer t.nt.NtClose(dup)
	return t.assign(winnt.NtCurrentThread, dup)
}

// duplicateUser duplicates a primary token for impersonation. Where its DACL
// does not let the caller ask for rights (T-45), the duplicate is asked for with
// those of the handle (T-44), which a logon gives in full.
func (t *Thread) duplicateUser(token winnt.Handle) (winnt.Handle, ntstatus.Status) {
	dup, st := t.duplicate(token, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY, nil, winnt.SecurityImpersonation,
		winnt.TokenImpersonation)
	if st == ntstatus.AccessDenied {
		return t.duplicate(token, 0, nil, winnt.SecurityImpersonation, winnt.TokenImpersonation)
	}
	return dup, st
}

// tokenType asks for the type, which needs TOKEN_QUERY.
func (t *Thread) tokenType(token winnt.Handle) (winnt.TokenType, ntstatus.Status) {
	v, st := t.nt.NtQueryInformationToken(token, winnt.TokenTypeInfo)
	typ, _ := v.(winnt.TokenType)
	return typ, st
}

// ImpersonateSelf gives the thread an impersonation token of its own process.
func (t *Thread) ImpersonateSelf(level winnt.SecurityImpersonationLevel) bool {
	_, ok := call(t, rowImpersonateSelf, ImpersonateSelfIn{level})
	return ok
}

// ImpersonateLoggedOnUser lets the thread act as the user of a token, or only
// identify him where I-42 says so: TRUE does not tell which.
func (t *Thread) ImpersonateLoggedOnUser(token winnt.Handle) bool {
	_, ok := call(t, rowImpersonateLoggedOnUser, ImpersonateLoggedOnUserIn{token})
	return ok
}

// SetThreadToken sets the impersonation token of a thread, 0 for the calling
// one; token 0 ends the impersonation.
func (t *Thread) SetThreadToken(thread, token winnt.Handle) bool {
	_, ok := call(t, rowSetThreadToken, SetThreadTokenIn{thread, token})
	return ok
}

// RevertToSelf ends the impersonation of the calling thread. A process that
// gets FALSE must not go on (I-51).
func (t *Thread) RevertToSelf() bool {
	_, ok := call(t, rowRevertToSelf, RevertToSelfIn{})
	return ok
}
