package kit_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// TestQuestionsAreWellFormed checks the promises of docs/kit.md about questions.
func TestQuestionsAreWellFormed(t *testing.T) {
	questions := check.Must(kit.Questions())
	check.That(t, len(questions) >= 20_000, "got %d questions, want at least 20000", len(questions))
	ids, known, ops := map[string]bool{}, map[string]int{}, map[string]int{}
	var last *kit.Question
	for _, q := range questions {
		check.RequireThat(t, !ids[q.ID] && strings.HasPrefix(q.ID, q.Suite+"."),
			"%s in suite %s: got the id twice or in another suite", q.ID, q.Suite)
		if ids[q.ID] = true; len(q.Line()) >= kit.MaxQuestion {
			t.Errorf("%s: got %d bytes, want less than %d", q.ID, len(q.Line()), kit.MaxQuestion)
		}
		check.RequireThat(t, last == nil || last.Suite != q.Suite || len(q.In) >= len(last.In),
			"%s: got a question smaller than the one before, want the smallest first", q.ID)
		check.RequireThat(t, len(q.Rules) != 0 && kit.RuleOf(q.Rules[0]).Sentence != "",
			"%s: got the rules %v, want those of docs/rules", q.ID, q.Rules)
		check.RequireThat(t, len(slices.Compact(slices.Sorted(slices.Values(q.Rules)))) == len(q.Rules),
			"%s: got the rules %v, want each once", q.ID, q.Rules)
		check.RequireThat(t, q.Op != "audit_check" || *q.Out.Recorded == (len(*q.Out.Entries) > 0),
			"%s: got %s, want a record exactly if an entry requests it", q.ID, q.Expected())
		check.RequireThat(t, q.Op != "impersonate" || (q.Out.Level != nil) == (q.Out.Status == oracle.Success),
			"%s: got %s, want a level on success only", q.ID, q.Expected())
		known[q.Known]++
		ops[q.Op]++
		last = q
	}
	if want := []string{kit.Agree, kit.Decided, kit.Documented, kit.Recorded}; !slices.Equal(
		slices.Sorted(maps.Keys(known)), want) {
		t.Errorf("got %v, want each of %v", known, want)
	}
	check.That(t, len(ops) == 12, "got the operations %v, want the 12 of docs/kit.md", ops)
	check.That(t, check.Err(kit.Questions("sddl", "nothing")) != nil, "an unknown suite: got no error, want one")
	check.That(t, check.Err(kit.OfKnown(questions, "guessed")) != nil, "unknown evidence: got no error, want one")
	one, twice := check.Must(kit.Questions("ladder")), check.Must(kit.Questions("ladder", "ladder"))
	check.Equal(t, len(twice), len(one), "questions of a suite named twice")
}

// TestPageShowsProportions checks the table of docs/kit.md with the number of answers per evidence level (B-43).
func TestPageShowsProportions(t *testing.T) {
	page := check.Must(os.ReadFile("../../docs/kit.md"))
	row := func(name string, suites ...string) {
		questions := check.Must(kit.Questions(suites...))
		text := fmt.Sprintf("| %s | %d |", name, len(questions))
		for _, way := range kit.Ways() {
			part := check.Must(kit.OfKnown(questions, way))
			text += fmt.Sprintf(" %d |", len(part))
		}
		check.That(t, strings.Contains(string(page), text+"\n"), "docs/kit.md misses the row\n%s", text)
	}
	for _, s := range kit.Suites() {
		row(s, s)
	}
	row("all")
}

// TestKitQuestionLineHasNoAnswer checks that a line has the five fields of the protocol and no more.
func TestKitQuestionLineHasNoAnswer(t *testing.T) {
	questions := check.Must(kit.Questions("ladder"))
	var fields map[string]json.RawMessage
	check.NoError(t, json.Unmarshal([]byte(questions[0].Line()), &fields))
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, []string{"id", "in", "kit", "op", "suite"}) {
		t.Errorf("got the fields %v, want id, in, kit, op and suite", got)
	}
}

// What MS-DTYP leaves out and S-63 keeps is decided here: an implementation that follows the document differs, and is
// not wrong (B-37).
func TestMarkedEntriesOfCreatorsAreDecided(t *testing.T) {
	list := check.Must(kit.Questions("inherit"))
	marked := regexp.MustCompile(`"creator":"[^"]*;[A-Z]*ID;.*"autoInherit":false`)
	n := 0
	for _, q := range list {
		if !marked.Match(q.In) {
			continue
		}
		if n++; q.Known != kit.Decided {
			t.Fatalf("%s is known as %s, want %s: %s", q.ID, q.Known, kit.Decided, q.In)
		}
	}
	check.That(t, n >= 100, "%d questions have such a creator, want at least 100", n)
}

// A question names the rule that decides inputs of its kind (B-37).
func TestQuestionNamesRuleOfItsInput(t *testing.T) {
	for _, c := range []struct{ suite, in, rule string }{
		{"sddl", `D:\(A;;1179785;;;WD\)`, "S-38"}, {"sddl", `"O:S-1-5-32-544G:S-1-5-18D:\(A;;FR;;;WD`, "S-7"},
		{"sddl", `O:S-1-5-0x20`, "S-7"}, {"sddl", `D:\(a;;fr;;;wd`, "S-41"},
		{"bytes", `09[0-9a-f]{2}00000000000[1-9a-f]`, "S-2"}, // the revision of a SID
		{"access", `D:\(A;;0x1;;;S-1-5-10\)".*"selfSid"`, "A-3"},
		{"policy", `;\(@User\.ss \\u003c [^()]*\)\)`, "A-112"}, {"policy", `;\(@User\.i == @User\.ss\)`, "A-113"},
		{"policy", `;\(@User\.i == {`, "A-113"}, {"policy", `@User\.missing`, "A-110"},
	} {
		n, in := 0, regexp.MustCompile(c.in)
		for _, q := range check.Must(kit.Questions(c.suite)) {
			if in.Match(q.In) {
				n++
				check.RequireThat(t, slices.Contains(q.Rules, c.rule), "%s: got %v, want %s: %s", q.ID, q.Rules, c.rule, q.In)
			}
		}
		check.That(t, n > 0, "suite %s has no question with %s", c.suite, c.in)
	}
}
