package ntacl

import (
	"encoding/binary"
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Permission bits of POSIX entries.
const (
	permRead    = 4
	permWrite   = 2
	permExecute = 1
)

// unixMask returns the rights that a server grants for POSIX permissions. Each
// permission gives the generic rights of a file. Write also gives DELETE,
// WRITE_DAC and WRITE_OWNER, and in a directory FILE_DELETE_CHILD. All three
// together give FILE_ALL_ACCESS.
func unixMask(perm uint16, directory bool) (m winnt.AccessMask) {
	if perm&permRead != 0 {
		m |= winnt.FILE_GENERIC_READ
	}
	if perm&permWrite != 0 {
		m |= winnt.FILE_GENERIC_WRITE | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER
		if directory {
			m |= winnt.FILE_DELETE_CHILD
		}
	}
	if perm&permExecute != 0 {
		m |= winnt.FILE_GENERIC_EXECUTE
	}
	if perm&7 == 7 {
		m = winnt.FILE_ALL_ACCESS
	}
	return m
}

// Accounts maps the numbers of users and groups to SIDs. nil maps them to the
// SIDs of accounts that no domain maps: S-1-22-1-uid and S-1-22-2-gid.
type Accounts func(id uint32, group bool) sid.SID

// of returns the SID of the user with this uid, or with group true of the group with this gid. A nil a returns the SIDs
// that Samba uses for unmapped ids: S-1-22-1-uid and S-1-22-2-gid.
func (a Accounts) of(id uint32, group bool) sid.SID {
	if a != nil {
		return a(id, group)
	}
	kind := uint32(1)
	if group {
		kind = 2
	}
	s, _ := sid.New(22, kind, id)
	return s
}

// Posix returns the descriptor that a server uses for a file without the attribute. It has an allow entry for the
// owner, the group, each named user and group, and Everyone. acl is the value of the attribute
// system.posix_acl_access, or nil for a file without it. Posix omits entries that only children of a directory
// inherit: see [PosixDirectory]. It fails for an acl with another version, a wrong size or an unknown tag, but not
// for one without a required entry. It also fails if who returns the zero SID for an entry.
//
// POSIX stops at the first matching class, but the rights of the entries add up. So a user that is refused by name
// but whose group is allowed is allowed here, as on the server.
func Posix(f Info, acl []byte, who Accounts) (*sd.Descriptor, error) {
	entries, err := posixEntries(f, acl)
	if err != nil {
		return nil, err
	}
	owner, group := who.of(f.UID, false), who.of(f.GID, true)
	var aces []sd.ACE
	for _, e := range entries {
		s := sid.Everyone
		switch e.tag {
		case tagUserObj:
			s = owner
		case tagGroupObj:
			s = group
		case tagUser, tagGroup:
			s = who.of(e.id, e.tag == tagGroup)
		}
		a, err := sd.NewACE(sd.AccessAllowed, 0, unixMask(e.perm, f.Directory), s)
		if err != nil {
			return nil, err
		}
		aces = append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		return nil, err
	}
	return sd.New(sd.Parts{Owner: owner, Group: group, DACL: l}), nil
}

// Tags of POSIX entries.
const (
	tagUserObj  = 0x01
	tagUser     = 0x02
	tagGroupObj = 0x04
	tagGroup    = 0x08
	tagMask     = 0x10
	tagOther    = 0x20
)

// posixEntry is one entry of a POSIX ACL: its class, its permissions, and the user or group.
type posixEntry struct {
	tag, perm uint16
	id        uint32
}

// posixEntries returns the effective entries of a POSIX ACL: the mask is applied to them and left out. Without an ACL
// it returns the three classes of the mode. After an error of [rawEntries] it returns no entries.
func posixEntries(f Info, acl []byte) ([]posixEntry, error) {
	all, err := rawEntries(f, acl)
	mask := uint16(7)
	for _, e := range all {
		if e.tag == tagMask {
			mask = e.perm
		}
	}
	out := all[:0]
	for _, e := range all {
		switch e.tag {
		case tagMask:
			continue
		case tagUser, tagGroup, tagGroupObj:
			e.perm &= mask
		}
		out = append(out, e)
	}
	return out, err
}

// Searchers returns the numbers of the users and groups that may search a directory,
// or execute a file, by its permissions. all reports whether everybody may. The owner
// is always included, because it can change the permissions. A malformed acl is an
// error, with the owner alone.
func Searchers(f Info, acl []byte) (users, groups []uint32, all bool, err error) {
	entries, err := posixEntries(f, acl)
	users = append(users, f.UID)
	for _, e := range entries {
		switch {
		case e.perm&permExecute == 0:
		case e.tag == tagUser:
			users = append(users, e.id)
		case e.tag == tagGroup:
			groups = append(groups, e.id)
		case e.tag == tagGroupObj:
			groups = append(groups, f.GID)
		case e.tag == tagOther:
			all = true
		}
	}
	return users, groups, all, err
}

// rawEntries decodes a POSIX ACL, the value of system.posix_acl_access, into its entries, including the mask. For a
// nil acl it returns the three classes of the mode. Linux stores u32 version 2, then u16 tag, u16 permissions and u32
// id per entry. Another version, a wrong length, more than 64 KiB or an unknown tag is an error.
func rawEntries(f Info, acl []byte) ([]posixEntry, error) {
	if acl == nil {
		m := uint16(f.Mode)
		return []posixEntry{{tagUserObj, m >> 6 & 7, 0}, {tagGroupObj, m >> 3 & 7, 0}, {tagOther, m & 7, 0}}, nil
	}
	le := binary.LittleEndian
	if len(acl) < 4 || len(acl)%8 != 4 || le.Uint32(acl) != 2 || len(acl) > 1<<16 {
		return nil, fmt.Errorf("POSIX ACL of %d bytes: want version 2 and entries of 8 bytes", len(acl))
	}
	var out []posixEntry
	for b := acl[4:]; len(b) > 0; b = b[8:] {
		e := posixEntry{le.Uint16(b), le.Uint16(b[2:]) & 7, le.Uint32(b[4:])}
		switch e.tag {
		case tagMask, tagUserObj, tagUser, tagGroupObj, tagGroup, tagOther:
		default:
			return nil, fmt.Errorf("POSIX ACL: unknown tag %#x", e.tag)
		}
		out = append(out, e)
	}
	return out, nil
}
