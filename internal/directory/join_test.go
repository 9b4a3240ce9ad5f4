package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

const joinFile = `domain: S-1-5-21-1-2-3
users:
  - {name: one, sid: S-1-5-21-1-2-3-1107, memberOf: [%s], claims: {x: 1}}
groups:
  - {name: in, sid: S-1-5-21-1-2-3-2000}
  - {name: plain, sid: S-1-5-21-1-2-3-2001, memberOf: [outer]}
  - {name: outer, sid: S-1-5-21-1-2-3-2002, memberOf: [plain, in]}
  - {name: admins, sid: S-1-5-21-1-2-3-2003, memberOf: [outer, BA]}
  - {name: posix, sid: S-1-5-21-1-2-3-2004, gid: 100}
`

// TestJoinedGroupGivesItsGroupsAndPrivileges checks that a user who joins a group gets the groups and privileges of a
// user who was in it before (B-8).
func TestJoinedGroupGivesItsGroupsAndPrivileges(t *testing.T) {
	for _, group := range []string{"in", "plain", "admins", "posix", "S-1-5-21-9-9-9-5000", "S-1-22-2-100"} {
		d := check.Must(dirfile.Read(fmt.Appendf(nil, joinFile, "in")))
		s, err := sid.Parse(group)
		if err != nil {
			s = d.Group(group)[0]
		}
		check.Equal(t, d.IsGroup(s), !strings.HasPrefix(group, "S-1-5-21-9"), "IsGroup(%s)", group)
		got := check.Must(d.Join(d.Principals[0].Token, s)).Spec()
		want := check.Must(dirfile.Read(fmt.Appendf(nil, joinFile, "in, "+group))).Principals[0].Token.Spec()
		for _, spec := range []*token.Spec{&got, &want} {
			slices.SortFunc(spec.Groups, func(a, b token.Group) int { return a.SID.Compare(b.SID) })
			spec.DefaultDACL = nil // for new objects, not for a check
		}
		check.DeepEqual(t, got, want, "token of a user who joined %s", group)
	}
	alone := &directory.Directory{Principals: []directory.Principal{{Name: "x",
		Token: check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-4"))))}}}
	joined := check.Must(alone.Join(alone.Principals[0].Token, sid.MustParse("S-1-5-21-1-2-3-5")))
	check.That(t, !alone.IsGroup(sid.Administrators) && slices.Contains(groupsOf(joined), "S-1-5-21-1-2-3-5"),
		"groups of a token of no file: %v, want the joined group, and none in the directory alone", groupsOf(joined))
}

func groupsOf(t *token.Token) (out []string) {
	for _, g := range t.Groups() {
		out = append(out, g.SID.String())
	}
	slices.Sort(out)
	return out
}
