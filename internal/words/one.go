package words

import (
	"errors"
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/winnt"
)

// Query is a question for one check: a mask on a tree of object types.
type Query struct {
	Desired winnt.AccessMask
	Types   []access.ObjectTypeEntry // nil: the object
}

// ErrManyQueries says that rights are about different masks on different types.
var ErrManyQueries = errors.New("these rights ask for different masks on different object types: ask one at a time")

// Queries returns what a check is asked for rights together: the queries of which
// one is enough. There is more than one for control alone. chains are the object
// types that rights on the object are asked about.
func Queries(rights []Right, chains [][]winnt.GUID, t *winnt.ObjectType) (out []Query, err error) {
	if len(rights) == 1 && rights[0].Any() {
		for _, p := range rights[0].Parts(t) {
			out = append(out, Query{p.Mask, p.List()})
		}
		return out, nil
	}
	var q Query
	var all [][]winnt.GUID
	var masks []winnt.AccessMask
	object := false
	for _, r := range rights {
		if r.Any() {
			return nil, errors.New("control is one of two rights: ask for it alone")
		}
		for _, p := range r.On(chains, t).Parts(t) {
			q.Desired |= p.Mask
			if p.Types == nil {
				object = true
				continue
			}
			all = append(all, p.Types)
			masks = append(masks, p.Mask)
		}
	}
	// On a tree every mask is asked of every type.
	if len(all) > 0 && object || slices.ContainsFunc(masks, func(m winnt.AccessMask) bool { return m != masks[0] }) {
		return nil, ErrManyQueries
	}
	q.Types = Tree(all)
	return []Query{q}, nil
}
