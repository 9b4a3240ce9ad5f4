package audit

import "strconv"

const (
	ticksPerSecond = 10_000_000 // a tick is 100 ns
	ticksPerDay    = 86_400 * ticksPerSecond
	// days from 0000-03-01, where the years below start, to 1601-01-01.
	daysTo1601 = 584_694
)

// appendTime appends a FILETIME as RFC 3339 in UTC: seconds with up to seven
// fractional digits, trailing zeros cut, "Z". Times before 1601 show as its
// first instant; years above 9999 have five digits.
func appendTime(dst []byte, t int64) []byte {
	t = max(t, 0)
	year, month, day := civil(t/ticksPerDay + daysTo1601)
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), month, 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	rest := t % ticksPerDay
	dst = appendPadded(append(dst, 'T'), rest/(3600*ticksPerSecond), 2)
	dst = appendPadded(append(dst, ':'), rest/(60*ticksPerSecond)%60, 2)
	dst = appendPadded(append(dst, ':'), rest/ticksPerSecond%60, 2)
	if frac := rest % ticksPerSecond; frac != 0 {
		dst = appendPadded(append(dst, '.'), frac, 7)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'Z')
}

// civil turns days since 0000-03-01 into a date of the Gregorian calendar.
// Years start in March there, so that the leap day is the last day of one.
func civil(days int64) (year, month, day int64) {
	era := days / 146_097 // days of 400 years
	d := days % 146_097
	y := (d - d/1460 + d/36_524 - d/146_096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153 // months from March; 153 days are five of them
	day = d - (153*m+2)/5 + 1
	month = m + 3
	if m >= 10 {
		month = m - 9
		y++
	}
	return era*400 + y, month, day
}

func appendPadded(dst []byte, v int64, width int) []byte {
	digits := 1
	for x := v; x >= 10; x /= 10 {
		digits++
	}
	for ; digits < width; digits++ {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, v, 10)
}
