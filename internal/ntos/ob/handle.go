package ob

import "github.com/refmon/refmon/winnt"

// Granted holds the contents of a handle without its object. The zero value grants no right.
type Granted struct {
	Access     winnt.AccessMask // rights fixed when the handle was made (O-34)
	Attributes uint32           // OBJ_PROTECT_CLOSE, OBJ_INHERIT, OBJ_AUDIT_OBJECT_CLOSE
	Pending    winnt.AccessMask // rights whose first use is still to be audited, at the time of the lookup
}

// handleAttributes are the attributes that a handle can have.
const handleAttributes = winnt.OBJ_PROTECT_CLOSE | winnt.OBJ_INHERIT | winnt.OBJ_AUDIT_OBJECT_CLOSE

// A slot's word packs all that a lookup needs apart from the object:
//
//	bits  0–24  granted access: specific and standard rights, ACCESS_SYSTEM_SECURITY
//	bits 25–27  handle attributes
//	bit  28     the slot names an object
//	bits 29–63  sequence, raised by every change
//
// Granted access never has other bits: generic bits are mapped and
// MAXIMUM_ALLOWED is resolved before a handle is made (O-21, O-91).
const (
	accessBits     = 0x01FFFFFF
	attributeShift = 25
	slotValid      = 1 << 28
	slotProtected  = uint64(winnt.OBJ_PROTECT_CLOSE) << attributeShift
	oneSequence    = 1 << 29
)

// packWord encodes a handle's rights and attributes as the word of a used slot. Its sequence number follows that of
// old, so that readers notice the change.
func packWord(old uint64, access winnt.AccessMask, attributes uint32) uint64 {
	return (old&^(oneSequence-1) + oneSequence) | slotValid | uint64(attributes&handleAttributes)<<attributeShift |
		uint64(access&accessBits)
}

// clearWord returns the word of a free slot. Its sequence number follows that of old, so that readers notice the
// change.
func clearWord(old uint64) uint64 { return old&^(oneSequence-1) + oneSequence }

// unpackWord decodes a handle's rights and attributes from the word of its slot.
func unpackWord(w uint64) Granted {
	return Granted{Access: winnt.AccessMask(w & accessBits), Attributes: uint32(w>>attributeShift) & handleAttributes}
}

// kernelBase is the top bits of a kernel handle: value = index | kernelBase (O-13).
const kernelBase winnt.Handle = -0x80000000

// noIndex is a slot number that no table has.
const noIndex = ^uint64(0)

// index returns the slot number of a handle value, or a huge number if no slot has that value. It ignores the two low
// bits (O-10). The first slot has value 4 (O-11).
func (t *Table) index(v winnt.Handle) uint64 {
	if t.kernel {
		if v>>31 != -1 { // not of the form index | 0xFFFFFFFF80000000 (O-13)
			return noIndex
		}
		v &= 0x7FFFFFFF
	}
	return uint64(v)>>2 - 1 // O-10, O-11: 0 to 3 wrap to noIndex
}

// value returns the handle value of a slot: a multiple of 4, with the top bit set in the kernel's table.
func (t *Table) value(index uint32) winnt.Handle {
	// Values are multiples of 4 and begin with 4 (O-10, O-11).
	v := (winnt.Handle(index) + 1) << 2
	if t.kernel {
		// A handle of the kernel's table has the top bit set (O-13).
		v |= kernelBase
	}
	return v
}
