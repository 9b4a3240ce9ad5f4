package bulk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newFirm returns ten users in Staff, u0 to u9, of whom the first four are in Four, and one guest of another firm.
func newFirm() *directory.Directory {
	var b strings.Builder
	b.WriteString("domain: S-1-5-21-1-2-3\nusers:\n")
	for i := range 10 {
		groups := "Staff"
		if i < 4 {
			groups += ", Four"
		}
		fmt.Fprintf(&b, "  - {name: u%d, sid: S-1-5-21-1-2-3-%d, memberOf: [%s], claims: {Level: %d}}\n",
			i, 1000+i, groups, i)
	}
	b.WriteString("  - {name: other, sid: S-1-5-21-9-9-9-1000}\ngroups:\n" +
		"  - {name: Staff, sid: S-1-5-21-1-2-3-2000}\n  - {name: Four, sid: S-1-5-21-1-2-3-2001}\n")
	return check.Must(dirfile.Read([]byte(b.String())))
}

// rowsFor runs a question and returns its rows with single blanks.
func rowsFor(t *testing.T, r bulk.Run, lines string) string {
	t.Helper()
	var rows []string
	for line := range strings.Lines(rowsOf(t, &r, lines)) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(rows[1:], "\n")
}

// TestAccessIsExplainedByItsEntries checks the entries by which principals get access: groups with the number of
// members that have the right, and the members that do not (U-102, U-103).
func TestAccessIsExplainedByItsEntries(t *testing.T) {
	const group, four = "S-1-5-21-1-2-3-2000", "S-1-5-21-1-2-3-2001"
	for _, c := range []struct{ dacl, want string }{
		{"(A;;FR;;;" + group + ")", "Staff (10) DACL entry 1 Staff"},
		{"(D;;FR;;;S-1-5-21-1-2-3-1003)(A;;FR;;;" + group + ")", "Staff but u3 (9 of 10) DACL entry 2 Staff"},
		{"(D;;FR;;;S-1-5-21-1-2-3-1003)(D;;FR;;;S-1-5-21-1-2-3-1004)(D;;FR;;;S-1-5-21-1-2-3-1005)(A;;FR;;;" + group +
			")", "Staff but u3, u4, u5 (7 of 10) DACL entry 4 Staff"},
		{"(D;;FR;;;" + four + ")(A;;FR;;;" + group + ")", "Staff (6 of 10) DACL entry 2 Staff"},
		{"(A;;FR;;;S-1-5-21-1-2-3-1003)(A;;FR;;;" + four + ")", "u3 DACL entry 1 u3\nu0, u1, u2 DACL entry 2 Four"},
		{strings.Repeat("(A;;FW;;;BG)", 8) + "(A;;FR;;;S-1-5-21-1-2-3-1003)(A;;FR;;;" + four + ")",
			"u3 DACL entry 9 u3\nu0, u1, u2 DACL entry 10 Four"},
		{"(A;;FR;;;WD)", "Everyone (11) DACL entry 1 Everyone"},
		{"(D;;FR;;;WD)(A;;FR;;;WD)", "(no one)"},
		{"(XA;;FR;;;WD;(@USER.Level > 7))", "u8, u9 DACL entry 1 Everyone"},
		{"(XA;;FR;;;" + group + ";(@USER.Level > 4))", "Staff (5 of 10) DACL entry 1 Staff"},
		{"(A;;0x120088;;;" + group + ")(A;;0x1;;;" + four + ")",
			"u0, u1, u2 and 1 more DACL entry 2 Four, DACL entry 1 Staff"},
		{"(A;;FR;;;" + four + ")(A;;FR;;;" + group + ")(A;;FR;;;WD)",
			"Four (4) DACL entry 1 Four\nStaff (10) DACL entry 2 Staff\nother DACL entry 3 Everyone"},
	} {
		run := bulk.Run{Directory: newFirm(), Rights: check.Must(words.Parse("read")), Ask: bulk.Through}
		check.Equal(t, rowsFor(t, run, `{"path":"/x","sd":"O:SYG:SYD:`+c.dacl+`"}`+"\n"), "/x read "+c.want, "%s", c.dacl)
	}
	run := bulk.Run{Directory: newFirm(), Rights: check.Must(words.Parse("control")), Ask: bulk.Through}
	got := rowsFor(t, run, `{"path":"/x","sd":"O:`+four+`G:SYD:(A;;WO;;;S-1-5-21-9-9-9-1000)"}`+"\n")
	check.Equal(t, got, "/x control other DACL entry 1 other\nu0, u1, u2 and 1 more owner Four", "control")
	got = rowsFor(t, run, `{"path":"/x","sd":"O:SYG:SY"}`+"\n")
	check.Equal(t, got, "/x control u0, u1, u2 and 8 more no DACL", "no DACL")
	run.Directory = newFirm().Clone()
	run.Directory.Principals[9].Root, run.Directory.Principals[10].Root = true, true // admin users of the share (F-108)
	got = rowsFor(t, run, `{"path":"/x","sd":"O:SYG:SYD:(A;;WD;;;`+group+`)"}`+"\n")
	check.Equal(t, got, "/x control Staff (10) DACL entry 1 Staff\n"+
		"u9, other admin users of the share: descriptors of files are not checked", "admin users")
	run.Directory = newFirm()
	run.Rights = check.Must(words.Parse("0x40001"))
	got = rowsFor(t, run, `{"path":"/x","sd":"O:`+four+`G:SYD:(A;;CC;;;`+group+`)"}`+"\n")
	check.Equal(t, got, "/x 0x40001 u0, u1, u2 and 1 more DACL entry 1 Staff, owner Four", "an entry and the owner")
	run.Rights = check.Must(words.Parse("read+write"))
	_, sum, err := runOver(&run, `{"path":"/x","sd":"O:SYG:SYD:(A;;FR;;;WD)(A;;FW;;;`+four+`)"}`+"\n")
	check.That(t, err == nil && sum.Allowed == 11+4, "%d pairs of a principal and a right, %v, want 15", sum.Allowed, err)
}

// TestEqualGroupsMayUseDifferentEntries checks that principals in the same groups may get access by different
// entries, if their levels or a policy remove rights of one of them (U-102).
func TestEqualGroupsMayUseDifferentEntries(t *testing.T) {
	const control = `{"path":"/x","sd":"O:SYG:SYD:(A;;WD;;;WD)(A;;WO;;;WD)S:`
	levels := newFirm()
	levels.Principals = levels.Principals[:2]
	for i, level := range []sid.SID{sid.MediumLevel, sid.HighLevel} {
		spec := token.NetworkUser(levels.Principals[i].SID())
		spec.Integrity = level
		// It gives WRITE_OWNER below the label, and is named for it.
		spec.Privileges = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeRelabelPrivilege)
		spec.EnabledPrivileges = spec.Privileges
		levels.Principals[i].Token = check.Must(token.New(spec))
	}
	run := bulk.Run{Directory: levels, Rights: check.Must(words.Parse("control")), Ask: bulk.Through}
	got := rowsFor(t, run, control+`(ML;;NW;;;HI)"}`+"\n")
	check.Equal(t, got, "/x control u1 DACL entry 1 Everyone\nu0 SeRelabelPrivilege", "levels")
	// An audit entry separates no principals, however many there are.
	users := "users:\n"
	for i := range 1001 {
		users += fmt.Sprintf("  - {name: u%d, sid: S-1-5-21-1-2-3-%d}\n", i, 1100+i)
	}
	many := bulk.Run{Directory: check.Must(dirfile.Read([]byte(users))), Ask: bulk.Through,
		Rights: check.Must(words.Parse("read"))}
	got = rowsFor(t, many, `{"path":"/x","sd":"O:SYG:SYD:(A;;FR;;;WD)S:(AU;SA;FR;;;WD)"}`+"\n")
	check.That(t, !strings.Contains(got, "not traced") && strings.HasSuffix(got, "DACL entry 1 Everyone"),
		"audited:\n%s\nwant DACL entry 1 Everyone", got)
	rule := access.Rule{Name: "one", Descriptor: check.Must(sddl.Parse("D:(A;;WO;;;WD)(A;;WD;;;S-1-5-21-1-2-3-1003)",
		sddl.Options{}))}
	policies := &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"), Name: "p",
		Rules: []access.Rule{rule}}}}
	run = bulk.Run{Directory: newFirm(), Rights: check.Must(words.Parse("control")), Ask: bulk.Through,
		Config: effective.Config{Policies: policies}}
	got = rowsFor(t, run, control+`(SP;;;;;S-1-17-1)"}`+"\n")
	check.Equal(t, got, "/x control u3 DACL entry 1 Everyone\nEveryone (11) DACL entry 2 Everyone", "policy")
}

// An object has rows if its answer differs from its parent's, or the parent's is unknown. An unreadable object always
// has a row (U-107).
func TestRowsOnlyWhereAnswersChange(t *testing.T) {
	row := func(path, sddl, typ string) string {
		return fmt.Sprintf(`{"path":%q,"sd":%q,"type":%q}`+"\n", path, "O:SYG:SYD:"+sddl, typ)
	}
	const all, one, none = "(A;;FR;;;S-1-5-21-1-2-3-2000)", "(A;;FR;;;S-1-5-21-1-2-3-1003)", "(A;;FR;;;SY)"
	lines := row("/t", all, "directory") + row("/t/same", "(A;;FA;;;S-1-5-21-1-2-3-2000)", "file") +
		row("/t/other/", one, "directory") + row("/t/other/x", one, "file") + row("/t/other/y", all, "file") +
		row("/t/bad", "(", "file") + row("/t/bad/z", all, "file") + row("/lost/z", all, "file") +
		row(`C:\w`, none, "directory") + row(`C:\w\v`, none, "file") + row(`C:\w\u`, one, "file") +
		row("/", all, "directory") + row("/s", all, "directory") + row("t", all, "directory")
	const want = "/t /t/other/ /t/other/y /t/bad /t/bad/z /lost/z C:\\w C:\\w\\u / t"
	dir := newFirm()
	for _, ask := range []bulk.Ask{bulk.Who, bulk.Count, bulk.Through} {
		run := bulk.Run{Directory: dir, Ask: ask, Changes: true, Rights: check.Must(words.Parse("read"))}
		check.Equal(t, pathsOf(t, run, lines), want, "question %v", ask)
	}
	lines = row("DC=x", "(A;;RC;;;WD)", "directoryService") + row("OU=a,DC=x", "(A;;RC;;;SY)", "directoryService") +
		row(`CN=b\\,c,OU=a,DC=x`, "(A;;RC;;;SY)", "directoryService")
	run := bulk.Run{Directory: dir, Changes: true, Rights: check.Must(words.Parse("RC"))}
	check.Equal(t, pathsOf(t, run, strings.ReplaceAll(lines, `\\\\`, `\\`)), "DC=x OU=a,DC=x", "objects of a directory")
	run.Rights = check.Must(words.Parse("write+read"))
	lines = row("/t", all, "directory") + row("/t/x", "(A;;FA;;;S-1-5-21-1-2-3-2000)", "file")
	check.Equal(t, pathsOf(t, run, lines), "/t /t /t/x /t/x", "the first of two rights")
	// For one principal that there is nothing is a change, too (U-108).
	what := bulk.Run{Directory: dir, Ask: bulk.What, Principal: 3, Changes: true}
	lines = row("/t", all, "directory") + row("/t/no", none, "directory") + row("/t/no/x", none, "file")
	check.Equal(t, pathsOf(t, what, lines), "/t /t/no", "what")
	what.Changes = false
	check.Equal(t, pathsOf(t, what, lines), "/t", "without")
	// Rights that were not requested are not reported as missing (U-108).
	for want, passed := range map[string]int{"": 2, "write": 0} {
		if what.Want = nil; want != "" {
			what.Want = check.Must(words.Parse(want))
		}
		_, sum, err := runOver(&what, lines)
		check.That(t, err == nil && sum.Passed == passed, "want %q: %d objects without a right, %v, not %d", want,
			sum.Passed, err, passed)
	}
}

// pathsOf returns the paths of the rows of a run.
func pathsOf(t *testing.T, r bulk.Run, lines string) string {
	t.Helper()
	var paths []string
	for line := range strings.Lines(rowsOf(t, &r, lines)) {
		if path, _, _ := strings.Cut(line, "  "); path != "PATH" && path != "" {
			paths = append(paths, strings.TrimSpace(path))
		}
	}
	return strings.Join(paths, " ")
}
