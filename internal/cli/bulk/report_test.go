package bulk_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestReportPageRunsOnlyItsOwnScript checks that the page runs only its own script, whatever names it has.
func TestReportPageRunsOnlyItsOwnScript(t *testing.T) {
	const line = `{"path":"/srv/<script>alert(1)</script>","sd":"O:SYG:SYD:(A;;FA;;;WD)"}` + "\n"
	page := pageOf(t, &bulk.Report{Title: "</title><script>x", Directory: newFirm()}, line)
	check.Require(t, strings.Count(page, "<script"), 1, "scripts")
	const counts = "|1|11|11|11|/srv/<script>alert(1)</script>"
	for heading, why := range map[string]string{"Riskiest grants": "11 people can change its rights",
		"Widest descriptors": "11 of 11 can read"} {
		check.SlicesEqual(t, rowsUnder(page, heading), []string{why + counts}, "%s", heading)
	}
	_, script, _ := strings.Cut(page, "<script>")
	script, _, _ = strings.Cut(script, "</script>")
	_, hash, _ := strings.Cut(page, "script-src '")
	hash, _, _ = strings.Cut(hash, "'")
	sum := sha256.Sum256([]byte(script))
	check.Equal(t, html.UnescapeString(hash), "sha256-"+base64.StdEncoding.EncodeToString(sum[:]), "allowed script")
}

// TestPrincipalWithoutAccessHasNoBar checks that a principal that reaches nothing has no bar.
func TestPrincipalWithoutAccessHasNoBar(t *testing.T) {
	page := pageOf(t, &bulk.Report{Title: "t", Directory: newFirm()}, `{"path":"/srv","sd":"O:SYG:SYD:P"}`+"\n")
	bars, hidden := strings.Count(page, `<span class="bar`), strings.Count(page, `" hidden style="width:0`)
	check.That(t, bars != 0 && hidden == bars, "%d of %d bars are hidden, want %d, at least 1", hidden, bars, bars)
}

var (
	tableRow = regexp.MustCompile(`(?s)<tr>(<td.*?)</tr>`)
	anyTag   = regexp.MustCompile(`<[^>]*>`)
)

// rowsUnder returns the rows of the table below a heading of a page, with bars between cells.
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

// TestReportTablesCountReachByPrincipal checks the tables: reach by principal, the entries that let most people in, and
// unknown accounts with their granted rights, each with the first object that shows it.
func TestReportTablesCountReachByPrincipal(t *testing.T) {
	dir := check.Must(dirfile.Read([]byte(`domain: S-1-5-21-1-2-3
groups: [{name: staff, sid: S-1-5-21-1-2-3-2001}]
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1001, memberOf: [staff]}
  - {name: bob, sid: S-1-5-21-1-2-3-1002}
`)))
	const lines = `{"path":"/a","sd":"O:SYG:SYD:(A;;FR;;;WD)(A;;0x3;;;S-1-5-21-1-2-3-9999)"}
{"path":"/b","sd":"O:SYG:SYD:(A;;FR;;;WD)(A;;0x3;;;S-1-5-21-1-2-3-9999)"}
{"path":"/c","sd":"O:SYG:SYD:(A;;FA;;;S-1-5-21-1-2-3-2001)(A;;FW;;;S-1-5-21-1-2-3-9999)(A;;FX;;;S-1-5-21-1-2-3-9998)"}
{"path":"/d","sd":"O:"}
`
	page := pageOf(t, &bulk.Report{Title: "t", Directory: dir}, lines)
	for heading, want := range map[string][]string{
		"Who reaches what":   {"alice|3||1||1", "bob|2||0||0"},
		"Widest descriptors": {"2 of 2 can read|2|2|0|0|/a", "1 of 2 can read|1|1|1|1|/c"},
		"Accounts":           {"S-1-5-21-1-2-3-9999|3|0x00120117|/a", "S-1-5-21-1-2-3-9998|1|0x001200a0|/c"},
	} {
		check.SlicesEqual(t, rowsUnder(page, heading), want, "%s", heading)
	}
	_, unreadable, _ := strings.Cut(page, "<h2>Unreadable</h2>")
	check.That(t, strings.Contains(unreadable, "<li><code>/d") || strings.Contains(unreadable, "line 4"),
		"entry of the unreadable object = %s, want its path and line 4", unreadable)
	share := check.Must(sddl.Parse("D:(D;;WD;;;WD)(A;;FA;;;WD)", sddl.Options{}))
	page = pageOf(t, &bulk.Report{Title: "t", Directory: dir, Share: share},
		`{"path":"/e","sd":"O:SYG:SYD:(A;;FRWO;;;S-1-5-21-1-2-3-1001)"}`+"\n")
	const why = "|1|entry 1 of the DACL allows it, share entry 2 of the DACL allows it: alice"
	check.SlicesEqual(t, rowsUnder(page, "Down to the entry"), []string{"1|allow|alice|read, control|0x001a0089",
		"read" + why, "write|0", "control" + why}, "descriptor that grants WRITE_OWNER without WRITE_DAC")
	const second = "|1|entry 2 of the DACL allows it, share entry 2 of the DACL allows it: alice"
	page = pageOf(t, &bulk.Report{Title: "t", Directory: dir, Share: share},
		`{"path":"/f","sd":"O:SYG:SYD:(A;;WD;;;S-1-5-21-1-2-3-1001)(A;;FRWO;;;S-1-5-21-1-2-3-1001)"}`+"\n")
	check.SlicesEqual(t, rowsUnder(page, "Down to the entry"), []string{"1|allow|alice|control|0x00040000",
		"2|allow|alice|read, control|0x001a0089", "read" + second, "write|0", "control" + second},
		"descriptor that grants WRITE_DAC, which the share denies")
}
