package client

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// serverUID returns the uid of the program that listens on a socket. known is true if there is no error. The uid is
// that of the time when the program began to listen.
func serverUID(c *net.UnixConn) (uid uint32, known bool, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false, fmt.Errorf("refmond: who listens: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, false, fmt.Errorf("refmond: who listens: %w", err)
	}
	return cred.Uid, true, nil
}
