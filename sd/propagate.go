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

// Change is one descriptor that differs after propagation. Path are the names
// from the root's child downwards.
type Change struct {
	Path          []string
	Before, After *Descriptor
}

// Propagate yields what changes below root when its present descriptor is
// inherited anew, parents before children (S-78). An object whose DACL is
// protected keeps its list, and so passes on the same to its children; the
// same holds for SACLs one by one. Descriptors that come out equal are not
// yielded. Nothing in the tree is written to. A list that would become too
// long is left as it was.
func Propagate(root *Node, mapping *winnt.GenericMapping) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if root != nil {
			propagate(root, root.Descriptor, nil, mapping, yield)
		}
	}
}

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

// Reinherit returns d with its inherited entries replaced by what parent gives
// now (S-78). A list that is protected, absent or NULL stays. h says what kind
// of object d belongs to; its owner and group are d's. d itself is returned if
// nothing changes.
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
