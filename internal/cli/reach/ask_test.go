package reach

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
)

// TestSearchNeedsExistingPrincipal checks that a search must begin at an existing principal, and joins no more groups
// than a token can have.
func TestSearchNeedsExistingPrincipal(t *testing.T) {
	d := &directory.Directory{Principals: make([]directory.Principal, 2)}
	for _, s := range []*Search{{From: 0}, {Directory: d, From: -1}, {Directory: d, From: 2}, {Directory: d, From: 3}} {
		check.ErrorIs(t, s.begin(), ErrNobody, "from %d", s.From)
	}
	if err := (&Search{Directory: d, MaxJoined: MaxJoined + 1}).begin(); !errors.Is(err, ErrJoined) {
		t.Error(err)
	}
}

// The first token with a right on an object is kept, whatever the order of results, and an earlier step stays.
func TestFirstTokenWithRightIsKept(t *testing.T) {
	for _, order := range [][3]int{{1, 5, 9}, {5, 1, 9}, {9, 5, 1}, {5, 9, 1}} {
		s := &Search{found: make([]*edge, 1)}
		l := &level{start: 10, depth: 2}
		for _, h := range order {
			l.answers = append(l.answers, answerOf(h))
		}
		if s.note(l); s.found[0] == nil || s.found[0].hand != 11 || s.found[0].depth != 2 {
			t.Errorf("results in the order %v: found %+v, want token 11 at depth 2", order, s.found[0])
		}
		before := s.found[0]
		l.answers = l.answers[:0]
		l.answers = append(l.answers, answerOf(0))
		if s.note(l); s.found[0] != before {
			t.Errorf("another step is kept: %+v, want %+v", s.found[0], before)
		}
	}
}

// TestTokenLimitIsReported checks that tokens are tried up to the limit, and that the search reports if there was one
// more.
func TestTokenLimitIsReported(t *testing.T) {
	s := &Search{MaxHands: 3, known: map[string]bool{}}
	for i := range 3 {
		if s.add(hand{user: i}); len(s.hands) != i+1 || s.cut != "" || !s.known[s.hands[i].key()] {
			t.Errorf("token %d: %d tokens tried, search cut %q, want no cut", i+1, len(s.hands), s.cut)
		}
	}
	if s.add(hand{user: 3}); len(s.hands) != 3 || s.cut != "after 3 tokens" || s.known[(hand{user: 3}).key()] {
		t.Errorf("fourth token: %d tokens tried, search cut %q, want 3 and a cut", len(s.hands), s.cut)
	}
}

// answerOf returns the answer for a right that only the token of one hand has.
func answerOf(hand int) answer {
	set := make(effective.Set, 1)
	set[0] = 1 << hand
	return answer{set: set}
}
