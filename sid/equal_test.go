package sid_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
)

// Equal says what == says, whatever the length, and wherever the difference is.
func TestEqual(t *testing.T) {
	var all []sid.SID
	for n := range sid.MaxSubAuthorities + 1 {
		for other := range n + 1 {
			subs := make([]uint32, n)
			if other < n {
				subs[other] = 1 << (other * 2)
			}
			s, ok := sid.New(5, subs...)
			if !ok {
				t.Fatal(n)
			}
			all = append(all, s)
		}
	}
	all = append(all, sid.SID{}, sid.Everyone)
	for _, a := range all {
		for _, b := range all {
			if b = b.Clone(); a.Equal(b) != (a == b) {
				t.Errorf("Equal(%v, %v) is %v", a, b, a.Equal(b))
			}
		}
	}
}
