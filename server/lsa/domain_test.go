package lsa

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestDomainUser checks that a domain user is a member of the local groups that contain its SIDs, with their rights.
// Disabled and deny-only groups add none (K-30). Attributes and primary group come from the domain (K-31).
func TestDomainUser(t *testing.T) {
	s, err := Open(Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}, Password: cheap})
	check.NoError(t, err)
	defer s.Close()
	domain := sid.MustParse("S-1-5-21-10-20-30")
	user, staff, admins, off, deny := domain.WithRID(1104), domain.WithRID(513), domain.WithRID(512),
		domain.WithRID(2001), domain.WithRID(2002)
	var readers, nested, never sid.SID
	if err := s.Update(sid.LocalSystem, func(e *Edit) error {
		readers = e.AddGroup(Group{Name: "readers", Members: []sid.SID{staff}})
		nested = e.AddGroup(Group{Name: "nested", Members: []sid.SID{readers}})
		never = e.AddGroup(Group{Name: "never", Members: []sid.SID{off, deny}})
		if err := e.AddMember(sid.Administrators, admins); err != nil {
			return err
		}
		e.Grant(nested, winnt.Privileges(winnt.SeBackupPrivilege), 0)
		e.Grant(never, winnt.Privileges(winnt.SeDebugPrivilege), 0)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	set, err := claims.NewSet([]claims.Attribute{{Name: "dept", Type: claims.String, Strings: []string{"it"}}})
	check.NoError(t, err)
	u := DomainUser{Account: logon.Account{SID: user, Name: "alice", Domain: "EXAMPLE"}, PrimaryGroup: staff,
		UserClaims: set, DeviceClaims: set, DeviceGroups: []token.Group{{SID: domain.WithRID(515), Attributes: 7}},
		Groups: []token.Group{{SID: staff, Attributes: 7}, {SID: off}, {SID: deny, Attributes: 0x10},
			{SID: sid.ThisOrganization, Attributes: 7}}}
	r, st := s.LogOnDomainUser(&u, winnt.LOGON32_LOGON_NETWORK)
	check.Success(t, st)
	tok, err := token.New(r.Token)
	check.NoError(t, err)
	for _, want := range []sid.SID{staff, readers, nested, sid.Users, sid.Everyone, sid.Network, sid.AuthenticatedUsers,
		sid.ThisOrganization} {
		if !tok.Member(want, false) {
			t.Errorf("K-30: not in %v", want)
		}
	}
	for _, not := range []sid.SID{off, deny, never, sid.Administrators, sid.Interactive} {
		if tok.Member(not, false) {
			t.Errorf("K-30: the token is a member of %v, want not", not)
		}
	}
	if !tok.Member(deny, true) || tok.PrimaryGroup() != staff || tok.User().SID != user {
		t.Errorf("K-31: token %+v, want the user, its primary group and the deny-only group", r.Token)
	}
	if r.Token.Privileges.Has(winnt.SeDebugPrivilege) || !r.Token.Privileges.Has(winnt.SeBackupPrivilege) ||
		r.Token.Integrity != sid.MediumLevel || r.Account != u.Account {
		t.Errorf("K-30: result %+v, want integrity Medium, SeBackupPrivilege alone and the account", r)
	}
	if r.Token.UserClaims.Len() != 1 || r.Token.DeviceClaims.Len() != 1 || len(r.Token.DeviceGroups) != 1 {
		t.Errorf("K-31: token %+v, want one user claim, one device claim and one device group", r.Token)
	}

	// A service with SeTcbPrivilege added a group that the directory also returned: the token keeps it (K-30).
	twice := u
	twice.Groups = append(slices.Clone(u.Groups), token.Group{SID: staff, Attributes: 7},
		token.Group{SID: readers, Attributes: 7})
	r, st = s.LogOnDomainUser(&twice, winnt.LOGON32_LOGON_NETWORK)
	if tok, err = token.New(r.Token); err != nil || st != ntstatus.Success {
		t.Fatal(err, st)
	}
	for _, want := range []sid.SID{readers, nested, sid.Users} {
		if !tok.Member(want, false) {
			t.Errorf("K-30: with a duplicate group the token is not a member of %v", want)
		}
	}

	u.Groups = append(u.Groups, token.Group{SID: admins, Attributes: 7})
	r, st = s.LogOnDomainUser(&u, winnt.LOGON32_LOGON_NETWORK)
	if st != ntstatus.Success || r.Token.Integrity != sid.HighLevel || !r.Administrator() {
		t.Errorf("K-30: a domain's administrator: %v, %+v, want integrity High and Administrators", st, r.Token)
	}
	for _, text := range []string{"S-1-5-1000", "S-1-5-1000-3"} {
		o := u
		o.Groups = []token.Group{{SID: staff, Attributes: 7}, {SID: sid.MustParse(text), Attributes: 7}}
		r, st = s.LogOnDomainUser(&o, winnt.LOGON32_LOGON_NETWORK)
		if st != ntstatus.Success || slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool {
			return g.SID == sid.ThisOrganization
		}) {
			t.Errorf("K-32: of another organization: %v, groups %+v, want success without This Organization",
				st, r.Token.Groups)
		}
	}
	if _, st := s.LogOnDomainUser(&DomainUser{}, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.NoSuchUser {
		t.Errorf("the zero user: %v, want %v", st, ntstatus.NoSuchUser)
	}
	if _, st := s.LogOnDomainUser(&u, winnt.LOGON32_LOGON_SERVICE); st != ntstatus.LogonTypeNotGranted {
		t.Errorf("without the right: %v, want %v", st, ntstatus.LogonTypeNotGranted)
	}
}

// TestDomainUserIsNamedAfterLogon checks that a domain user who has logged on has a name in records and lookups from
// then on. No domain can give an account a name of this computer or of the system (L-73).
func TestDomainUserIsNamedAfterLogon(t *testing.T) {
	s, err := Open(Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}, Password: cheap})
	check.NoError(t, err)
	defer s.Close()
	domain := sid.MustParse("S-1-5-21-10-20-30")
	on := func(rid uint32, of, name string) logon.Account {
		a := logon.Account{SID: domain.WithRID(rid), Use: winnt.SidTypeUser, Domain: of, DomainSID: domain, Name: name}
		u := DomainUser{Account: a, PrimaryGroup: domain.WithRID(513)}
		if _, st := s.LogOnDomainUser(&u, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.Success {
			t.Fatal(st)
		}
		return a
	}
	if a, ok := s.LookupSID(domain.WithRID(1104)); ok {
		t.Errorf("L-73: LookupSID before the logon = %+v, want none", a)
	}
	alice := on(1104, "EXAMPLE", "alice")
	if a, ok := s.LookupSID(alice.SID); !ok || a != alice {
		t.Errorf("L-73: %+v, %t, want %+v, true", a, ok, alice)
	}
	if name, of, ok := s.Account(alice.SID); !ok || name != "alice" || of != "EXAMPLE" {
		t.Errorf(`L-73: in records: %q, %q, %t, want "alice", "EXAMPLE", true`, name, of, ok)
	}
	if a, ok := s.LookupName(`EXAMPLE\alice`); ok {
		t.Errorf("L-73: LookupName of a domain's account = %v, want none", a.SID)
	}
	for i, of := range []string{"HOST", "nt authority", "Builtin", "unix user", ".", ""} {
		if a, ok := s.LookupSID(on(uint32(2000+i), of, "Administrator").SID); ok {
			t.Errorf("L-73: LookupSID of an account of %q = %+v, want none", of, a)
		}
	}
	for i := range maxGuests + 5 {
		s.rememberGuest(logon.Account{SID: domain.WithRID(uint32(5000 + i)), Domain: "EXAMPLE", Name: "x"})
	}
	s.guests.mu.RLock()
	defer s.guests.mu.RUnlock()
	if len(s.guests.names) > maxGuests {
		t.Errorf("L-73: %d names are kept, want at most %d", len(s.guests.names), maxGuests)
	}
}
