package bulk

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// masksOf returns the masks of a right on an object type as text. Names of sets include it. A right without parts is
// "".
func masksOf(r words.Right, t *winnt.ObjectType) string {
	var b strings.Builder
	if r.Any() {
		b.WriteString("any ")
	}
	for _, p := range r.Parts(t) {
		b.WriteString(t.Mapping.Map(p.Mask).Padded())
		for _, g := range p.Types {
			fmt.Fprintf(&b, "/%v", g)
		}
		b.WriteByte(' ')
	}
	return b.String()
}
