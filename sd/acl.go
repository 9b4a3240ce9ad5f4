package sd

import (
	"encoding/binary"
	"iter"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Entry is an ACE compiled for the check: what a walk needs, without parsing.
// It is 32 bytes on 64-bit machines.
type Entry struct {
	Mask  winnt.AccessMask
	Hash  uint32  // SID.Hash()
	SID   sid.SID // of a compound entry the server's; zero for an unknown type
	Index uint16  // position in the list
	Kind  Type
	Flags uint8
	Aux   int32 // -1, or the argument of ACL.Extra; see also NeedsExtra
}

// NeedsExtra is the Aux of entries that [CompileInto] cannot express without
// allocating: object, compound, callback and resource attribute entries. Use
// [DecodeACL] for a list that has one.
const NeedsExtra int32 = -2

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
	b      string // immutable, like all that follows
	first  *Entry // of n
	extras *[]Extra
	n      uint16
	facts  Facts
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
	if size > MaxACLSize { // S-17
		return nil, buildError(ntstatus.AllottedSpaceExceeded, "ACL of %d bytes, at most %d are possible", size, MaxACLSize)
	}
	b := make([]byte, aclHeaderSize, size)
	b[0] = max(revision, 2)
	binary.LittleEndian.PutUint16(b[2:], uint16(size))
	binary.LittleEndian.PutUint16(b[4:], uint16(len(aces)))
	for _, a := range aces {
		b = append(b, a.b...)
	}
	return compile(string(b)), nil
}

// Revision is the revision byte, 0 for no list.
func (l *ACL) Revision() byte {
	if l == nil {
		return 0
	}
	return l.Binary()[0]
}

// Len is the number of entries.
func (l *ACL) Len() int {
	if l == nil {
		return 0
	}
	return int(l.n)
}

// Size is the size in bytes, slack included; 0 for no list.
func (l *ACL) Size() int {
	if l == nil {
		return 0
	}
	return len(l.Binary())
}

// Binary is the exact bytes, slack included; they must not be written to.
func (l *ACL) Binary() string {
	switch {
	case l == nil:
		return ""
	case l.b == "":
		return emptyACL
	}
	return l.b
}

// At is entry i, counted from 0; the zero ACE if there is none.
func (l *ACL) At(i int) ACE {
	if i < 0 || i >= l.Len() {
		return ACE{}
	}
	off := aclHeaderSize
	for range i {
		off += u16(l.b, off+2)
	}
	return ACE{l.b[off : off+u16(l.b, off+2)]}
}

// All yields the entries with their positions.
func (l *ACL) All() iter.Seq2[int, ACE] {
	return func(yield func(int, ACE) bool) {
		off := aclHeaderSize
		for i := range l.Len() {
			n := u16(l.b, off+2)
			if !yield(i, ACE{l.b[off : off+n]}) {
				return
			}
			off += n
		}
	}
}

// Entries are the compiled entries, one for each ACE in order. The slice is
// shared and must not be written to.
func (l *ACL) Entries() []Entry {
	if l == nil {
		return nil
	}
	return unsafe.Slice(l.first, l.n)
}

// Extra is the part of an entry that only some types have; aux is its Aux.
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

// Slice is the entries as a new slice.
func (l *ACL) Slice() []ACE {
	s := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		s = append(s, a)
	}
	return s
}

// compile makes the value of a valid list.
func compile(b string) *ACL {
	l := new(ACL)
	l.init(b)
	return l
}

// init makes l the value of the bytes; ok is false if they are no valid list
// of exactly that size.
func (l *ACL) init(b string) (ok bool) {
	entries, st := CompileInto(nil, b)
	if st != ntstatus.Success {
		return false
	}
	l.b, l.first, l.n = b, unsafe.SliceData(entries), uint16(len(entries))
	l.facts = FactsOf(entries)
	off := aclHeaderSize
	for i := range entries {
		e := &entries[i]
		size := u16(b, off+2)
		if e.Aux == NeedsExtra {
			if l.extras == nil {
				l.extras = new([]Extra)
			}
			e.Aux = int32(len(*l.extras))
			*l.extras = append(*l.extras, makeExtra(ACE{b[off : off+size]}))
		}
		off += size
	}
	return true
}

// CompileInto puts the compiled entries of a list used once into buf[:0] and
// returns them: nothing is allocated if buf is large enough. A bad list gives
// STATUS_INVALID_ACL and no entries. Entries whose type needs more than an
// Entry holds have Aux NeedsExtra.
func CompileInto(buf []Entry, acl string) ([]Entry, ntstatus.Status) {
	size, st := aclExtent(acl)
	if st != ntstatus.Success {
		return buf[:0], st
	}
	n := u16(acl, 4)
	acl = acl[aclHeaderSize:size]
	if n > len(acl)/aceHeaderSize { // a hostile count allocates nothing
		return buf[:0], ntstatus.InvalidACL
	}
	if cap(buf) < n {
		buf = make([]Entry, n)
	}
	buf = buf[:n]
	for i := range buf {
		size, ok := buf[i].compile(acl, uint16(i))
		if !ok {
			return buf[:0], ntstatus.InvalidACL
		}
		acl = acl[size:]
	}
	return buf, ntstatus.Success
}

// compile makes e the entry at the start of b, number i of its list.
func (e *Entry) compile(b string, i uint16) (size int, ok bool) {
	if len(b) < minPlainSize || !plain[b[0]] {
		return e.compileOther(b, i)
	}
	size = u16(b, 2)
	if size > len(b) || size < minPlainSize || size&3 != 0 { // S-20
		return 0, false
	}
	s, _, st := sid.DecodeString(b[8:size])
	if st != ntstatus.Success {
		return 0, false
	}
	e.Mask, e.Hash, e.SID = winnt.AccessMask(u32(b, 4)), s.Hash(), s
	e.Index, e.Kind, e.Flags, e.Aux = i, Type(b[0]), b[1], -1
	return size, true
}

func (e *Entry) compileOther(b string, i uint16) (size int, ok bool) {
	size, s, ok := aceExtent(b)
	if !ok {
		return 0, false
	}
	*e = Entry{Index: i, Kind: Type(b[0]), Flags: b[1], Aux: -1}
	if !s.IsZero() {
		e.Mask, e.SID, e.Hash, e.Aux = winnt.AccessMask(u32(b, 4)), s, s.Hash(), NeedsExtra
	}
	return size, true
}

// plain tells the types with the basic layout and nothing after the SID; the
// other known types need an Extra. A plain entry has a header, a mask and a
// SID without sub-authorities at least.
var plain = func() (t [256]bool) {
	for i := range types {
		t[i] = types[i].layout == LayoutBasic && !types[i].callback && Type(i) != SystemResourceAttribute
	}
	return t
}()

const minPlainSize = 16

// aclExtent is the size of the list at the start of b, its header checked.
func aclExtent(b string) (int, ntstatus.Status) {
	if len(b) < aclHeaderSize || b[0] < 2 || b[0] > 4 { // S-16, S-20
		return 0, ntstatus.InvalidACL
	}
	size := u16(b, 2)
	if size < aclHeaderSize || size&1 != 0 || size > len(b) { // S-20
		return 0, ntstatus.InvalidACL
	}
	return size, ntstatus.Success
}

// aceExtent is the size of the entry at the start of b and its first SID,
// the zero SID for an unknown type (S-20).
func aceExtent(b string) (n int, s sid.SID, ok bool) {
	if len(b) < aceHeaderSize {
		return 0, s, false
	}
	n = u16(b, 2)
	if n > len(b) || n < aceHeaderSize || n&1 != 0 {
		return 0, s, false
	}
	layout := Type(b[0]).Layout()
	if layout == LayoutUnknown {
		return n, s, true
	}
	off := sidOffset(b[:n])
	if n&3 != 0 || off < 0 || off > n {
		return 0, s, false
	}
	s, size, st := sid.DecodeString(b[off:n])
	if st == ntstatus.Success && layout == LayoutCompound {
		_, _, st = sid.DecodeString(b[off+size : n])
	}
	return n, s, st == ntstatus.Success
}

// DecodeACL reads the list at the start of b, copying it; n is its size. The
// error is a [*DecodeError] with STATUS_INVALID_ACL (S-23).
func DecodeACL(b []byte) (l *ACL, n int, err error) {
	if len(b) >= aclHeaderSize {
		b = b[:min(len(b), max(aclHeaderSize, int(b[2])|int(b[3])<<8))]
	}
	s := string(b)
	l = new(ACL)
	if !l.init(s) {
		off, what := faultInACL(s)
		return nil, 0, &DecodeError{Offset: off, Status: ntstatus.InvalidACL, What: what}
	}
	return l, len(s), nil
}

// ValidACL is RtlValidAcl: whether a valid list starts at b (S-20).
func ValidACL(b []byte) bool {
	off, _ := faultInACL(view(b))
	return off < 0
}

// faultInACL is the offset of the first fault of the list at the start of b
// and what it is, or -1.
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
