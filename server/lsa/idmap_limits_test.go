package lsa

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// answer is a fake source with fixed results for every id and SID, different ones for users and
// groups.
type answer struct {
	user, group     sid.SID
	uid, gid        uint32
	noUser, noGroup bool
	userErr, grpErr error
}

func (a *answer) SIDOfUID(context.Context, uint32) (sid.SID, bool, error) {
	return a.user, !a.noUser, a.userErr
}
func (a *answer) SIDOfGID(context.Context, uint32) (sid.SID, bool, error) {
	return a.group, !a.noGroup, a.grpErr
}
func (a *answer) UIDOf(context.Context, sid.SID) (uint32, bool, error) {
	return a.uid, !a.noUser, a.userErr
}
func (a *answer) GIDOf(context.Context, sid.SID) (uint32, bool, error) {
	return a.gid, !a.noGroup, a.grpErr
}

// openMap opens a store with one map and fake answers of winbind and the directory.
func openMap(t *testing.T, m *IDMap, winbind, numbers Domains) *fixture {
	t.Helper()
	f := open(t, func(c *Config) { c.Domains, c.Numbers = winbind, numbers })
	f.must(t, func(e *Edit) error { e.SetMaps([]IDMap{*m}); return nil })
	return f
}

// TestIDMapCoversFirstToLastID checks that a map with a formula covers its first to its last id and the matching RIDs,
// in both directions, for users and groups (L-53).
func TestIDMapCoversFirstToLastID(t *testing.T) {
	for _, c := range []struct {
		name              string
		m                 IDMap
		first, last, base uint32
	}{
		{"rid", IDMap{Backend: RID, Low: 70000, High: 70099}, 70000, 70099, 0},
		{"rid unnamed", IDMap{Low: 70000, High: 70099}, 70000, 70099, 0},
		{"rid from 1000", IDMap{Backend: RID, Low: 70000, High: 70099, BaseRID: 1000}, 70000, 70099, 1000},
		{"rid of one", IDMap{Backend: RID, Low: 70000, High: 70000, BaseRID: 500}, 70000, 70000, 500},
		{"autorid first", IDMap{Backend: Autorid, Low: 80000, High: 91999, RangeSize: 4000}, 80000, 83999, 0},
		{"autorid second", IDMap{Backend: Autorid, Low: 80000, High: 91999, RangeSize: 4000, Number: 1, Index: 3}, 84000,
			87999, 12000},
		{"autorid last", IDMap{Backend: Autorid, Low: 80000, High: 91999, RangeSize: 4000, Number: 2, Index: 1}, 88000,
			91999, 4000},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.m.Domain, c.m.Name = corp, "CORP"
			every := &answer{user: corp.WithRID(7), group: corp.WithRID(8), uid: c.first, gid: c.first}
			f := openMap(t, &c.m, every, every) // neither source is queried
			for id, in := range map[uint32]bool{c.first - 1: false, c.first: true, c.last: true, c.last + 1: false} {
				user, group := fileaccess.UnixUser(id), fileaccess.UnixGroup(id)
				if in {
					user = corp.WithRID(id - c.first + c.base)
					group = user
				}
				if u, g := f.UserSID(id), f.GroupSID(id); u != user || g != group {
					t.Errorf("L-53: %d is %v and %v, want %v and %v", id, u, g, user, group)
				}
			}
			for rid, in := range map[uint32]bool{c.base - 1: false, c.base: true, c.base + c.last - c.first: true,
				c.base + c.last - c.first + 1: false} {
				u, uok := f.UID(corp.WithRID(rid))
				g, gok := f.GID(corp.WithRID(rid))
				check.That(t, uok == in && gok == in && (!in || u == rid-c.base+c.first && g == u),
					"L-53: RID %d has %d, %t and %d, %t, want %t", rid, u, uok, g, gok, in)
				if n, ok := f.UID(home.WithRID(rid)); ok {
					t.Errorf("L-53: UID of RID %d of another domain = %d, want none", rid, n)
				}
			}
		})
	}
}

// TestLookedUpIDsStayInsideTheirMap checks that only an id inside the map counts, whatever its source says, that
// only this source is queried, and that users and groups are separate (L-55, L-59).
func TestLookedUpIDsStayInsideTheirMap(t *testing.T) {
	const low, high = 70000, 70099
	for _, backend := range []Backend{Winbind, AD} {
		t.Run(string(backend), func(t *testing.T) {
			m := IDMap{Domain: corp, Name: "CORP", Backend: backend, Low: low, High: high}
			said, other := &answer{}, &answer{user: corp.WithRID(1), group: corp.WithRID(1), uid: low + 1, gid: low + 1}
			f := openMap(t, &m, said, other)
			if backend == AD {
				f.cfg.Domains, f.cfg.Numbers = other, said
			}
			f.cfg.Lookups = hosts{users: map[string]uint32{"cole": low}, groups: map[string]uint32{"crew": low}}
			f.reopen(t)
			user, group := corp.WithRID(1103), corp.WithRID(1200)
			for _, n := range []uint32{0, 1, low - 1, low, low + 50, high, high + 1, Unmapped, 1 << 31, ^uint32(0)} {
				in := n >= low && n <= high
				*said = answer{user: user, group: group, uid: n, gid: 5}
				idIs(t, f, "user", user, false, n, in)
				idIs(t, f, "user's gid", user, true, 5, false)
				*said = answer{user: user, group: group, uid: 5, gid: n}
				idIs(t, f, "group", group, true, n, in)
				idIs(t, f, "group's uid", group, false, 5, false)
				if in {
					if u, g := f.UserSID(n), f.GroupSID(n); u != user || g != group {
						t.Errorf("L-59: %d is %v and %v, want %v, %v", n, u, g, user, group)
					}
				} else if u, g := f.UserSID(n), f.GroupSID(n); n != Unmapped && (u != fileaccess.UnixUser(n) ||
					g != fileaccess.UnixGroup(n)) {
					t.Errorf("L-59: id %d, which is not in the map: %v and %v, want the host's user and group", n, u, g)
				}
			}
			for what, a := range map[string]answer{"names none": {user: user, group: group, uid: low, gid: low, noUser: true,
				noGroup: true}, "fails": {user: user, group: group, uid: low, gid: low, userErr: os.ErrDeadlineExceeded,
				grpErr: os.ErrDeadlineExceeded}, "of another domain": {user: home.WithRID(1), group: home.WithRID(2), uid: low,
				gid: low}} {
				*said = a
				st := f.now.Load()
				for _, of := range []bool{false, true} {
					if s, ok, status := f.sidByMap(st, low, of); ok || !s.IsZero() || status != ntstatus.NoLogonServers {
						t.Errorf("L-55: %s, group %t: %v, %t, %v, want STATUS_NO_LOGON_SERVERS",
							what, of, s, ok, status)
					}
					if s, ok, status := f.sidByMap(st, low-1, of); ok || !s.IsZero() || status != ntstatus.Success {
						t.Errorf("L-55: %s, not in the map, group %t: %v, %t, %v, want success and none",
							what, of, s, ok, status)
					}
				}
				for _, ids := range [][2]uint32{{low, 7}, {7, low}} {
					_, status := f.TokenForUID(ids[0], []uint32{ids[1]})
					check.Equal(t, status, ntstatus.NoLogonServers, "L-55: %s: uid and gid %v", what, ids)
				}
				for _, name := range []string{"cole", "crew"} {
					a, ok := f.LookupName(name)
					check.That(t, !ok && a == (logon.Account{}), "L-55: %s: %s is %+v, %t, want none", what, name, a, ok)
				}
				if n, ok := f.UID(user); ok {
					t.Errorf("L-55: %s: uid %d, want none", what, n)
				}
				if n, ok := f.GID(group); ok {
					t.Errorf("L-55: %s: gid %d, want none", what, n)
				}
			}
			*said = answer{user: user, group: group, uid: low, gid: low}
			f.cfg.Domains, f.cfg.Numbers = said, nil // there is no source, or only that of the other backend
			if backend == Winbind {
				f.cfg.Domains, f.cfg.Numbers = nil, said
			}
			f.reopen(t)
			idIs(t, f, "without a source", user, false, 0, false)
			_, status := f.TokenForUID(low, []uint32{7})
			check.Equal(t, status, ntstatus.NoLogonServers, "L-55: without a source: uid %d", low)
		})
	}
}

// idIs checks the id that the maps, and the store through them, return for a SID. An id outside of the map does not
// count.
func idIs(t *testing.T, f *fixture, what string, of sid.SID, group bool, want uint32, in bool) {
	t.Helper()
	n, ok := f.idOf(f.now.Load(), of, group)
	name, ask := "uid", f.UID
	if group {
		name, ask = "gid", f.GID
	}
	m, found := ask(of)
	if !in {
		want = 0
	}
	if got := fmt.Sprintf("%d %t, %d %t", n, ok, m, found); got != fmt.Sprintf("%d %t, %d %t", want, in, want, in) {
		t.Errorf("L-59: %s: its %s is %s, want %d %t", what, name, got, want, in)
	}
}
