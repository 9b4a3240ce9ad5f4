package nt

import (
	"github.com/refmon/refmon/winnt"
)

// Impersonate makes the thread act with an impersonation token and returns
// the function that puts back what was there before. revert is never nil, may
// be called more than once and cannot fail; calls nest, the inner revert first
// (I-76). On error the thread's context is unchanged and revert does nothing.
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

// As runs fn while the thread impersonates with token. It never runs fn when
// impersonating failed, and always reverts, also when fn panics (I-76).
// The error is that of [Thread.Impersonate], or else the one fn returned, as it is.
func (t *Thread) As(token winnt.Handle, fn func() error) error {
	revert, err := t.Impersonate(token)
	if err != nil {
		return err
	}
	defer revert()
	return fn()
}
