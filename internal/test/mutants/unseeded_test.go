package mutants

import (
	"cmp"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/rules"
)

// unseeded lists the rules without a mutant, one on each line with the reason, or "not yet". It is not in testdata,
// because package rules would count it as a test.
const unseeded = "unseeded.txt"

// notYet is how many lines of unseeded.txt may say "not yet". It only goes down.
const notYet = 15

var lower = flag.Bool("lower", false, "take the rules that have a mutant, and repeated lines, out of "+unseeded)

// TestEachRuleHasAMutant checks that each rule of docs/rules has a recorded mutant, whose name begins with the rule's
// id. The exceptions are listed in unseeded.txt, which only gets shorter.
//
//	go test ./internal/test/mutants -run TestEachRuleHasAMutant -args -lower   takes out what has one now
func TestEachRuleHasAMutant(t *testing.T) {
	mutants, err := All()
	check.NoError(t, err)
	seeded := map[rules.ID]bool{}
	for _, f := range mutants {
		seeded[f.Rule()] = true
	}
	excused, lines := readUnseeded(t)
	listed := listedRules(t)
	for _, id := range listed {
		check.That(t, seeded[id] || excused[id] != "",
			"%s has no mutant: seed one into the branch that decides it, in lists/, named \"%s: …\"", id, id)
	}
	for _, id := range slices.SortedFunc(maps.Keys(excused), compareIDs) {
		switch done := seeded[id] || !slices.Contains(listed, id); {
		case done && *lower:
			delete(excused, id)
		case done:
			t.Errorf("%s: take out the line of %s, which has a mutant or is not a rule: "+
				"go test ./internal/test/mutants -run TestEachRuleHasAMutant -args -lower", unseeded, id)
		}
	}
	late := 0
	for _, reason := range excused {
		if reason == "not yet" {
			late++
		}
	}
	check.That(t, late <= notYet, "%s: %d rules say \"not yet\", %d may: seed their mutants", unseeded, late, notYet)
	t.Logf("%d rules, %d of them without a mutant", len(listed), len(excused))
	if !*lower {
		return
	}
	var b strings.Builder
	for _, id := range slices.SortedFunc(maps.Keys(excused), compareIDs) {
		b.WriteString(string(id) + " " + excused[id] + "\n")
	}
	if b.String() != lines {
		if err := os.WriteFile(unseeded, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a source file
			t.Fatal(err)
		}
	}
}

// readUnseeded returns the reason of each rule in unseeded.txt, and its text. A line may be repeated, because a merge
// keeps the lines of both branches.
func readUnseeded(t *testing.T) (map[rules.ID]string, string) {
	t.Helper()
	b := check.Must(os.ReadFile(unseeded))
	excused := map[rules.ID]string{}
	for line := range strings.Lines(string(b)) {
		id, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if ids := rules.FindAll(id); len(ids) != 1 || string(ids[0]) != id || reason == "" {
			t.Fatalf("%s: %q is not a rule with a reason, or \"not yet\"", unseeded, line)
		}
		excused[rules.ID(id)] = reason
	}
	return excused, string(b)
}

// listedRules returns the rules of docs/rules.
func listedRules(t *testing.T) []rules.ID {
	t.Helper()
	files, err := docs.Rules.ReadDir("rules")
	check.NoError(t, err)
	var listed []rules.ID
	line := regexp.MustCompile(`(?m)^- \*\*([^*]*)\*\* `)
	for _, f := range files {
		b, err := docs.Rules.ReadFile("rules/" + f.Name())
		check.NoError(t, err)
		for _, m := range line.FindAllSubmatch(b, -1) {
			listed = append(listed, rules.ID(m[1]))
		}
	}
	check.RequireThat(t, len(listed) >= 900, "%d rules were found: have their lines another form now?", len(listed))
	return listed
}

func compareIDs(a, b rules.ID) int {
	return cmp.Or(strings.Compare(a.Family(), b.Family()), a.Compare(b))
}
