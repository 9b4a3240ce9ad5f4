package access_test

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sid"
)

// ruleOf configures the policy S-1-17-1 with rules.
func ruleOf(rules ...access.Rule) func(*access.Request) {
	return func(r *access.Request) {
		r.Policies = &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"), Rules: rules}}}
	}
}
