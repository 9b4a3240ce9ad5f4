package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// The same SDDL text gives different descriptors in two domains, in either order. A descriptor in hexadecimal is the
// same in both.
func TestCacheSeparatesDomains(t *testing.T) {
	const inDomain = `{"id":1,"token":{"user":"S-1-5-21-%[1]s-1107","groups":["S-1-5-21-%[2]s-513"]},%[3]s,"desired":"FR"}`
	text := `"sd":"O:BAG:SYD:(A;;FR;;;DU)"`
	b := sddl.MustParse("O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-513)").Append(nil)
	for _, c := range []struct {
		sd   string
		want [4]bool
	}{{text, [4]bool{true, true, false, false}}, {fmt.Sprintf(`"sdHex":"%x"`, b), [4]bool{true, false, false, true}}} {
		for range 2 {
			var lines strings.Builder
			for _, who := range [][2]string{{"1-2-3", "1-2-3"}, {"4-5-6", "4-5-6"}, {"1-2-3", "4-5-6"}, {"4-5-6", "1-2-3"}} {
				fmt.Fprintf(&lines, inDomain+"\n", who[0], who[1], c.sd)
			}
			answers, _ := runLines(t, false, lines.String())
			for i, want := range c.want {
				got := strings.Contains(answers[i], `"status":"STATUS_SUCCESS"`)
				check.Equal(t, got, want, "%.10s, line %d: access in %s", c.sd, i, answers[i])
			}
		}
	}
}
