package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

var ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z]-[0-9]+[a-z]?)\*\* (.*)$`)

// The help has a page for each rule that docs/rules lists, in 80 columns (U-132).
func TestHelpPrintsEachRule(t *testing.T) {
	files := check.Must(docs.Rules.ReadDir("rules"))
	pages := 0
	for _, f := range files {
		b := check.Must(docs.Rules.ReadFile("rules/" + f.Name()))
		for _, m := range ruleLine.FindAllSubmatch(b, -1) {
			id := string(m[1])
			var out bytes.Buffer
			check.Equal(t, printRules(&streams{out: &out}, []string{id}), nil, "U-132: %s", id)
			check.That(t, strings.HasPrefix(out.String(), id+" (docs/rules/"+f.Name()+")\n"),
				"U-132: the page of %s begins %.40q", id, out.String())
			terminal.CheckPage(t, "refmon help "+id, out.String())
			pages++
		}
	}
	check.That(t, pages >= 1000, "U-132: %d pages, want one for each rule", pages)
}
