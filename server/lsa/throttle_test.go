package lsa

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestWrongPasswordCountsPerAccountName checks which logons count as a failure of the name, and which reset its
// failures. Only the account's name counts, whatever its spelling (L-31, L-32).
func TestWrongPasswordCountsPerAccountName(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "Alice"}, "p")
	f.account(t, Account{Name: "out", Disabled: true}, "p")
	count := func(name string) int { return f.throttle.count(name).Count }
	ask := func(domain, name string, password logon.Secret, typ winnt.LogonType) {
		f.LogOn(logon.Request{Package: logon.Password, Type: typ, Domain: domain, Name: name, Password: password})
	}
	for _, c := range []struct {
		domain, name string
		password     logon.Secret
		typ          winnt.LogonType
		key          string
		want         int
	}{
		{"", "alice", "q", network, "ALICE", 1}, {"host", "ALICE", "q", network, "ALICE", 2},
		{"", `.\alice`, "q", network, "ALICE", 3}, {"", "alice@HOST", "q", network, "ALICE", 4},
		{"OTHER", "bob", "q", network, `OTHER\BOB`, 1}, {"", `OTHER\bob`, "q", network, `OTHER\BOB`, 2},
		{"OTHER", "alice", "q", network, "ALICE", 4}, {"", "alice@OTHER2", "q", network, "ALICE", 4},
		// All spellings of a name share one counter, whether or not an account has the name.
		{"", "bob", "q", network, "BOB", 1}, {"host", "Bob", "q", network, "BOB", 2},
		{"", `.\bob`, "q", network, "BOB", 3}, {"", "bob@HOST", "q", network, "BOB", 4},
		{"", "alice", logon.Secret(strings.Repeat("p", 1025)), network, "ALICE", 4},
		{"", "alice", "p", service, "ALICE", 4}, // the password was right; failures from other origins remain
		{"", "zo\xffe", "q", network, "ZO?E", 1}, {"", "zo\xfee", "q", network, "ZO?E", 2},
		{"", "out", "p", network, "OUT", 1}, {"", "out", "p", network, "OUT", 2},
		{"", "", "", network, "", 0}, {"", "", "x", network, "", 1},
	} {
		if ask(c.domain, c.name, c.password, c.typ); count(c.key) != c.want {
			t.Errorf("L-31: %s, %q: %d failures of %s, want %d", c.domain, c.name, count(c.key), c.key, c.want)
		}
	}
	// S4U needs no password and does not count.
	f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: "out"})
	check.Equal(t, count("OUT"), 2, "L-31: a logon by name is failure")
	f.reopen(t)
	if a, b := count("OUT"), count("ALICE"); a != 2 || b != 4 {
		t.Errorf("L-31: after a restart %d and %d failures, want 2, 4", a, b)
	}
	if err := f.Unlock("alice"); err != nil || count("ALICE") != 0 {
		t.Errorf("L-31: got %v and %d failures after Unlock, want none", err, count("ALICE"))
	}
	ask("", "alice", "p", network) // stored as a failure until the password was compared
	f.reopen(t)
	check.Equal(t, count("OUT"), 2, "L-31: failures of another account after Unlock")
	f.must(t, func(e *Edit) error { return e.DeleteAccount("out") })
	f.reopen(t) // failures of a deleted account
	check.Equal(t, count("OUT"), 0, "L-31: failures of no account")
	check.Equal(t, count("ALICE"), 0, "L-31: failures after a right password and a restart")
}

// TestLogonWithoutHasherCountsNothing checks that a logon without a free hasher compares no password and counts no
// failure, and that each slot is released after its use.
//
// +checklocksignore
func TestLogonWithoutHasherCountsNothing(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "p")
	leave := f.busy(t)
	hash := f.now.Load().accounts[1001].Hash
	f.attempts, f.changes = nil, nil
	if r, st := f.LogonPassword("alice", "q", network); st != ntstatus.InsufficientResources || len(f.attempts) > 0 ||
		!r.Account.SID.IsZero() || len(f.throttle.failures) > 0 || !r.Unchecked {
		t.Errorf("a logon: %v, %+v, %v, %v, unchecked %t", st, r.Account, f.attempts, f.throttle.failures, r.Unchecked)
	}
	check.That(t, f.now.Load().accounts[1001].Hash == hash, "the hash of the password changed, want it kept")
	leave()
	for i := range 3 {
		for _, c := range []struct {
			name     string
			password logon.Secret
			typ      winnt.LogonType
		}{{"alice", "p", network}, {"alice", "q", network}, {"zoe", "p", network}, {"alice", "p", service},
			{"alice", logon.Secret(strings.Repeat("p", 2000)), network}} {
			f.LogonPassword(c.name, c.password, c.typ)
		}
		f.must(t, func(e *Edit) error { return e.SetPassword("alice", "p") })
		for range hashers { // all slots are free
			check.RequireThat(t, f.throttle.hashing.Enter(cancelled(t), "x"),
				"round %d: no place for a password check, want one: all were given back", i)
		}
		for range hashers {
			f.throttle.hashing.Leave()
		}
	}
}

// TestWaitingLogonSeesDisabledAccount checks that a logon that waited for a hasher is decided by the account's state
// after the wait (L-35).
//
// +checklocksignore
func TestWaitingLogonSeesDisabledAccount(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "p")
	for range hashers {
		f.throttle.hashing.Enter(t.Context(), "x")
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, st := f.LogonPassword("alice", "p", network)
		check.Equal(t, st, ntstatus.AccountDisabled, "L-35: a logon that waited")
	})
	for f.throttle.hashing.Waiting() < 1 {
		runtime.Gosched()
	}
	f.must(t, func(e *Edit) error { return e.SetAccount("alice", func(a *Account) { a.Disabled = true }) })
	for range hashers {
		f.throttle.hashing.Leave()
	}
	waiting.Wait()
}

// TestEndLogonsCancelsWaitingLogons checks that a stop does not wait for the logons that have no hasher yet, and that
// neither they nor later ones compare a password or count as failures (W-19).
//
// +checklocksignore
func TestEndLogonsCancelsWaitingLogons(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "p")
	f.attempts = nil
	for range hashers {
		f.throttle.hashing.Enter(t.Context(), "x")
	}
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			_, st := f.LogonPassword("alice", "q", network)
			check.Equal(t, st, ntstatus.Cancelled, "W-19: a logon that waits")
		})
	}
	for f.throttle.hashing.Waiting() < 8 {
		runtime.Gosched()
	}
	f.EndLogons()
	waiting.Wait()
	for range hashers {
		f.throttle.hashing.Leave()
	}
	_, st := f.LogonPassword("alice", "p", network)
	check.Equal(t, st, ntstatus.Cancelled, "W-19: a later logon")
	check.That(t, len(f.attempts) == 0 && len(f.throttle.failures) == 0, "W-19: %v, %v", f.attempts, f.throttle.failures)
}

// cancelled returns a context that is done.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestStoredFailuresKeepTheirTimes checks that the stored failures of a name include the time of the first
// one and of the lock.
func TestStoredFailuresKeepTheirTimes(t *testing.T) {
	f := open(t, nil)
	first := f.clock.now()
	for i := range lockAfter + 2 {
		ok := f.throttle.attempt("X", fmt.Sprint(i), f.clock.now())
		kept := f.throttle.count("X")
		want := failures{Count: min(i+1, lockAfter), First: first}
		if i >= lockAfter-1 {
			want.Locked = first.Add(time.Duration(lockAfter-1)*time.Second + lockFor)
		}
		check.That(t, kept == want && ok == (i < lockAfter), "L-31: attempt %d: %+v, %t, want %+v", i, kept, ok, want)
		f.clock.pass(time.Second)
	}
	if f.throttle.locked("x", f.clock.now()) || !f.throttle.locked("X", f.clock.now()) ||
		f.throttle.locked("X", first.Add(99*time.Second+lockFor)) {
		t.Error("L-31: locked must be true for the failed name only, until its window ends")
	}
}

// TestCorrectPasswordUndoesLock checks that the hundredth attempt locks the name only if its password is wrong, and
// that a lock has ended at its last moment, when a new count begins (L-31).
func TestCorrectPasswordUndoesLock(t *testing.T) {
	f := open(t, nil)
	for i := range lockAfter {
		f.throttle.attempt("X", fmt.Sprint(i), f.clock.now())
	}
	f.throttle.succeed("X", "0")
	check.Equal(t, f.throttle.count("X"), failures{Count: lockAfter - 1, First: f.clock.now()}, "after the right one")
	check.That(t, f.throttle.attempt("X", "o", f.clock.now()) && f.throttle.locked("X", f.clock.now()), "no lock")
	f.clock.pass(lockFor)
	check.That(t, f.throttle.attempt("X", "o", f.clock.now()), "L-31: locked for longer than the lock")
	check.Equal(t, f.throttle.count("X"), failures{Count: 1, First: f.clock.now()}, "after the lock")
}

// TestConcurrentFailuresAreBothStored checks that the transactions of two concurrent failures run in any order, and the
// file has both failures after a restart (L-31).
func TestConcurrentFailuresAreBothStored(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "Alice"}, "p")
	rid := f.now.Load().names["ALICE"].RID()
	f.throttle.attempt("ALICE", "o", f.clock.now())
	first := f.throttle.count("ALICE")
	f.throttle.attempt("ALICE", "o", f.clock.now())
	f.keepFailures(rid, "ALICE") // of the second attempt
	check.Require(t, first.Count, 1, "failures after the first attempt")
	f.keepFailures(rid, "ALICE") // of the first attempt, whose transaction runs later
	f.reopen(t)
	check.Equal(t, f.throttle.count("ALICE").Count, 2, "L-31: failures after a restart")
}

// TestClockSetBackDoesNotProlongLock checks that a restart after the clock was set back keeps a lock, but for no longer
// than a lock lasts (L-31).
func TestClockSetBackDoesNotProlongLock(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "Alice"}, "p")
	rid := f.now.Load().names["ALICE"].RID()
	for i := range lockAfter {
		f.throttle.attempt("ALICE", fmt.Sprint(i), f.clock.now())
	}
	f.keepFailures(rid, "ALICE")
	f.clock.pass(-365 * 24 * time.Hour)
	f.reopen(t)
	now := f.clock.now()
	check.Equal(t, f.throttle.count("ALICE"), failures{Count: lockAfter, First: now, Locked: now.Add(lockFor)},
		"L-31: failures after the clock was set back")
}
