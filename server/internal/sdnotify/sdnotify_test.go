package sdnotify_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/sdnotify"
	"github.com/refmon/refmon/server/internal/test/systemd"
)

// TestSendReachesAbstractSocket checks that the manager's socket may have an abstract name, and that nothing is sent
// without a socket.
func TestSendReachesAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("refmond-test-%d", os.Getpid())
	received := systemd.Listen(t, "\x00"+name)
	for _, at := range []string{"", "/nonexistent/s", "@" + name} {
		t.Setenv("NOTIFY_SOCKET", at)
		sdnotify.Send("at " + at)
	}
	check.Equal(t, received(), "at @"+name, "the manager received")
}
