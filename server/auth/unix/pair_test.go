package unix

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestOwnEnd: of a program that connects through a socket in the file system all is known that it is: its user, its
// groups, its name; the pidfd does not pass to programs that are started, and is given back once (W-14).
func TestOwnEnd(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Of(theirs)
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	want := make([]uint32, 0, len(in))
	for _, g := range in {
		want = append(want, uint32(g))
	}
	slices.Sort(want)
	got := slices.Clone(p.Groups)
	slices.Sort(got)
	if p.UID != uint32(os.Getuid()) || p.GID != uint32(os.Getgid()) || p.PID != os.Getpid() || !slices.Equal(got, want) {
		t.Errorf("W-14: %+v, want groups %v", p, want)
	}
	if !p.Pinned {
		if p.pidfd != -1 || p.Name != "" || p.Alive() {
			t.Errorf("W-14: a kernel without SO_PEERPIDFD: %+v", p)
		}
		t.Skip("this kernel has no SO_PEERPIDFD: a name is not told")
	}
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil || p.Name != strings.TrimSuffix(string(name), "\n") || !p.Alive() {
		t.Errorf("W-14: it is named %q, alive %t, %v", p.Name, p.Alive(), err)
	}
	if flags, err := unix.FcntlInt(uintptr(p.pidfd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("W-14: the pidfd passes on: %#x, %v", flags, err)
	}
	fd := p.pidfd
	p.Close()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil || p.Pinned || p.pidfd != -1 {
		t.Errorf("W-14: the pidfd is still open: %v, %+v", err, p)
	}
	p.Close()
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if q, err := Of(theirs); err == nil || q != nil || !strings.HasPrefix(err.Error(), "peer of a socket: ") {
		t.Errorf("W-14: a socket that is closed: %+v, %v", q, err)
	}
}

// TestManyGroups: all groups of the other end are told, however many they are (W-14).
func TestManyGroups(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be in other groups")
	}
	for _, n := range []int{0, 1, 31, 32, 33, 64, 65, 1000} {
		type answer struct {
			groups []uint32
			err    error
		}
		said := make(chan answer)
		all := make([]uint32, n, n+1)
		for i := range all {
			all[i] = uint32(50000 + i)
		}
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread, in other groups, ends with the goroutine
			_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(n), uintptr(unsafe.Pointer(&all[:1][0])), 0)
			if errno != 0 {
				said <- answer{nil, errno}
				return
			}
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				said <- answer{nil, err}
				return
			}
			defer unix.Close(fds[0])
			defer unix.Close(fds[1])
			list, err := groups(fds[0])
			said <- answer{list, err}
		}()
		if a := <-said; a.err != nil || !slices.Equal(a.groups, all) {
			t.Errorf("W-14: of %d groups %d are told, %v", n, len(a.groups), a.err)
		}
	}
}

// TestNoSocket: what is no socket tells of no peer, and the error which question failed.
func TestNoSocket(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (&Peer{pidfd: -1}).ask(int(f.Fd())); err == nil || !strings.HasPrefix(err.Error(), "SO_PEERCRED: ") {
		t.Errorf("a file: %v", err)
	}
	if list, err := groups(int(f.Fd())); err == nil || list != nil {
		t.Errorf("the groups of a file: %v, %v", list, err)
	}
	if got := (&Peer{GID: 5, Groups: []uint32{6, 5}}).gids(); !slices.Equal(got, []uint32{5, 6, 5}) {
		t.Errorf("groups %v", got)
	}
}

// TestNoPeer: a socket that no one has connected to has no peer, also where the kernel tells of a uid (W-14).
func TestNoPeer(t *testing.T) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p, err := Of(c); err == nil || p != nil || !strings.HasPrefix(err.Error(), "peer of a socket: SO_PEER") {
		t.Errorf("W-14: %+v, %v", p, err)
	}
}

// TestProgramOfPID: the name of a program is told of a process that is pinned and still runs, whatever its number, and
// of no other (W-14).
func TestProgramOfPID(t *testing.T) {
	own, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Skip("this kernel has no pidfds: ", err)
	}
	defer unix.Close(own)
	for _, pid := range []int{1, os.Getpid(), 0} {
		want := ""
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
			want = strings.TrimSuffix(string(b), "\n")
		}
		if got := (&Peer{PID: pid, Pinned: true, pidfd: own}).program(); got != want {
			t.Errorf("W-14: the program of %d is %q, want %q", pid, got, want)
		}
		if got := (&Peer{PID: pid, pidfd: own}).program(); got != "" {
			t.Errorf("W-14: the program of %d, which is not pinned, is %q", pid, got)
		}
	}
}
