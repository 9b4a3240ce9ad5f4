package daemon_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// running is a daemon of a test.
type running struct {
	*testing.T
	*daemon.Daemon
	socket string
	tree   string   // of planted
	counts [4]int64 // of the kernel before any client came
}

// start starts a daemon. At the test's end nothing of its clients may remain.
func start(t *testing.T, change func(*daemon.Config)) *running {
	t.Helper()
	dir := t.TempDir()
	cfg := daemon.Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), Identity: peer.Accounts{},
		// A uid counts against the bounds of another one: no test takes the one for the other.
		Quota: func(uid uint32) uint32 { return uid + 1<<20 }}
	if change != nil {
		change(&cfg)
	}
	d, err := daemon.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{T: t, Daemon: d, socket: cfg.Socket}
	r.counts = r.now()
	served := make(chan error, 1)
	go func() { served <- d.Serve() }()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// now returns the kernel's counts of objects, handles, references and logon sessions.
func (r *running) now() [4]int64 {
	o, h, n := r.System().Counts()
	return [4]int64{o, h, n, int64(r.System().LogonSessions())}
}

// settles waits until the counts equal those before the first client (W-13).
func (r *running) settles() {
	r.Helper()
	for end := time.Now().Add(time.Minute); r.now() != r.counts; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("objects, handles, references and logon sessions %d, want %d (W-13)", r.now(), r.counts)
		}
	}
}

func (r *running) dial() *client.Conn {
	r.Helper()
	c, err := client.Dial(r.socket)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = c.Close() })
	return c
}

// TestConnection checks that a connection is a process with the token of the user at its other end, and that nothing
// of it remains afterwards (W-13, W-14).
func TestConnection(t *testing.T) {
	d := start(t, nil)
	c := d.dial()
	th := c.Thread()
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	user, st := th.NtQueryInformationToken(h, winnt.TokenUser)
	if want := "S-1-22-1-" + strconv.Itoa(os.Getuid()); st != ntstatus.Success || user.(token.Group).SID.String() != want {
		t.Errorf("%v, %s, want %s", user, st, want)
	}
	groups, st := th.NtQueryInformationToken(h, winnt.TokenGroups)
	if st != ntstatus.Success || !holds(groups.([]token.Group), "S-1-22-2-"+strconv.Itoa(os.Getgid())) {
		t.Errorf("%v, %s", groups, st)
	}
	if !strings.Contains(th.Name(), ownName(t)) { // the name of the peer's program
		t.Errorf("the thread is %s", th.Name())
	}
	_ = c.Close()
	d.settles()
}

func holds(groups []token.Group, want string) bool {
	for _, g := range groups {
		if g.SID.String() == want {
			return true
		}
	}
	return false
}

// TestOneDaemon checks that the daemon locks the state folder before it touches the socket, and that only a refused
// connection makes a socket stale (W-16).
func TestOneDaemon(t *testing.T) {
	d := start(t, nil)
	dir := filepath.Dir(d.socket)
	cfg := daemon.Config{State: filepath.Join(dir, "state"), Socket: d.socket, Identity: peer.Accounts{}}
	if _, err := daemon.Start(cfg); err == nil || !strings.Contains(err.Error(), "another refmond") {
		t.Errorf("the same state: %v", err)
	}
	cfg.State = filepath.Join(dir, "other")
	if _, err := daemon.Start(cfg); err == nil || !strings.Contains(err.Error(), "another program listens") {
		t.Errorf("the same socket: %v", err)
	}
	d.dial() // it still listens
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Socket = file
	if _, err := daemon.Start(cfg); err == nil {
		t.Error("a file was taken for a stale socket")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "data" {
		t.Errorf(`the file in the way: %q, %v, want "data", no error`, b, err)
	}
	datagrams, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "gram"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	cfg.Socket = filepath.Join(dir, "gram")
	if _, err := daemon.Start(cfg); err == nil {
		t.Error("another program's socket was taken for a stale one")
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "stale"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	cfg.Socket = filepath.Join(dir, "stale")
	after, err := daemon.Start(cfg)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

// TestStateFolder checks that a state folder that others can write to is rejected (W-16).
func TestStateFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cfg := daemon.Config{State: dir, Socket: filepath.Join(dir, "s"), Identity: peer.Accounts{}}
	if _, err := daemon.Start(cfg); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Error(err)
	}
	if _, err := os.Stat(cfg.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket was bound: err = %v, want %v", err, os.ErrNotExist)
	}
}

// TestLimits checks that a request beyond a limit fails with a status, and that freed resources can be used again
// (W-17).
func TestLimits(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Limits = daemon.Limits{PerUser: 3, Threads: 5} })
	conns := []*client.Conn{d.dial(), d.dial(), d.dial()}
	if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		t.Errorf("a connection too many: %v", err)
	}
	for range 2 {
		if _, err := conns[0].NewThread(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conns[1].NewThread(); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		t.Errorf("a thread too many: %v", err)
	}
	_ = conns[2].Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		th, err := conns[1].NewThread()
		if err == nil {
			th.Close()
			if _, err = conns[1].NewThread(); err != nil {
				t.Errorf("a thread that ended takes room: %v", err)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a connection that ended takes room: %v", err)
		}
	}
}

// TestStop checks that a stopping daemon closes its clients' connections, including those with waiting calls (W-19).
func TestStop(t *testing.T) {
	d := start(t, nil)
	c := d.dial()
	l, err := c.Thread().ListenPipe("orders", nt.PipeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("accept went on")
	}
	if _, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.PortDisconnected {
		t.Errorf("a call afterwards: %s (W-9), want %s", st, ntstatus.PortDisconnected)
	}
	if c.Err() == nil {
		t.Error("the connection does not say why it ended")
	}
}

// TestPeer: the kernel of this host names the peer of a socket pair (W-14).
func TestPeer(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	p, err := peer.Of(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if int(p.UID) != os.Getuid() || int(p.GID) != os.Getgid() || p.PID != os.Getpid() || p.Name != ownName(t) {
		t.Errorf("%+v", p)
	}
	if p.Pinned && !p.Alive() {
		t.Error("this program is not alive")
	}
	p.Close()
	p.Close()
	if p.Alive() {
		t.Error("Alive() = true after the peer was closed, want false")
	}
}

// TestAccounts checks a uid's account if there is no account store (W-15).
func TestAccounts(t *testing.T) {
	a := peer.Accounts{Administrators: []uint32{7},
		Privileges: map[uint32]winnt.PrivilegeSet{8: winnt.Privileges(winnt.SeImpersonatePrivilege)}}
	for _, c := range []struct {
		uid   uint32
		user  string
		admin bool
		imp   bool
	}{
		{0, "S-1-22-1-0", false, false},
		{7, "S-1-22-1-7", true, true},
		{8, "S-1-22-1-8", false, true},
		{lsa.Unmapped, "S-1-5-7", false, false},
	} {
		r, err := a.LogOn(&peer.Peer{Known: true, UID: c.uid, GID: 100, Groups: []uint32{100, 101}}, false)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := token.New(r.Token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.LogOn(&peer.Peer{Known: true, UID: c.uid, GID: 100}, true); (err == nil) != c.admin {
			t.Errorf("uid %d at the administrators' socket: %v (L-51)", c.uid, err)
		}
		var groups []token.Group
		for _, g := range tok.Groups() {
			groups = append(groups, g)
		}
		if tok.User().SID.String() != c.user || holds(groups, "S-1-5-32-544") != c.admin {
			t.Errorf("uid %d: %s, %v", c.uid, tok.User().SID, groups)
		}
		if got := tok.Spec().EnabledPrivileges.Has(winnt.SeImpersonatePrivilege); got != c.imp {
			t.Errorf("uid %d: may impersonate: %t, want %t", c.uid, got, c.imp)
		}
	}
}

// as says that each peer has another uid than it has.
type as struct {
	peer.Stored
	uid uint32
}

// LogOn implements daemon.Identity.
func (a as) LogOn(p *peer.Peer, full bool) (logon.Result, error) {
	return a.Stored.LogOn(&peer.Peer{Known: true, UID: a.uid, GID: a.uid, PID: p.PID, Name: p.Name}, full)
}

// TestLockedState checks that a lock file left by an earlier process is reused (W-16).
func TestLockedState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	lock, err := daemon.LockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.LockState(dir); err == nil {
		t.Error("the lock was had twice")
	}
	d := start(t, func(c *daemon.Config) { c.State, c.Lock = "", lock })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := daemon.LockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

// TestSharedQuota checks that uids that map to one user share the user's limits (L-29, W-17).
func TestSharedQuota(t *testing.T) {
	me := uint32(os.Getuid())
	owner := me + 100
	d := start(t, func(c *daemon.Config) {
		c.Limits.PerUser = 2
		c.Quota = func(uid uint32) uint32 {
			if uid != me {
				t.Errorf("the quota lookup was for uid %d, want %d", uid, me)
			}
			return owner
		}
	})
	d.dial()
	second := d.dial()
	if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		t.Errorf("L-29: a connection beyond the user's quota: %v, want insufficient resources", err)
	}
	_ = second.Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // it is counted until its end is seen
		c, err := client.Dial(d.socket)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after one has ended: %v", err)
		}
	}
}

// TestManyQuestionsAboutAccounts checks that each finished account request makes room for another one.
func TestManyQuestionsAboutAccounts(t *testing.T) {
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) {
		c.Identity = who
		c.Administer = func(*token.Token, []byte) ([]byte, ntstatus.Status) { return nil, ntstatus.Success }
	})
	c := d.as(who, administrator)
	for i := range 2*wire.MaxPending + 1 {
		if _, err := c.Administer([]byte("{}")); err != nil {
			t.Fatal(i, err)
		}
	}
}
