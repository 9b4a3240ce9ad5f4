package admin

import (
	"bytes"
	"testing"
)

// TestPartAnnouncesRestOfCopy checks that a part announces more data exactly if the copy itself has more, however it
// was written. The size of an earlier revision of the store does not count.
func TestPartAnnouncesRestOfCopy(t *testing.T) {
	for _, c := range []struct {
		skip   int64
		writes []int
		kept   int
		more   bool
	}{
		{0, nil, 0, false}, {0, []int{part}, part, false}, {0, []int{part, 1}, part, true},
		{0, []int{part + 1}, part, true}, {1, []int{1, part}, part, false}, {1, []int{part, 2}, part, true},
		{part, []int{part, 7}, 7, false}, {9, []int{7}, 0, false}, {0, []int{part + 1, 0}, part, true},
	} {
		w := window{skip: c.skip}
		for _, n := range c.writes {
			if got, err := w.Write(bytes.Repeat([]byte("x"), n)); got != n || err != nil {
				t.Errorf("Write of %d bytes: %d, %v, want %d, nil", n, got, err, n)
			}
		}
		if len(w.kept) != c.kept || w.more != c.more {
			t.Errorf("writes of %d after %d: %d bytes, more %t, want %d, %t", c.writes, c.skip, len(w.kept), w.more, c.kept,
				c.more)
		}
	}
}
