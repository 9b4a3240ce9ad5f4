package filetime_test

import (
	"math"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
)

// TestFiletimeMatchesDocumentedTimes compares both directions with times that the documents state.
func TestFiletimeMatchesDocumentedTimes(t *testing.T) {
	for _, c := range []struct {
		text string
		ft   int64
	}{
		{"1601-01-01T00:00:00Z", 0},
		{"1600-12-31T23:59:59.9999999Z", -1},
		{"1970-01-01T00:00:00Z", 116_444_736_000_000_000},
		{"1969-12-31T23:59:59.9999999Z", 116_444_735_999_999_999},
		{"2000-01-01T00:00:00Z", 125_911_584_000_000_000},
		{"2026-11-24T12:30:00.1234567Z", 134_399_970_001_234_567},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.text)
		check.NoError(t, err)
		check.Equal(t, filetime.Of(at), c.ft, "Of(%s)", c.text)
		if got := filetime.Time(c.ft); !got.Equal(at) || got.Location() != time.UTC {
			t.Errorf("Time(%d): %s, want %s", c.ft, got, at)
		}
	}
	if got := filetime.Of(time.Unix(0, 199)); got != filetime.UnixEpoch+1 {
		t.Errorf("Of of 199 ns after 1970: %d, want one unit after it", got)
	}
	check.Equal(t, filetime.Time(math.MaxInt64).Year(), 30828, "year of the largest FILETIME")
}
