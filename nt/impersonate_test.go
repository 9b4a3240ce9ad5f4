package nt_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	server = "S-1-5-21-1-2-3-1500"
	alice  = "S-1-5-21-1-2-3-1107"
	bob    = "S-1-5-21-1-2-3-1108"
)

// world is a server thread with SeImpersonatePrivilege.
type world struct {
	tb  testing.TB
	sys *kernel.System
	th  *nt.Thread
	k   *kernel.KernelThread
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{tb: tb, sys: kernel.Boot(kernel.Config{})}
	tb.Cleanup(func() { check.NoError(tb, w.sys.Close()) })
	s := token.StandardUser(sid.MustParse(server))
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	v, err := token.New(s)
	check.NoError(tb, err)
	p := check.Must(w.sys.NewProcess("server", v))
	if w.th, err = p.NewThread(); err != nil {
		tb.Fatal(err)
	}
	w.k = w.sys.KernelMode(w.th)
	return w
}

// client is a handle of the server to an impersonation token of that user.
func (w *world) client(user string, level winnt.SecurityImpersonationLevel, rights winnt.AccessMask) winnt.Handle {
	w.tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = winnt.TokenImpersonation, level
	v := check.Must(token.New(s))
	t := w.k.CaptureToken(v, w.k.Thread())
	defer w.k.PsDereferenceImpersonationToken(t)
	h, st := w.k.ObOpenObjectByPointer(t, 0, rights, winnt.TokenObject, kernel.KernelMode)
	if !st.IsSuccess() {
		w.tb.Fatal(st)
	}
	return h
}

// who returns the thread's effective user.
func (w *world) who() string {
	w.tb.Helper()
	v, st := w.th.NtQueryInformationToken(winnt.NtCurrentEffectiveToken, winnt.TokenUser)
	if !st.IsSuccess() {
		return st.String()
	}
	return v.(token.Group).SID.String()
}

func (w *world) expect(want string) {
	w.tb.Helper()
	check.Equal(w.tb, w.who(), want, "the thread acts as")
}

// I-76: reverts can be nested, restore the previous state, and can be called again.
func TestNestedRevertsRestorePreviousToken(t *testing.T) {
	w := newWorld(t)
	a, b := w.client(alice, winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE), w.client(bob,
		winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE)
	outer := check.Must(w.th.Impersonate(a))
	w.expect(alice)
	inner := check.Must(w.th.Impersonate(b))
	w.expect(bob)
	self, err := w.th.Impersonate(0) // I-51: no client, until reverted
	check.NoError(t, err)
	w.expect(server)
	self()
	w.expect(bob)
	inner()
	inner()
	w.expect(alice)
	outer()
	w.expect(server)
	inner()
	outer()
	w.expect(server)
}

// I-76: a failure changes nothing and returns a revert that does nothing.
func TestFailedImpersonateChangesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.client(alice, winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE)
	revert := check.Must(w.th.Impersonate(a))
	defer revert()
	weak := w.client(bob, winnt.SecurityImpersonation, winnt.TOKEN_QUERY)
	nothing, err := w.th.Impersonate(weak)
	check.That(t, errors.Is(err, fs.ErrPermission) && nothing != nil,
		"Impersonate through a handle without TOKEN_IMPERSONATE: %v, want fs.ErrPermission", err)
	w.expect(alice)
	nothing()
	w.expect(alice)
	if _, err := w.th.Impersonate(0xDEAD0); !errors.Is(err, ntstatus.InvalidHandle.Err()) {
		t.Errorf("Impersonate through no handle: %v, want STATUS_INVALID_HANDLE", err)
	}
	w.expect(alice)
}

// IC-61, I-76: As reverts when its function returns, fails or panics, and does
// not run it when impersonating failed.
func TestAsRevertsOnErrorAndPanic(t *testing.T) {
	w := newWorld(t)
	a := w.client(alice, winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE)
	broken := errors.New("broken")
	check.ErrorIs(t, w.th.As(a, func() error { w.expect(alice); return broken }), broken, "As")
	w.expect(server)
	w.th.Trace(&recorder{}) // a traced thread reverts too
	func() {
		defer func() {
			p := recover()
			check.That(t, p == "out of order", `the panic became %v, want "out of order"`, p)
		}()
		_ = w.th.As(a, func() error { panic("out of order") })
	}()
	w.expect(server)
	ran := false
	for _, token := range []winnt.Handle{0xDEAD0, 0} { // 0 is the handle of a failed open
		err := w.th.As(token, func() error { ran = true; return nil })
		check.That(t, errors.Is(err, ntstatus.InvalidHandle.Err()) && !ran,
			"As with the token %#x: %v, ran %t, want STATUS_INVALID_HANDLE, false", token, err, ran)
	}
}

// I-76: a ticket restores once; used up or unknown, it does nothing.
func TestTicketRestoresOnce(t *testing.T) {
	w := newWorld(t)
	s := w.th.Services()
	a := w.client(alice, winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE)
	k := s.SaveImpersonation()
	if st := w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, a); !st.IsSuccess() {
		t.Fatal(st)
	}
	s.RestoreImpersonation(k + 100)
	w.expect(alice)
	s.RestoreImpersonation(k)
	w.expect(server)
	if st := w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, a); !st.IsSuccess() {
		t.Fatal(st)
	}
	s.RestoreImpersonation(k)
	w.expect(alice)
	s.SaveImpersonation() // never used: closing the system gives its reference back
}

// A saved impersonation stays with the thread until it is replaced; a failed impersonation does not replace it
// (I-76).
func TestFailedImpersonationKeepsSavedOne(t *testing.T) {
	w := newWorld(t)
	check.NoError(t, check.Err(w.th.Impersonate(w.client(alice, winnt.SecurityImpersonation, winnt.TOKEN_IMPERSONATE))))
	ticket := w.th.Services().SaveImpersonation()
	w.expect(alice)
	w.th.Services().RestoreImpersonation(ticket)
	w.expect(alice)
	for _, h := range []winnt.Handle{4000, w.client(bob, winnt.SecurityImpersonation, winnt.TOKEN_QUERY)} {
		revert, err := w.th.Impersonate(h)
		check.That(t, err != nil, "Impersonate(%v): no error, want one", h)
		w.expect(alice)
		revert()
		w.expect(alice)
	}
	_, _, before := w.sys.Counts()
	for range 10 {
		check.That(t, check.Err(w.th.Impersonate(4000)) != nil, "Impersonate of a handle that is none: no error, want one")
	}
	_, _, n := w.sys.Counts()
	check.That(t, n == before, "%d references after impersonations that failed, %d before, want %d", n, before, before)
}
