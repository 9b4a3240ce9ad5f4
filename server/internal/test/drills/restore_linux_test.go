package drills

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// TestRestoreOntoEmptyMachine backs a machine up as docs/backup.md says, and restores it on an empty one. Accounts,
// descriptors, records, and the answers of mounts, gateway and index are as before. The trail verifies with the
// checkpoint and the key that were kept elsewhere, and an old proof holds.
func TestRestoreOntoEmptyMachine(t *testing.T) {
	if os.Getenv("REFMON_DRILLS") == "" {
		randtest.SkipUnlessDeep(t, "it builds five programs and makes machines")
	}
	const heading, kept = "## The whole state of a machine", 40
	old := newMachine(t)
	old.configure("")
	old.populate()
	old.begin("refmon-gateway")
	old.begin("refmon-index")
	before := old.answers()
	granted, denied := 0, 0
	for question, answer := range before {
		switch {
		case strings.HasPrefix(question, "the index: ") && strings.HasPrefix(answer, "yes"),
			strings.HasPrefix(question, "GET") && strings.HasPrefix(answer, "200"):
			granted++
		case strings.HasPrefix(question, "the index: ") && strings.HasPrefix(answer, "no"),
			strings.HasPrefix(question, "GET") && strings.HasPrefix(answer, "404"):
			denied++
		}
	}
	check.RequireThat(t, granted >= 9 && denied >= 9,
		"%d granted and %d denied of %d answers: the drill shows nothing\n%v", granted, denied, len(before), before)
	old.operate(old.listing("backup.md", heading, 0))
	records := old.records(kept)
	old.does("refmon audit prove /var/lib/refmon/audit 5 >/backup/proof")

	restored := newMachine(t)
	for _, name := range []string{"refmon.tar", "checkpoint", "key.pub", "proof"} {
		text, err := os.ReadFile(old.at("/backup/" + name))
		restored.must(err)
		restored.must(os.WriteFile(restored.at("/backup/"+name), text, 0o600))
	}
	restored.port = old.port
	restored.operate(restored.listing("backup.md", heading, 1))
	after := restored.answers()
	for _, question := range slices.Sorted(maps.Keys(before)) {
		if after[question] != before[question] {
			t.Errorf("%s: %q after the restore, %q before", question, after[question], before[question])
		}
	}
	check.That(t, len(after) == len(before), "%d answers after the restore, %d before", len(after), len(before))
	if got := restored.records(kept); got != records || strings.Count(got, "\n")+1 != kept {
		t.Errorf("the first %d records after the restore:\n%s\nbefore:\n%s", kept, got, records)
	}
	restored.does("refmon-verify audit /backup/key.pub /backup/proof")
	restored.stopAll()
	verified := restored.does(
		"refmon audit verify /var/lib/refmon/audit --checkpoint /backup/checkpoint --key /backup/key.pub")
	t.Logf("%d answers equal, of them %d granted and %d denied; the trail afterwards: %s", len(before), granted, denied,
		strings.ReplaceAll(verified, "\n", "; "))
}
