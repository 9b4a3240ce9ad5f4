package lsa

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	interactive = winnt.LOGON32_LOGON_INTERACTIVE
	network     = winnt.LOGON32_LOGON_NETWORK
	batch       = winnt.LOGON32_LOGON_BATCH
	service     = winnt.LOGON32_LOGON_SERVICE
)

// TestOnlyRecordKnowsWhyPasswordFails checks that the right password logs on, that all other attempts get the same
// status, and that only the record has the reason (L-32, L-35).
func TestOnlyRecordKnowsWhyPasswordFails(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "Alice"}, "correct")
	machine := alice.Prefix()
	of := map[string]logon.Account{"": {}}
	for name, id := range map[string]sid.SID{"Alice": alice, "out": f.account(t, Account{Name: "out",
		Disabled: true}, "correct"),
		"empty": f.account(t, Account{Name: "empty"}, "")} {
		of[name] = logon.Account{SID: id, Use: winnt.SidTypeUser, Domain: "HOST", DomainSID: machine, Name: name}
	}
	for _, c := range []struct {
		name     string
		password logon.Secret
		want     ntstatus.Status
		reason   string
	}{
		{"alice", "correct", ntstatus.Success, "STATUS_SUCCESS"},
		{`HOST\ALICE`, "correct", ntstatus.Success, "STATUS_SUCCESS"},
		{`.\alice`, "correct", ntstatus.Success, "STATUS_SUCCESS"},
		{"alice@host", "correct", ntstatus.Success, "STATUS_SUCCESS"},
		{"alice", "Correct", ntstatus.LogonFailure, "STATUS_WRONG_PASSWORD"},
		{"alice", "", ntstatus.LogonFailure, "STATUS_WRONG_PASSWORD"},
		{"zoe", "correct", ntstatus.LogonFailure, "STATUS_NO_SUCH_USER"},
		{`OTHER\alice`, "correct", ntstatus.LogonFailure, "STATUS_NO_SUCH_USER"},
		{"Administrators", "no password", ntstatus.LogonFailure, "STATUS_NO_SUCH_USER"},
		{"zoe", "no password", ntstatus.LogonFailure, "STATUS_NO_SUCH_USER"},
		{"empty", "", ntstatus.LogonFailure, "STATUS_WRONG_PASSWORD"},
		{"empty", "no password", ntstatus.LogonFailure, "STATUS_WRONG_PASSWORD"},
		{"out", "wrong", ntstatus.LogonFailure, "STATUS_WRONG_PASSWORD"},
		{"out", "correct", ntstatus.AccountDisabled, "STATUS_ACCOUNT_DISABLED"},
		{"\xff\xfe", "correct", ntstatus.LogonFailure, "STATUS_NO_SUCH_USER"},
		{strings.Repeat("n", 64<<10), "correct", ntstatus.LogonFailure, "STATUS_NAME_TOO_LONG"},
		{"alice", logon.Secret(strings.Repeat("p", 64<<10)), ntstatus.LogonFailure, "STATUS_NAME_TOO_LONG"},
	} {
		f.attempts = nil
		r, st := f.LogonPassword(c.name, c.password, network)
		if st != c.want || len(f.attempts) != 1 || f.attempts[0].Reason != c.reason {
			t.Errorf("%.20q: %v, recorded %v, want st = %v, len(f.attempts) = 1, f.attempts[0].Reason = %v", c.name,
				st, f.attempts, c.want, c.reason)
		}
		if st == 0 && r.Token.User.SID != alice || st != 0 && !r.Token.User.SID.IsZero() {
			t.Errorf("%.20q: %v with a token of %v, want alice's only for a success", c.name, st, r.Token.User.SID)
		}
		// The account is that of the name, wherever the name is of this computer and not too long.
		known := map[string]string{"alice": "Alice", `host\alice`: "Alice", `.\alice`: "Alice",
			"alice@host": "Alice", "out": "out",
			"empty": "empty"}[strings.ToLower(c.name)]
		if c.reason == "STATUS_NAME_TOO_LONG" {
			known = ""
		}
		told := c.name
		if len(told) > maxFailBytes {
			told = told[:64] + "…"
		}
		want := Attempt{Name: strings.ToValidUTF8(told, "\uFFFD"), Account: of[known], Granted: st == 0, Reason: c.reason}
		if f.attempts[0] != want || r.Account != of[known] || st != 0 && r.Reason.String() != c.reason {
			t.Errorf("L-32: %.20q: recorded %+v, answered %+v for %v, want %+v", c.name, f.attempts[0],
				r.Account, r.Reason, want)
		}
		if strings.Contains(strings.ToLower(f.attempts[0].Name), "correct") || len(f.attempts[0].Name) > 80 {
			t.Errorf("attempt recorded as %q, want at most 80 bytes without the password", f.attempts[0].Name)
		}
	}
}

// TestUnknownNameCostsAHashAndAWrite checks that an unknown name also costs one hash and one write (L-32).
func TestUnknownNameCostsAHashAndAWrite(t *testing.T) {
	var writes atomic.Int32
	f := open(t, func(c *Config) {
		c.Faults = func(operation, _ string) error {
			if operation == "write" {
				writes.Add(1)
			}
			return nil
		}
	})
	f.account(t, Account{Name: "alice"}, "correct")
	known, _ := parseHash(f.now.Load().accounts[firstRID].Hash)
	if decoy := f.throttle.decoy; decoy.cost != known.cost || len(decoy.salt) != len(known.salt) {
		t.Errorf("cost for an unknown name %v, want that of a known one, %v", decoy.cost, known.cost)
	}
	for _, name := range []string{"alice", "unknown", `OTHER\alice`} {
		writes.Store(0)
		if f.LogonPassword(name, "guess", network); writes.Load() != 1 {
			t.Errorf("L-32: a wrong password of %s: %d writes, want 1", name, writes.Load())
		}
	}
	f.reopen(t) // the failures of unknown names are not an account's
}

// TestTenFailuresLockName checks that ten failures from one origin lock a name for that origin for a quarter of an
// hour, whether the name exists or not, and even with the right password (L-31).
func TestTenFailuresLockName(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "correct")
	logOn := func(name string, password logon.Secret) ntstatus.Status {
		_, st := f.LogonPassword(name, password, network)
		return st
	}
	for range 3 { // a success forgets failures
		for range lockPairAfter - 1 {
			if st := logOn("alice", "guess"); st != ntstatus.LogonFailure {
				t.Fatal(st)
			}
		}
		if st := logOn("ALICE", "correct"); st != 0 {
			t.Fatal(st)
		}
	}
	for _, name := range []string{"alice", "unknown"} {
		for range lockPairAfter {
			logOn(name, "guess")
		}
		if st := logOn(name, "correct"); st != ntstatus.AccountLockedOut {
			t.Errorf("%s after %d failures: %v, want %v", name, lockPairAfter, st, ntstatus.AccountLockedOut)
		}
	}
	check.Equal(t, logOn(`host\alice`, "correct"), ntstatus.AccountLockedOut, "written otherwise")
	if err := f.Unlock("zoe"); err == nil {
		t.Error("Unlock of a name without an account: no error, want one")
	}
	check.NoError(t, f.Unlock("ALICE"))
	if st := logOn("alice", "correct"); st != 0 {
		t.Errorf("unlocked: %v, want 0", st)
	}
	for range lockPairAfter {
		logOn("alice", "guess")
	}
	check.NoError(t, f.Unlock("alice"))
	f.reopen(t)
	if st := logOn("alice", "correct"); st != 0 {
		t.Errorf("unlocked before a restart: %v, want 0", st)
	}
	for i := range lockPairAfter {
		if i == lockPairAfter-1 {
			f.clock.pass(lockWindow - time.Minute) // the lock begins with the last failure
		}
		logOn("alice", "guess")
	}
	f.clock.pass(lockFor - time.Second)
	check.Equal(t, logOn("alice", "correct"), ntstatus.AccountLockedOut, "before a quarter of an hour is over")
	f.clock.pass(2 * time.Second)
	if st := logOn("alice", "correct"); st != 0 {
		t.Errorf("after a quarter of an hour: %v, want 0", st)
	}
}

// TestGuessesAtOnce checks that concurrent guesses count like sequential ones, and that their number is bounded
// (L-31).
func TestGuessesAtOnce(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "correct")
	var wg sync.WaitGroup
	var mu sync.Mutex
	tried := map[ntstatus.Status]int{}
	for range 100 {
		wg.Go(func() {
			_, st := f.LogonPassword("alice", "guess", network)
			mu.Lock()
			defer mu.Unlock()
			tried[st]++
		})
	}
	wg.Wait()
	if tried[ntstatus.LogonFailure] != lockPairAfter || tried[ntstatus.AccountLockedOut] != 100-lockPairAfter {
		t.Errorf("results of 100 concurrent guesses: %v, want failures up to the limit, then lockouts", tried)
	}
	leave := f.busy(t)
	if _, st := f.LogonPassword("bob", "x", network); st != ntstatus.InsufficientResources {
		t.Errorf("one more than may wait: %v, want %v", st, ntstatus.InsufficientResources)
	}
	leave()
}

// halves is a host that knows a user and cannot list its groups.
type halves struct{ hosts }

func (halves) Groups(context.Context, string) ([]uint32, bool)   { return nil, false }
func (halves) GroupsOf(context.Context, uint32) ([]uint32, bool) { return nil, false }

// TestUnixByName checks S4U logons of the host's users with the host's groups, at Identification
// without SeTcbPrivilege (L-36, L-57). If the groups cannot be read, the logon fails, with a
// password too (L-56).
func TestUnixByName(t *testing.T) {
	h := hosts{users: map[string]uint32{"bob": 1000, "carol": 3000, "overflow": 65534, "root": 0},
		in: map[string][]uint32{"bob": {100, 7}, "carol": {100}, "overflow": {65534}, "root": {0}}}
	f := open(t, func(c *Config) { c.Hosts, c.Root = h, "carol" })
	carol := f.account(t, Account{Name: "carol", UID: number(3000)}, "p")
	ask := func(domain, name string, tcb bool) (logon.Result, ntstatus.Status) {
		return f.LogOn(logon.Request{Package: logon.S4U, Type: network, Domain: domain, Name: name, Tcb: tcb})
	}
	for _, c := range []struct {
		domain, name string
		want         ntstatus.Status
		user         sid.SID
	}{
		{"", "bob", 0, fileaccess.UnixUser(1000)}, {"", `Unix User\bob`, 0, fileaccess.UnixUser(1000)},
		{"unix user", "bob", 0, fileaccess.UnixUser(1000)}, {"", "carol", 0, carol},
		{"", `Unix User\carol`, 0, carol}, {"HOST", "bob", ntstatus.NoSuchUser, sid.SID{}},
		{"", "overflow", ntstatus.NoSuchUser, sid.SID{}}, {"", "root", ntstatus.NoSuchUser, sid.SID{}},
		{"", "zoe", ntstatus.NoSuchUser, sid.SID{}}, {"", "", ntstatus.NoSuchUser, sid.SID{}},
	} {
		r, st := ask(c.domain, c.name, true)
		if st != c.want || r.Token.User.SID != c.user {
			t.Errorf("%s, %s: %v is %v (L-57), want %v, %v", c.domain, c.name, st, r.Token.User.SID, c.want, c.user)
		}
	}
	r, _ := ask("", "bob", true)
	if !has(r, fileaccess.UnixGroup(100)) || !has(r, fileaccess.UnixGroup(7)) ||
		r.Token.Level != winnt.SecurityImpersonation {
		t.Errorf("L-57: bob's token %+v, want gids 100 and 7 at level Impersonation", r.Token)
	}
	if r, _ := ask("", "bob", false); r.Token.Level != winnt.SecurityIdentification {
		t.Errorf("without SeTcbPrivilege: %v (L-36), want %v", r.Token.Level, winnt.SecurityIdentification)
	}
	f.cfg.Hosts = halves{h}
	f.reopen(t)
	if _, st := ask("", "bob", true); st != ntstatus.NoLogonServers {
		t.Errorf("a user whose groups are not known: %v (L-56), want %v", st, ntstatus.NoLogonServers)
	}
	if _, st := f.LogonPassword("carol", "p", network); st != ntstatus.NoLogonServers {
		t.Errorf("an account whose groups are not known: %v (L-56), want %v", st, ntstatus.NoLogonServers)
	}
}

// TestLogonTypeNeedsItsRight checks the right that each logon type needs and the token that it gives (L-2, L-3, L-5,
// L-6, L-7, L-8, L-9).
func TestLogonTypeNeedsItsRight(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "p")
	boss := f.account(t, Account{Name: "boss"}, "p")
	f.must(t, func(e *Edit) error {
		e.Grant(alice, 0, logon.SeServiceLogonRight)
		e.Grant(boss, 0, logon.SeServiceLogonRight)
		return e.AddMember(sid.Administrators, boss)
	})
	type elevation = uint32
	for _, c := range []struct {
		name      string
		typ       winnt.LogonType
		want      ntstatus.Status
		admin     bool
		elevation elevation
		group     sid.SID
	}{
		{"alice", interactive, 0, false, winnt.TokenElevationTypeDefault, sid.Interactive},
		{"alice", network, 0, false, winnt.TokenElevationTypeDefault, sid.Network},
		{"alice", batch, ntstatus.LogonTypeNotGranted, false, 0, sid.SID{}},
		{"alice", service, 0, false, winnt.TokenElevationTypeDefault, sid.Service},
		{"alice", 10, ntstatus.LogonTypeNotGranted, false, 0, sid.SID{}},
		{"alice", 0, ntstatus.InvalidLogonType, false, 0, sid.SID{}},
		{"alice", 6, ntstatus.InvalidLogonType, false, 0, sid.SID{}},
		{"boss", interactive, 0, false, winnt.TokenElevationTypeLimited, sid.Interactive},
		{"boss", 10, 0, false, winnt.TokenElevationTypeLimited, sid.RemoteInteractive},
		{"boss", network, 0, false, winnt.TokenElevationTypeDefault, sid.Network},
		{"boss", batch, 0, true, winnt.TokenElevationTypeDefault, sid.Batch},
		{"boss", service, 0, true, winnt.TokenElevationTypeDefault, sid.Service},
	} {
		r, st := f.LogonPassword(c.name, "p", c.typ)
		check.Equal(t, st, c.want, "%s, type %d", c.name, c.typ)
		if st != 0 {
			continue
		}
		v, linked := made(t, r, st)
		if v.IsAdmin() != c.admin || v.ElevationType() != c.elevation || !has(r, c.group) || !has(r, sid.Everyone) ||
			!has(r, sid.AuthenticatedUsers) {
			t.Errorf("%s, type %d: admin %v, elevation %d", c.name, c.typ, v.IsAdmin(), v.ElevationType())
		}
		if (linked != nil) != (c.elevation == winnt.TokenElevationTypeLimited) || linked != nil && !linked.IsAdmin() {
			t.Errorf("%s, type %d: linked token %v, want an administrator's with a limited one", c.name, c.typ, linked)
		}
		want := winnt.TokenPrimary
		if c.typ == network {
			want = winnt.TokenImpersonation
		}
		check.Equal(t, v.Type(), want, "%s, type %d: a token of type", c.name, c.typ)
	}
	f.must(t, func(e *Edit) error { e.Grant(alice, 0, logon.SeDenyNetworkLogonRight); return nil })
	if _, st := f.LogonPassword("alice", "p", network); st != ntstatus.LogonTypeNotGranted {
		t.Errorf("with the right that denies: %v, want %v", st, ntstatus.LogonTypeNotGranted)
	}
}

// TestPairSharesLogonSID checks that both tokens of a pair share a logon SID, and that system tokens do not
// have one (L-10).
func TestPairSharesLogonSID(t *testing.T) {
	f := open(t, nil)
	boss := f.account(t, Account{Name: "boss"}, "p")
	f.must(t, func(e *Edit) error { return e.AddMember(sid.Administrators, boss) })
	r, st := f.LogonPassword("boss", "p", interactive)
	v, linked := made(t, r, st)
	logonSID := func(v *token.Token) (out sid.SID) {
		for _, g := range v.Groups() {
			if g.Attributes&winnt.SE_GROUP_LOGON_ID == winnt.SE_GROUP_LOGON_ID {
				out = g.SID
			}
		}
		return out
	}
	if a, b := logonSID(v), logonSID(linked); a != b || a != sid.Logon(0, 0x100001) {
		t.Errorf("logon SIDs %v and %v, want S-1-5-5-0-1048577 in both tokens", a, b)
	}
	if v.AuthenticationID() == linked.AuthenticationID() || v.DefaultDACL() == nil {
		t.Error("both tokens have one session, or the first no default DACL")
	}
	anonymous, _ := made(t, logon.AnonymousLogon(), 0)
	if !logonSID(anonymous).IsZero() {
		t.Errorf("logon SID of Anonymous %v, want none", logonSID(anonymous))
	}
}

// TestS4U checks that a name alone gives a network logon, at level Identification without SeTcbPrivilege, and that
// groups can be added only with that privilege (L-33, L-34, L-36).
func TestS4U(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "")
	f.account(t, Account{Name: "out", Disabled: true}, "")
	ask := func(r logon.Request) (logon.Result, ntstatus.Status) {
		r.Package = logon.S4U
		return f.LogOn(r)
	}
	r, st := ask(logon.Request{Name: "alice", Type: network})
	if st != 0 || r.Token.User.SID != alice || r.Token.Level != winnt.SecurityIdentification {
		t.Errorf("without the privilege: %v, level %v, want success at Identification", st, r.Token.Level)
	}
	if r, st = ask(logon.Request{Name: "alice", Type: network, Tcb: true}); r.Token.Level != winnt.SecurityImpersonation {
		t.Errorf("with: %v %v, want %v", st, r.Token.Level, winnt.SecurityImpersonation)
	}
	more := []token.Group{{SID: sid.BackupOperators, Attributes: token.GroupDefault}}
	if _, st = ask(logon.Request{Name: "alice", Type: network, Groups: more}); st != ntstatus.PrivilegeNotHeld {
		t.Errorf("groups without: %v, want %v", st, ntstatus.PrivilegeNotHeld)
	}
	r, st = ask(logon.Request{Name: "alice", Type: network, Groups: more, Tcb: true})
	if st != 0 || !has(r, sid.BackupOperators) {
		t.Errorf("groups with the privilege: %v, want success with Backup Operators", st)
	}
	for _, c := range []struct {
		r    logon.Request
		want ntstatus.Status
	}{{logon.Request{Name: "alice", Type: interactive, Tcb: true}, ntstatus.InvalidLogonType},
		{logon.Request{Name: "zoe", Type: network, Tcb: true}, ntstatus.NoSuchUser},
		{logon.Request{Name: "out", Type: network, Tcb: true}, ntstatus.AccountDisabled}} {
		if _, st := ask(c.r); st != c.want {
			t.Errorf("%+v: %v, want %v", c.r, st, c.want)
		}
	}
	if _, st := f.LogOn(logon.Request{Name: "alice", Type: network}); st != ntstatus.NoSuchPackage {
		t.Errorf("without a package: %v, want %v", st, ntstatus.NoSuchPackage)
	}
	if r, st := f.LogonPassword("", "", network); st != 0 || r.Token.User.SID != sid.Anonymous {
		t.Errorf("anonymous: %v %v, want 0, %v", st, r.Token.User.SID, sid.Anonymous)
	}
	if _, st := f.LogonPassword("", "", interactive); st != ntstatus.LogonFailure {
		t.Errorf("anonymous, interactive: %v, want %v", st, ntstatus.LogonFailure)
	}
}

// TestAddedGroups checks that an added group that is enabled also adds its parent groups and their privileges
// (T-145).
func TestAddedGroups(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "p")
	var inner, outer sid.SID
	f.must(t, func(e *Edit) error {
		inner, outer = e.AddGroup(Group{Name: "inner"}), e.AddGroup(Group{Name: "outer"})
		e.Grant(outer, winnt.SeBackupPrivilege.Bit(), 0)
		return e.AddMember(outer, inner)
	})
	for attributes, want := range map[uint32]bool{0: false, winnt.SE_GROUP_USE_FOR_DENY_ONLY: false,
		winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_USE_FOR_DENY_ONLY: false, winnt.SE_GROUP_MANDATORY: true,
		winnt.SE_GROUP_ENABLED: true} {
		r, st := f.LogOn(logon.Request{Package: logon.Password, Type: network, Name: "alice", Password: "p", Tcb: true,
			Groups: []token.Group{{SID: inner, Attributes: attributes}}})
		if st != 0 || !has(r, inner) || has(r, outer) != want || r.Token.Privileges.Has(winnt.SeBackupPrivilege) != want {
			t.Errorf("T-145: attributes %#x: %v, outer %v, %v",
				attributes, st, has(r, outer), r.Token.Privileges.Names())
		}
	}
	// Logon rights of the added groups, granting and denying ones, count as their privileges do.
	f.must(t, func(e *Edit) error {
		e.Grant(outer, 0, logon.SeBatchLogonRight|logon.SeDenyNetworkLogonRight)
		return nil
	})
	for _, c := range []struct {
		typ        winnt.LogonType
		attributes uint32
		want       ntstatus.Status
	}{
		{winnt.LOGON32_LOGON_BATCH, winnt.SE_GROUP_ENABLED, ntstatus.Success},
		{winnt.LOGON32_LOGON_BATCH, winnt.SE_GROUP_USE_FOR_DENY_ONLY, ntstatus.LogonTypeNotGranted},
		{network, winnt.SE_GROUP_ENABLED, ntstatus.LogonTypeNotGranted},
		{network, winnt.SE_GROUP_USE_FOR_DENY_ONLY, ntstatus.Success},
	} {
		_, st := f.LogOn(logon.Request{Package: logon.Password, Type: c.typ, Name: "alice", Password: "p", Tcb: true,
			Groups: []token.Group{{SID: inner, Attributes: c.attributes}}})
		check.Equal(t, st, c.want, "T-145: type %d with attributes %#x", c.typ, c.attributes)
	}
}

// TestGroupsInCycleAreExpanded checks that cyclic groups terminate (L-20), that 10,000 nested groups are expanded, and
// that a token they do not fit in is rejected (L-4).
func TestGroupsInCycleAreExpanded(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "p")
	var a, b, c sid.SID
	f.must(t, func(e *Edit) error {
		a, b, c = e.AddGroup(Group{Name: "a"}), e.AddGroup(Group{Name: "b"}), e.AddGroup(Group{Name: "c"})
		for _, m := range [][2]sid.SID{{a, alice}, {b, a}, {c, b}, {a, c}, {a, a}} {
			if err := e.AddMember(m[0], m[1]); err != nil {
				return err
			}
		}
		return nil
	})
	r, st := f.LogonPassword("alice", "p", network)
	if st != 0 || !has(r, a) || !has(r, b) || !has(r, c) {
		t.Errorf("a circle of groups: %v, want success with all three", st)
	}
	f.must(t, func(e *Edit) error {
		last := alice
		for i := range token.MaxGroups {
			g := e.AddGroup(Group{Name: "g" + number8(i),
				Members: []sid.SID{last}})
			if i < 2000 {
				last = g
			}
		}
		return nil
	})
	if _, st := f.LogonPassword("alice", "p", network); st != ntstatus.TooManyContextIDs {
		t.Errorf("more groups than a token holds: %v, want %v", st, ntstatus.TooManyContextIDs)
	}
}

func number8(i int) string {
	const digits = "0123456789"
	var b [8]byte
	for at := range b {
		b[7-at], i = digits[i%10], i/10
	}
	return string(b[:])
}

// TestOpenErrorHasTheReason checks that the error for a store that cannot be opened has the reason.
func TestOpenErrorHasTheReason(t *testing.T) {
	f := open(t, nil)
	file := filepath.Join(t.TempDir(), "file")
	check.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	broken := t.TempDir()
	check.NoError(t, os.WriteFile(filepath.Join(broken, File), []byte("no store"), 0o600))
	for folder, want := range map[string]string{f.cfg.Folder: "another daemon has it open: stop that one first",
		file: "this is not a folder of a local file system", file + "/none": "state folder: ", broken: "account store "} {
		cfg := f.cfg
		cfg.Folder = folder
		if s, err := Open(cfg); err == nil || s != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", folder, err, want)
		}
	}
}

// TestDamagedStore checks that a store with invalid or contradictory records is not used.
func TestDamagedStore(t *testing.T) {
	for name, change := range map[string]func(*state){
		"an account below the first RID": func(s *state) { s.accounts[7] = Account{Name: "a", RID: 7} },
		"two accounts of one name": func(s *state) {
			s.next = 1010
			s.accounts[1005], s.accounts[1006] = Account{Name: "a", RID: 1005}, Account{Name: "A", RID: 1006}
		},
		"a group of no SID": func(s *state) { s.groups[sid.Everyone] = Group{Name: "g", SID: sid.Everyone} },
	} {
		f := open(t, nil)
		bad := f.now.Load().clone()
		change(bad)
		check.NoError(t, f.db.Update(func(tx *bbolt.Tx) error { return writeState(tx, f.now.Load(), bad) }))
		check.NoError(t, f.Close())
		if s, err := Open(f.cfg); err == nil || s != nil || !strings.Contains(err.Error(), "account store ") {
			t.Errorf("Open, %s: %v, want an error that names the account store", name, err)
		}
	}
}
