package sd

import (
	"strings"
	"unsafe"
)

// HeapSize returns an upper estimate of the memory that the descriptor holds, in bytes.
// It returns 0 for nil. Parts that are substrings of a larger descriptor count as if they
// had separate memory: see [Descriptor.Clone].
func (d *Descriptor) HeapSize() int {
	if d == nil {
		return 0
	}
	const header = 2 * unsafe.Sizeof(Descriptor{})
	n := int(header) + d.owner.Len() + d.group.Len() + d.dacl.HeapSize() + d.sacl.HeapSize()
	if d.original != nil {
		n += len(*d.original)
	}
	return n
}

// HeapSize returns an upper estimate of the memory that the list holds, in bytes, 0 for nil.
func (l *ACL) HeapSize() int {
	if l == nil {
		return 0
	}
	n := int(unsafe.Sizeof(ACL{})) + int(l.size) + int(l.n)*int(unsafe.Sizeof(Entry{}))
	if l.extras == nil {
		return n + n/4
	}
	n += cap(*l.extras) * int(unsafe.Sizeof(Extra{}))
	for i := range *l.extras {
		x := &(*l.extras)[i]
		if x.Condition != nil {
			n += x.Condition.HeapSize()
		}
		if x.Attribute != nil {
			n += x.Attribute.HeapSize()
		}
	}
	return n + n/4
}

// Clone returns an equal descriptor in separate memory, or nil for nil. A descriptor
// whose parts are substrings of other descriptors keeps the memory of all of those.
// The clone drops the bytes from which d was decoded, so its AppendOriginal works like Append.
func (d *Descriptor) Clone() *Descriptor {
	if d == nil {
		return nil
	}
	p := d.Parts()
	p.Owner, p.Group = p.Owner.Clone(), p.Group.Clone()
	for _, l := range []**ACL{&p.DACL, &p.SACL} {
		if *l != nil {
			*l = compile(strings.Clone((*l).Binary()))
		}
	}
	return New(p)
}
