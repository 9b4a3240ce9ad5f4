package dav

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestOverlappingClaimsConflictUnlessShared checks which claims can coexist: of the same path, of a path below a deep
// claim, and of readers (G-38).
//
// +checklocksignore
func TestOverlappingClaimsConflictUnlessShared(t *testing.T) {
	at := func(path string) Path { return Path("/t").Join(strings.ReplaceAll(path, `\`, "/")) }
	for _, c := range []struct {
		a, b claim
		want bool // the claims conflict
	}{
		{claim{at: at("a")}, claim{at: at("a")}, true}, {claim{at: at("a")}, claim{at: at("b")}, false},
		{claim{at: at("a")}, claim{at: "/u/a"}, false}, {claim{at: at("a")}, claim{at: at(`a\b`)}, false},
		{claim{at: at("a"), deep: true}, claim{at: at(`a\b\c`)}, true}, {claim{at: at("a"), deep: true}, claim{at: at("ab")},
			false},
		{claim{at: "/t", deep: true}, claim{at: at("a")}, true},
		{claim{at: at("a"), shared: true}, claim{at: at("a")}, true},
		{claim{at: at("a"), shared: true}, claim{at: at("a"), shared: true}, false},
		{claim{at: at("a"), shared: true, deep: true}, claim{at: at(`a\b`), shared: true}, false},
		{claim{at: at("a"), shared: true, deep: true}, claim{at: at(`a\b`)}, true},
		{claim{at: at("a"), deep: true}, claim{at: at(`a\b`), deep: true}, true},
	} {
		for _, pair := range [][2]claim{{c.a, c.b}, {c.b, c.a}} {
			check.Equal(t, pair[0].conflicts(pair[1]), c.want, "G-38: %+v against %+v", pair[0], pair[1])
			s := newClaims()
			first := s.take(t.Context(), time.Hour, claim{at: "/v"}, claim{at: "/w"}, pair[0])
			second := s.take(t.Context(), time.Nanosecond, claim{at: "/x"}, claim{at: "/y"}, pair[1])
			check.That(t, (second == nil) == c.want,
				"G-38: claim %+v while %+v exists: granted %t, want %t", pair[1], pair[0], second != nil, c.want)
			first()
			if second == nil {
				second = s.take(t.Context(), time.Hour, pair[1])
			}
			if second(); len(s.held) != 0 {
				t.Errorf("%d claims stay, want 0", len(s.held))
			}
		}
	}
	s := newClaims()
	leave := s.take(t.Context(), time.Hour, claim{at: at("a")})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	check.That(t, s.take(gone, time.Hour, claim{at: at("a")}) == nil, "a client that left has a claim")
	leave()
}

// TestTakeWaitsForAllClaims checks that a request waits until every claim that conflicts with its own is released, and
// gets no claim if its context ends first.
func TestTakeWaitsForAllClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newClaims()
		first, second := s.take(t.Context(), time.Hour, claim{at: "/a"}), s.take(t.Context(), time.Hour, claim{at: "/b"})
		check.That(t, s.take(t.Context(), time.Hour, claim{at: "/b"}) == nil, "/b is claimed twice")
		got := make(chan func(), 1)
		go func() { got <- s.take(t.Context(), time.Hour, claim{at: "/a"}, claim{at: "/b"}) }()
		synctest.Wait()
		first()
		synctest.Wait()
		check.That(t, len(got) == 0, "take returned while /b is claimed")
		second()
		check.That(t, <-got != nil, "take returned nothing after both releases")
	})
}
