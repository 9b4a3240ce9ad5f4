package ldap

import (
	"testing"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
)

// TestAccountExpiresAtItsExpiryTime checks that an account is expired at its expiry time and later. 0 and the maximum
// mean that it never expires (D-11; MS-ADTS 2.2.16).
func TestAccountExpiresAtItsExpiryTime(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := now.Unix()*10_000_000 + filetime.UnixEpoch
	for when, want := range map[int64]bool{at - 1: true, at: true, at + 1: false, 0: false, -1: false, never: false} {
		check.Equal(t, past(when, now), want, "D-11: %d at %d", when, at)
	}
	hours := make([]byte, hoursOfAWeek) // bit 0 is Sunday's first hour of UTC (MS-SAMR 2.2.6.5)
	hours[0] = 1
	b := bounds{hours: hours}
	sunday := time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 5*3600), time.FixedZone("west", -5*3600)} {
		later, before := sunday.Add(time.Hour), sunday.Add(-time.Hour)
		check.That(t, b.inHours(sunday.In(zone)) && !b.inHours(later.In(zone)) && !b.inHours(before.In(zone)),
			"D-31: inHours in %v, want true in Sunday's first hour of UTC only", zone)
	}
}
