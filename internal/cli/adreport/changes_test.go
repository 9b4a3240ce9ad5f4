package adreport_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// newOffice returns a domain with a help desk, its member helen, and the accounts carla and bob.
func newOffice() (d *domain, desk, helen, carla *entry) {
	d = newDomain()
	desk, helen, carla = d.account("group", "desk"), d.account("user", "helen"), d.account("user", "carla")
	d.account("user", "bob")
	helen.join(desk)
	return d, desk, helen, carla
}

// TestUnreadableObjectsAreListedUpToLimit checks that of many objects without a descriptor in one state some are named
// and the rest is counted (B-51).
func TestUnreadableObjectsAreListedUpToLimit(t *testing.T) {
	d := newDomain()
	for i := range 45 {
		d.account("user", fmt.Sprintf("u%02d", i))
	}
	whole := d.ldif()
	bare := regexp.MustCompile(`(?m)^(dn: CN=u\d\d,(?:.+\n)*?)nTSecurityDescriptor:.*\n`).ReplaceAllString(whole, "$1")
	for _, c := range []struct{ before, now, rest string }{{bare, whole, "and 5 more: the descriptor was missing before"},
		{whole, bare, "and 5 more: the descriptor is missing now"}} {
		old := state(t, c.before)
		page, _, _ := pageOf(t, &adreport.Report{Title: "t", Now: state(t, c.now), Before: &old})
		check.That(t, len(page.Changes.Objects) > 40 && page.Changes.Objects[40] == c.rest, "%q, want %q after 40 names",
			page.Changes.Objects, c.rest)
	}
}

// The changes since a baseline are rights and paths that only one state has, new administrators, objects of one state,
// and objects whose descriptor is missing now (B-51).
func TestBaselineReportListsNewRightsAndPaths(t *testing.T) {
	d, desk, _, carla := newOffice()
	carla.allow = []string{"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + carla.sid() + ")"}
	before := d.ldif()

	d, desk, helen, carla := newOffice()
	carla.allow = []string{"(OA;;WP;" + spnGUID + ";;" + desk.sid() + ")"}
	d.find(base).allow = append(d.find(base).allow, "(OA;;WP;"+linkGUID+";;"+helen.sid()+")")
	d.find("CN=bob,CN=Users," + base).join(d.find("CN=Domain Admins,CN=Users," + base))
	d.account("user", "new")
	now := d.ldif()
	at := strings.Index(now, "dn: CN=krbtgt,")
	at += strings.Index(now[at:], "nTSecurityDescriptor:")
	now = now[:at] + now[at+strings.Index(now[at:], "\n")+1:]

	old := state(t, before)
	page, html, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, now), Before: &old})
	c := page.Changes
	got := append(textOf("gained", c.Gained), textOf("lost", c.Lost)...)
	for name, rows := range map[string][]adreport.Change{"opened": c.Opened, "closed": c.Closed} {
		for _, x := range rows {
			got = append(got, fmt.Sprint(name, " ", x.Who, " ", x.Object, " ", len(x.Steps)))
		}
	}
	carlas, holder := "CN=carla,CN=Users,"+base, "CN=AdminSDHolder,CN=System,"+base
	want := []string{
		"closed carla " + holder + " 1", "closed helen " + holder + " 2",
		"gained [helen] [write GP link] [" + base + "]", "gained [helen] [write SPN] [" + carlas + "]",
		"lost [carla] [write DACL] [" + holder + "]", "lost [helen] [reset password] [" + carlas + "]",
		"opened helen " + base + " 1", "closed carla " + base + " 2", // as a member of Domain Admins
		"closed carla CN=DC1,OU=Domain Controllers," + base + " 2",
		"closed helen CN=DC1,OU=Domain Controllers," + base + " 3",
	}
	// The other important objects are protected, so they had the entries of AdminSDHolder (B-77).
	for _, name := range []string{"Domain Admins,CN=Users", "Enterprise Admins,CN=Users", "Domain Controllers,CN=Users",
		"krbtgt,CN=Users", "root,CN=Users", "Administrators,CN=Builtin", "Backup Operators,CN=Builtin"} {
		want = append(want, "closed carla CN="+name+","+base+" 1", "closed helen CN="+name+","+base+" 2")
	}
	sameLines(t, got, want, "changes")
	through := c.ClosedThrough()[0]
	check.That(t, through.Through == "AdminSDHolder" && len(through.Objects) == 9 && through.Objects[0] == base,
		"%+v, want 9 objects, the most important one first", through)
	check.That(t, fmt.Sprint(c.Became.List, c.Ceased.List) == "[bob] []",
		"administrators: %v and %v, want bob and nobody", c.Became, c.Ceased)
	first := c.Opened[0].Steps[0]
	step := fmt.Sprintf("%s: %s on %s, by %s", first.Who, first.Right, first.Object, first.By)
	check.Equal(t, step, "helen: write GP link on "+base+", by DACL entry 3 for helen on gPLink", "first step")
	flat := strings.Join(strings.Fields(text), " ")
	check.That(t, strings.Contains(flat, "1. "+step), "no step %q in\n%s", step, text)
	objects := []string{"CN=new,CN=Users," + base + ": new object",
		"CN=krbtgt,CN=Users," + base + ": the descriptor is missing now",
		// Each account of this domain has two entries for Authenticated Users.
		"2 kinds of entries on objects that are new or were unreadable: not listed, other objects had the same before",
		"2 kinds of entries on objects that are gone or unreadable: not listed, other objects still have the same"}
	check.SlicesEqual(t, c.Objects, objects, "objects")
	for _, line := range []string{"Became administrators", "the descriptor is missing now", "write GP link"} {
		check.That(t, strings.Contains(html, line) && strings.Contains(text, strings.ToLower(line[:1])+line[1:]),
			"%q is not on both pages", line)
	}
	later := state(t, now)
	page, _, _ = pageOf(t, &adreport.Report{Title: "t", Now: state(t, before), Before: &later})
	check.SlicesEqual(t, page.Changes.Objects[:2], []string{"CN=krbtgt,CN=Users," + base +
		": the descriptor was missing before", "CN=new,CN=Users," + base + ": object is gone"}, "objects, backwards")
	same := state(t, before)
	page, html, _ = pageOf(t, &adreport.Report{Title: "t", Now: state(t, before), Before: &same})
	check.That(t, page.Changes.None() && strings.Contains(html, "No right, no path and no entry changed"),
		"changes between equal states: %+v", page.Changes)
}

// A new administrator is listed whatever its name. This one's name is the SDDL alias of the domain's built-in
// administrator, which existed before (B-51).
func TestNewAdministratorWithNameOfAlias(t *testing.T) {
	d, _, _, _ := newOffice()
	before := state(t, d.ldif())
	d.account("user", "LA").join(d.find("CN=Domain Admins,CN=Users," + base))
	last := len(d.list) - 1
	d.list = append(d.list[last:], d.list[:last]...) // all others have another number then
	page, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif()), Before: &before})
	check.SlicesEqual(t, page.Changes.Became.List, []string{"LA"}, "new administrators")
	check.Equal(t, page.Changes.Ceased.Count, 0, "former administrators")
}

// An account gains nothing that GenericAll or its being an administrator gave it before. Upper case in its name
// makes no difference (B-51). The lists of new objects and of new members have 40 names and count the others.
func TestFormerRightsAreNotGained(t *testing.T) {
	var states [2]adreport.State
	for i, rights := range []string{"GA", "WD"} {
		d, desk, helen, carla := newOffice()
		bob := d.find("CN=bob,CN=Users," + base)
		at := slices.Index(d.list, bob)
		if i == 0 {
			d.list[0], d.list[at] = bob, d.list[0] // the first principal, and later another one
		}
		for n := range 41 {
			if e := d.account("user", fmt.Sprint("m", n)); i == 1 {
				e.join(desk)
			}
		}
		carla.allow = []string{"(A;;" + rights + ";;;" + helen.sid() + ")", "(A;;WD;;;" + bob.sid() + ")"}
		d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + bob.sid() + ")",
			"(A;;WD;;;" + helen.sid() + ")"}
		if i == 0 {
			bob.join(d.find("CN=Domain Admins,CN=Users," + base))
			helen.name = "Helen"
		} else {
			for n := range 41 {
				d.account("user", fmt.Sprint("n", n))
			}
		}
		states[i] = state(t, d.ldif())
	}
	page, _, _ := pageOf(t, &adreport.Report{Now: states[1], Before: &states[0]})
	c := page.Changes
	check.That(t, len(c.Gained)+len(c.Opened) == 0 && slices.Equal(c.Ceased.List, []string{"bob"}),
		"gained %+v, opened %+v, want none; no administrators any more: %v, want bob", c.Gained, c.Opened, c.Ceased)
	at := slices.IndexFunc(c.Memberships, func(m adreport.Membership) bool { return m.Group == "desk" })
	joined := c.Memberships[at].Joined
	check.That(t, joined.Count == 41 && len(joined.List) == 40, "%d names of %d members, want 40 of 41",
		len(joined.List), joined.Count)
	listed := slices.DeleteFunc(slices.Clone(c.Objects), func(o string) bool {
		return !strings.HasSuffix(o, "new object")
	})
	check.That(t, len(listed) == 41 && listed[40] == "and 1 more: new object", "new objects: %q", listed)
}

// Each kind of change is one.
func TestEachKindOfChangeCounts(t *testing.T) {
	one := adreport.Names{Count: 1, List: []string{"bob"}}
	for i, c := range []adreport.Changes{{Became: one}, {Ceased: one}, {Gained: make([]adreport.Grants, 1)},
		{Lost: make([]adreport.Grants, 1)}, {VacantGained: make([]adreport.Grants, 1)},
		{VacantLost: make([]adreport.Grants, 1)}, {Opened: make([]adreport.Change, 1)},
		{Closed: make([]adreport.Change, 1)}, {EntriesAdded: make([]adreport.EntryRow, 1)},
		{EntriesRemoved: make([]adreport.EntryRow, 1)}, {Objects: []string{"x"}},
		{Differences: make([]adreport.Difference, 1)}, {Memberships: make([]adreport.Membership, 1)}} {
		check.That(t, !c.None(), "changes %d count as none", i)
	}
	check.That(t, new(adreport.Changes).None(), "no changes do not count as none")
}

// The paths of an account through one important object are one row, with each kind of object once.
func TestPathsThroughOneObjectAreOneRow(t *testing.T) {
	c := &adreport.Changes{}
	for _, x := range [][4]string{{"ann", "A", "group policy", "domain root"},
		{"ann", "B", "group policy", "domain root"}, {"bob", "A", "group policy", "domain root"},
		{"ann", "C", "KRBTGT", "AdminSDHolder"}, {"ann", "D", "KRBTGT", ""},
		{"ann", "E", "KRBTGT", "domain root"}} {
		c.Opened = append(c.Opened, adreport.Change{Who: x[0], Object: x[1], Kind: x[2], Through: x[3]})
	}
	check.Equal(t, fmt.Sprint(c.OpenedThrough()), "[{ann domain root [A B E] [group policy KRBTGT]} "+
		"{bob domain root [A] [group policy]} {ann AdminSDHolder [C] [KRBTGT]}]", "paths through others")
	check.That(t, len(c.OpenedDirectly()) == 1 && c.OpenedDirectly()[0].Object == "D",
		"direct: %+v, want D", c.OpenedDirectly())
}

// TestShortestChangedPathsAreListed checks the limit of 5,000 changed paths. Exactly that many are all listed. Of more,
// the report lists the shortest and counts the rest. 500 users open or close 10 paths each, one of a single step.
func TestShortestChangedPathsAreListed(t *testing.T) {
	const limit = 5000
	for _, x := range []struct {
		users, left int
		closed      bool
	}{{500, 0, false}, {501, 10, false}, {501, 10, true}} {
		users, left := x.users, x.left
		company := func(open bool) adreport.State {
			d := newDomain()
			g := d.account("group", "g")
			for i := range users {
				d.account("user", fmt.Sprintf("u%04d", i)).join(g)
			}
			if open != x.closed {
				d.find("CN=Backup Operators,CN=Builtin," + base).allow = []string{"(A;;WD;;;" + g.sid() + ")"}
			}
			return state(t, d.ldif())
		}
		before := company(false)
		page := check.Must((&adreport.Report{Now: company(true), Before: &before}).Do(context.Background()))
		list, counted, word := page.Changes.Opened, page.Changes.Objects, "new or shorter"
		backup := slices.IndexFunc(page.Important, func(t adreport.Target) bool { return t.Kind == "Backup Operators" })
		check.RequireThat(t, backup >= 0 && (len(page.Important[backup].Routes) > 0) != x.closed, "%d users: routes", users)
		for _, r := range page.Important[backup].Routes {
			check.That(t, r.Who.Count == users && len(r.Who.List) == 40, "%d users: %d in a route", users, r.Who.Count)
		}
		if x.closed {
			list, word = page.Changes.Closed, "closed or longer"
		}
		single := 0
		for _, c := range list {
			if len(c.Steps) == 1 {
				single++
			}
		}
		check.That(t, len(list) == limit && single == users && len(list[0].Steps) == 1 && len(list[limit-1].Steps) == 3,
			"%d users: %d paths, %d of one step, want %d and %d", users, len(list), single, limit, users)
		want := fmt.Sprintf("%d more paths are %s: not listed", left, word)
		check.That(t, slices.Contains(counted, want) == (left > 0) && (left != 0 || len(counted) == 0),
			"%d users: %q, want %q in it: %t", users, counted, want, left > 0)
	}
}

// A report needs an object, and stops with its context.
func TestReportNeedsObjects(t *testing.T) {
	d, _, _, _ := newOffice()
	s := state(t, d.ldif())
	over, cancel := context.WithCancel(context.Background())
	cancel()
	check.ErrorIs(t, check.Err((&adreport.Report{Now: s}).Do(over)), context.Canceled, "report of a cancelled context")
	check.ErrorIs(t, check.Err(adreport.Holdings(over, s.Objects, s.Directory, 0)), context.Canceled, "holdings")
	empty := &adreport.State{Directory: s.Directory}
	err := check.Err((&adreport.Report{Now: s, Before: empty}).Do(context.Background()))
	check.That(t, errors.Is(err, adreport.ErrNoObjects) && strings.HasPrefix(err.Error(), "baseline: "),
		"report with an empty baseline: %v", err)
	s.Objects = nil
	err = check.Err((&adreport.Report{Now: s}).Do(context.Background()))
	check.ErrorIs(t, err, adreport.ErrNoObjects, "report without objects")
	failed := errors.New("malformed")
	s.Objects = []objects.Item{{Path: "CN=a", Err: failed}, {Path: "CN=b", Err: failed}}
	err = check.Err((&adreport.Report{Now: s}).Do(context.Background()))
	check.That(t, errors.Is(err, adreport.ErrNoObjects) && errors.Is(err, failed) &&
		strings.Contains(err.Error(), "the first: CN=a: malformed"), "report of unreadable objects: %v", err)
}
