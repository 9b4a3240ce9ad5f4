package fileaccess

import (
	"fmt"
	"strconv"
	"strings"
)

// SubIDs is a range of subordinate ids, which a user has for containers (subuid(5)). The zero
// value contains only id 0.
type SubIDs struct {
	First, Last uint32 // both included
	Owner       string // the user: a name, or a number
}

// AllSubIDs is the range to assume if the subordinate ids cannot be read, because
// each id could be one.
var AllSubIDs = SubIDs{First: 1, Last: ^uint32(0)}

// Overlaps reports whether one of the ids from first to last is in the range.
func (s SubIDs) Overlaps(first, last uint32) bool { return first <= s.Last && s.First <= last }

// String returns the first and the last id, joined by "-".
func (s SubIDs) String() string { return fmt.Sprintf("%d-%d", s.First, s.Last) }

// ParseSubIDs parses the lines name:first:count of /etc/subuid. It ignores other lines. A count of 0 is such a line; a
// range beyond the largest id ends there. Blanks around a line are dropped. A first id beyond 32 bits makes it another
// line.
func ParseSubIDs(text string) []SubIDs {
	var out []SubIDs
	for line := range strings.Lines(text) {
		parts := strings.Split(strings.TrimSpace(line), ":")
		if len(parts) != 3 {
			continue
		}
		first, err := strconv.ParseUint(parts[1], 10, 32)
		count, err2 := strconv.ParseUint(parts[2], 10, 64)
		if err != nil || err2 != nil || count == 0 {
			continue
		}
		last := uint64(^uint32(0))
		if count <= last-first {
			last = first + count - 1
		}
		out = append(out, SubIDs{First: uint32(first), Last: uint32(last), Owner: parts[0]})
	}
	return out
}
