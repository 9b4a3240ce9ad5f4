package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestNotifyReachesAbstractSocket checks that the manager's socket may have an abstract name, and that nothing is sent
// without a socket.
func TestNotifyReachesAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("refmond-test-%d", os.Getpid())
	received := manager(t, "\x00"+name)
	for _, at := range []string{"", "/nonexistent/s", "@" + name} {
		t.Setenv("NOTIFY_SOCKET", at)
		notify("at " + at)
	}
	check.Equal(t, received(), "at @"+name, "the manager received")
}
