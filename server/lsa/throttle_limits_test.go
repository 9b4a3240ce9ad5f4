package lsa

import (
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// from logs on with a password through a program that passes the client's address.
func (f *fixture) from(origin, name string, password logon.Secret) ntstatus.Status {
	_, st := f.LogOn(logon.Request{Package: logon.Password, Type: network, Name: name, Password: password,
		Origin: origin, Caller: sid.LocalService})
	return st
}

// TestStrangersDoNotLockAnAccount checks that wrong passwords from a few addresses lock the name only for these
// addresses. The right password is accepted from all others (L-31).
func TestStrangersDoNotLockAnAccount(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "correct")
	for i := range 3 {
		stranger := fmt.Sprint("192.0.2.", i)
		for range 10 {
			check.Require(t, f.from(stranger, "alice", "guess"), ntstatus.LogonFailure, "L-31: a guess from %s", stranger)
		}
		check.Equal(t, f.from(stranger, "alice", "correct"), ntstatus.AccountLockedOut,
			"L-31: an address that guessed ten times")
		check.Equal(t, f.from("198.51.100.1", "alice", "correct"), ntstatus.Success, "L-31: the user, after %d strangers",
			i+1)
	}
	check.Equal(t, f.from("", "alice", "correct"), ntstatus.Success, "L-31: a program that names no address")
}

// TestGuessesAtANameAreBounded checks that a thousand addresses together can make a hundred guesses at a name in a
// quarter of an hour, also across a restart and while its user logs on. The user can still log on from its earlier
// address (L-31).
func TestGuessesAtANameAreBounded(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "correct")
	check.Success(t, f.from("198.51.100.1", "alice", "correct"))
	guesses := 0
	for i := range 40 {
		for range 3 {
			if st := f.from(fmt.Sprint("10.0.0.", i), "ALICE", "guess"); st == ntstatus.LogonFailure {
				guesses++
			}
		}
		if i%10 == 9 {
			check.Equal(t, f.from("198.51.100.1", "alice", "correct"), ntstatus.Success, "L-31: the user, after %d guesses",
				guesses)
		}
	}
	check.Equal(t, guesses, 100, "L-31: guesses that are checked")
	f.reopen(t)
	check.Equal(t, f.from("10.0.1.1", "alice", "correct"), ntstatus.AccountLockedOut,
		"L-31: another address after a restart")
	f.clock.pass(15*time.Minute + time.Second)
	check.Equal(t, f.from("10.0.1.1", "alice", "correct"), ntstatus.Success, "L-31: after a quarter of an hour")
}

// TestRequestCountsAgainstOrigin checks that a request counts against the address that it names, or against the
// program's user. Subordinate uids count against their owner (L-29, L-74).
func TestRequestCountsAgainstOrigin(t *testing.T) {
	f := open(t, nil)
	subuids(t, f, "1000:100000:65536\nalice:300000:10\n") // no Hosts know alice
	for _, c := range []struct {
		origin string
		caller sid.SID
		want   string
		named  bool
	}{
		{"192.0.2.1", sid.LocalService, "192.0.2.1", true}, {"2001:db8::1", sid.LocalService, "2001:db8::/64", true},
		{"", sid.LocalService, "program of S-1-5-19", false}, {"", f.UserSID(1000), "program of S-1-22-1-1000", false},
		{"", sid.MustParse("S-1-22-1-100000"), "program of S-1-22-1-1000", false},
		{"", sid.MustParse("S-1-22-1-165535"), "program of S-1-22-1-1000", false},
		{"", sid.MustParse("S-1-22-1-165536"), "program of S-1-22-1-165536", false},
		{"", sid.MustParse("S-1-22-1-300009"), "program of S-1-22-1-300000", false},
		{"", sid.MustParse("S-1-22-2-100000"), "program of S-1-22-2-100000", false},
		{"", sid.MustParse("S-1-5-1-100000"), "program of S-1-5-1-100000", false},
	} {
		if got, named := f.Requester(&logon.Request{Origin: c.origin, Caller: c.caller}); got != c.want || named != c.named {
			t.Errorf("L-74: %q, %v: %q, %v, want %q", c.origin, c.caller, got, named, c.want)
		}
	}
}
