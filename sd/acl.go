package sd

import (
	"encoding/binary"
	"iter"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
)

// ACL is an access control list, held as its exact bytes. It is immutable. A
// nil *ACL is not a list, with no entries and revision 0. The zero value is an
// empty list of revision 2.
//
//	offset size field
//	0      1    revision, 2 to 4
//	1      1    0
//	2      2    size in bytes, header and slack included
//	4      2    number of entries
//	6      2    0
type ACL struct {
	bytes   *byte  // of size; immutable, like all that follows
	first   *Entry // of n
	extras  *[]Extra
	size, n uint16
	facts   Facts
	placed  bool // first is right behind this
}

const emptyACL = "\x02\x00\x08\x00\x00\x00\x00\x00"

// NewACL builds a list with the lowest revision that its entries allow (S-16).
// The error wraps STATUS_ALLOTTED_SPACE_EXCEEDED if the list would exceed 65532
// bytes (S-17), and STATUS_INVALID_PARAMETER if an entry is the zero ACE.
func NewACL(aces ...ACE) (*ACL, error) { return newACL(0, aces) }

// newACL builds a list like [NewACL], of at least a given revision. That is the revision of the list which it
// replaces, so that removing an entry does not lower it (S-16).
func newACL(minRevision byte, aces []ACE) (*ACL, error) {
	size := aclHeaderSize
	for i, a := range aces {
		if a.IsZero() {
			return nil, buildError(ntstatus.InvalidParameter, "ACE %d is the zero value", i)
		}
		size += len(a.b)
		minRevision = max(minRevision, a.Type().info().revision)
	}
	// A list has at most 65532 bytes (S-17).
	if size > MaxACLSize {
		return nil, buildError(ntstatus.AllottedSpaceExceeded, "ACL of %d bytes, at most %d are possible", size, MaxACLSize)
	}
	b := make([]byte, aclHeaderSize, size)
	b[0] = max(minRevision, 2)
	binary.LittleEndian.PutUint16(b[2:], uint16(size))
	binary.LittleEndian.PutUint16(b[4:], uint16(len(aces)))
	for _, a := range aces {
		b = append(b, a.b...)
	}
	return compile(view(b)), nil // nothing writes to b after this
}

// Revision returns the revision byte, or 0 for a nil list.
func (l *ACL) Revision() byte {
	if l == nil {
		return 0
	}
	return l.Binary()[0]
}

// Len returns the number of entries, inherit-only entries included. It returns 0 for a nil list.
func (l *ACL) Len() int {
	if l == nil {
		return 0
	}
	return int(l.n)
}

// Size returns the size in bytes, including the slack after the last entry. It returns 0 for a nil list.
func (l *ACL) Size() int {
	if l == nil {
		return 0
	}
	return len(l.Binary())
}

// OnlyLabels reports whether the list has entries and all of them are mandatory
// labels, so that none is about auditing. It returns false for a nil list.
func (l *ACL) OnlyLabels() bool {
	for _, a := range l.All() {
		if a.Type() != SystemMandatoryLabel {
			return false
		}
	}
	return l.Len() > 0
}

// Binary returns the exact bytes including slack, without copying them. It is ""
// for a nil list.
func (l *ACL) Binary() string {
	switch {
	case l == nil:
		return ""
	case l.bytes == nil:
		return emptyACL
	}
	return unsafe.String(l.bytes, l.size)
}

// At returns entry i, counted from 0, or the zero ACE if the list has no such
// entry.
func (l *ACL) At(i int) ACE {
	if i < 0 || i >= l.Len() {
		return ACE{}
	}
	b, off := l.Binary(), aclHeaderSize
	for range i {
		off += u16(b, off+2)
	}
	return ACE{b[off : off+u16(b, off+2)]}
}

// All yields the entries with their indexes, in order. A nil list yields none.
func (l *ACL) All() iter.Seq2[int, ACE] {
	return func(yield func(int, ACE) bool) {
		b, off := l.Binary(), aclHeaderSize
		for i := range l.Len() {
			n := u16(b, off+2)
			if !yield(i, ACE{b[off : off+n]}) {
				return
			}
			off += n
		}
	}
}

// Entries returns the entries in the compiled form that the access check reads, one for each ACE in order, or nil for
// a nil or empty list. The slice is shared: do not write to it.
func (l *ACL) Entries() []Entry {
	if l == nil {
		return nil
	}
	if l.n == 0 {
		return nil
	}
	// Guess the address and compare it, as in Descriptor.DACL.
	if l.placed && uintptr(unsafe.Pointer(l.first))-uintptr(unsafe.Pointer(l)) == unsafe.Sizeof(*l) {
		return (*[1 << 16]Entry)(unsafe.Add(unsafe.Pointer(l), unsafe.Sizeof(*l)))[:l.n:l.n]
	}
	// This avoids unsafe.Slice's overflow check: a 16-bit length cannot overflow.
	return (*[1 << 16]Entry)(unsafe.Pointer(l.first))[:l.n:l.n]
}

// Extra returns the data of a compiled entry that does not fit in an [Entry], such as object types or a condition. aux
// is the entry's Aux. Extra returns nil for -1 and for any other aux that the list does not have. The value is shared
// and must not be changed.
func (l *ACL) Extra(aux int32) *Extra {
	if l == nil || l.extras == nil || aux < 0 || int(aux) >= len(*l.extras) {
		return nil
	}
	return &(*l.extras)[aux]
}

// Equal reports whether both lists have the same bytes, slack included. A nil list equals only a nil list.
func (l *ACL) Equal(o *ACL) bool {
	return (l == nil) == (o == nil) && l.Binary() == o.Binary()
}

// Slice returns the entries as a new slice in their order. For a nil list the slice is empty.
func (l *ACL) Slice() []ACE {
	s := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		s = append(s, a)
	}
	return s
}

// DecodeACL decodes the list at the start of b and copies it. size is the number of its bytes. It accepts and keeps
// slack after the last entry (S-18). The error is a [*DecodeError] with STATUS_INVALID_ACL (S-23).
func DecodeACL(b []byte) (acl *ACL, size int, err error) {
	if len(b) >= aclHeaderSize {
		b = b[:min(len(b), max(aclHeaderSize, int(b[2])|int(b[3])<<8))]
	}
	s := string(b)
	acl = new(ACL)
	if !acl.compile(nil, s) {
		off, what := faultInACL(s)
		return nil, 0, &DecodeError{Offset: off, Status: ntstatus.InvalidACL, What: what}
	}
	return acl, len(s), nil
}

// ValidACL implements RtlValidAcl: it reports whether a valid list starts at b
// (S-20).
func ValidACL(b []byte) bool {
	off, _ := faultInACL(view(b))
	return off < 0
}

// faultInACL checks the list at the start of b (S-20). It returns the offset and a description of the first error, or
// -1 if there is none.
func faultInACL(b string) (int, string) {
	size, st := aclExtent(b)
	if st != ntstatus.Success {
		return 0, "an ACL header needs revision 2 to 4 and an even size of at least 8 that fits"
	}
	b = b[:size]
	off := aclHeaderSize
	for range u16(b, 4) {
		n, _, ok := aceExtent(b[off:])
		if !ok {
			return off, "an ACE must fit in its list and its SIDs in it"
		}
		off += n
	}
	return -1, ""
}
