package sd

import (
	"iter"

	"github.com/refmon/refmon/winnt"
)

// Node is one object of a tree whose descriptors inherit from each other. The
// zero value is a leaf without a descriptor.
type Node struct {
	Name        string
	Descriptor  *Descriptor
	IsContainer bool
	ObjectTypes []winnt.GUID
	Children    []*Node
}

// Change is one descriptor that differs after propagation. Path has the names
// from the root's child down to the object.
type Change struct {
	Path          []string
	Before, After *Descriptor
}

// Propagate yields the descriptors below root that change when they inherit root's present descriptor again (S-78).
// Parents come before children. An object with a protected DACL keeps its list and passes on the same entries to its
// children. SACLs are handled separately in the same way. Propagate does not yield equal descriptors, and writes
// nothing to the tree. It leaves a list unchanged that would become too long.
func Propagate(root *Node, mapping *winnt.GenericMapping) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if root != nil {
			propagate(root, root.Descriptor, nil, mapping, yield)
		}
	}
}

// propagate yields the descriptors of a node's descendants that change if its descriptor becomes changed, parents
// first. path is that of the node. It returns false if yield did, which ends the iteration.
func propagate(node *Node, changed *Descriptor, path []string, mapping *winnt.GenericMapping,
	yield func(Change) bool) bool {
	for _, c := range node.Children {
		p := append(path[:len(path):len(path)], c.Name)
		after := Reinherit(c.Descriptor, changed,
			&Heir{Container: c.IsContainer, ObjectTypes: c.ObjectTypes, Mapping: mapping})
		if !after.Equal(c.Descriptor) && !yield(Change{p, c.Descriptor, after}) {
			return false
		}
		if !propagate(c, after, p, mapping, yield) {
			return false
		}
	}
	return true
}

// Reinherit returns d with its inherited entries replaced by those that parent passes on now (S-78). A list that is
// protected, absent or NULL stays the same, and so does one that would become too long. object describes the object of
// d. Reinherit takes owner and group from d, not from object. It returns d itself if nothing changes, and nil for nil.
func Reinherit(d, parent *Descriptor, object *Heir) *Descriptor {
	if d == nil {
		return d
	}
	p := d.Parts()
	heir := *object
	heir.Owner, heir.Group = p.Owner, p.Group
	changed := false
	if p.DACL != nil && p.Control&DACLProtected == 0 {
		l := reinherit(p.DACL, parent.DACL(), &heir)
		changed = l != p.DACL
		p.DACL = l
	}
	if p.SACL != nil && p.Control&SACLProtected == 0 {
		l := reinherit(p.SACL, parent.SACL(), &heir)
		changed = changed || l != p.SACL
		p.SACL = l
	}
	if !changed {
		return d
	}
	return New(p)
}

// reinherit returns a list with its inherited entries replaced by those that parent passes on. It returns acl itself
// if nothing changes or the list would be too long.
func reinherit(acl, parent *ACL, heir *Heir) *ACL {
	var aces []ACE
	for _, a := range acl.All() {
		if a.Flags()&Inherited == 0 {
			aces = append(aces, a)
		}
	}
	out, err := newACL(acl.Revision(), append(aces, Inherit(parent, heir, true)...))
	if err != nil || out.Binary() == acl.Binary() {
		return acl
	}
	return out
}
