package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Show wraps its text at the width. A reason continues below itself or, if there is no room, on its own line. No text
// is lost (U-101).
func TestShowWrapsAtWidth(t *testing.T) {
	_, x, err := access.Explain(newRequest(t, "…(A;;0x1;;;WD)", 3))
	check.NoError(t, err)
	same := func(_ access.Mark, text string) string { return text }
	check.That(t, x.Show(0, nil, same) == x.String() && x.Show(500, nil, same) == x.String(),
		"Show without a limit and String differ:\n%s\nwant\n%s", x.Show(0, nil, same), x)
	var marks []string
	marked := x.Show(0, nil, func(m access.Mark, text string) string {
		if m != 0 {
			marks = append(marks, fmt.Sprint(m, strings.Fields(text)[0]))
		}
		return "\x1b" + text
	})
	check.Equal(t, strings.ReplaceAll(marked, "\x1b", ""), x.String(), "Show without the marks of its parts")
	check.SlicesEqual(t, marks, []string{"2DENIED", "1+", "2-", "1granted", "2denied"}, "marked parts")
	check.That(t, strings.Contains(x.Show(45, nil, same), "\n              |  FILE_WRITE_DATA\n"),
		"Show(45) does not make room for the name of the last right")
	const narrow = "\n    it allows them, and\n    nothing before it\n"
	check.That(t, strings.Contains(x.Show(28, nil, same), narrow), "Show(28) does not contain %q", narrow)
	for _, width := range []int{80, 60, 40, 30, 10, 1} {
		got := x.Show(width, nil, same)
		g, w := strings.Fields(got), strings.Fields(x.String())
		slices.Sort(g) // an entry may be below the reason
		slices.Sort(w)
		check.That(t, width < 30 || slices.Equal(g, w), "Show(%d) loses words:\n%s", width, got)
		for line := range strings.Lines(got) {
			line = strings.TrimSuffix(line, "\n")
			check.That(t, width < 60 || len(line) <= width, "Show(%d) has a line of %d bytes: %q", width, len(line), line)
		}
	}
	const want = "DACL entry 1  (A;;0x1;;;WD)  +  .   A-70   it allows them, and nothing\n" +
		"                                           before it decided them\n"
	got := x.Show(70, nil, same)
	check.That(t, strings.Contains(got, want), "Show(70):\n%s\nwant it to contain\n%s", got, want)
	got = x.Show(0, func(s sid.SID) string { return "<" + s.String() + ">" }, same)
	check.That(t, strings.Count(got, "<") == 1 && strings.Contains(got, "\nDACL entry 1  (A;;0x1;;;WD) <S-1-1-0>  +  ."),
		"U-121: no name after the SID of the entry:\n%s", got)
}

// The masks of entries are numbers where SDDL has letters of a directory and the object is of another type (B-101).
func TestShowWritesMasksForTheType(t *testing.T) {
	for _, c := range []struct {
		typ         *winnt.ObjectType
		entry, want string
	}{
		{winnt.FileObject, "(D;;DCLCRPCR;;;WD)", "(D;;0x116;;;WD)"},
		{winnt.FileObject, "(A;;CCWD;;;WD)", "(A;;0x40001;;;WD)"},
		{winnt.FileObject, "(A;;FR;;;WD)", "(A;;FR;;;WD)"},
		{winnt.FileObject, "(A;;RCWD;;;WD)", "(A;;RCWD;;;WD)"},
		{winnt.KeyObject, "(A;;KR;;;WD)", "(A;;KR;;;WD)"},
		{winnt.KeyObject, "(A;;CC;;;WD)", "(A;;0x1;;;WD)"},
		{winnt.DirectoryServiceObject, "(D;;DCLCRPCR;;;WD)", "(D;;DCLCRPCR;;;WD)"},
		{nil, "(D;;DCLCRPCR;;;WD)", "(D;;DCLCRPCR;;;WD)"},
	} {
		r := newRequest(t, "…"+c.entry, 3)
		if r.Type = c.typ; c.typ == nil {
			r.Mapping = &winnt.FileObject.Mapping
		}
		_, x, err := access.Explain(r)
		check.That(t, err == nil && strings.Contains(x.String(), " "+c.want+" "),
			"B-101: %s of %v: %v, want %s in\n%s", c.entry, c.typ, err, c.want, x)
	}
}

// On a terminal entries without an effect are counted if they are more than three; String lists them (U-122).
func TestShowCountsEntriesWithoutEffect(t *testing.T) {
	same := func(_ access.Mark, text string) string { return text }
	for others, want := range map[int]string{3: "", 4: "4 other entries have no effect on this request"} {
		_, x, err := access.Explain(newRequest(t, "…(A;;0x1;;;WD)"+strings.Repeat("(A;;FA;;;BO)", others), 3))
		check.NoError(t, err)
		got := x.Show(80, nil, same)
		if rows := strings.Count(got, ";;;BO)"); (rows == 0) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%d entries of others: %d rows, want the text %q (U-122):\n%s", others, rows, want, got)
		}
		rows := strings.Count(x.String(), ";;;BO)")
		check.That(t, rows == others, "String: %d rows of others, want %d", rows, others)
	}
	// An entry whose condition is not met has an effect for the reader: it shows the compared values.
	_, x, err := access.Explain(newRequest(t, "…"+strings.Repeat("(XA;;0x1;;;WD;(@User.x==1))", 4), 1))
	check.NoError(t, err)
	check.Equal(t, strings.Count(x.Show(80, nil, same), "(XA;"), 4, "U-122: rows of conditions that are not met")
	// A restricted token is checked against each entry twice: with its groups, which two entries do not match, and with
	// its restricting SIDs, which none matches.
	_, x, err = access.Explain(newRequest(t, "…(A;;FA;;;BO)(A;;FA;;;BG)(A;;0x1;;;WD)", 1, restricted(caseG)))
	check.NoError(t, err)
	got := x.Show(80, nil, same)
	check.That(t, strings.Contains(got, "5 other entries have no effect"), "U-122, a restricted token:\n%s", got)
}

// Entries that the check did not read have one row that counts them, also after a record was sent. A check that read
// all entries, or none, has no such row (U-130).
func TestShowCountsUnreadEntries(t *testing.T) {
	for entries, want := range map[string]string{
		"(A;;0x1;;;WD)":             "",
		"(A;;0x1;;;WD)(A;;FA;;;BA)": "\n1 later entry of the DACL was not needed\n",
		"(A;;FA;;;BO)(D;;0x1;;;WD)(A;;FA;;;BA)(A;;FA;;;WD)": "\n2 later entries of the DACL were not needed\n",
		"(A;;0x2;;;WD)(A;;FA;;;BA)":                         "",
	} {
		r := newRequest(t, "…"+entries, 1)
		_, x, err := access.Explain(r)
		check.NoError(t, err)
		r.ObjectTypes = list(0, nodeC)
		_, _, each, err := access.ExplainResultList(r)
		check.NoError(t, err)
		for _, got := range []string{x.String(), x.Record().Explanation().String(), each.String()} {
			check.That(t, strings.Contains(got, "not needed") == (want != "") && strings.Contains(got, want),
				"U-130: %s: want %q in\n%s", entries, want, got)
		}
	}
	// The entries of a central access rule are not those of the DACL.
	r := newRequest(t, "…(A;;0x1;;;WD)(A;;FA;;;BA)S:(SP;;;;;S-1-17-1)", 1)
	ruleOf(access.Rule{Name: "r", Descriptor: mustDescriptor("D:(A;;FW;;;WD)(A;;FR;;;WD)")})(r)
	_, x, err := access.Explain(r)
	check.NoError(t, err)
	check.That(t, strings.Contains(x.String(), "\n1 later entry of the DACL was not needed\n"),
		"U-130: a rule with two entries: no row for the second entry of the DACL in\n%s", x)
	// The restricted pass ends at the first entry, but the user pass also read the second one.
	_, x, err = access.Explain(newRequest(t, "…(A;;0x1;;;RC)(A;;0x1;;;U)", 1, restricted(sid.Restricted)))
	check.NoError(t, err)
	check.That(t, !strings.Contains(x.String(), "not needed"), "U-130: both entries were read:\n%s", x)
}

// An entry whose condition is not true shows the values that its tests compared. An entry that did not decide by its
// condition shows none.
func TestShowPrintsComparedValues(t *testing.T) {
	for entries, want := range map[string]string{
		"(XA;;0x1;;;WD;(@User.y == 1))":              "which allows nothing: @USER.y is absent, needed == 1",
		"(XD;;0x1;;;WD;(@User.y == 1))(A;;0x1;;;WD)": "so no later entry counts: @USER.y is absent, needed == 1",
		"(XA;;0x1;;;BO;(@User.y == 1))":              "nor a group of the token\n",
		"(A;;0x1;;;WD)(XA;;0x1;;;WD;(@User.y == 1))": "nothing before it decided them\n",
	} {
		_, x, err := access.Explain(newRequest(t, "…"+entries, 1))
		check.NoError(t, err)
		got := x.String()
		check.That(t, strings.Contains(got, want), "A-178: %s: want %q in\n%s", entries, want, got)
	}
}

// An entry that leaves no room for the columns of the rights is below its row, and its SID is whole (U-123).
func TestShowNeverSplitsSID(t *testing.T) {
	const who = "S-1-5-21-1234567890-1234567890-1234567890-1107"
	r := newRequest(t, "…(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;"+who+")"+
		"(A;;0x3;;;WD)", 0x13)
	_, x, err := access.Explain(r)
	check.NoError(t, err)
	got := x.Show(80, nil, func(_ access.Mark, text string) string { return text })
	check.That(t, strings.Contains(got, "\n        "+who+")\n") &&
		strings.Contains(got, "\nDACL entry 2  +  +  .   A-70   "), "U-123: Show(80):\n%s", got)
	for line := range strings.Lines(got) {
		check.That(t, len(line) <= 81, "U-123: a line of %d columns: %q", len(line)-1, line)
	}
}

// The line of an entry's step begins with the list, the index and the pass, the line of any other step with "check".
// It names each node except the root.
func TestStepLineNamesEntryAndNode(t *testing.T) {
	for _, c := range []struct {
		step access.Step
		want string
	}{
		{access.Step{List: "DACL", ACE: 0, Pass: "normal"}, "DACL entry 1 normal"},
		{access.Step{List: "DACL", ACE: 1, Pass: "restricted"}, "DACL entry 2 restricted"},
		{access.Step{List: "SACL", ACE: 0}, "SACL entry 1"},
		{access.Step{List: "owner", ACE: -1}, "check owner"},
		{access.Step{List: "DACL", ACE: 0, Pass: "normal", Node: 1}, "DACL entry 1 normal node 1"},
		{access.Step{List: "DACL", ACE: 2, Pass: "normal", Node: 2}, "DACL entry 3 normal node 2"},
		{access.Step{List: "owner", ACE: -1, Node: 1}, "check owner node 1"},
		{access.Step{ACE: -1}, "check"},
	} {
		c.step.Bits, c.step.Rule, c.step.Because = 1, "A-61", "for a reason"
		x := access.Explanation{Steps: []access.Step{c.step}, Reasons: []access.BitReason{{Bit: winnt.AccessMask(1)}}}
		lines := strings.Split(x.Show(0, nil, func(_ access.Mark, text string) string { return text }), "\n")
		got, _, _ := strings.Cut(lines[3], "  ")
		check.That(t, got == c.want,
			"line of step %+v begins with %q, want %q, in\n%s", c.step, got, c.want, strings.Join(lines, "\n"))
	}
}
