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
)

// TestNestedGroupsAreFollowed checks groups by memberOf: in a cycle, below a distribution group, those of the primary
// group, the history of a group, and the maximum number. A group that cannot be read rejects the account (D-14 to
// D-18).
func TestNestedGroupsAreFollowed(t *testing.T) {
	type groups = map[string][]string
	type entries = map[string]map[string][]string
	named := func(name string) string { return "CN=" + name + "," + base }
	var names []string
	many := groups{}
	for i := range 70 {
		names = append(names, fmt.Sprint("g", i))
		many[names[i]] = nil
	}
	elsewhere := sid.MustParse("S-1-5-21-40-50-60")
	for what, c := range map[string]struct {
		alice  []string
		in     groups
		change func(e entries)
		most   int
		want   int // groups; 0: an error
	}{
		"D-17: a cycle": {[]string{"a"}, groups{"a": {"b"}, "b": {"c", "a"}, "c": {"a", "c"}, "other": {"a"}}, nil, 9, 4},
		"D-18: a group of mail": {[]string{"a", "mail"}, groups{"a": nil, "mail": {"b"}, "b": nil},
			func(e entries) { e[named("mail")]["groupType"] = []string{"2"} }, 9, 2},
		"D-17: a group of the primary group, D-14: and a history": {[]string{"a"}, groups{"a": nil, "b": nil},
			func(e entries) {
				e[named("Domain Users")]["memberOf"] = []string{named("b")}
				e[named("a")]["sIDHistory"] = []string{elsewhere.WithRID(1600).Binary()}
			}, 9, 4},
		"D-17: five groups, the limit": {[]string{"a", "b"}, groups{"a": {"c"}, "b": {"d", "c"}, "c": nil, "d": nil}, nil,
			5, 5},
		"D-17: one more than the limit": {[]string{"a", "b"}, groups{"a": {"c"}, "b": {"d", "c"}, "c": nil, "d": nil}, nil,
			4, 0},
		"D-17: more than one request reads": {names, many, nil, 71, 71},
		"D-17: a missing group":             {[]string{"a", "gone"}, groups{"a": nil}, nil, 9, 0},
		"D-17: no primary group":            {nil, nil, func(e entries) { delete(e, named("Domain Users")) }, 9, 0},
		"D-13: a group without a name": {nil, nil,
			func(e entries) { e[named("alice")]["memberOf"] = []string{"a, not a name"} }, 9, 0},
		"D-17: a group without a SID": {[]string{"a"}, groups{"a": nil},
			func(e entries) { e[named("a")]["objectSid"] = nil }, 9, 0},
		"D-18: a group of two types": {[]string{"a"}, groups{"a": nil},
			func(e entries) { e[named("a")]["groupType"] = []string{"2", "-2147483646"} }, 9, 0},
		"D-14: a malformed history of a group": {[]string{"a"}, groups{"a": nil},
			func(e entries) { e[named("a")]["sIDHistory"] = []string{"x"} }, 9, 0},
		"D-17: a range whose end is no number": {nil, groups{"a": nil},
			func(e entries) { e[named("alice")]["memberOf;range=0-x"] = []string{named("a")} }, 50, 0},
		"D-17: ranges without end": {nil, groups{"a": nil},
			func(e entries) { e[named("alice")]["memberOf;range=0-0"] = []string{named("a")} }, 50, 0},
	} {
		w := groupsWorld(c.alice, c.in)
		if c.change != nil {
			c.change(w.entries)
		}
		got, err := serve(t, w.answer).directory(func(cfg *Config) { cfg.Limits.Groups = c.most }).Find(t.Context(),
			"alice", false)
		check.That(t, (err == nil) == (c.want > 0) && (err != nil || len(got.Groups) == c.want) && !errors.Is(err, ErrAway),
			"%s: %+v, %v, want %d groups", what, got, err, c.want)
	}
	w := groupsWorld(nil, groups{"a": nil, "b": nil})
	w.entries[named("alice")]["memberOf;range=0-0"] = []string{named("a")}
	got, err := serve(t, func(a asked) [][]byte {
		if second := "memberOf;range=1-*"; slices.Equal(a.attributes, []string{second}) {
			return [][]byte{found(a.id, a.base, map[string][]string{second: {named("b")}}), end(a)}
		}
		return w.answer(a)
	}).directory(nil).Find(t.Context(), "alice", false)
	check.That(t, err == nil && len(got.Groups) == 3, "D-17: two ranges: %+v, %v, want three groups", got, err)
}

// TestComputedGroupsHaveALimit checks the maximum number of groups that the server computes (D-16).
func TestComputedGroupsHaveALimit(t *testing.T) {
	f := serve(t, newWorld().answer)
	for most, ok := range map[int]bool{1: false, 2: true} { // the server returns two
		d := f.directory(func(c *Config) { c.Limits.Groups = most })
		got, err := d.Find(t.Context(), "alice", false)
		check.Equal(t, err == nil, ok, "D-16: at most %d groups: %+v, %v, found", most, got, err)
	}
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

// TestTenThousandNestedGroupsAreFound checks an account in a chain of 10,000 nested groups (D-17).
func TestTenThousandNestedGroupsAreFound(t *testing.T) {
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
	f.search = func(a asked) [][]byte { // finds each group by its name, without a scan
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
