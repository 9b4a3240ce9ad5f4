package unix_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestConfiguredPrivilegesReachOnlyTheirUID checks that configured privileges are added to those of the user's kind,
// enabled and by default. Other uids do not get them, and neither does 65534 (L-25, W-15).
func TestConfiguredPrivilegesReachOnlyTheirUID(t *testing.T) {
	s := open(t, nil)
	more := map[uint32]winnt.PrivilegeSet{4711: winnt.Privileges(winnt.SeDebugPrivilege, winnt.SeTcbPrivilege),
		65534: winnt.SeTcbPrivilege.Bit()}
	type identity interface {
		LogOn(*unix.Peer, bool) (logon.Result, error)
	}
	for name, c := range map[string]struct{ bare, given identity }{
		"accounts": {unix.Accounts{}, unix.Accounts{Privileges: more}},
		"a store":  {unix.Stored{Store: s}, unix.Stored{Store: s, Privileges: more}}} {
		for uid, want := range map[uint32]winnt.PrivilegeSet{4711: more[4711], 4712: 0, 65534: 0} {
			bare, err := c.bare.LogOn(&unix.Peer{Known: true, UID: uid, GID: 4711}, false)
			check.NoError(t, err)
			given, err := c.given.LogOn(&unix.Peer{Known: true, UID: uid, GID: 4711}, false)
			check.NoError(t, err)
			check.That(t, name != "a store" || uid == 65534 || bare.Token.DefaultPrivileges != 0,
				"%s: uid %d has no privilege of its kind", name, uid)
			of := func(s *token.Spec, more winnt.PrivilegeSet) [3]winnt.PrivilegeSet {
				return [3]winnt.PrivilegeSet{s.Privileges | more, s.EnabledPrivileges | more, s.DefaultPrivileges | more}
			}
			check.Equal(t, of(&given.Token, 0), of(&bare.Token, want), "%s: privileges of uid %d", name, uid)
		}
	}
}

// TestConfiguredPrivilegesAreInBothTokens checks that both tokens of an administrator's pair have the configured
// privileges, enabled, whichever of them the peer gets (L-79).
func TestConfiguredPrivilegesAreInBothTokens(t *testing.T) {
	s := open(t, nil)
	owner := uint32(os.Getuid())
	more := winnt.Privileges(winnt.SeImpersonatePrivilege, winnt.SeLockMemoryPrivilege)
	identity := unix.Stored{Store: s, Privileges: map[uint32]winnt.PrivilegeSet{owner: more}}
	for _, full := range []bool{false, true} {
		r, err := identity.LogOn(&unix.Peer{Known: true, UID: owner}, full)
		check.RequireThat(t, err == nil && r.Linked != nil, "L-79: full %t: %v, %v, want a pair", full, r.Linked, err)
		for which, spec := range map[string]*token.Spec{"its token": &r.Token, "the linked one": r.Linked} {
			if got := spec.Privileges & spec.EnabledPrivileges & spec.DefaultPrivileges & more; got != more {
				t.Errorf("L-79: full %t: %s has %v of the configured privileges, want %v", full, which, got.Names(), more.Names())
			}
		}
	}
}

// TestZeroPeerIsNobody checks that a peer that was not identified gets no token, although its uid is that of the
// superuser.
func TestZeroPeerIsNobody(t *testing.T) {
	s := open(t, nil)
	root := []uint32{0}
	for name, logOn := range map[string]func(*unix.Peer, bool) (logon.Result, error){
		"accounts": unix.Accounts{Administrators: root}.LogOn,
		"stored":   unix.Stored{Store: s, Administrators: root}.LogOn,
	} {
		for _, full := range []bool{false, true} {
			r, err := logOn(&unix.Peer{}, full)
			check.That(t, errors.Is(err, fs.ErrPermission) && r.Token.User.SID.IsZero(),
				"%s, full %t: token of %v, error %v, want none and %v", name, full, r.Token.User.SID, err, fs.ErrPermission)
		}
	}
}

// listed is a host with a user in one group, and a user whose groups cannot be read.
type listed struct{ lsa.Hosts }

func (listed) UserName(context.Context, uint32) (string, bool) { return "", false }

func (listed) GroupsOf(_ context.Context, uid uint32) ([]uint32, bool) {
	return map[uint32][]uint32{4711: {100, 50}}[uid], uid != 4712
}

// TestForeignPeerKeepsGroups checks that a peer in a user namespace has the groups of the host in addition to its own,
// and is refused if they cannot be read. Other peers have only their own (W-102).
func TestForeignPeerKeepsGroups(t *testing.T) {
	s := open(t, listed{})
	for _, c := range []struct {
		peer unix.Peer
		want []string // nil: rejected
	}{
		{unix.Peer{Known: true, UID: 4711, GID: 100000, Foreign: true}, []string{"100000", "100", "50"}},
		{unix.Peer{Known: true, UID: 4711, GID: 100, Groups: []uint32{50}, Foreign: true}, []string{"100", "50"}},
		{unix.Peer{Known: true, UID: 4711, GID: 100}, []string{"100"}},
		{unix.Peer{Known: true, UID: 4713, GID: 7, Foreign: true}, []string{"7"}},
		{unix.Peer{Known: true, UID: 4712, GID: 7}, []string{"7"}},
		{unix.Peer{Known: true, UID: 4712, GID: 7, Foreign: true}, nil},
	} {
		r, err := unix.Stored{Store: s}.LogOn(&c.peer, false)
		check.Equal(t, err == nil, c.want != nil, "W-102: %+v: %v", c.peer, err)
		check.That(t, err == nil || strings.Contains(err.Error(), "getent"), "%v: names no source of groups", err)
		var got []string
		for _, g := range r.Token.Groups {
			if gid, is := strings.CutPrefix(g.SID.String(), "S-1-22-2-"); is {
				got = append(got, gid)
			}
		}
		check.That(t, slices.Equal(got, c.want), "W-102: %+v: groups %v, want %v", c.peer, got, c.want)
	}
}
