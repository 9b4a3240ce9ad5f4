package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// networkUser returns a token as a file server makes it: a user in 20 groups.
func networkUser() token.Spec {
	groups := make([]sid.SID, 15)
	for i := range groups {
		groups[i] = account(uint32(3000 + i))
	}
	return token.NetworkUser(userU, groups...)
}

// BenchmarkNew20 makes a token of 20 groups from existing SIDs.
func BenchmarkNew20(b *testing.B) {
	s := networkUser()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.New(s); err != nil {
			b.Fatal(err)
		}
	}
}

// A token of 20 groups needs few allocations, because servers make one for each session.
func TestNewAllocatesLittle(t *testing.T) {
	s := networkUser()
	check.Require(t, len(s.Groups), 20, "groups of the user")
	got := testing.AllocsPerRun(100, func() { must(t, s) })
	check.That(t, got <= 8, "New: %.0f allocations, want at most 8", got)
}
