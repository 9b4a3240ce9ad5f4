package claims

import "unsafe"

// HeapSize returns an upper estimate of the memory that the expression holds, in bytes, without what the allocator adds
// to round it up. It returns 0 for nil.
func (e *Expr) HeapSize() int {
	if e == nil {
		return 0
	}
	n := int(unsafe.Sizeof(*e)) + len(e.raw) + cap(e.nodes)*int(unsafe.Sizeof(node{})) +
		cap(e.operands)*int(unsafe.Sizeof(operand{}))
	for i := range e.operands {
		o := &e.operands[i]
		n += len(o.name) + cap(o.lits)*int(unsafe.Sizeof(literal{})) + o.order.heapSize()
		for j := range o.lits {
			n += len(o.lits[j].s) + o.lits[j].sid.Len()
		}
	}
	return n
}

// HeapSize returns an upper estimate of the memory that the attribute holds, in bytes, without what the allocator adds
// to round it up. It returns 0 for nil.
func (a *Attribute) HeapSize() int {
	if a == nil {
		return 0
	}
	const words = 8
	n := int(unsafe.Sizeof(*a)) + len(a.Name) + words*(cap(a.Ints)+cap(a.Uints)+2*cap(a.Strings)+2*cap(a.SIDs)+
		3*cap(a.Octets)) + a.order.heapSize()
	for _, s := range a.Strings {
		n += len(s)
	}
	for _, s := range a.SIDs {
		n += s.Len()
	}
	for _, b := range a.Octets {
		n += cap(b)
	}
	return n
}

// HeapSize returns an upper estimate of the memory that the set holds, in bytes. It returns
// 0 for nil.
func (s *Set) HeapSize() int {
	if s == nil {
		return 0
	}
	const hash = 4
	n := int(unsafe.Sizeof(*s)) + hash*cap(s.hashes)
	for i := range s.attributes {
		n += s.attributes[i].HeapSize()
	}
	return n
}

// heapSize estimates the memory that the order takes, in bytes, 0 for nil.
func (o *order) heapSize() int {
	if o == nil {
		return 0
	}
	return int(unsafe.Sizeof(*o)) + 2*cap(o.index)
}
