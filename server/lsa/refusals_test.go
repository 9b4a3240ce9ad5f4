package lsa

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestRefusedLogons: the status, the reason and the account of each refusal, one beside its neighbour, and the one
// record of each logon with a password (L-2, L-3, L-31 to L-36).
func TestRefusedLogons(t *testing.T) {
	f, _ := openWatched(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "p")
	out := f.account(t, Account{Name: "out", Disabled: true}, "p")
	away := f.account(t, Account{Name: "atwinbind", UID: number(12)}, "p") // in no group that winbind does not tell
	f.account(t, Account{Name: "nohash"}, "")
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
		{"a domain and its name", logon.Request{Package: password, Name: `HOST\alice`, Domain: "HOST", Password: "p",
			Type: network}, lost, ntstatus.NoSuchUser, logon.Account{}, `HOST\alice`},
		{"another domain", logon.Request{Package: password, Name: "alice", Domain: "CORP", Password: "p", Type: network},
			lost, ntstatus.NoSuchUser, logon.Account{}, "alice"},
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
		{"in the end granted, with a domain", logon.Request{Package: password, Name: "Alice", Domain: "host", Password: "p",
			Type: network}, 0, 0, of(alice, "alice"), "Alice"},
		{"with groups", logon.Request{Package: password, Name: "atwinbind", Password: "p", Type: network, Groups: tcb,
			Tcb: true}, 0, 0, of(away, "atwinbind"), "atwinbind"},
		{"by name, of another type", logon.Request{Package: s4u, Name: "out", Type: interactive, Tcb: true},
			ntstatus.InvalidLogonType, 0, logon.Account{}, ""},
		{"by name, disabled", logon.Request{Package: s4u, Name: "out", Type: network}, ntstatus.AccountDisabled,
			ntstatus.AccountDisabled, of(out, "out"), ""},
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
	} {
		f.attempts = nil
		r, st := f.LogOn(c.r)
		if st != c.said || r.Reason != c.reason || r.Account != c.account {
			t.Errorf("%s: %v for %v of %+v, want %v for %v of %+v", c.what, st, r.Reason, r.Account, c.said, c.reason, c.account)
		}
		if (st == 0) == r.Token.User.SID.IsZero() || st != 0 && (len(r.Token.Groups) > 0 || r.Linked != nil) {
			t.Errorf("%s: %v with a token of %v", c.what, st, r.Token.User.SID)
		}
		want := []Attempt{{Name: c.recorded, Account: c.account, Granted: st == 0, Reason: c.reason.String()}}
		if c.recorded == "" && c.what != "an empty name" {
			want = nil
		}
		if fmt.Sprint(f.attempts) != fmt.Sprint(want) {
			t.Errorf("%s: recorded %+v, want %+v", c.what, f.attempts, want)
		}
	}
}

// TestFailuresCount: which logons count as a failure of the name, and which forget those that were: the account's
// name alone, however it is written, counts (L-31).
func TestFailuresCount(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "Alice"}, "p")
	f.account(t, Account{Name: "out", Disabled: true}, "p")
	count := func(name string) int {
		f.door.mu.Lock()
		defer f.door.mu.Unlock()
		return f.door.failures[name].Count
	}
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
		{"OTHER", "bob", "q", network, "BOB", 1}, {"", `OTHER\bob`, "q", network, `OTHER\BOB`, 1},
		{"", "alice", logon.Secret(strings.Repeat("p", 1025)), network, "ALICE", 4},
		{"", "alice", "p", service, "ALICE", 0}, // the password was right
		{"", "zo\xffe", "q", network, "ZO?E", 1}, {"", "zo\xfee", "q", network, "ZO?E", 2},
		{"", "out", "p", network, "OUT", 1}, {"", "out", "p", network, "OUT", 2},
		{"", "", "", network, "", 0}, {"", "", "x", network, "", 1},
	} {
		if ask(c.domain, c.name, c.password, c.typ); count(c.key) != c.want {
			t.Errorf("L-31: %s, %q: %d failures of %s, want %d", c.domain, c.name, count(c.key), c.key, c.want)
		}
	}
	// S4U needs no password, and counts for nothing.
	f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: "out"})
	if n := count("OUT"); n != 2 {
		t.Errorf("L-31: a logon by name is failure %d", n)
	}
	f.reopen(t)
	if a, b := count("OUT"), count("ALICE"); a != 2 || b != 0 {
		t.Errorf("L-31: after a restart %d and %d failures", a, b)
	}
	f.must(t, func(e *Edit) error { return e.DeleteAccount("out") })
	f.reopen(t) // failures of an account that is no more
	if n := count("OUT"); n != 0 {
		t.Errorf("L-31: %d failures of no account", n)
	}
}

// TestRootIs: the account that uid 0 is, of each kind that a name can be, and what is wrong with the name (L-26).
func TestRootIs(t *testing.T) {
	for _, c := range []struct {
		root    string
		status  ntstatus.Status
		user    string // M for this computer's part
		account string
		trouble string
	}{
		{"", 0, "S-1-22-1-0", "root", ""}, {"boss", 0, "M-1001", "boss", ""}, {"host\\BOSS", 0, "M-1001", "boss", ""},
		{"out", ntstatus.AccountDisabled, "", "", ""}, {"SYSTEM", 0, "S-1-5-18", "SYSTEM", ""},
		{"LOCAL SERVICE", ntstatus.NoSuchUser, "", "", `"LOCAL SERVICE" is no user`},
		{"Administrators", ntstatus.NoSuchUser, "", "", `"Administrators" is no user`},
		{"zoe", ntstatus.NoSuchUser, "", "",
			`root: "zoe" is no user: uid 0 is not let in: add the account or take the key out`},
		{"host", ntstatus.NoSuchUser, "", "", `"host" is no user`}, {"dora", 0, "S-1-22-1-12", "dora", ""},
	} {
		f, _ := openWatched(t, func(cfg *Config) { cfg.Root = c.root })
		f.account(t, Account{Name: "boss", UID: number(3000)}, "")
		f.account(t, Account{Name: "out", Disabled: true}, "")
		r, st := f.TokenForUID(0, []uint32{7})
		machine := f.Computer().SID.String()
		user := ""
		if !r.Token.User.SID.IsZero() {
			user = strings.Replace(r.Token.User.SID.String(), machine, "M", 1)
		}
		if st != c.status || user != c.user || r.Account.Name != c.account ||
			c.root != "" && has(r, fileaccess.UnixGroup(7)) {
			t.Errorf("L-26: %q: %v is %q, %+v", c.root, st, user, r.Account)
		}
		if st == 0 && c.root == "boss" && (!has(r, fileaccess.UnixUser(3000)) || !has(r, fileaccess.UnixGroup(21)) ||
			!has(r, sid.Interactive) || has(r, fileaccess.UnixUser(0))) {
			t.Errorf("L-26: uid 0 as an account with a uid: %v", groups(&r))
		}
		err := f.Trouble()
		if (err != nil) != (c.trouble != "") || err != nil && !strings.Contains(err.Error(), c.trouble) {
			t.Errorf("L-26: %q: trouble %v, want %s", c.root, err, c.trouble)
		}
		// Root by name alone is asked for by the account's name.
		byName, st := f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: `Unix User\root`})
		if (st == 0) != (c.root == "") || st == 0 && byName.Token.User.SID != fileaccess.UnixUser(0) {
			t.Errorf("L-26: with %q root by name is %v, %v", c.root, byName.Token.User.SID, st)
		}
		if f.UserSID(0) != fileaccess.UnixUser(0) { // files stay those of the host's root
			t.Errorf("L-26: with %q uid 0 has the SID %v", c.root, f.UserSID(0))
		}
	}
}

// TestBusyDoor: while all places at the door are taken a password is neither compared nor set, and nothing is
// counted; each place is given back after its use, whatever came of it.
//
// +checklocksignore
func TestBusyDoor(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "p")
	for range cap(f.door.waiting) {
		f.door.waiting <- struct{}{}
	}
	hash := f.now.Load().accounts[1001].Hash
	f.attempts, f.changes = nil, nil
	if r, st := f.LogonPassword("alice", "q", network); st != ntstatus.InsufficientResources || len(f.attempts) > 0 ||
		!r.Account.SID.IsZero() || len(f.door.failures) > 0 {
		t.Errorf("a logon: %v, %+v, %v, %v", st, r.Account, f.attempts, f.door.failures)
	}
	err := f.Update(sid.LocalSystem, func(e *Edit) error { return e.SetPassword("alice", "q") })
	if err == nil || err.Error() != `account "alice": too many logons wait: try again` || len(f.changes) > 0 ||
		f.now.Load().accounts[1001].Hash != hash {
		t.Errorf("a password: %v, %v", err, f.changes)
	}
	for range cap(f.door.waiting) {
		<-f.door.waiting
	}
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
		if len(f.door.waiting) != 0 || len(f.door.hashing) != 0 {
			t.Fatalf("round %d: %d wait and %d compute", i, len(f.door.waiting), len(f.door.hashing))
		}
	}
	if cap(f.door.waiting) != 130 {
		t.Errorf("%d may be at the door", cap(f.door.waiting))
	}
}

// TestWhatIsKeptOfFailures: what is kept of the failures of a name has the time of the first one and of the lock.
func TestWhatIsKeptOfFailures(t *testing.T) {
	f := open(t, nil)
	first := f.clock.now()
	for i := range lockAfter + 2 {
		kept, ok := f.door.attempt("X", f.clock.now())
		want := failures{Count: min(i+1, lockAfter), First: first}
		if i >= lockAfter-1 {
			want.Locked = first.Add(time.Duration(lockAfter-1)*time.Second + lockFor)
		}
		if kept != want || ok != (i < lockAfter) {
			t.Errorf("L-31: attempt %d: %+v, %t, want %+v", i, kept, ok, want)
		}
		f.clock.pass(time.Second)
	}
	if f.door.locked("x", f.clock.now()) || !f.door.locked("X", f.clock.now()) ||
		f.door.locked("X", first.Add(9*time.Second+lockFor)) {
		t.Error("L-31: what is locked is not what failed")
	}
}
