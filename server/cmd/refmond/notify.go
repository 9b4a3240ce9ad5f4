package main

import (
	"net"
	"os"
)

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
