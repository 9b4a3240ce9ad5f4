package sd

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Descriptor is a security descriptor. It is immutable and may be shared. Nil
// has no parts, and an access check denies everything with it. The zero
// value has an empty DACL and nothing else, so that it grants nothing either
//
//
//	offset size field
//	0      1    revision, 1
//	1      1    resource manager's byte if RMControlValid, else 0
//	2      2    control
//	4      4    offset of the owner, 0 without one
//	8      4    offset of the group
//	12     4    offset of the SACL
//	16     4    offset of the DACL
type Descriptor struct {
	owner, group sid.SID
	dacl, sacl   *ACL
	original     *string // the bytes read, if Append would write others
	ownerHash    uint32
	control      Control
	rm           byte
	placed       bool // first part of a block or block2
}

// Parts holds the parts of a descriptor. The zero value is a descriptor without parts.
type Parts struct {
	Control      Control // DACLPresent with a nil DACL is the NULL DACL
	RMControl    byte    // meaningful with RMControlValid
	Owner, Group sid.SID
	DACL, SACL   *ACL
}

// NoSecurity is the explicit descriptor for an object without security. It has
// no owner and a NULL DACL, which grants everything except to AppContainers and
// against the integrity label. Use it for stores without security, because a
// nil descriptor denies all access.
var NoSecurity = New(Parts{Control: DACLPresent})

// New returns a descriptor with the given parts. A list that is not nil is
// present. New always sets SelfRelative, and drops RMControl without
// RMControlValid.
func New(p Parts) *Descriptor {
	d := new(Descriptor)
	d.set(p)
	return d
}

// set makes d a descriptor with the parts p. It sets the PRESENT bit of each list that is not nil and computes the
// hash of the owner. It clears the resource manager control unless its bit is set.
func (d *Descriptor) set(p Parts) {
	if p.DACL != nil {
		p.Control |= DACLPresent
	}
	if p.SACL != nil {
		p.Control |= SACLPresent
	}
	if p.Control&RMControlValid == 0 {
		p.RMControl = 0
	}
	d.owner, d.group, d.dacl, d.sacl = p.Owner, p.Group, p.DACL, p.SACL
	d.control, d.rm = p.Control|SelfRelative, p.RMControl
	d.ownerHash = p.Owner.Hash()
}

// Parts returns the parts of the descriptor. New makes an equal descriptor from
// them.
func (d *Descriptor) Parts() Parts {
	if d == nil {
		return Parts{}
	}
	return Parts{d.Control(), d.rm, d.owner, d.group, d.DACL(), d.sacl}
}

// Control returns the control word, always with SelfRelative. For a nil descriptor it returns SelfRelative alone.
func (d *Descriptor) Control() Control {
	if d == nil {
		return SelfRelative
	}
	if d.control == 0 {
		return SelfRelative | DACLPresent
	}
	return d.control
}

// Owner returns the owner. It returns the zero SID for a nil descriptor and for one without an owner.
func (d *Descriptor) Owner() sid.SID {
	if d == nil {
		return sid.SID{}
	}
	return d.owner
}

// OwnerHash returns Owner().Hash(), computed once. It returns 0 for a nil descriptor.
func (d *Descriptor) OwnerHash() uint32 {
	if d == nil {
		return 0
	}
	return d.ownerHash
}

// Group returns the primary group. It returns the zero SID for a nil descriptor and for one without a group.
func (d *Descriptor) Group() sid.SID {
	if d == nil {
		return sid.SID{}
	}
	return d.group
}

// DACL returns the discretionary list. It returns nil for a nil descriptor and if the list is absent or NULL;
// [Descriptor.Control] tells the two apart (S-24).
func (d *Descriptor) DACL() *ACL {
	if d == nil {
		return nil
	}
	// Guess the list's usual address, then compare it. The processor can then
	// fetch the header and the list of an uncached descriptor at the same time.
	if d.placed {
		switch uintptr(unsafe.Pointer(d.dacl)) - uintptr(unsafe.Pointer(d)) {
		case unsafe.Offsetof(block{}.acls):
			return &(*block)(unsafe.Pointer(d)).acls[0]
		case unsafe.Offsetof(block2{}.acls) + unsafe.Sizeof(ACL{}):
			return &(*block2)(unsafe.Pointer(d)).acls[1]
		}
	}
	if d.control == 0 {
		return &noEntries
	}
	return d.dacl
}

// noEntries is the DACL of a zero Descriptor. It never changes.
var noEntries ACL

// SACL returns the system list. It returns nil for a nil descriptor and if the list is absent or NULL (S-24).
func (d *Descriptor) SACL() *ACL {
	if d == nil {
		return nil
	}
	return d.sacl
}

// HasDACL reports whether there is a DACL that is not NULL. Without one the
// access check grants everything (S-24). It returns false for a nil descriptor,
// which denies all access.
func (d *Descriptor) HasDACL() bool { return d.DACL() != nil }

// RMControl returns the byte that the header keeps for the resource manager, 0 without RMControlValid.
func (d *Descriptor) RMControl() byte {
	if d == nil {
		return 0
	}
	return d.rm
}

// Equal reports whether both have equal parts and control. A nil descriptor
// equals one without parts.
func (d *Descriptor) Equal(o *Descriptor) bool {
	a, b := d.Parts(), o.Parts()
	return a.Control|SelfRelative == b.Control|SelfRelative && a.RMControl == b.RMControl && a.Owner == b.Owner &&
		a.Group == b.Group && a.DACL.Equal(b.DACL) && a.SACL.Equal(b.SACL)
}

// DecodeError is an error in a descriptor or list, and its offset.
type DecodeError struct {
	Offset int             // byte offset into the input
	Status ntstatus.Status // status of the error (S-23)
	What   string          // what should be there
}

// Error returns the byte offset, what should be there, and the status.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("security descriptor: at byte %d: %s: %s", e.Offset, e.What, e.Status)
}

// Unwrap returns the status as an error, so that errors.Is finds it.
func (e *DecodeError) Unwrap() error { return e.Status.Err() }

// Size returns the number of bytes that [Descriptor.Append] appends: 20, the size of the header, for a nil
// descriptor.
func (d *Descriptor) Size() int {
	if d == nil {
		return headerSize
	}
	return headerSize + align4(d.sacl.Size()) + align4(d.DACL().Size()) + d.owner.Len() + d.group.Len()
}

// align4 returns n, rounded up to a multiple of 4.
func align4(n int) int { return (n + 3) &^ 3 }

// Append appends the self-relative form to dst, in the order of the SDDL
// conversion of Windows: header, SACL, DACL, owner, group (S-25). It writes
// lists with their exact bytes. For nil it appends a header without parts.
func (d *Descriptor) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 1, d.RMControl())
	dst = binary.LittleEndian.AppendUint16(dst, uint16(d.Control()))
	dst = append(dst, make([]byte, 16)...)
	if d == nil {
		return dst
	}
	put := func(field int, b string) {
		if b == "" {
			return
		}
		binary.LittleEndian.PutUint32(dst[start+field:], uint32(len(dst)-start))
		dst = append(dst, b...)
		for (len(dst)-start)&3 != 0 {
			dst = append(dst, 0)
		}
	}
	put(12, d.sacl.Binary())
	put(16, d.DACL().Binary())
	put(4, d.owner.Binary())
	put(8, d.group.Binary())
	return dst
}

// AppendOriginal appends to dst the bytes from which the descriptor was
// decoded, with their order and gaps (S-25). For a descriptor that was built it
// is the same as Append.
func (d *Descriptor) AppendOriginal(dst []byte) []byte {
	if d != nil && d.original != nil {
		return append(dst, *d.original...)
	}
	return d.Append(dst)
}

// Binary returns the bytes of [Descriptor.Append] in a new slice.
func (d *Descriptor) Binary() []byte { return d.Append(make([]byte, 0, d.Size())) }
