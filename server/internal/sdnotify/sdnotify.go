// Package sdnotify tells the service manager the state of a daemon: see sd_notify(3) and Type=notify of
// systemd.service(5). The package has no state.
package sdnotify

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// States for [Send].
const (
	Ready    = "READY=1"    // the start or a reload is complete
	Stopping = "STOPPING=1" // the daemon ends
)

// Reloading returns the state that tells the service manager that a reload has begun, with the time that
// Type=notify-reload requires. Without a clock it has no time.
func Reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// Send sends a state to the service manager: one datagram to the socket in NOTIFY_SOCKET. Without that variable it
// does nothing. It ignores all errors, and does not wait for an answer.
func Send(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' { // stands for the zero byte that begins an abstract socket name
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return // the manager does not listen
	}
	_, _ = c.Write([]byte(state))
	_ = c.Close()
}
