package sd

import (
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Raw holds the parts of a self-relative descriptor without copying or compiling them. Its strings alias the input.
// Together with [CompileInto] it serves access checks on bytes that are used once. The zero value has no parts.
type Raw struct {
	Control      Control
	RMControl    byte
	Owner, Group sid.SID
	DACL, SACL   string // the bytes of the list; "" if absent or NULL
}

// view returns a string that shares the memory of b. The caller must not change b while it uses the string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Peek returns the parts of the descriptor at the start of b without copying. b
// must not change while the result is used, and bytes from a client must have
// been captured before (S-28). Peek checks the header and the SIDs, and of the
// lists only the header. The status is as for [Decode].
func Peek(b []byte) (Raw, ntstatus.Status) {
	// Decode refuses such a descriptor too, so that no caller accepts what another one rejects (S-29).
	if len(b) > MaxSize {
		return Raw{}, ntstatus.InvalidSecurityDescr
	}
	r, _, f := peek(view(b))
	return r, f.Status
}

// fault is a [DecodeError] by value, so that a successful decode allocates none. A Status of 0 means no error.
type fault DecodeError

// bad returns a fault with STATUS_INVALID_SECURITY_DESCR at byte offset off. what says what should be there.
func bad(off int, what string) fault {
	return fault{off, ntstatus.InvalidSecurityDescr, what}
}

// peek returns the parts of the self-relative descriptor b, after it has checked the header and the offsets. It does
// not check the entries of the lists. end is the offset after the last part. f has a status if b is malformed.
func peek(b string) (r Raw, end int, f fault) {
	// A self-relative descriptor has at least 20 bytes (S-22).
	if len(b) < headerSize {
		return r, 0, bad(len(b), "a self-relative descriptor has at least 20 bytes")
	}
	// A descriptor of another revision than 1 is of unknown revision (S-23).
	if b[0] != 1 {
		return r, 0, fault{0, ntstatus.UnknownRevision, "the revision must be 1"}
	}
	r.Control = Control(u16(b, 2))
	// A self-relative descriptor has the flag SELF_RELATIVE (S-22).
	if r.Control&SelfRelative == 0 {
		return r, 0, bad(2, "the control word of these bytes must have SE_SELF_RELATIVE")
	}
	if r.Control&RMControlValid != 0 {
		r.RMControl = b[1]
	}
	end = headerSize
	var n int
	if r.Owner, n, f = peekSID(b, 4); f.Status != 0 {
		return r, 0, f
	}
	end = max(end, n)
	if r.Group, n, f = peekSID(b, 8); f.Status != 0 {
		return r, 0, f
	}
	end = max(end, n)
	// An offset without the PRESENT bit is ignored (S-24).
	if r.Control&SACLPresent != 0 {
		if r.SACL, n, f = peekACL(b, 12); f.Status != 0 {
			return r, 0, f
		}
		end = max(end, n)
	}
	if r.Control&DACLPresent != 0 {
		if r.DACL, n, f = peekACL(b, 16); f.Status != 0 {
			return r, 0, f
		}
		end = max(end, n)
	}
	return r, end, f
}

// partOffset returns the offset of a part of descriptor b, which the header has at byte field, or 0 for an absent
// part. The fault is for an offset that is outside of b, inside the header or not a multiple of 4.
func partOffset(b string, field int) (int, fault) {
	off := u32(b, field)
	if off == 0 {
		return 0, fault{}
	}
	// A part starts behind the header, at a multiple of 4, and inside (S-22).
	if off < headerSize || off&3 != 0 || uint64(off) >= uint64(len(b)) {
		return 0, bad(field, "an offset must be 0, or at least 20, a multiple of 4 and inside")
	}
	return int(off), fault{}
}

// peekSID returns the owner or group of descriptor b, whose offset is in the header field at byte field, and the
// offset after it. It returns the zero SID and 0 if the part is absent. f has a status if the offset or the SID is
// invalid.
func peekSID(b string, field int) (s sid.SID, end int, f fault) {
	off, f := partOffset(b, field)
	if off == 0 {
		return s, 0, f
	}
	s, n, st := sid.DecodeString(b[off:])
	// A descriptor with an invalid SID is invalid (S-21).
	if st != ntstatus.Success {
		return s, 0, bad(off, "a SID of revision 1 must fit here")
	}
	return s, off + n, f
}

// peekACL returns the bytes of the DACL or SACL of descriptor b, whose offset is in the header field at byte field,
// and the offset after them. It returns "" and 0 if the part is absent. It checks the list's header, not its entries.
// f has a status if the offset or the header is invalid.
func peekACL(b string, field int) (l string, end int, f fault) {
	off, f := partOffset(b, field)
	if off == 0 {
		return "", 0, f
	}
	n, st := aclExtent(b[off:])
	// A descriptor with an invalid list is invalid (S-21).
	if st != ntstatus.Success {
		return "", 0, bad(off, "an ACL header needs revision 2 to 4 and an even size of at least 8 that fits")
	}
	return b[off : off+n], off + n, f
}

// block is a descriptor with one list and, behind it, the list's entries, so that a check fetches all of them at
// once.
type block struct {
	d    Descriptor
	acls [1]ACL
}

// block2 is a block with both lists, in the order SACL, DACL, entries of the DACL, entries of the SACL.
type block2 struct {
	d    Descriptor
	acls [2]ACL
}

// room allocates a block of type B and its entries, an array of type A. It returns pointers to the block and to the
// first entry.
func room[B, A any]() (unsafe.Pointer, *Entry) {
	x := new(struct {
		block   B
		entries A
	})
	return unsafe.Pointer(&x.block), (*Entry)(unsafe.Pointer(&x.entries))
}

// bare allocates a block of type B without memory for entries. The entry pointer is nil.
func bare[B any]() (unsafe.Pointer, *Entry) { return unsafe.Pointer(new(B)), nil }

// rooms and rooms2 allocate a block or block2, indexed by the number of entries.
// The entries of longer lists are allocated separately.
var (
	// rooms and rooms2 allocate a block or block2, indexed by the number of entries. The entries of longer lists are
	// allocated separately.
	rooms  = roomsOf[block]()
	rooms2 = roomsOf[block2]()
)

// allocator allocates a block and memory for its entries, and returns pointers to the block and to the first entry.
type allocator = func() (unsafe.Pointer, *Entry)

// roomsOf returns the functions that allocate a block of type B with memory for 0 to 16 entries, indexed by that
// number.
func roomsOf[B any]() [17]allocator {
	return [17]allocator{
		bare[B], room[B, [1]Entry], room[B, [2]Entry], room[B, [3]Entry], room[B, [4]Entry], room[B, [5]Entry],
		room[B, [6]Entry], room[B, [7]Entry], room[B, [8]Entry], room[B, [9]Entry], room[B, [10]Entry], room[B, [11]Entry],
		room[B, [12]Entry], room[B, [13]Entry], room[B, [14]Entry], room[B, [15]Entry], room[B, [16]Entry],
	}
}

// place allocates a block with memory for n entries, and returns both. For more than 16 entries the slice is nil, and
// the caller allocates them.
func place(rooms *[17]allocator, n int) (unsafe.Pointer, []Entry) {
	if n >= len(rooms) {
		p, _ := rooms[0]()
		return p, nil
	}
	p, first := rooms[n]()
	return p, unsafe.Slice(first, n)
}

// Decode decodes a self-relative descriptor of at most [MaxSize] bytes. It
// copies the input once and never reads it twice (S-28). Parts may overlap and
// be in any order. AppendOriginal also returns the bytes after the last part.
// The error is a [*DecodeError] with STATUS_UNKNOWN_REVISION or
// STATUS_INVALID_SECURITY_DESCR (S-22, S-23).
func Decode(b []byte) (*Descriptor, error) {
	// A descriptor that is too long is refused before anything is allocated
	// (S-29).
	if len(b) > MaxSize {
		return nil, &DecodeError{MaxSize, ntstatus.InvalidSecurityDescr, "a descriptor has at most 131220 bytes"}
	}
	return decode(string(b))
}

// decode decodes a descriptor like [Decode], but keeps b, which must never change. If [Descriptor.Append] would not
// write exactly b, it also stores b as the original bytes.
func decode(b string) (*Descriptor, error) {
	r, end, f := peek(b)
	if f.Status != 0 {
		return nil, f.error()
	}
	d, bad := assemble(&r)
	if d == nil {
		off, what := faultInACL(bad)
		base := int(uintptr(unsafe.Pointer(unsafe.StringData(bad))) - uintptr(unsafe.Pointer(unsafe.StringData(b))))
		return nil, &DecodeError{base + off, ntstatus.InvalidSecurityDescr, what}
	}
	if end != len(b) || !d.writes(b) {
		original := b
		d.original = &original
	}
	return d, nil
}

// error returns the fault as a [*DecodeError] on the heap.
func (f fault) error() error { e := DecodeError(f); return &e }

// assemble builds the descriptor with the parts r, in as few allocations as possible. If a list is invalid, it
// returns nil and the bytes of that list.
func assemble(r *Raw) (d *Descriptor, bad string) {
	var acls []ACL
	var entries []Entry
	switch {
	case r.DACL != "" && r.SACL != "":
		p, e := place(&rooms2, u16(r.DACL, 4)+u16(r.SACL, 4))
		x := (*block2)(p)
		d, acls, entries = &x.d, x.acls[:], e
	case r.DACL != "" || r.SACL != "":
		p, e := place(&rooms, u16(r.DACL+r.SACL, 4)) // one of them is empty
		x := (*block)(p)
		d, acls, entries = &x.d, x.acls[:], e
	default:
		d = new(Descriptor)
	}
	p := Parts{Control: r.Control, RMControl: r.RMControl, Owner: r.Owner, Group: r.Group}
	if r.DACL != "" {
		p.DACL = &acls[len(acls)-1]
		p.DACL.placed = len(entries) > 0
		if !p.DACL.init(entries, r.DACL) {
			return nil, r.DACL
		}
		entries = entries[min(len(entries), p.DACL.Len()):]
	}
	if r.SACL != "" {
		p.SACL = &acls[0]
		if !p.SACL.init(entries, r.SACL) {
			return nil, r.SACL
		}
	}
	d.set(p)
	d.placed = len(acls) > 0
	return d, ""
}

// writes reports whether Append writes exactly b, the input from which d was decoded, so that d need not store b.
func (d *Descriptor) writes(b string) bool {
	if len(b) != d.Size() || b[1] != d.rm {
		return false
	}
	off := headerSize
	at := func(field, size int) bool {
		want := 0
		if size > 0 {
			want = off
			off += align4(size)
		}
		return int(u32(b, field)) == want
	}
	if !at(12, d.sacl.Size()) || !at(16, d.dacl.Size()) || !at(4, d.owner.Len()) || !at(8, d.group.Len()) {
		return false
	}
	return d.sacl.Size()&3 == 0 && d.dacl.Size()&3 == 0
}

// ValidRelative implements RtlValidRelativeSecurityDescriptor on len(b) bytes,
// with the checks of RtlValidAcl on both lists (S-20, S-21, S-22). It does not
// limit the size.
func ValidRelative(b []byte) bool {
	r, _, f := peek(view(b))
	if f.Status != 0 {
		return false
	}
	for _, l := range [...]string{r.SACL, r.DACL} {
		if l != "" {
			if off, _ := faultInACL(l); off >= 0 {
				return false
			}
		}
	}
	return true
}
