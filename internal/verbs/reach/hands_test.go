package reach

import "testing"

// TestAsManyHandsAsMayBe: tokens are tried up to the bound, and the search says that it was
// cut where there was one more.
func TestAsManyHandsAsMayBe(t *testing.T) {
	s := &Search{MaxHands: 3, known: map[string]bool{}}
	for i := range 3 {
		if s.add(hand{user: i}); len(s.hands) != i+1 || s.cut != "" || !s.known[s.hands[i].key()] {
			t.Errorf("token %d: %d are tried, cut %q", i+1, len(s.hands), s.cut)
		}
	}
	if s.add(hand{user: 3}); len(s.hands) != 3 || s.cut != "after 3 tokens" || s.known[(hand{user: 3}).key()] {
		t.Errorf("a fourth: %d are tried, cut %q", len(s.hands), s.cut)
	}
}
