package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// OWNER RIGHTS in a central rule means the object's owner. The rule never removes the owner's implicit rights, even
// if it names OWNER RIGHTS.
func TestCentralRuleKeepsOwnerRights(t *testing.T) {
	for _, c := range []struct {
		rule    string
		desired winnt.AccessMask
		want    winnt.AccessMask // 0 means denied
	}{
		{"D:(A;;0x1;;;OW)", 1, 1},
		{"D:(A;;0x1;;;OW)", 2, 0},
		{"D:(A;;0x0;;;OW)", winnt.READ_CONTROL | winnt.WRITE_DAC, winnt.READ_CONTROL | winnt.WRITE_DAC},
		{"D:", winnt.READ_CONTROL, winnt.READ_CONTROL},
		{"D:(D;;RC;;;OW)(A;;0x1;;;WD)", winnt.READ_CONTROL | 1, winnt.READ_CONTROL | 1},
	} {
		policies := &access.PolicySet{Policies: []access.Policy{{
			ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "r", Descriptor: sddl.MustParse(c.rule)}},
		}}}
		d := sddl.MustParse("O:" + caseU.String() + "G:SYD:(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)")
		dec, err := access.SeAccessCheck(&access.Request{Descriptor: d,
			Subject: access.SubjectOf(mustToken(t, baseSpec())),
			Desired: c.desired, Type: winnt.FileObject, Policies: policies})
		if err != nil || dec.Granted != c.want || dec.Allowed() != (c.want != 0) {
			t.Errorf("A-152: rule %s, desired %v: %v, %v; want granted %v", c.rule, c.desired, dec, err, c.want)
		}
	}
}

// ruleOf configures the policy S-1-17-1 with one rule.
func ruleOf(rule *access.Rule) func(*access.Request) {
	return func(r *access.Request) {
		r.Policies = &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"),
			Rules: []access.Rule{*rule}}}}
	}
}

// A staged descriptor never changes a decision.
func TestStagedDescriptorNeverDecides(t *testing.T) {
	r := ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2)
	rulePolicy("(@Resource.none == 1)")(r)
	r.Policies.Policies[0].Rules[0].Staged = mustDescriptor("D:(D;;FA;;;WD)")
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-102: with a staged descriptor: %+v, %v; want granted 2, no error", d, err)
	}
	r = ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", 2)
	rulePolicy("")(r)
	r.Policies.Recovery = mustDescriptor("D:(A;;FA;;;WD)")
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-100: with another recovery policy: %+v, %v; want granted 2, no error", d, err)
	}
	r.Policies = &access.PolicySet{} // a set without policies
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-100: with an empty policy set: %+v, %v; want granted 2, no error", d, err)
	}
}

// The explanation names the rule that removed the right, with its index among all rules, including those that do not
// apply.
func TestExplanationNamesDenyingRule(t *testing.T) {
	for at := range 4 {
		r := ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2)
		rulePolicy("")(r)
		rules := make([]access.Rule, 4)
		for i := range rules {
			rules[i] = access.Rule{Name: fmt.Sprint("rule ", i), Descriptor: mustDescriptor("D:(A;;FA;;;WD)")}
		}
		rules[at].Descriptor = mustDescriptor("D:(A;;0x1;;;WD)")
		r.Policies.Policies[0].Rules = rules
		d, x, err := access.Explain(r)
		if err != nil || d.Allowed() {
			t.Fatalf("Explain: %v, %v; want a denial, no error", d, err)
		}
		found := false
		for _, row := range x.Reasons {
			if reason := row.Reason; reason.Kind == access.CentralAccessRule {
				found = true
				if reason.Index != at || reason.Name != rules[at].Name {
					t.Errorf("rule %d denies; the reason names rule %d, %q; want %d, %q", at, reason.Index,
						reason.Name, at, rules[at].Name)
				}
			}
		}
		if !found {
			t.Errorf("rule %d denies, but no reason names a rule", at)
		}
	}
}
