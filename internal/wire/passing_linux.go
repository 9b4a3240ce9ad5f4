package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver reads a socket and passes received descriptors, close-on-exec, to its Reader.
type receiver struct {
	raw syscall.RawConn // immutable
	to  *Reader         // immutable
	try func(uintptr) bool
	oob [64 + 4*MaxDescriptors]byte // the header of the message, and its descriptors

	// Owned by the call under way.
	message unix.Msghdr
	vector  unix.Iovec
	n       int
	err     error
}

// newReceiver returns a reader of socket that also receives passed descriptors and gives them to the Reader to. The
// error is that of a closed socket.
func newReceiver(socket *net.UnixConn, to *Reader) (io.Reader, error) {
	r := &receiver{to: to}
	r.try = r.once
	var err error
	r.raw, err = socket.SyscallConn()
	return r, err
}

// Read reads bytes of the socket and passes the descriptors that come with them to the Reader. At the end of the stream
// it returns io.EOF. If descriptors were lost, it fails and returns no bytes. An empty p reads nothing and succeeds.
// Bytes that came with lost descriptors are dropped.
func (r *receiver) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.vector.Base = &p[0]
	r.vector.SetLen(len(p))
	lost := r.raw.Read(r.try)
	r.vector.Base = nil
	n, err := r.n, r.err
	switch {
	case lost != nil:
		return 0, lost
	case err == nil && n == 0:
		return 0, io.EOF
	}
	if oobn := int(r.message.Controllen); err == nil && oobn > 0 {
		err = errors.Join(err, r.descriptors(r.oob[:oobn]))
	}
	// The flag comes without an error: with a full table all bytes come, and no descriptor (W-50).
	if err == nil && r.message.Flags&unix.MSG_CTRUNC != 0 {
		err = errTruncated
	}
	if err != nil {
		return 0, err // no bytes: those that came could make a whole frame
	}
	return n, nil
}

// once receives data and descriptors from the socket fd without blocking. If there is no data, the result is false
// and the caller waits. A system error returns true and is in r.err. The end of the connection returns true with no
// bytes. EINTR is retried.
func (r *receiver) once(fd uintptr) bool {
	r.message = unix.Msghdr{Iov: &r.vector, Control: &r.oob[0]}
	r.message.SetIovlen(1)
	r.message.SetControllen(unix.CmsgSpace(4 * MaxDescriptors))
	for {
		n, _, e := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.message)), unix.MSG_CMSG_CLOEXEC)
		switch r.n, r.err = int(n), nil; e {
		case 0:
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			r.n, r.err = 0, os.NewSyscallError("recvmsg", e)
			return true
		}
	}
}

// descriptors passes the descriptors in control messages to the Reader, which then owns them. Messages of other kinds
// are ignored. A malformed control message is an error.
func (r *receiver) descriptors(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("%w: control message: %w", ErrFrame, err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // another kind of message brings none
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "descriptor of the daemon"))
		}
	}
	return r.to.take(files)
}

// writeWith writes b, with the descriptors of files on its first byte. The caller closes the files. More than
// MaxDescriptors files, and files over a connection that is not a Unix socket, are errors. The rest of a short write
// is sent without the descriptors.
func writeWith(conn net.Conn, b []byte, files []*os.File) error {
	if len(files) == 0 {
		_, err := conn.Write(b)
		return err
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok || len(files) > MaxDescriptors {
		return fmt.Errorf("%w: %d descriptors over %T", ErrFrame, len(files), conn)
	}
	n, _, err := socket.WriteMsgUnix(b, rights(files), nil)
	runtime.KeepAlive(files)
	if err == nil && n < len(b) {
		_, err = socket.Write(b[n:])
	}
	return err
}

// rights returns the control message (SCM_RIGHTS) that carries the descriptors of files over a socket. More than
// MaxDescriptors are left out.
func rights(files []*os.File) []byte {
	var fds [MaxDescriptors]int
	n := 0
	for ; n < min(len(files), len(fds)); n++ {
		fds[n] = int(files[n].Fd())
	}
	return unix.UnixRights(fds[:n]...)
}

// writeNowWith writes as much as the socket takes without waiting, with the descriptors on the first byte. It returns
// 0 and no error if the socket takes nothing; then no descriptor was sent either.
func writeNowWith(fd uintptr, b []byte, files []*os.File) (int, error) {
	n, err := unix.SendmsgN(int(fd), b, rights(files), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	runtime.KeepAlive(files)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		err = nil
	}
	return max(n, 0), err
}

// allTaken reports whether the peer has read everything that was sent. It returns false if the kernel does not
// report that.
func allTaken(socket syscall.RawConn) bool {
	left := 1
	err := socket.Control(func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			left = n
		}
	})
	return err == nil && left == 0
}

// Pair returns the two ends of a new connection: the server's, and the client's for a program that inherits it. name
// appears in errors. The caller closes both.
func Pair(name string) (net.Conn, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("connection of %s: %w", name, err)
	}
	theirs, ours := os.NewFile(uintptr(pair[0]), name), os.NewFile(uintptr(pair[1]), name)
	conn, err := net.FileConn(ours)
	_ = ours.Close() // FileConn made a copy
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("connection of %s: %w", name, err)
	}
	return conn, theirs, nil
}
