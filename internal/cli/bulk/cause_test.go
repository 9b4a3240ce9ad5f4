package bulk_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// staff is a directory with alice in some groups.
func staff(memberOf string) *directory.Directory { return staffWith("Team", memberOf) }

// staffWith is a directory whose one group has a given name, with alice in some groups.
func staffWith(group, memberOf string) *directory.Directory {
	return check.Must(dirfile.Read(fmt.Appendf(nil, "domain: S-1-5-21-1-2-3\nusers:\n"+
		"  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [%s]}\n"+
		"groups:\n  - {name: %s, sid: S-1-5-21-1-2-3-2001}\n", memberOf, group)))
}

// TestChangeHasItsCause checks that a change of rights has the expected cause: the entry, the membership, the order,
// the owner, inheritance (B-106), or the whole list.
func TestChangeHasItsCause(t *testing.T) {
	const a, team = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-2001"
	const allow, deny = "(A;;CC;;;" + a + ")", "(D;;CC;;;" + a + ")"
	const allowTeam, denyTeam = "(A;;CC;;;" + team + ")", "(D;;CC;;;" + team + ")"
	const inherited, label = "(A;ID;CC;;;" + a + ")", "the integrity label, entry 1 of the SACL, forbids it"
	for _, c := range []struct {
		was, is       string // owner and DACL
		before, after string // groups of alice
		gained, lost  winnt.AccessMask
		cause         string
	}{
		{"O:BAD:", "O:BAD:" + allow, "", "", 1, 0, "entry added: " + allow + " alice"},
		{"O:BAD:" + allow, "O:BAD:", "", "", 0, 1, "entry removed: " + allow + " alice"},
		{"O:BAD:" + allowTeam, "O:BAD:" + allowTeam, "", "Team", 1, 0, "joined Team: " + allowTeam + " Team"},
		{"O:BAD:" + allowTeam, "O:BAD:" + allowTeam, "Team", "", 0, 1, "left Team: " + allowTeam + " Team"},
		{"O:BAD:" + deny + allow, "O:BAD:" + allow, "", "", 1, 0, "entry removed: " + deny + " alice"},
		{"O:BAD:" + allow, "O:BAD:" + deny + allow, "", "", 0, 1, "entry added: " + deny + " alice"},
		{"O:BAD:" + denyTeam + allow, "O:BAD:" + denyTeam + allow, "Team", "", 1, 0, "left Team: " + denyTeam + " Team"},
		{"O:BAD:" + denyTeam + allow, "O:BAD:" + denyTeam + allow, "", "Team", 0, 1, "joined Team: " + denyTeam + " Team"},
		{"O:BAD:" + deny + allow, "O:BAD:" + allow + deny, "", "", 1, 0, "entries in another order: " + deny + " alice"},
		{"O:BAD:" + allow + deny, "O:BAD:" + deny + allow, "", "", 0, 1, "entries in another order: " + deny + " alice"},
		{"O:BAD:", "O:" + a + "D:", "", "", 0x60000, 0, "owner is now alice"},
		{"O:" + a + "D:", "O:BAD:", "", "", 0, 0x60000, "owner was alice"},
		{"O:" + team + "D:", "O:" + team + "D:", "", "Team", 0x60000, 0, "joined Team, the owner"},
		{"O:" + team + "D:", "O:" + team + "D:", "Team", "", 0, 0x60000, "left Team, the owner"},
		{"O:" + a + "D:(A;;CC;;;OW)", "O:" + a + "D:", "", "", 0x60000, 1, "entry removed: (A;;CC;;;OW) OWNER RIGHTS: " +
			"it replaced the owner's implicit rights"},
		{"O:" + a + "D:" + allow, "O:" + a + "D:(A;;CC;;;OW)", "", "", 0, 0x60000,
			"entry added: (A;;CC;;;OW) OWNER RIGHTS: it replaces the owner's implicit rights"},
		{"O:BAD:P", "O:BAD:" + inherited, "", "", 1, 0, "inheritance enabled, entry added: " + inherited + " alice"},
		{"O:BAD:P", "O:BAD:" + allow, "", "", 1, 0, "entry added: " + allow + " alice"},
		{"O:BAD:", "O:BAD:" + inherited, "", "", 1, 0, "entry added: " + inherited + " alice"},
		{"O:BAD:" + inherited, "O:BAD:P", "", "", 0, 1, "inheritance disabled, entry removed: " + inherited + " alice"},
		{"O:BAD:" + allow, "O:BAD:P", "", "", 0, 1, "entry removed: " + allow + " alice"},
		{"O:" + team + "D:(A;CIIO;CC;;;OW)", "O:" + team + "D:(A;CIIO;CC;;;OW)", "", "Team", 0x60000, 0,
			"joined Team, the owner"},
		{"O:BAD:P" + inherited, "O:BAD:P", "", "", 0, 1, "entry removed: " + inherited + " alice"},
		{"O:BAD:" + allow, "O:BA", "", "", 0x1F01FE, 0, "DACL is gone: open to everybody"},
		{"O:BA", "O:BAD:" + allow, "", "", 0, 0x1F01FE, "DACL is there now"},
		{"O:BAD:" + allowTeam, "O:BAD:" + allow, "", "", 1, 0, "entry added: " + allow + " alice"},
		{"O:BAD:" + allow + "(A;;DC;;;" + a + ")", "O:BAD:" + allow + "(A;;LC;;;" + a + ")", "", "", 4, 2,
			"entry added: (A;;LC;;;" + a + ") alice"},
		{"O:BAD:", "O:BAD:(OA;;CC;;bf967aba-0de6-11d0-a285-00aa003049e2;" + a + ")", "", "", 1, 0,
			"entry added: (OA;;CC;;bf967aba-0de6-11d0-a285-00aa003049e2;" + a + ") for children of class user alice"},
		{"O:BAD:" + allow, "O:BAD:" + allow + "S:(ML;;NR;;;HI)", "", "", 0, 1,
			"was: entry 1 of the DACL allows it; now: " + label},
		{"O:BAD:" + allow + "S:(ML;;NR;;;HI)", "O:BAD:" + allow, "", "", 1, 0,
			"was: " + label + "; now: entry 1 of the DACL allows it"},
	} {
		row := changeOf(t, staff(c.before), staff(c.after), c.was, c.is)
		want := changeRow{"alice", "/x", c.gained.Padded(), c.lost.Padded(), c.cause}
		check.Equal(t, row, want, "%s to %s", c.was, c.is)
	}
	dir := newFirm()
	dir.Principals = dir.Principals[:1]
	d := &bulk.Diff{Directory: dir, Format: bulk.JSONL}
	d.Config.Options.ClaimsDisabled = true
	_, out := compareLists(t, d, objectLine("/x", "D:"),
		objectLine("/x", "D:(XA;;CC;;;WD;(@USER.Level == 0))(A;;CC;;;WD)"))
	check.Equal(t, decode[changeRow](t, out)[0].Cause, "entry added: (A;;CC;;;WD) Everyone", "claims disabled")
}

// changeRow is the row of a change with its cause.
type changeRow struct{ Principal, Path, Gained, Lost, Cause string }

// changeOf compares one object with an earlier and a later descriptor, and returns the only row.
func changeOf(t *testing.T, before, after *directory.Directory, was, is string) changeRow {
	t.Helper()
	line := func(sd string) string { return fmt.Sprintf(`{"path":"/x","sd":%q}`+"\n", sd) }
	d := &bulk.Diff{Directory: before, DirectoryAfter: after, Format: bulk.JSONL}
	found, out := compareLists(t, d, line(was), line(is))
	rows := decode[changeRow](t, out)
	check.RequireThat(t, found.Changes == 1 && found.Changed == 1 && len(rows) == 1,
		"%s to %s: %+v, want one row\n%s", was, is, found, out)
	return rows[0]
}

// TestNewObjectIsCauseForNewPrincipal checks the causes of rows about objects and principals of one state only. The
// object's cause takes precedence.
func TestNewObjectIsCauseForNewPrincipal(t *testing.T) {
	const list = `{"path":"/x","sd":"D:(A;;FR;;;WD)"}` + "\n"
	more := check.Must(dirfile.Read([]byte(twoUsers)))
	less := more.Clone()
	less.Principals = less.Principals[:1]
	for _, c := range []struct{ was, is, new, gone string }{
		{"", list, "new object", "new object"}, {list, "", "object is gone", "object is gone"},
		{list, list, "new principal", "principal is gone"},
	} {
		for before, after := range map[*directory.Directory]*directory.Directory{less: more, more: less} {
			cause := c.new
			if before == more {
				cause = c.gone
			}
			d := &bulk.Diff{Directory: before, DirectoryAfter: after, Format: bulk.JSONL}
			_, out := compareLists(t, d, c.was, c.is)
			for _, row := range decode[changeRow](t, out) {
				check.Equal(t, row.Cause, cause, "%q to %q: %s", c.was, c.is, row.Principal)
			}
			check.That(t, out != "", "%q to %q: no row", c.was, c.is)
		}
	}
}

// TestCauseNamesGroupsOfItsState checks that the cause of a gained right has a renamed group's later name, and that the
// cause of a lost right has its earlier name.
func TestCauseNamesGroupsOfItsState(t *testing.T) {
	const team = "(A;;CC;;;S-1-5-21-1-2-3-2001)"
	for _, c := range []struct{ was, is, before, after, cause string }{
		{team, team, "", "Crew", "joined Crew: " + team + " Crew"},
		{"", team, "Team", "Crew", "entry added: " + team + " Crew"},
		{team, team, "Team", "", "left Team: " + team + " Team"},
		{team, "", "Team", "Crew", "entry removed: " + team + " Team"},
	} {
		row := changeOf(t, staff(c.before), staffWith("Crew", c.after), "O:BAD:"+c.was, "O:BAD:"+c.is)
		check.Equal(t, row.Cause, c.cause, "%q in %q to %q in %q", c.was, c.before, c.is, c.after)
	}
}

// TestDenyOnlyGroupCausesOnlyDenials checks that a deny-only group counts for denying entries and not for allowing
// ones.
func TestDenyOnlyGroupCausesOnlyDenials(t *testing.T) {
	const a, team = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-2001"
	const allow, allowTeam, denyTeam = "(A;;CC;;;" + a + ")", "(A;;CC;;;" + team + ")", "(D;;CC;;;" + team + ")"
	enabled, none := `"`+team+`"`, ""
	only := `{"sid":"` + team + `","attributes":["UseForDenyOnly"]}`
	for _, c := range []struct {
		was, is, before, after string
		cause                  string
	}{
		{allowTeam, allowTeam, only, enabled, "joined Team: " + allowTeam + " Team"},
		{allowTeam, allowTeam, enabled, only, "left Team: " + allowTeam + " Team"},
		{denyTeam + allow, denyTeam + allow, only, none, "left Team: " + denyTeam + " Team"},
		{denyTeam + allow, denyTeam + allow, none, only, "joined Team: " + denyTeam + " Team"},
		{denyTeam + allow, allow + denyTeam, only, only, "entries in another order: " + denyTeam + " Team"},
		{allow + denyTeam, denyTeam + allow, only, only, "entries in another order: " + denyTeam + " Team"},
	} {
		var dirs [2]*directory.Directory
		for i, groups := range [2]string{c.before, c.after} {
			dirs[i] = staff("")
			dirs[i].Principals[0].Token = check.Must(token.Parse([]byte(`{"user":"` + a + `","groups":[` + groups + `]}`)))
		}
		row := changeOf(t, dirs[0], dirs[1], "O:BAD:"+c.was, "O:BAD:"+c.is)
		check.Equal(t, row.Cause, c.cause, "%s to %s", c.was, c.is)
	}
}

// TestResumeNeedsEqualInputs checks that a run resumes another one only if everything that its rows depend on is
// equal.
func TestResumeNeedsEqualInputs(t *testing.T) {
	rights := check.Must(words.Parse("read"))
	seen := map[string]string{}
	note := func(what, print string) {
		t.Helper()
		check.Equal(t, seen[print], "", "%s and: have one fingerprint", what)
		seen[print] = what
	}
	share := sddl.MustParse("D:(A;;FR;;;WD)")
	condition, _, err := claims.ParseExpr("(@USER.a == 1)", claims.ParseOptions{})
	check.NoError(t, err)
	policy := func(id, dacl string) *access.PolicySet {
		return &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse(id),
			Rules: []access.Rule{{Descriptor: sddl.MustParse(dacl)}}}}}
	}
	run := func(changes func(*bulk.Run)) string {
		r := &bulk.Run{Rights: rights, Ask: bulk.Who, Format: bulk.JSONL, Directory: staff("")}
		changes(r)
		return r.Fingerprint()
	}
	for what, changes := range map[string]func(*bulk.Run){
		"a run": func(*bulk.Run) {}, "other rights": func(r *bulk.Run) { r.Rights = check.Must(words.Parse("write")) },
		"more rights":       func(r *bulk.Run) { r.Rights = check.Must(words.Parse("read+write")) },
		"another form":      func(r *bulk.Run) { r.Format = bulk.CSV },
		"counts":            func(r *bulk.Run) { r.Ask = bulk.Count },
		"an index":          func(r *bulk.Run) { r.Ask = bulk.Index },
		"other people":      func(r *bulk.Run) { r.Directory = staff("Team") },
		"a share":           func(r *bulk.Run) { r.Share = share },
		"another share":     func(r *bulk.Run) { r.Share = sddl.MustParse("D:(A;;FW;;;WD)") },
		"a type of objects": func(r *bulk.Run) { r.Type = winnt.KeyObject },
		"expressions":       func(r *bulk.Run) { r.Expressions = true },
		"one principal":     func(r *bulk.Run) { r.Ask, r.Principal = bulk.What, 0 },
		"another principal": func(r *bulk.Run) { r.Ask, r.Principal = bulk.What, 1 },
		"what all of some":  func(r *bulk.Run) { r.Ask, r.Want = bulk.What, rights },
		"what all of more":  func(r *bulk.Run) { r.Ask, r.Want = bulk.What, check.Must(words.Parse("read+write")) },
		"what and nothing":  func(r *bulk.Run) { r.Ask, r.Nothing = bulk.What, true },
		"what changes":      func(r *bulk.Run) { r.Ask, r.Changes = bulk.What, true },
		"changes, nothing":  func(r *bulk.Run) { r.Ask, r.Changes, r.Nothing = bulk.What, true, true },
		"a part of objects": func(r *bulk.Run) { r.Types = [][]winnt.GUID{{{1}}} },
		"unlisted accounts": func(r *bulk.Run) { r.Unlisted = true },
		"a policy":          func(r *bulk.Run) { r.Config.Policies = policy("S-1-17-1", "D:(A;;FR;;;WD)") },
		"another policy id": func(r *bulk.Run) { r.Config.Policies = policy("S-1-17-2", "D:(A;;FR;;;WD)") },
		"another rule":      func(r *bulk.Run) { r.Config.Policies = policy("S-1-17-1", "D:(A;;FW;;;WD)") },
		"a conditional rule": func(r *bulk.Run) {
			r.Config.Policies = policy("S-1-17-1", "D:(A;;FR;;;WD)")
			r.Config.Policies.Policies[0].Rules[0].AppliesTo = condition
		},
		"a recovery policy": func(r *bulk.Run) { r.Config.Policies = &access.PolicySet{Recovery: share} },
		"no policies":       func(r *bulk.Run) { r.Config.Policies = &access.PolicySet{} },
		"an owner's rights": func(r *bulk.Run) { r.Config.Options.ADOwnerReadOnly = true },
		"claims disabled":   func(r *bulk.Run) { r.Config.Options.ClaimsDisabled = true },
		"a callback": func(r *bulk.Run) {
			r.Config.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
		},
		"another account": func(r *bulk.Run) {
			r.Directory = r.Directory.Clone()
			r.Directory.Principals[0].Who = sid.Everyone
		},
		"another domain": func(r *bulk.Run) {
			r.Directory = r.Directory.Clone()
			r.Directory.Domain = sid.MustParse("S-1-5-21-9-9-9")
		},
	} {
		print := run(changes)
		note(what, print)
		check.That(t, print == run(changes), "%s: two equal runs have different fingerprints, want equal ones", what)
	}
	for what, r := range map[string]*bulk.Report{"a report": {Directory: staff("")},
		"a report of other people": {Directory: staff("Team")},
		"a report through a share": {Directory: staff(""), Share: share},
		"a report of another type": {Directory: staff(""), Type: winnt.KeyObject},
		"a report by a policy":     {Directory: staff(""), Config: effective.Config{Policies: policy("S-1-17-1", "D:")}},
	} {
		note(what, r.Fingerprint())
	}
	diff := func(changes func(*bulk.Diff)) string {
		d := &bulk.Diff{Format: bulk.JSONL, Directory: staff("")}
		changes(d)
		return d.Fingerprint()
	}
	for what, changes := range map[string]func(*bulk.Diff){
		"a comparison": func(*bulk.Diff) {}, "a summary": func(d *bulk.Diff) { d.Summary = true },
		"compared in another form":   func(d *bulk.Diff) { d.Format = bulk.CSV },
		"compared for other people":  func(d *bulk.Diff) { d.Directory = staff("Team") },
		"later people":               func(d *bulk.Diff) { d.DirectoryAfter = staff("Team") },
		"the same people later":      func(d *bulk.Diff) { d.DirectoryAfter = staff("") },
		"compared through a share":   func(d *bulk.Diff) { d.Share = share },
		"compared as another object": func(d *bulk.Diff) { d.Type = winnt.KeyObject },
		"compared by a policy":       func(d *bulk.Diff) { d.Config.Policies = policy("S-1-17-1", "D:") },
	} {
		note(what, diff(changes))
	}
}
