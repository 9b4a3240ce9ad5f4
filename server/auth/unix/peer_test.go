package unix

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestPeerIsAliveUntilExit checks that a program is alive until it ends, and that a peer without a pidfd is never
// reported alive (W-14).
func TestPeerIsAliveUntilExit(t *testing.T) {
	cmd := exec.Command("cat") // ends with its input
	in, err := cmd.StdinPipe()
	check.NoError(t, err)
	if err := cmd.Start(); err != nil {
		t.Skip("there is no cat: ", err)
	}
	fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		_ = in.Close()
		_ = cmd.Wait()
		t.Skip("this kernel has no pidfd: ", err)
	}
	p := &Peer{PID: cmd.Process.Pid, Pinned: true, pidfd: fd}
	if !p.Alive() || p.program() != "cat" {
		t.Errorf("a program that runs: alive %t, named %q, want true and cat", p.Alive(), p.program())
	}
	if q := (&Peer{PID: cmd.Process.Pid, pidfd: -1}); q.Alive() || q.program() != "" {
		t.Errorf("a pid that may be another's by now: alive %t, named %q, want false and no name",
			q.Alive(), q.program())
	}
	if q := (&Peer{Pinned: true, pidfd: fd}); q.program() != "" {
		t.Errorf("a program without a pid here: named %q, want no name", q.program())
	}
	_ = in.Close()
	check.NoError(t, cmd.Wait())
	if p.Alive() || p.program() != "" {
		t.Errorf("a program that ended: alive %t, named %q, want false and no name", p.Alive(), p.program())
	}
	p.Close()
	if p.Alive() || p.Pinned || p.pidfd != -1 {
		t.Errorf("given back: %+v, want p.Alive() = false, p.Pinned = false, p.pidfd = %v", p, -1)
	}
}

// TestTokens checks that a peer's token has the peer's current group first and each group once. 65534 becomes the
// anonymous logon without a group of its own (W-15).
func TestTokens(t *testing.T) {
	a := Accounts{Privileges: map[uint32]winnt.PrivilegeSet{8: winnt.Privileges(winnt.SeDebugPrivilege)}}
	log := func(p *Peer) token.Spec {
		r, err := a.LogOn(p, false)
		check.NoError(t, err)
		return r.Token
	}
	s := log(&Peer{Known: true, UID: 8, GID: 100, Groups: []uint32{100, 101, 102}})
	if s.Source.Name != "unix" {
		t.Errorf(`source %q, want "unix"`, s.Source.Name)
	}
	seen := map[string]int{}
	for _, g := range s.Groups {
		seen[g.SID.String()]++
	}
	for _, id := range []string{"S-1-22-2-100", "S-1-22-2-101", "S-1-22-2-102"} {
		if seen[id] != 1 {
			t.Errorf("%s is there %d times, want 1", id, seen[id])
		}
	}
	for _, groups := range [][]uint32{nil, {100}, {101, 100}, {101}} { // the kernel lists the first one, or does not
		n := 0
		for _, g := range log(&Peer{Known: true, UID: 8, GID: 100, Groups: groups}).Groups {
			if g.SID == sid.MustParse("S-1-22-2-100") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the first group, with %v, is there %d times, want 1", groups, n)
		}
	}
	root := log(&Peer{Known: true, UID: 0, GID: 0})
	if root.User.SID != sid.MustParse("S-1-22-1-0") || slices.ContainsFunc(root.Groups, func(g token.Group) bool {
		return g.SID == sid.Administrators
	}) {
		t.Errorf("the host's superuser is an administrator: %+v", root)
	}
	if !s.Privileges.Has(winnt.SeDebugPrivilege) || !s.EnabledPrivileges.Has(winnt.SeDebugPrivilege) ||
		!s.DefaultPrivileges.Has(winnt.SeDebugPrivilege) {
		t.Error("a privilege of the configuration is not there, enabled and by default")
	}
	if log(&Peer{Known: true, UID: 9, GID: 8}).Privileges.Has(winnt.SeDebugPrivilege) {
		t.Error("the token of another uid holds the privilege too, want not")
	}
	none := log(&Peer{Known: true, UID: 65534, GID: 100})
	check.Equal(t, none.User.SID, sid.Anonymous, "65534")
	for _, g := range none.Groups {
		if g.SID.Authority() == 22 {
			t.Errorf("65534 has the group %v, want g.SID.Authority() anything but 22", g.SID)
		}
	}
}

// TestPeerIsFixedAtConnect checks that each connection has the uid and gid that its other end had when it connected
// (W-14).
func TestPeerIsFixedAtConnect(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be of another group")
	}
	const group = 54321
	type answer struct {
		p   *Peer
		err error
	}
	said := make(chan answer)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, of another group until then, ends with the goroutine
		p, err := connected(group)
		said <- answer{p, err}
	}()
	a := <-said
	if a.err != nil {
		t.Fatal(a.err)
	}
	defer a.p.Close()
	if a.p.UID != 0 || a.p.GID != group || a.p.PID != os.Getpid() {
		t.Errorf("uid %d, group %d, pid %d, want 0, %d, %d", a.p.UID, a.p.GID, a.p.PID, group, os.Getpid())
	}
}

// connected connects from one thread that has the given group, and returns the peer of that connection.
func connected(group uintptr) (*Peer, error) {
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, group, group, ^uintptr(0)); e != 0 {
		return nil, e
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fds[1])
	f := os.NewFile(uintptr(fds[0]), "end")
	defer f.Close() // FileConn made a copy
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return Of(conn.(*net.UnixConn))
}

// TestPeerInUserNamespaceIsForeign checks that a process in a user namespace, or one that has ended, is Foreign, and
// that this process is not (W-102).
func TestPeerInUserNamespaceIsForeign(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, ended, want bool
	}{"this namespace": {}, "another namespace": {namespace: true, want: true}, "ended": {ended: true, want: true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "socket")
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			check.NoError(t, err)
			defer l.Close()
			cmd := exec.Command("python3", "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"+
				"s.connect(sys.argv[1])\nsys.stdin.read()", path)
			if c.namespace {
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER,
					UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
			}
			stdin, err := cmd.StdinPipe()
			check.NoError(t, err)
			if err := cmd.Start(); err != nil {
				t.Skip("no python3, or no user namespaces: ", err)
			}
			conn, err := l.AcceptUnix()
			check.NoError(t, err)
			defer conn.Close()
			if c.ended {
				check.NoError(t, stdin.Close())
				check.NoError(t, cmd.Wait())
			}
			p, err := Of(conn)
			check.NoError(t, err)
			defer p.Close()
			if p.Foreign != c.want {
				t.Errorf("W-102: Foreign is %t, want %t", p.Foreign, c.want)
			}
			if !c.ended {
				check.NoError(t, stdin.Close())
				check.NoError(t, cmd.Wait())
			}
		})
	}
}
