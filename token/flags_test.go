package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// IsElevated, IsSandboxed and SessionDropped follow the elevation type, the level and the flags (classes 20 and 47,
// T-65).
func TestIsElevatedFollowsTypeAndLevel(t *testing.T) {
	for _, c := range []struct {
		kind                uint32
		level               sid.SID
		flags               uint32
		elevated, sandboxed bool
	}{
		{1, sid.MediumLevel, 0, false, false}, {1, sid.HighLevel, 0, true, false}, {1, sid.SystemLevel, 0, true, false},
		{1, sid.IntegrityLevel(0x2FFF), 0, false, false}, {2, sid.MediumLevel, 0, true, false},
		{3, sid.HighLevel, 0, false, false}, {3, sid.MediumLevel, winnt.TOKEN_IS_FILTERED, false, true},
		{1, sid.MediumLevel, winnt.TOKEN_IS_FILTERED, false, false},
	} {
		s := setup()
		s.ElevationType, s.Integrity, s.Flags = c.kind, c.level, c.flags
		tok := must(t, s)
		check.That(t, tok.IsElevated() == c.elevated && tok.IsSandboxed() == c.sandboxed && !tok.SessionDropped(),
			"%+v: elevated %t, sandboxed %t, session dropped %t; want false for the last", c, tok.IsElevated(),
			tok.IsSandboxed(), tok.SessionDropped())
		s.Flags |= winnt.TOKEN_SESSION_NOT_REFERENCED
		check.That(t, must(t, s).SessionDropped(), "SessionDropped with TOKEN_SESSION_NOT_REFERENCED = false, want true")
	}
}

// PrivilegeCheck for all or any of a set returns the enabled privileges that it used. An empty set has all and not
// any (TC-51, T-101).
func TestPrivilegeCheckReturnsUsedPrivileges(t *testing.T) {
	tok := must(t, setup())
	set := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege)
	ok, used := tok.PrivilegeCheck(set, true)
	check.That(t, !ok && used == winnt.SeChangeNotifyPrivilege.Bit(),
		"PrivilegeCheck for all: %v, used %v; want false, SeChangeNotifyPrivilege", ok, used.Names())
	ok, used = tok.PrivilegeCheck(set, false)
	check.That(t, ok && used == winnt.SeChangeNotifyPrivilege.Bit(),
		"PrivilegeCheck for any: %v, used %v; want true, SeChangeNotifyPrivilege", ok, used.Names())
	all, _ := tok.PrivilegeCheck(0, true)
	check.That(t, all, "PrivilegeCheck for all of an empty set = false, want true")
	some, _ := tok.PrivilegeCheck(0, false)
	check.That(t, !some, "PrivilegeCheck for any of an empty set = true, want false")
}
