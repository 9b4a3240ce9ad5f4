package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
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
	pages, first, last := 0, map[string]int{}, map[string]int{}
	for _, f := range files {
		b := check.Must(docs.Rules.ReadFile("rules/" + f.Name()))
		for _, m := range ruleLine.FindAllSubmatch(b, -1) {
			id := string(m[1])
			var out bytes.Buffer
			check.Equal(t, printRules(&streams{out: &out}, []string{id}), nil, "U-132: %s", id)
			check.That(t, strings.HasPrefix(out.String(), id+" (docs/rules/"+f.Name()+")\n") &&
				!strings.Contains(out.String(), "`"),
				"U-132: the page of %s begins %.40q", id, out.String())
			terminal.CheckPage(t, "refmon help "+id, out.String())
			pages++
			n := check.Must(strconv.Atoi(strings.TrimRight(id[2:], "abcdefghijklmnopqrstuvwxyz")))
			if first[id[:1]] == 0 {
				first[id[:1]] = n
			}
			first[id[:1]], last[id[:1]] = min(first[id[:1]], n), max(last[id[:1]], n)
		}
	}
	for id, want := range map[string]string{"b-82": "B-82", "u-57A": "U-57a", "S-9A": "S-9a"} {
		var out bytes.Buffer
		check.NoError(t, printRules(&streams{out: &out}, []string{id}))
		check.That(t, strings.HasPrefix(out.String(), want+" ("), "U-132: the page of %s begins %.40q", id, out.String())
	}
	check.That(t, pages >= 1000, "U-132: %d pages, want one for each rule", pages)
	for letter, n := range last {
		err := printRules(&streams{out: new(bytes.Buffer)}, []string{letter + "-99999"})
		want := fmt.Sprintf("no rule %s-99999: the ids that start with %[1]s are from %[1]s-%[2]d to %[1]s-%[3]d, with gaps",
			letter, first[letter], n)
		check.Equal(t, fmt.Sprint(err), want, "error of an unknown rule")
	}
}
