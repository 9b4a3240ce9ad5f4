// Package filetime converts between Go's times and FILETIME: units of 100 ns since 1601-01-01 UTC
// ([MS-DTYP] 2.3.3).
package filetime

import "time"

// UnixEpoch is 1970-01-01 UTC as a FILETIME.
const UnixEpoch = 116_444_736_000_000_000

// second is the number of units in a second.
const second = 10_000_000

// Of returns t as a FILETIME, rounded down to 100 ns. The result is negative for a time before 1601.
func Of(t time.Time) int64 { return UnixEpoch + t.Unix()*second + int64(t.Nanosecond())/100 }

// Time returns a FILETIME, in units of 100 ns, as a time in UTC. Any value is valid: 0 is the start of 1601, and a
// negative one is before it.
func Time(ft int64) time.Time {
	ft -= UnixEpoch
	return time.Unix(ft/second, ft%second*100).UTC()
}
