package programs

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// Unit holds the settings of a systemd unit that change how fast its program runs. The zero value changes nothing.
type Unit struct {
	Through     []string      // a command line that runs another one with the unit's scheduling policy
	Environment []string      // NAME=VALUE
	TimerSlack  time.Duration // 0: the system's default
	Weight      int           // CPUWeight; 0: the system's default, 100
}

// ReadUnit reads a unit file. It ends the test if it cannot read the file, its timer slack or its weight.
func ReadUnit(t testing.TB, path string) (u Unit) {
	t.Helper()
	for line := range strings.Lines(string(check.Must(os.ReadFile(path)))) {
		var err error
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "CPUSchedulingPolicy":
			u.Through = append(u.Through, "chrt", "--"+value, "0")
		case "CPUWeight":
			u.Weight, err = strconv.Atoi(value)
		case "Environment":
			u.Environment = append(u.Environment, value)
		case "TimerSlackNSec":
			u.TimerSlack, err = time.ParseDuration(value)
		}
		check.NoError(t, err)
	}
	return u
}

// StartApart starts a program in a session of its own, as systemd starts a service. The kernel first divides the
// processors between sessions, and then between the threads of each (sched_autogroup, sched(7)). Programs in one
// session get other shares than services do. The caller ends the program: Ctrl-C does not reach its session. A death
// signal would not do, because it comes when the starting thread ends, as threads of asuser.Run do.
func StartApart(c *exec.Cmd) error {
	if c.SysProcAttr == nil {
		c.SysProcAttr = new(syscall.SysProcAttr)
	}
	c.SysProcAttr.Setsid = true
	return c.Start()
}

// Weigh gives the session of a program that StartApart started the unit's weight, to the nearest of the 40 nice values.
// It needs root. A kernel without autogroups schedules the program without a weight, and Weigh logs that.
func (u Unit) Weigh(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if u.Weight == 0 {
		return
	}
	// A nice value has 1.25 times the weight of the next one.
	nice := -math.Round(math.Log(float64(u.Weight)/100) / math.Log(1.25))
	err := os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", c.Process.Pid), fmt.Append(nil, int(nice)), 0)
	if os.IsNotExist(err) {
		t.Log("this kernel has no autogroups: CPUWeight has no effect")
		err = nil
	}
	check.NoError(t, err)
}
