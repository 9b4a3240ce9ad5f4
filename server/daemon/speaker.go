package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A program that root starts for another user has a connection that no listener accepted. The
// host's kernel reports the sender of its first byte.

// passCredentials enables SO_PASSCRED on the daemon's end, so that the host's kernel reports the sender of the
// data. It returns an error if the connection is not a socket.
func passCredentials(conn net.Conn) error {
	raw, err := socketOf(conn)
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	return errors.Join(err, failed)
}

// socketOf returns the raw socket of a connection, or an error if it is not a socket. A closed socket is an error,
// too.
func socketOf(conn net.Conn) (syscall.RawConn, error) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, errors.New("a connection that is not a socket")
	}
	return socket.SyscallConn()
}

// speaker returns the uid of the process that sent a connection's first byte. speaker waits for the byte without
// consuming it. passCredentials must come first. The error is io.EOF for a connection that ends without a byte, and
// EPROTO for a sender that the kernel did not report.
func speaker(conn net.Conn) (uid uint32, err error) {
	raw, err := socketOf(conn)
	if err != nil {
		return 0, err
	}
	var n, control int
	var failed error
	room := make([]byte, unix.CmsgSpace(unix.SizeofUcred)) // too small for passed descriptors, which stay unread
	err = raw.Read(func(fd uintptr) bool {
		n, control, _, _, failed = unix.Recvmsg(int(fd), make([]byte, 1), room, unix.MSG_PEEK|unix.MSG_CMSG_CLOEXEC)
		return !errors.Is(failed, unix.EAGAIN) && !errors.Is(failed, unix.EINTR)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(room[:control])
	if err != nil || len(messages) == 0 {
		return 0, fmt.Errorf("the kernel does not report the sender of the first byte: %w", errors.Join(err, unix.EPROTO))
	}
	who, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, err
	}
	return who.Uid, nil
}
