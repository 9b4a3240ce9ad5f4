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

// Peek returns the parts of a descriptor without copying. raw must not change while the result is used, and bytes from
// a client must have been captured before (S-28). Peek checks the header, the SIDs, and the headers of the lists. It
// does not check their entries. The status is as for [Decode].
func Peek(raw []byte) (Raw, ntstatus.Status) {
	// Decode refuses such a descriptor too, so that no caller accepts what another one rejects (S-29).
	if len(raw) > MaxSize {
		return Raw{}, ntstatus.InvalidSecurityDescr
	}
	r, f := peek(view(raw))
	return r, f.Status
}

// fault is a [DecodeError] by value, so that a successful decode allocates none. A Status of 0 means no error.
type fault DecodeError

// badDescriptor returns a fault with STATUS_INVALID_SECURITY_DESCR at a byte offset. expected says what should be
// there.
func badDescriptor(offset int, expected string) fault {
	return fault{offset, ntstatus.InvalidSecurityDescr, expected}
}

// peek returns the parts of a self-relative descriptor, after it has checked the header and the offsets. It does not
// check the entries of the lists. failure has a status if the descriptor is malformed.
func peek(raw string) (parts Raw, failure fault) {
	// A self-relative descriptor has at least 20 bytes (S-22).
	if len(raw) < headerSize {
		return parts, badDescriptor(len(raw), "a self-relative descriptor has at least 20 bytes")
	}
	// A descriptor of another revision than 1 is of unknown revision (S-23).
	if raw[0] != 1 {
		return parts, fault{0, ntstatus.UnknownRevision, "the revision must be 1"}
	}
	parts.Control = Control(u16(raw, 2))
	// A self-relative descriptor has the flag SELF_RELATIVE (S-22).
	if parts.Control&SelfRelative == 0 {
		return parts, badDescriptor(2, "the control word of these bytes must have SE_SELF_RELATIVE")
	}
	if parts.Control&RMControlValid != 0 {
		parts.RMControl = raw[1]
	}
	if parts.Owner, failure = peekSID(raw, 4); failure.Status != 0 {
		return parts, failure
	}
	if parts.Group, failure = peekSID(raw, 8); failure.Status != 0 {
		return parts, failure
	}
	// An offset without the PRESENT bit is ignored (S-24).
	if parts.Control&SACLPresent != 0 {
		if parts.SACL, failure = peekACL(raw, 12); failure.Status != 0 {
			return parts, failure
		}
	}
	if parts.Control&DACLPresent != 0 {
		parts.DACL, failure = peekACL(raw, 16)
	}
	return parts, failure
}

// partOffset returns the offset of an owner, group, DACL or SACL in a descriptor. headerField is the position of this
// offset in the header. An absent component has offset 0. The fault is for an offset outside the descriptor, inside
// the header or not a multiple of 4.
func partOffset(raw string, headerField int) (int, fault) {
	off := u32(raw, headerField)
	if off == 0 {
		return 0, fault{}
	}
	// A part starts behind the header, at a multiple of 4, and inside (S-22).
	if off < headerSize || off&3 != 0 || uint64(off) >= uint64(len(raw)) {
		return 0, badDescriptor(headerField, "an offset must be 0, or at least 20, a multiple of 4 and inside")
	}
	return int(off), fault{}
}

// peekSID returns the owner or group of a descriptor, or the zero SID if it is absent. headerField is the position of
// its offset in the header. failure reports an invalid offset or SID.
func peekSID(raw string, headerField int) (id sid.SID, failure fault) {
	off, failure := partOffset(raw, headerField)
	if off == 0 {
		return id, failure
	}
	id, _, st := sid.DecodeString(raw[off:])
	// A descriptor with an invalid SID is invalid (S-21).
	if st != ntstatus.Success {
		return id, badDescriptor(off, "a SID of revision 1 must fit here")
	}
	return id, failure
}

// peekACL returns the bytes of a descriptor's DACL or SACL, or "" if it is absent. headerField is the position of its
// offset in the header. failure reports an invalid offset or ACL header. The entries are not checked.
func peekACL(raw string, headerField int) (acl string, failure fault) {
	off, failure := partOffset(raw, headerField)
	if off == 0 {
		return "", failure
	}
	n, st := aclExtent(raw[off:])
	// A descriptor with an invalid list is invalid (S-21).
	if st != ntstatus.Success {
		return "", badDescriptor(off, "an ACL header needs revision 2 to 4 and an even size of at least 8 that fits")
	}
	return raw[off : off+n], failure
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

// allocateBlock allocates a block of memory for a descriptor and its entries, and returns both parts. For more than 16
// entries the slice is nil, and the caller allocates them.
func allocateBlock(rooms *[17]allocator, entries int) (unsafe.Pointer, []Entry) {
	if entries >= len(rooms) {
		p, _ := rooms[0]()
		return p, nil
	}
	p, first := rooms[entries]()
	return p, unsafe.Slice(first, entries)
}

// Decode decodes a self-relative descriptor of at most [MaxSize] bytes. It copies the input once and never reads it
// twice (S-28). Parts may overlap and be in any order. AppendOriginal also returns the bytes after the last part. The
// error is a [*DecodeError] with STATUS_UNKNOWN_REVISION or STATUS_INVALID_SECURITY_DESCR (S-22, S-23).
func Decode(raw []byte) (*Descriptor, error) {
	// A descriptor that is too long is refused before anything is allocated
	// (S-29).
	if len(raw) > MaxSize {
		return nil, &DecodeError{MaxSize, ntstatus.InvalidSecurityDescr, "a descriptor has at most 131228 bytes"}
	}
	return decode(string(raw))
}

// decode decodes a descriptor like [Decode], but keeps raw, which must never change. If [Descriptor.Append] would not
// write exactly raw, it also stores raw as the original bytes.
func decode(raw string) (*Descriptor, error) {
	r, f := peek(raw)
	if f.Status != 0 {
		return nil, f.error()
	}
	d, bad := assemble(&r)
	if d == nil {
		off, what := faultInACL(bad)
		base := int(uintptr(unsafe.Pointer(unsafe.StringData(bad))) - uintptr(unsafe.Pointer(unsafe.StringData(raw))))
		return nil, &DecodeError{base + off, ntstatus.InvalidSecurityDescr, what}
	}
	if !d.writes(raw) {
		original := raw
		d.original = &original
	}
	return d, nil
}

// error returns the fault as a [*DecodeError] on the heap.
func (f fault) error() error { e := DecodeError(f); return &e }

// assemble builds the descriptor with the given parts, in as few allocations as possible. If a list is invalid, it
// returns nil and the bytes of that list.
func assemble(parts *Raw) (d *Descriptor, bad string) {
	var acls []ACL
	var entries []Entry
	switch {
	case parts.DACL != "" && parts.SACL != "":
		p, e := allocateBlock(&rooms2, u16(parts.DACL, 4)+u16(parts.SACL, 4))
		x := (*block2)(p)
		d, acls, entries = &x.d, x.acls[:], e
	case parts.DACL != "" || parts.SACL != "":
		p, e := allocateBlock(&rooms, u16(parts.DACL+parts.SACL, 4)) // one of them is empty
		x := (*block)(p)
		d, acls, entries = &x.d, x.acls[:], e
	default:
		d = new(Descriptor)
	}
	p := Parts{Control: parts.Control, RMControl: parts.RMControl, Owner: parts.Owner, Group: parts.Group}
	if parts.DACL != "" {
		p.DACL = &acls[len(acls)-1]
		p.DACL.placed = len(entries) > 0
		if !p.DACL.compile(entries, parts.DACL) {
			return nil, parts.DACL
		}
		entries = entries[min(len(entries), p.DACL.Len()):]
	}
	if parts.SACL != "" {
		p.SACL = &acls[0]
		if !p.SACL.compile(entries, parts.SACL) {
			return nil, parts.SACL
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
	r, f := peek(view(b))
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
