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

// Propagate yields the descriptors below root that change when root's present
// descriptor is inherited again, parents before children (S-78). An object with
// a protected DACL keeps its list and passes on the same entries to its
// children. SACLs are handled separately in the same way. Propagate does not
// yield equal descriptors, and writes nothing to the tree. It leaves a list
// unchanged that would become too long.
func Propagate(root *Node, mapping *winnt.GenericMapping) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if root != nil {
			propagate(root, root.Descriptor, nil, mapping, yield)
		}
	}
}

// propagate yields the descriptors of n's descendants that change if the descriptor of n becomes now, parents first.
// path is that of n. It returns false if yield did, which ends the iteration.
func propagate(n *Node, now *Descriptor, path []string, mapping *winnt.GenericMapping, yield func(Change) bool) bool {
	for _, c := range n.Children {
		p := append(path[:len(path):len(path)], c.Name)
		after := Reinherit(c.Descriptor, now, &Heir{Container: c.IsContainer, ObjectTypes: c.ObjectTypes, Mapping: mapping})
		if !after.Equal(c.Descriptor) && !yield(Change{p, c.Descriptor, after}) {
			return false
		}
		if !propagate(c, after, p, mapping, yield) {
			return false
		}
	}
	return true
}

// Reinherit returns d with its inherited entries replaced by those that parent
// passes on now (S-78). A list that is protected, absent or NULL stays the
// same, and so does one that would become too long. h describes the object of
// d. Reinherit takes owner and group from d, not from h. It returns d itself if
// nothing changes, and nil for nil.
func Reinherit(d, parent *Descriptor, h *Heir) *Descriptor {
	if d == nil {
		return d
	}
	p := d.Parts()
	heir := *h
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

// reinherit returns list l with its inherited entries replaced by those that parent passes on. It returns l itself if
// nothing changes or the list would be too long.
func reinherit(l, parent *ACL, h *Heir) *ACL {
	var aces []ACE
	for _, a := range l.All() {
		if a.Flags()&Inherited == 0 {
			aces = append(aces, a)
		}
	}
	out, err := newACL(l.Revision(), append(aces, Inherit(parent, h, true)...))
	if err != nil || out.Binary() == l.Binary() {
		return l
	}
	return out
}
