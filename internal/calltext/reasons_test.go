package calltext

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// The text for a rule is that of its conditions with the call's status. For a failed reference it is the handle's. If
// two conditions are possible there is no text.
func TestConditionTextNeedsUniqueCondition(t *testing.T) {
	row := nt.NtTable.Find("NtDuplicateToken")
	conditions := row.Info().Conditions
	for _, k := range conditions {
		var same []string
		for _, other := range conditions {
			if other.Rule == k.Rule && other.Status == k.Status {
				same = append(same, other.When)
			}
		}
		text, exact := conditionText(&nt.Call{Row: row, Status: k.Status}, k.Rule)
		check.That(t, text == strings.Join(same, "; or ") && exact, "%s %s: %q, %t", k.Rule, k.Status, text, exact)
	}
	text, _ := conditionText(&nt.Call{Row: row, Status: ntstatus.AccessDenied}, "O-31")
	check.Equal(t, text, "ExistingTokenHandle does not grant TOKEN_DUPLICATE", "O-31: a failed reference")
	// Without a condition of the rule, no condition or several conditions of the status give no text.
	for _, st := range []ntstatus.Status{ntstatus.Success, ntstatus.AccessDenied} {
		if text, exact := conditionText(&nt.Call{Row: row, Status: st}, "X-1"); text != "" || exact {
			t.Errorf(`%s by a rule that the call does not have: %q, %t, want "", false`, st, text, exact)
		}
	}
	k := func(rule string, st ntstatus.Status) nt.Condition { return nt.Condition{Rule: rule, Status: st} }
	all := []nt.Condition{k("P-1", ntstatus.AccessViolation), k("O-23", ntstatus.ObjectTypeMismatch), k("O-20",
		ntstatus.InvalidHandle),
		k("O-21", ntstatus.ObjectTypeMismatch), k("O-22", ntstatus.AccessDenied), k("A-1", ntstatus.AccessDenied),
		k("O-20", ntstatus.InvalidHandle), k("O-23", ntstatus.ObjectTypeMismatch), k("A-2", ntstatus.AccessDenied)}
	for _, c := range []struct{ from, to, first, last int }{{0, 7, 2, 5}, {0, 2, 2, 2}, {2, 3, 2, 3}, {3, 5, 3, 5}, {4, 7,
		6, 7},
		{5, 6, 6, 6}, {7, 9, 9, 9}} {
		if got := ofHandles(all[c.from:c.to]); len(got) != c.last-c.first || len(got) > 0 && !reflect.DeepEqual(got,
			all[c.first:c.last]) {
			t.Errorf("of %d to %d: %v, want %d to %d", c.from, c.to, got, c.first, c.last)
		}
	}
}

// A reason of several lines names the object in the first one, and each further line is one of its own. The reasons of
// a denial are the steps that refused requested rights.
func TestReasonNamesObjectAndSteps(t *testing.T) {
	const object = `\Device\p\plan`
	denied := access.Explanation{Asked: 1, Steps: []access.Step{
		{Rule: "A-70", Bits: 2, ACE: -1, Because: "another right"}, {Rule: "A-72", Bits: 1, Granted: true},
		{Rule: "A-71", List: "DACL", Bits: 3, ACE: 1, Because: "refused"},
		{Rule: "A-90", Bits: 1, ACE: -1, Because: "refused"}}}
	for _, c := range []struct {
		why  nt.Why
		want []string
	}{
		{nt.Why{Rule: "F-26", Object: object, Because: "DENIED\n0x1 ReadData refused\n"},
			[]string{"because F-26 " + object + ": DENIED", "  0x1 ReadData refused"}},
		{nt.Why{Rule: "F-26", Object: object, Explanation: &denied},
			[]string{"because A-71 " + object + ": entry 2 of the DACL : refused",
				"because A-90 " + object + ": refused"}},
		{nt.Why{Explanation: &access.Explanation{Steps: denied.Steps[:2]}},
			[]string{"because: " + (&access.Explanation{}).Verdict()}},
		{nt.Why{Rule: "X-1"}, []string{"because X-1"}},
		{nt.Why{Rule: "X-1", Object: object}, []string{"because X-1: " + object}},
		{nt.Why{Rule: "X-1", Object: object, Because: "no"}, []string{"because X-1 " + object + ": no"}},
	} {
		made := &nt.Call{Row: nt.NtTable.Find("NtClose"), Status: ntstatus.Timeout, Why: c.why}
		check.SlicesEqual(t, Reasons(made), c.want, "reasons of %+v", c.why)
	}
}
