package model_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/model"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// plainSeed is the seed of runs without a seed flag, so that a plain test is repeatable.
const plainSeed = 20_240_501

// number reads an environment variable, or gives the default.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 0, 64)
	check.RequireThat(t, err == nil, "%s=%q: want a number", name, s)
	return n
}

// plainCalls returns the number of calls of runs without a number flag.
func plainCalls(n, short uint64) uint64 {
	if !randtest.Deep() {
		return short
	}
	return n
}

// TestKernelAgreesWithModel runs histories of calls on the kernel and on the model
// and checks P-1, P-2, P-3, P-4, P-5, P-6, P-7, P-8, P-9, P-10, P-12, P-14 and
// P-15 after each call. REFMON_CALLS
// sets the number of calls, REFMON_SEED the seed.
func TestKernelAgreesWithModel(t *testing.T) {
	seed := number(t, "REFMON_SEED", plainSeed)
	calls := int(number(t, "REFMON_CALLS", plainCalls(40_000, 19_000)))
	for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
		t.Run(profile.String(), func(t *testing.T) {
			start := time.Now()
			n, err := model.Run(model.World{Seed: seed, Profile: profile}, calls/2)
			check.NoError(t, err)
			t.Logf("seed %d: %d calls, %.0f a second", seed, n.Calls(), float64(n.Calls())/time.Since(start).Seconds())
			if calls < 20_000 {
				return
			}
			// The histories reach each call, its failure and its success, and each feature.
			check.That(t, len(n.Made) >= 80, "%d different calls: %v, want at least 80", len(n.Made), n.Made)
			for _, what := range n.Scarce() {
				t.Error(what)
			}
		})
	}
}

// Histories run with user-mode calls over Unix sockets, one connection for each process, several histories at once.
// The model agrees on each call, and the connections leave no objects (W-10, W-13).
func TestModelAgreesOverSockets(t *testing.T) {
	seed := number(t, "REFMON_SEED", plainSeed)
	calls := int(number(t, "REFMON_CALLS", plainCalls(12_000, 2_400)))
	const atOnce = 4 // histories, of two connections
	for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
		for i := range uint64(atOnce) {
			t.Run(fmt.Sprintf("%s %d", profile, i), func(t *testing.T) {
				t.Parallel()
				sockets := wired.Sockets(t)
				w := model.World{Seed: seed + i<<32, Profile: profile}
				over := 0
				w.Over = func() (func(*kernel.Process, *nt.Thread) (nt.Services, error), func() error) {
					c := &wired.Connections{Stream: sockets}
					over++
					return c.Services, c.Close
				}
				n, err := model.Run(w, calls/(2*atOnce))
				check.NoError(t, err)
				check.That(t, len(n.Made) >= 60 && over >= 2,
					"%d different calls, %d histories, want at least 60, at least 2", len(n.Made), over)
			})
		}
	}
}
