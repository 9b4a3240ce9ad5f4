package token_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// IsElevated, IsSandboxed and SessionDropped follow the elevation type, the level and the flags (classes 20 and 47,
// T-65).
func TestIsElevatedFollowsTypeAndLevel(t *testing.T) {
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
			t.Errorf("%+v: elevated %t, sandboxed %t, session dropped %t; want false for the last", c,
				tok.IsElevated(), tok.IsSandboxed(), tok.SessionDropped())
		}
		s.Flags |= winnt.TOKEN_SESSION_NOT_REFERENCED
		if !must(t, s).SessionDropped() {
			t.Error("SessionDropped with TOKEN_SESSION_NOT_REFERENCED = false, want true")
		}
	}
}

// PrivilegeCheck for all or any of a set returns the enabled privileges that it used. An empty set has all and not
// any (TC-51, T-101).
func TestPrivilegeCheckAllOrAny(t *testing.T) {
	tok := must(t, setup())
	set := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege)
	ok, used := tok.PrivilegeCheck(set, true)
	if ok || used != winnt.SeChangeNotifyPrivilege.Bit() {
		t.Errorf("PrivilegeCheck for all: %v, used %v; want false, SeChangeNotifyPrivilege", ok, used.Names())
	}
	ok, used = tok.PrivilegeCheck(set, false)
	if !ok || used != winnt.SeChangeNotifyPrivilege.Bit() {
		t.Errorf("PrivilegeCheck for any: %v, used %v; want true, SeChangeNotifyPrivilege", ok, used.Names())
	}
	if all, _ := tok.PrivilegeCheck(0, true); !all {
		t.Error("PrivilegeCheck for all of an empty set = false, want true")
	}
	if some, _ := tok.PrivilegeCheck(0, false); some {
		t.Error("PrivilegeCheck for any of an empty set = true, want false")
	}
}

// IsAdmin needs Administrators as an enabled group that no restriction excludes (T-103).
func TestIsAdminNeedsEnabledAdministrators(t *testing.T) {
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
			t.Errorf("IsAdmin of %s = %v, want %v", c.name, got, c.want)
		}
	}
}

// Spec.Flags and WithFlags set only flags that no other field determines. WithFlags changes no other bit (T-1).
func TestSettableFlagsAreKept(t *testing.T) {
	given := map[uint32]bool{}
	for _, bit := range []uint32{winnt.TOKEN_UIACCESS, winnt.TOKEN_SESSION_NOT_REFERENCED, winnt.TOKEN_IS_FILTERED,
		winnt.TOKEN_VIRTUALIZE_ALLOWED, winnt.TOKEN_VIRTUALIZE_ENABLED, winnt.SE_BACKUP_PRIVILEGES_CHECKED,
		winnt.TOKEN_HAS_OWN_CLAIM_ATTRIBUTES, winnt.TOKEN_PRIVATE_NAMESPACE, winnt.TOKEN_NO_CHILD_PROCESS,
		winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE, winnt.TOKEN_AUDIT_NO_CHILD_PROCESS} {
		given[bit] = true
	}
	free := must(t, setup()).Flags()
	for bit := uint32(1); bit != 0; bit <<= 1 {
		s := setup()
		s.Flags = bit
		want := free
		if given[bit] {
			want |= bit
		}
		tok := must(t, s)
		if got := tok.Flags(); got != want {
			t.Errorf("T-1: New with flag %#x: flags %#x, want %#x", bit, got, want)
		}
		if bit == winnt.TOKEN_IS_FILTERED { // only Filter sets this flag
			want = free
		}
		if got := must(t, setup()).WithFlags(7, bit, 0); got.Flags() != want || got.ModifiedID() != 7 {
			t.Errorf("T-1: WithFlags that sets %#x: flags %#x, ModifiedID %v; want %#x, 7", bit, got.Flags(),
				got.ModifiedID(), want)
		}
		want = tok.Flags()
		if given[bit] && bit != winnt.TOKEN_IS_FILTERED {
			want = free
		}
		if got := tok.WithFlags(7, 0, bit).Flags(); got != want {
			t.Errorf("T-1: WithFlags that clears %#x: flags %#x, want %#x", bit, got, want)
		}
	}
}
