//go:build cgo && linux

package main

import (
	"math"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// A time below 0 is a span, any other a moment since 1601 of the system's clock; what is
// too far away for a clock of nanoseconds is for ever.
func TestLimitOf(t *testing.T) {
	now := time.Unix(1_000_000_000, 0)
	const clock = 126_444_736_000_000_000 // 100-ns units
	const most = math.MaxInt64 / 100
	for _, c := range []struct {
		name  string
		v     int64
		given bool
		after time.Duration
	}{
		{"a unit", -1, true, 100},
		{"a millisecond", -10_000, true, time.Millisecond},
		{"the first moment", 0, true, 0},
		{"long ago", 1, true, 0},
		{"a unit ago", clock - 1, true, 0},
		{"now", clock, true, 0},
		{"in a unit", clock + 1, true, 100},
		{"in a second", clock + 10_000_000, true, time.Second},
		{"the longest span", -most, true, most * 100},
		{"a longer span", -most - 1, false, 0},
		{"the longest span of all", math.MinInt64, false, 0},
		{"the last moment a clock reaches", clock + most, true, most * 100},
		{"a later moment", clock + most + 1, false, 0},
		{"the last moment", math.MaxInt64, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := limit{}
			if c.given {
				want = limit{true, now.Add(c.after)}
			}
			if got := limitOf(c.v, now, clock); got != want {
				t.Errorf("%s: got %v, want %v", c.name, got, want)
			}
		})
	}
}

// A pipe is opened or made (1 to 3), of bytes or of messages (bit 0), for clients of this
// machine or any (bit 1); only one of messages is read by messages; and calls wait or not.
func TestPipeParameters(t *testing.T) {
	for disposition := range uint32(6) {
		for typ := range uint32(9) {
			for read := range uint32(4) {
				for completion := range uint32(4) {
					want := ntstatus.InvalidParameter
					if disposition >= 1 && disposition <= 3 && typ <= 3 && completion <= 1 &&
						(read == 0 || read == 1 && typ%2 == 1) {
						want = ntstatus.Success
					}
					if got := pipeParameters(disposition, typ, read, completion); got != want {
						t.Errorf("disposition %d, type %d, read mode %d, completion mode %d: %v, want %v", disposition, typ, read,
							completion, got, want)
					}
				}
			}
		}
	}
}

// U-47: there is a result for each entry of a list of 4,096, and none, nor a list, for more.
func TestPerEntry(t *testing.T) {
	for n, want := range map[uint32]uint32{0: 0, 1: 1, 4095: 4095, 4096: 4096, 4097: 0, math.MaxUint32: 0} {
		list := nt.Captured[[]access.ObjectTypeEntry]{V: make([]access.ObjectTypeEntry, 1),
			Status: ntstatus.AccessViolation}
		got := perEntry(n, &list)
		kept := list.V != nil && list.Status == ntstatus.AccessViolation
		if got != want || kept != (n <= 4096) {
			t.Errorf("%d entries: %d results, list %v, want %d", n, got, list, want)
		}
	}
}
