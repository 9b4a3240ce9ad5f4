package drills

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
)

// TestExhaustedResourcesGrantNoAccess lets space, inodes and descriptors run out at every daemon. A daemon that needs
// the resource refuses and says why, bob never reads alice's file, and the index does not grant what was revoked.
// Afterwards each daemon works again, and every acknowledged change is there, also after a restart. Without
// REFMON_DRILLS only space in the trees and descriptors of refmond run out.
func TestExhaustedResourcesGrantNoAccess(t *testing.T) {
	if os.Getenv("REFMON_DRILLS") == "" {
		randtest.SkipUnlessDeep(t, "it builds five programs and makes machines")
	}
	m := newMachine(t)
	m.small("/var/lib/refmon", "0700")
	m.small("/var/lib/refmon-index", "0700")
	m.small("/srv", "0755")
	m.does("mkdir -m 700 /srv/projects /srv/shared")
	m.configure("audit: {required: true, reserve: 1, policy: {File System: both}}\n")
	m.populate()
	m.begin("refmon-gateway")
	m.begin("refmon-index")
	acked, table := map[string][]string{}, ""
	for round, s := range shortages() {
		if os.Getenv("REFMON_DRILLS") == "" && s.name != "space in /srv" && s.name != "descriptors of refmond" {
			continue
		}
		logs := maps.Clone(m.runs)
		all := m.suffers(s, round, acked)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			o := all[name]
			stops := slices.Contains(s.stops, name)
			if stops && o.refused == "" {
				t.Errorf("%s: %s refused nothing", s.name, name)
			}
			program, _, _ := strings.Cut(name, ":")
			if stops && !regexp.MustCompile(s.why).MatchString(o.refused+logs[program].said()) {
				t.Errorf("%s: %s gives no reason: %q\n%s", s.name, name, o.refused, logs[program].said())
			}
			if stops {
				how := "without a restart"
				if o.restart {
					how = "after its restart"
				}
				table += fmt.Sprintf("| %s | %s | %.90q | %s |\n", s.name, name, o.refused, how)
			}
		}
	}
	for range 2 {
		for _, a := range attempts() {
			for _, name := range acked[a.daemon] {
				if a.kept != nil && !a.kept(m, name) {
					t.Errorf("%s acknowledged %s, which is not there", a.daemon, name)
				}
			}
		}
		m.stopAll()
		for _, name := range []string{"refmond", "refmond mount", "refmon-gateway", "refmon-index"} {
			m.begin(name)
		}
	}
	m.stopAll()
	kept := 0
	for _, names := range acked {
		kept += len(names)
	}
	t.Logf("%d acknowledged changes are there; %s\n%s", kept, m.does("refmon audit verify /var/lib/refmon/audit"), table)
}
