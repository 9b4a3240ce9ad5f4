package domain

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/ldap"
)

// TestWhatIsTold: what the client hears and what the record has, of each answer of a directory: half an
// answer is none (D-20), that an account is locked is for the record (D-32), and each limit of an account
// has its own status (D-11, D-31; MS-ERREF 2.3.1).
func TestWhatIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		err            error
		status, reason ntstatus.Status
	}{
		"unknown":        {ldap.ErrUnknown, ntstatus.LogonFailure, ntstatus.NoSuchUser},
		"wrong":          {&ldap.WrongPassword{}, ntstatus.LogonFailure, ntstatus.WrongPassword},
		"locked":         {&ldap.WrongPassword{Locked: true}, ntstatus.LogonFailure, ntstatus.AccountLockedOut},
		"away":           {fmt.Errorf("x: %w", ldap.ErrAway), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"half an answer": {&ldap.Error{Why: "half"}, ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"anything else":  {errors.New("x"), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
	} {
		if r := refused(c.err); r.Status != c.status || r.Result.Reason != c.reason || !errors.Is(r, c.err) {
			t.Errorf("D-20, D-32: %s: %v, the record has %v", name, r.Status, r.Result.Reason)
		}
	}
	for restriction, want := range map[ldap.Restriction]ntstatus.Status{ldap.Disabled: 0xC0000072,
		ldap.Expired: 0xC0000193, ldap.Locked: 0xC0000234, ldap.MustChange: 0xC0000224, ldap.PasswordExpired: 0xC0000071,
		ldap.OutOfHours: 0xC000006F, ldap.OtherWorkstation: 0xC0000070, 99: 0xC000006E} {
		var r *Refused
		if err := forbidden(&ldap.Found{Restricted: restriction}); !errors.As(err, &r) || r.Status != want ||
			r.Result.Reason != want {
			t.Errorf("D-31: %v: %v, want %v", restriction, err, want)
		}
	}
}

// TestCounting: an attempt that is refused is not counted; failures are over a window after the first
// one, not after the last; other bounds count on from what was counted (D-25, D-33).
func TestCounting(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limit{PerName: 2, PerOrigin: 4, Now: func() time.Time { return now }}
	try := func(want bool, names ...string) {
		t.Helper()
		for _, n := range names {
			if got := l.attempt(n, "o", true); got != want {
				t.Errorf("D-25: %s: %v", n, got)
			}
		}
	}
	try(true, "a", "A")
	try(false, "a", "A", "a", "a")
	try(true, "b", "c") // the refused ones are none of the origin's four
	try(false, "d")
	l.Bound(3, 6)
	try(true, "a") // its third, the fifth of the origin
	try(false, "a")
	l.Bound(3, 5)
	try(false, "e")
	l = &Limit{PerName: 2, Now: func() time.Time { return now }}
	try(true, "a")
	now = now.Add(10 * time.Minute)
	try(true, "a")
	try(false, "a")
	now = now.Add(5*time.Minute - time.Second)
	try(false, "a")
	now = now.Add(time.Second) // fifteen minutes after the first
	try(true, "a")
}

// TestWhoseNames: a name is the domain's with exactly its name or its realm, in any case (D-27).
func TestWhoseNames(t *testing.T) {
	for _, named := range []string{"EXAMPLE", ""} {
		a := New(Authority{Realm: "EXAMPLE.TEST", Name: named})
		for _, c := range []struct {
			name, domain string
			want         bool
		}{
			{"x@EXAMPLE.TEST", "", true}, {"x@example.test", "", true}, {`EXAMPLE\x`, "", named != ""},
			{"x", "EXAMPLE.TEST", true},
			{"x", "example", named != ""}, {"x@SUB.EXAMPLE.TEST", "", false}, {"x@MYEXAMPLE.TEST", "", false},
			{"x@EXAMPLE.TEST.EVIL", "", false}, {`EXAMPLE2\x`, "", false}, {`EXAMPL\x`, "", false}, {"x", "OTHER", false},
			{"x@EXAMPLE.TEST", "OTHER", false}, {"x@EXAMPLE.TEST", "example.test", true}, {"x", "", false},
			{"", "EXAMPLE", false},
		} {
			name, _, ours := a.user(&logon.Request{Name: c.name, Domain: c.domain})
			if ours != c.want || ours && name != "x" {
				t.Errorf("D-27: named %q: %q of %q: %q, %v", named, c.name, c.domain, name, ours)
			}
		}
	}
}
