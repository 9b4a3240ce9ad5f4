package lsa

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// plainState returns a normal form of a state: equal states have equal texts.
func plainState(s *state) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.machine, s.next)
	for _, rid := range slices.Sorted(maps.Keys(s.accounts)) {
		a := s.accounts[rid]
		uid := "-"
		if a.UID != nil {
			uid = fmt.Sprint(*a.UID)
		}
		a.UID = nil
		fmt.Fprintf(&b, "%d %+v uid %s\n", rid, a, uid)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.groups), sid.SID.Compare) {
		g := s.groups[id]
		gid := "-"
		if g.GID != nil {
			gid = fmt.Sprint(*g.GID)
		}
		fmt.Fprintf(&b, "%v %s %v gid %s %v\n", id, g.Name, g.SID, gid, g.Members)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.grants), sid.SID.Compare) {
		fmt.Fprintf(&b, "%v %v\n", id, s.grants[id])
	}
	return b.String()
}

// removeSID removes a SID from all groups and rights.
func (w *editWorld) removeSID(id sid.SID) {
	delete(w.want.grants, id)
	for k, g := range w.want.groups {
		var left []sid.SID
		for _, m := range g.Members {
			if m != id {
				left = append(left, m)
			}
		}
		g.Members = left
		w.want.groups[k] = g
	}
}

// TestEachDifferenceIsRecordedOnce checks the records for each kind of difference between two states: one per
// changed object, in the order of RIDs and SIDs, and none for a difference in form only (L-22,
// L-50).
func TestEachDifferenceIsRecordedOnce(t *testing.T) {
	m := sid.MustParse("S-1-5-21-1-2-3")
	alice, bob, staff, team := m.WithRID(1001), m.WithRID(1002), m.WithRID(1003), m.WithRID(1010)
	base := func() *state {
		return &state{machine: m, next: 1020,
			accounts: map[uint32]Account{1001: {Name: "alice", RID: 1001, UID: number(3000), FullName: "A", Hash: "h"},
				1002: {Name: "bob", RID: 1002}},
			groups: map[sid.SID]Group{staff: {Name: "staff", SID: staff, GID: number(50), Members: []sid.SID{alice, bob}},
				team: {Name: "team", SID: team}},
			grants: map[sid.SID]Grant{alice: {Privileges: winnt.SeTcbPrivilege.Bit(), Rights: logon.SeDenyNetworkLogonRight}},
			maps:   []IDMap{{Domain: corp, Name: "CORP", Low: 70000, High: 70099}}}
	}
	account := func(change func(*Account)) func(*state) {
		return func(s *state) {
			a := s.accounts[1001]
			change(&a)
			s.accounts[1001] = a
		}
	}
	group := func(id sid.SID, change func(*Group)) func(*state) {
		return func(s *state) {
			g := s.groups[id]
			change(&g)
			s.groups[id] = g
		}
	}
	mapped := func(change func(*IDMap)) func(*state) { return func(s *state) { change(&s.maps[0]) } }
	ofAlice := func(values string) []string { return []string{"account changed|alice|" + values} }
	ofStaff := func(values string) []string { return []string{"group changed|staff|" + values} }
	const corpMap = "id maps set|id maps|CORP 70000-70099"
	for _, c := range []struct {
		name   string
		change func(*state)
		want   []string // what, subject and detail of each record
		back   []string // the records of the reverse change
	}{
		{"nothing", func(*state) {}, nil, nil},
		{"another machine", func(s *state) { s.machine = home },
			[]string{"machine SID set|" + m.String() + "|" + home.String()},
			[]string{"machine SID set|" + home.String() + "|" + m.String()}},
		{"another name", account(func(a *Account) { a.Name = "al" }), ofAlice("name al"),
			[]string{"account changed|al|name alice"}},
		{"another uid", account(func(a *Account) { a.UID = number(3001) }), ofAlice("uid 3001"), ofAlice("uid 3000")},
		{"no uid", account(func(a *Account) { a.UID = nil }), ofAlice("no uid"), ofAlice("uid 3000")},
		{"the same uid", account(func(a *Account) { a.UID = number(3000) }), nil, nil},
		{"another full name", account(func(a *Account) { a.FullName = "" }), ofAlice(`full name ""`),
			ofAlice(`full name "A"`)},
		{"disabled", account(func(a *Account) { a.Disabled = true }), ofAlice("disabled"), ofAlice("enabled")},
		{"disabled, without a uid", account(func(a *Account) { a.Disabled, a.UID = true, nil }), ofAlice("disabled, no uid"),
			ofAlice("enabled, uid 3000")},
		{"another password", account(func(a *Account) { a.Hash = "g" }), ofAlice("password"), ofAlice("password")},
		{"without accounts", func(s *state) { s.accounts = nil },
			[]string{"account deleted|alice|" + alice.String(), "account deleted|bob|" + bob.String()},
			[]string{"account created|alice|" + alice.String(), "account created|bob|" + bob.String()}},
		{"another group's name", group(staff, func(g *Group) { g.Name = "crew" }), []string{"group changed|staff|name crew"},
			[]string{"group changed|crew|name staff"}},
		{"another gid", group(staff, func(g *Group) { g.GID = number(51) }), ofStaff("gid 51"), ofStaff("gid 50")},
		{"no gid", group(staff, func(g *Group) { g.GID = nil }), ofStaff("no gid"), ofStaff("gid 50")},
		{"the same gid", group(staff, func(g *Group) { g.GID = number(50) }), nil, nil},
		{"members in another order", group(staff, func(g *Group) { g.Members = []sid.SID{bob, alice} }), nil, nil},
		{"another member", group(staff, func(g *Group) { g.Name, g.Members = "crew", []sid.SID{alice, team} }),
			[]string{"group changed|staff|name crew", "member added|crew|" + team.String(),
				"member removed|crew|" + bob.String()},
			[]string{"group changed|crew|name staff", "member added|staff|" + bob.String(),
				"member removed|staff|" + team.String()}},
		{"a group of a member of another", group(team, func(g *Group) { g.Members = []sid.SID{alice} }),
			[]string{"member added|team|" + alice.String()}, []string{"member removed|team|" + alice.String()}},
		{"without groups", func(s *state) { s.groups = nil },
			[]string{"group deleted|staff|" + staff.String(), "group deleted|team|" + team.String()},
			[]string{"group created|staff|" + staff.String(), "member added|staff|" + alice.String(),
				"member added|staff|" + bob.String(), "group created|team|" + team.String()}},
		{"other rights", func(s *state) { s.grants = map[sid.SID]Grant{bob: s.grants[alice]} },
			[]string{"right revoked|" + alice.String() + "|SeTcbPrivilege",
				"right revoked|" + alice.String() + "|SeDenyNetworkLogonRight",
				"right granted|" + bob.String() + "|SeTcbPrivilege", "right granted|" + bob.String() + "|SeDenyNetworkLogonRight"},
			[]string{"right granted|" + alice.String() + "|SeTcbPrivilege",
				"right granted|" + alice.String() + "|SeDenyNetworkLogonRight",
				"right revoked|" + bob.String() + "|SeTcbPrivilege",
				"right revoked|" + bob.String() + "|SeDenyNetworkLogonRight"}},
		{"without maps", func(s *state) { s.maps = nil }, []string{"id maps set|id maps|"}, []string{corpMap}},
		{"another first id", mapped(func(m *IDMap) { m.Low-- }), []string{"id maps set|id maps|CORP 69999-70099"},
			[]string{corpMap}},
		{"another domain", mapped(func(m *IDMap) { m.Domain = home }), []string{corpMap}, []string{corpMap}},
		{"another first RID", mapped(func(m *IDMap) { m.BaseRID = 9 }), []string{corpMap}, []string{corpMap}},
		{"another source", mapped(func(m *IDMap) { m.Backend = AD }), []string{corpMap}, []string{corpMap}},
		{"one map more", func(s *state) { s.maps = append(s.maps, IDMap{Name: "B", Low: 1, High: 2}) },
			[]string{"id maps set|id maps|CORP 70000-70099, B 1-2"}, []string{corpMap}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := base()
			c.change(other)
			for _, way := range []struct {
				from, to *state
				want     []string
			}{{base(), other, c.want}, {other, base(), c.back}} {
				e := &Edit{st: way.to, by: "S-1-5-18"}
				before := slices.Clone(way.to.maps)
				e.noteDifferences(way.from)
				var got []string
				for _, x := range e.changes {
					check.Equal(t, x.By, "S-1-5-18", "L-50: by")
					got = append(got, strings.Join([]string{x.What, x.Subject, x.Detail}, "|"))
				}
				check.That(t, slices.Equal(got, way.want), "L-50: records\n%q, want\n%q", got, way.want)
				if !slices.Equal(way.to.maps, before) || !maps.Equal(way.from.grants, map[bool]*state{true: base(),
					false: other}[way.to == other].grants) {
					t.Error("noting the differences made some, want none")
				}
			}
		})
	}
}
