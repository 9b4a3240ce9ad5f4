package model

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// TestEveryServiceDerivesItsOrder makes calls and checks that the model took the order of each service's checks from
// the service's row, or from that of its Ex form.
func TestEveryServiceDerivesItsOrder(t *testing.T) {
	made, err := Run(World{Seed: 11, Profile: nt.Documented}, 3_000)
	check.NoError(t, err)
	derived := map[string]bool{}
	for key := range positions.Range {
		derived[key.(condition).service] = true
	}
	services := 0
	for call := range made.Made {
		name := strings.Replace(call, "Zw", "Nt", 1)
		if !strings.HasPrefix(name, "Nt") {
			continue
		}
		services++
		if !derived[name] && !derived[name+"Ex"] {
			t.Errorf("%s: the model states an order of its own", name)
		}
	}
	check.That(t, services >= 80, "%d services and modes were called, want at least 80", services)
}

// TestRefusePicksFirstConditionOfRow passes checks in an order that differs from the row's.
func TestRefusePicksFirstConditionOfRow(t *testing.T) {
	var asked []string
	ask := func(rule, text string, holds bool) refusal {
		return when(rule, text, 1, func() bool { asked = append(asked, text); return holds })
	}
	if r, over := refuse("NtDuplicateToken", ask("T-42", "", false), ask("T-40", "TOKEN_DUPLICATE", true),
		ask("T-40", "TokenType", false), ask("S-61", "", true)); !over || r.Status != 1 {
		t.Errorf("refuse = status %d, %t, want 1, true", r.Status, over)
	}
	if got := strings.Join(asked, " "); got != "TokenType TOKEN_DUPLICATE" {
		t.Errorf("the model checked %q, want \"TokenType TOKEN_DUPLICATE\": in the order of the row, up to the first failure",
			got)
	}
	if r, over := refuse("NtClose"); over || r != (Result{}) {
		t.Errorf("no refusal: %v, %t", r, over)
	}
	defer func() {
		check.That(t, recover() != nil, "a condition that the row does not have was accepted")
	}()
	refuse("NtClose", when("T-40", "", 1, func() bool { return true }))
}
