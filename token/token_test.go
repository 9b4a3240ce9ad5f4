package token_test

import (
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Flags that other fields determine follow those fields and cannot be set (T-1).
func TestFlags(t *testing.T) {
	s := setup()
	s.Privileges |= winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeImpersonatePrivilege)
	s.Flags = winnt.TOKEN_UIACCESS | winnt.TOKEN_IS_RESTRICTED | winnt.TOKEN_LOWBOX
	tok := must(t, s)
	if got := tok.Flags(); got != winnt.TOKEN_HAS_TRAVERSE_PRIVILEGE|winnt.TOKEN_NOT_LOW|winnt.TOKEN_UIACCESS {
		t.Errorf("flags %#x: want traverse, not low, UI access; held but disabled privileges and given mirrors count "+
			"for nothing", got)
	}
	for p, flag := range map[winnt.Privilege]uint32{
		winnt.SeBackupPrivilege: 0x2, winnt.SeRestorePrivilege: 0x4, winnt.SeImpersonatePrivilege: 0x80,
	} {
		n, _, _ := tok.AdjustPrivileges(1, false, []token.PrivilegeChange{enable(p)})
		if n.Flags()&flag == 0 || tok.Flags()&flag != 0 {
			t.Errorf("%v: flag %#x does not follow", p, flag)
		}
		off, _, _ := n.AdjustPrivileges(2, true, nil)
		if off.Flags()&(flag|1) != 0 {
			t.Errorf("%v: flags %#x after disabling all", p, off.Flags())
		}
	}
	n := tok.WithFlags(3, winnt.TOKEN_VIRTUALIZE_ALLOWED|winnt.TOKEN_WRITE_RESTRICTED|winnt.TOKEN_IS_RESTRICTED,
		winnt.TOKEN_UIACCESS|winnt.TOKEN_NOT_LOW)
	if got := n.Flags(); got != winnt.TOKEN_HAS_TRAVERSE_PRIVILEGE|winnt.TOKEN_NOT_LOW|winnt.TOKEN_VIRTUALIZE_ALLOWED {
		t.Errorf("flags %#x after WithFlags, want %#x", got,
			winnt.TOKEN_HAS_TRAVERSE_PRIVILEGE|winnt.TOKEN_NOT_LOW|winnt.TOKEN_VIRTUALIZE_ALLOWED)
	}
	s = setup()
	s.WriteRestricted = true
	_, err := token.New(s)
	wantSpecError(t, err, "writeRestricted", ntstatus.InvalidParameter)
}

func wantSpecError(t testing.TB, err error, field string, st ntstatus.Status) {
	t.Helper()
	var se *token.SpecError
	if !errors.As(err, &se) || se.Field != field || se.Status != st || !errors.Is(err, st.Err()) {
		t.Errorf("error %v, want one about %s with %v", err, field, st)
	}
}

// A mandatory group is enabled, and enabled by default (T-2).
func TestMandatoryIsEnabled(t *testing.T) {
	if a, _ := attributes(t, must(t, setup()), sid.Users); a != token.GroupDefault {
		t.Errorf("Users %#x, want 7", a)
	}
}

// A group cannot be both enabled and deny-only. The user is enabled without the attribute, unless it is deny-only
// (T-3).
func TestEnabledDenyOnly(t *testing.T) {
	_, err := token.New(setup(token.Group{SID: sid.Everyone, Attributes: winnt.SE_GROUP_ENABLED |
		winnt.SE_GROUP_USE_FOR_DENY_ONLY}))
	wantSpecError(t, err, "groups[3]", ntstatus.InvalidParameter)
	s := setup()
	if !must(t, s).Member(userU, false) {
		t.Error("the user is in force without ENABLED")
	}
	s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	if must(t, s).Member(userU, false) {
		t.Error("a deny-only user is not in force")
	}
}

// Integrity levels have names. A token has at most one integrity entry, and a Spec cannot give two (T-4).
func TestIntegrityEntry(t *testing.T) {
	for name, rid := range map[string]uint32{"Untrusted": 0, "Low": 0x1000, "Medium": 0x2000, "MediumPlus": 0x2100,
		"High": 0x3000, "System": 0x4000, "Protected": 0x5000, "S-1-16-9000": 9000} {
		s, ok := token.ParseIntegrityLevel(name)
		if !ok || s.RID() != rid || token.IntegrityName(rid) != name {
			t.Errorf("%s: %v, name back %s", name, s, token.IntegrityName(rid))
		}
	}
	entry := token.Group{SID: sid.MediumLevel, Attributes: 0x60}
	tok := must(t, setup(entry))
	if tok.GroupCount() != 4 || tok.Integrity() != 0x2000 {
		t.Errorf("%d groups: the entry given is the one", tok.GroupCount())
	}
	_, err := token.New(setup(entry, entry))
	wantSpecError(t, err, "groups[4]", ntstatus.InvalidParameter)
	_, err = token.New(setup(token.Group{SID: sid.Everyone, Attributes: 0x20}))
	wantSpecError(t, err, "groups[3]", ntstatus.InvalidParameter)
	_, err = token.New(setup(token.Group{SID: sid.HighLevel, Attributes: 0x60}))
	wantSpecError(t, err, "groups[3]", ntstatus.InvalidParameter)
}

// The owner is the user or a group with SE_GROUP_OWNER. The primary group is the user or a group of the token (T-11).
func TestOwnerAndPrimaryGroup(t *testing.T) {
	s := setup()
	s.Owner = groupG1
	_, err := token.New(s)
	wantSpecError(t, err, "owner", ntstatus.InvalidOwner)
	s.Groups[1].Attributes |= winnt.SE_GROUP_OWNER
	if got := must(t, s).Owner(); got != groupG1 {
		t.Errorf("a group with OWNER may own: must(t, s).Owner() = %v, want %v", got, groupG1)
	}
	s = setup()
	if tok := must(t, s); tok.Owner() != userU || tok.PrimaryGroup() != sid.Users {
		t.Errorf("defaults: owner %v, primary group %v, want %v, %v", tok.Owner(), tok.PrimaryGroup(), userU,
			sid.Users)
	}
	s.PrimaryGroup = sid.Guests
	_, err = token.New(s)
	wantSpecError(t, err, "primaryGroup", ntstatus.InvalidPrimaryGroup)
	s.PrimaryGroup = userU
	if got := must(t, s).PrimaryGroup(); got != userU {
		t.Errorf("the user may be primary group: must(t, s).PrimaryGroup() = %v, want %v", got, userU)
	}
}

// New returns a SpecError with the wrong field and its status.
func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		field string
		st    ntstatus.Status
		spoil func(*token.Spec)
	}{
		{"user", ntstatus.InvalidSID, func(s *token.Spec) { s.User.SID = sid.SID{} }},
		{"user", ntstatus.InvalidParameter, func(s *token.Spec) { s.User.Attributes = 0x60 }},
		{"groups[1]", ntstatus.InvalidSID, func(s *token.Spec) { s.Groups[1].SID = sid.SID{} }},
		{"groups[1]", ntstatus.InvalidParameter, func(s *token.Spec) { s.Groups[1].Attributes = 0x100 }},
		{"groups[1]", ntstatus.InvalidParameter, func(s *token.Spec) { s.Groups[1].Attributes = 0x80000000 }},
		{"groups", ntstatus.InvalidParameter, func(s *token.Spec) { s.Groups = make([]token.Group, token.MaxGroups+1) }},
		{"type", ntstatus.BadTokenType, func(s *token.Spec) { s.Type = 3 }},
		{"impersonationLevel", ntstatus.BadImpersonationLevel, func(s *token.Spec) { s.Level = 4 }},
		{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.Privileges |= 1 << 37 }},
		{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.Privileges |= 1 << 1 }},
		{"privileges", ntstatus.InvalidParameter, func(s *token.Spec) { s.EnabledPrivileges |= winnt.SeTcbPrivilege.Bit() }},
		{"mandatoryPolicy", ntstatus.InvalidParameter, func(s *token.Spec) { s.MandatoryPolicy = 4 }},
		{"elevationType", ntstatus.InvalidParameter, func(s *token.Spec) { s.ElevationType = 4 }},
		{"source", ntstatus.InvalidParameter, func(s *token.Spec) { s.Source.Name = "123456789" }},
		{"integrityLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.Integrity = sid.Everyone }},
		{"trustLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.TrustLevel = sid.Everyone }},
		{"appContainer.packageSid", ntstatus.InvalidParameter, func(s *token.Spec) { s.LowPrivilege = true }},
		{"appContainer.packageSid", ntstatus.InvalidParameter, func(s *token.Spec) { s.Package = sid.Everyone }},
		{"appContainer.capabilities[0]", ntstatus.InvalidParameter, func(s *token.Spec) {
			s.Package, s.Capabilities = sid.MustParse("S-1-15-2-7"), []token.Group{{SID: sid.Everyone}}
		}},
	} {
		s := setup()
		c.spoil(&s)
		_, err := token.New(s)
		wantSpecError(t, err, c.field, c.st)
	}
}

// AllowBits and DenyBits follow the attributes of groups. Duplicate SIDs share the first index.
func TestMatchingBits(t *testing.T) {
	deny := account(2003)
	tok := must(t, setup(
		token.Group{SID: deny, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		token.Group{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}, // the same group again, now enabled
		token.Group{SID: sid.MediumPlusLevel, Attributes: winnt.SE_GROUP_ENABLED},
	))
	for _, c := range []struct {
		s           sid.SID
		allow, deny bool
	}{
		{userU, true, true}, {sid.Users, true, true}, {groupG1, true, true}, {deny, false, true},
		{groupG2, true, true}, {sid.MediumLevel, false, false}, {sid.Everyone, false, false},
	} {
		i := tok.SIDs().Find(c.s.Hash(), c.s)
		if tok.AllowBits().Has(i) != c.allow || tok.DenyBits().Has(i) != c.deny {
			t.Errorf("%v: allow %v deny %v, want %v %v",
				c.s, tok.AllowBits().Has(i), tok.DenyBits().Has(i), c.allow, c.deny)
		}
	}
	if must(t, setup()).Member(groupG2, true) {
		t.Error("A-2: a disabled group matches nothing")
	}
}

// New(tok.Spec()) is equal to the token. Changing the slices of the Spec afterwards does not change the token.
func TestSpecRoundTrip(t *testing.T) {
	tok := filter(t, must(t, token.Administrator(userU)), token.FilterSpec{
		Flags: winnt.LUA_TOKEN | winnt.SANDBOX_INERT, Restrict: restricting(sid.Users), Disable: []sid.SID{userU},
		ParentTokenID: 5, ModifiedID: 6})
	s := tok.Spec()
	again := must(t, s)
	want, _ := tok.MarshalJSON()
	got, _ := again.MarshalJSON()
	if string(got) != string(want) || !again.Equal(tok) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.Groups[0] = token.Group{SID: sid.Guests}
	if _, ok := attributes(t, again, sid.Guests); ok {
		t.Error("the token keeps the caller's slice")
	}
}

// A Token header stays small, because a kernel keeps many.
func TestHeaderSize(t *testing.T) {
	if n := unsafe.Sizeof(token.Token{}); n > 96 {
		t.Errorf("%d bytes, want at most 96", n)
	}
}

func TestLogonSIDAndElevation(t *testing.T) {
	logon := sid.Logon(0, 77)
	tok := must(t, setup(token.Group{SID: logon, Attributes: winnt.SE_GROUP_LOGON_ID | token.GroupDefault}))
	if g, ok := tok.LogonSID(); !ok || g.SID != logon {
		t.Errorf("logon SID %v", g)
	}
	if _, ok := must(t, setup()).LogonSID(); ok {
		t.Error("a logon SID was found, want none")
	}
	for _, c := range []struct {
		spec token.Spec
		want bool
	}{{token.Administrator(userU), true}, {token.LimitedAdministrator(userU), false}, {token.StandardUser(userU), false},
		{token.LocalSystem(), true}} {
		if got := must(t, c.spec).IsElevated(); got != c.want {
			t.Errorf("%v elevated: %v, want %v", c.spec.User.SID, got, c.want)
		}
	}
}

// IsSandboxed is true for AppContainers, write-restricted tokens and LUA tokens only.
func TestIsSandboxed(t *testing.T) {
	tok := must(t, token.Administrator(userU))
	if tok.PrivilegeCount() != 24 {
		t.Errorf("%d privileges, want 24", tok.PrivilegeCount())
	}
	for _, c := range []struct {
		name string
		tok  *token.Token
		want bool
	}{
		{"administrator", tok, false},
		{"restricted", filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}), false},
		{"write-restricted", filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users),
			Flags: winnt.WRITE_RESTRICTED}), true},
		{"LUA", filter(t, tok, token.FilterSpec{Flags: winnt.LUA_TOKEN}), true},
		{"AppContainer", lowbox(t, tok, "S-1-15-2-1-2-3"), true},
	} {
		if got := c.tok.IsSandboxed(); got != c.want {
			t.Errorf("%s: %v: c.tok.IsSandboxed() = %v, want %v", c.name, !c.want, got, c.want)
		}
	}
}

// The built-in tokens hold and enable the documented privileges.
func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		name          string
		spec          token.Spec
		held, enabled []int
	}{
		{"system", token.LocalSystem(),
			[]int{2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 28, 29, 30, 31, 32, 33, 34,
				35, 36},
			[]int{4, 7, 11, 13, 14, 15, 16, 20, 21, 23, 29, 30, 33, 34, 35, 36}},
		{"administrator", token.Administrator(userU),
			[]int{5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 28, 29, 30, 33, 34, 35, 36},
			[]int{23, 29, 30}},
		{"limited", token.LimitedAdministrator(userU), []int{19, 23, 25, 33, 34}, []int{23}},
		{"user", token.StandardUser(userU), []int{19, 23, 25, 33, 34}, []int{23}},
		{"local service", token.LocalService(), []int{3, 5, 12, 21, 23, 29, 30, 33, 34}, []int{23, 29, 30}},
		{"network service", token.NetworkService(), []int{3, 5, 21, 23, 29, 30, 33}, []int{23, 29, 30}},
		{"anonymous", token.Anonymous(true), nil, nil},
	} {
		tok := must(t, c.spec)
		var held, enabled []int
		for p := range tok.Privileges() {
			held = append(held, int(p))
			if tok.Has(p) {
				enabled = append(enabled, int(p))
			}
		}
		if !slices.Equal(held, c.held) || !slices.Equal(enabled, c.enabled) {
			t.Errorf("%s: held %v enabled %v, want %v, %v", c.name, held, enabled, c.held, c.enabled)
		}
	}
	if anon := must(t, token.Anonymous(false)); anon.GroupCount() != 1 || anon.AuthenticationID() != 0x3E6 ||
		anon.Source().Name != "*SYSTEM*" {
		t.Error("ANONYMOUS LOGON has its integrity entry and nothing else")
	}
}
