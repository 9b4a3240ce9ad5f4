package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
)

// On a terminal, entries for object types without an effect on the request are only counted. A pipe has all (U-122).
// The effect of a SACL entry does not count for the DACL entry with the same number.
func TestObjectTypesOfEffectiveEntriesAreListed(t *testing.T) {
	const typed = ";;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)"
	const listed, counted = "  DACL entry 1: on member\n", "  1 entry without an effect on this request\n"
	for _, c := range []struct {
		lists string
		width int
		want  string
	}{
		{"D:(OD" + typed, 80, listed},
		{"D:(OA" + typed, 80, counted},
		{"D:(OA" + typed + "S:(ML;;NW;;;HI)", 80, counted},
		{"D:(OA" + typed + "S:(ML;;NW;;;HI)", 0, listed},
	} {
		var out strings.Builder
		std := &streams{in: strings.NewReader(""), out: &out, err: &strings.Builder{}, width: c.width}
		run([]string{"why", "O:BAG:BA" + c.lists, "-t", "user", "-w", "0x20", "--type", "directoryService"}, std)
		_, section, _ := strings.Cut(out.String(), "\nentries for object types:\n")
		section, _, _ = strings.Cut(section, "\n\n")
		check.Equal(t, section+"\n", c.want, "%s on %d columns", c.lists, c.width)
		for n := range 3 { // of several queries, such as those of control, no one is about whole objects
			var errs strings.Builder
			noteTyped(&streams{err: &errs}, sddl.MustParse(c.lists), slices.Repeat([]words.Query{{Desired: 0x20}}, n))
			want := n == 1 && strings.Contains(c.lists, "(OA")
			check.Equal(t, errs.String() != "", want, "%s: a note for %d queries", c.lists, n)
		}
	}
}
