package programs

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// Unit holds the settings of a systemd unit that change how fast its program runs. The zero value changes nothing.
type Unit struct {
	Through     []string      // a command line that runs another one with the unit's priority and scheduling policy
	Environment []string      // NAME=VALUE
	TimerSlack  time.Duration // 0: the system's default
}

// ReadUnit reads a unit file. It ends the test if it cannot read the file or its timer slack.
func ReadUnit(t testing.TB, path string) (u Unit) {
	t.Helper()
	for line := range strings.Lines(string(check.Must(os.ReadFile(path)))) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "Nice":
			u.Through = append(u.Through, "nice", "-n", value)
		case "CPUSchedulingPolicy":
			u.Through = append(u.Through, "chrt", "--"+value, "0")
		case "Environment":
			u.Environment = append(u.Environment, value)
		case "TimerSlackNSec":
			var err error
			u.TimerSlack, err = time.ParseDuration(value)
			check.NoError(t, err)
		}
	}
	return u
}
