package dirfile_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestWrittenClaimsReadBack checks that claims of every type, with their flags, survive Write and Read. So does a
// membership in a group whose name is special in YAML.
func TestWrittenClaimsReadBack(t *testing.T) {
	user := sid.MustParse("S-1-5-21-1-2-3-1107")
	set := check.Must(claims.NewSet([]claims.Attribute{
		{Name: "i", Type: claims.Int64, Ints: []int64{-1, 2}},
		{Name: "u", Type: claims.Uint64, Uints: []uint64{1 << 63}},
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "s", Type: claims.String, Strings: []string{`a"b`, ""}, Flags: claims.FlagCaseSensitive},
		{Name: "d", Type: claims.String, Strings: []string{"x"}, Flags: claims.FlagDisabled},
		{Name: "sid", Type: claims.SID, SIDs: []sid.SID{user, sid.Everyone}},
		{Name: "o", Type: claims.Octets, Octets: [][]byte{{0, 0xab}, {1}}},
	}))
	group := directory.Group{Name: `East, "a"] # 7`, SID: sid.MustParse("S-1-5-21-1-2-3-2001")}
	text := dirfile.Write(&directory.Accounts{Groups: []directory.Group{group}, Users: []directory.User{
		{Name: "alice", SID: user, Claims: set, MemberOf: []sid.SID{group.SID, sid.Administrators},
			UID: directory.UnixID{ID: 7, Known: true}, GID: directory.UnixID{Known: true}, Primary: group.SID}}})
	d, err := dirfile.Read(text)
	check.RequireThat(t, err == nil, "written file: %v\n%s", err, text)
	got := d.Principals[0].Token.UserClaims()
	token := d.Principals[0].Token
	check.That(t, token.Member(directory.UnixUsers.WithRID(7), false) &&
		token.Member(directory.UnixGroups.WithRID(0), false), "alice does not have uid 7 and gid 0:\n%s", text)
	check.Equal(t, token.PrimaryGroup(), group.SID, "primary group")
	check.That(t, token.Member(group.SID, false) && token.Member(sid.Administrators, false) &&
		strings.Contains(string(text), "[true]"), "a group or the word true is missing:\n%s", text)
	check.Equal(t, got.Len(), set.Len(), "claims read back")
	for _, want := range set.All() {
		a, ok := got.Lookup(want.Name)
		check.That(t, ok && reflect.DeepEqual(a, want), "claim %s read back as %+v, want %+v", want.Name, a, want)
	}
	check.Equal(t, string(dirfile.Write(&directory.Accounts{})), "users: []\ngroups: []\n", "a directory without accounts")
}
