package main

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/refmon/refmon/winnt"
)

// openCedar returns cedar-go as a peer. When the peer prepares an input, it makes a policy of each entry, a parent of
// the user of each SID of the token, and an action group of the mask. openCedar itself cannot fail.
func openCedar() (*peer, error) {
	return &peer{
		name: "cedar-go", version: moduleVersion("github.com/cedar-policy/cedar-go"),
		lacks: "the order of entries (a forbid always wins), so an allow before a deny; " +
			"masks and MAXIMUM_ALLOWED (asked here as one question a right); " +
			"deny-only groups, privileges and the owner's rights are for the policy author to model",
		prepare: func(in *input) (asker, error) {
			var text strings.Builder
			for _, s := range in.acl {
				fmt.Fprintf(&text, "permit (principal in Group::%q, action in Action::\"all\", resource == File::\"f\");\n", s)
			}
			policies, err := cedar.NewPolicySetFromBytes("acl", []byte(text.String()))
			if err != nil {
				return nil, err
			}
			user, file := cedar.NewEntityUID("User", "u"), cedar.NewEntityUID("File", "f")
			all := cedar.NewEntityUID("Action", "all")
			entities := cedar.EntityMap{file: {UID: file}, all: {UID: all}}
			var groups []cedar.EntityUID
			for _, s := range in.token {
				g := cedar.NewEntityUID("Group", cedar.String(s.String()))
				groups, entities[g] = append(groups, g), cedar.Entity{UID: g}
			}
			entities[user] = cedar.Entity{UID: user, Parents: cedar.NewEntityUIDSet(groups...)}
			actions := map[winnt.AccessMask]cedar.EntityUID{}
			for _, r := range rights() {
				a := cedar.NewEntityUID("Action", cedar.String(rightName(r)))
				actions[r], entities[a] = a, cedar.Entity{UID: a, Parents: cedar.NewEntityUIDSet(all)}
			}
			return byRight(in, func(right winnt.AccessMask) (bool, error) {
				ok, why := cedar.Authorize(policies, entities,
					cedar.Request{Principal: user, Action: actions[right], Resource: file})
				if len(why.Errors) > 0 {
					return false, fmt.Errorf("cedar: %s", why.Errors[0].Message)
				}
				return ok == cedar.Allow, nil
			})
		},
	}, nil
}
