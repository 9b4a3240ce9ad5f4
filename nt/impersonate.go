package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Impersonate makes the thread impersonate with an impersonation token. It
// returns a function that restores the previous state. revert is never nil, may
// be called more than once and cannot fail. Calls can nest, if the inner revert
// comes first (I-76). On an error the thread's context is unchanged, and revert
// does nothing.
//
//	revert, err := th.Impersonate(client)
//	if err != nil { return err }
//	defer revert()
func (t *Thread) Impersonate(token winnt.Handle) (revert func(), err error) {
	ticket, st := t.save()
	if !st.IsSuccess() {
		return func() {}, st.Err()
	}
	if st := t.NtSetInformationThread(winnt.NtCurrentThread, ThreadImpersonationToken, token); !st.IsSuccess() {
		t.restore(ticket)
		return func() {}, st.Err()
	}
	return func() { t.restore(ticket) }, nil
}

// As runs fn while the thread impersonates with token. It never runs fn if
// impersonation failed, and always reverts, even if fn panics (I-76). The error is
// that of [Thread.Impersonate], or the unchanged error of fn. Token 0, such as the
// handle of a failed open, is STATUS_INVALID_HANDLE: [Thread.Impersonate] would
// end the impersonation, and fn would run as the server.
func (t *Thread) As(token winnt.Handle, fn func() error) error {
	if token == 0 {
		return ntstatus.InvalidHandle.Err()
	}
	revert, err := t.Impersonate(token)
	if err != nil {
		return err
	}
	defer revert()
	return fn()
}
