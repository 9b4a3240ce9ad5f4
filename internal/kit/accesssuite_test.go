package kit

import (
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// A question lists its own rules, then the deciding ones, the latest first. It omits rules that decided nothing, such
// as that of a label without a policy (A-174, B-42).
func TestQuestionNamesDecidingRules(t *testing.T) {
	b := &builder{suite: "access", seen: map[string]bool{}}
	low, d := plainToken(), object(entry(oracle.Deny, 2, user), entry(oracle.Allow, 1, everyone))
	low.Integrity, low.Restricting = 0x1000, []string{everyone}
	d.SACL = list(entry(oracle.MandatoryLabel, 0, "S-1-16-8192"))
	b.check(plainCheck(low, d, 1), "A-60")
	withTypes := plainCheck(low, d, 1)
	withTypes.Types = []oracle.ObjectType{{GUID: guidA}}
	b.checkList(withTypes, "A-60")
	check.SlicesEqual(t, b.list[0].Rules, []string{"A-60", "A-90", "A-71"}, "rules of a check")
	check.SlicesEqual(t, b.list[1].Rules, []string{"A-60", "A-90", "A-71", "A-81", "A-85"}, "rules of a check with a list")
}
