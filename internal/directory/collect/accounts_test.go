package collect_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// A renewed account equals the one that a complete collection gives. Renew rejects a change that can affect another
// account's references.
func TestRenewEqualsCompleteCollection(t *testing.T) {
	account := func(rid uint32) sid.SID { return sid.MustParse("S-1-5-21-1-2-3").WithRID(rid) }
	all := &collect.Record{Kind: collect.Group, Name: "all", DN: "CN=all", SID: account(2000)}
	collected := func(records ...*collect.Record) (*collect.Collector, *directory.Accounts) {
		var c collect.Collector
		for _, r := range append(records, all) {
			c.Put(r)
		}
		return &c, c.Accounts()
	}
	bareUser := collect.Record{Kind: collect.User, Name: "a", DN: "CN=a", SID: account(1107), Stated: true}
	bareGroup := collect.Record{Kind: collect.Group, Name: "g", DN: "CN=g", SID: account(2001), ID: "7"}
	user, group := bareUser, bareGroup
	user.ID, user.GID, user.Primary, user.UPN, user.Disabled = "1", "2", account(515), "a@b", true
	user.Claims = check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	for _, r := range []*collect.Record{&user, &group} {
		r.MemberOf, r.History = []string{"CN=ALL", "CN=gone"}, []sid.SID{sid.MustParse("S-1-5-21-9-9-9-7")}
	}
	for _, pair := range [][2]*collect.Record{{&bareUser, &user}, {&user, &bareUser}, {&bareGroup, &group},
		{&group, &bareGroup}} {
		c, before := collected(pair[0])
		got, ok := c.Renew(before, []collect.Change{{Old: pair[0], New: pair[1]}})
		complete, want := collected(pair[1])
		check.SlicesEqual(t, c.Unresolved, complete.Unresolved, "unresolved references")
		check.That(t, ok && reflect.DeepEqual(got, want), "%+v renewed to %+v: %+v, %t, want %+v", pair[0], pair[1], got,
			ok, want)
	}
	for i, change := range []func(r *collect.Record){func(r *collect.Record) { r.Name = "h" },
		func(r *collect.Record) { r.DN = "CN=h" }, func(r *collect.Record) { r.SID = account(2002) },
		func(r *collect.Record) { r.ID = "8" }, func(r *collect.Record) { r.Mail = true },
		func(r *collect.Record) { r.Members = []string{"CN=all"} }, func(r *collect.Record) { r.Partial = true },
		func(r *collect.Record) { r.PartialGroups = true }, func(r *collect.Record) { r.Kind = collect.User }} {
		changed := group
		change(&changed)
		c, before := collected(&group)
		_, ok := c.Renew(before, []collect.Change{{Old: &group, New: &changed}})
		check.That(t, !ok, "change %d of a group is renewed", i)
	}
	nameless := &collect.Record{Kind: collect.User, Name: "n", SID: account(1108)}
	c, before := collected(&user, &user, nameless)
	_, ok := c.Renew(before, []collect.Change{{Old: &user, New: &bareUser}})
	check.That(t, !ok, "one of two records is renewed")
	first := &collect.Record{Kind: collect.Group, Name: "f", DN: "CN=f", SID: account(2003), ID: "7"} // it keeps the gid
	c, before = collected(first, &bareGroup)
	got, _ := c.Renew(before, []collect.Change{{Old: &bareGroup, New: &group}})
	complete, want := collected(first, &group)
	check.That(t, !want.Groups[1].GID.Known && slices.Contains(complete.Unresolved,
		"the gid 7 of the group g is also that of f, which keeps it"), "%+v, unresolved %q", want, complete.Unresolved)
	check.DeepEqual(t, got, want, "accounts after a group with the gid of another is renewed")
	other := group
	c, before = collected(&group)
	_, ok = c.Renew(before, []collect.Change{{Old: &other, New: &bareGroup}})
	check.That(t, !ok, "a record that was not put is renewed")
	var none collect.Collector
	none.LeaveOut(func(sid.SID) bool { return true })
	none.Put(&group)
	renewed, ok := none.Renew(none.Accounts(), []collect.Change{{Old: &group, New: &bareGroup}})
	check.That(t, ok && len(renewed.Groups) == 0, "a renewed group that is left out: %+v, %t", renewed, ok)
	moved := user
	moved.DN = "CN=moved"
	c, _ = collected(&moved, &user) // the last record's name counts
	for dn, want := range map[string]string{"cn=A": "a", "CN=moved": "", "CN=ALL": "all", "CN=x": "", "": ""} {
		name := ""
		if a := c.Find(dn); a != nil {
			name = a.Name
		}
		check.Equal(t, name, want, "account of the DN %q", dn)
	}
}
