package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestElevation: classes 20 and 47 (T-65).
func TestElevation(t *testing.T) {
	for _, c := range []struct {
		kind      uint32
		level     sid.SID
		flags     uint32
		elevated  bool
		sandboxed bool
	}{
		{1, sid.MediumLevel, 0, false, false}, {1, sid.HighLevel, 0, true, false}, {1, sid.SystemLevel, 0, true, false},
		{1, sid.IntegrityLevel(0x2FFF), 0, false, false}, {2, sid.MediumLevel, 0, true, false},
		{3, sid.HighLevel, 0, false, false}, {3, sid.MediumLevel, winnt.TOKEN_IS_FILTERED, false, true},
		{1, sid.MediumLevel, winnt.TOKEN_IS_FILTERED, false, false},
	} {
		s := setup()
		s.ElevationType, s.Integrity, s.Flags = c.kind, c.level, c.flags
		tok := must(t, s)
		if tok.IsElevated() != c.elevated || tok.IsSandboxed() != c.sandboxed || tok.SessionDropped() {
			t.Errorf("%+v: elevated %t, sandboxed %t", c, tok.IsElevated(), tok.IsSandboxed())
		}
		s.Flags |= winnt.TOKEN_SESSION_NOT_REFERENCED
		if !must(t, s).SessionDropped() {
			t.Error("the session is dropped")
		}
	}
}

// TestEffectiveOnlyDefaults: privileges that stay keep their default, owner and
// primary group stay where they can (T-48).
func TestEffectiveOnlyDefaults(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
	s.Owner, s.PrimaryGroup = sid.Administrators, groupG1
	s.DefaultPrivileges = s.Privileges // Shutdown is a default and not enabled
	n := must(t, s).EffectiveOnly()
	if n.DefaultPrivileges() != winnt.SeChangeNotifyPrivilege.Bit() || n.Owner() != sid.Administrators ||
		n.PrimaryGroup() != groupG1 || n.GroupCount() != 4 {
		t.Errorf("T-48: defaults %v, owner %v, primary group %v, %d groups", n.DefaultPrivileges().Names(), n.Owner(),
			n.PrimaryGroup(), n.GroupCount())
	}
	s.Groups[len(s.Groups)-1].Attributes = winnt.SE_GROUP_OWNER
	s.PrimaryGroup = groupG2
	if n = must(t, s).EffectiveOnly(); n.Owner() != userU || n.PrimaryGroup() != userU || n.GroupCount() != 3 {
		t.Errorf("T-48: owner %v, primary group %v, %d groups", n.Owner(), n.PrimaryGroup(), n.GroupCount())
	}
}

// TestLowBoxMakesRoom: the longer default DACL is charged (T-131).
func TestLowBoxMakesRoom(t *testing.T) {
	a, _ := sd.NewACE(sd.AccessAllowed, 0, 1, userU) // 36 bytes
	list, _ := sd.NewACL(slices.Repeat([]sd.ACE{a}, 13)...)
	s := setup()
	s.DefaultDACL = list
	tok := must(t, s)
	n := lowbox(t, tok, "S-1-15-2-1-2-3-4-5-6-7")
	need := uint32(n.DefaultDACL().Size() + n.PrimaryGroup().Len())
	if tok.DynamicCharged() != 500 || n.DynamicCharged() != need || need <= 500 || n.DynamicAvailable() != 0 {
		t.Errorf("charged %d, then %d, needed %d, left %d", tok.DynamicCharged(), n.DynamicCharged(), need,
			n.DynamicAvailable())
	}
	if a := tok.DynamicAvailable(); a != 500-uint32(list.Size()+tok.PrimaryGroup().Len()) {
		t.Errorf("%d bytes are left", a)
	}
}

// TestProfilesWhole: kind, groups, session and source of each built-in token.
func TestProfilesWhole(t *testing.T) {
	for name, c := range map[string]struct {
		spec       token.Spec
		groups     string
		kind       uint32
		session    winnt.LUID
		source     string
		typ, level int
	}{
		"administrator":   {token.Administrator(userU), "513 WD BA BU IU AU S-1-2-0 logon", 2, 0, "", 1, 0},
		"limited":         {token.LimitedAdministrator(userU), "513 WD BA BU IU AU S-1-2-0 logon", 3, 0, "", 1, 0},
		"user":            {token.StandardUser(userU), "513 WD BU IU AU S-1-2-0 logon", 1, 0, "", 1, 0},
		"network user":    {token.NetworkUser(userU, groupG1), "2001 WD BU NU AU S-1-5-15", 1, 0, "", 2, 2},
		"system":          {token.LocalSystem(), "BA WD AU", 1, 0x3E7, "*SYSTEM*", 1, 0},
		"local service":   {token.LocalService(), "WD BU SU AU S-1-2-0 logon", 1, 0x3E5, "", 1, 0},
		"network service": {token.NetworkService(), "WD BU SU AU S-1-2-0 logon", 1, 0x3E4, "", 1, 0},
		"anonymous":       {token.Anonymous(true), "WD", 1, 0x3E6, "*SYSTEM*", 1, 0},
		"no groups":       {token.Anonymous(false), "", 1, 0x3E6, "*SYSTEM*", 1, 0},
	} {
		tok := must(t, c.spec)
		var groups []string
		for _, g := range tok.Groups() {
			switch {
			case g.Attributes&winnt.SE_GROUP_INTEGRITY != 0:
			case g.Attributes&winnt.SE_GROUP_LOGON_ID != 0:
				groups = append(groups, "logon")
			case g.SID.SubAuthorities() == 5:
				groups = append(groups, fmt.Sprint(g.SID.RID()))
			default:
				groups = append(groups, short(g.SID))
			}
		}
		if got := strings.Join(groups, " "); got != c.groups {
			t.Errorf("%s: groups %s, want %s", name, got, c.groups)
		}
		if tok.ElevationType() != c.kind || tok.AuthenticationID() != c.session || tok.Source().Name != c.source ||
			int(tok.Type()) != c.typ || int(tok.Level()) != c.level || tok.MandatoryPolicy() != 3 ||
			tok.DefaultPrivileges() != tok.Enabled() || tok.IsFiltered() != (name == "limited") {
			t.Errorf("%s: %+v", name, tok.Spec())
		}
		if (tok.DefaultDACL() == nil) != strings.HasPrefix(fmt.Sprint(tok.User().SID), "S-1-5-7") {
			t.Errorf("%s: default DACL %v", name, tok.DefaultDACL())
		}
	}
}

// short returns the letters of a well-known SID.
func short(s sid.SID) string {
	for text, known := range map[string]sid.SID{"WD": sid.Everyone, "BA": sid.Administrators, "BU": sid.Users,
		"IU": sid.Interactive, "AU": sid.AuthenticatedUsers, "NU": sid.Network, "SU": sid.Service} {
		if s == known {
			return text
		}
	}
	return s.String()
}
