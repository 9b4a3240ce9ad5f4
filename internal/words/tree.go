package words

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/winnt"
)

// Chains returns the chains of object types by their names or GUIDs. If one is a class, it is the root of the others.
// No names give nil. A second class becomes a type below the first. An unknown name is an error.
func Chains(names []string) (chains [][]winnt.GUID, err error) {
	var root winnt.GUID
	for _, name := range names {
		chain, err := Chain(name)
		if err != nil {
			return nil, err
		}
		if len(chain) == 1 && root == (winnt.GUID{}) {
			root = chain[0]
			continue
		}
		chains = append(chains, chain)
	}
	if root == (winnt.GUID{}) {
		return chains, nil
	}
	for i, chain := range chains {
		if len(chain) == 1 { // the chain is another class: put it below root
			chain = []winnt.GUID{{}, chain[0]}
		}
		chain[0] = root
		chains[i] = chain
	}
	if chains == nil {
		chains = [][]winnt.GUID{{root}}
	}
	return chains, nil
}

// Tree returns the object type list of some chains, nil for no chains. A chain with
// another root hangs below that of the first. No type occurs twice.
func Tree(chains [][]winnt.GUID) (list []access.ObjectTypeEntry) {
	for _, chain := range chains {
		if len(list) > 0 && chain[0] != list[0].GUID {
			chain = append([]winnt.GUID{list[0].GUID}, chain...)
		}
		at := 0 // index at which to insert the types of this chain: after the subtree of its last known type
		for level, g := range chain {
			known := slices.IndexFunc(list, func(e access.ObjectTypeEntry) bool { return e.GUID == g })
			if known >= 0 {
				at = end(list, known)
				continue
			}
			list = slices.Insert(list, at, access.ObjectTypeEntry{Level: uint16(level), GUID: g})
			at++
		}
	}
	return list
}

// end returns the index behind the subtree of the node at index at, in an object type list in preorder.
func end(list []access.ObjectTypeEntry, at int) int {
	i := at + 1
	for i < len(list) && list[i].Level > list[at].Level {
		i++
	}
	return i
}

// Under returns an object type list with a class in place of its root, if that is the object as the zero GUID. It
// returns any other list, and one that has the class already, unchanged. It does not change list.
func Under(class winnt.GUID, list []access.ObjectTypeEntry) []access.ObjectTypeEntry {
	if len(list) == 0 || list[0].GUID != (winnt.GUID{}) ||
		slices.ContainsFunc(list, func(e access.ObjectTypeEntry) bool { return e.GUID == class }) {
		return list
	}
	return slices.Concat([]access.ObjectTypeEntry{{GUID: class}}, list[1:])
}

// Class returns the GUID of a class by its name, zero for an unknown one.
func Class(name string) (g winnt.GUID) {
	for _, e := range adrights.ByName(name) {
		if e.Kind == adrights.Class {
			g = e.GUID
		}
	}
	return g
}

// OfClass returns queries about an object whose classes from top down are given: the last one is the root of the object
// types (B-4). Without classes, and for an unknown one, it returns q unchanged. It does not change q.
func OfClass(q []Query, classes []string) []Query {
	if len(classes) == 0 {
		return q
	}
	class, out := Class(classes[len(classes)-1]), slices.Clone(q)
	for i := range out {
		out[i].Types = Under(class, out[i].Types)
	}
	return out
}
