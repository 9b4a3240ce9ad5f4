package token_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// T-100: a package is compared by its SID, and lists of restricting SIDs as sets,
// whichever of the two tokens is asked.
func TestEqualIsAskedFromBothSides(t *testing.T) {
	tok := must(t, setup())
	for name, pair := range map[string][2]*token.Token{
		"another package": {
			lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"),
			lowbox(t, tok, "S-1-15-2-1-2-4", "S-1-15-3-1"),
		},
		"one restricting SID more": {
			filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}),
			filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users, sid.Everyone)}),
		},
	} {
		a, b := pair[0], pair[1]
		if a.Equal(b) || b.Equal(a) {
			t.Errorf("T-100: %s: equal", name)
		}
		if !a.Equal(a.WithTypeLevel(a.Type(), a.Level())) {
			t.Errorf("T-100: %s: not equal to itself", name)
		}
	}
}
