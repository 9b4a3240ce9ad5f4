package faults_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/verbs/faults"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

var profiles = []nt.Profile{nt.Documented, nt.Observed}

// rows yields every service and routine of both tables.
func rows(yield func(*nt.Row) bool) {
	for _, t := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		for r := range t.All {
			if !yield(r) {
				return
			}
		}
	}
}

// TestEveryCondition: each condition with a failure status has a fault that
// brings it about, or a reason why it has no fault.
func TestEveryCondition(t *testing.T) {
	for r := range rows {
		m := r.Info()
		if !faults.Known(m.Name) {
			if faults.Outside(m.Name) != "" {
				continue
			}
			for _, c := range m.Conditions {
				if c.Status != ntstatus.Success {
					t.Errorf("%s: no faults are known, and it can return %s (%s)", m.Name, c.Status, c.Rule)
					break
				}
			}
			continue
		}
		for _, a := range faults.Absent(m.Name) {
			if a.Reason == "" {
				t.Errorf("%s: nothing brings about %s %s: %s", m.Name, a.Condition.Rule, a.Condition.Status, a.Condition.When)
			}
		}
		for _, p := range profiles {
			for _, f := range faults.Faults(m.Name, p) {
				if f.Order() < 0 {
					t.Errorf("%s: the table has no condition %s %s for %q", m.Name, f.Rule(), f.Want, f.Name)
				}
			}
		}
	}
}

// TestSingleFaults: a call with nothing wrong succeeds, and each fault alone
// gives the status of its condition.
func TestSingleFaults(t *testing.T) {
	for r := range rows {
		name := r.Info().Name
		if !faults.Known(name) {
			continue
		}
		for _, p := range profiles {
			if _, err := faults.Call(name, p); err != nil {
				t.Errorf("%s profile: %v", p, err)
			}
			for _, f := range faults.Faults(name, p) {
				if _, err := faults.Call(name, p, f); err != nil {
					t.Errorf("%s profile: %v", p, err)
				}
			}
		}
	}
}

// TestPairs: of two faults the one whose condition stands earlier wins, by
// status and by the rule that the kernel names (O-31, T-40, I-20, I-41 and the
// order of every other service), a failing call changes nothing (P-7) and
// nothing is leaked (P-5).
func TestPairs(t *testing.T) {
	n := 0
	for r := range rows {
		for _, p := range profiles {
			for _, pair := range faults.Matrix(r.Info().Name, p) {
				n++
				if _, err := pair.Check(); err != nil {
					t.Errorf("%s profile: %v", p, err)
				}
			}
		}
	}
	t.Logf("%d pairs of faults", n)
}

// TestSets: the same for larger sets of faults, drawn at random; REFMON_SEED
// repeats a run.
func TestSets(t *testing.T) {
	seed := randtest.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for r := range rows {
		name := r.Info().Name
		for _, p := range profiles {
			list := faults.Faults(name, p)
			for range min(3*len(list), 40) {
				var set []*faults.Fault
				for _, i := range rnd.Perm(len(list)) {
					if fits(set, list[i]) {
						set = append(set, list[i])
					}
				}
				if len(set) == 0 {
					continue
				}
				if _, err := faults.Call(name, p, set[:1+rnd.IntN(len(set))]...); err != nil {
					t.Errorf("seed %d, %s profile: %v", seed, p, err)
				}
			}
		}
	}
}

func fits(set []*faults.Fault, f *faults.Fault) bool {
	for _, g := range set {
		if f.Excludes(g) {
			return false
		}
	}
	return true
}

// TestNotAFault: what is a fault in user mode or in one profile only leaves a
// call of the other successful (O-32, A-27).
func TestNotAFault(t *testing.T) {
	for r := range rows {
		name := r.Info().Name
		for _, p := range profiles {
			for _, f := range faults.Harmless(name, p) {
				if _, err := faults.Call(name, p, f); err != nil {
					t.Errorf("%s profile: %v", p, err)
				}
			}
		}
	}
}
