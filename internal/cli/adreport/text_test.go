package adreport_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// The text lists 20 paths to an object and 40 kinds of entries, and counts the others. Paths of one step are not listed
// again. A row of important objects alone does not count them twice.
func TestTextCountsWhatItLeavesOut(t *testing.T) {
	x := adreport.Target{Kind: "KRBTGT", Object: "K", More: 2,
		Routes: []adreport.Route{{Steps: make([]adreport.Step, 1)}}}
	for range 21 {
		x.Routes = append(x.Routes, adreport.Route{Steps: make([]adreport.Step, 2)})
	}
	page := adreport.Page{Title: "12345 67890", Important: []adreport.Target{x}, Entries: make([]adreport.EntryRow, 41),
		Administrators: adreport.Names{Count: 9, List: []string{"root"}},
		Direct: []adreport.Grants{{Who: adreport.Names{Count: 7, List: strings.Fields("a b c d e f g")},
			Objects: adreport.Names{Count: 2, Important: 2, List: []string{"A", "B"}}},
			{Objects: adreport.Names{Count: 5, Important: 4, List: []string{"A", "B", "C", "D", "e"}}}}}
	page.Entries[0] = adreport.EntryRow{Account: "a", Objects: 2, Important: 1, Sample: "S"}
	for _, who := range []string{"x", "y"} {
		page.Important[0].Routes = append(page.Important[0].Routes, adreport.Route{Through: "T",
			Who: adreport.Names{Count: 2, List: []string{who}}})
	}
	var wide, narrow strings.Builder
	check.NoError(t, page.Text(&wide, 0))
	check.NoError(t, page.Text(&narrow, 10))
	_, closed := io.Pipe()
	check.NoError(t, closed.Close())
	check.ErrorIs(t, page.Text(closed, 0), io.ErrClosedPipe, "text for a closed output")
	text := wide.String()
	check.Equal(t, fmt.Sprint(strings.Count(text, "in 1 step\n"), strings.Count(text, "in 2 steps\n")), "0 20",
		"paths of one step and of two")
	for _, line := range []string{"and 1 more paths, which", "and 1 more kinds of entries, which",
		"  a, b, c, d, e, f and 1 more: ", "on 2 objects: A; B\n",
		"on 5 objects, 4 of them important: A; B; C; D; and 1 more\n",
		"root and 8 more", "on 2 objects, 1 of them important, such as S\n", "through T: x, y and 2 more\n",
		"and 2 more who reach it"} {
		check.That(t, strings.Contains(text, line), "no %q in\n%s", line, text)
	}
	check.That(t, strings.HasPrefix(narrow.String(), "12345\n    67890\n"),
		"a title of 11 columns, in 10: %q", narrow.String())
	narrow.Reset()
	page.Title = "会議 会議室" // each character takes two columns (U-101)
	check.NoError(t, page.Text(&narrow, 10))
	check.That(t, strings.HasPrefix(narrow.String(), "会議\n    会議室\n"), "a wide title: %q", narrow.String())
}
