package main

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// reloading returns the state of a daemon that reads its configuration again, with
// the time that Type=notify-reload wants.
func reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// notify tells the service manager how the daemon is doing, as sd_notify(3) does:
// one datagram to the socket that NOTIFY_SOCKET names. Without one it does nothing.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' { // an abstract name
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return // a manager that does not listen is not told
	}
	_, _ = c.Write([]byte(state))
	_ = c.Close()
}
