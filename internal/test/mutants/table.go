package mutants

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/test/rules"
)

// A Row is a mutant and what the tests made of it.
type Row struct {
	Mutant  Mutant
	Outcome Outcome
}

// Rules reports for how many rules a test that cites the rule killed a mutant, and names
// the others.
func Rules(rows []Row) string {
	seen := map[rules.ID]bool{}
	for _, r := range rows {
		id := r.Mutant.Rule()
		if id == "" || r.Outcome == Survived && r.Mutant.Survives != "" {
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
	text := fmt.Sprintf("Of %d rules with a mutant, a test that cites the rule saw one for %d.", len(seen),
		len(seen)-len(unseen))
	if unseen != nil {
		text += " Another test saw those of " + strings.Join(unseen, ", ") + "."
	}
	return text
}

// Table returns the outcomes by folder, then each mutant that survived, as
// Markdown.
func Table(rows []Row) string {
	var folders []string
	counts := map[string]*[Survived + 1]int{}
	total := new([Survived + 1]int)
	for _, r := range rows {
		if counts[r.Mutant.Folder] == nil {
			folders = append(folders, r.Mutant.Folder)
			counts[r.Mutant.Folder] = new([Survived + 1]int)
		}
		counts[r.Mutant.Folder][r.Outcome]++
		total[r.Outcome]++
	}
	var b bytes.Buffer
	b.WriteString("\n| package | mutants | killed by a test of its rule | by another of its own tests | " +
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
		why := r.Mutant.Survives
		if why == "" {
			why = "a test is missing"
		}
		fmt.Fprintf(&b, "- `%s`: %s. Survived: %s.\n", r.Mutant.Folder, r.Mutant.Name, why)
	}
	b.WriteString("\n")
	return b.String()
}
