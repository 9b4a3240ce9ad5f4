package kerberos

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestReadTokenRejectsRangesOutsideToken checks that an answer's encrypted parts are bytes of the token, and nothing
// else (K-91).
func TestReadTokenRejectsRangesOutsideToken(t *testing.T) {
	k := ticket()
	blob := k.Blob()
	want := check.Must(SplitToken(blob))
	for _, c := range []struct {
		at, length int
		ok         bool
	}{{0, 0, true}, {0, len(blob), true}, {len(blob), 0, true}, {-1, 1, false}, {0, -1, false}, {-8, 8, false},
		{1, len(blob), false}, {len(blob) + 1, 0, false}, {1 << 62, 1 << 62, false}} {
		for _, sender := range []bool{false, true} {
			token := *want
			part := &token.Ticket
			if sender {
				part = &token.Sender
			}
			part.At, part.Len = c.at, c.length
			text := check.Must(token.MarshalAnswer())
			got, err := ReadToken(text, blob)
			check.That(t, (err == nil) == c.ok && (c.ok || errors.Is(err, errOuter)),
				"K-91: %d bytes at %d of %d: %v, want success: %t", c.length, c.at, len(blob), err, c.ok)
			check.That(t, !c.ok || reflect.DeepEqual(got, &token), "K-91: %+v, want %+v", got, token)
		}
	}
	check.ErrorIs(t, check.Err(ReadToken([]byte(`{"Extra":1}`), blob)), errOuter, "K-91: an unknown field")
	for _, err := range tokenErrors {
		check.Equal(t, TokenError(err.Error()), err, "K-91: the error with a parser's text")
	}
	check.ErrorIs(t, TokenError("of the test"), errOuter, "K-91: the error with another text")
}

// TestIndexEqualsThatOfPackageBytes compares index with bytes.Index for all texts of two letters, up to seven and four
// bytes long. It also searches a token of 256 KiB in which the part's hash matches at each earlier offset, the worst
// case of bytes.Index.
func TestIndexEqualsThatOfPackageBytes(t *testing.T) {
	texts := func(most int) (all [][]byte) {
		all = [][]byte{nil}
		for i := 0; len(all[i]) < most; i++ {
			all = append(all, append(slices.Clone(all[i]), 'A'), append(slices.Clone(all[i]), 'B'))
		}
		return all
	}
	for _, b := range texts(7) {
		for _, part := range texts(4) {
			check.Equal(t, index(b, part), bytes.Index(b, part), "%q in %q", part, b)
		}
	}
	same := bytes.Repeat([]byte("A"), 256<<10)
	part := append(slices.Clone(same[5:]), 0, 46, 205, 126, 176)
	check.Equal(t, index(slices.Concat(same, part), part), len(same), "position after %d equal hashes", len(same))
}
