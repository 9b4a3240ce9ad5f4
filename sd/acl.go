package sd

import (
	"encoding/binary"
	"iter"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
)

// ACL is an access control list over its exact bytes. It is immutable; a nil
// *ACL is no list: it has no entries and revision 0. The zero value is an
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

// NewACL builds a list with the smallest revision its entries allow (S-16).
// It fails if the list would exceed 65532 bytes or an entry is the zero ACE
// (wraps STATUS_ALLOTTED_SPACE_EXCEEDED, S-17, or STATUS_INVALID_PARAMETER).
func NewACL(aces ...ACE) (*ACL, error) { return newACL(0, aces) }

// newACL builds a list of at least the revision given: a revision is never
// lowered when an entry goes (S-16).
func newACL(revision byte, aces []ACE) (*ACL, error) {
	size := aclHeaderSize
	for i, a := range aces {
		if a.IsZero() {
			return nil, buildError(ntstatus.InvalidParameter, "ACE %d is the zero value", i)
		}
		size += len(a.b)
		revision = max(revision, a.Type().info().revision)
	}
	// A list has at most 65532 bytes (S-17).
	if size > MaxACLSize {
		return nil, buildError(ntstatus.AllottedSpaceExceeded, "ACL of %d bytes, at most %d are possible", size, MaxACLSize)
	}
	b := make([]byte, aclHeaderSize, size)
	b[0] = max(revision, 2)
	binary.LittleEndian.PutUint16(b[2:], uint16(size))
	binary.LittleEndian.PutUint16(b[4:], uint16(len(aces)))
	for _, a := range aces {
		b = append(b, a.b...)
	}
	return compile(view(b)), nil // b is written to no more
}

// Revision returns the revision byte, 0 for no list.
func (l *ACL) Revision() byte {
	if l == nil {
		return 0
	}
	return l.Binary()[0]
}

// Len returns the number of entries.
func (l *ACL) Len() int {
	if l == nil {
		return 0
	}
	return int(l.n)
}

// Size returns the size in bytes, slack included; 0 for no list.
func (l *ACL) Size() int {
	if l == nil {
		return 0
	}
	return len(l.Binary())
}

// Binary returns the exact bytes, slack included; they must not be written to.
func (l *ACL) Binary() string {
	switch {
	case l == nil:
		return ""
	case l.bytes == nil:
		return emptyACL
	}
	return unsafe.String(l.bytes, l.size)
}

// At returns entry i, counted from 0; the zero ACE if the list has no such
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

// All yields the entries with their positions.
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

// Entries returns the compiled entries, one for each ACE in order. The slice is
// shared and must not be written to.
func (l *ACL) Entries() []Entry {
	if l == nil {
		return nil
	}
	if l.n == 0 {
		return nil
	}
	// guessed, as in Descriptor.DACL
	if l.placed && uintptr(unsafe.Pointer(l.first))-uintptr(unsafe.Pointer(l)) == unsafe.Sizeof(*l) {
		return (*[1 << 16]Entry)(unsafe.Add(unsafe.Pointer(l), unsafe.Sizeof(*l)))[:l.n:l.n]
	}
	// spares unsafe.Slice's test for an overflow that 16 bits cannot cause
	return (*[1 << 16]Entry)(unsafe.Pointer(l.first))[:l.n:l.n]
}

// Extra returns the part of an entry that only some types have; aux is its Aux.
// It is nil for -1. The value is shared and must not be written to.
func (l *ACL) Extra(aux int32) *Extra {
	if l == nil || l.extras == nil || aux < 0 || int(aux) >= len(*l.extras) {
		return nil
	}
	return &(*l.extras)[aux]
}

// Equal reports whether both have the same bytes, or both are no list.
func (l *ACL) Equal(o *ACL) bool {
	return (l == nil) == (o == nil) && l.Binary() == o.Binary()
}

// Slice returns the entries as a new slice.
func (l *ACL) Slice() []ACE {
	s := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		s = append(s, a)
	}
	return s
}

// DecodeACL reads the list at the start of b, copying it; n is its size. Slack
// after the last entry is legal and kept (S-18). The
// error is a [*DecodeError] with STATUS_INVALID_ACL (S-23).
func DecodeACL(b []byte) (l *ACL, n int, err error) {
	if len(b) >= aclHeaderSize {
		b = b[:min(len(b), max(aclHeaderSize, int(b[2])|int(b[3])<<8))]
	}
	s := string(b)
	l = new(ACL)
	if !l.init(nil, s) {
		off, what := faultInACL(s)
		return nil, 0, &DecodeError{Offset: off, Status: ntstatus.InvalidACL, What: what}
	}
	return l, len(s), nil
}

// ValidACL implements RtlValidAcl: it reports whether a valid list starts at b
// (S-20).
func ValidACL(b []byte) bool {
	off, _ := faultInACL(view(b))
	return off < 0
}

// faultInACL returns the offset of the first fault of the list at the start of
// b and what it is, or -1.
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
