package bulk_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
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
	sections, links := strings.Count(page, `<p id="d1">`), strings.Count(page, `<a href="#d1">`)
	check.That(t, sections == 1 && links == 2, "%d sections and %d links, want a section and a link of each table",
		sections, links)
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
{"path":"/key","type":"key","sd":"O:SYG:SYD:(A;;GR;;;S-1-5-21-1-2-3-9997)"}
`
	page := pageOf(t, &bulk.Report{Title: "t", Directory: dir}, lines)
	for heading, want := range map[string][]string{
		"Who reaches what":   {"alice|3||1||1", "bob|2||0||0"},
		"Widest descriptors": {"2 of 2 can read|2|2|0|0|/a", "1 of 2 can read|1|1|1|1|/c"},
		"Accounts": {"S-1-5-21-1-2-3-9999|3|0x00120117|/a", "S-1-5-21-1-2-3-9997|1|0x00020019|/key",
			"S-1-5-21-1-2-3-9998|1|0x001200a0|/c"},
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
	policies := &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"),
		Rules: []access.Rule{{Descriptor: sddl.MustParse("D:(A;;WO;;;WD)")}}}}}
	page = pageOf(t, &bulk.Report{Title: "t", Directory: dir, Config: effective.Config{Policies: policies}},
		`{"path":"/g","sd":"O:SYG:SYD:(A;;WD;;;S-1-5-21-1-2-3-1001)(A;;WO;;;WD)S:(SP;;;;;S-1-17-1)"}`+"\n")
	rows := rowsUnder(page, "Down to the entry")
	check.Equal(t, rows[len(rows)-1], "control|2|entry 2 of the DACL allows it: alice, bob",
		"descriptor that grants WRITE_DAC, which a policy denies")
}

// reportOf returns the page of a report about a number of users u0, u1 and so on.
func reportOf(t *testing.T, users int, change func(*directory.Directory), lines string) string {
	t.Helper()
	var list strings.Builder
	for i := range users {
		fmt.Fprintf(&list, "  - {name: u%d, sid: S-1-5-21-1-2-3-%d}\n", i, 1000+i)
	}
	dir := check.Must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\nusers:\n" + list.String())))
	if change != nil {
		change(dir)
	}
	return pageOf(t, &bulk.Report{Title: "t", Directory: dir}, lines)
}

// objectLine returns the line of an object with a DACL.
func objectLine(path, dacl string) string {
	return fmt.Sprintf(`{"path":"%s","sd":"O:SYG:SY%s"}`+"\n", path, dacl)
}

// TestReportListsHighestScores checks that a ranking counts each object, has the earlier object first among equals, and
// keeps the highest score of more descriptors than it collects at once.
func TestReportListsHighestScores(t *testing.T) {
	grant := func(rights string, users ...int) (dacl string) {
		for _, u := range users {
			dacl += fmt.Sprintf("(A;;%s;;;S-1-5-21-1-2-3-%d)", rights, 1000+u)
		}
		return "D:" + dacl
	}
	for heading, rights := range map[string]string{"Widest descriptors": "FR", "Riskiest grants": "WD"} {
		lines := objectLine("/four", grant(rights, 0, 1, 2, 3))
		for _, path := range []string{"/a", "/b", "/c", "/d", "/e"} {
			lines += objectLine(path, grant(rights, 0, 1))
		}
		page := reportOf(t, 4, nil, lines+objectLine("/last", grant(rights, 3, 2, 1, 0)))
		var got []string
		for _, row := range rowsUnder(page, heading) {
			got = append(got, row[strings.LastIndexByte(row, '|')+1:])
		}
		check.SlicesEqual(t, got, []string{"/a", "/four", "/last"}, "%s", heading)
	}
	var lines strings.Builder
	for i := range 450 {
		if i == 200 {
			lines.WriteString(objectLine("/two", grant("FR", 0, 100)))
		}
		lines.WriteString(objectLine(fmt.Sprint("/", i), grant("FR", 0, 1000+i)))
	}
	page := reportOf(t, 101, nil, lines.String()+objectLine("/last", grant("FR", 100, 0)))
	rows := rowsUnder(page, "Widest descriptors")
	check.That(t, len(rows) == 50 && strings.HasSuffix(rows[0], "|/two") && strings.HasSuffix(rows[1], "|/last") &&
		strings.HasSuffix(rows[2], "|/0") && strings.HasSuffix(rows[49], "|/47"), "rows %q", rows)
}

// TestReportOrdersPrincipalsByPower checks that control counts before writing and writing before reading, and that the
// bars are parts of the objects that could be read.
func TestReportOrdersPrincipalsByPower(t *testing.T) {
	entry := func(user int, rights string) string {
		return fmt.Sprintf("(A;;%s;;;S-1-5-21-1-2-3-%d)", rights, 1000+user)
	}
	page := reportOf(t, 4, nil, objectLine("/a", "D:"+entry(0, "FR")+entry(1, "FRFW")+entry(2, "WD"))+
		objectLine("/b", "D:"+entry(0, "FR")+entry(3, "FR")+entry(1, "FR"))+objectLine("/bad", "D:x"))
	check.SlicesEqual(t, rowsUnder(page, "Who reaches what"), []string{"u2|0||0||1", "u1|2||1||0", "u0|2||0||0",
		"u3|1||0||0"}, "principals")
	check.That(t, strings.Contains(page, "width:100px") && strings.Contains(page, "width:50px") &&
		!strings.Contains(page, "width:66px"), "the bars are not parts of two objects")
}

// TestReportDetailsDescribeDescriptor checks what the section of a descriptor says of its entries and of those who get
// in: at most 40 names for a right, and admin users of a share apart.
func TestReportDetailsDescribeDescriptor(t *testing.T) {
	const more, none, shut = "and %d more", "There is no DACL", "A folder on the way refuses"
	page := reportOf(t, 42, func(d *directory.Directory) { d.Principals[41].Root = true },
		objectLine("/all", "D:(A;;FR;;;WD)(A;;0x88;;;S-1-5-21-1-2-3-9)(D;;DTWO;;;BU)"))
	check.That(t, strings.Count(page, fmt.Sprintf(more, 2)) == 1 && !strings.Contains(page, none) &&
		!strings.Contains(page, shut), "page of a descriptor with a DACL, which 42 people read\n%s", page)
	rows := rowsUnder(page, "Down to the entry")
	check.SlicesEqual(t, rows[:3], []string{"1|allow|Everyone|read|0x00120089",
		"2|allow|S-1-5-21-1-2-3-9|FILE_READ_EA, FILE_READ_ATTRIBUTES|0x00000088", "3|deny|Users|control|0x00080040"},
		"entries")
	check.That(t, strings.Contains(page, `<td class="warn">S-1-5-21-1-2-3-9<`) && strings.Contains(page, "<td>Everyone<"),
		"only the account that nobody knows is marked")
	const root = "admin users of the share: descriptors of files are not checked: u41"
	check.SlicesEqual(t, rows[4:], []string{"write|1|" + root, "control|1|" + root}, "who gets in")
	names := strings.Split(rows[3][strings.LastIndex(rows[3], ": ")+2:], ", ")
	check.That(t, len(names) == 40 && strings.HasPrefix(rows[3], "read|42|entry 1 of the DACL allows it: u0, u1, "),
		"%d names in %q, want 40", len(names), rows[3])
	rows = rowsUnder(reportOf(t, 1, nil, objectLine("/w", "D:(A;;FRWDWO;;;S-1-5-21-1-2-3-1000)")), "Down to the entry")
	check.Equal(t, rows[len(rows)-1], "control|1|entry 1 of the DACL allows it: u0", "both ways of control by one entry")
	page = reportOf(t, 2, func(d *directory.Directory) { d.Principals[1].Root = true }, objectLine("/empty", "D:"))
	check.That(t, strings.Contains(page, "admin users of the share") && !strings.Contains(page, none),
		"page of an empty DACL, which an admin user passes")
	for dacl, want := range map[string]bool{"D:(A;;FX;;;S-1-5-21-1-2-3-1107)": true, "D:(A;;FX;;;WD)": false} {
		r := &bulk.Report{Directory: staff(""), Source: &behind{dacl: "D:(A;;FR;;;WD)",
			way: new(objects.Ways).With(nil, sddl.MustParse(dacl))}}
		var out strings.Builder
		check.NoError(t, errors.Join(r.Collect(t.Context()), r.Write(&out)))
		check.Equal(t, strings.Contains(out.String(), shut), want, "%s: the page says that a folder refuses others", dacl)
	}
	page = reportOf(t, 40, nil, objectLine("/none", "")+objectLine("/empty", "D:"))
	check.That(t, strings.Count(page, none) == 1 && !strings.Contains(page, "more</span>"),
		"page of an object without a DACL, which 40 people read")
}
