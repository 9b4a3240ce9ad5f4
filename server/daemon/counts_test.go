package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestLimitsByDefault: a bound that is not given is the one that the field names
// (W-17).
func TestLimitsByDefault(t *testing.T) {
	for _, c := range []struct{ given, want Limits }{
		{Limits{}, Limits{Connections: 16384, PerUser: 2048, Threads: 8192}},
		{Limits{Connections: -1, PerUser: 5, Threads: 1}, Limits{Connections: 16384, PerUser: 5, Threads: 1}},
		{Limits{Connections: 1, Threads: -7}, Limits{Connections: 1, PerUser: 2048, Threads: 8192}},
	} {
		if got := c.given.orDefault(); got != c.want {
			t.Errorf("%+v becomes %+v, want %+v", c.given, got, c.want)
		}
	}
}

// TestCounts: each bound refuses exactly the one too many, of one user and of all,
// and what is given back makes room for one: no count is left at the end (W-17).
//
// +checklocksignore
func TestCounts(t *testing.T) {
	d := &Daemon{limits: Limits{Connections: 3, PerUser: 2, Threads: 2}, connections: map[*connection]struct{}{},
		users: map[uint32]user{}}
	of := func(uid uint32) *connection { return &connection{d: d, peer: &unix.Peer{UID: uid}, account: uid} }
	full := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ntstatus.InsufficientResources.Err()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var in []*connection
	admit := func(uid uint32) {
		t.Helper()
		c := of(uid)
		if err := d.admit(c); err != nil {
			t.Fatalf("uid %d: %v", uid, err)
		}
		in = append(in, c)
	}
	admit(7)
	admit(7)
	full("a third of one user", d.admit(of(7)))
	admit(8)
	full("a fourth of all", d.admit(of(9)))
	if d.refused != 2 || len(d.connections) != 3 || d.users[7].connections != 2 || d.users[8].connections != 1 {
		t.Errorf("%d refused, %d connections, users %v", d.refused, len(d.connections), d.users)
	}
	if !d.thread(7, 1) || !d.thread(7, 1) || d.thread(7, 1) || !d.thread(8, 1) {
		t.Error("two threads of each user, and no third")
	}
	if d.refused != 3 {
		t.Errorf("%d refused", d.refused)
	}
	if !d.thread(7, -1) || !d.thread(7, 1) || d.thread(7, 1) {
		t.Error("one that is given back makes room for one")
	}
	d.thread(7, -1)
	d.thread(7, -1)
	d.thread(8, -1)
	for i, c := range in {
		d.forget(c)
		if i == 0 {
			admit(9) // its room
		}
	}
	d.forget(in[len(in)-1])
	if len(d.users) != 0 || len(d.connections) != 0 {
		t.Errorf("left over: users %v, %d connections", d.users, len(d.connections))
	}
	d.closing = true
	if err := d.admit(of(7)); !errors.Is(err, ntstatus.PortDisconnected.Err()) || len(d.users) != 0 {
		t.Errorf("while the daemon stops: %v", err)
	}
}

// TestThreadThatIsNot: a thread that could not be made takes no room (W-17).
//
// +checklocksignore
func TestThreadThatIsNot(t *testing.T) {
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	sys := kernel.Boot(kernel.Config{})
	d := &Daemon{limits: Limits{Threads: 2}, sys: sys, users: map[uint32]user{}}
	c := &connection{d: d, peer: &unix.Peer{UID: 7}, account: 7}
	if c.process, err = sys.NewProcess("p", tok); err != nil {
		t.Fatal(err)
	}
	th, err := c.NewThread()
	if err != nil || d.users[7].threads != 1 {
		t.Fatalf("%v, %v", err, d.users)
	}
	c.GiveBack(th)
	c.Exit()
	for range 3 {
		if _, err := c.NewThread(); err == nil || errors.Is(err, ntstatus.InsufficientResources.Err()) {
			t.Fatalf("a thread of a process that has ended: %v", err)
		}
	}
	if len(d.users) != 0 {
		t.Errorf("left over: %v", d.users)
	}
	c.process.Close()
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

// TestAttachAsOfRoot: only a program that the host's kernel says is root's starts programs of
// others, by whatever socket it came, and only if it is wanted (W-93).
func TestAttachAsOfRoot(t *testing.T) {
	anyone := func(sid.SID) (uint32, bool) { return 1000, true }
	for _, c := range []*connection{
		{peer: &unix.Peer{UID: 1000}, d: &Daemon{startAs: anyone}},
		{peer: &unix.Peer{UID: 1000}, full: true, d: &Daemon{startAs: anyone}},
		{peer: &unix.Peer{UID: 0}, full: true, d: &Daemon{}},
	} {
		if f, uid, st := c.AttachAs(nil, 4, ""); f != nil || uid != 0 || st != ntstatus.PrivilegeNotHeld {
			t.Errorf("uid %d, full %t: %v, %d, %s", c.peer.UID, c.full, f, uid, st)
		}
	}
}

// TestStatusOf: a client is told the status that an error wraps, and of any other
// error no more than that there is no room.
func TestStatusOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{
		{fmt.Errorf("x: %w", ntstatus.AccessDenied.Err()), ntstatus.AccessDenied},
		{errors.New("secret"), ntstatus.InsufficientResources},
	} {
		if got := statusOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// TestStateModes: a folder that its owner alone can write to is taken, though others read
// it, and any other is refused with its mode (W-16).
func TestStateModes(t *testing.T) {
	for mode, taken := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o750: true, 0o720: false, 0o702: false,
		0o775: false, 0o777: false} {
		dir := filepath.Join(t.TempDir(), "state")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		f, err := LockState(dir)
		if taken != (err == nil) || !taken && !strings.Contains(err.Error(), fmt.Sprintf("(mode %o)", mode)) {
			t.Errorf("%o: %v", mode, err)
		}
		if err == nil {
			if _, err := LockState(dir); err == nil || !strings.Contains(err.Error(), "another refmond") {
				t.Errorf("%o: a second daemon: %v", mode, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	f, err := LockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const tries = 200
	open := descriptors(t)
	for range tries {
		if _, err := LockState(dir); err == nil {
			t.Fatal("a second daemon has the state")
		}
	}
	if n := descriptors(t) - open; n > tries/2 {
		t.Errorf("%d refusals leave %d descriptors open", tries, n)
	}
	for name, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, lockFile): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// descriptors counts those that this program has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this host does not list descriptors: ", err)
	}
	return len(list)
}

// TestStats: each count is told in its own place. The clients' calls are those that are over.
func TestStats(t *testing.T) {
	d := &Daemon{sys: kernel.Boot(kernel.Config{}), turns: makeTurns(2, 1, 8), denials: kept{most: 8, next: 1},
		connections: map[*connection]struct{}{{}: {}, {account: 1}: {}, {account: 2}: {}},
		users:       map[uint32]user{7: {}, 8: {}}, refused: 5}
	d.watchers.Store(4)
	for range 6 {
		d.denials.add(&seen{size: 1})
	}
	d.turns.mu.Lock()
	d.turns.calls, d.turns.served = 7, 8*time.Second
	d.turns.mu.Unlock()
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.sys.NewProcess("client", tok); err != nil {
		t.Fatal(err)
	}
	want := Stats{Connections: 3, Users: 2, Refused: 5, Calls: 7, Served: 8 * time.Second, Denied: 6, Watchers: 4}
	want.Objects, want.Handles, want.References = d.sys.Counts()
	if got := d.Stats(); got != want || got.Objects == 0 || got.Objects == got.Handles || got.Handles == got.References {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := d.sys.Close(); err != nil {
		t.Error(err)
	}
}
