package lsa

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestDomainUserKeepsDuplicateGroups checks that a group which a service added and the directory also returned stays in
// the token, with the local groups that contain it (K-30). Without a user there is no logon.
func TestDomainUserKeepsDuplicateGroups(t *testing.T) {
	f := open(t, func(c *Config) { c.Audit = nil })
	staff := home.WithRID(513)
	var readers, nested sid.SID
	f.must(t, func(e *Edit) error {
		readers = e.AddGroup(Group{Name: "readers", Members: []sid.SID{staff}})
		nested = e.AddGroup(Group{Name: "nested", Members: []sid.SID{readers}})
		return nil
	})
	member := func(id sid.SID) token.Group { return token.Group{SID: id, Attributes: 7} }
	u := DomainUser{Account: logon.Account{SID: home.WithRID(1104), Name: "alice"}, PrimaryGroup: staff,
		Groups: []token.Group{member(staff), member(staff), member(readers)}}
	r, st := f.LogOnDomainUser(&u, network)
	v, _ := newTokens(t, r, st)
	for _, want := range []sid.SID{staff, readers, nested, sid.Users} {
		if !v.Member(want, false) {
			t.Errorf("K-30: the token is in %v, want in %v too", v.Groups(), want)
		}
	}
	check.Equal(t, check.Status(f.LogOnDomainUser(&DomainUser{}, network)), ntstatus.NoSuchUser, "the zero user")
}

// TestDomainUserIsNamedAfterLogon checks that a domain user who has logged on has a name in records and lookups from
// then on (L-73). TestGuestNamesAreBounded checks which names are kept.
func TestDomainUserIsNamedAfterLogon(t *testing.T) {
	f := open(t, nil)
	alice := logon.Account{SID: home.WithRID(1104), Use: winnt.SidTypeUser, Domain: "EXAMPLE", DomainSID: home,
		Name: "alice"}
	if a, ok := f.LookupSID(alice.SID); ok {
		t.Errorf("L-73: LookupSID before the logon = %+v, want none", a)
	}
	_, st := f.LogOnDomainUser(&DomainUser{Account: alice, PrimaryGroup: home.WithRID(513)}, network)
	check.Success(t, st)
	if a, ok := f.LookupSID(alice.SID); !ok || a != alice {
		t.Errorf("L-73: %+v, %t, want %+v, true", a, ok, alice)
	}
	if name, of, ok := f.Account(alice.SID); !ok || name != "alice" || of != "EXAMPLE" {
		t.Errorf(`L-73: in records: %q, %q, %t, want "alice", "EXAMPLE", true`, name, of, ok)
	}
	if a, ok := f.LookupName(`EXAMPLE\alice`); ok {
		t.Errorf("L-73: LookupName of a domain's account = %v, want none", a.SID)
	}
}
