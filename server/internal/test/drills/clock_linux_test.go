package drills

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDaemonsGrantTheSameAcrossClockChanges moves the clock of all daemons forward and back while they run. No daemon
// refuses what it granted, bob never reads alice's file, the index learns a lost right within its limit, and the trail
// verifies.
func TestDaemonsGrantTheSameAcrossClockChanges(t *testing.T) {
	if os.Getenv("REFMON_DRILLS") == "" {
		t.Skip("it builds Go's package time and all programs: REFMON_DRILLS=1 runs it")
	}
	m := newMachine(t)
	m.buildStepped()
	m.configure("audit: {required: true, policy: {File System: both}}\n")
	m.populate()
	m.begin("refmon-gateway")
	m.begin("refmon-index")
	acked := map[string][]string{}
	for round, seconds := range []int{3600, -7200, 86400 * 400, 0} {
		s := shortage{name: fmt.Sprintf("clock %+d s", seconds), begin: func(m *machine) { m.clock(seconds) },
			end: func(*machine) {}}
		for name, o := range m.suffers(s, round, acked) {
			if name != "refmon-index" && o.refused != "" || o.restart {
				t.Errorf("%s: %s: %+v", s.name, name, o)
			}
		}
	}
	years := map[string]bool{}
	for line := range strings.Lines(m.does("refmon audit query /var/lib/refmon/audit --format csv")) {
		for year := time.Now().Year() - 1; year <= time.Now().Year()+2; year++ {
			if strings.Contains(line, fmt.Sprintf(",%d-", year)) {
				years[fmt.Sprint(year)] = true
			}
		}
	}
	if len(years) < 2 {
		t.Errorf("the records have the years %v: the clock did not step", years)
	}
	for _, a := range attempts() {
		for _, name := range acked[a.daemon] {
			if a.kept != nil && !a.kept(m, name) {
				t.Errorf("%s acknowledged %s, which is not there", a.daemon, name)
			}
		}
	}
	m.stopAll()
	t.Log(m.does("refmon audit verify /var/lib/refmon/audit"))
}
