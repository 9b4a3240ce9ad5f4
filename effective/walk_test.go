package effective_test

import (
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A conditional denial applies to tokens that have its SID as deny-only, but not to those that have it disabled or do
// not have it.
func TestConditionalDenialMatchesDenyOnlySID(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(XD;;FW;;;BG;(Member_of {SID(WD)}))(OD;;FW;;;SU)(A;;FA;;;WD)")
	var tokens []*token.Token
	attributes := []uint32{winnt.SE_GROUP_USE_FOR_DENY_ONLY, token.GroupDefault, token.GroupDisabled}
	for _, a := range attributes {
		for _, s := range []sid.SID{sid.Guests, sid.Service, sid.Users} {
			tokens = append(tokens, must(token.New(token.Spec{User: token.Group{SID: worldUsers[len(tokens)%3]},
				Groups: []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault}, {SID: s, Attributes: a}}})))
		}
	}
	e := must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_WRITE_DATA}}))
	may := e.Allowed(d)[0]
	for i := range tokens {
		want := i >= 6 || i%3 == 2 // the group is disabled, or no entry denies it
		if may.Has(i) != want {
			t.Errorf("token %d: Allowed has it: %v, want %v", i, may.Has(i), want)
		}
	}
}
