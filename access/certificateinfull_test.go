package access_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestCertifiedPolicies: a certificate states each policy that was configured, with its rules in order:
// one without rules too, of two with one id the first, and the recovery policy under the id "".
func TestCertifiedPolicies(t *testing.T) {
	when, _, err := claims.ParseExpr("(@Resource.x == 1)", claims.ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	one, two := mustDescriptor("D:(A;;FR;;;WD)"), mustDescriptor("D:(A;;FW;;;WD)")
	set := &access.PolicySet{Recovery: two, Policies: []access.Policy{
		{ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "a", Descriptor: one},
			{Name: "b\xff", AppliesTo: when}}},
		{ID: sid.MustParse("S-1-17-2")},
		{ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "c", Descriptor: two}}},
	}}
	hexOf := func(b []byte) string { return fmt.Sprintf("%x", b) }
	stated := map[string][][3]string{"": {{"recovery policy", "", hexOf(two.Binary())}},
		"S-1-17-1": {{"a", "", hexOf(one.Binary())}, {"b\uFFFD", hexOf(when.Encode()), ""}}, "S-1-17-2": {}}
	for name, c := range map[string]struct {
		policies *access.PolicySet
		want     map[string][][3]string
	}{
		"none":             {nil, map[string][][3]string{}},
		"an empty set":     {&access.PolicySet{Recovery: one}, map[string][][3]string{}},
		"three, two alike": {set, stated},
	} {
		r := ask(t, "…(A;;FR;;;WD)", 1, primary)
		r.Policies = c.policies
		_, x, err := access.Explain(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := x.Certificate(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Policies map[string][][3]string `json:"policies"`
		}
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got.Policies, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got.Policies, err, c.want)
		}
	}
	if set.Find(sid.MustParse("S-1-17-1")) != &set.Policies[0] ||
		set.Find(sid.MustParse("S-1-17-2")) != &set.Policies[1] ||
		set.Find(sid.MustParse("S-1-17-3")) != nil || (*access.PolicySet)(nil).Find(sid.Everyone) != nil {
		t.Error("a policy is not found by its id, or another is")
	}
}

// TestCertifiedSubjects: a certificate states the level of an impersonation, and the process's token
// where it is another one.
func TestCertifiedSubjects(t *testing.T) {
	own := ask(t, "…", 1, primary).Subject.Primary
	client := ask(t, "…", 1).Subject.Client
	other := ask(t, "…", 1, primary, groups(sid.Everyone)).Subject.Primary
	for name, c := range map[string]struct {
		subject access.Subject
		level   string
		process bool
	}{
		"a process": {access.Subject{Primary: own}, "", false},
		"a client alone": {access.Subject{Client: client, Level: winnt.SecurityImpersonation}, "Impersonation",
			false},
		"a client of its process": {access.Subject{Primary: client, Client: client, Level: winnt.SecurityDelegation},
			"Delegation", false},
		"a client of another": {access.Subject{Primary: other, Client: client, Level: winnt.SecurityImpersonation},
			"Impersonation", true},
		"one that is identified": {access.Subject{Primary: own, Client: client, Level: winnt.SecurityIdentification},
			"Identification", true},
		"one without a name": {access.Subject{Client: client}, "Anonymous", false},
	} {
		r := ask(t, "…(A;;FR;;;WD)", winnt.GENERIC_READ)
		r.Subject = c.subject
		_, x, err := access.Explain(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := x.Certificate(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Level, Primary, Desired string }
		if err := json.Unmarshal(text, &got); err != nil || got.Level != c.level || (got.Primary != "") != c.process ||
			got.Desired != "0x80000000" {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, c.level)
		}
	}
}
