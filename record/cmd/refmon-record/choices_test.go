package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/test/check"
)

// Each choice of docs/CAVEATS.md is a question, a step of decided.star, or in the list below with the reason why no
// process can test it.
func TestEveryCaveatChoiceHasQuestion(t *testing.T) {
	asked := map[string]bool{}
	questions := check.Must(replay.Questions())
	for _, q := range questions {
		for _, rule := range q.Rules {
			asked[rule] = true
		}
	}
	file := check.Must(os.ReadFile(filepath.Join("testdata", "decided.star")))
	for _, m := range stepRule.FindAllSubmatch(file, -1) {
		asked[string(m[1])] = true
	}
	choices := replay.Choices(docs.Caveats)
	check.RequireThat(t, len(choices) >= 40, "%d choices in docs/CAVEATS.md, want at least 40", len(choices))
	for rule, what := range choices {
		why := notAsked[rule]
		if strings.ContainsRune("FLUW", rune(rule[0])) && !asked[rule] {
			continue // files of servers, accounts and logs of our own: no service of Windows decides them
		}
		switch {
		case !asked[rule] && why == "":
			t.Errorf("%s (%s) is not asked: add a step to testdata/decided.star or a line to texts.txt", rule, what)
		case asked[rule] && why != "":
			t.Errorf("%s has a question, but is listed without one (%s)", rule, why)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(notAsked)) {
		check.That(t, choices[rule] != "", "%s is not a choice any more", rule)
	}
}

var stepRule = regexp.MustCompile(`(?m)^ *step\("[^"\n]*", "([A-Z]-[0-9]+)"`)

// notAsked are the choices that no call of a process reveals.
var notAsked = map[string]string{
	"A-35":  "rights granted before are a parameter of kernel mode",
	"A-36":  "SeFastTraverseCheck is a routine of kernel mode",
	"A-83":  "it says when the walk ends, and never what it answers",
	"A-103": "no process can bring in a central access policy",
	"A-152": "no process can bring in a central access policy",
	"A-172": "it is about the command refmon private, which takes a fact from its caller",
	"I-90":  "jobs have had no security limits since Windows Vista",
	"U-11":  "what an alarm records stands in the Security log, which a process may not read",
	"U-37":  "what an alarm records stands in the Security log, which a process may not read",
}
