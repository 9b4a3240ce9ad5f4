package refusals_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/cli/refusals"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

var profiles = []nt.Profile{nt.Documented, nt.Observed}

// allRows yields every service and routine of both tables.
func allRows(yield func(*nt.Row) bool) {
	for _, t := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		for r := range t.All {
			if !yield(r) {
				return
			}
		}
	}
}

// Of two refusals the earlier condition decides, by status and by the recorded rule (O-31, T-40, I-20, I-41 and the
// order of every other service). A failing call changes nothing (P-7), and nothing leaks (P-5).
func TestEarlierOfTwoFailedConditionsDecides(t *testing.T) {
	n := 0
	for r := range allRows {
		for _, p := range profiles {
			for _, pair := range refusals.Matrix(r.Info().Name, p) {
				n++
				check.Equal(t, check.Err(pair.Check()), nil, "%s profile", p)
			}
		}
	}
	check.That(t, n >= 14696,
		"%d pairs of refusals, want at least 14696: a refusal that takes too much excludes others", n)
}

// A pair of refusals of one condition has them in the order of their list. The first of a pair is the one that decides.
func TestPairsAreInOrder(t *testing.T) {
	for r := range allRows {
		list := refusals.Of(r.Info().Name, nt.Documented)
		for _, pair := range refusals.Matrix(r.Info().Name, nt.Documented) {
			check.That(t, slices.Index(list, pair.First) <= slices.Index(list, pair.Second),
				"%s: %v is before %v, want the order of the list", pair.Service, pair.First, pair.Second)
		}
		for _, pair := range refusals.Matrix(r.Info().Name, nt.Observed) {
			check.Equal(t, refusals.Winner(nt.Observed, pair.First, pair.Second), pair.First, "%s", pair.Service)
		}
	}
	list := refusals.Of("NtQueryInformationToken", nt.Documented)
	zero := slices.IndexFunc(list, func(f *refusals.Refusal) bool { return f.Name == "class 0" })
	check.Equal(t, list[zero+1].Name, "class 51", "the next refusal of the same condition")
}

// TestEarliestOfManyConditionsDecides checks larger random sets of failing conditions. REFMON_SEED repeats a run.
func TestEarliestOfManyConditionsDecides(t *testing.T) {
	seed := randtest.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for r := range allRows {
		name := r.Info().Name
		for _, p := range profiles {
			list := refusals.Of(name, p)
			for range min(3*len(list), 40) {
				var set []*refusals.Refusal
				for _, i := range rnd.Perm(len(list)) {
					if !slices.ContainsFunc(set, list[i].Excludes) {
						set = append(set, list[i])
					}
				}
				if len(set) == 0 {
					continue
				}
				check.Equal(t, check.Err(refusals.Call(name, p, set[:1+rnd.IntN(len(set))]...)), nil,
					"seed %d, %s profile", seed, p)
			}
		}
	}
}
