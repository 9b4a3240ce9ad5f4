package authzen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLongPropertiesAreSearchedOnce checks that the context of a batch is not searched again for each question, and
// that a long object has the members of a short one: of several with a name the first.
func TestLongPropertiesAreSearchedOnce(t *testing.T) {
	const short = `{"a":1,"a":2,"\u0062":"c"}`
	long := strings.TrimSuffix(short, "}")
	for i := range 1000 {
		long += fmt.Sprintf(`,"n%d":0`, i)
	}
	for _, raw := range []string{short, long + "}"} {
		p := newProperties([]byte(raw))
		for name, want := range map[string]string{"a": "1", "b": `"c"`, "A": "", "": ""} {
			got, ok := p.lookup(name)
			check.That(t, string(got) == want && ok == (want != ""), "%q of %.40s: %q, %t, want %q", name, raw, got, ok, want)
		}
		_, ok := Properties{}.lookup("a")
		check.That(t, !ok, "the zero value has a member")
	}
	p := newProperties([]byte(long + "}"))
	p.lookup("a")
	allocations := testing.AllocsPerRun(10, func() { p.lookup("n999") })
	check.Equal(t, allocations, 0.0, "allocations of a second lookup")
}
