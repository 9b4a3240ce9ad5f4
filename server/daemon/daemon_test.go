package daemon_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// running is a daemon of a test.
type running struct {
	*testing.T
	*daemon.Daemon
	socket string
	tree   string   // of planted
	counts [4]int64 // counts of the kernel before the first client
	closed bool     // by the test
}

// Close closes the daemon before the test's end.
func (r *running) Close() error {
	r.closed = true
	return r.Daemon.Close()
}

// start starts a daemon. At the end of the test it checks that nothing of the clients remains.
func start(t *testing.T, change func(*daemon.Config)) *running {
	t.Helper()
	dir := t.TempDir()
	cfg := daemon.Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), Identity: peer.Accounts{},
		// A uid counts against the limits of a different uid, so tests detect a confusion of the two.
		Quota: func(uid uint32) uint32 { return uid + 1<<20 }}
	if change != nil {
		change(&cfg)
	}
	d, err := daemon.Start(cfg)
	check.NoError(t, err)
	r := &running{T: t, Daemon: d, socket: cfg.Socket}
	r.counts = r.present()
	served := make(chan error, 1)
	go func() { served <- d.Serve() }()
	t.Cleanup(func() {
		if !r.closed && !t.Failed() {
			r.awaitRelease() // the connections of dial are closed
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// present returns the kernel's counts of objects, handles, references and logon sessions.
func (r *running) present() [4]int64 {
	o, h, n := r.System().Counts()
	return [4]int64{o, h, n, int64(r.System().LogonSessions())}
}

// awaitRelease waits until the kernel's counts equal those before the first client (W-13).
func (r *running) awaitRelease() {
	r.Helper()
	check.Eventually(r, func() bool { return r.present() == r.counts },
		"objects, handles, references and logon sessions are not %d again (W-13)", r.counts)
}

func (r *running) dial() *client.Conn {
	r.Helper()
	c := check.Must(client.Dial(r.socket))
	r.Cleanup(func() { _ = c.Close() })
	return c
}

// TestConnectionGetsTokenOfPeerUser checks that a connection is a process with the token of the user at its other end,
// and that nothing of it remains afterwards (W-13, W-14).
func TestConnectionGetsTokenOfPeerUser(t *testing.T) {
	d := start(t, nil)
	c := d.dial()
	th := c.Thread()
	user := information[token.Group](th, winnt.TokenUser)
	check.Equal(t, user.SID.String(), "S-1-22-1-"+strconv.Itoa(os.Getuid()), "user of the token")
	groups := information[[]token.Group](th, winnt.TokenGroups)
	check.That(t, containsSID(groups, "S-1-22-2-"+strconv.Itoa(os.Getgid())), "the groups %v lack the program's", groups)
	if !strings.Contains(th.Name(), ownName(t)) { // the name of the peer's program
		t.Errorf("the thread is %s", th.Name())
	}
}

// information queries the token of a client's process for a class.
func information[T any](th *nt.Thread, class winnt.TokenInfoClass) T {
	return check.Result(th.NtQueryInformationToken(winnt.NtCurrentProcessToken, class)).(T)
}

func containsSID(groups []token.Group, want string) bool {
	return slices.ContainsFunc(groups, func(g token.Group) bool { return g.SID.String() == want })
}

// TestSecondDaemonOnStateIsRejected checks that the daemon locks the state folder before it touches the socket, and
// that only a refused connection makes a socket stale (W-16).
func TestSecondDaemonOnStateIsRejected(t *testing.T) {
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
	d.dial() // the other daemon still listens
	file := filepath.Join(dir, "file")
	check.NoError(t, os.WriteFile(file, []byte("data"), 0o600))
	cfg.Socket = file
	check.That(t, check.Err(daemon.Start(cfg)) != nil, "a file was taken for a stale socket")
	cfg.Socket = filepath.Join(dir, "missing", "s")
	_, err := daemon.Start(cfg)
	check.That(t, err != nil && strings.Contains(err.Error(), "run install -d "+filepath.Dir(cfg.Socket)),
		"a socket in a missing folder: %v", err)
	cfg.Socket = filepath.Join(dir, strings.Repeat("s", 107-len(dir)))
	_, err = daemon.Start(cfg)
	check.That(t, err != nil && strings.Contains(err.Error(), "the path has 108 bytes: choose one of at most 107"),
		"a socket with a long path: %v", err)
	cfg.Socket, cfg.AdminSocket = filepath.Join(dir, "first"), cfg.Socket
	_, err = daemon.Start(cfg)
	check.That(t, err != nil && check.Err(os.Lstat(cfg.Socket)) != nil,
		"without its second socket: %v, want an error, and the first socket removed", err)
	cfg.AdminSocket = ""
	if b, err := os.ReadFile(file); err != nil || string(b) != "data" {
		t.Errorf(`the file in the way: %q, %v, want "data", no error`, b, err)
	}
	datagrams, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "gram"), Net: "unixgram"})
	check.NoError(t, err)
	defer datagrams.Close()
	check.NoError(t, os.Symlink(filepath.Join(dir, "stale"), filepath.Join(dir, "link")))
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "stale"), Net: "unix"})
	check.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	for _, name := range []string{"gram", "link"} {
		cfg.Socket = filepath.Join(dir, name)
		_, err := daemon.Start(cfg)
		check.That(t, err != nil && check.Err(os.Lstat(cfg.Socket)) == nil,
			"%s of another program was taken for a stale socket: %v", name, err)
	}
	cfg.Socket = filepath.Join(dir, "stale")
	after, err := daemon.Start(cfg)
	check.RequireThat(t, err == nil, "a stale socket: %v", err)
	check.NoError(t, after.Close())
}

// TestStopClosesConnectionsWithWaitingCalls checks that a stopping daemon closes its clients' connections,
// including those with waiting calls (W-19).
func TestStopClosesConnectionsWithWaitingCalls(t *testing.T) {
	d := start(t, nil)
	c := d.dial()
	l, err := c.Thread().ListenPipe("orders", nt.PipeConfig{})
	check.NoError(t, err)
	ended := make(chan error, 1)
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	check.NoError(t, d.Close())
	check.That(t, <-ended != nil, "accept went on")
	if _, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.PortDisconnected {
		t.Errorf("a call afterwards: %s (W-9), want %s", st, ntstatus.PortDisconnected)
	}
	check.That(t, c.Err() != nil, "the connection does not say why it ended")
}

// TestLockFileOfEndedDaemonIsReused checks that a lock file left by an earlier process is reused, also if that daemon
// ended with an error (W-16).
func TestLockFileOfEndedDaemonIsReused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	lock := check.Must(daemon.LockState(dir))
	d := start(t, func(c *daemon.Config) { c.State, c.Lock = "", lock })
	tok := check.Must(token.New(token.LocalSystem()))
	p := check.Must(d.System().NewProcess("leaky", tok))
	th := check.Must(p.NewThread())
	d.System().KernelMode(th).NewToken(tok) // never released
	check.That(t, d.Close() != nil, "Close with a leaked token: no error, want one")
	again := check.Must(daemon.LockState(dir))
	check.NoError(t, again.Close())
}

// TestUIDsOfOneUserShareQuota checks that uids that map to one user share the user's limits (L-29, W-17).
func TestUIDsOfOneUserShareQuota(t *testing.T) {
	me := uint32(os.Getuid())
	owner := me + 100
	d := start(t, func(c *daemon.Config) {
		c.Limits.PerUser = 2
		c.Quota = func(uid uint32) uint32 {
			check.Equal(t, uid, me, "the quota lookup was for uid")
			return owner
		}
	})
	d.dial()
	second := d.dial()
	for range 2 { // the first rejection makes no room
		if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
			t.Errorf("L-29: a connection beyond the user's quota: %v, want insufficient resources", err)
		}
	}
	_ = second.Close()
	check.Eventually(t, func() bool {
		c, err := client.Dial(d.socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, "the closed connection still counts")
}
