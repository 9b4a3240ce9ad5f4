package bulk_test

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

var (
	tableRow = regexp.MustCompile(`(?s)<tr>(<td.*?)</tr>`)
	anyTag   = regexp.MustCompile(`<[^>]*>`)
)

// rowsUnder are the rows of the table behind a heading of a page, their cells between bars.
func rowsUnder(page, heading string) (rows []string) {
	_, page, _ = strings.Cut(page, "<h2>"+heading)
	page, _, _ = strings.Cut(page, "<h2>")
	for _, m := range tableRow.FindAllStringSubmatch(page, -1) {
		var cells []string
		for _, cell := range strings.Split(m[1], "</td>") {
			cells = append(cells, strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(cell, ""))))
		}
		rows = append(rows, strings.Trim(strings.Join(cells, "|"), "|"))
	}
	return rows
}

// TestTablesOfAReport: who reaches how much, what lets most people in, and the unknown accounts with all that their
// entries grant, each with the first object that shows it.
func TestTablesOfAReport(t *testing.T) {
	dir, err := people.Read([]byte(`domain: S-1-5-21-1-2-3
groups: [{name: staff, sid: S-1-5-21-1-2-3-2001}]
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1001, memberOf: [staff]}
  - {name: bob, sid: S-1-5-21-1-2-3-1002}
`))
	if err != nil {
		t.Fatal(err)
	}
	const lines = `{"path":"/a","sd":"O:SYG:SYD:(A;;FR;;;WD)(A;;0x3;;;S-1-5-21-1-2-3-9999)"}
{"path":"/b","sd":"O:SYG:SYD:(A;;FR;;;WD)(A;;0x3;;;S-1-5-21-1-2-3-9999)"}
{"path":"/c","sd":"O:SYG:SYD:(A;;FA;;;S-1-5-21-1-2-3-2001)(A;;FW;;;S-1-5-21-1-2-3-9999)(A;;FX;;;S-1-5-21-1-2-3-9998)"}
{"path":"/d","sd":"O:"}
`
	r := bulk.Report{Title: "t", Directory: dir, Source: objects.Lines(strings.NewReader(lines), 0, 0)}
	if err := r.Collect(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for heading, want := range map[string][]string{
		"Who reaches what":   {"alice|3||1||1", "bob|2||0||0"},
		"Widest descriptors": {"2 of 2 can read|2|2|0|0|/a", "1 of 2 can read|1|1|1|1|/c"},
		"Accounts":           {"S-1-5-21-1-2-3-9999|3|0x00120117|/a", "S-1-5-21-1-2-3-9998|1|0x001200a0|/c"},
	} {
		if got := rowsUnder(out.String(), heading); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", heading, got, want)
		}
	}
	_, unreadable, _ := strings.Cut(out.String(), "<h2>Unreadable</h2>")
	if !strings.Contains(unreadable, "<li><code>/d") && !strings.Contains(unreadable, "line 4") {
		t.Errorf("the object that cannot be read: %s", unreadable)
	}
}
