package sd

import (
	"encoding/binary"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The Rtl* routines work on a list in the caller's own bytes, for packages with
// the C prototypes. Everything else in this package works on values.

// CreateACL implements RtlCreateAcl on the whole of buf. It writes an empty
// list whose size field is len(buf) rounded up to a multiple of 4, at most
// 65532. It returns STATUS_BUFFER_TOO_SMALL below 8 bytes, and
// STATUS_INVALID_PARAMETER for a revision other than 2 to 4 or more than 65535
// bytes.
func CreateACL(buf []byte, revision uint32) ntstatus.Status {
	// The space for the header is checked first, then revision and size (S-19).
	if len(buf) < aclHeaderSize {
		return ntstatus.BufferTooSmall
	}
	if revision < 2 || revision > 4 || len(buf) > 0xFFFF {
		return ntstatus.InvalidParameter
	}
	clear(buf[:aclHeaderSize])
	buf[0] = byte(revision)
	binary.LittleEndian.PutUint16(buf[2:], uint16(min(align4(len(buf)), MaxACLSize)))
	return ntstatus.Success
}

// AddACE implements RtlAddAccessAllowedAceEx and the related routines. It adds an entry after the last one and raises
// the list's revision to revision. It makes these checks in this order (S-19):
//   - STATUS_INVALID_SID for the zero SID
//   - STATUS_REVISION_MISMATCH for a revision above 4 or below what the type needs
//   - STATUS_INVALID_PARAMETER for flags other than those of inheritance and, in an audit entry, of auditing
//   - STATUS_INVALID_ACL for a bad list
//   - STATUS_INVALID_PARAMETER if [NewACE] fails
//   - STATUS_ALLOTTED_SPACE_EXCEEDED if there is no space
func AddACE(acl []byte, revision uint32, aceType Type, flags uint8, mask winnt.AccessMask, trustee sid.SID,
	extra ...ACEExtra) ntstatus.Status {
	if trustee.IsZero() {
		return ntstatus.InvalidSID
	}
	if len(acl) > 0 && acl[0] > 4 || revision > 4 || revision < uint32(aceType.info().revision) {
		return ntstatus.RevisionMismatch
	}
	allowed := ValidInheritFlags
	if aceType.IsAudit() {
		allowed |= SuccessfulAccess | FailedAccess
	}
	if flags&^allowed != 0 {
		return ntstatus.InvalidParameter
	}
	if !ValidACL(acl) {
		return ntstatus.InvalidACL
	}
	a, err := NewACE(aceType, flags, mask, trustee, extra...)
	if err != nil {
		return ntstatus.InvalidParameter
	}
	end, size := used(acl), int(binary.LittleEndian.Uint16(acl[2:]))
	if size-end < len(a.b) {
		return ntstatus.AllottedSpaceExceeded
	}
	copy(acl[end:], a.b)
	addACECount(acl, 1)
	acl[0] = max(acl[0], byte(revision))
	return ntstatus.Success
}

// InsertACEs implements RtlAddAce. It inserts the entries in newACEs before entry index, or at the end if acl has no
// such entry. It returns STATUS_INVALID_PARAMETER if acl or newACEs is bad, and STATUS_BUFFER_TOO_SMALL if there is no
// space (S-19).
func InsertACEs(acl []byte, revision, index uint32, newACEs []byte) ntstatus.Status {
	if !ValidACL(acl) {
		return ntstatus.InvalidParameter
	}
	count, l := 0, view(newACEs)
	for ; l != ""; count++ {
		n, _, ok := aceExtent(l)
		if !ok {
			return ntstatus.InvalidParameter
		}
		l = l[n:]
	}
	end, size := used(acl), int(binary.LittleEndian.Uint16(acl[2:]))
	if size-end < len(newACEs) {
		return ntstatus.BufferTooSmall
	}
	at := end
	if off := offsetOf(acl, index); off >= 0 {
		at = off
	}
	copy(acl[at+len(newACEs):], acl[at:end])
	copy(acl[at:], newACEs)
	addACECount(acl, count)
	// A revision above 4 is stored too, and makes the list invalid (S-19).
	acl[0] = max(acl[0], byte(revision))
	return ntstatus.Success
}

// GetACE implements RtlGetAce. It returns a copy of entry index and its offset in the list. It returns
// STATUS_INVALID_PARAMETER if the list is bad or has no such entry.
func GetACE(acl []byte, index uint32) (ace ACE, offset int, status ntstatus.Status) {
	if !ValidACL(acl) {
		return ACE{}, 0, ntstatus.InvalidParameter
	}
	off := offsetOf(acl, index)
	// A list that holds no such entry is an invalid parameter (S-19).
	if off < 0 {
		return ACE{}, 0, ntstatus.InvalidParameter
	}
	return ACE{string(acl[off : off+u16(view(acl), off+2)])}, off, ntstatus.Success
}

// DeleteACE implements RtlDeleteAce. It removes entry index, and the freed
// bytes become slack. The revision stays the same (S-16). It returns
// STATUS_INVALID_PARAMETER if the list is bad or has no such entry.
func DeleteACE(acl []byte, index uint32) ntstatus.Status {
	if !ValidACL(acl) {
		return ntstatus.InvalidParameter
	}
	off := offsetOf(acl, index)
	if off < 0 {
		return ntstatus.InvalidParameter
	}
	end, n := used(acl), u16(view(acl), off+2)
	copy(acl[off:], acl[off+n:end])
	clear(acl[end-n : end])
	addACECount(acl, -1)
	return ntstatus.Success
}

// used returns the number of bytes of a valid list that its header and entries occupy, without slack.
func used(acl []byte) int {
	b := view(acl)
	off := aclHeaderSize
	for range u16(b, 4) {
		off += u16(b, off+2)
	}
	return off
}

// offsetOf returns the offset at which entry index of a valid list starts, -1
// if the list has no such entry.
func offsetOf(acl []byte, index uint32) int {
	b := view(acl)
	if uint64(index) >= uint64(u16(b, 4)) {
		return -1
	}
	off := aclHeaderSize
	for range index {
		off += u16(b, off+2)
	}
	return off
}

// addACECount adds count to the number of entries in the header of a list.
func addACECount(acl []byte, count int) {
	binary.LittleEndian.PutUint16(acl[4:], uint16(int(binary.LittleEndian.Uint16(acl[4:]))+count))
}
