package token_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// AdjustPrivileges enables held privileges and returns their old state. It skips privileges that are not held and
// returns NotAllAssigned. Disabling all ignores the list (TC-30, T-71, T-72).
func TestAdjustPrivilegesSkipsMissingOnes(t *testing.T) {
	tok := must(t, setup())
	n, prev, st := tok.AdjustPrivileges(200, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable SeShutdownPrivilege", st, ntstatus.Success)
	if !n.Has(winnt.SeShutdownPrivilege) || n.ModifiedID() != 200 || len(prev) != 1 ||
		prev[0] != (token.PrivilegeChange{LUID: 19}) {
		t.Errorf("after enabling SeShutdownPrivilege: enabled %v, ModifiedID %v, previous %v; want it enabled, "+
			"200, one entry", n.Enabled().Names(), n.ModifiedID(), prev)
	}
	n, prev, st = tok.AdjustPrivileges(201, false, []token.PrivilegeChange{enable(winnt.SeTcbPrivilege), {LUID: 1 << 40},
		{LUID: 99}})
	wantStatus(t, "enable privileges that are not held", st, ntstatus.NotAllAssigned)
	if n != tok || prev != nil || n.ModifiedID() != 100 {
		t.Errorf("T-72: after enabling privileges that are not held: same token %t, previous %v, ModifiedID %v; "+
			"want true, nil, 100", n == tok, prev, n.ModifiedID())
	}
	n, prev, st = tok.AdjustPrivileges(202, true, []token.PrivilegeChange{enable(winnt.SeTcbPrivilege)})
	wantStatus(t, "T-71: disable all, with a list that it ignores", st, ntstatus.Success)
	if n.Enabled() != 0 || n.Present() != tok.Present() || len(prev) != 1 || prev[0].Attributes != 3 {
		t.Errorf("T-71: after disabling all: enabled %v, previous %v; want none, and one entry that was enabled",
			n.Enabled().Names(), prev)
	}
}

// REMOVED removes a privilege permanently. ENABLED in the same change is ignored (TC-32).
func TestRemovedPrivilegeStaysRemoved(t *testing.T) {
	tok := must(t, setup())
	n, prev, st := tok.AdjustPrivileges(200, false,
		[]token.PrivilegeChange{{LUID: 19, Attributes: winnt.SE_PRIVILEGE_REMOVED | winnt.SE_PRIVILEGE_ENABLED}})
	wantStatus(t, "remove SeShutdownPrivilege", st, ntstatus.Success)
	if len(prev) != 1 || prev[0].LUID != 19 || n.Present().Has(winnt.SeShutdownPrivilege) {
		t.Errorf("after removing SeShutdownPrivilege: previous %v, held %v; want one entry, and the privilege "+
			"not held", prev, n.Present().Names())
	}
	_, _, st = n.AdjustPrivileges(201, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable a removed privilege", st, ntstatus.NotAllAssigned)
}

// Adjusting a token by the previous state that an adjustment returned restores the token exactly (TC-33).
func TestPreviousStateRestoresToken(t *testing.T) {
	tok := must(t, setup())
	changes := []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege), {LUID: 23}, {LUID: 19},
		enable(winnt.SeShutdownPrivilege)}
	n, prev, _ := tok.AdjustPrivileges(200, false, changes)
	back, _, st := n.AdjustPrivileges(201, false, prev)
	wantStatus(t, "AdjustPrivileges with the previous state", st, ntstatus.Success)
	for p, a := range tok.Privileges() {
		for q, b := range back.Privileges() {
			if p == q && a != b {
				t.Errorf("restored privilege %v has attributes %#x, want %#x", p, b, a)
			}
		}
	}
	g, prevG, _ := tok.AdjustGroups(202, false, []token.Group{{SID: groupG1},
		{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	if back, _, st := g.AdjustGroups(203, false, prevG); st != ntstatus.Success || !back.Equal(tok) || g.Equal(tok) {
		t.Errorf("AdjustGroups with the previous state %v: %v, want %v and the original token", prevG, st,
			ntstatus.Success)
	}
}

// If one change is rejected, AdjustGroups changes no group. Entries for the user and the integrity level never become
// groups that grant access (TC-35, T-75).
func TestAdjustGroupsChangesAllOrNothing(t *testing.T) {
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
			t.Errorf("%s: the token or its group G1 changed, or previous = %v is not nil", c.name, prev)
		}
	}
	// Enabling the integrity entry or the user changes nothing.
	for _, s := range []sid.SID{sid.MediumLevel, userU} {
		n, prev, st := tok.AdjustGroups(200, false, []token.Group{{SID: s, Attributes: on}})
		wantStatus(t, "T-75: enable "+s.String(), st, ntstatus.Success)
		if n != tok || prev != nil || n.Member(sid.MediumLevel, false) || n.Member(sid.MediumLevel, true) {
			t.Errorf("T-75: enabling %s: same token %t, previous %v, the integrity entry matches allow %t, deny "+
				"%t; want true, nil, false, false", s, n == tok, prev, n.Member(sid.MediumLevel, false),
				n.Member(sid.MediumLevel, true))
		}
	}
	if n, prev, _ := tok.AdjustGroups(200, true, nil); n.Member(sid.MediumLevel, false) || len(prev) != 0 {
		t.Errorf("T-75: after a reset the integrity entry matches: %t, previous %v; want false, none",
			n.Member(sid.MediumLevel, false), prev)
	}
	n, prev, st := tok.AdjustGroups(200, false, []token.Group{{SID: groupG1}, {SID: sid.Everyone, Attributes: on}})
	wantStatus(t, "adjust a group that the token does not have", st, ntstatus.NotAllAssigned)
	if n.Member(groupG1, false) || len(prev) != 1 || prev[0].SID != groupG1 || prev[0].Attributes != 6 ||
		n.ModifiedID() != 200 {
		t.Errorf("with one missing group: G1 enabled %t, previous %v, ModifiedID %v; want false, G1 with "+
			"attributes 6, 200", n.Member(groupG1, false), prev, n.ModifiedID())
	}
}

// A reset gives every group its default state and ignores the list (TC-36).
func TestAdjustGroupsResetRestoresDefaults(t *testing.T) {
	tok := must(t, setup())
	n, _, _ := tok.AdjustGroups(200, false, []token.Group{{SID: groupG1},
		{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	n, prev, st := n.AdjustGroups(201, true, []token.Group{{SID: sid.Users}})
	wantStatus(t, "T-75: reset, with a list that it ignores", st, ntstatus.Success)
	if !n.Equal(tok) || len(prev) != 2 {
		t.Errorf("reset: token equals the original %t, previous %v; want true, two entries", n.Equal(tok), prev)
	}
}

// A removed privilege is no longer held, enabled or a default (T-71).
func TestRemovedPrivilegeIsInNoSet(t *testing.T) {
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
			t.Errorf("removing %v: %v, held %v, enabled %v, defaults %v; want the privilege in none of them", p, st,
				n.Present(), n.Enabled(), n.DefaultPrivileges())
		}
	}
}
