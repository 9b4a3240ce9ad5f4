package sd

import (
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Entry is an ACE compiled for the access check, which reads it without
// parsing. It has 32 bytes on 64-bit machines.
type Entry struct {
	Mask  winnt.AccessMask
	Hash  uint32  // SID.Hash()
	SID   sid.SID // of a compound entry the server's; zero for an unknown type
	Index uint16  // position in the list
	Kind  Type
	Flags uint8
	Aux   int32 // -1, or the argument of ACL.Extra; see also NeedsExtra
}

// NeedsExtra is the Aux of entries that [CompileInto] cannot represent without
// allocating: object, compound, callback and resource attribute entries. Use
// [DecodeACL] for a list that has one.
const NeedsExtra int32 = -2

// compile returns the ACL with the bytes b, which it keeps. The caller must have checked that they are a valid list.
func compile(b string) *ACL {
	l := new(ACL)
	l.compile(nil, b)
	return l
}

// compile sets l to the list with the bytes raw and compiles its entries. It stores them in space if that is long
// enough. raw must not be longer than the list. ok is false if it is not a valid list.
func (l *ACL) compile(space []Entry, raw string) (ok bool) {
	entries, st := CompileInto(space, raw)
	if st != ntstatus.Success {
		return false
	}
	l.bytes, l.size = unsafe.StringData(raw), uint16(len(raw))
	l.first, l.n = unsafe.SliceData(entries), uint16(len(entries))
	l.facts = FactsOf(entries)
	off := aclHeaderSize
	for i := range entries {
		e := &entries[i]
		size := u16(raw, off+2)
		if e.Aux == NeedsExtra {
			if l.extras == nil {
				l.extras = new([]Extra)
			}
			e.Aux = int32(len(*l.extras))
			*l.extras = append(*l.extras, newExtra(ACE{raw[off : off+size]}))
		}
		off += size
	}
	return true
}

// CompileInto compiles the entries of a list that is used once. It appends them to buf[:0] and allocates nothing if
// buf is large enough. A bad list gives STATUS_INVALID_ACL and no entries. Entries whose type needs more than an Entry
// holds have Aux NeedsExtra. CompileInto ignores bytes after the list.
func CompileInto(buf []Entry, acl string) ([]Entry, ntstatus.Status) {
	size, st := aclExtent(acl)
	if st != ntstatus.Success {
		return buf[:0], st
	}
	n := u16(acl, 4)
	acl = acl[aclHeaderSize:size]
	if n > len(acl)/aceHeaderSize { // check before allocating: the count is untrusted
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

// compile sets e to the compiled form of the ACE at the start of b. index is that of the ACE in its list. It returns
// the size of the ACE. ok is false if the ACE is not valid.
func (e *Entry) compile(b string, index uint16) (size int, ok bool) {
	if len(b) < minPlainSize || !plain[b[0]] {
		return e.compileOther(b, index)
	}
	size = u16(b, 2)
	// An entry fits its list, holds its SID and is a multiple of 4 long (S-20).
	if size > len(b) || size < minPlainSize || size&3 != 0 {
		return 0, false
	}
	s, _, st := sid.DecodeString(b[8:size])
	if st != ntstatus.Success {
		return 0, false
	}
	e.Mask, e.Hash, e.SID = winnt.AccessMask(u32(b, 4)), s.Hash(), s
	e.Index, e.Kind, e.Flags, e.Aux = index, Type(b[0]), b[1], -1
	return size, true
}

// compileOther compiles an ACE, as compile does, of a type that is not plain: an object, compound, callback, resource
// attribute or unknown type. e.Aux becomes NeedsExtra if the ACE has a SID, and stays -1 for an unknown type.
func (e *Entry) compileOther(b string, index uint16) (size int, ok bool) {
	size, s, ok := aceExtent(b)
	if !ok {
		return 0, false
	}
	*e = Entry{Index: index, Kind: Type(b[0]), Flags: b[1], Aux: -1}
	if !s.IsZero() {
		e.Mask, e.SID, e.Hash, e.Aux = winnt.AccessMask(u32(b, 4)), s, s.Hash(), NeedsExtra
	}
	return size, true
}

// plain marks the types with the basic layout and nothing after the SID; the other known types need an Extra. A plain
// entry has at least a header, a mask and a SID without sub-authorities.
var plain = func() (t [256]bool) {
	for i := range types {
		t[i] = types[i].layout == LayoutBasic && !types[i].callback && Type(i) != SystemResourceAttribute
	}
	return t
}()

const minPlainSize = 16

// aclExtent checks the header of the list at the start of b and returns its
// size. It does not check the entries.
func aclExtent(b string) (int, ntstatus.Status) {
	// A list has a header and a revision from 2 to 4 (S-16, S-20).
	if len(b) < aclHeaderSize || b[0] < 2 || b[0] > 4 {
		return 0, ntstatus.InvalidACL
	}
	size := u16(b, 2)
	// The size of a list is even, and the list fits into the buffer (S-20).
	if size < aclHeaderSize || size&1 != 0 || size > len(b) {
		return 0, ntstatus.InvalidACL
	}
	return size, ntstatus.Success
}

// aceExtent returns the size of the entry at the start of b and its first SID,
// the zero SID for an unknown type (S-20). ok is false for an invalid entry.
func aceExtent(b string) (n int, trustee sid.SID, ok bool) {
	if len(b) < aceHeaderSize {
		return 0, trustee, false
	}
	n = u16(b, 2)
	if n > len(b) || n < aceHeaderSize || n&1 != 0 {
		return 0, trustee, false
	}
	layout := Type(b[0]).Layout()
	if layout == LayoutUnknown {
		return n, trustee, true
	}
	off := sidOffset(b[:n])
	if n&3 != 0 || off < 0 || off > n {
		return 0, trustee, false
	}
	trustee, size, st := sid.DecodeString(b[off:n])
	if st == ntstatus.Success && layout == LayoutCompound {
		_, _, st = sid.DecodeString(b[off+size : n])
	}
	return n, trustee, st == ntstatus.Success
}
