package ldap

import (
	"strconv"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/sid"
)

// decodeSID decodes the value of objectSid, which must be exactly one SID (D-8). The zero SID is an error, too.
func decodeSID(b []byte) (sid.SID, error) {
	s, n, err := sid.Decode(b)
	if err != nil || n != len(b) || s.IsZero() {
		return sid.SID{}, wrong("a SID of %d bytes cannot be read", len(b))
	}
	return s, nil
}

// sids decodes all SIDs of an attribute, and returns an empty list if the entry does not have it. A malformed SID or
// an incomplete list is an error.
func (e *entry) sids(name string) ([]sid.SID, error) {
	values, _, all := e.values(name)
	if !all {
		return nil, wrong("the server returned only a part of %s", name)
	}
	out := make([]sid.SID, 0, len(values))
	for _, v := range values {
		s, err := decodeSID(v)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// number parses the decimal number of an attribute, and returns fallback if the entry does not have it. Several values
// and text that is no number are errors. With an error the number is the fallback or 0.
func (e *entry) number(name string, fallback int64) (int64, error) {
	text, err := e.one(name)
	if err != nil || text == "" {
		return fallback, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, wrong("%s is not a number", name)
	}
	return n, nil
}

// never is the FILETIME for no expiry.
const never = 1<<63 - 1

// past reports whether an expiry time of an account, a FILETIME, has passed. 0 and never do not pass (D-11).
func past(at int64, now time.Time) bool {
	return at > 0 && at != never && at <= filetime.Of(now)
}
