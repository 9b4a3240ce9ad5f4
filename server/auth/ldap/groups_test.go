package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestHistoryAndPrimaryGroupsCount checks that SIDs of the history and of other domains count, that the primary group's
// own groups count, and the maximum number of groups (D-14, D-15, D-16, D-17).
func TestHistoryAndPrimaryGroupsCount(t *testing.T) {
	machine, elsewhere := sid.MustParse("S-1-5-21-1-1-1"), sid.MustParse("S-1-5-21-40-50-60")
	ask := func(w *world, most int) (*Found, error) {
		d := serve(t, w.answer).directory(func(c *Config) { c.Machine, c.Limits.Groups = machine, most })
		return d.Find(context.Background(), "alice", false)
	}
	has := func(f *Found, s sid.SID) bool {
		return slices.ContainsFunc(f.Groups, func(g token.Group) bool { return g.SID == s })
	}
	w := newWorld()
	w.set("sIDHistory", elsewhere.WithRID(1500).Binary(), elsewhere.WithRID(512).Binary())
	got, err := ask(w, 2) // the list of the server has two
	check.RequireThat(t, err == nil && has(got, elsewhere.WithRID(1500)) && has(got, elsewhere.WithRID(512)),
		"D-14, D-15: %+v, %v, want both SIDs of the history", got, err)
	check.That(t, check.Err(ask(w, 1)) != nil, "D-16: one group more than the limit: no error, want one")
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	w.entries["CN=Domain Users,"+base]["memberOf"] = []string{"CN=b," + base}
	w.entries["CN=a,"+base]["sIDHistory"] = []string{elsewhere.WithRID(1600).Binary()}
	if got, err = ask(w, 10); err != nil || len(got.Groups) != 4 || !has(got, elsewhere.WithRID(1600)) {
		t.Errorf("D-14, D-17: %+v, %v, want 4 groups, RID 1600 among them", got, err)
	}
}

// TestNestedGroupsAreFollowed checks groups by memberOf: in a cycle, below a distribution group, with escaped names, in
// ranges. A missing group rejects the account (D-17, D-18).
func TestNestedGroupsAreFollowed(t *testing.T) {
	find := func(w *world, change func(*Config)) (*Found, error) {
		f := serve(t, w.answer)
		return f.directory(change).Find(context.Background(), "alice", false)
	}
	w := groupsWorld([]string{"a"}, map[string][]string{"a": {"b"}, "b": {"c", "a"}, "c": {"a", "c"}, "other": {"a"}})
	if got, err := find(w, nil); err != nil || len(got.Groups) != 4 {
		t.Errorf("D-17: a cycle: %+v, %v, want len(got.Groups) = 4, no error", got, err)
	}
	w = groupsWorld([]string{"a", "mail"}, map[string][]string{"a": nil, "mail": {"b"}, "b": nil})
	w.entries["CN=mail,"+base]["groupType"] = []string{"2"}
	if got, err := find(w, nil); err != nil || len(got.Groups) != 2 {
		t.Errorf("D-18: a group of mail: %+v, %v, want len(got.Groups) = 2, no error", got, err)
	}
	// Four groups by memberOf are as many as may be, or one too many.
	w = groupsWorld([]string{"a", "b"}, map[string][]string{"a": {"c"}, "b": {"d", "c"}, "c": nil, "d": nil})
	for most, all := range map[int]bool{3: false, 4: false, 5: true} { // the primary group counts, too
		got, err := find(w, func(c *Config) { c.Limits.Groups = most })
		check.That(t, (err == nil) == all && (!all || len(got.Groups) == 5),
			"D-17: at most %d groups: %+v, %v, want success: %t", most, got, err, all)
	}
	w = groupsWorld([]string{"a", "gone"}, map[string][]string{"a": nil})
	if got, err := find(w, nil); err == nil || errors.Is(err, ErrAway) {
		t.Errorf("D-17: an account with a missing group: %+v, want an error", got)
	}
	w = groupsWorld(nil, nil)
	delete(w.entries, "CN=Domain Users,"+base)
	check.That(t, check.Err(find(w, nil)) != nil, "D-17: without the primary group: no error, want one")
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil})
	w.entries["CN=alice,"+base]["memberOf"] = []string{"a, not a name"}
	check.That(t, check.Err(find(w, nil)) != nil, "D-13: a group without a name: no error, want one")
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil})
	w.entries["CN=a,"+base]["objectSid"] = nil
	check.That(t, check.Err(find(w, nil)) != nil, "D-17: a group without a SID: no error, want one")
	many := map[string][]string{}
	var names []string
	for i := range 70 {
		n := fmt.Sprintf("g%d", i)
		names = append(names, n)
		many[n] = nil
	}
	w = groupsWorld(names, many)
	got, err := find(w, func(c *Config) { c.Limits.Groups = 71 })
	check.That(t, err == nil && len(got.Groups) == 71, "D-17: as many groups as the limit: %v, want 71 groups", err)
	// Ranged values, with a second request for the second range.
	w = groupsWorld(nil, map[string][]string{"a": nil, "b": nil})
	alice := w.entries["CN=alice,"+base]
	alice["memberOf;range=0-0"] = []string{"CN=a," + base}
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if len(a.attributes) == 1 && a.attributes[0] == "memberOf;range=1-*" {
			return [][]byte{found(a.id, "CN=alice,"+base, map[string][]string{"memberOf;range=1-*": {"CN=b," + base}}), end(a)}
		}
		return w.answer(a)
	}
	if got, err := f.directory(nil).Find(context.Background(), "alice", false); err != nil || len(got.Groups) != 3 {
		t.Errorf("D-17: ranges: %+v, %v, want len(got.Groups) = 3, no error", got, err)
	}
	f = serve(t, w.answer) // always the first range
	got, err = f.directory(func(c *Config) { c.Limits.Groups = 50 }).Find(context.Background(), "alice",
		false)
	check.That(t, err != nil, "D-17: ranges without end: %+v, want an error", got)
}

// TestRangesAreWholeOrAnError checks that ranges of values are read up to the limit, that an empty range which is not
// the last one is an error, and that several attributes of an entry may come in ranges (D-17).
func TestRangesAreWholeOrAnError(t *testing.T) {
	parts := map[string][]string{"n;range=2-*": {"c"}, "empty;range=2-2": nil, "empty;range=3-*": {"c"},
		"m;range=2-*": {"d"}}
	d := serve(t, func(a asked) [][]byte {
		name := strings.Replace(a.attributes[0], "empty;range=2-*", "empty;range=2-2", 1)
		return [][]byte{found(a.id, a.base, map[string][]string{name: parts[name]}), end(a)}
	}).directory(nil)
	first := func(names ...string) *entry {
		e := &entry{DN: "CN=alice," + base}
		for _, name := range names {
			e.Attributes = append(e.Attributes, goldap.NewEntryAttribute(name+";range=0-1", []string{"a", "b"}))
		}
		return e
	}
	check.NoError(t, d.with(t.Context(), func(c *conn) error {
		for _, r := range []struct {
			name string
			most int
			want string
		}{{"n", 3, ""}, {"n", 2, "ldap: n has more than 2 values"},
			{"empty", 9, "ldap: the server returned only a part of empty"}} {
			got, err := c.readRanges(first(r.name), r.name, r.most)
			check.That(t, err == nil && r.want == "" && len(got) == 3 || err != nil && err.Error() == r.want,
				"D-17: %s up to %d: %q, %v, want %q", r.name, r.most, got, err, r.want)
		}
		e := first("n", "m")
		check.NoError(t, c.complete(e, 3))
		for _, name := range []string{"n", "m"} {
			values, _, all := e.values(name)
			check.That(t, all && len(values) == 3, "D-22: %s is %q, whole %t, want three values", name, values, all)
		}
		return nil
	}))
}

// TestManyGroups checks an account in a chain of 10,000 nested groups (D-17).
func TestManyGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 groups")
	}
	in := map[string][]string{}
	for i := range 9999 {
		in[fmt.Sprintf("g%d", i)] = []string{fmt.Sprintf("g%d", (i+1)%9999), fmt.Sprintf("g%d", (7*i)%9999)}
	}
	w := groupsWorld([]string{"g0"}, in)
	byName := w.entries
	f := serve(t, nil)
	f.search = func(a asked) [][]byte { // each group by its name, without looking at all
		if !strings.Contains(a.filter, "distinguishedName") {
			return w.answer(a)
		}
		var out [][]byte
		for part := range strings.SplitSeq(a.filter, "(distinguishedName=") {
			dn, _, _ := strings.Cut(part, ")")
			if e := byName[dn]; e != nil {
				out = append(out, found(a.id, dn, e))
			}
		}
		return append(out, end(a))
	}
	got, err := f.directory(func(c *Config) { c.Limits.Groups = 10_001 }).Find(context.Background(), "alice", false)
	check.That(t, err == nil && len(got.Groups) == 10_000, "D-17: %v, want 10000 groups", err)
}
