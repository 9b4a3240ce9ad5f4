package unix

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
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
		"given back: %+v, want p.Alive() = false, p.Pinned = false, p.pidfd = %v", p, -1)
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
