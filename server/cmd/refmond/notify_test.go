package main

import (
	"fmt"
	"os"
	"testing"
)

// TestNotifyReachesAbstractSocket checks that the manager's socket may have an abstract name, and that nothing is sent
// without a socket.
func TestNotifyReachesAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("refmond-test-%d", os.Getpid())
	told := manager(t, "\x00"+name)
	for _, at := range []string{"", "/nonexistent/s", "@" + name} {
		t.Setenv("NOTIFY_SOCKET", at)
		notify("at " + at)
	}
	if text := told(); text != "at @"+name {
		t.Errorf("the manager received %q, want %q", text, "at @"+name)
	}
}
