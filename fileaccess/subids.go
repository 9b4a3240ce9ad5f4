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

// ParseSubIDs parses the lines name:first:count of /etc/subuid as newuidmap does: a number can be decimal, hexadecimal
// with 0x or octal with 0. Blanks and a plus sign in front of it do not count, nor do further fields. It ignores
// other lines. A count of 0 is such a line; a range beyond the largest id ends there. Blanks around a line are dropped.
// A first id beyond 32 bits makes it another line.
func ParseSubIDs(text string) []SubIDs {
	var out []SubIDs
	for line := range strings.Lines(text) {
		parts := strings.Split(strings.TrimSpace(line), ":")
		if len(parts) < 3 {
			continue
		}
		// A line that newuidmap grants and this function ignores would make a user's id an account of the domain (L-24).
		first, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(parts[1]), "+"), 0, 32)
		count, err2 := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(parts[2]), "+"), 0, 64)
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
