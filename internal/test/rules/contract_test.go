package rules

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/test/check"
)

var rewrite = flag.Bool("rewrite", false, "write the rows of new rules, and of rules whose facts changed")

const (
	contractFile = "testdata/contract.txt"
	rewordedFile = "testdata/reworded.txt"
)

// Rewording a rule must not change its statuses, rights, numbers, cited rules, source or modal words. After a change
// of behaviour run this test with -rewrite and review the new row.
func TestRewordingKeepsContract(t *testing.T) {
	want, order := readContract(t)
	reasons := readReworded(t)
	now := map[ID]Facts{}
	var ids []ID
	for _, r := range readRules(t) {
		b, err := docs.Rules.ReadFile("rules/" + r.file)
		check.NoError(t, err)
		if _, seen := now[r.id]; !seen {
			for id, f := range ReadFacts(string(b)) {
				now[id] = f
			}
		}
		ids = append(ids, r.id)
	}
	if *rewrite {
		writeContract(t, ids, want, now)
		return
	}
	for _, id := range order {
		is, ok := now[id]
		if !ok {
			t.Errorf("%s: docs/rules no longer lists it: if its behaviour is gone, take its row out of %s", id, contractFile)
			continue
		}
		for about, what := range want[id].Differences(is) {
			check.That(t, reasons[id][about] != "" && about != "source", "%s: %s", id, what)
			delete(reasons[id], about)
		}
		for about := range reasons[id] {
			t.Errorf("%s: %s excuses %q, which the rule has: take the line out", id, rewordedFile, about)
		}
	}
	t.Logf("%d rules keep what they said, of %d listed", len(order), len(ids))
}

func readContract(t *testing.T) (map[ID]Facts, []ID) {
	t.Helper()
	all := map[ID]Facts{}
	var order []ID
	b, err := os.ReadFile(filepath.FromSlash(contractFile))
	check.RequireThat(t, err == nil || *rewrite, "%v", err)
	for line := range strings.Lines(string(b)) {
		id, f, err := ParseRow(strings.TrimSuffix(line, "\n"))
		check.RequireThat(t, err == nil, "%s: %v", contractFile, err)
		all[id] = f
		order = append(order, id)
	}
	return all, order
}

func writeContract(t *testing.T, ids []ID, want, now map[ID]Facts) {
	t.Helper()
	var b strings.Builder
	for _, id := range ids {
		f, ok := want[id]
		if is := now[id]; !ok || f.Source != is.Source || !slices.Equal(f.Names, is.Names) ||
			!slices.Equal(f.Numbers, is.Numbers) || !slices.Equal(f.Cited, is.Cited) {
			f = is
		}
		b.WriteString(f.Row(id) + "\n")
	}
	check.NoError(t, os.WriteFile(filepath.FromSlash(contractFile), []byte(b.String()), 0o644))
}

// readReworded reads lines `ID word: reason`: the wording of rule ID has fewer
// of a word than it had, and the reason why its meaning is still the same.
func readReworded(t *testing.T) map[ID]map[string]string {
	t.Helper()
	b := check.Must(os.ReadFile(filepath.FromSlash(rewordedFile)))
	all := map[ID]map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, reason, ok := strings.Cut(line, ": ")
		id, about, ok2 := strings.Cut(head, " ")
		check.RequireThat(t, ok && ok2, "%s: %q is not of the form `ID word: reason`", rewordedFile, line)
		if all[ID(id)] == nil {
			all[ID(id)] = map[string]string{}
		}
		all[ID(id)][about] = reason
	}
	return all
}

func TestChangedFactsOfRuleAreReported(t *testing.T) {
	const was = "- **A-1** The three may never, before S-1-5-18 (A-2): STATUS_ACCESS_DENIED, `x`, NtClose. *Source: here.*"
	const is = "- **A-1** The 3 can never, before S-1-5-18: STATUS_SUCCESS, 4. *Source: there.*"
	a, b := ReadFacts(was)["A-1"], ReadFacts(is)["A-1"]
	id, again, err := ParseRow(a.Row("A-1"))
	check.That(t, err == nil && id == "A-1" && len(a.Differences(again)) == 0 && len(again.Differences(a)) == 0,
		"the row of A-1 is read as %s %v, %v", id, again, err)
	got := a.Differences(b)
	for _, about := range []string{
		"source", "STATUS_ACCESS_DENIED", "STATUS_SUCCESS", "4", "A-2", "`x`", "NtClose", "may",
	} {
		check.That(t, got[about] != "", "the difference in %s is not noticed", about)
		delete(got, about)
	}
	check.Equal(t, len(got), 0, "further differences: %v: len(got)", got)
}
