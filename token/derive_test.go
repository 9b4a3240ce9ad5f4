package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// EffectiveOnly keeps the defaults of the remaining privileges. Owner and primary group stay if their entries remain,
// and otherwise become the user (T-48).
func TestEffectiveOnlyKeepsOwnerIfPossible(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
	s.Owner, s.PrimaryGroup = sid.Administrators, groupG1
	s.DefaultPrivileges = s.Privileges // SeShutdownPrivilege is a default but not enabled
	n := must(t, s).EffectiveOnly()
	if n.DefaultPrivileges() != winnt.SeChangeNotifyPrivilege.Bit() || n.Owner() != sid.Administrators ||
		n.PrimaryGroup() != groupG1 || n.GroupCount() != 4 {
		t.Errorf("T-48: EffectiveOnly: defaults %v, owner %v, primary group %v, %d groups; want "+
			"SeChangeNotifyPrivilege, %v, %v, 4", n.DefaultPrivileges().Names(), n.Owner(), n.PrimaryGroup(),
			n.GroupCount(), sid.Administrators, groupG1)
	}
	s.Groups[len(s.Groups)-1].Attributes = winnt.SE_GROUP_OWNER
	s.PrimaryGroup = groupG2
	if n = must(t, s).EffectiveOnly(); n.Owner() != userU || n.PrimaryGroup() != userU || n.GroupCount() != 3 {
		t.Errorf("T-48: EffectiveOnly without the owner's and the primary group's entry: owner %v, primary group "+
			"%v, %d groups; want %v, %v, 3", n.Owner(), n.PrimaryGroup(), n.GroupCount(), userU, userU)
	}
}

// A duplicate differs from the original in type and level only (TC-7, TC-21, T-49, T-54).
func TestDuplicateChangesOnlyTypeAndLevel(t *testing.T) {
	s := setup()
	s.Source, s.SessionID, s.OriginatingLogon, s.ParentTokenID, s.ExpirationTime = token.Source{Name: "User32", ID: 9},
		3, 0x77, 0x88, 12345
	tok := must(t, s)
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		d := tok.WithTypeLevel(winnt.TokenImpersonation, level)
		check.That(t, d.Type() == winnt.TokenImpersonation && d.Level() == level,
			"WithTypeLevel: type %v, level %v; want impersonation, %v", d.Type(), d.Level(), level)
		if d.ModifiedID() != 100 || d.AuthenticationID() != 0x5000 || d.ParentTokenID() != 0x88 ||
			d.OriginatingLogon() != 0x77 ||
			d.SessionID() != 3 || d.Source() != s.Source || d.ExpirationTime() != 12345 || d.GroupCount() != 4 || !d.Equal(tok) {
			t.Errorf("T-49: WithTypeLevel(Impersonation, %v) changed a field other than type and level: %+v", level, d.Spec())
		}
		if back := d.WithTypeLevel(winnt.TokenPrimary, 0); back.Level() != 0 || back.Type() != winnt.TokenPrimary {
			t.Errorf("T-54: WithTypeLevel(Primary, 0): type %v, level %v; want primary, 0", back.Type(), back.Level())
		}
	}
	check.That(t, tok.Type() == winnt.TokenPrimary && tok.Level() == 0,
		"T-49: WithTypeLevel changed the original to type %v, level %v", tok.Type(), tok.Level())
}
