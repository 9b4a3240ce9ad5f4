package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

const joinFile = `domain: S-1-5-21-1-2-3
users:
  - {name: one, sid: S-1-5-21-1-2-3-1107, memberOf: [in], claims: {x: 1}}
  - {name: two, sid: S-1-5-21-1-2-3-1108, memberOf: [in, %s]}
groups:
  - {name: in, sid: S-1-5-21-1-2-3-2000}
  - {name: plain, sid: S-1-5-21-1-2-3-2001, memberOf: [outer]}
  - {name: outer, sid: S-1-5-21-1-2-3-2002, memberOf: [plain, in]}
  - {name: admins, sid: S-1-5-21-1-2-3-2003, memberOf: [outer, BA]}
  - {name: posix, sid: S-1-5-21-1-2-3-2004, gid: 100}
`

// TestJoinedGroupGivesItsGroupsAndPrivileges: who joins a group has the groups and privileges of a user who was in it
// all the time (B-8).
func TestJoinedGroupGivesItsGroupsAndPrivileges(t *testing.T) {
	for _, group := range []string{"in", "plain", "admins", "posix", "S-1-5-21-9-9-9-5000", "S-1-22-2-100"} {
		d := must(dirfile.Read(fmt.Appendf(nil, joinFile, group)))
		s, err := sid.Parse(group)
		if err != nil {
			names := []string{"in", "plain", "outer", "admins", "posix"}
			s = sid.MustParse(fmt.Sprint("S-1-5-21-1-2-3-", 2000+slices.Index(names, group)))
		}
		if listed := !strings.HasPrefix(group, "S-1-5-21-9"); d.IsGroup(s) != listed {
			t.Errorf("IsGroup(%s) = %t, want %t", group, !listed, listed)
		}
		got, want := must(d.Join(d.Principals[0].Token, s)), d.Principals[1].Token
		if g, w := groupsOf(got), groupsOf(want); !slices.Equal(g, w) {
			t.Errorf("%s: %v, want %v", group, g, w)
		}
		if g, w := got.Spec(), want.Spec(); g.Privileges != w.Privileges || g.EnabledPrivileges != w.EnabledPrivileges ||
			g.Integrity != w.Integrity || g.ElevationType != w.ElevationType || got.Integrity() != want.Integrity() {
			t.Errorf("%s: %+v\nwant %+v", group, g, w)
		}
		if got.UserClaims().Len() != 1 {
			t.Errorf("%s: %d user claims after the join, want 1", group, got.UserClaims().Len())
		}
	}
	alone := &directory.Directory{Principals: []directory.Principal{{Name: "x",
		Token: must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-4"))))}}}
	joined := must(alone.Join(alone.Principals[0].Token, sid.MustParse("S-1-5-21-1-2-3-5")))
	if alone.IsGroup(sid.Administrators) || !slices.Contains(groupsOf(joined), "S-1-5-21-1-2-3-5") {
		t.Errorf("groups of a token of no file: %v, want the joined group, and none in the directory alone",
			groupsOf(joined))
	}
}

func groupsOf(t *token.Token) (out []string) {
	for _, g := range t.Groups() {
		out = append(out, g.SID.String())
	}
	slices.Sort(out)
	return out
}
