package refusals_test

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/refusals"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestEveryFailureConditionHasRefusal checks that each condition with a failure status has a refusal that causes it, or
// a reason for its absence.
func TestEveryFailureConditionHasRefusal(t *testing.T) {
	for r := range allRows {
		m := r.Info()
		if !refusals.Known(m.Name) {
			if refusals.Outside(m.Name) != "" {
				continue
			}
			for _, c := range m.Conditions {
				if c.Status != ntstatus.Success {
					t.Errorf("%s: no refusals are known, and it can return %s (%s), want %s", m.Name, c.Status,
						c.Rule, ntstatus.Success)
					break
				}
			}
			continue
		}
		for _, a := range refusals.Absent(m.Name) {
			check.That(t, a.Reason != "", "%s: no refusal causes %s %s, want one: %s", m.Name, a.Condition.Rule,
				a.Condition.Status, a.Condition.When)
		}
		for _, p := range profiles {
			listed := map[string]bool{}
			for _, f := range refusals.Of(m.Name, p) {
				check.That(t, !listed[f.String()], "%s lists %s twice", m.Name, f)
				listed[f.String()] = true
				if f.Order() < 0 {
					t.Errorf("%s: the table has no condition %s %s for %q, want one", m.Name, f.Rule(), f.Want, f.Name)
				}
			}
		}
	}
}

// TestEachFailedConditionReturnsItsStatus checks that a valid call succeeds, and that each refusal alone gives the
// status of its condition.
func TestEachFailedConditionReturnsItsStatus(t *testing.T) {
	for r := range allRows {
		name := r.Info().Name
		if !refusals.Known(name) {
			continue
		}
		for _, p := range profiles {
			check.Equal(t, check.Err(refusals.Call(name, p)), nil, "%s profile, valid call", p)
			for _, f := range refusals.Of(name, p) {
				_, err := refusals.Call(name, p, f)
				check.That(t, err == nil, "%s profile: %v, want the status of the refusal", p, err)
			}
		}
	}
}

// A refusal that applies only in user mode or in one profile does not affect the other (O-32, A-27).
func TestModeSpecificConditionIgnoresOtherMode(t *testing.T) {
	for r := range allRows {
		name := r.Info().Name
		for _, p := range profiles {
			for _, f := range refusals.Harmless(name, p) {
				_, err := refusals.Call(name, p, f)
				check.That(t, err == nil, "%s profile: %v, want the refusal to have no effect", p, err)
			}
		}
	}
}
