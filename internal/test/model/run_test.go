package model

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// A wrong model is detected, and the shrunk history is short.
func TestShrinkFindsShortFailingHistory(t *testing.T) {
	const enough = 5
	found := 0
	for seed := uint64(1); seed < 200 && found < enough; seed++ {
		w := World{Seed: seed, Profile: nt.Documented, bend: func(m *Machine) { m.Profile = nt.Observed }}
		ops := Draw(seed, Length)
		_, _, err := attempt(w, ops)
		if err == nil {
			continue
		}
		found++
		text := Shrink(w, ops, err).Error()
		check.That(t, strings.HasPrefix(text, "seed ") && strings.Contains(text, "kernel "),
			"the transcript has no seed line or no kernel line:\n%s", text)
		if calls := strings.Count(text, "\n   ") - strings.Count(text, "guarded by"); calls > 6 {
			t.Errorf("seed %d: %d calls are left of a difference that one or two show, want at most 6\n%s", seed,
				calls, text)
		}
	}
	check.That(t, found >= enough, "%d histories found the model wrong, want %d", found, enough)
}

// A seed always gives the same history.
func TestDrawIsRepeatable(t *testing.T) {
	a, b := Draw(7, 50), Draw(7, 50)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("call %d differs: %+v, %+v, want %+v", i, a[i], b[i], b[i])
		}
	}
	x, y := World{Seed: 7}.machine(), World{Seed: 7}.machine()
	if x.Held[0].Value.String() != y.Held[0].Value.String() || x.Held[0].Guard.String() != y.Held[0].Guard.String() {
		t.Error("the same seed drew two worlds")
	}
}

// BenchmarkHistory is one history on both sides.
func BenchmarkHistory(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		if _, _, err := attempt(World{Seed: uint64(i)}, Draw(uint64(i), Length)); err != nil {
			b.Fatal(err)
		}
	}
}
