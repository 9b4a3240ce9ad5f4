package token_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TC-7, TC-21, T-49, T-54: a duplicate differs in type and level only.
func TestDuplicate(t *testing.T) {
	s := setup()
	s.Source, s.SessionID, s.OriginatingLogon, s.ParentTokenID, s.ExpirationTime = token.Source{Name: "User32", ID: 9},
		3, 0x77, 0x88, 12345
	tok := must(t, s)
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		d := tok.WithTypeLevel(winnt.TokenImpersonation, level)
		if d.Type() != winnt.TokenImpersonation || d.Level() != level {
			t.Errorf("type %v level %v, want impersonation, %v", d.Type(), d.Level(), level)
		}
		if d.ModifiedID() != 100 || d.AuthenticationID() != 0x5000 || d.ParentTokenID() != 0x88 ||
			d.OriginatingLogon() != 0x77 ||
			d.SessionID() != 3 || d.Source() != s.Source || d.ExpirationTime() != 12345 || d.GroupCount() != 4 || !d.Equal(tok) {
			t.Error("T-49: something else than type and level changed")
		}
		if back := d.WithTypeLevel(winnt.TokenPrimary, 0); back.Level() != 0 || back.Type() != winnt.TokenPrimary {
			t.Error("T-54: a primary duplicate reports what was asked for")
		}
	}
	if tok.Type() != winnt.TokenPrimary || tok.Level() != 0 {
		t.Error("T-49: the source changed")
	}
}

// TC-11: what is disabled is gone for good, the user stays.
func TestEffectiveOnly(t *testing.T) {
	deny := account(2003)
	s := setup(token.Group{SID: deny, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	s.PrimaryGroup = groupG2
	tok := must(t, s).EffectiveOnly() // T-48
	if _, ok := attributes(t, tok, groupG2); ok || tok.Present().Has(winnt.SeShutdownPrivilege) {
		t.Error("G2 or Shutdown survived")
	}
	for _, keep := range []sid.SID{sid.Users, groupG1, deny, sid.MediumLevel} {
		if _, ok := attributes(t, tok, keep); !ok {
			t.Errorf("%v is gone", keep)
		}
	}
	if tok.User().SID != userU || tok.PrimaryGroup() != userU {
		t.Errorf("user %v, primary group %v, want U for both", tok.User().SID, tok.PrimaryGroup())
	}
	_, _, st := tok.AdjustPrivileges(1, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable Shutdown", st, ntstatus.NotAllAssigned)
	_, _, st = tok.AdjustGroups(1, false, []token.Group{{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	wantStatus(t, "enable G2", st, ntstatus.NotAllAssigned)
	if tok.ModifiedID() != 100 {
		t.Error("T-49: ModifiedId is copied")
	}

	owner := token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_OWNER}
	s = setup(owner)
	s.Owner = sid.Administrators
	if got := must(t, s).EffectiveOnly().Owner(); got != userU {
		t.Errorf("T-48: owner %v, want U", got)
	}
}

// TC-12, value part: a disabled group and privilege are not in the child.
func TestStripBeforeHandingOn(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_ENABLED |
		winnt.SE_GROUP_ENABLED_BY_DEFAULT})
	s.Privileges |= winnt.SeTcbPrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeTcbPrivilege.Bit()
	tok := must(t, s)
	off, _, st := tok.AdjustGroups(101, false, []token.Group{{SID: sid.Administrators}})
	wantStatus(t, "disable Administrators", st, ntstatus.Success)
	off, _, st = off.AdjustPrivileges(102, false, []token.PrivilegeChange{{LUID: winnt.SeTcbPrivilege.LUID()}})
	wantStatus(t, "disable SeTcb", st, ntstatus.Success)
	child := off.EffectiveOnly()
	if _, ok := attributes(t, child, sid.Administrators); ok || child.Present().Has(winnt.SeTcbPrivilege) {
		t.Error("the child kept what was stripped")
	}
	if _, ok := attributes(t, off, sid.Administrators); !ok || !off.Present().Has(winnt.SeTcbPrivilege) {
		t.Error("the original lost it")
	}
}

// TC-23: a filter with nothing to do makes a child that is not IS_FILTERED.
func TestFilterNothing(t *testing.T) {
	tok := must(t, setup()).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	n := filter(t, tok, token.FilterSpec{ParentTokenID: parentID, ModifiedID: 7})
	// T-64
	if n.ParentTokenID() != parentID || n.IsFiltered() || n.ModifiedID() != 7 ||
		n.Level() != winnt.SecurityIdentification || n.Type() != winnt.TokenImpersonation {
		t.Errorf("parent %v filtered %v modified %v level %v", n.ParentTokenID(), n.IsFiltered(), n.ModifiedID(), n.Level())
	}
	// T-64: of a filtered token, too, the one that was filtered is the parent, and the mark stays.
	taken := filter(t, tok, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE, ParentTokenID: parentID})
	again := filter(t, taken, token.FilterSpec{ParentTokenID: parentID + 1, ModifiedID: 8})
	if again.ParentTokenID() != parentID+1 || !again.IsFiltered() || taken.ParentTokenID() != parentID {
		t.Errorf("T-64: parents %v and %v, filtered %v", taken.ParentTokenID(), again.ParentTokenID(), again.IsFiltered())
	}
	_, st := tok.Filter(token.FilterSpec{Flags: 0x10})
	wantStatus(t, "T-60: flag 0x10", st, ntstatus.InvalidParameter)
}

// TC-24, T-62: DISABLE_MAX_PRIVILEGE ignores the list.
func TestFilterPrivileges(t *testing.T) {
	tok := must(t, setup())
	n := filter(t, tok, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE, Delete: winnt.SeChangeNotifyPrivilege.Bit()})
	if n.Present() != winnt.SeChangeNotifyPrivilege.Bit() || !n.Has(winnt.SeChangeNotifyPrivilege) || !n.IsFiltered() {
		t.Errorf("left %v", n.Present().Names())
	}
	n = filter(t, tok, token.FilterSpec{Delete: winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeTcbPrivilege)})
	if n.Present() != winnt.SeShutdownPrivilege.Bit() || n.Has(winnt.SeChangeNotifyPrivilege) ||
		n.Flags()&winnt.TOKEN_HAS_TRAVERSE_PRIVILEGE != 0 {
		t.Errorf("left %v", n.Present().Names())
	}
}

// TC-25: attributes in a restricting SID.
func TestFilterRestrictingAttributes(t *testing.T) {
	_, st := must(t, setup()).Filter(token.FilterSpec{Restrict: []token.Group{{SID: sid.Everyone, Attributes: 4}}}) // T-63
	wantStatus(t, "attribute 4", st, ntstatus.InvalidParameter)
}

// TC-26, T-63: restricting twice keeps what both lists have; nothing in common
// still restricts.
func TestFilterIntersection(t *testing.T) {
	a, b, c := account(3001), account(3002), account(3003)
	n := filter(t, must(t, setup()), token.FilterSpec{Restrict: restricting(a, b, b)})
	var got []token.Group
	for _, g := range n.Restricted() {
		got = append(got, g)
	}
	want := []token.Group{{SID: a, Attributes: 7}, {SID: b, Attributes: 7}, {SID: b, Attributes: 7}}
	if !slices.Equal(got, want) {
		t.Errorf("restricted %v, want %v with duplicates kept", got, want)
	}
	n = filter(t, n, token.FilterSpec{Restrict: restricting(b, c)})
	if s := n.RestrictedSet(); s.Len() != 1 || s.At(0) != b {
		t.Errorf("after the second: %d", s.Len())
	}
	n = filter(t, n, token.FilterSpec{Restrict: restricting(c)})
	if !n.IsRestricted() || n.RestrictedSet().Len() != 0 || n.Flags()&winnt.TOKEN_IS_RESTRICTED == 0 {
		t.Error("an empty intersection must stay restricted")
	}
	again := must(t, n.Spec())
	if !again.IsRestricted() || !again.Equal(n) {
		t.Error("the empty list got lost on the way through Spec")
	}
	if same := filter(t, must(t, setup()), token.FilterSpec{Restrict: []token.Group{}}); same.IsRestricted() {
		t.Error("an empty list given is no list")
	}
}

// T-68: a SID that a second restriction takes out of the list goes on matching
// deny entries, or the second filter would widen access.
func TestRestrictingTwiceKeepsDenying(t *testing.T) {
	a, b, c, d := account(3001), account(3002), account(3003), account(3004)
	n := filter(t, must(t, setup()), token.FilterSpec{Restrict: restricting(a, b, c)})
	if n.RestrictedDenySet() != n.RestrictedSet() {
		t.Error("after one restriction both are the same")
	}
	for _, next := range [][]sid.SID{{b, c, d}, {c}, {d}} {
		n = filter(t, n, token.FilterSpec{Restrict: restricting(next...)})
		deny := n.RestrictedDenySet()
		if deny.Len() != 3 || deny.Find(a.Hash(), a) < 0 || deny.Find(b.Hash(), b) < 0 || deny.Find(c.Hash(), c) < 0 {
			t.Errorf("after %v deny entries match %d SIDs, want a, b and c", next, deny.Len())
		}
		again := must(t, n.Spec())
		if again.RestrictedDenySet().Len() != 3 || again.RestrictedSet().Len() != n.RestrictedSet().Len() {
			t.Error("lost on the way through Spec")
		}
	}
	if n.RestrictedSet().Len() != 0 || !n.IsRestricted() {
		t.Error("nothing is left that allows")
	}
}

// TC-27: a mandatory group becomes deny-only and stays mandatory.
func TestFilterDisable(t *testing.T) {
	// T-61
	n := filter(t, must(t, setup()), token.FilterSpec{Disable: []sid.SID{sid.Users, sid.Everyone, sid.MediumLevel, userU}})
	if a, _ := attributes(t, n, sid.Users); a != winnt.SE_GROUP_MANDATORY|winnt.SE_GROUP_USE_FOR_DENY_ONLY {
		t.Errorf("Users %#x, want 0x11", a)
	}
	if a, _ := attributes(t, n, sid.MediumLevel); a != 0x60 {
		t.Errorf("integrity %#x, want 0x60", a)
	}
	if n.User().Attributes != winnt.SE_GROUP_USE_FOR_DENY_ONLY || n.Member(userU, false) || !n.Member(userU, true) {
		t.Error("U must match deny entries only")
	}
	if n.Member(sid.Users, false) || !n.Member(sid.Users, true) {
		t.Error("Users must match deny entries only")
	}
}

// T-64: flags, and T-66: the owner that became deny-only.
func TestFilterFlags(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
	s.Owner = sid.Administrators
	tok := must(t, s)
	n := filter(t, tok, token.FilterSpec{Flags: winnt.SANDBOX_INERT | winnt.WRITE_RESTRICTED})
	if !n.SandboxInert() || n.WriteRestricted() || n.IsFiltered() {
		t.Error("T-64: WRITE_RESTRICTED needs a list; SANDBOX_INERT takes nothing away")
	}
	n = filter(t, tok, token.FilterSpec{Flags: winnt.WRITE_RESTRICTED, Restrict: restricting(sid.Everyone)})
	if !n.WriteRestricted() || !n.IsRestricted() {
		t.Error("T-64: WRITE_RESTRICTED with a list")
	}
	full := filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Everyone)})
	if n = filter(t, full, token.FilterSpec{Flags: winnt.WRITE_RESTRICTED,
		Restrict: restricting(sid.Everyone)}); n.WriteRestricted() {
		t.Error("T-68: narrowing the restriction to writing would widen reading")
	}
	if n = filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Administrators}}); n.Owner() != userU {
		t.Errorf("T-66: owner %v, want U", n.Owner())
	}
}

// T-65: LUA_TOKEN.
func TestFilterLUA(t *testing.T) {
	s := token.Administrator(userU)
	for _, rid := range []uint32{498, 512, 516, 517, 518, 519, 520, 527} {
		s.Groups = append(s.Groups, token.Group{SID: account(rid), Attributes: token.GroupDefault})
	}
	plain := []sid.SID{account(513), account(521), sid.Users, sid.Guests, sid.Replicator}
	for _, g := range plain {
		s.Groups = append(s.Groups, token.Group{SID: g, Attributes: token.GroupDefault})
	}
	for rid := uint32(547); rid <= 551; rid++ {
		b, _ := sid.New(5, 32, rid)
		s.Groups = append(s.Groups, token.Group{SID: b, Attributes: token.GroupDefault})
	}
	n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
	for _, g := range n.Groups() {
		deny := g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0
		dom := g.SID.SubAuthorities() == 5 && !slices.Contains(plain, g.SID)
		alias := g.SID.SubAuthorities() == 2 && !slices.Contains(plain, g.SID)
		if deny != (dom || alias) {
			t.Errorf("%v deny-only %v", g.SID, deny)
		}
	}
	want := winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeChangeNotifyPrivilege, winnt.SeUndockPrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)
	if n.Present() != want || n.Integrity() != 0x2000 || n.ElevationType() != 3 || n.Owner() != userU ||
		!n.IsFiltered() || n.IsElevated() || n.IsAdmin() {
		t.Errorf("privileges %v integrity %#x elevation %d owner %v", n.Present().Names(), n.Integrity(), n.ElevationType(),
			n.Owner())
	}
	low := setup()
	low.Integrity = sid.LowLevel
	if n := filter(t, must(t, low), token.FilterSpec{Flags: winnt.LUA_TOKEN}); n.Integrity() != 0x1000 {
		t.Error("T-65: LUA_TOKEN raised the integrity")
	}
}

// T-67: what NtFilterTokenEx adds.
func TestFilterDevice(t *testing.T) {
	a, b, c := account(4001), account(4002), account(4003)
	s := setup()
	s.DeviceGroups = []token.Group{{SID: a, Attributes: token.GroupDefault}, {SID: b, Attributes: token.GroupDefault}}
	n := filter(t, must(t, s), token.FilterSpec{DisableDevice: []sid.SID{a}, RestrictDevice: restricting(b, c)})
	if n.DeviceBits().Has(0) || !n.DeviceDenyBits().Has(0) || !n.DeviceBits().Has(1) {
		t.Error("T-67: device group a must be deny-only, b untouched")
	}
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(c)})
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(a)})
	if n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(c)}); n.RestrictedDeviceSet() == nil ||
		n.RestrictedDeviceSet().Len() != 0 {
		t.Error("T-67: the empty intersection must not become no list")
	}
}

// TC-30, T-71, T-72.
func TestAdjustPrivileges(t *testing.T) {
	tok := must(t, setup())
	n, prev, st := tok.AdjustPrivileges(200, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable Shutdown", st, ntstatus.Success)
	if !n.Has(winnt.SeShutdownPrivilege) || n.ModifiedID() != 200 || len(prev) != 1 ||
		prev[0] != (token.PrivilegeChange{LUID: 19}) {
		t.Errorf("enabled %v modified %v previous %v", n.Enabled().Names(), n.ModifiedID(), prev)
	}
	n, prev, st = tok.AdjustPrivileges(201, false, []token.PrivilegeChange{enable(winnt.SeTcbPrivilege), {LUID: 1 << 40},
		{LUID: 99}})
	wantStatus(t, "enable SeTcb", st, ntstatus.NotAllAssigned)
	if n != tok || prev != nil || n.ModifiedID() != 100 {
		t.Error("T-72: nothing changed, so ModifiedId stays and nothing is added")
	}
	n, prev, st = tok.AdjustPrivileges(202, true, []token.PrivilegeChange{enable(winnt.SeTcbPrivilege)})
	wantStatus(t, "T-71: disable all ignores the list", st, ntstatus.Success)
	if n.Enabled() != 0 || n.Present() != tok.Present() || len(prev) != 1 || prev[0].Attributes != 3 {
		t.Errorf("disable all: enabled %v previous %v", n.Enabled().Names(), prev)
	}
}

// TC-32: REMOVED is for ever, and ENABLED beside it is ignored.
func TestRemovePrivilege(t *testing.T) {
	tok := must(t, setup())
	n, prev, st := tok.AdjustPrivileges(200, false,
		[]token.PrivilegeChange{{LUID: 19, Attributes: winnt.SE_PRIVILEGE_REMOVED | winnt.SE_PRIVILEGE_ENABLED}})
	wantStatus(t, "remove Shutdown", st, ntstatus.Success)
	if len(prev) != 1 || prev[0].LUID != 19 || n.Present().Has(winnt.SeShutdownPrivilege) {
		t.Errorf("previous %v: a removed one is listed too", prev)
	}
	_, _, st = n.AdjustPrivileges(201, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable it again", st, ntstatus.NotAllAssigned)
}

// TC-33: what Previous reports restores the state exactly.
func TestPreviousRestores(t *testing.T) {
	tok := must(t, setup())
	changes := []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege), {LUID: 23}, {LUID: 19},
		enable(winnt.SeShutdownPrivilege)}
	n, prev, _ := tok.AdjustPrivileges(200, false, changes)
	back, _, st := n.AdjustPrivileges(201, false, prev)
	wantStatus(t, "restore", st, ntstatus.Success)
	for p, a := range tok.Privileges() {
		for q, b := range back.Privileges() {
			if p == q && a != b {
				t.Errorf("%v: %#x, was %#x", p, b, a)
			}
		}
	}
	g, prevG, _ := tok.AdjustGroups(202, false, []token.Group{{SID: groupG1},
		{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	if back, _, st := g.AdjustGroups(203, false, prevG); st != ntstatus.Success || !back.Equal(tok) || g.Equal(tok) {
		t.Errorf("groups: %v, previous %v", st, prevG)
	}
}

// TC-35, T-75: one refusal and nothing at all is changed.
func TestAdjustGroupsRefusals(t *testing.T) {
	deny, logon := account(2003), sid.Logon(0, 77)
	tok := must(t, setup(token.Group{SID: deny, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		token.Group{SID: logon, Attributes: winnt.SE_GROUP_LOGON_ID | winnt.SE_GROUP_ENABLED}))
	on := winnt.SE_GROUP_ENABLED
	for _, c := range []struct {
		name   string
		change token.Group
		want   ntstatus.Status
	}{
		{"disable Users", token.Group{SID: sid.Users}, ntstatus.CantDisableMandatory},
		{"disable U", token.Group{SID: userU}, ntstatus.CantDisableMandatory},
		{"disable the logon SID", token.Group{SID: logon}, ntstatus.CantDisableMandatory},
		{"disable the integrity entry", token.Group{SID: sid.MediumLevel}, ntstatus.CantDisableMandatory},
		{"enable deny-only", token.Group{SID: deny, Attributes: on}, ntstatus.CantEnableDenyOnly},
	} {
		n, prev, st := tok.AdjustGroups(200, false, []token.Group{{SID: groupG1}, c.change})
		wantStatus(t, c.name, st, c.want)
		if n != tok || prev != nil || !n.Member(groupG1, false) {
			t.Errorf("%s: G1 in the same list was changed", c.name)
		}
	}
	// Enabling the integrity entry or the user is no change; neither becomes a group that grants.
	for _, s := range []sid.SID{sid.MediumLevel, userU} {
		n, prev, st := tok.AdjustGroups(200, false, []token.Group{{SID: s, Attributes: on}})
		wantStatus(t, "T-75: enable "+s.String(), st, ntstatus.Success)
		if n != tok || prev != nil || n.Member(sid.MediumLevel, false) || n.Member(sid.MediumLevel, true) {
			t.Errorf("T-75: enabling %s changed the token: %v", s, prev)
		}
	}
	if n, prev, _ := tok.AdjustGroups(200, true, nil); n.Member(sid.MediumLevel, false) || len(prev) != 0 {
		t.Errorf("T-75: the integrity entry after a reset: %v", prev)
	}
	n, prev, st := tok.AdjustGroups(200, false, []token.Group{{SID: groupG1}, {SID: sid.Everyone, Attributes: on}})
	wantStatus(t, "missing group", st, ntstatus.NotAllAssigned)
	if n.Member(groupG1, false) || len(prev) != 1 || prev[0].SID != groupG1 || prev[0].Attributes != 6 ||
		n.ModifiedID() != 200 {
		t.Errorf("the rest must be applied: previous %v", prev)
	}
}

// TC-36, value part: reset gives every group its default back.
func TestAdjustGroupsReset(t *testing.T) {
	tok := must(t, setup())
	n, _, _ := tok.AdjustGroups(200, false, []token.Group{{SID: groupG1},
		{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	n, prev, st := n.AdjustGroups(201, true, []token.Group{{SID: sid.Users}})
	wantStatus(t, "T-75: reset ignores the list", st, ntstatus.Success)
	if !n.Equal(tok) || len(prev) != 2 {
		t.Errorf("not reset, previous %v", prev)
	}
}

// TC-43, TC-44, TC-45.
func TestSetters(t *testing.T) {
	tok := must(t, setup())
	_, st := tok.WithOwner(200, groupG1)
	wantStatus(t, "owner G1", st, ntstatus.InvalidOwner)
	n, st := tok.WithOwner(200, userU)
	wantStatus(t, "owner U", st, ntstatus.Success)
	if n.ModifiedID() != 200 || n.Owner() != userU {
		t.Error("a set owner is a change")
	}
	// Who is for deny only owns nothing, the user as little as a group.
	for name, s := range map[string]sid.SID{"user": userU, "group": sid.Administrators} {
		spec := setup()
		spec.Groups = append(spec.Groups, token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_OWNER |
			winnt.SE_GROUP_ENABLED})
		able := must(t, spec)
		_, st = able.WithOwner(200, s)
		wantStatus(t, "owner: the "+name, st, ntstatus.Success)
		narrow, _ := able.Filter(token.FilterSpec{Disable: []sid.SID{s}})
		_, st = narrow.WithOwner(200, s)
		wantStatus(t, "owner: the "+name+" for deny only", st, ntstatus.InvalidOwner)
	}
	_, st = tok.WithPrimaryGroup(200, sid.Guests)
	wantStatus(t, "foreign primary group", st, ntstatus.InvalidPrimaryGroup)
	var aces []sd.ACE
	for i := range 120 {
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, account(uint32(i)))
		if err != nil {
			t.Fatal(err)
		}
		aces = append(aces, a)
	}
	big, err := sd.NewACL(aces...)
	if err != nil {
		t.Fatal(err)
	}
	if tok.DynamicCharged() != 500 || tok.DynamicAvailable() != 500-16 {
		t.Errorf("charged %d, available %d, want 500 and 484 beside a primary group of 16 bytes", tok.DynamicCharged(),
			tok.DynamicAvailable())
	}
	_, st = tok.WithDefaultDACL(200, big)
	wantStatus(t, "4 KiB default DACL", st, ntstatus.AllottedSpaceExceeded)
	if n, st = tok.WithDefaultDACL(200, nil); st != ntstatus.Success || n.DefaultDACL() != nil {
		t.Error("nil clears the default DACL")
	}
}

// TC-47, value part: NOT_LOW follows the level (T-1).
func TestIntegrity(t *testing.T) {
	tok := must(t, setup())
	n, st := tok.WithIntegrity(200, sid.LowLevel)
	wantStatus(t, "lower", st, ntstatus.Success)
	if n.Flags()&winnt.TOKEN_NOT_LOW != 0 || tok.Flags()&winnt.TOKEN_NOT_LOW == 0 || n.Integrity() != 0x1000 {
		t.Error("T-1: NOT_LOW is integrity above Low")
	}
	if g := n.IntegrityLevel(); g.SID != sid.LowLevel || g.Attributes != 0x60 {
		t.Errorf("level %v", g)
	}
	_, st = tok.WithIntegrity(200, sid.Everyone)
	wantStatus(t, "S-1-1-0 as a level", st, ntstatus.InvalidParameter)
	bare := setup()
	bare.Integrity = sid.SID{}
	none := must(t, bare)
	if none.Integrity() != 0 || none.IntegrityLevel().SID != sid.UntrustedLevel {
		t.Error("T-4: no entry counts as Untrusted")
	}
	if n, st = none.WithIntegrity(200, sid.HighLevel); st != ntstatus.Success || n.Integrity() != 0x3000 ||
		n.ModifiedID() != 200 {
		t.Error("a level where there was none")
	}
}

// TC-49, T-100: a duplicate is equal, and is not after disabling everything.
func TestEqual(t *testing.T) {
	tok := must(t, setup())
	dup := tok.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	off, _, _ := tok.AdjustPrivileges(200, true, nil)
	if !tok.Equal(dup) || tok.Equal(off) || off.Equal(tok) {
		t.Error("duplicate equal, all disabled not")
	}
	s := setup()
	slices.Reverse(s.Groups)
	s.SessionID, s.Source.Name, s.PrimaryGroup = 9, "x", userU
	if !tok.Equal(must(t, s)) {
		t.Error("T-100: order, session, source and defaults do not matter")
	}
	disabled, denyOnly := must(t, setup(token.Group{SID: sid.Everyone})),
		must(t, setup(token.Group{SID: sid.Everyone, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}))
	if disabled.Equal(denyOnly) || denyOnly.Equal(disabled) {
		t.Error("T-100: a group for deny only is not a disabled one")
	}
	s = setup()
	s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	if tok.Equal(must(t, s)) || must(t, s).Equal(tok) {
		t.Error("T-100: a user for deny only is not an ordinary one")
	}
	for name, o := range map[string]*token.Token{
		"G1 disabled":      first(tok.AdjustGroups(1, false, []token.Group{{SID: groupG1}})),
		"Users deny-only":  filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Users}}),
		"restricted":       filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}),
		"effective only":   tok.EffectiveOnly(),
		"one group more":   must(t, setup(token.Group{SID: sid.Everyone, Attributes: 7})),
		"an AppContainer":  lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"),
		"lower integrity":  second(tok.WithIntegrity(1, sid.LowLevel)),
		"privilege absent": filter(t, tok, token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}),
	} {
		if tok.Equal(o) || o.Equal(tok) {
			t.Errorf("%s: equal", name)
		}
	}
	a, b := lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"), lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-2")
	if a.Equal(b) || !a.Equal(lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1")) {
		t.Error("T-100: capabilities count")
	}
}

func first(t *token.Token, _ []token.Group, _ ntstatus.Status) *token.Token { return t }
func second(t *token.Token, _ ntstatus.Status) *token.Token                 { return t }

func lowbox(t testing.TB, tok *token.Token, pkg string, caps ...string) *token.Token {
	t.Helper()
	l := token.LowBoxSpec{Package: sid.MustParse(pkg), Number: 4, ModifiedID: 300}
	for _, c := range caps {
		l.Capabilities = append(l.Capabilities, token.Group{SID: sid.MustParse(c)})
	}
	n, st := tok.LowBox(l)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return n
}

// TC-51, T-101.
func TestPrivilegeCheck(t *testing.T) {
	tok := must(t, setup())
	set := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege)
	ok, used := tok.PrivilegeCheck(set, true)
	if ok || used != winnt.SeChangeNotifyPrivilege.Bit() {
		t.Errorf("ALL: %v, used %v", ok, used.Names())
	}
	ok, used = tok.PrivilegeCheck(set, false)
	if !ok || used != winnt.SeChangeNotifyPrivilege.Bit() {
		t.Errorf("ANY: %v, used %v", ok, used.Names())
	}
	if all, _ := tok.PrivilegeCheck(0, true); !all {
		t.Error("empty set, ALL: want true")
	}
	if some, _ := tok.PrivilegeCheck(0, false); some {
		t.Error("empty set, ANY: want false")
	}
}

// T-69: AppContainer tokens.
func TestLowBox(t *testing.T) {
	tok := must(t, setup()).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityDelegation)
	n := lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1")
	if n.Integrity() != 0x1000 || n.Flags()&winnt.TOKEN_LOWBOX == 0 || n.Type() != winnt.TokenPrimary ||
		n.Level() != 0 || n.LowBoxNumber() != 4 || !n.CapabilityBits().Has(0) {
		t.Error("integrity Low, LOWBOX, primary, its number, capability enabled")
	}
	for _, bad := range []token.LowBoxSpec{
		{Package: sid.Everyone},
		{Package: sid.MustParse("S-1-15-3-1")},
		{Package: sid.MustParse("S-1-15-2-1-2-3"), Capabilities: []token.Group{{SID: sid.Everyone}}},
	} {
		_, st := tok.LowBox(bad)
		wantStatus(t, "T-69", st, ntstatus.InvalidParameter)
	}
	_, st := n.LowBox(token.LowBoxSpec{Package: sid.MustParse("S-1-15-2-9-9-9")})
	wantStatus(t, "an AppContainer's token again", st, ntstatus.InvalidParameter)
	withList := setup()
	withList.DefaultDACL = sddl.MustParse("D:(D;;GW;;;BG)(A;;GA;;;BA)").DACL()
	list := lowbox(t, must(t, withList), "S-1-15-2-1-2-3").DefaultDACL()
	if text, _ := sddl.Format(sd.New(sd.Parts{DACL: list}),
		sddl.Options{}); text != "D:(D;;GW;;;BG)(A;;GA;;;BA)(A;;GA;;;S-1-15-2-1-2-3)" {
		t.Errorf("T-131: default DACL %s", text)
	}
	if n.DefaultDACL() != nil {
		t.Error("T-131: a token without a default DACL gets none")
	}
	for level, want := range map[uint32]uint32{0: 0, 0x800: 0x800, 0x1000: 0x1000, 0x1001: 0x1000, 0x1800: 0x1000,
		0x1FFF: 0x1000, 0x2100: 0x1000, 0x4000: 0x1000} {
		s := setup()
		s.Integrity = sid.IntegrityLevel(level)
		if n := lowbox(t, must(t, s), "S-1-15-2-1-2-3"); n.Integrity() != want {
			t.Errorf("T-69: from level %#x to %#x, want %#x", level, n.Integrity(), want)
		}
	}
	s := setup()
	s.Integrity = sid.SID{}
	if n := lowbox(t, must(t, s), "S-1-15-2-1-2-3"); n.Integrity() != 0 {
		t.Error("a token without integrity level must not rise to Low")
	}
}

// T-103: SeTokenIsAdmin.
func TestIsAdmin(t *testing.T) {
	admin := must(t, token.Administrator(userU))
	for _, c := range []struct {
		name string
		tok  *token.Token
		want bool
	}{
		{"elevated administrator", admin, true},
		{"limited administrator", must(t, token.LimitedAdministrator(userU)), false},
		{"standard user", must(t, token.StandardUser(userU)), false},
		{"system", must(t, token.LocalSystem()), true},
		{"disabled group", must(t, setup(token.Group{SID: sid.Administrators})), true},
		{"deny-only", filter(t, admin, token.FilterSpec{Disable: []sid.SID{sid.Administrators}}), false},
		{"restricted to others", filter(t, admin, token.FilterSpec{Restrict: restricting(sid.Users)}), false},
		{"restricted to it", filter(t, admin, token.FilterSpec{Restrict: restricting(sid.Users, sid.Administrators)}), true},
	} {
		if got := c.tok.IsAdmin(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// T-64: what one filter marked stays marked after the next, whatever that takes away.
func TestFilterKeepsMarks(t *testing.T) {
	tok, err := token.New(token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500")))
	if err != nil {
		t.Fatal(err)
	}
	first, st := tok.Filter(token.FilterSpec{Flags: winnt.SANDBOX_INERT | winnt.DISABLE_MAX_PRIVILEGE})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for name, f := range map[string]token.FilterSpec{"nothing": {}, "a group": {Disable: []sid.SID{sid.Administrators}},
		"a restriction": {Restrict: []token.Group{{SID: sid.Everyone}}}, "administration": {Flags: winnt.LUA_TOKEN}} {
		n, st := first.Filter(f)
		if st != ntstatus.Success || !n.SandboxInert() || !n.IsFiltered() {
			t.Errorf("%s: %v, inert %t, filtered %t", name, st, n.SandboxInert(), n.IsFiltered())
		}
	}
	if tok.SandboxInert() || tok.IsFiltered() {
		t.Error("the token that was filtered is marked")
	}
}

// T-71: a privilege that was removed is gone from every set, and so are its defaults.
func TestRemovedPrivilegeLeavesNothing(t *testing.T) {
	tok, err := token.New(token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500")))
	if err != nil {
		t.Fatal(err)
	}
	all := tok.Present()
	for p := range all.All {
		n, _, st := tok.AdjustPrivileges(1, false, []token.PrivilegeChange{{LUID: p.LUID(),
			Attributes: winnt.SE_PRIVILEGE_REMOVED}})
		if st != ntstatus.Success || n.Present() != all&^p.Bit() || n.Enabled() != tok.Enabled()&^p.Bit() ||
			n.DefaultPrivileges() != tok.DefaultPrivileges()&^p.Bit() {
			t.Errorf("%v: %v, %v, %v, %v", p, st, n.Present(), n.Enabled(), n.DefaultPrivileges())
		}
	}
}

// A group that counts for denials only is no owner, also where it was one that could be.
func TestOwnerForDenialOnly(t *testing.T) {
	tok := must(t, setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER}))
	if n, st := tok.WithOwner(1, sid.Administrators); st != ntstatus.Success || n.Owner() != sid.Administrators {
		t.Errorf("before: %v", st)
	}
	n := filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Administrators}})
	if _, st := n.WithOwner(1, sid.Administrators); st != ntstatus.InvalidOwner {
		t.Errorf("after a filter: %v, want STATUS_INVALID_OWNER", st)
	}
}
