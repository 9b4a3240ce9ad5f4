package sd

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Sizes in bytes.
const (
	aceHeaderSize = 4
	aclHeaderSize = 8
	headerSize    = 20

	MaxACLSize = 65532                       // of a list that is built (S-17): 65535 rounded down to 4
	MaxSize    = headerSize + 2*68 + 2*65536 // S-29: a decoded list can have 65534 bytes, which Append fills up to 4
)

// ACE is one entry of a list, held as its exact bytes. The zero value is no
// entry, and IsZero reports it.
//
//	offset size field
//	0      1    type
//	1      1    flags
//	2      2    size of the whole entry in bytes, a multiple of 4 (unknown type: of 2)
//	4      4    access mask                        (every known layout)
//	8           SID, application data              (LayoutBasic)
//	8      4    1 = ObjectType, 2 = InheritedObjectType present
//	12          those GUIDs, SID, application data (LayoutObject)
//	8      4    compound type 1, reserved
//	12          server SID, client SID             (LayoutCompound)
type ACE struct{ b string }

// Flags of the object layout (S-12).
const (
	ObjectTypePresent          uint32 = 1
	InheritedObjectTypePresent uint32 = 2
)

// IsZero reports whether a is the zero value, which is not an entry.
func (a ACE) IsZero() bool { return a.b == "" }

// Binary returns the exact bytes (S-13), without copying them. It is "" for the zero value.
func (a ACE) Binary() string { return a.b }

// Type returns the entry's type. It returns 0, which is AccessAllowed, for the zero value.
func (a ACE) Type() Type {
	if a.b == "" {
		return 0
	}
	return Type(a.b[0])
}

// Flags returns the inheritance and audit flags. It returns 0 for the zero value.
func (a ACE) Flags() uint8 {
	if a.b == "" {
		return 0
	}
	return a.b[1]
}

// Mask returns the access mask, 0 for an unknown type and for the zero value.
func (a ACE) Mask() winnt.AccessMask {
	if a.Type().Layout() == LayoutUnknown || len(a.b) < 8 {
		return 0
	}
	return winnt.AccessMask(u32(a.b, 4))
}

// SID returns the trustee. For a compound entry this is the server's SID, and
// for an unknown type the zero SID.
func (a ACE) SID() sid.SID {
	off := sidOffset(a.b)
	if off < 0 {
		return sid.SID{}
	}
	s, _, _ := sid.DecodeString(a.b[off:])
	return s
}

// ServerSID returns the first SID of a compound entry, else the zero SID.
func (a ACE) ServerSID() sid.SID {
	if a.Type().Layout() != LayoutCompound {
		return sid.SID{}
	}
	return a.SID()
}

// ClientSID returns the second SID of a compound entry, else the zero SID.
func (a ACE) ClientSID() sid.SID {
	s := a.ServerSID()
	if s.IsZero() {
		return sid.SID{}
	}
	c, _, _ := sid.DecodeString(a.b[12+s.Len():])
	return c
}

// ObjectFlags returns the flags of the object layout, including unknown bits
// (S-12). It returns 0 for other layouts.
func (a ACE) ObjectFlags() uint32 {
	if !a.Type().IsObject() || len(a.b) < 12 {
		return 0
	}
	return u32(a.b, 8)
}

// ObjectType returns the GUID of the property, extended right or child class to
// which the entry applies. ok is false if the entry names none.
func (a ACE) ObjectType() (g winnt.GUID, ok bool) {
	if a.ObjectFlags()&ObjectTypePresent == 0 {
		return g, false
	}
	copy(g[:], a.b[12:28])
	return g, true
}

// InheritedObjectType returns the GUID of the class that inherits the entry; ok
// is false if the entry names none.
func (a ACE) InheritedObjectType() (g winnt.GUID, ok bool) {
	f := a.ObjectFlags()
	if f&InheritedObjectTypePresent == 0 {
		return g, false
	}
	off := 12
	if f&ObjectTypePresent != 0 {
		off += 16
	}
	copy(g[:], a.b[off:off+16])
	return g, true
}

// AppData returns the bytes of the ACE after its last SID, including padding: a condition, a resource attribute or
// other application data. For an unknown type it returns everything after the header.
func (a ACE) AppData() string {
	off := sidOffset(a.b)
	if off < 0 {
		if len(a.b) < aceHeaderSize {
			return ""
		}
		return a.b[aceHeaderSize:]
	}
	off += a.SID().Len() + a.ClientSID().Len()
	return a.b[off:]
}

// WithFlags returns the ACE with other flags in place of its own. It returns the zero value unchanged.
func (a ACE) WithFlags(flags uint8) ACE { return (*editor)(nil).withFlags(a, flags) }

// WithMask returns the entry with another access mask. It returns an entry of
// an unknown type unchanged.
func (a ACE) WithMask(m winnt.AccessMask) ACE { return (*editor)(nil).withMask(a, m) }

// WithSID returns the entry with another trustee, or for a compound entry with another server SID. It keeps everything
// else, including application data. It returns the entry unchanged if the SID is zero or the type is unknown. It
// returns the zero value, which [NewACL] refuses, if no list can hold the result.
func (a ACE) WithSID(trustee sid.SID) ACE {
	// The size field of a longer entry would wrap (S-17).
	if out := (*editor)(nil).withSID(a, trustee); len(out.b) <= MaxACLSize-aclHeaderSize {
		return out
	}
	return ACE{}
}

// sidOffset returns the offset of the first SID in the bytes b of a valid ACE, -1 if the type of the ACE is unknown.
func sidOffset(b string) int {
	if len(b) < 12 {
		return -1
	}
	switch Type(b[0]).Layout() {
	case LayoutBasic:
		return 8
	case LayoutCompound:
		return 12
	case LayoutObject:
		off := 12
		if b[8]&byte(ObjectTypePresent) != 0 {
			off += 16
		}
		if b[8]&byte(InheritedObjectTypePresent) != 0 {
			off += 16
		}
		return off
	}
	return -1
}

// u16 reads a little-endian 16-bit number at a byte offset of b. It panics if b is too short.
func u16(b string, offset int) int { return int(b[offset]) | int(b[offset+1])<<8 }

// u32 reads a little-endian 32-bit number at a byte offset of b. It panics if b is too short.
func u32(b string, offset int) uint32 {
	return uint32(b[offset]) | uint32(b[offset+1])<<8 | uint32(b[offset+2])<<16 | uint32(b[offset+3])<<24
}
