//go:build cgo && linux

package main

import (
	"math"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// limitOf takes a negative value as a duration and any other as a time since 1601. A limit too far away for
// nanoseconds means none.
func TestNegativeTimeoutIsDuration(t *testing.T) {
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
		{"the first time", 0, true, 0},
		{"long ago", 1, true, 0},
		{"a unit ago", clock - 1, true, 0},
		{"now", clock, true, 0},
		{"in a unit", clock + 1, true, 100},
		{"in a second", clock + 10_000_000, true, time.Second},
		{"the longest span", -most, true, most * 100},
		{"a longer span", -most - 1, false, 0},
		{"the smallest value", math.MinInt64, false, 0},
		{"the latest time within reach", clock + most, true, most * 100},
		{"a later time", clock + most + 1, false, 0},
		{"the largest value", math.MaxInt64, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := limit{}
			if c.given {
				want = limit{true, now.Add(c.after)}
			}
			check.Equal(t, limitOf(c.v, now, clock), want, "limitOf, %s", c.name)
		})
	}
}
