package bulk

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// Right is something to ask for; see package words.
type Right = words.Right

// WordRights are the words that mean something on every type of object.
const WordRights = words.Words

// ParseRights reads rights joined by "+"; see [words.Parse].
func ParseRights(text string) ([]Right, error) { return words.Parse(text) }

// Words returns the words that a mask grants on a type of object.
func Words(granted winnt.AccessMask, t *winnt.ObjectType) []string { return words.Granted(granted, t) }

// masksOf writes down what a right asks for on a type of object, as names of sets
// are made of it.
func masksOf(r Right, t *winnt.ObjectType) string {
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
