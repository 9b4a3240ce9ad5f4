package fileaccess

import (
	"fmt"
	"strconv"
	"strings"
)

// SubIDs is a range of subordinate ids, which a user has for containers (subuid(5)). The zero
// value is id 0.
type SubIDs struct {
	First, Last uint32 // both included
	Owner       string // who has them: a name, or a number
}

// AllSubIDs stands for subordinate ids that cannot be read: each id could be one.
var AllSubIDs = SubIDs{First: 1, Last: ^uint32(0)}

// Overlaps reports whether one of the ids from first to last is of the range.
func (s SubIDs) Overlaps(first, last uint32) bool { return first <= s.Last && s.First <= last }

// String returns the ids.
func (s SubIDs) String() string { return fmt.Sprintf("%d-%d", s.First, s.Last) }

// ParseSubIDs reads the lines name:first:count of /etc/subuid; other lines say nothing.
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
