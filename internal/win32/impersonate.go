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
		Thread winnt.Handle // 0 is NULL: the calling thread
		Token  winnt.Handle // 0 ends the impersonation
	}
	SetThreadTokenOut struct{}
	RevertToSelfIn    struct{}
	RevertToSelfOut   struct{}
)

var impersonateConditions = []nt.Condition{
	{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
	{Status: ntstatus.NoMemory, Rule: "I-41", When: "not enough memory for the impersonation state"},
	{Status: ntstatus.Success, Rule: "I-43",
		When: "success: the thread may only identify the user and gets a copy at SecurityIdentification"},
}

var (
	rowImpersonateSelf = function(nt.Meta{Name: "ImpersonateSelf",
		Summary: "makes the thread impersonate its own process",
		Conditions: append([]nt.Condition{
			{Status: ntstatus.BadImpersonationLevel, Rule: "T-30",
				When: "the thread impersonates below SecurityImpersonation already"},
			{Status: ntstatus.AccessDenied, Rule: "T-30", When: "the caller must not duplicate the process token"},
			{Status: ntstatus.InvalidParameter, Rule: "I-71", When: "ImpersonationLevel is above SecurityDelegation"},
		}, impersonateConditions...)},
		func(t *Thread, in ImpersonateSelfIn) (out ImpersonateSelfOut, st ntstatus.Status) {
			return out, t.impersonateSelf(in.ImpersonationLevel)
		})
	rowImpersonateLoggedOnUser = function(nt.Meta{Name: "ImpersonateLoggedOnUser",
		Summary: "makes the thread impersonate the user of a token",
		Conditions: append([]nt.Condition{
			{Status: ntstatus.InvalidHandle, Rule: "I-72", When: "hToken is not a valid handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "I-72", When: "hToken is not a token"},
			{Status: ntstatus.AccessDenied, Rule: "I-72",
				When: "hToken does not grant TOKEN_QUERY and, for a primary token, TOKEN_DUPLICATE, " +
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

// assign sets or clears a thread's impersonation token, with NtSetInformationThread (I-70). token 0 clears it.
func (t *Thread) assign(thread, token winnt.Handle) ntstatus.Status {
	return t.nt.NtSetInformationThread(thread, nt.ThreadImpersonationToken, token)
}

// impersonateSelf makes the thread impersonate its own process: it opens the process token in the caller's context,
// duplicates it at the level and assigns the duplicate. It closes both handles, also on an error (I-71).
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

// impersonateUser makes the thread impersonate the user of a token: it assigns an impersonation token, or a duplicate
// of a primary token. It requires no privilege: I-42 decides the level of the thread. Success may mean that the thread
// only identifies the user (I-72).
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

// duplicateUser duplicates a primary token for impersonation. If the token's DACL does not let the caller request
// rights (T-45), the duplicate gets the rights of the handle (T-44). A logon returns a handle with all rights.
func (t *Thread) duplicateUser(token winnt.Handle) (winnt.Handle, ntstatus.Status) {
	dup, st := t.duplicate(token, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY, nil, winnt.SecurityImpersonation,
		winnt.TokenImpersonation)
	if st == ntstatus.AccessDenied {
		return t.duplicate(token, 0, nil, winnt.SecurityImpersonation, winnt.TokenImpersonation)
	}
	return dup, st
}

// tokenType returns the type of a token. The handle needs TOKEN_QUERY.
func (t *Thread) tokenType(token winnt.Handle) (winnt.TokenType, ntstatus.Status) {
	v, st := t.nt.NtQueryInformationToken(token, winnt.TokenTypeInfo)
	typ, _ := v.(winnt.TokenType)
	return typ, st
}

// ImpersonateSelf makes the calling thread impersonate its process, with a copy of the token at the given level. If
// it fails, it returns false and sets the last error.
func (t *Thread) ImpersonateSelf(level winnt.SecurityImpersonationLevel) bool {
	_, ok := call(t, rowImpersonateSelf, ImpersonateSelfIn{level})
	return ok
}

// ImpersonateLoggedOnUser makes the thread impersonate the user of a token. If I-42 limits the thread to
// identification, it also returns TRUE.
func (t *Thread) ImpersonateLoggedOnUser(token winnt.Handle) bool {
	_, ok := call(t, rowImpersonateLoggedOnUser, ImpersonateLoggedOnUserIn{token})
	return ok
}

// SetThreadToken sets the impersonation token of a thread. Thread 0 is the calling thread. Token 0 ends the
// impersonation.
func (t *Thread) SetThreadToken(thread, token winnt.Handle) bool {
	_, ok := call(t, rowSetThreadToken, SetThreadTokenIn{thread, token})
	return ok
}

// RevertToSelf ends the impersonation of the calling thread. On FALSE the thread still impersonates, so the process
// must not continue (I-51).
func (t *Thread) RevertToSelf() bool {
	_, ok := call(t, rowRevertToSelf, RevertToSelfIn{})
	return ok
}
