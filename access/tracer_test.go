package access_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The step of an entry whose condition is not true says why, also if the unknown condition denies in any pass. An entry
// that is decided for another reason has no such text.
func TestStepsNameUnmetTests(t *testing.T) {
	const absent, two = "@USER.x is absent, needed == 1", "@USER.x = 2, needed == 1"
	isTwo := userClaims(ints("x", 2))
	forDeny := ints("x", 2)
	forDeny.Flags = claims.FlagUseForDenyOnly
	for what, c := range map[string]struct {
		sd      string
		desired winnt.AccessMask
		change  func(*token.Spec)
		tree    bool
		want    []string
	}{
		"false, an allow entry": {"…(XA;;0x1;;;WD;(@User.x==1))", 1, isTwo, false, []string{two}},
		"false, a deny entry":   {"…(XD;;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", 1, isTwo, false, []string{two, ""}},
		"a claim for deny entries alone": {"…(XA;;0x1;;;WD;(@User.x==1))(XD;;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", 1,
			userClaims(forDeny), false, []string{absent, two, ""}},
		"unknown, an allow entry": {"…(XA;;0x1;;;WD;(@User.x==1))", 1, nil, false, []string{absent}},
		"unknown, a deny entry":   {"…(XD;;0x1;;;WD;(@User.x==1))", 1, nil, false, []string{absent}},
		"unknown, MAXIMUM_ALLOWED": {"…(XD;;0x1;;;WD;(@User.x==1))(A;;0x3;;;WD)", maxMask, nil, false,
			[]string{absent, ""}},
		"unknown, object types": {"…(XD;;RP;;;WD;(@User.x==1))", 0x10, nil, true, []string{absent}},
		"unknown, restricting SIDs": {"…(A;;0x1;;;U)(XD;;0x1;;;RC;(@User.x==1))", 1, restricted(sid.Restricted), false,
			[]string{"", "", absent}},
		"unknown, the package": {"…(A;;0x1;;;U)(XD;;0x1;;;" + casePkg.String() + ";(@User.x==1))", 1, appMedium, false,
			[]string{"", "", absent}},
		"false for the restricting SIDs alone": {"…(A;;0x1;;;U)(XA;;0x1;;;RC;(Member_of{SID(WD)}))", 1,
			restricted(sid.Restricted), false, []string{"", "", "Member_of {SID(WD)} is not met"}},
		"a group for deny only": {"…(XD;;0x1;;;WD;(Member_of{SID(" + caseG.String() + ")} && @User.x==1))", 1,
			groupG(denyOnly), false, []string{absent}},
		"a claim for deny entries alone, an access filter": {"…(A;;0x1;;;WD)S:(FL;;0x2;;;WD;(@User.x==1))", 3,
			userClaims(forDeny), false, []string{absent}},
		"a true condition":    {"…(XD;;0x1;;;WD;(@User.x==2))", 1, isTwo, false, []string{""}},
		"another user's":      {"…(XA;;0x1;;;BA;(@User.x==1))(A;;0x1;;;WD)", 1, nil, false, []string{"", ""}},
		"an inherit-only one": {"…(XA;IO;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", 1, nil, false, []string{"", ""}},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change}
		if c.tree {
			pc.ask = func(r *access.Request) {
				r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1), winnt.DirectoryServiceObject
			}
		}
		_, x, err := access.Explain(pc.request(t))
		check.NoError(t, err)
		got := formatAll(x.Steps, func(s access.Step) string {
			if s.ACE < 0 {
				return "stage"
			}
			return s.Unmet
		})
		got = slices.DeleteFunc(got, func(s string) bool { return s == "stage" })
		check.That(t, slices.Equal(got, c.want), "%s: unmet tests of the steps %q, want %q", what, got, c.want)
	}
}
