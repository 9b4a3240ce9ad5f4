package services_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// In 10^5 rounds one thread impersonates, changes clients and reverts while another opens its token, directly and by
// copy. Each open succeeds or finds no token, and every reference is released (IC-66, IC-71, I-29).
func TestOpenTokenDuringImpersonateLeaksNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	_, k := w.thread(p)
	opener, ko := w.thread(p)
	a, b := w.token(k, client, winnt.SecurityImpersonation), w.token(k, "S-1-5-21-1-2-3-1002", winnt.SecurityDelegation)
	target := check.Result(ko.ObOpenObjectByPointer(k.Thread(), 0, winnt.THREAD_QUERY_INFORMATION, winnt.ThreadObject,
		kernel.KernelMode))
	own := opener.Services()
	ownBefore := opener
	objects, handles, references := w.sys.Counts()

	var done atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		for turn := 0; !done.Load(); turn++ {
			k.PsImpersonateClient(k.Thread(), a, false, false, winnt.SecurityImpersonation)
			k.PsImpersonateClient(k.Thread(), b, true, false, winnt.SecurityImpersonation) // I-23
			// On one processor the opener sees the state in which this thread yields.
			if turn%2 == 0 {
				runtime.Gosched()
			}
			k.PsRevertToSelf()
			k.PsImpersonateClient(k.Thread(), a, false, true, winnt.SecurityImpersonation) // I-6
			k.PsRevertToSelf()
			runtime.Gosched()
		}
	})
	opened, none := 0, 0
	const enough = 100_000 / scale
	for i := 0; i < enough || (opened == 0 || none == 0) && i < 100*enough; i++ {
		if i%64 == 0 {
			runtime.Gosched()
		}
		h, st := opener.NtOpenThreadToken(target, winnt.TOKEN_QUERY, true)
		switch st {
		case ntstatus.Success:
			opened++
			checkOpened(t, opener, h)
		case ntstatus.NoToken:
			none++
		default:
			t.Fatalf("NtOpenThreadToken: %s, want STATUS_SUCCESS or STATUS_NO_TOKEN", st)
		}
	}
	done.Store(true)
	all.Wait()
	k.PsRevertToSelf()
	t.Logf("opened %d, found none %d", opened, none)
	check.That(t, opened != 0 && none != 0, "%d opens succeeded and %d found no token, want some of both", opened, none)
	if o, h, r := w.sys.Counts(); o != objects || h != handles || r != references { // P-5
		t.Errorf("objects, handles, references: %d, %d, %d, want %d, %d, %d as before", o, h, r, objects, handles,
			references)
	}
	if opener != ownBefore || opener.Services() != own {
		t.Error("the opener's own impersonation state changed, want it unchanged") // P-6
	}
}

// checkOpened queries the user of an opened token and closes it.
func checkOpened(t *testing.T, th *nt.Thread, h winnt.Handle) {
	t.Helper()
	v := check.Result(th.NtQueryInformationToken(h, winnt.TokenStatistics))
	s := v.(nt.TokenStatistics)
	check.RequireThat(t, s.TokenType == winnt.TokenImpersonation &&
		s.ImpersonationLevel >= winnt.SecurityImpersonation, "opened token = %+v, want type %v at level %v or above",
		s, winnt.TokenImpersonation, winnt.SecurityImpersonation)
	check.Require(t, th.NtClose(h), ntstatus.Success, "closing the token")
}

// A thread reverts while another opens its token. The opener gets the token or nothing, and the thread stays reverted
// (IC-71, I-23, I-29).
func TestOpenTokenDuringRevertKeepsThreadReverted(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	_, k := w.thread(p)
	opener, ko := w.thread(p)
	a := w.token(k, client, winnt.SecurityImpersonation)
	target := check.Result(ko.ObOpenObjectByPointer(k.Thread(), 0, winnt.THREAD_QUERY_INFORMATION, winnt.ThreadObject,
		kernel.KernelMode))
	for range 20_000 / scale {
		k.PsImpersonateClient(k.Thread(), a, true, false, winnt.SecurityImpersonation)
		var start, all sync.WaitGroup
		start.Add(1)
		all.Go(func() {
			start.Wait()
			k.PsRevertToSelf()
		})
		start.Done()
		h, st := opener.NtOpenThreadToken(target, winnt.TOKEN_QUERY, true)
		all.Wait()
		check.RequireThat(t, st == ntstatus.Success || st == ntstatus.NoToken,
			"NtOpenThreadToken: %s, want STATUS_SUCCESS or STATUS_NO_TOKEN", st)
		if st == ntstatus.Success {
			checkOpened(t, opener, h)
		}
		check.RequireThat(t, !k.Thread().IsImpersonating(),
			"the thread impersonates again after it reverted, want no impersonation")
	}
	check.Equal(t, a.PointerCount(), 1, "pointer count of the token")
}

// One thread closes a handle while others use it. They see the token or an invalid handle, and the last user releases
// the last reference.
func TestCloseDuringUseReleasesLastReference(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	closer, k := w.thread(p)
	a := w.token(k, client, winnt.SecurityImpersonation)
	var users []*nt.Thread
	for range 2 {
		th, _ := w.thread(p)
		users = append(users, th)
	}
	for range 5_000 / scale {
		h := check.Result(k.ObOpenObjectByPointer(a, 0, winnt.TOKEN_ALL_ACCESS, winnt.TokenObject, kernel.KernelMode))
		var start, all sync.WaitGroup
		start.Add(1)
		for i, th := range users {
			all.Go(func() {
				start.Wait()
				callService(t, th, h, i)
			})
		}
		start.Done()
		check.Equal(t, closer.NtClose(h), ntstatus.Success, "NtClose during use")
		all.Wait()
	}
	check.Equal(t, a.PointerCount(), 1, "pointer count of the token")
}

// callService calls a service on a handle that another goroutine may close.
func callService(t *testing.T, th *nt.Thread, h winnt.Handle, kind int) {
	var st ntstatus.Status
	switch kind % 2 {
	case 0:
		var d winnt.Handle
		if d, st = th.NtDuplicateToken(h, 0, nil, false, winnt.TokenImpersonation); st == ntstatus.Success {
			// Another thread's close may close the duplicate if it reuses the handle value. Only this thread knows
			// that value.
			st = th.NtClose(d)
		}
	default:
		_, st = th.NtQueryInformationToken(h, winnt.TokenUser)
	}
	check.That(t, st == ntstatus.Success || st == ntstatus.InvalidHandle,
		"call of kind %d: %s, want STATUS_SUCCESS or STATUS_INVALID_HANDLE", kind, st)
}
