package stages

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestLogPurgesBeforeLastSnapshot checks the computed size of a log, and the sequence before which it can be
// purged: the first piece of the last complete snapshot (N-83, N-84).
func TestLogPurgesBeforeLastSnapshot(t *testing.T) {
	r := &records{}
	three := make([]index.Event, 3)
	say := func(seq uint64, x record, size int, gap bool, want index.Size, before uint64) {
		t.Helper()
		x.events = three
		r.count(&message{Signed: site.Signed{Body: make([]byte, size)}, sequence: seq}, &x, gap)
		check.That(t, r.size == want && r.before == before,
			"N-83: after message %d: %+v before %d, want %+v before %d", seq, r.size, r.before, want, before)
	}
	say(1, record{}, 44, false, index.Size{Bytes: 300, Lines: 4}, 0)
	say(2, record{}, 744, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(5, record{Piece: 1}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(7, record{Piece: 1}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0) // begun again
	say(8, record{Piece: 2}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(9, record{Piece: 3, Final: true}, 44, false, index.Size{Bytes: 900, Least: 900, Lines: 9}, 7)
	say(10, record{}, 44, false, index.Size{Bytes: 1200, Least: 900, Lines: 13}, 7)
	say(11, record{Piece: 1, Final: true}, 144, true, index.Size{Bytes: 400, Least: 400, Lines: 3}, 0)
}

// TestEventsSplitIntoRecordsOf1MiB checks that events are split in order into records of up to 1 MiB with at least one
// event each, and that no events make one record (N-49).
func TestEventsSplitIntoRecordsOf1MiB(t *testing.T) {
	const half = 1 << 19
	event := func(n int) index.Event {
		e := index.Event{Seq: 1, Gone: "x"}
		b, _ := json.Marshal(&e)
		e.Gone += strings.Repeat("x", n-len(b))
		return e
	}
	for _, c := range []struct {
		sizes, want []int
	}{{nil, []int{0}}, {[]int{100}, []int{1}}, {[]int{half, half}, []int{2}}, {[]int{half, half + 1}, []int{1, 1}},
		{[]int{3 * half, 100}, []int{1, 1}}, {[]int{100, 3 * half, 3 * half, 100, 100}, []int{1, 1, 1, 2}}} {
		var list []index.Event
		for _, n := range c.sizes {
			list = append(list, event(n))
		}
		out, err := cut(list)
		var got, sizes []int
		for _, lines := range out {
			got = append(got, len(lines))
			for _, line := range lines {
				sizes = append(sizes, len(line))
			}
		}
		check.That(t, err == nil && slices.Equal(got, c.want) && slices.Equal(sizes, c.sizes),
			"%v are cut into %v with %v, want %v, %v", c.sizes, got, sizes, c.want, err)
	}
}
