package client

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
)

// Socket returns the address in REFMON_SOCKET, or the default if the variable is missing or empty.
func TestSocketReadsEnvironment(t *testing.T) {
	for given, want := range map[string]string{"": "/run/refmon/refmond.sock", "/tmp/s": "/tmp/s", "fd:3": "fd:3"} {
		t.Setenv("REFMON_SOCKET", given)
		check.Equal(t, Socket(), want, "Socket with REFMON_SOCKET=%q", given)
	}
}

// listenAs listens on a socket as another user, which the host's kernel records. Only root can do this for another
// user.
func listenAs(t *testing.T, uid uint32) net.Listener {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check.NoError(t, err)
	path := filepath.Join(t.TempDir(), "s")
	check.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	listen := func() (bool, error) { return true, unix.Listen(fd, 8) }
	if uid == uint32(os.Getuid()) {
		_, err = listen()
	} else if _, err = asuser.Run(int(uid), os.Getgid(), listen); errors.Is(err, unix.EPERM) {
		_ = unix.Close(fd)
		t.Skip("this program cannot change the user of a thread: ", err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close() // FileListener makes a copy
	check.NoError(t, err)
	l := check.Must(net.FileListener(f))
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// answerHellos answers the hello of each client and reports for each whether it sent nothing.
func answerHellos(l net.Listener, silent chan<- bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		f, err := wire.ReadFrame(c)
		if err == nil && f.Kind == wire.Hello {
			_, _ = c.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, hello)}))
		}
		silent <- err != nil
	}
}

// Dial and DialUser accept a server that runs as root, as this program's user or as the given user. They send nothing
// to other servers, not even a hello, and the error names the server's uid (W-24).
func TestDialRejectsServerOfAnotherUser(t *testing.T) {
	own := uint32(os.Geteuid())
	servers := []uint32{own}
	if own == 0 {
		servers = append(servers, 4711)
	}
	for _, uid := range servers {
		l := listenAs(t, uid)
		silent := make(chan bool, 1)
		go answerHellos(l, silent)
		path := l.Addr().String()
		for _, c := range []struct {
			dial func() (*Conn, error)
			want bool
		}{
			{func() (*Conn, error) { return Dial(path) }, uid == own || uid == 0},
			{func() (*Conn, error) { return DialUser(path, uid) }, true},
			{func() (*Conn, error) { return DialUser(path, uid+1) }, uid == 0},
		} {
			conn, err := c.dial()
			check.That(t, (err == nil) == c.want && (conn != nil) == c.want && <-silent != c.want,
				"dialing a server of uid %d as uid %d: %v, or it received a frame; want success %t", uid, own, err, c.want)
			if named := fmt.Sprintf("%s runs as uid %d, want root", path, uid); err != nil &&
				(!errors.Is(err, ErrServerUser) || !strings.Contains(err.Error(), named)) {
				t.Errorf("dialing a server of uid %d: %v, want ErrServerUser with the uid", uid, err)
			}
			if conn != nil {
				check.Equal(t, conn.Process(), 0x44, "process of a server of uid %d", uid)
				_ = conn.Close()
			}
		}
	}
}

// Dial uses an inherited connection and closes its descriptor. A descriptor that is not a socket is an error, and so is
// a second Dial, which leaves another file that has the number by then alone (W-51).
func TestDialClosesInheritedDescriptor(t *testing.T) {
	dialled.Clear() // a test that is repeated gets the same numbers
	daemon, theirs, err := wire.Pair("inherited")
	check.NoError(t, err)
	defer daemon.Close()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = wire.ReadFrame(daemon)
		_, _ = daemon.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, hello)}))
	}()
	fd, err := unix.Dup(int(theirs.Fd())) // closing the file would close the descriptor
	check.NoError(t, err)
	_ = theirs.Close()
	c := check.Must(Dial(fmt.Sprintf("fd:%d", fd)))
	<-over
	check.Equal(t, c.Process(), 0x44, "Process")
	_ = c.Close()
	n, err := daemon.Read(make([]byte, 1))
	check.That(t, n == 0 && err != nil,
		"after Close a descriptor of the connection is still open: read %d bytes, %v; want 0, an error", n, err)
	r, w, err := os.Pipe()
	check.NoError(t, err)
	defer func() { _, _ = r.Close(), w.Close() }()
	again := check.Must(unix.FcntlInt(r.Fd(), unix.F_DUPFD_CLOEXEC, fd)) // the number is free, except in a race
	defer unix.Close(again)
	other := check.Must(unix.Dup(int(r.Fd())))
	for at, what := range map[int]string{fd: "was used before", other: "socket"} {
		address := fmt.Sprintf("fd:%d", at)
		c, err := Dial(address)
		check.That(t, err != nil && c == nil && strings.Contains(err.Error(), address) &&
			strings.Contains(err.Error(), what), "Dial(%s): %v, want %q", address, err, what)
	}
	check.NoError(t, unix.Fstat(again, new(unix.Stat_t)))
}

// The uid of a server is not known over a connection that is closed or was never open (W-24).
func TestServerUIDNeedsConnection(t *testing.T) {
	conn, file, err := wire.Pair("closed")
	check.NoError(t, err)
	check.NoError(t, errors.Join(conn.Close(), file.Close()))
	for _, c := range []*net.UnixConn{conn.(*net.UnixConn), new(net.UnixConn)} {
		uid, known, err := serverUID(c)
		check.That(t, err != nil && uid == 0 && !known, "serverUID: %d, %t, %v; want 0, false and an error", uid, known, err)
	}
}
