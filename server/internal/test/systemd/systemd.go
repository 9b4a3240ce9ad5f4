// Package systemd receives what a daemon sends to its service manager.
package systemd

import (
	"net"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// Listen listens at a datagram socket for the states of sd_notify(3), and returns a function that waits for the next
// one. A name that begins with a zero byte is abstract. The socket is closed at the end of the test.
func Listen(t *testing.T, name string) (received func() string) {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	check.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return func() string {
		b := make([]byte, 256)
		check.NoError(t, l.SetReadDeadline(time.Now().Add(time.Minute)))
		n, err := l.Read(b)
		check.NoError(t, err)
		return string(b[:n])
	}
}
