package main

import (
	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/refmon/refmon/winnt"
)

// The first matching entry decides, as in a DACL for one right. The matcher tests the SID first, so that every entry
// reaches that test.
const casbinModel = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _
g2 = _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && g2(r.act, p.act)
`

// openCasbin makes a policy of each entry, a role of the user of each SID, and
// a role of actions of the mask.
func openCasbin() (*peer, error) {
	return &peer{
		name: "casbin", version: moduleVersion("github.com/casbin/casbin/v2"),
		lacks: "masks: a right is a word and several rights are several questions, so is MAXIMUM_ALLOWED; " +
			"deny-only groups, privileges and the owner's rights are for the model's author",
		prepare: func(in *input) (asker, error) {
			m, err := model.NewModelFromString(casbinModel)
			if err != nil {
				return nil, err
			}
			e, err := casbin.NewEnforcer(m)
			if err != nil {
				return nil, err
			}
			var policies, groups, actions [][]string
			for _, s := range in.acl {
				policies = append(policies, []string{s.String(), "f", "all", "allow"})
			}
			for _, s := range in.token {
				groups = append(groups, []string{"u", s.String()})
			}
			names := map[winnt.AccessMask]string{}
			for _, r := range rights() {
				names[r] = rightName(r)
				actions = append(actions, []string{names[r], "all"})
			}
			if _, err := e.AddPolicies(policies); err != nil {
				return nil, err
			}
			if _, err := e.AddNamedGroupingPolicies("g", groups); err != nil {
				return nil, err
			}
			if _, err := e.AddNamedGroupingPolicies("g2", actions); err != nil {
				return nil, err
			}
			return byRight(in, func(right winnt.AccessMask) (bool, error) { return e.Enforce("u", "f", names[right]) })
		},
	}, nil
}
