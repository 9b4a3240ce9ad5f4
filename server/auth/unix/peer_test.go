package unix

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// credentials are the ids of one thread.
type credentials struct {
	uid, gid uint32
	groups   []uint32
}

// testCredentials returns the credentials with which a test connects. Root connects as an ordinary user with two
// groups, because root's ids are those of a zero Peer.
func testCredentials(t *testing.T) (c credentials, change bool) {
	t.Helper()
	if os.Getuid() == 0 {
		return credentials{4711, 4712, []uint32{4712, 4713}}, true
	}
	in, err := os.Getgroups()
	check.NoError(t, err)
	c = credentials{uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), groups: make([]uint32, 0, len(in))}
	for _, g := range in {
		c.groups = append(c.groups, uint32(g))
	}
	return c, false
}

// callAs calls f on a thread with these credentials. The thread ends with its goroutine, which stays locked to it.
func (c credentials) callAs(f func() error) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS, uintptr(len(c.groups)), uintptr(unsafe.Pointer(unsafe.SliceData(c.groups)))},
			{unix.SYS_SETRESGID, uintptr(c.gid), uintptr(c.gid), uintptr(c.gid)},
			{unix.SYS_SETRESUID, uintptr(c.uid), uintptr(c.uid), uintptr(c.uid)},
		} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				ended <- errno
				return
			}
		}
		ended <- f()
	}()
	return <-ended
}

// connect connects to a listener's socket file and returns the credentials that own returned.
func connect(t *testing.T, name string) (want credentials) {
	t.Helper()
	want, change := testCredentials(t)
	fd := check.Must(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	t.Cleanup(func() { _ = unix.Close(fd) })
	as := func(f func() error) error { return f() }
	if change {
		as = want.callAs
	}
	check.NoError(t, as(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: name}) }))
	return want
}

// TestPeerIsIdentified checks uid, groups and name of a program that connects to a socket, that the pidfd is
// not inherited by children, and that it is closed once (W-14).
func TestPeerIsIdentified(t *testing.T) {
	dir := t.TempDir()
	l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"}))
	defer l.Close()
	for _, path := range []string{filepath.Dir(dir), dir, l.Addr().String()} { // lets the other user reach the socket
		check.NoError(t, os.Chmod(path, 0o777))
	}
	want := connect(t, l.Addr().String())
	theirs, err := l.AcceptUnix()
	check.NoError(t, err)
	p, err := Of(theirs)
	check.NoError(t, err)
	uid, err := UID(theirs)
	check.That(t, err == nil && uid == want.uid, "UID: %d, %v, want %d", uid, err, want.uid)
	slices.Sort(want.groups)
	got := slices.Clone(p.Groups)
	slices.Sort(got)
	check.That(t, p.Known && p.UID == want.uid && p.GID == want.gid && p.PID == os.Getpid() &&
		slices.Equal(got, want.groups),
		"W-14: %+v, want %+v", p, want)
	if !p.Pinned {
		check.That(t, p.pidfd == -1 && p.Name == "" && !p.Alive(),
			"W-14: a kernel without SO_PEERPIDFD: %+v, want no pidfd, no name, and a peer that is not alive", p)
		t.Skip("this kernel has no SO_PEERPIDFD: peers have no name")
	}
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil || p.Name != strings.TrimSuffix(string(name), "\n") || !p.Alive() {
		t.Errorf("W-14: the peer is named %q, alive %t, error %v, want %q, true, nil",
			p.Name, p.Alive(), err, strings.TrimSuffix(string(name), "\n"))
	}
	if flags, err := unix.FcntlInt(uintptr(p.pidfd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("W-14: flags of the pidfd %#x, %v, want FD_CLOEXEC", flags, err)
	}
	fd := p.pidfd
	p.Close()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil || p.Pinned || p.pidfd != -1 {
		t.Errorf("W-14: after Close: %+v, F_GETFD of the pidfd: %v, want the pidfd closed and the peer not pinned", p,
			err)
	}
	p.Close()
	check.NoError(t, theirs.Close())
	if q, err := Of(theirs); err == nil || q != nil || !strings.HasPrefix(err.Error(), "peer of a socket: ") {
		t.Errorf("W-14: Of(closed socket) = %+v, %v, want nil and an error", q, err)
	}
}

// TestPeerIsFixedAtConnect checks that a connection has the uid, the gid and all groups that its other end had when it
// connected, however many groups there are (W-14).
func TestPeerIsFixedAtConnect(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be in other groups")
	}
	for _, n := range []int{0, 1, 31, 32, 33, 64, 65, 1000} {
		want := credentials{0, 54321, make([]uint32, n)}
		for i := range want.groups {
			want.groups[i] = uint32(50000 + i)
		}
		var fds [2]int
		check.NoError(t, want.callAs(func() (err error) {
			fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return err
		}))
		defer unix.Close(fds[1])
		f := os.NewFile(uintptr(fds[0]), "end")
		conn, err := net.FileConn(f)
		check.NoError(t, errors.Join(err, f.Close())) // FileConn duplicated the descriptor
		defer conn.Close()
		p, err := Of(conn.(*net.UnixConn))
		check.NoError(t, err)
		p.Close()
		check.That(t, p.UID == 0 && p.GID == want.gid && p.PID == os.Getpid() && slices.Equal(p.Groups, want.groups),
			"W-14: the peer of a program with %d groups: %+v, want uid 0, gid %d, pid %d and all groups", n, p, want.gid,
			os.Getpid())
	}
}

// TestNonSocketHasNoPeer checks that a descriptor that is not a socket has no peer, and that the error names
// the failed call.
func TestNonSocketHasNoPeer(t *testing.T) {
	f := check.Must(os.Open(os.DevNull))
	defer f.Close()
	if err := (&Peer{pidfd: -1}).ask(int(f.Fd())); err == nil || !strings.HasPrefix(err.Error(), "SO_PEERCRED: ") {
		t.Errorf("ask of a file: %v, want an error of SO_PEERCRED", err)
	}
	if list, err := groups(int(f.Fd())); err == nil || list != nil {
		t.Errorf("the groups of a file: %v, %v, want nil, an error", list, err)
	}
	if got := (&Peer{Known: true, GID: 5, Groups: []uint32{6, 5}}).gids(); !slices.Equal(got, []uint32{5, 6, 5}) {
		t.Errorf("gids = %v, want [5 6 5]", got)
	}
}

// TestUnconnectedSocketHasNoPeer checks that a socket without a connection has no peer, even if the kernel returns a
// uid (W-14).
func TestUnconnectedSocketHasNoPeer(t *testing.T) {
	c := check.Must(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unixgram"}))
	defer c.Close()
	if p, err := Of(c); err == nil || p != nil || !strings.HasPrefix(err.Error(), "peer of a socket: SO_PEER") {
		t.Errorf("W-14: Of = %+v, %v, want an error that names SO_PEER", p, err)
	}
}

// TestSignalsEndNoPeer checks that a program is alive while signals arrive, such as those of Go's runtime.
func TestSignalsEndNoPeer(t *testing.T) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Skip("this kernel has no pidfd: ", err)
	}
	p := &Peer{Pinned: true, pidfd: fd}
	defer p.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id, done, ended := unix.Gettid(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				_ = unix.Tgkill(os.Getpid(), id, unix.SIGURG)
			}
		}
	}()
	dead := 0
	for range 10_000 {
		if !p.Alive() {
			dead++
		}
	}
	close(done)
	<-ended
	check.Equal(t, dead, 0, "answers that this program does not run")
}

// TestPeerIsAliveUntilExit checks that a program is alive until it ends, and that a peer without a pidfd is never
// reported alive (W-14).
func TestPeerIsAliveUntilExit(t *testing.T) {
	cmd := exec.Command("cat") // ends with its input
	in := check.Must(cmd.StdinPipe())
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
	if !p.Alive() || p.program() != "cat" || p.inNamespace() {
		t.Errorf("a program that runs: alive %t, named %q, in a namespace %t, want true, cat and false", p.Alive(),
			p.program(), p.inNamespace())
	}
	if q := (&Peer{PID: cmd.Process.Pid, pidfd: -1}); q.Alive() || q.program() != "" {
		t.Errorf("a pid that may be another's by now: alive %t, named %q, want false and no name",
			q.Alive(), q.program())
	}
	if q := (&Peer{Pinned: true, pidfd: fd}); q.program() != "" {
		t.Errorf("a program without a pid here: named %q, want no name", q.program())
	}
	_ = in.Close()
	check.Eventually(t, func() bool { return !p.Alive() }, "the program did not end")
	check.Equal(t, p.program(), "", "W-14: the name of a program that ended and still has its pid")
	check.That(t, p.inNamespace(), "W-102: a program that ended and still has its pid is not foreign, want foreign")
	check.NoError(t, cmd.Wait())
	if p.Alive() || p.program() != "" {
		t.Errorf("a program that ended: alive %t, named %q, want false and no name", p.Alive(), p.program())
	}
	p.Close()
	check.That(t, !p.Alive() && !p.Pinned && p.pidfd == -1,
		"after Close: %+v, want the peer neither alive nor pinned, and no pidfd", p)
}

// TestReusedPIDDoesNotHideNamespace checks that a peer without a pidfd because it has ended is Foreign, even if a
// program of this namespace has its pid by now (W-102).
func TestReusedPIDDoesNotHideNamespace(t *testing.T) {
	for _, err := range []error{unix.EINVAL, unix.ESRCH, unix.ENODATA} {
		p := &Peer{PID: os.Getpid(), pidfd: -1}
		check.NoError(t, p.pin(-1, err))
		check.That(t, !p.Pinned && p.inNamespace(), "W-102: after %v pinned %t, foreign %t, want false, true", err, p.Pinned,
			p.inNamespace())
	}
}

// TestPeerInUserNamespaceIsForeign checks that a process in a user namespace, or one that has ended, is Foreign, and
// that this process is not (W-102).
func TestPeerInUserNamespaceIsForeign(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, ended, want bool
	}{"here": {}, "elsewhere": {namespace: true, want: true}, "ended": {ended: true, want: true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "socket")
			l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}))
			defer l.Close()
			cmd := exec.Command("python3", "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"+
				"s.connect(sys.argv[1])\nsys.stdin.read()", path)
			if c.namespace {
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER,
					UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
			}
			stdin := check.Must(cmd.StdinPipe())
			if err := cmd.Start(); err != nil {
				t.Skip("no python3, or no user namespaces: ", err)
			}
			conn, err := l.AcceptUnix()
			check.NoError(t, err)
			defer conn.Close()
			end := func() { check.NoError(t, errors.Join(stdin.Close(), cmd.Wait())) }
			if c.ended {
				end()
			}
			p, err := Of(conn)
			check.NoError(t, err)
			defer p.Close()
			check.Equal(t, p.Foreign, c.want, "W-102: Foreign")
			if !c.ended {
				end()
			}
		})
	}
}
