package audit

import (
	"errors"
	"strconv"
	"strings"
)

const (
	ticksPerSecond = 10_000_000 // a tick is 100 ns
	ticksPerDay    = 86_400 * ticksPerSecond
	// days from 0000-03-01, where the years below start, to 1601-01-01.
	daysTo1601 = 584_694
)

// AppendTime appends a FILETIME to dst in the form that audit records show: RFC 3339 in UTC with up to seven fractional
// digits, such as 2006-01-02T15:04:05.1234567Z. Trailing zeros of the fraction are cut. A negative t gives the first
// instant of 1601. Years above 9999 have five digits.
func AppendTime(dst []byte, t int64) []byte {
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

// appendPadded appends v in decimal, with leading zeros up to width digits. v must not be negative.
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

// ParseTime parses the time of a record in the form of [AppendTime]: RFC 3339
// in UTC with up to seven fractional digits. The result is a FILETIME. It refuses
// other forms, days that a month does not have, and times outside the range.
func ParseTime(text string) (int64, error) {
	t, ok := parseTime(text)
	if !ok {
		return 0, errors.New("time " + strconv.Quote(text) + ": want a form such as 2006-01-02T15:04:05.1234567Z")
	}
	return t, nil
}

// parseTime implements [ParseTime]. It returns false for every text that ParseTime refuses.
func parseTime(s string) (int64, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(s, "Z"), ".")
	if len(whole) < 19 || len(whole) > 20 || !strings.HasSuffix(s, "Z") || len(fraction) > 7 {
		return 0, false
	}
	year, rest := whole[:len(whole)-15], whole[len(whole)-15:]
	if rest[0] != '-' || rest[3] != '-' || rest[6] != 'T' || rest[9] != ':' || rest[12] != ':' {
		return 0, false
	}
	var n [7]int64
	for i, text := range [...]string{year, rest[1:3], rest[4:6], rest[7:9], rest[10:12], rest[13:15],
		(fraction + "0000000")[:7]} {
		v, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return 0, false
		}
		n[i] = int64(v)
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return 0, false
	}
	days := daysOf(n[0], n[1], n[2]) - daysTo1601
	t := days*ticksPerDay + ((n[3]*60+n[4])*60+n[5])*ticksPerSecond + n[6]
	// A day that the month does not have, and a year beyond the range, give another date.
	y, m, d := civil(max(t, 0)/ticksPerDay + daysTo1601)
	return t, t >= 0 && [3]int64{y, m, d} == [3]int64(n[:3])
}

// daysOf turns a date into days since 0000-03-01: the inverse of civil.
func daysOf(year, month, day int64) int64 {
	if month < 3 {
		year--
		month += 12
	}
	era, y := year/400, year%400
	return era*146_097 + y*365 + y/4 - y/100 + (153*(month-3)+2)/5 + day - 1
}
