package strictyaml

import (
	"fmt"
	"strings"
	"testing"
)

// TestMostNames: a mapping may have so many names, and not one more, whatever it stands in.
func TestMostNames(t *testing.T) {
	for _, in := range []struct{ before, indent string }{{"", ""}, {"a:\n", "  "}} {
		var b strings.Builder
		b.WriteString(in.before)
		for i := range MaxNames {
			fmt.Fprintf(&b, "%sn%d: 1\n", in.indent, i)
		}
		if _, _, err := JSON([]byte(b.String())); err != nil {
			t.Errorf("%q, %d names: %v", in.before, MaxNames, err)
		}
		b.WriteString(in.indent + "more: 1\n")
		if _, _, err := JSON([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 4096 names") {
			t.Errorf("%q, a name more: %v", in.before, err)
		}
	}
}
