package fileaccess

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/sid"
)

// POSIXTag is the kind of a POSIX ACL entry, with the values of the Linux
// extended attributes. The zero value is not a kind.
type POSIXTag uint16

// Kinds of POSIX ACL entries.
const (
	POSIXOwner      POSIXTag = 0x01 // ACL_USER_OBJ
	POSIXUser       POSIXTag = 0x02 // ACL_USER: ID is a user
	POSIXGroupOwner POSIXTag = 0x04 // ACL_GROUP_OBJ
	POSIXGroup      POSIXTag = 0x08 // ACL_GROUP: ID is a group
	POSIXMask       POSIXTag = 0x10 // ACL_MASK: limits all but owner and other
	POSIXOther      POSIXTag = 0x20 // ACL_OTHER
)

// POSIXPerm is a set of permissions. The zero value is empty.
type POSIXPerm uint16

// Permissions.
const (
	POSIXExecute POSIXPerm = 1
	POSIXWrite   POSIXPerm = 2
	POSIXRead    POSIXPerm = 4

	everyPerm = POSIXRead | POSIXWrite | POSIXExecute
)

// POSIXEntry is one entry. The zero value is invalid.
type POSIXEntry struct {
	Tag  POSIXTag
	Perm POSIXPerm
	ID   uint32 // of POSIXUser and POSIXGroup; unchanged for others
}

// POSIXACL is a list of entries in their order: owner, users, owning group,
// groups, mask, other.
type POSIXACL []POSIXEntry

// Layout of the Linux extended attributes system.posix_acl_access and
// system.posix_acl_default, little endian:
//
//	offset size field
//	0      4    version, 2
//	then 8 bytes an entry:
//	0      2    tag
//	2      2    permissions
//	4      4    id, 0xFFFFFFFF where the tag has no id
const (
	xattrVersion = 2
	xattrHeader  = 4
	xattrEntry   = 8

	// MaxPOSIXEntries is the maximum number of entries in an attribute of 64 KiB.
	MaxPOSIXEntries = (65536 - xattrHeader) / xattrEntry
)

// ErrPOSIXACL is the error that every refusal of a POSIX ACL wraps.
var ErrPOSIXACL = errors.New("invalid POSIX ACL")

// DecodePOSIX decodes the value of an extended attribute. The error wraps [ErrPOSIXACL]. It reports a wrong version or
// length, or an error of [POSIXACL.Check], with which DecodePOSIX also returns the list. Without one of Check's errors
// the list is nil on failure.
func DecodePOSIX(b []byte) (POSIXACL, error) {
	if len(b) < xattrHeader || (len(b)-xattrHeader)%xattrEntry != 0 {
		return nil, fmt.Errorf("%w: %d bytes are not header and whole entries", ErrPOSIXACL, len(b))
	}
	if v := le32(b); v != xattrVersion {
		return nil, fmt.Errorf("%w: version %d at offset 0, want %d", ErrPOSIXACL, v, xattrVersion)
	}
	if n := (len(b) - xattrHeader) / xattrEntry; n > MaxPOSIXEntries {
		return nil, fmt.Errorf("%w: %d entries, at most %d", ErrPOSIXACL, n, MaxPOSIXEntries)
	}
	var l POSIXACL
	for b = b[xattrHeader:]; len(b) > 0; b = b[xattrEntry:] {
		l = append(l, POSIXEntry{POSIXTag(le16(b)), POSIXPerm(le16(b[2:])), le32(b[4:])})
	}
	return l, l.Check()
}

// le16 decodes the first two bytes of b, little endian. b must have them.
func le16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

// le32 decodes the first four bytes of b, little endian. b must have them.
func le32(b []byte) uint32 { return uint32(le16(b)) | uint32(le16(b[2:]))<<16 }

// Append appends the value of the extended attribute to dst. The entries keep their order and are not checked.
func (l POSIXACL) Append(dst []byte) []byte {
	dst = append(dst, xattrVersion, 0, 0, 0)
	for _, e := range l {
		dst = append(dst, byte(e.Tag), byte(e.Tag>>8), byte(e.Perm), byte(e.Perm>>8), byte(e.ID), byte(e.ID>>8),
			byte(e.ID>>16), byte(e.ID>>24))
	}
	return dst
}

// Check returns an error if the list is invalid. It needs one entry each for
// owner, owning group and other, and a mask if it names users or groups. No
// user or group may occur twice, and entries must be in the order of the tags.
// The error wraps [ErrPOSIXACL].
func (l POSIXACL) Check() error {
	type key struct {
		tag POSIXTag
		id  uint32
	}
	seen := make(map[key]bool, len(l))
	var tags, last POSIXTag
	for i, e := range l {
		k := key{tag: e.Tag}
		switch e.Tag {
		case POSIXUser, POSIXGroup:
			k.id = e.ID
		case POSIXOwner, POSIXGroupOwner, POSIXMask, POSIXOther:
		default:
			return fmt.Errorf("%w: entry %d has tag %#x", ErrPOSIXACL, i, uint16(e.Tag))
		}
		switch {
		case e.Perm&^everyPerm != 0:
			return fmt.Errorf("%w: entry %d has permissions %#x", ErrPOSIXACL, i, uint16(e.Perm))
		case e.Tag < last:
			return fmt.Errorf("%w: entry %d is out of order", ErrPOSIXACL, i)
		case seen[k]:
			return fmt.Errorf("%w: entry %d repeats another", ErrPOSIXACL, i)
		}
		seen[k], last, tags = true, e.Tag, tags|e.Tag
	}
	const required = POSIXOwner | POSIXGroupOwner | POSIXOther
	switch {
	case tags&required != required:
		return fmt.Errorf("%w: owner, owning group or other is missing", ErrPOSIXACL)
	case tags&(POSIXUser|POSIXGroup) != 0 && tags&POSIXMask == 0:
		return fmt.Errorf("%w: users or groups are named and there is no mask", ErrPOSIXACL)
	}
	return nil
}

// find returns the permissions of the entry with a tag, the first of several. The second result is false if there is
// none.
func (l POSIXACL) find(tag POSIXTag) (POSIXPerm, bool) {
	for _, e := range l {
		if e.Tag == tag {
			return e.Perm, true
		}
	}
	return 0, false
}

// ModeACL returns the list that is equivalent to the nine permission bits of a mode. It ignores other bits of mode.
func ModeACL(mode uint32) POSIXACL {
	return POSIXACL{
		{POSIXOwner, POSIXPerm(mode>>6) & everyPerm, noID},
		{POSIXGroupOwner, POSIXPerm(mode>>3) & everyPerm, noID},
		{POSIXOther, POSIXPerm(mode) & everyPerm, noID},
	}
}

const noID = 0xFFFFFFFF

// Mode returns the nine permission bits of a list. If there is a mask, its bits are those of the group. A missing
// entry has no bits.
func (l POSIXACL) Mode() uint32 {
	u, _ := l.find(POSIXOwner)
	g, ok := l.find(POSIXMask)
	if !ok {
		g, _ = l.find(POSIXGroupOwner)
	}
	o, _ := l.find(POSIXOther)
	return uint32(u)<<6 | uint32(g)<<3 | uint32(o)
}

// IDMap maps ids to SIDs and back. In the zero value, which is the default,
// users are S-1-22-1-id and groups S-1-22-2-id. Its functions must be pure.
type IDMap struct {
	User, Group func(id uint32) (sid.SID, bool)             // false: unknown
	Find        func(s sid.SID) (id uint32, group, ok bool) // ok false: neither a user nor a group
}

const (
	unixAuthority = 22
	unixUsers     = 1
	unixGroups    = 2
)

// UnixUser returns the SID of a user in the default map, S-1-22-1-id.
func UnixUser(id uint32) sid.SID { return unixSID(unixUsers, id) }

// UnixGroup returns the SID of a group in the default map, S-1-22-2-id.
func UnixGroup(id uint32) sid.SID { return unixSID(unixGroups, id) }

// unixSID returns S-1-22-kind-id.
func unixSID(kind, id uint32) sid.SID {
	s, _ := sid.New(unixAuthority, kind, id) // two sub-authorities are always valid
	return s
}

// user returns the SID of a uid: by the map, or S-1-22-1-uid if it has no function for it. m may be nil.
func (m *IDMap) user(id uint32) (sid.SID, bool) {
	if m == nil || m.User == nil {
		return UnixUser(id), true
	}
	return m.User(id)
}

// group returns the SID of a gid: by the map, or S-1-22-2-gid if it has no function for it. m may be nil.
func (m *IDMap) group(id uint32) (sid.SID, bool) {
	if m == nil || m.Group == nil {
		return UnixGroup(id), true
	}
	return m.Group(id)
}

// find returns the uid or gid of a SID. Without a function in the map only S-1-22-1 and S-1-22-2 have one. m may be
// nil.
func (m *IDMap) find(s sid.SID) (id uint32, group, ok bool) {
	if m != nil && m.Find != nil {
		return m.Find(s)
	}
	if s.Authority() != unixAuthority || s.SubAuthorities() != 2 || s.Sub(0) != unixUsers && s.Sub(0) != unixGroups {
		return 0, false, false
	}
	return s.Sub(1), s.Sub(0) == unixGroups, true
}
