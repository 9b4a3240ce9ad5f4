package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstInherited is the first descriptor that systemd passes, sd_listen_fds(3).
const firstInherited = 3

// inherited returns the listening sockets that a service manager such as systemd passed to this process. inherited
// returns nil if there are none, or if they are for another process. inherited always removes the LISTEN_ environment
// variables, so child processes do not see them. A malformed number of sockets, more than 16 sockets, and a descriptor
// that is no listening socket are errors; earlier sockets stay open.
func inherited() (list []*net.UnixListener, err error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		err = errors.Join(err, os.Unsetenv(name))
	}
	if err != nil || pid != strconv.Itoa(os.Getpid()) { // without err, the sockets are for another process
		return nil, err
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 16 {
		return nil, fmt.Errorf("LISTEN_FDS is %q: want a number of sockets", count)
	}
	for fd := firstInherited; fd < firstInherited+n; fd++ {
		l, err := listener(uintptr(fd))
		if err != nil {
			return nil, fmt.Errorf("descriptor %d of the service manager: %w", fd, err)
		}
		list = append(list, l)
	}
	return list, nil
}

// listener converts a passed descriptor to a listener, and closes fd in every case. A socket that is not a Unix stream
// socket is an error.
func listener(fd uintptr) (*net.UnixListener, error) {
	f := os.NewFile(fd, "socket")
	l, err := net.FileListener(f)
	_ = f.Close() // FileListener made a copy
	if err != nil {
		return nil, err
	}
	u, ok := l.(*net.UnixListener)
	if !ok || u.Addr().Network() != "unix" {
		return nil, errors.Join(fmt.Errorf("%s is not a Unix stream socket", l.Addr()), l.Close())
	}
	return u, nil
}
