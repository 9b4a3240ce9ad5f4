package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A program that root starts for another user holds a connection that no listener accepted:
// the host's kernel says of its first byte who sent it.

// passCredentials has the host's kernel say who sends what comes.
func passCredentials(conn net.Conn) error {
	raw, err := socketOf(conn)
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	return errors.Join(err, failed)
}

func socketOf(conn net.Conn) (syscall.RawConn, error) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, errors.New("a connection that is no socket")
	}
	return socket.SyscallConn()
}

// speaker waits for the first byte of a connection, which stays where it is, and returns the
// uid of the program that sent it; io.EOF where no program has the connection any more.
func speaker(conn net.Conn) (uid uint32, err error) {
	raw, err := socketOf(conn)
	if err != nil {
		return 0, err
	}
	var n, control int
	var failed error
	room := make([]byte, unix.CmsgSpace(unix.SizeofUcred)) // no room for a descriptor
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
		return 0, fmt.Errorf("who speaks is not said: %w", errors.Join(err, unix.EPROTO))
	}
	who, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, err
	}
	return who.Uid, nil
}
