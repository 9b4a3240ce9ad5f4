package mutants

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/test/rules"
)

// A Row is a fault and what the tests made of it.
type Row struct {
	Fault   Fault
	Outcome Outcome
}

// The lines between which WriteTable writes.
const (
	tableBegins = "<!-- the table of make mutants begins -->\n"
	tableEnds   = "<!-- the table of make mutants ends -->\n"
)

// WriteTable replaces the table in a document. It is an error if the document
// has no place for one.
func WriteTable(name string, rows []Row) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(b, []byte(tableBegins))
	_, after, ends := bytes.Cut(rest, []byte(tableEnds))
	if !ok || !ends {
		return fmt.Errorf("%s has no lines %q and %q between which a table goes", name, tableBegins, tableEnds)
	}
	text := slices.Concat(before, []byte(tableBegins), []byte(Table(rows)), []byte(tableEnds), after)
	return os.WriteFile(name, text, 0o600)
}

// Rules tells of how many rules a test that cites the rule saw a fault, and names
// the others.
func Rules(rows []Row) string {
	seen := map[rules.ID]bool{}
	for _, r := range rows {
		id := r.Fault.Rule()
		if id == "" || r.Outcome == Survived && r.Fault.Survives != "" {
			continue
		}
		seen[id] = seen[id] || r.Outcome == KilledByRule
	}
	var unseen []string
	for id, ok := range seen {
		if !ok {
			unseen = append(unseen, string(id))
		}
	}
	slices.Sort(unseen)
	text := fmt.Sprintf("Of %d rules with a fault, a test that cites the rule saw one for %d.", len(seen),
		len(seen)-len(unseen))
	if unseen != nil {
		text += " Another test saw those of " + strings.Join(unseen, ", ") + "."
	}
	return text
}

// Table returns the outcomes by folder, then each fault that survived, as
// Markdown.
func Table(rows []Row) string {
	var folders []string
	counts := map[string]*[Survived + 1]int{}
	total := new([Survived + 1]int)
	for _, r := range rows {
		if counts[r.Fault.Folder] == nil {
			folders = append(folders, r.Fault.Folder)
			counts[r.Fault.Folder] = new([Survived + 1]int)
		}
		counts[r.Fault.Folder][r.Outcome]++
		total[r.Outcome]++
	}
	var b bytes.Buffer
	b.WriteString("\n| package | faults | killed by a test of its rule | by another of its own tests | " +
		"by a dependent's | survived |\n|---|---|---|---|---|---|\n")
	line := func(name string, c *[Survived + 1]int) {
		sum := c[KilledByRule] + c[Killed] + c[KilledLater] + c[Survived]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", name, sum, c[KilledByRule], c[Killed], c[KilledLater],
			c[Survived])
	}
	for _, f := range folders {
		line("`"+f+"`", counts[f])
	}
	line("together", total)
	b.WriteString("\n" + Rules(rows) + "\n\n")
	for _, r := range rows {
		if r.Outcome != Survived {
			continue
		}
		why := r.Fault.Survives
		if why == "" {
			why = "a test is missing"
		}
		fmt.Fprintf(&b, "- `%s`: %s. Survived: %s.\n", r.Fault.Folder, r.Fault.Name, why)
	}
	b.WriteString("\n")
	return b.String()
}
