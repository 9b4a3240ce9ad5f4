package lsa

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestRejectedLogonsAreRecorded checks status, reason and account of each rejected logon, and the single record
// of each logon with a password (L-2, L-3, L-19, L-31 to L-36). The password is never in a record (L-32, L-35).
func TestRejectedLogonsAreRecorded(t *testing.T) {
	f, _ := openWatched(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "p")
	out := f.account(t, Account{Name: "out", Disabled: true}, "p")
	away := f.account(t, Account{Name: "atwinbind", UID: number(12)}, "p") // in no group that winbind does not tell
	nohash := f.account(t, Account{Name: "nohash"}, "")
	cut := f.account(t, Account{Name: "cut", UID: number(11)}, "") // the host cannot read the groups
	long := strings.Repeat("n", logon.MaxName)
	of := func(id sid.SID, name string) logon.Account {
		return logon.Account{SID: id, Use: winnt.SidTypeUser, Domain: "HOST", DomainSID: id.Prefix(), Name: name}
	}
	tcb := []token.Group{{SID: sid.Guests, Attributes: 7}}
	const password, s4u, lost = logon.Password, logon.S4U, ntstatus.LogonFailure
	for _, c := range []struct {
		what         string
		r            logon.Request
		said, reason ntstatus.Status
		account      logon.Account
		recorded     string // the name in the record, "" for no record
	}{
		{"groups without the privilege", logon.Request{Package: password, Name: "alice", Password: "p", Type: network,
			Groups: tcb}, ntstatus.PrivilegeNotHeld, 0, logon.Account{}, ""},
		{"groups and no package", logon.Request{Name: "alice", Groups: tcb}, ntstatus.PrivilegeNotHeld, 0, logon.Account{},
			""},
		{"no package", logon.Request{Name: "alice", Groups: tcb, Tcb: true}, ntstatus.NoSuchPackage, 0, logon.Account{}, ""},
		{"a password of 1024 bytes", logon.Request{Package: password, Name: "alice", Password: logon.Secret(long),
			Type: network}, lost, ntstatus.WrongPassword, of(alice, "alice"), "alice"},
		{"a password of 1025 bytes", logon.Request{Package: password, Name: "alice", Password: logon.Secret(long + "p"),
			Type: network}, lost, ntstatus.NameTooLong, logon.Account{}, "alice"},
		{"a name of 1024 bytes", logon.Request{Package: password, Name: long, Password: "p", Type: network}, lost,
			ntstatus.NoSuchUser, logon.Account{}, long[:64] + "…"},
		{"a name of 1025 bytes", logon.Request{Package: password, Name: long + "n", Password: "p", Type: network}, lost,
			ntstatus.NameTooLong, logon.Account{}, long[:64] + "…"},
		{"name and domain of 1024 bytes", logon.Request{Package: password, Name: long[:1020], Domain: "HOST", Password: "p",
			Type: network}, lost, ntstatus.NoSuchUser, logon.Account{}, long[:64] + "…"},
		{"name and domain of 1025 bytes", logon.Request{Package: password, Name: long[:1021], Domain: "HOST", Password: "p",
			Type: network}, lost, ntstatus.NameTooLong, logon.Account{}, long[:64] + "…"},
		{"a name of 64 bytes", logon.Request{Package: password, Name: long[:64], Password: "p", Type: network}, lost,
			ntstatus.NoSuchUser, logon.Account{}, long[:64]},
		{"a name cut in a character", logon.Request{Package: password, Name: "x" + strings.Repeat("é", 32), Password: "p",
			Type: network}, lost, ntstatus.NoSuchUser, logon.Account{}, "x" + strings.Repeat("é", 31) + "\uFFFD…"},
		{"a domain and its name", logon.Request{Package: password, Name: `HOST\alice`, Domain: "HOST", Password: "p",
			Type: network}, lost, ntstatus.NoSuchUser, logon.Account{}, `HOST\alice`},
		{"another domain", logon.Request{Package: password, Name: "alice", Domain: "CORP", Password: "p", Type: network},
			lost, ntstatus.NoSuchUser, logon.Account{}, "alice"},
		{"a group", logon.Request{Package: password, Name: "Administrators", Password: "no password", Type: network}, lost,
			ntstatus.NoSuchUser, logon.Account{}, "Administrators"},
		{"an unknown name", logon.Request{Package: password, Name: "zoe", Password: "no password", Type: network}, lost,
			ntstatus.NoSuchUser, logon.Account{}, "zoe"},
		{"no UTF-8", logon.Request{Package: password, Name: "\xff\xfe", Password: "p", Type: network}, lost,
			ntstatus.NoSuchUser, logon.Account{}, "\uFFFD"},
		{"an empty password", logon.Request{Package: password, Name: "alice", Type: network}, lost,
			ntstatus.WrongPassword, of(alice, "alice"), "alice"},
		{"an account without a password", logon.Request{Package: password, Name: "nohash", Type: network}, lost,
			ntstatus.WrongPassword, of(nohash, "nohash"), "nohash"},
		{"the password of unknown names, of an account without one", logon.Request{Package: password, Name: "nohash",
			Password: "no password", Type: network}, lost, ntstatus.WrongPassword, of(nohash, "nohash"), "nohash"},
		{"an empty name", logon.Request{Package: password, Password: "p", Type: network}, lost, ntstatus.NoSuchUser,
			logon.Account{}, ""},
		{"disabled, wrong", logon.Request{Package: password, Name: "out", Password: "q", Type: network}, lost,
			ntstatus.WrongPassword, of(out, "out"), "out"},
		{"disabled, right, and of no type", logon.Request{Package: password, Name: "out", Password: "p", Type: 99},
			ntstatus.AccountDisabled, ntstatus.AccountDisabled, of(out, "out"), "out"},
		{"of no type", logon.Request{Package: password, Name: "alice", Password: "p", Type: 99}, ntstatus.InvalidLogonType,
			ntstatus.InvalidLogonType, of(alice, "alice"), "alice"},
		{"without the right", logon.Request{Package: password, Name: "alice", Password: "p", Type: service},
			ntstatus.LogonTypeNotGranted, ntstatus.LogonTypeNotGranted, of(alice, "alice"), "alice"},
		{"in the end granted", logon.Request{Package: password, Name: "alice", Domain: ".", Password: "p", Type: network},
			0, 0, of(alice, "alice"), "alice"},
		{"in the end granted, with two domains", logon.Request{Package: password, Name: `HOST\alice`, Domain: ".",
			Password: "p", Type: network}, 0, 0, of(alice, "alice"), `HOST\alice`},
		{"in the end granted, with a domain behind", logon.Request{Package: password, Name: "alice@host", Password: "p",
			Type: network}, 0, 0, of(alice, "alice"), "alice@host"},
		{"in the end granted, with a domain", logon.Request{Package: password, Name: "Alice", Domain: "host", Password: "p",
			Type: network}, 0, 0, of(alice, "alice"), "Alice"},
		{"with groups", logon.Request{Package: password, Name: "atwinbind", Password: "p", Type: network, Groups: tcb,
			Tcb: true}, 0, 0, of(away, "atwinbind"), "atwinbind"},
		{"by name, of another type", logon.Request{Package: s4u, Name: "out", Type: interactive, Tcb: true},
			ntstatus.InvalidLogonType, 0, logon.Account{}, ""},
		{"by name", logon.Request{Package: s4u, Name: "alice", Type: network, Groups: tcb, Tcb: true}, 0, 0,
			of(alice, "alice"), ""},
		{"by name, with groups without the privilege", logon.Request{Package: s4u, Name: "alice", Type: network,
			Groups: tcb}, ntstatus.PrivilegeNotHeld, 0, logon.Account{}, ""},
		{"by name, empty", logon.Request{Package: s4u, Type: network}, ntstatus.NoSuchUser, ntstatus.NoSuchUser,
			logon.Account{}, ""},
		{"by name, disabled", logon.Request{Package: s4u, Name: "out", Type: network}, ntstatus.AccountDisabled,
			ntstatus.AccountDisabled, of(out, "out"), ""},
		{"by name, without the host's groups", logon.Request{Package: s4u, Name: "cut", Type: network},
			ntstatus.NoLogonServers, ntstatus.NoLogonServers, of(cut, "cut"), ""},
		{"by name, unknown", logon.Request{Package: s4u, Name: "zoe", Type: network}, ntstatus.NoSuchUser,
			ntstatus.NoSuchUser, logon.Account{}, ""},
		{"by name, a group", logon.Request{Package: s4u, Name: "Administrators", Type: network}, ntstatus.NoSuchUser,
			ntstatus.NoSuchUser, logon.Account{}, ""},
		{"by name, without a number", logon.Request{Package: s4u, Name: "overflow", Type: network}, ntstatus.NoSuchUser,
			ntstatus.NoSuchUser, logon.Account{}, ""},
		{"by name, in no known group", logon.Request{Package: s4u, Name: "both", Type: network}, ntstatus.NoLogonServers, 0,
			logon.Account{}, ""},
		{"by name, whom winbind does not know", logon.Request{Package: s4u, Name: "away", Type: network},
			ntstatus.NoLogonServers, 0, logon.Account{}, ""},
		{"by name, of another domain", logon.Request{Package: s4u, Name: "dora", Domain: "CORP", Type: network},
			ntstatus.NoSuchUser, ntstatus.NoSuchUser, logon.Account{}, ""},
		{"by name, of two domains", logon.Request{Package: s4u, Name: `CORP\dora`, Domain: "Unix User", Type: network},
			ntstatus.NoSuchUser, ntstatus.NoSuchUser, logon.Account{}, ""},
		{"by name, of two domains, the host first", logon.Request{Package: s4u, Name: `Unix User\dora`, Domain: "CORP",
			Type: network}, ntstatus.NoSuchUser, ntstatus.NoSuchUser, logon.Account{}, ""},
	} {
		f.attempts = nil
		r, st := f.LogOn(c.r)
		check.That(t, st == c.said && r.Reason == c.reason && r.Account == c.account,
			"%s: %v for %v of %+v, want %v for %v of %+v", c.what, st, r.Reason, r.Account, c.said, c.reason, c.account)
		if (st == 0) == r.Token.User.SID.IsZero() || st != 0 && (len(r.Token.Groups) > 0 || r.Linked != nil) {
			t.Errorf("%s: %v with a token of %v, want a token only for a success", c.what, st, r.Token.User.SID)
		}
		unchecked := st == ntstatus.NoSuchPackage || st == ntstatus.PrivilegeNotHeld || r.Reason == ntstatus.NameTooLong
		check.Equal(t, r.Unchecked, unchecked, "U-92: %s: unchecked", c.what)
		want := []Attempt{{Name: c.recorded, Account: c.account, Granted: st == 0, Reason: c.reason.String()}}
		if c.recorded == "" && c.what != "an empty name" {
			want = nil
		}
		check.That(t, fmt.Sprint(f.attempts) == fmt.Sprint(want),
			"%s: recorded %+v, want %+v", c.what, f.attempts, want)
		check.That(t, st != 0 || in(r, sid.Guests) == (len(c.r.Groups) > 0),
			"L-33: %s: groups %v, want the added one: %t", c.what, r.Token.Groups, len(c.r.Groups) > 0)
		if c.r.Package == s4u && st == 0 {
			check.Equal(t, r.Token.Level, winnt.SecurityImpersonation, "L-36: %s: the level", c.what)
		}
	}
}

// busy occupies all hashers and all queue slots of one requester until leave is called.
func (f *fixture) busy(t *testing.T) (leave func()) {
	for range hashers {
		f.throttle.hashing.Enter(t.Context(), "program of "+sid.SID{}.String())
	}
	var waiting sync.WaitGroup
	for range waiters {
		waiting.Go(func() {
			if f.throttle.hashing.Enter(t.Context(), "program of "+sid.SID{}.String()) {
				f.throttle.hashing.Leave()
			}
		})
	}
	for f.throttle.hashing.Waiting() < waiters {
		runtime.Gosched()
	}
	return func() {
		for range hashers {
			f.throttle.hashing.Leave()
		}
		waiting.Wait()
	}
}
