package access_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/winnt"
)

// TestStepsSayWhere: a line begins with the list, the index and the pass of its entry, or
// with its stage, and names each node but the root.
func TestStepsSayWhere(t *testing.T) {
	for _, c := range []struct {
		step access.Step
		want string
	}{
		{access.Step{List: "DACL", ACE: 0, Pass: "normal"}, "DACL 0 normal"},
		{access.Step{List: "DACL", ACE: 1, Pass: "restricted"}, "DACL 1 restricted"},
		{access.Step{List: "SACL", ACE: 0}, "SACL 0"},
		{access.Step{List: "owner", ACE: -1}, "stage owner"},
		{access.Step{List: "DACL", ACE: 0, Pass: "normal", Node: 1}, "DACL 0 normal node 1"},
		{access.Step{List: "DACL", ACE: 2, Pass: "normal", Node: 2}, "DACL 2 normal node 2"},
		{access.Step{List: "owner", ACE: -1, Node: 1}, "stage owner node 1"},
		{access.Step{ACE: -1}, "stage"},
	} {
		c.step.Bits, c.step.Rule, c.step.Because = 1, "A-61", "for a reason"
		x := access.Explanation{Steps: []access.Step{c.step}, Reasons: []access.BitReason{{Bit: winnt.AccessMask(1)}}}
		lines := strings.Split(x.Show(0, func(_ access.Mark, text string) string { return text }), "\n")
		if got, _, _ := strings.Cut(lines[3], "  "); got != c.want {
			t.Errorf("%+v: %q, want %q, of\n%s", c.step, got, c.want, strings.Join(lines, "\n"))
		}
	}
}
