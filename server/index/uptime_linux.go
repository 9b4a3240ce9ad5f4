package index

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// uptime returns the time since the machine started, 0 where it cannot be known.
func uptime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// bootID names the time since this machine started; "" where it cannot be known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
