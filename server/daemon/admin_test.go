package daemon_test

import (
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// stored opens a store of accounts in a folder of its own.
func stored(t *testing.T) *lsa.Store {
	t.Helper()
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// elevation returns the elevation type of a connection's process, and of the token
// that is linked to it with the level of that one.
func elevation(t *testing.T, c *client.Conn) (own, linked uint32,
	level winnt.SecurityImpersonationLevel) {
	t.Helper()
	th := c.Thread()
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	ask := func(h winnt.Handle, class winnt.TokenInfoClass) any {
		v, st := th.NtQueryInformationToken(h, class)
		if st != ntstatus.Success {
			t.Fatalf("%v: %v", class, st)
		}
		return v
	}
	own = ask(h, winnt.TokenElevationType).(uint32)
	other := ask(h, winnt.TokenLinkedToken).(winnt.Handle)
	return own, ask(other, winnt.TokenElevationType).(uint32),
		ask(other, winnt.TokenImpersonationLevel).(winnt.SecurityImpersonationLevel)
}

// TestAdministratorsSocket: the owner of the state folder is limited at the socket of
// all, with the full token linked and only to be looked at, and has the full one at
// the administrators' (L-5, L-21, L-51). Nothing is left of either (W-13).
func TestAdministratorsSocket(t *testing.T) {
	s := stored(t)
	var admin string
	d := start(t, func(c *daemon.Config) {
		admin = filepath.Join(filepath.Dir(c.Socket), "admin")
		c.AdminSocket, c.Identity, c.LSA = admin, peer.Stored{Store: s}, s
	})
	limited := d.dial()
	full, err := client.Dial(admin)
	if err != nil {
		t.Fatal(err)
	}
	own, linked, level := elevation(t, limited)
	if own != winnt.TokenElevationTypeLimited || linked != winnt.TokenElevationTypeFull ||
		level != winnt.SecurityIdentification {
		t.Errorf("at the socket of all: %v, linked to %v at %v (L-51)", own, linked, level)
	}
	if own, linked, _ = elevation(t, full); own != winnt.TokenElevationTypeFull ||
		linked != winnt.TokenElevationTypeLimited {
		t.Errorf("at the administrators' socket: %v, linked to %v (L-51)", own, linked)
	}
	// A program that an administrator's starts in a process of its own is told of as that one is.
	child := childOf(t, full)
	told := map[uint64]bool{}
	for _, s := range ask(t, full, daemon.Question{What: "sessions"}).Sessions {
		told[s.Process] = s.Full
	}
	if want := map[uint64]bool{uint64(limited.Process()): false, uint64(full.Process()): true,
		uint64(child.Process()): true}; !maps.Equal(told, want) {
		t.Errorf("L-51: full are %v, want %v", told, want)
	}
	_, _, _ = limited.Close(), full.Close(), child.Close()
	d.settles()
	d.SetIdentity(peer.Accounts{})
	if _, err := client.Dial(admin); !errors.Is(err, ntstatus.AccessDenied.Err()) {
		t.Errorf("another than an administrator, at the administrators' socket: %v (L-51)", err)
	}
	d.settles()
}

// TestOverflowUID: a peer whose uid has no number here is a process of Anonymous
// (L-25, W-15).
func TestOverflowUID(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Identity = as{peer.Stored{Store: stored(t)}, lsa.Unmapped} })
	c := d.dial()
	h, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	user, st := c.Thread().NtQueryInformationToken(h, winnt.TokenUser)
	if st != ntstatus.Success || user.(token.Group).SID.String() != "S-1-5-7" {
		t.Errorf("65534 is %v, %v (L-25)", user, st)
	}
	_ = c.Close()
	d.settles()
}

// TestLockedState: a lock that was taken before is the daemon's afterwards (W-16).
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

// TestSharedQuota: uids that count against one user share its bounds (L-29, W-17).
func TestSharedQuota(t *testing.T) {
	me := uint32(os.Getuid())
	owner := me + 100
	d := start(t, func(c *daemon.Config) {
		c.Limits.PerUser = 2
		c.Quota = func(uid uint32) uint32 {
			if uid != me {
				t.Errorf("asked about uid %d", uid)
			}
			return owner
		}
	})
	d.dial()
	second := d.dial()
	if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		t.Errorf("one more than the quota of the user who has the uid: %v (L-29)", err)
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

// TestAttachedIsCounted: the program of a process that the daemon's own program made counts
// with the others of its user (W-17).
func TestAttachedIsCounted(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Limits.PerUser = 1 })
	c := d.dial()
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	if f, err := d.Attach("one too many", tok); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		_ = f.Close()
		t.Errorf("beside a connection of its user: %v", err)
	}
	_ = c.Close()
}

// TestAdministerOfAttached: a program that was started in a process asks about accounts as
// that process's token may, not as the one's who started it (W-40).
func TestAdministerOfAttached(t *testing.T) {
	who, asked := make(roles, 1), make(chan *token.Token, 1)
	d := start(t, func(c *daemon.Config) {
		c.Identity = who
		c.Administer = func(tok *token.Token, _ []byte) ([]byte, ntstatus.Status) {
			asked <- tok
			return nil, ntstatus.Success
		}
	})
	c := d.as(who, administrator)
	th := c.Thread()
	must := func(st ntstatus.Status) {
		t.Helper()
		if st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	must(st)
	less, st := th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE, nil, nil, nil)
	must(st)
	out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, Token: less})
	must(st)
	f, err := c.Attach(out.ProcessHandle)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(f)
	_ = f.Close() // FileConn made a copy
	if err != nil {
		t.Fatal(err)
	}
	child, err := client.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*client.Conn{"the program": c, "the one that it started": child} {
		if _, err := x.Administer([]byte("{}")); err != nil {
			t.Fatal(err)
		}
		if tok := <-asked; tok.Has(winnt.SeDebugPrivilege) != (x == c) {
			t.Errorf("%s asks with %v", name, tok.Spec().Privileges)
		}
	}
	_, _ = child.Close(), c.Close()
	d.settles()
}

// TestManyQuestionsAboutAccounts: each question that was answered makes room for another.
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
