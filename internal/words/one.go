package words

import (
	"errors"
	"fmt"
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

// Queries returns the queries for several rights together, of which one must be granted. There is more than one only
// for control, which must be the only right. chains are the object types for the rights. It returns ErrManyQueries if
// one query cannot hold all rights, because they differ in their object types. Other errors are control together with
// other rights, and a right of directory objects for an object of another type.
func Queries(rights []Right, chains [][]winnt.GUID, t *winnt.ObjectType) (out []Query, err error) {
	for _, r := range rights {
		if err := r.CheckType(t); err != nil {
			return nil, fmt.Errorf("%w: choose its type, such as directoryService (--type)", err)
		}
	}
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
			return nil, errors.New("control cannot be combined with other rights, because it is either of two rights")
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
	// On a tree every mask applies to every type.
	if len(all) > 0 && object || slices.ContainsFunc(masks, func(m winnt.AccessMask) bool { return m != masks[0] }) {
		return nil, ErrManyQueries
	}
	q.Types = Tree(all)
	return []Query{q}, nil
}

// Place locates the answer about one part of a right: the group, and the index of its mask there.
type Place struct{ Group, Mask int }

// Group is a set of masks that one evaluation can answer, because they have the same object type list.
type Group struct {
	Types []access.ObjectTypeEntry // nil: the object
	Masks []winnt.AccessMask
}

// Divide groups the parts of rights by object type list, because one evaluation has a single list. places says, for
// each right, where the answers about its parts are. The order of rights and parts is kept.
func Divide(rights []Right, t *winnt.ObjectType) (groups []Group, places [][]Place) {
	at := map[string]int{}
	for _, right := range rights {
		var of []Place
		for _, p := range right.Parts(t) {
			key := fmt.Sprint(p.Types)
			n, ok := at[key]
			if !ok {
				n = len(groups)
				at[key] = n
				groups = append(groups, Group{Types: p.List()})
			}
			of = append(of, Place{n, len(groups[n].Masks)})
			groups[n].Masks = append(groups[n].Masks, p.Mask)
		}
		places = append(places, of)
	}
	return groups, places
}
