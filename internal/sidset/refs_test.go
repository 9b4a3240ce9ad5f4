package sidset_test

import (
	"testing"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestInKeepsListAndIndexes compares Sets that refer to another with the Sets they come from and with the twin of Find.
func TestInKeepsListAndIndexes(t *testing.T) {
	r := newRand(t)
	for _, n := range []int{0, 63, 64, 65, 127, 128, 129, 1000, 1<<16 - 2, 1<<16 - 1} {
		most := uint32(2*n + 1)
		var others []sid.SID
		for range 3 * n {
			others = append(others, account(r.Uint32N(most))) // some twice
		}
		list := make([]sid.SID, n)
		for i := range list {
			if list[i] = account(r.Uint32N(most)); i%9 == 0 && n < 1000 {
				list[i] = list[i/2]
			}
		}
		s := sidset.New(list)
		got := s.In(sidset.New(others))
		check.Equal(t, got != s, n >= 64 && n < 1<<16-1, "%d SIDs: a new Set", n)
		check.Require(t, got.Len(), n, "length")
		for i := range list {
			check.Require(t, got.At(i), list[i], "%d SIDs: At(%d)", n, i)
		}
		for rid := uint32(0); rid < most+10; rid += 1 + uint32(n)/2000 {
			x := account(rid)
			want := s.Find(x.Hash(), x)
			if n <= 1000 {
				want = naive(list, x)
			}
			check.Require(t, got.Find(x.Hash(), x), want, "%d SIDs: Find(%v)", n, x)
			check.Require(t, got.FindPresent(x.Hash(), x), want, "%d SIDs: FindPresent(%v)", n, x)
			check.RequireThat(t, want < 0 || !got.Index().Absent(x.Hash()) && !got.Absent(x.Hash()),
				"%d SIDs: a first look says that %v is absent", n, x)
		}
		want := map[int]int{}
		for at, first := range s.Duplicates() {
			want[at] = first
		}
		for at, first := range got.Duplicates() {
			check.Require(t, first, want[at], "%d SIDs: first of %d", n, at)
			delete(want, at)
		}
		check.Equal(t, len(want), 0, "%d SIDs: duplicates that the new Set does not have", n)
		check.That(t, got.In(s) == got, "%d SIDs: a Set that refers to another changed", n)
	}
}

// TestInKeepsSetsThatShareLittle checks that a Set whose SIDs are mostly not in the other one stays as it is.
func TestInKeepsSetsThatShareLittle(t *testing.T) {
	var list []sid.SID
	for rid := range uint32(100) {
		list = append(list, account(rid))
	}
	s := sidset.New(list)
	for n, want := range map[int]bool{0: false, 49: false, 50: true} {
		check.Equal(t, s.In(sidset.New(list[:n])) != s, want, "a new Set with %d SIDs in common", n)
	}
	check.That(t, s.In(nil) == s && (*sidset.Set)(nil).In(s) == nil, "In of or with a nil Set")
}
