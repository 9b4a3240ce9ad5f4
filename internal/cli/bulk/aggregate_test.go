package bulk

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

type sum struct {
	N     int
	First string
}

// TestSpillingAggregateEqualsMap checks that an aggregate that spills to disk adds up like a map and keeps the first
// entries.
func TestSpillingAggregateEqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 4))
	a := newAggregate(0, func(into, v *sum) { into.N += v.N }, func(*sum) int { return 500 })
	defer a.close()
	want := map[string]sum{}
	for i := range 5000 {
		key, v := fmt.Sprint(rng.IntN(700)), sum{rng.IntN(9), fmt.Sprint(i)}
		if was, ok := want[key]; ok {
			want[key] = sum{was.N + v.N, was.First}
		} else {
			want[key] = v
		}
		check.NoError(t, a.merge(key, &v))
	}
	check.RequireThat(t, len(a.runs) >= 5, "only %d runs on disk, want at least 5", len(a.runs))
	for range 2 {
		last, n := "", 0
		err := a.each(func(key string, v *sum) error {
			check.That(t, key > last && *v == want[key], "%s after %s: %v, want %v", key, last, *v, want[key])
			last = key
			n++
			return nil
		})
		check.That(t, err == nil && n == len(want), "%v, %d keys, want %d", err, n, len(want))
	}
	full := errors.New("full")
	check.ErrorIs(t, a.each(func(string, *sum) error { return full }), full, "each with a function that fails")
	ignore := func(string, *sum) error { return nil }
	check.NoError(t, a.file.Truncate(a.end()-1))
	check.ErrorIs(t, a.each(ignore), io.ErrUnexpectedEOF, "each of a file that is too short")
	check.NoError(t, a.file.Close())
	check.ErrorIs(t, a.each(ignore), os.ErrClosed, "each of a closed file")
	check.NoError(t, a.merge("new", &sum{N: 1}))
	check.ErrorIs(t, a.each(ignore), os.ErrClosed, "each that must write to a closed file")
	a.limit = 0
	check.ErrorIs(t, a.merge("new", &sum{N: 1}), os.ErrClosed, "merge with a closed file")
}
