package script

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A recording names a handle by the call that returned it. The same number in another table, or after reuse, has
// another name.
func TestHandlesAreNamedByTheirCall(t *testing.T) {
	var s symbols
	for i, c := range []struct {
		line        int // of a new call; 0: of the same
		kind, table string
		n           uint64
		fresh       bool
		want        string
	}{
		{3, "handle", "a", 4, true, "handle of line 3"}, {0, "handle", "a", 4, false, "handle of line 3"},
		{0, "handle", "b", 4, false, "handle of line 3, number 2"}, {5, "handle", "a", 4, false, "handle of line 3"},
		{0, "handle", "a", 4, true, "handle of line 5"}, {0, "handle", "b", 4, false, "handle of line 3, number 2"},
		{0, "id", "", 4, false, "id of line 5"}, {5, "handle", "a", 8, true, "handle of line 5, time 2"},
		{0, "handle", "a", 12, true, "handle of line 5, time 2, number 2"}, {0, "handle", "a", 4, false, "handle of line 5"},
	} {
		if c.line != 0 {
			s.call(c.line)
		}
		check.Equal(t, s.name(c.kind, c.table, c.n, c.fresh), c.want, "%d", i)
	}
	if a, b, c := s.call(9), s.call(9), s.call(3); a != 1 || b != 2 || c != 2 {
		t.Errorf("calls of a line: %d, %d, %d, want 1, 2, 2", a, b, c)
	}
}
