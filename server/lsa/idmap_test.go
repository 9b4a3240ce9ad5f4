package lsa

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// watched is a fake host and winbind that records each query, and whether the query has a deadline.
type watched struct {
	hosts
	uids, gids map[uint32]sid.SID
	queries    *[]string
}

func (w watched) note(ctx context.Context, what string) {
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > hostWait || ctx.Err() != nil {
		what += " for ever"
	}
	*w.queries = append(*w.queries, what)
}

func (w watched) UserName(ctx context.Context, uid uint32) (string, bool) {
	w.note(ctx, "UserName")
	return w.hosts.UserName(ctx, uid)
}

func (w watched) GroupName(ctx context.Context, gid uint32) (string, bool) {
	w.note(ctx, "GroupName")
	return w.hosts.GroupName(ctx, gid)
}

func (w watched) UID(ctx context.Context, name string) (uint32, bool) {
	w.note(ctx, "UID "+name)
	return w.hosts.UID(ctx, name)
}

func (w watched) GID(ctx context.Context, name string) (uint32, bool) {
	w.note(ctx, "GID "+name)
	return w.hosts.GID(ctx, name)
}

func (w watched) Groups(ctx context.Context, name string) ([]uint32, bool) {
	w.note(ctx, "Groups "+name)
	return w.hosts.Groups(ctx, name)
}

func (w watched) GroupsOf(ctx context.Context, uid uint32) ([]uint32, bool) {
	w.note(ctx, fmt.Sprint("GroupsOf ", uid))
	return w.hosts.GroupsOf(ctx, uid)
}

func (w watched) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	w.note(ctx, "SIDOfUID")
	s, ok := w.uids[uid]
	return s, ok, nil
}

func (w watched) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	w.note(ctx, "SIDOfGID")
	s, ok := w.gids[gid]
	return s, ok, nil
}

func back(m map[uint32]sid.SID, id sid.SID) (uint32, bool, error) {
	for n, s := range m {
		if s == id {
			return n, true, nil
		}
	}
	return 0, false, nil
}

func (w watched) UIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	w.note(ctx, "UIDOf")
	return back(w.uids, id)
}

func (w watched) GIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	w.note(ctx, "GIDOf")
	return back(w.gids, id)
}

// corp is a domain whose ids need a lookup, home one whose ids are computed.
var corp, home = sid.MustParse("S-1-5-21-9-8-7"), sid.MustParse("S-1-5-21-6-5-4")

// openWatched opens a store whose host has users and groups of the same names and other numbers.
func openWatched(t *testing.T, change func(*Config)) (*fixture, *[]string) {
	t.Helper()
	queries := &[]string{}
	w := watched{queries: queries, hosts: hosts{
		users: map[string]uint32{"both": 11, "dora": 12, "overflow": Unmapped, "carol": 3000, "root": 0, "gone": 14,
			"everyone": 16, "away": 70099, "CORP": 15, "homer": 80007},
		groups: map[string]uint32{"both": 21, "wheel": 22, "overflow": 23, "nogroup": Unmapped, "team": 24, "CORP": 25},
		in: map[string][]uint32{"dora": {22, 21, Unmapped, 22}, "carol": {21, 50}, "root": {0}, "overflow": {1},
			"away": {1}}},
		uids: map[uint32]sid.SID{70001: corp.WithRID(1), 70002: corp.WithRID(2)},
		gids: map[uint32]sid.SID{70001: corp.WithRID(2), 70003: corp.WithRID(1)}}
	f := open(t, func(c *Config) {
		c.Hosts, c.Domains = w, w
		if change != nil {
			change(c)
		}
	})
	f.must(t, func(e *Edit) error {
		e.SetMaps([]IDMap{{Domain: corp, Name: "CORP", Backend: Winbind, Low: 70000, High: 70099},
			{Domain: home, Name: "HOME", Low: 80000, High: 80999, BaseRID: 1000}})
		return nil
	})
	return f, queries
}

// TestLogonsDoNotWaitForLookups checks that logons and clients' lookups query different Hosts, which have queues of
// their own (L-85).
func TestLogonsDoNotWaitForLookups(t *testing.T) {
	logons, lookups := &[]string{}, &[]string{}
	users := hosts{users: map[string]uint32{"dora": 12}, in: map[string][]uint32{"dora": {22}}}
	f := open(t, func(c *Config) {
		c.Root, c.Hosts, c.Lookups = "dora", watched{queries: logons, hosts: users}, watched{queries: lookups, hosts: users}
	})
	f.LookupName("dora")
	f.LookupSID(fileaccess.UnixUser(12))
	f.LookupSID(fileaccess.UnixGroup(22))
	if len(*logons) != 0 || len(*lookups) != 3+1 { // a name is looked up, and then its SID
		t.Errorf("L-85: lookups query %q, and the Hosts of logons %q, want 4 and none", *lookups, *logons)
	}
	*lookups = nil
	f.TokenForUID(12, []uint32{22})
	f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: "dora"})
	if len(*lookups) != 0 || len(*logons) != 4 {
		t.Errorf("L-85: logons query %q, and the Hosts of lookups %q, want 4 and none", *logons, *lookups)
	}
	*logons = nil
	f.TokenForUID(0, nil)
	a, ok := f.LookupLogonName("dora")
	check.That(t, ok && a.SID == fileaccess.UnixUser(12) && len(*lookups) == 0 && len(*logons) == 2+2+2,
		"L-85: names of logons query %q, and the Hosts of lookups %q, want 6 and none", *logons, *lookups)
}

// TestLookupsQueryEachSourceInOrder checks the queries to the host and winbind for each call, their order, and that
// each has a deadline. Computed ids and ids of other domains need no query.
func TestLookupsQueryEachSourceInOrder(t *testing.T) {
	f, queries := openWatched(t, nil)
	f.account(t, Account{Name: "carol", UID: number(3000)}, "p")
	subuids(t, f, "dora:500000:10\nnosuch:600000:10\n")
	uid := func(id sid.SID) func() { return func() { f.UID(id) } }
	name := func(text string) func() { return func() { f.LookupName(text) } }
	for _, c := range []struct {
		what string
		call func()
		want string
	}{
		{"a name of a user and a group", name("both"), "UID both UserName"},
		{"the group of that name", name(`Unix Group\both`), "GID both GroupName"},
		{"a name of a group", name("wheel"), "UID wheel GID wheel GroupName"},
		{"a user with an account", name(`Unix User\carol`), "UID carol"},
		{"a name of another domain", name(`HOME\both`), ""}, {"an account", name("carol"), ""},
		{"a SID of a user", func() { f.LookupSID(fileaccess.UnixUser(11)) }, "UserName"},
		{"a SID of a group", func() { f.LookupSID(fileaccess.UnixGroup(11)) }, "GroupName"},
		{"a SID of neither", func() { f.LookupSID(sid.MustParse("S-1-22-3-11")) }, ""},
		{"for a record", func() { f.Account(fileaccess.UnixUser(11)) }, ""},
		{"a uid of winbind's", func() { f.UserSID(70001) }, "SIDOfUID"},
		{"a gid of winbind's", func() { f.GroupSID(70001) }, "SIDOfGID"},
		{"a uid of a formula", func() { f.UserSID(80001) }, ""}, {"a uid of no map", func() { f.UserSID(7) }, ""},
		{"a SID of winbind's", uid(corp.WithRID(1)), "UIDOf SIDOfUID"},
		{"a group of winbind's", func() { f.GID(corp.WithRID(1)) }, "GIDOf SIDOfGID"},
		{"a SID of a formula", uid(home.WithRID(1001)), ""}, {"a SID of another domain", uid(sid.MustParse(
			"S-1-5-21-1-1-1-1")), ""},
		{"a logon by the socket", func() { f.TokenForUID(3000, []uint32{7}) }, ""},
		{"a logon by password", func() { f.LogonPassword("carol", "p", network) }, "GroupsOf 3000"},
		{"a logon by name", func() {
			f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: "dora"})
		}, "UID dora Groups dora UserName"}, // and the name in the record
		{"a quota", func() { f.QuotaUID(500003) }, "UID dora"},
		{"a quota of an unknown user", func() { f.QuotaUID(600003) }, "UID nosuch"},
		{"a quota of a user", func() { f.QuotaUID(12) }, ""},
	} {
		*queries = nil
		if c.call(); strings.Join(*queries, " ") != c.want {
			t.Errorf("%s: queries %q, want %q", c.what, strings.Join(*queries, " "), c.want)
		}
	}
}

// TestWinbindUserAndGroupAreSeparateQueries checks that users and groups are separate queries with separate results,
// and that a result in one direction only does not count (L-28, L-55).
func TestWinbindUserAndGroupAreSeparateQueries(t *testing.T) {
	f, _ := openWatched(t, nil)
	f.account(t, Account{Name: "bare"}, "")
	staff := sid.SID{}
	f.must(t, func(e *Edit) error { staff = e.AddGroup(Group{Name: "bare group"}); return nil })
	bare := staff.Prefix().WithRID(1001)
	if got, want := []sid.SID{f.UserSID(70001), f.GroupSID(70001), f.UserSID(70003), f.GroupSID(70002)},
		[]sid.SID{corp.WithRID(1), corp.WithRID(2), fileaccess.UnixUser(70003),
			fileaccess.UnixGroup(70002)}; !slices.Equal(got, want) {
		t.Errorf("L-55: %v, want %v", got, want)
	}
	for id, want := range map[uint32][2]bool{70001: {true, true}, 70003: {false, true}, 70002: {true, false},
		70004: {false, false}, 7: {true, true}, Unmapped: {true, true}} {
		_, user := f.SIDOf(id, false)
		_, group := f.SIDOf(id, true)
		check.Equal(t, [2]bool{user, group}, want, "M-22: a SID of uid and gid %d", id)
	}
	for _, c := range []struct {
		id       sid.SID
		uid, gid uint32 // 0: no id
	}{
		{corp.WithRID(1), 70001, 70003}, {corp.WithRID(2), 70002, 70001}, {corp.WithRID(3), 0, 0},
		{home.WithRID(1000), 80000, 80000}, {home.WithRID(999), 0, 0}, {home.WithRID(2000), 0, 0},
		{bare, 0, 0}, {staff, 0, 0}, {fileaccess.UnixUser(70001), 0, 0}, {fileaccess.UnixGroup(70001), 0, 0},
		{fileaccess.UnixUser(9), 9, 0}, {fileaccess.UnixGroup(9), 0, 9}, {sid.MustParse("S-1-22-1"), 0, 0},
		{sid.MustParse("S-1-22-2"), 0, 0}, {sid.MustParse("S-1-22-1-9-9"), 0, 0}, {sid.MustParse("S-1-22-2-9-9"), 0, 0},
		{sid.MustParse("S-1-21-1-9"), 0, 0}, {sid.MustParse("S-1-21-2-9"), 0, 0},
	} {
		uid, is := f.UID(c.id)
		gid, has := f.GID(c.id)
		check.That(t, is == (c.uid != 0) && has == (c.gid != 0) && (!is || uid == c.uid) && (!has || gid == c.gid),
			"L-28: %v is the uid %d, %t, and the gid %d, %t, want %d and %d", c.id, uid, is, gid, has, c.uid, c.gid)
	}
}

// groups formats the groups of a result with their attributes.
func groups(r *logon.Result) (all []string) {
	for _, g := range r.Token.Groups {
		all = append(all, g.SID.String())
	}
	slices.Sort(all)
	return all
}
