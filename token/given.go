package token

import (
	"slices"

	"github.com/refmon/refmon/winnt"
)

// GroupDisabled are the whole attributes of a group in Spec.Groups that a token
// has and that is not enabled: it grants nothing until it is adjusted. Attributes
// 0 could not say so, since an entry without attributes is an ordinary group. The
// token itself holds 0: the bit is of no use outside of a Spec, and New refuses
// it beside others and in other lists. (T-143)
const GroupDisabled uint32 = 1 << 28 // no SE_GROUP_* of winnt.h

// AsGiven returns a copy of groups whose attributes come from outside: from a
// token, a ticket or TOKEN_GROUPS, where 0 says that a group is disabled. Put it
// into Spec.Groups. Outside of a Spec there is no GroupDisabled, so that New
// refuses a list in which an entry had it. (T-144)
func AsGiven(groups []Group) []Group {
	out := slices.Clone(groups)
	for i := range out {
		switch a := &out[i].Attributes; {
		case *a == 0:
			*a = GroupDisabled
		case *a&GroupDisabled != 0:
			*a |= winnt.SE_GROUP_ENABLED // which New refuses beside it
		}
	}
	return out
}
