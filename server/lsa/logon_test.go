package lsa

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// TestUnknownNameTakesOneHashAndWrite checks that an unknown name also costs one hash and one write (L-32).
func TestUnknownNameTakesOneHashAndWrite(t *testing.T) {
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
			check.Require(t, logOn("alice", "guess"), ntstatus.LogonFailure, "a guess")
		}
		check.Require(t, logOn("ALICE", "correct"), 0, "the right password")
	}
	for _, name := range []string{"alice", "unknown"} {
		for range lockPairAfter {
			logOn(name, "guess")
		}
		check.Equal(t, logOn(name, "correct"), ntstatus.AccountLockedOut, "%s after %d failures", name, lockPairAfter)
	}
	check.Equal(t, logOn(`host\alice`, "correct"), ntstatus.AccountLockedOut, "written otherwise")
	check.That(t, f.Unlock("zoe") != nil, "Unlock of a name without an account: no error, want one")
	check.NoError(t, f.Unlock("ALICE"))
	check.Equal(t, logOn("alice", "correct"), 0, "unlocked")
	for range lockPairAfter {
		logOn("alice", "guess")
	}
	check.NoError(t, f.Unlock("alice"))
	f.reopen(t)
	check.Equal(t, logOn("alice", "correct"), 0, "unlocked before a restart")
	for i := range lockPairAfter {
		if i == lockPairAfter-1 {
			f.clock.pass(lockWindow - time.Minute) // the lock begins with the last failure
		}
		logOn("alice", "guess")
	}
	f.clock.pass(lockFor - time.Second)
	check.Equal(t, logOn("alice", "correct"), ntstatus.AccountLockedOut, "before a quarter of an hour is over")
	f.clock.pass(2 * time.Second)
	check.Equal(t, logOn("alice", "correct"), 0, "after a quarter of an hour")
}

// TestConcurrentGuessesAllCount checks that concurrent guesses count like sequential ones (L-31).
func TestConcurrentGuessesAllCount(t *testing.T) {
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
	check.That(t, tried[ntstatus.LogonFailure] == lockPairAfter && tried[ntstatus.AccountLockedOut] == 100-lockPairAfter,
		"results of 100 concurrent guesses: %v, want failures up to the limit, then lockouts", tried)
}

// halves is a host that finds a user and cannot list its groups.
type halves struct{ hosts }

func (halves) Groups(context.Context, string) ([]uint32, bool)   { return nil, false }
func (halves) GroupsOf(context.Context, uint32) ([]uint32, bool) { return nil, false }

// TestS4ULogonOfHostUserHasHostGroups checks S4U logons of the host's users with the host's groups, at Identification
// without SeTcbPrivilege (L-36, L-57). If the groups cannot be read, the logon fails, with a
// password too (L-56).
func TestS4ULogonOfHostUserHasHostGroups(t *testing.T) {
	long := strings.Repeat("n", logon.MaxName)
	h := hosts{users: map[string]uint32{"bob": 1000, "carol": 3000, "overflow": 65534, "root": 0, long: 1001,
		long + "n": 1002},
		in: map[string][]uint32{"bob": {100, 7}, "carol": {100}, "overflow": {65534}, "root": {0}, long: {100}}}
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
		{"", long, 0, fileaccess.UnixUser(1001)}, {"", long + "n", ntstatus.NoSuchUser, sid.SID{}},
	} {
		r, st := ask(c.domain, c.name, true)
		check.That(t, st == c.want && r.Token.User.SID == c.user,
			"%s, %.9s: %v is %v (L-57), want %v, %v", c.domain, c.name, st, r.Token.User.SID, c.want, c.user)
	}
	r, _ := ask("", "bob", true)
	if !in(r, fileaccess.UnixGroup(100)) || !in(r, fileaccess.UnixGroup(7)) ||
		r.Token.Level != winnt.SecurityImpersonation {
		t.Errorf("L-57: bob's token %+v, want gids 100 and 7 at level Impersonation", r.Token)
	}
	for _, name := range []string{"bob", "carol"} {
		r, _ := ask("", name, false)
		check.Equal(t, r.Token.Level, winnt.SecurityIdentification, "L-36: %s without SeTcbPrivilege", name)
	}
	f.cfg.Hosts = halves{h}
	f.reopen(t)
	check.Equal(t, check.Status(ask("", "bob", true)), ntstatus.NoLogonServers, "L-56: a user of unknown groups")
	check.Equal(t, check.Status(f.LogonPassword("carol", "p", network)), ntstatus.NoLogonServers,
		"L-56: an account of unknown groups")
}

// TestLogonTypeNeedsItsRight checks the right that each logon type needs and the token that it gives (L-2, L-3, L-5,
// L-6, L-7, L-8, L-9). Without name and password it is Anonymous over the network (L-34).
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
		v, linked := newTokens(t, r, st)
		if v.IsAdmin() != c.admin || v.ElevationType() != c.elevation || !in(r, c.group) || !in(r, sid.Everyone) ||
			!in(r, sid.AuthenticatedUsers) {
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
	check.Equal(t, check.Status(f.LogonPassword("alice", "p", network)), ntstatus.LogonTypeNotGranted,
		"with the right that denies")
	r, st := f.LogonPassword("", "", network)
	check.That(t, st == ntstatus.Success && r.Token.User.SID == sid.Anonymous,
		"L-34: an empty name and password: %v, %v, want success as %v", st, r.Token.User.SID, sid.Anonymous)
	check.Equal(t, check.Status(f.LogonPassword("", "", interactive)), ntstatus.LogonFailure,
		"L-34: an anonymous logon here")
	byName := logon.Request{Package: logon.S4U, Type: network, Name: "zoe"}
	check.Equal(t, check.Status(f.LogOn(byName)), ntstatus.NoSuchUser, "L-57: a name without an account or a host")
}

// TestQualifiedNameHasAtMost1024Bytes logs on accounts by names of 1,024 and 1,025 bytes, with the domain.
func TestQualifiedNameHasAtMost1024Bytes(t *testing.T) {
	f := open(t, nil)
	for name, want := range map[string]ntstatus.Status{strings.Repeat("\U00010000", 254) + "\u20ac": ntstatus.Success,
		strings.Repeat("\U00010000", 255): ntstatus.NoSuchUser} {
		f.account(t, Account{Name: name}, "")
		r := logon.Request{Package: logon.S4U, Type: network, Domain: "host", Name: name}
		check.Equal(t, check.Status(f.LogOn(r)), want, "a name of %d bytes after HOST\\", len(name))
	}
}

// TestEnabledAddedGroupAddsParentGroups checks that an added group that is enabled also adds its parent groups and
// their privileges (T-145).
func TestEnabledAddedGroupAddsParentGroups(t *testing.T) {
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
		if st != 0 || !in(r, inner) || in(r, outer) != want || r.Token.Privileges.Has(winnt.SeBackupPrivilege) != want {
			t.Errorf("T-145: attributes %#x: %v, outer %v, %v",
				attributes, st, in(r, outer), r.Token.Privileges.Names())
		}
		inners := slices.DeleteFunc(r.Token.Groups, func(g token.Group) bool { return g.SID != inner })
		check.That(t, len(inners) == 1 && inners[0].Attributes&0xFF == attributes, "T-145: %v, want it once", inners)
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

// TestGroupsFillTheToken checks that 2,000 nested groups are expanded, and that a token which they do not fit in is
// rejected (L-4).
func TestGroupsFillTheToken(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "p")
	f.must(t, func(e *Edit) error {
		last := alice
		for i := range token.MaxGroups {
			g := e.AddGroup(Group{Name: fmt.Sprint("g", i), Members: []sid.SID{last}})
			if i < 2000 {
				last = g
			}
		}
		return nil
	})
	check.Equal(t, check.Status(f.LogonPassword("alice", "p", network)), ntstatus.TooManyContextIDs,
		"more groups than a token holds")
}

// TestOpenErrorHasTheReason checks that the error for a store that cannot be opened has the reason.
func TestOpenErrorHasTheReason(t *testing.T) {
	t.Parallel() // an Open waits two seconds for the other daemon
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
