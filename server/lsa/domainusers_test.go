package lsa

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestGuestNamesAreBounded checks that names are remembered up to the limit and updated when they change, and
// that one more name drops only the name whose last logon is the oldest (L-73).
//
// +checklocksignore
func TestGuestNamesAreBounded(t *testing.T) {
	f, _ := openWatched(t, nil)
	remember := func(rid uint32, domain, name string) {
		f.rememberDomainUser(logon.Account{SID: home.WithRID(rid), Use: winnt.SidTypeUser, Domain: domain, DomainSID: home,
			Name: name})
	}
	long := strings.Repeat("n", logon.MaxName-5)
	for _, c := range []struct {
		domain, name string
		found        bool
	}{
		{"HOME", long, true}, {"HOME", long + "n", false}, {"HOME", "zoe", true}, {"", "zoe", false}, {"HOME", "", false},
		{"host", "zoe", false}, {"Host", "zoe", false}, {".", "zoe", false}, {"Unix Group", "zoe", false},
		{"Unix User", "zoe", false}, {"UNIX USER", "zoe", false}, {"unix group", "zoe", false}, {"HOST", "zoe", false},
		{"UNIX GROUP", "zoe", false}, {"Unix Groups", "zoe", true}, {"Unix", "zoe", true}, {"Everyone", "zoe", false},
		{"everyone", "zoe", false}, {"NT AUTHORITY", "zoe", false}, {"HOSTS", "zoe", true},
	} {
		f.domainUsers = domainUsers{}
		remember(1, c.domain, c.name)
		if a, ok := f.LookupSID(home.WithRID(1)); ok != c.found || ok && (a.Name != c.name || a.Domain != c.domain) {
			t.Errorf("L-73: LookupSID after a logon as %.9q of %q: found %t, name %.9q", c.name, c.domain, ok, a.Name)
		}
	}
	remember(1, "HOME", "zoe")
	remember(1, "HOME", "zoe born other")
	remember(1, "", "zoe")
	if a, _ := f.LookupSID(home.WithRID(1)); a.Name != "zoe born other" {
		t.Errorf(`L-73: LookupSID returns the name %q, want "zoe born other"`, a.Name)
	}
	count := func() int {
		f.domainUsers.mu.RLock()
		defer f.domainUsers.mu.RUnlock()
		return len(f.domainUsers.names)
	}
	f.domainUsers = domainUsers{}
	for i := range uint32(maxDomainUsers) {
		remember(i, "HOME", "x")
	}
	if n := count(); n != 10_000 {
		t.Errorf("L-73: %d names, want 10000", n)
	}
	remember(5, "HOME", "x") // a known name needs no new entry
	remember(1, "HOME", "x") // a new logon makes it the newest entry
	if n := count(); n != 10_000 {
		t.Errorf("L-73: %d names with one twice, want 10000", n)
	}
	remember(maxDomainUsers, "HOME", "x")
	remember(0, "HOME", "x") // dropped before, so a new entry
	for rid, want := range map[uint32]bool{0: true, 1: true, 2: false, 3: true, 5: true, maxDomainUsers: true} {
		if _, ok := f.LookupSID(home.WithRID(rid)); ok != want {
			t.Errorf("L-73: RID %d after two names too many: found %t, want %t", rid, ok, want)
		}
	}
	check.Equal(t, count(), maxDomainUsers, "L-73: names after two too many")
}

// attributes returns the groups of a token with their attributes.
func attributes(s *token.Spec) map[sid.SID]uint32 {
	all := map[sid.SID]uint32{}
	for _, g := range s.Groups {
		all[g.SID] = g.Attributes
	}
	return all
}

// hasClaim reports whether a set has the one claim of that name.
func hasClaim(s *claims.Set, name string) bool {
	_, ok := s.Lookup(name)
	return ok && s.Len() == 1
}

// TestDomainAdministratorTokensHaveClaims checks both tokens of a domain user who is an administrator here, for each
// kind of logon: claims, device groups and claims, primary group and group attributes (K-30, K-31, L-5, L-58). A user
// of another organization has This Organization in neither token (K-32).
func TestDomainAdministratorTokensHaveClaims(t *testing.T) {
	f := open(t, nil)
	of := func(value string) *claims.Set {
		set, err := claims.NewSet([]claims.Attribute{{Name: value, Type: claims.String, Strings: []string{value}}})
		check.NoError(t, err)
		return set
	}
	user, staff, admins, off, deny := home.WithRID(1104), home.WithRID(513), home.WithRID(512), home.WithRID(2001),
		home.WithRID(2002)
	var readers, never, ofUser, ofThis sid.SID
	f.must(t, func(e *Edit) error {
		readers = e.AddGroup(Group{Name: "readers", Members: []sid.SID{staff}})
		never = e.AddGroup(Group{Name: "never", Members: []sid.SID{off, deny}})
		ofUser = e.AddGroup(Group{Name: "of user", Members: []sid.SID{user}})
		ofThis = e.AddGroup(Group{Name: "of this", Members: []sid.SID{sid.ThisOrganization}})
		e.Grant(user, 0, logon.SeBatchLogonRight)
		e.Grant(never, 0, logon.SeDenyNetworkLogonRight)
		e.Grant(sid.ThisOrganization, winnt.SeRestorePrivilege.Bit(), 0)
		e.Grant(staff, winnt.SeDebugPrivilege.Bit(), 0)
		e.Grant(readers, winnt.SeBackupPrivilege.Bit(), 0)
		return e.AddMember(sid.Administrators, admins)
	})
	for _, c := range []struct {
		typ      winnt.LogonType
		of       sid.SID
		admin    bool
		other    string
		linked   bool
		outcome  ntstatus.Status
		elevated uint32 // 0 for the default
	}{
		{network, sid.Network, false, "", false, 0, 0}, {network, sid.Network, true, "", false, 0, 0},
		{interactive, sid.Interactive, false, "", false, 0, 0},
		{interactive, sid.Interactive, true, "", true, 0, winnt.TokenElevationTypeLimited},
		{interactive, sid.Interactive, true, "S-1-5-1000", true, 0, winnt.TokenElevationTypeLimited},
		{network, sid.Network, true, "S-1-5-1000-9", false, 0, 0},
		{interactive, sid.Interactive, false, "S-1-5-1000-9", false, 0, 0},
		{batch, sid.Batch, false, "S-1-5-1001", false, 0, 0},
		{batch, sid.Batch, false, "S-1-4-1000", false, 0, 0},
		{service, sid.Service, false, "", false, ntstatus.LogonTypeNotGranted, 0},
		{99, sid.Service, false, "", false, ntstatus.InvalidLogonType, 0},
	} {
		u := DomainUser{Account: logon.Account{SID: user, Name: "alice", Domain: "EXAMPLE"}, PrimaryGroup: staff,
			UserClaims: of("user"), DeviceClaims: of("device"),
			DeviceGroups: []token.Group{{SID: home.WithRID(515), Attributes: 7}, {SID: home.WithRID(516)}},
			Groups: []token.Group{{SID: user, Attributes: 7}, {SID: staff, Attributes: 7}, {SID: off},
				{SID: deny, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}, {SID: sid.Everyone, Attributes: 7}}}
		if c.admin {
			u.Groups = append(u.Groups, token.Group{SID: admins, Attributes: 7})
		}
		if c.other != "" {
			u.Groups = slices.Insert(u.Groups, 0, token.Group{SID: sid.MustParse(c.other), Attributes: 7})
		}
		given := slices.Clone(u.Groups)
		r, st := f.LogOnDomainUser(&u, c.typ)
		check.That(t, slices.Equal(u.Groups, given),
			"K-31: the caller's groups were changed to %v, want %v", u.Groups, given)
		if st != c.outcome || r.Account != u.Account || r.Reason != st || (r.Linked != nil) != c.linked {
			t.Errorf("K-30: type %d: %v for %v of %+v, linked %t, want %v, %v, %+v, %t", c.typ, st, r.Reason,
				r.Account, r.Linked != nil, c.outcome, st, u.Account, c.linked)
		}
		if st != ntstatus.Success {
			check.That(t, r.Token.User.SID.IsZero(),
				"K-30: type %d: %v with the token of %v, want none", c.typ, st, r.Token.User.SID)
			continue
		}
		foreign := c.other != "" && sid.MustParse(c.other).Authority() == 5 && c.other != "S-1-5-1001"
		check.Equal(t, r.Token.ElevationType, c.elevated, "L-5: type %d: elevation", c.typ)
		for _, s := range []*token.Spec{&r.Token, r.Linked} {
			if s == nil {
				continue
			}
			full := c.admin && (s == r.Linked || c.typ == network)
			all := attributes(s)
			want := map[sid.SID]uint32{staff: 7, off: 0, deny: winnt.SE_GROUP_USE_FOR_DENY_ONLY, readers: 7, ofUser: 7,
				ofThis: 7, sid.Everyone: 7, sid.AuthenticatedUsers: 7, sid.Users: 7, sid.ThisOrganization: 7, c.of: 7}
			if c.admin {
				want[admins] = 7
				want[sid.Administrators] = winnt.SE_GROUP_USE_FOR_DENY_ONLY
				if full {
					want[sid.Administrators] = 7 | winnt.SE_GROUP_OWNER
				}
			}
			if c.typ != network { // logons at the computer itself (L-84)
				want[sid.Local], want[sid.ConsoleLogon] = 7, 7
			}
			if c.other != "" {
				want[sid.MustParse(c.other)] = 7
			}
			if foreign {
				delete(want, sid.ThisOrganization)
				delete(want, ofThis)
			}
			for id, a := range want {
				if got, ok := all[id]; !ok || got&0xFF != a {
					t.Errorf("K-31: type %d, full %t: %v has %#x, %t, want %#x", c.typ, full, id, got, ok, a)
				}
			}
			check.That(t, len(all) == len(want) && len(s.Groups) == len(want),
				"K-32: type %d, full %t, %s: groups %v, want %v", c.typ, full, c.other, all, want)
			if s.User.SID != user || s.PrimaryGroup != staff || !hasClaim(s.UserClaims, "user") ||
				!hasClaim(s.DeviceClaims, "device") || len(s.DeviceGroups) != 2 {
				t.Errorf("K-31: type %d, full %t: %+v, want the claims of user and device, and two groups", c.typ, full, s)
			}
			made := check.Must(token.New(*s))
			for _, g := range made.DeviceGroups() {
				check.Equal(t, g.Attributes, map[uint32]uint32{515: 7, 516: 0}[g.SID.RID()], "K-31: attributes of %v", g.SID)
			}
			if debug := !c.admin || full; s.Privileges.Has(winnt.SeDebugPrivilege) != debug ||
				s.Privileges.Has(winnt.SeBackupPrivilege) != debug || s.Privileges.Has(winnt.SeTcbPrivilege) ||
				s.Privileges.Has(winnt.SeRestorePrivilege) != (!foreign && !c.admin || full) {
				t.Errorf("K-30: type %d, full %t: holds %v", c.typ, full, s.Privileges.Names())
			}
		}
	}
}
