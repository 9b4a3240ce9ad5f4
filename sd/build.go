package sd

import (
	"encoding/binary"
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ACEExtra holds the fields that some layouts have in addition to a mask and a
// SID.
type ACEExtra struct {
	ObjectType, InheritedObjectType *winnt.GUID // object layout; nil is absent
	AppData                         []byte      // bytes after the SID, zero-padded to a multiple of 4
	ClientSID                       sid.SID     // compound layout only
}

// NewACE builds an entry of a known type, with at most one extra. The error wraps one of these statuses:
//   - STATUS_INVALID_PARAMETER for an unknown type, and for GUIDs on a type without the object layout
//   - STATUS_INVALID_SID for a zero SID, and for a zero ClientSID in a compound entry
//   - STATUS_ALLOTTED_SPACE_EXCEEDED for an entry that fits in no list (S-17)
func NewACE(aceType Type, flags uint8, mask winnt.AccessMask, trustee sid.SID, extra ...ACEExtra) (ACE, error) {
	var x ACEExtra
	if len(extra) > 0 {
		x = extra[0]
	}
	layout := aceType.Layout()
	switch {
	case layout == LayoutUnknown:
		return ACE{}, buildError(ntstatus.InvalidParameter, "ACE type 0x%02x is unknown", uint8(aceType))
	case trustee.IsZero() || layout == LayoutCompound && x.ClientSID.IsZero():
		return ACE{}, buildError(ntstatus.InvalidSID, "%s needs a SID", aceType)
	case layout != LayoutObject && (x.ObjectType != nil || x.InheritedObjectType != nil):
		return ACE{}, buildError(ntstatus.InvalidParameter, "%s carries no GUIDs", aceType)
	}
	b := make([]byte, 8, 80+len(x.AppData))
	b[0], b[1] = byte(aceType), flags
	binary.LittleEndian.PutUint32(b[4:], uint32(mask))
	switch layout {
	case LayoutObject:
		b = appendGUIDs(b, x.ObjectType, x.InheritedObjectType)
	case LayoutCompound:
		b = append(b, 1, 0, 0, 0)
	}
	b = trustee.AppendBinary(b)
	if layout == LayoutCompound {
		b = x.ClientSID.AppendBinary(b)
	}
	b = pad4(append(b, x.AppData...))
	// An entry that no list can hold is not built (S-17).
	if len(b) > MaxACLSize-aclHeaderSize {
		return ACE{}, buildError(ntstatus.AllottedSpaceExceeded, "ACE of %d bytes, a list holds %d", len(b),
			MaxACLSize-aclHeaderSize)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return ACE{string(b)}, nil
}

// buildError returns an error for a part that cannot be built. It has a formatted reason and wraps the status.
func buildError(status ntstatus.Status, format string, args ...any) error {
	return fmt.Errorf("build descriptor: %s: %w", fmt.Sprintf(format, args...), status.Err())
}

// appendGUIDs appends the object flags of an object ACE to b, and then its GUIDs. A nil GUID is absent and takes no
// bytes (S-12).
func appendGUIDs(b []byte, object, inherited *winnt.GUID) []byte {
	var flags uint32
	if object != nil {
		flags |= ObjectTypePresent
	}
	if inherited != nil {
		flags |= InheritedObjectTypePresent
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	// An absent GUID takes no bytes (S-12).
	if object != nil {
		b = append(b, object[:]...)
	}
	if inherited != nil {
		b = append(b, inherited[:]...)
	}
	return b
}

// pad4 appends zeros to b until its length is a multiple of 4.
func pad4(b []byte) []byte {
	for len(b)&3 != 0 {
		b = append(b, 0)
	}
	return b
}

// RawACE builds an entry from its type, its flags and everything after the
// header, for types that [NewACE] does not support. The error wraps
// STATUS_INVALID_ACL if the entry would not be valid in a list (S-20).
func RawACE(aceType Type, flags uint8, body []byte) (ACE, error) {
	size := aceHeaderSize + len(body)
	if size > MaxACLSize-aclHeaderSize {
		return ACE{}, buildError(ntstatus.InvalidACL, "ACE of %d bytes, a list holds %d", size, MaxACLSize-aclHeaderSize)
	}
	b := make([]byte, aceHeaderSize, size)
	b[0], b[1] = byte(aceType), flags
	binary.LittleEndian.PutUint16(b[2:], uint16(size))
	b = append(b, body...)
	if _, _, ok := aceExtent(string(b)); !ok {
		return ACE{}, buildError(ntstatus.InvalidACL, "the bytes given are not a valid %s", aceType)
	}
	return ACE{string(b)}, nil
}
