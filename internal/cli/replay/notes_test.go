package replay

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestOwnRulesHaveTheirDecision checks that one of our own rules is decided as in the table of choices, and
// otherwise as in its own text. A rule with another source is not decided.
func TestOwnRulesHaveTheirDecision(t *testing.T) {
	n := check.Must(ReadNotes())
	choices, met := Choices(docs.Caveats), [3]int{}
	files, err := fs.Glob(docs.Rules, "rules/*.md")
	check.RequireThat(t, err == nil && len(files) >= 10, "%d files, %v, want at least 10, nil", len(files), err)
	ours := regexp.MustCompile(`(?i)own choice|project decision|\bdecided\b`)
	for _, name := range files {
		for line := range strings.Lines(string(check.Must(fs.ReadFile(docs.Rules, name)))) {
			id, text, ok := strings.Cut(strings.TrimPrefix(line, "- **"), "** ")
			if !strings.HasPrefix(line, "- **") || !ok {
				continue
			}
			text, source, _ := strings.Cut(text, " *Source:")
			switch decided := n.Decided[id]; {
			case choices[id] != "":
				met[0]++
				check.Equal(t, decided, choices[id], "decision of %s in the table", id)
			case ours.MatchString(source):
				met[1]++
				check.That(t, decided == text || decided != "" && decided == n.Caveats[id],
					"rule %s: decided as %q, want %q", id, decided, text)
			case n.Caveats[id] == "" && decided != "":
				t.Errorf("%s is decided as %q although its source is %s, want no decision", id, decided, source)
			default:
				met[2]++
			}
		}
	}
	check.That(t, met[0] != 0 && met[1] != 0 && met[2] != 0, "rules by kind = %v, want some of each", met)
}
