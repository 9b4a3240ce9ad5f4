package mount

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// disk is an audit sink that fails while it is full. It counts the refused logons.
type disk struct {
	full    atomic.Bool
	refused atomic.Int32
}

func (d *disk) Write(e audit.Event) error {
	if d.full.Load() {
		return errors.New("the disk is full")
	}
	if e.ID == 4625 {
		d.refused.Add(1)
	}
	return nil
}

// operators are accounts whose tokens hold a sensitive privilege, so their logons must be recorded.
type operators struct{ people }

func (o operators) LogOn(uid, gid uint32) (logon.Result, error) {
	r, err := o.people.LogOn(uid, gid)
	r.Token.Privileges |= winnt.SeBackupPrivilege.Bit()
	return r, err
}

// TestUserActsWithoutLogonRecord checks that an ordinary user, whom the host's kernel authenticates, may act
// even if the logon record fails, also under a fail-closed policy (M-3, U-92).
func TestUserActsWithoutLogonRecord(t *testing.T) {
	now, d := time.Unix(1_000_000, 0), &disk{}
	a := accountsAt(t, d, &now)
	a.from = people{}
	d.full.Store(true)
	acc := a.get(person{alice, alice})
	check.That(t, acc.err == nil && acc.token != nil, "a user is refused: %v", acc.err)
	a.put(acc)
	d.full.Store(false)
}

// accountsAt returns accounts at a clock, on a kernel whose audit fails closed.
func accountsAt(t *testing.T, d *disk, now *time.Time) *accounts {
	t.Helper()
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	check.NoError(t, err)
	log := &audit.Log{Sink: d}
	log.Policy.Store(p)
	sys := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{}), Log: log})
	system := check.Must(token.New(token.LocalSystem()))
	process := check.Must(sys.NewProcess("mount", system))
	self := check.Must(newWorkers(sys, process).make())
	a := &accounts{from: operators{}, life: time.Minute, sys: sys, self: self, now: func() time.Time { return *now },
		payer: sameUID, log: slog.New(slog.DiscardHandler), known: map[person]*account{}}
	t.Cleanup(func() {
		d.full.Store(false)
		a.drop(func(person, *token.Token) bool { return true })
		a.closing.Wait()
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestCachedMountAccountExpires checks that a token is replaced when its time ends and a refusal is cached for a second
// (M-2). Under a policy that fails closed a user whose logon cannot be recorded is refused (M-3).
func TestCachedMountAccountExpires(t *testing.T) {
	now, d := time.Unix(1_000_000, 0), &disk{}
	a := accountsAt(t, d, &now)
	get := func(uid uint32) *account {
		acc := a.get(person{uid, uid})
		a.put(acc)
		return acc
	}
	first := get(alice)
	check.RequireThat(t, first.err == nil && first.token != nil, "%v, %v", first.token, first.err)
	other := get(bob)
	check.That(t, other != first && other.token != first.token, "M-2: two users have one token")
	now = now.Add(time.Minute)
	check.Equal(t, get(alice), first, "M-2: a token was replaced before its time ended: get(alice)")
	now = now.Add(1)
	second := get(alice)
	check.That(t, second != first && second.err == nil, "M-2: a token is used after its time: %v", second.err)
	now = now.Add(time.Hour)
	d.full.Store(true)
	a.closing.Wait() // dropping an account ends its sessions
	sessions := a.sys.LogonSessions()
	refused := get(alice)
	// The old token ended with its session, and no new token remains.
	if a.closing.Wait(); a.sys.LogonSessions() >= sessions {
		t.Errorf("M-3: %d sessions are left of %d, one of them without a record, want less than %d",
			a.sys.LogonSessions(), sessions, sessions)
	}
	check.That(t, refused.err != nil && refused.token == nil,
		"M-3: a user acts without a record: %v, %v", refused.token, refused.err)
	d.full.Store(false)
	now = now.Add(refusedLife)
	check.Equal(t, get(alice), refused, "M-3: a cached refusal was queried again before its time ended: get(alice)")
	now = now.Add(1)
	if again := get(alice); again.err != nil {
		t.Errorf("M-3: refused for ever: %v, want nil", again.err)
	}
	for range 2 { // a cached refusal leaves no second record
		if acc := get(61999); acc.err == nil || acc.token != nil { // the host does not know this uid
			t.Errorf("M-3: %v, %v", acc.token, acc.err)
		}
		check.Equal(t, d.refused.Load(), 1, "L-49: records of refused logons")
	}
}

// TestSubordinateUIDsShareRateOfRecords checks that the logons of a user's subordinate uids count against the user's
// rate of records (U-92).
func TestSubordinateUIDsShareRateOfRecords(t *testing.T) {
	now, d := time.Unix(1_000_000, 0), &disk{}
	a := accountsAt(t, d, &now)
	a.from, a.payer = people{}, func(uint32) uint32 { return alice }
	a.sys.PeerRecords().SetRate(2)
	for uid := range uint32(5) {
		a.put(a.get(person{61100 + uid, alice}))
	}
	check.Equal(t, a.sys.PeerRecords().LeftOut(), 3, "U-92: omitted records of five logons, with a rate of 2")
}

// TestDroppedAccountIsReleasedAfterRequest checks that an account that is dropped during a request is released after
// that request (M-2).
//
// +checklocksignore: there is one goroutine
func TestDroppedAccountIsReleasedAfterRequest(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := accountsAt(t, &disk{}, &now)
	ended := 0
	one, two := a.get(person{alice, 1}), a.get(person{alice, 1})
	check.RequireThat(t, one == two, "one user has two tokens")
	end := one.end
	one.end = func() { ended++; end() }
	a.drop(func(p person, _ *token.Token) bool { return p.uid == bob })
	if again := a.get(person{alice, 1}); again != one {
		t.Error("another user's token was dropped")
	} else {
		a.put(again)
	}
	a.known[person{alice, 2}] = &account{ready: make(chan struct{}), users: 1} // its logon is in progress
	a.drop(func(p person, _ *token.Token) bool { return p.uid == alice })
	check.That(t, a.known[person{alice, 2}] == nil, "drop kept a logon in progress, which may use old groups")
	a.put(one)
	a.closing.Wait()
	check.Equal(t, ended, 0, "a token went while a request used it: ended")
	a.put(two)
	check.That(t, ended == 1, "the token went %d times, want 1", ended)
	if next := a.get(person{alice, 1}); next == one {
		t.Error("get returned a dropped token, want a new one")
	} else {
		a.put(next)
	}
}

// runContained runs a line in the mount by a shell in alice's unprivileged container. uid 0 in the container is alice,
// and the next 1,000 uids are her subordinate uids from 200000.
func (w *world) runContained(uid uint32, line string) (string, error) {
	w.Helper()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: alice, Size: 1}, {ContainerID: 1, HostID: 200000, Size: 1000}}
	cmd := exec.Command("/bin/sh", "-c", "cd "+w.at+" && "+line)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		w.Skipf("no user namespace can be made: %v", err)
	}
	return strings.TrimSpace(string(out)), err
}

// TestContainerRequestsUseHostUID checks that in a container with subordinate uids a request acts with the host's uid
// of the process. Root in the container acts as the user who started it, also if the container mounts the tree again
// (M-1).
func TestContainerRequestsUseHostUID(t *testing.T) {
	w := newWorld(t)
	w.file("hers", "of alice", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("his", "of bob", "O:BAG:SYD:P(A;;FA;;;"+user(bob)+")")
	w.file("sub", "of 200032", "O:BAG:SYD:P(A;;FA;;;"+user(200032)+")")
	w.file("supers", "of 0", "O:BAG:SYD:P(A;;FA;;;"+user(0)+")")
	for _, c := range []struct {
		uid  uint32
		can  string
		cant string
	}{{0, "hers", "his"}, {0, "hers", "sub"}, {0, "hers", "supers"}, {33, "sub", "hers"}, {33, "sub", "supers"}} {
		if got, err := w.runContained(c.uid, "cat "+c.can); err != nil || !strings.HasPrefix(got, "of ") {
			t.Errorf(`M-1: uid %d of the container, %s: %q, %v, want text starting with "of ", nil`, c.uid, c.can,
				got, err)
		}
		if got, err := w.runContained(c.uid, "cat "+c.cant); err == nil || !strings.Contains(got, "Permission denied") {
			t.Errorf("M-1: uid %d of the container, %s: %q, %v; want a refusal", c.uid, c.cant, got, err)
		}
	}
	// Root of the container has all capabilities there, and none on the mount.
	for _, line := range []string{"chown 33 hers", "chmod 4755 hers && test -u hers", "mknod dev c 1 3",
		"mount --bind . /mnt && cat /mnt/his", "mount -o remount,bind,suid,dev ."} {
		if got, err := w.runContained(0, line); err == nil {
			t.Errorf("M-1: root of the container: %s: %q, want a refusal", line, got)
		}
	}
	if got, err := w.runContained(0, "mount --bind . /mnt && cat /mnt/hers"); err != nil || got != "of alice" {
		t.Errorf(`M-1: mounted once more: %q, %v, want "of alice", nil`, got, err)
	}
}

// TestSetUIDProgramRunsAsItsStarter checks that a set-uid program of the tree runs as the user who starts it, because
// the mount shows no set-uid bits. A set-uid program from outside acts with its owner's account and its starter's group
// (M-1, M-12).
func TestSetUIDProgramRunsAsItsStarter(t *testing.T) {
	w := newWorld(t)
	w.file("id", "", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file("hers", "of alice", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("his", "of bob", "O:BAG:SYD:P(A;;FA;;;"+user(bob)+")")
	w.file("group", "of bob's group", "O:BAG:SYD:P(A;;FR;;;S-1-22-2-61002)")
	copied := func(program, to string) {
		b := check.Must(os.ReadFile(program))
		w.must(os.WriteFile(to, b, 0o600))
		w.must(os.Chown(to, alice, alice))
		w.must(unix.Chmod(to, 0o6755))
	}
	copied("/usr/bin/id", filepath.Join(w.root, "id"))
	w.sees(bob, "61002", "./id", "-u")
	cat := filepath.Join(filepath.Dir(w.root), "cat")
	copied("/bin/cat", cat)
	w.must(unix.Chmod(cat, 0o4755))
	var s unix.Statfs_t
	w.must(unix.Statfs(cat, &s))
	if s.Flags&unix.ST_NOSUID != 0 {
		t.Skipf("%s is on a file system without set-uid bits", cat)
	}
	w.sees(bob, "of alice", cat, "hers")
	w.refused(bob, "Permission denied", cat, "his")
	w.sees(bob, "of bob's group", cat, "group")
	w.refused(alice, "Permission denied", cat, "group")
}

// TestOverflowUIDIsAnonymousOnMount checks that the host's id for unknown users is Anonymous, who is not in Everyone,
// and that the superuser is a user without privileges (M-1).
func TestOverflowUIDIsAnonymousOnMount(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts = Hosted{Peers: auth.Accounts{}, Hosts: host{}}
	})
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;;0x1200a9;;;AN)")
	w.file("all", "everybody's", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("nobodys", "anonymous", "O:BAG:SYD:P(A;;FR;;;AN)")
	w.file("rights", "of administrators", "O:BAG:SYD:P(A;;FA;;;BA)(A;;FA;;;SY)")
	w.sees(65534, "anonymous", "cat", "nobodys")
	w.refused(65534, "Permission denied", "cat", "all")
	w.sees(0, "everybody's", "cat", "all")
	w.refused(0, "Permission denied", "cat", "rights")
	w.refused(0, "Permission denied", "cat", "nobodys")
	// The mount opens a root that grants it nothing. Otherwise Anonymous would need a right on the namespace.
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;AN)")
	w.m.accounts.making.Lock()
	defer w.m.accounts.making.Unlock()
	h := w.m.accounts.self.openRoot(w.m)
	check.That(t, h != 0, "M-1: the root cannot be opened")
	w.m.accounts.self.NtClose(h)
}

// TestNewFileHasGroupOfProgram checks that a file of a user without an account belongs to the user and the program's
// group, as on the host (W-15).
func TestNewFileHasGroupOfProgram(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts, c.Owners = Hosted{Peers: auth.Accounts{}, Hosts: host{}}, HostOwners{}
	})
	w.describe("", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	for _, uid := range []uint32{alice, bob} {
		w.sees(uid, fmt.Sprintf("%d %d", uid, uid), "sh", "-c", "echo x >f$(id -u); stat -c '%u %g' f$(id -u)")
	}
}

// stopped is a stopped clock.
func stopped() time.Time { return time.Unix(0, 0) }

// lines collects the lines of a log.
type lines struct {
	mu sync.Mutex
	// +checklocks:mu
	text bytes.Buffer // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String returns everything that was written.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) count(word string) (n int) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// TestRefusalIsLoggedOnce checks that a user rejected a hundred times by one logon gets one log line, and another one
// after the next logon (M-23).
func TestRefusalIsLoggedOnce(t *testing.T) {
	log := &lines{}
	from := &counted{}
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts, c.now, c.Log = from, stopped, slog.New(slog.NewTextHandler(log, nil))
	})
	for range 50 {
		for _, uid := range []uint32{61999, 61998} {
			h := header(uid, rootID)
			_, _ = w.m.GetXAttr(nil, &h, ntfsACL, nil) // 61998 is logged on, so its denial is not logged
		}
	}
	if n, logons := log.count("uid=61999"), from.n.Load(); n != 1 || logons != 2 {
		t.Errorf("M-23: %d lines, %d logons, want 1 and 2", n, logons)
	}
	w.m.DropAccounts(61999, false)
	w.refused(61999, "can't cd", "true")
	if n := log.count("uid=61999"); n != 2 || log.count("61998") != 0 {
		t.Errorf("M-23: %d lines after another logon, want 2", n)
	}
}

// TestFullAccountCacheDropsUnusedHalf checks that a full cache of accounts drops about half of them, and none that a
// request uses (M-2).
//
// +checklocksignore
func TestFullAccountCacheDropsUnusedHalf(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := accountsAt(t, &disk{}, &now)
	used := map[person]*account{}
	for uid := range uint32(50) {
		p := person{uid, uid}
		used[p] = a.get(p)
		defer a.put(used[p])
	}
	for i := range uint32(maxAccounts - 49) {
		check.That(t, len(a.known) <= maxAccounts, "M-2: %d accounts are kept, want at most %d", len(a.known),
			maxAccounts)
		a.put(a.get(person{100000 + i, 0}))
	}
	check.Equal(t, len(a.known), maxAccounts/2, "M-2: accounts after the cache was full")
	for p, acc := range used {
		check.Equal(t, a.known[p], acc, "M-2: the account in use of uid %d", p.uid)
	}
}

// TestMountTokenIsReusedUntilExpiry checks that a token is reused until its time ends or accounts change (M-2).
func TestMountTokenIsReusedUntilExpiry(t *testing.T) {
	from := &counted{}
	var now atomic.Int64
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts, c.now = from, func() time.Time { return time.Unix(now.Load(), 0) }
	})
	w.file("staff.txt", "theirs\n", "O:BAG:SYD:P(A;;FR;;;S-1-22-2-62001)")
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	before := from.n.Load()
	from.in.Store(true)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	if from.n.Load() != before {
		t.Errorf("M-2: %d logons, %d before, want %d", from.n.Load(), before, before)
	}
	w.m.DropAccounts(bob, false)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	w.m.DropAccounts(alice, false)
	w.sees(alice, "theirs", "cat", "staff.txt")
	from.in.Store(false)
	now.Add(29)
	w.sees(alice, "theirs", "cat", "staff.txt")
	now.Add(2)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	from.in.Store(true)
	w.m.DropAccounts(0, true)
	w.sees(alice, "theirs", "cat", "staff.txt")
}

// TestPanickingLogonRefusesWaitingRequests checks that a user is refused, and without a token, if the logon panics, or
// the lookup of the uid that is charged: other requests of the user wait for the logon (M-3, M-7).
func TestPanickingLogonRefusesWaitingRequests(t *testing.T) {
	for name, change := range map[string]func(*accounts){
		"logon":  func(a *accounts) { a.from = &counted{} },
		"charge": func(a *accounts) { a.payer = func(uint32) uint32 { panic("of the test") } },
	} {
		now, p := time.Unix(1_000_000, 0), person{61666, 61666}
		a := accountsAt(t, &disk{}, &now)
		change(a)
		for range 2 {
			func() {
				defer func() { _ = recover() }()
				a.get(p)
			}()
			a.mu.Lock()
			acc := a.known[p]
			acc.users++ // a request that waited
			a.mu.Unlock()
			<-acc.ready
			check.That(t, errors.Is(acc.err, errNotKnown) && acc.token == nil && acc.object == nil,
				"M-3: %s panics: %v, %v, want no token and %v", name, acc.token, acc.err, errNotKnown)
			check.Equal(t, acc.payer, p.uid, "M-46: the uid that is charged for denials after a panic of %s", name)
			a.put(acc)
		}
	}
}

// TestUserWithoutLogonIsDeniedOnMount checks that a user without a logon is rejected everywhere, and so is a user whose
// request panics in the mount's own code. Other users are still served (M-3, M-7).
func TestUserWithoutLogonIsDeniedOnMount(t *testing.T) {
	from := &counted{}
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Accounts = from })
	w.file("all.txt", "everybody's\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	for uid, why := range map[uint32]string{61999: "Permission denied", 61666: "Input/output error"} {
		w.refused(uid, "can't cd", "true")
		for _, args := range [][]string{{"cat", w.at + "/all.txt"}, {"ls", w.at}} {
			cmd := as(uid, args[0], args[1])
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), why) {
				w.Errorf("M-3, M-7: uid %d: %s, %v; want %s", uid, out, err, why)
			}
		}
	}
	w.sees(bob, "everybody's", "cat", "all.txt")
}
