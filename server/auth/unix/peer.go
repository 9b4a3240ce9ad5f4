// Package unix identifies the peer of a Unix socket through the host's kernel, and determines the token of a peer.
//
//	p, err := unix.Of(conn)
//	if err != nil { return err }
//	defer p.Close()
//	r, err := unix.Accounts{}.LogOn(p, false) // S-1-22-1-uid with S-1-22-2-gid
//
// The kernel reports the credentials at the time of connect. A program that drops privileges later keeps its
// connection's identity. A Peer is not safe for concurrent use.
package unix

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"unsafe"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/ntstatus"
	"golang.org/x/sys/unix"
)

// Peer is the program at the other end of a socket, see [Of]. The zero value identifies nobody and cannot log on.
type Peer struct {
	Known    bool // UID, GID and Groups are those of the peer; otherwise they are invalid
	UID, GID uint32
	Groups   []uint32 // supplementary, as at connect
	PID      int      // in this PID namespace; 0 if it is not visible here
	Name     string   // of its program, for display; "" if it could not be read safely
	Pinned   bool     // PID is held by a pidfd, so it cannot be reused
	// Foreign means that the peer may run in another user namespace, where it can have left some of its groups.
	Foreign bool

	pidfd int  // -1 unless Pinned
	ended bool // the program had exited, and PID may be another's by now
}

// errUnknown says that a peer was not identified.
var errUnknown = fmt.Errorf("a peer that was not identified: %w", ntstatus.AccessDenied.Err())

// gids returns the groups of the peer at the time of its connect, in a new slice: the primary one first, then the
// supplementary ones.
func (p *Peer) gids() []uint32 { return append([]uint32{p.GID}, p.Groups...) }

// Of identifies the peer of a connection. The caller closes the Peer. The uid and the pidfd come from the same
// socket, because a pid may have been reused (W-14). If the peer's program has exited, or the kernel has no
// SO_PEERPIDFD (before Linux 6.5), Of succeeds with Pinned false and no Name. A closed connection is an error.
func Of(c *net.UnixConn) (*Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("peer of a socket: %w", err)
	}
	p := &Peer{pidfd: -1}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = p.ask(int(fd)) }); err != nil {
		return nil, fmt.Errorf("peer of a socket: %w", err)
	}
	if failed != nil {
		return nil, fmt.Errorf("peer of a socket: %w", failed)
	}
	p.Name, p.Foreign = p.program(), p.inNamespace()
	return p, nil
}

// UID returns the uid that the peer of a connection had when it connected. It returns an error if the connection is
// closed.
func UID(c *net.UnixConn) (uint32, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}

// ask reads the credentials of the peer of socket fd from the kernel, and sets Known. It also pins the process by a
// pidfd. Without SO_PEERPIDFD, or if the program has exited, Pinned stays false without an error. Unreadable groups
// are an error. After an error Known may be false.
func (p *Peer) ask(fd int) error {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return fmt.Errorf("SO_PEERCRED: %w", err)
	}
	p.UID, p.GID, p.PID = cred.Uid, cred.Gid, int(cred.Pid)
	if p.Groups, err = groups(fd); err != nil {
		return fmt.Errorf("SO_PEERGROUPS: %w", err)
	}
	p.Known = true
	return p.pin(unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD))
}

// pin handles the result of SO_PEERPIDFD. It takes over pidfd, or records that the program had exited. An unexpected
// err is an error.
func (p *Peer) pin(pidfd int, err error) error {
	switch {
	case err == nil:
		p.pidfd, p.Pinned = pidfd, true
		unix.CloseOnExec(pidfd)
	// A kernel before 6.5 has no such option: the peer is known by its uid, and its pid is not relied on.
	case errors.Is(err, unix.ENOPROTOOPT):
	// The program has exited, but its uid is valid.
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENODATA):
		p.ended = true
	default:
		return fmt.Errorf("SO_PEERPIDFD: %w", err)
	}
	return nil
}

// maxGroups is NGROUPS_MAX of Linux.
const maxGroups = 65536

// groups returns the supplementary groups that the peer of socket fd had at connect. For more than maxGroups it
// returns ERANGE. A peer without any has an empty list.
func groups(fd int) ([]uint32, error) {
	for n := 32; n <= maxGroups; n = min(2*n, maxGroups+1) {
		list := make([]uint32, n)
		size := uint32(4 * n)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&list[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch errno {
		case 0:
			return slices.Clone(list[:size/4]), nil
		case unix.ERANGE:
		default:
			return nil, errno
		}
	}
	return nil, unix.ERANGE
}

// program returns the name of the peer's program, "" if it is not certain. It reads /proc by pid and then checks
// that the pinned process still runs.
func (p *Peer) program() string {
	if !p.Pinned || p.PID == 0 {
		return ""
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/comm")
	if err != nil || !p.Alive() {
		return ""
	}
	return printable.Line(string(bytes.TrimRight(b, "\n")))
}

// inNamespace reports whether the peer may run in a user namespace, such as a container's. It compares the group
// mappings of the peer and this process. If the peer has ended or is invisible, the result is true. A process never
// leaves its user namespace.
func (p *Peer) inNamespace() bool {
	own, err := os.ReadFile("/proc/self/gid_map")
	if err != nil || p.PID == 0 || p.ended {
		return true
	}
	its, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/gid_map")
	return err != nil || p.Pinned && !p.Alive() || !bytes.Equal(own, its)
}

// Alive reports whether the peer's process still runs. It does not block. It returns false if Pinned is false,
// if the kernel reports an error, and after Close.
func (p *Peer) Alive() bool {
	if !p.Pinned {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}}
	for {
		// The runtime's own signals interrupt a poll, even one that does not wait.
		if n, err := unix.Poll(fds, 0); !errors.Is(err, unix.EINTR) {
			return err == nil && n == 0
		}
	}
}

// Close closes the pidfd and sets Pinned to false. The other fields stay valid. A second call has no effect, and
// neither has a call on the zero value.
func (p *Peer) Close() {
	if p.Pinned {
		_ = unix.Close(p.pidfd)
		p.pidfd, p.Pinned = -1, false
	}
}
