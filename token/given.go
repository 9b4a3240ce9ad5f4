package token

import (
	"slices"

	"github.com/refmon/refmon/winnt"
)

// GroupDisabled as the only attribute of a group in Spec.Groups makes a disabled
// group: it grants nothing until it is enabled. Attributes 0 mean an ordinary
// group in a Spec, so they cannot mean a disabled one. The token stores 0 for the
// group. The bit is used only in a Spec. New refuses it together with other bits
// and in other lists (T-143).
const GroupDisabled uint32 = 1 << 28 // no SE_GROUP_* of winnt.h

// AsGiven returns a copy of groups for Spec.Groups. Use it for groups whose
// attributes come from a token, a ticket or TOKEN_GROUPS, where 0 means a
// disabled group. Such lists cannot contain GroupDisabled, so New refuses the
// copy of a list that does (T-144).
func AsGiven(groups []Group) []Group {
	out := slices.Clone(groups)
	for i := range out {
		switch a := &out[i].Attributes; {
		case *a == 0:
			*a = GroupDisabled
		case *a&GroupDisabled != 0:
			*a |= winnt.SE_GROUP_ENABLED // New rejects GroupDisabled together with ENABLED
		}
	}
	return out
}
