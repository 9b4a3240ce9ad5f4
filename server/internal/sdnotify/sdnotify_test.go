package sdnotify_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

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

// TestReloadingHasMicroseconds checks the time of the monotonic clock, which is the time since the start of the host
// (sd_notify(3), MONOTONIC_USEC).
func TestReloadingHasMicroseconds(t *testing.T) {
	var before unix.Timespec
	check.NoError(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &before))
	var at int64
	check.Must(fmt.Sscanf(sdnotify.Reloading(), "RELOADING=1\nMONOTONIC_USEC=%d", &at))
	check.That(t, at >= before.Nano()/1000 && at < before.Nano()/1000+1e9, "%d µs, want about %d", at, before.Nano()/1000)
}
