package access

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ObjectTypeEntry is an OBJECT_TYPE_LIST element: a node of a tree of object
// types in preorder. Level 0 is the object itself (in Active Directory its
// class), 1 a property set or child class, 2 a property.
type ObjectTypeEntry struct {
	Level uint16
	GUID  winnt.GUID
}

// Limits of an object type list.
const (
	MaxObjectTypes     = 4096 // entries
	MaxObjectTypeLevel = 4    // the deepest level
)

// ValidateObjectTypes checks that a list is a preorder tree of at most [MaxObjectTypes] entries, with one root and
// without repeated GUIDs. The error names the wrong entry and wraps STATUS_INVALID_PARAMETER. The empty list
// is valid and means no tree.
func ValidateObjectTypes(list []ObjectTypeEntry) error {
	// A list has a longest length.
	if len(list) > MaxObjectTypes {
		return listError(MaxObjectTypes, "the list has %d entries, at most %d are allowed", len(list), MaxObjectTypes)
	}
	// The checks follow the entries in order, so that the error names the first
	// one that is wrong.
	seen := guidIndex{}
	for i := range list {
		e := &list[i]
		switch {
		case i == 0 && e.Level != 0:
			// The list begins with its one root.
			return listError(i, "the first entry has level %d, it must be the root at level 0", e.Level)
		case i > 0 && e.Level == 0:
			return listError(i, "a second root: only the first entry may have level 0")
		case e.Level > MaxObjectTypeLevel:
			return listError(i, "level %d, the deepest is %d", e.Level, MaxObjectTypeLevel)
		case i > 0 && e.Level > list[i-1].Level+1:
			return listError(i, "level %d follows level %d, a level was left out", e.Level, list[i-1].Level)
		}
		if !seen.add(list[:i], e.GUID) {
			return listError(i, "GUID %s is in the list twice", e.GUID)
		}
	}
	return nil
}

// listError returns the error of the entry with an index. It wraps STATUS_INVALID_PARAMETER.
func listError(index int, format string, args ...any) error {
	return fmt.Errorf("object type list, entry %d: %s: %w", index, fmt.Sprintf(format, args...),
		ntstatus.InvalidParameter.Err())
}

// guidIndex finds a GUID in an object type list: by linear search, or by a map for long lists.
//
// Real lists have a handful of entries, for which a linear search is faster and takes no memory. With 4,096 entries
// it would take quadratic time.
type guidIndex struct{ m map[winnt.GUID]int32 }

// shortList is the number of entries up to which a guidIndex has no map.
const shortList = 16

// add records the GUID of the next entry, which follows the entries of list. It returns false if list already has it.
func (x *guidIndex) add(list []ObjectTypeEntry, guid winnt.GUID) bool {
	if x.find(list, guid) >= 0 {
		return false
	}
	if len(list) >= shortList {
		if x.m == nil {
			x.m = make(map[winnt.GUID]int32, 4*shortList)
			for i := range list {
				x.m[list[i].GUID] = int32(i)
			}
		}
		x.m[guid] = int32(len(list))
	}
	return true
}

// find returns the index of the entry of list with this GUID, or -1.
func (x *guidIndex) find(list []ObjectTypeEntry, guid winnt.GUID) int {
	if x.m != nil {
		if i, ok := x.m[guid]; ok {
			return int(i)
		}
		return -1
	}
	for i := range list {
		if list[i].GUID == guid {
			return i
		}
	}
	return -1
}

// node is one entry of the object type list during a check: its place in the tree and the rights decided there.
type node struct {
	parent, end        int32            // of the root -1; end is one past the subtree
	undecided, granted winnt.AccessMask // in the pass that runs
	held               winnt.AccessMask // bits that all passes so far granted
}

// tree is an object type list prepared for a check, with the rights of each node. It is owned by one check. Two
// invariants make cheap. A bit granted at a node is granted in its whole subtree. A bit denied at a node
// is denied at each ancestor that was not granted it before, because an ancestor represents its whole subtree.
type tree struct {
	list  []ObjectTypeEntry
	index guidIndex
	nodes []node
	each  bool // a result for every node, not one for the root
}

// newTree returns the tree of an object type list, which must be valid and not empty. perNode requests one result per
// node instead of one for the root.
func newTree(list []ObjectTypeEntry, perNode bool) *tree {
	t := &tree{list: list, nodes: make([]node, len(list)), each: perNode}
	var path [MaxObjectTypeLevel + 1]int32
	for i := range list {
		l := list[i].Level
		n := &t.nodes[i]
		n.parent, n.end = -1, int32(i+1)
		if l > 0 {
			n.parent = path[l-1]
		}
		path[l] = int32(i)
		// Each ancestor's subtree grows by this entry: the list is in preorder.
		for p := n.parent; p >= 0; p = t.nodes[p].parent {
			t.nodes[p].end = int32(i + 1)
		}
		t.index.add(list[:i], list[i].GUID)
	}
	return t
}

// find returns the index of the node with this GUID, or -1.
func (t *tree) find(guid winnt.GUID) int { return t.index.find(t.list, guid) }

// hold prepares the tree for the first pass: it sets the rights that every node has before it.
func (t *tree) hold(rights winnt.AccessMask) {
	for i := range t.nodes {
		t.nodes[i].held = rights
	}
}

// start begins a pass over the DACL. At each node the bits that it holds and that are in limit become undecided. If
// the check gives one result for the whole object, every node first gets the object's held bits.
func (t *tree) start(held, limit winnt.AccessMask) {
	for i := range t.nodes {
		n := &t.nodes[i]
		if !t.each {
			n.held = held
		}
		n.undecided, n.granted = n.held&limit, 0
	}
}

// finish ends a pass over the DACL. Each node loses the held bits inside limit that the pass did not grant. It keeps
// the bits outside limit.
func (t *tree) finish(limit winnt.AccessMask) {
	for i := range t.nodes {
		n := &t.nodes[i]
		n.held = n.held&^limit | n.granted
	}
}

// allow applies an allow ACE for one node: it grants the undecided ones of the bits to the node and its descendants.
// It then grants each ancestor the bits that all its children have.
func (t *tree) allow(node int, bits winnt.AccessMask) {
	for i := node; i < int(t.nodes[node].end); i++ {
		n := &t.nodes[i]
		g := bits & n.undecided
		n.granted |= g
		n.undecided &^= g
	}
	// An ancestor whose children disagree ends the climb: each one above it has a child without the bits.
	for p := t.nodes[node].parent; p >= 0; p = t.nodes[p].parent {
		n := &t.nodes[p]
		g := n.undecided
		for c := p + 1; c < n.end; c = t.nodes[c].end {
			g &= t.nodes[c].granted
		}
		if g == 0 {
			return
		}
		n.granted |= g
		n.undecided &^= g
	}
}

// deny refuses bits at a node, its descendants and its ancestors, as a deny ACE does. Bits that were already granted
// stay granted. hit has the bits that were undecided at the node or a descendant.
func (t *tree) deny(node int, bits winnt.AccessMask) (hit winnt.AccessMask) {
	up := bits &^ t.nodes[node].granted
	for i := node; i < int(t.nodes[node].end); i++ {
		n := &t.nodes[i]
		hit |= n.undecided & bits
		n.undecided &^= bits
	}
	for p := t.nodes[node].parent; p >= 0; p = t.nodes[p].parent {
		t.nodes[p].undecided &^= up
	}
	return hit
}

// undecided returns the bits that at least one node has still to decide.
func (t *tree) undecided() (bits winnt.AccessMask) {
	for i := range t.nodes {
		bits |= t.nodes[i].undecided
	}
	return bits
}
