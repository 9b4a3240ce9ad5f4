package ntacl

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// unixMask returns the rights that a server grants for POSIX permissions. Each
// permission gives the generic rights of a file. Write also gives DELETE,
// WRITE_DAC and WRITE_OWNER, and in a directory FILE_DELETE_CHILD. All three
// together give FILE_ALL_ACCESS.
func unixMask(perm fileaccess.POSIXPerm, directory bool) (m winnt.AccessMask) {
	if perm&fileaccess.POSIXRead != 0 {
		m |= winnt.FILE_GENERIC_READ
	}
	if perm&fileaccess.POSIXWrite != 0 {
		m |= winnt.FILE_GENERIC_WRITE | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER
		if directory {
			m |= winnt.FILE_DELETE_CHILD
		}
	}
	if perm&fileaccess.POSIXExecute != 0 {
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
	if group {
		return fileaccess.UnixGroup(id)
	}
	return fileaccess.UnixUser(id)
}

// Posix returns the descriptor that a server uses for a file without the attribute. It has an allow entry for the
// owner, the group, each named user and group, and Everyone. acl is the value of the attribute
// system.posix_acl_access, or nil for a file without it. Posix omits entries that only children of a directory
// inherit: see [PosixDirectory]. It fails for an acl that [fileaccess.DecodePOSIX] refuses, and if who returns the
// zero SID for an entry.
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
		switch e.Tag {
		case fileaccess.POSIXOwner:
			s = owner
		case fileaccess.POSIXGroupOwner:
			s = group
		case fileaccess.POSIXUser, fileaccess.POSIXGroup:
			s = who.of(e.ID, e.Tag == fileaccess.POSIXGroup)
		}
		a, err := sd.NewACE(sd.AccessAllowed, 0, unixMask(e.Perm, f.Directory), s)
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

// posixEntries returns the effective entries of a POSIX ACL: the mask is applied to them and left out. Without an ACL
// it returns the three classes of the mode. After an error of [rawEntries] it returns no entries.
func posixEntries(f Info, acl []byte) (fileaccess.POSIXACL, error) {
	all, err := rawEntries(f, acl)
	mask := fileaccess.POSIXRead | fileaccess.POSIXWrite | fileaccess.POSIXExecute
	for _, e := range all {
		if e.Tag == fileaccess.POSIXMask {
			mask = e.Perm
		}
	}
	out := all[:0]
	for _, e := range all {
		switch e.Tag {
		case fileaccess.POSIXMask:
			continue
		case fileaccess.POSIXUser, fileaccess.POSIXGroup, fileaccess.POSIXGroupOwner:
			e.Perm &= mask
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
		case e.Perm&fileaccess.POSIXExecute == 0:
		case e.Tag == fileaccess.POSIXUser:
			users = append(users, e.ID)
		case e.Tag == fileaccess.POSIXGroup:
			groups = append(groups, e.ID)
		case e.Tag == fileaccess.POSIXGroupOwner:
			groups = append(groups, f.GID)
		case e.Tag == fileaccess.POSIXOther:
			all = true
		}
	}
	return users, groups, all, err
}

// rawEntries decodes a POSIX ACL, the value of system.posix_acl_access, into its entries, including the mask. For a
// nil acl it returns the three classes of the mode. With an error it returns no entries.
func rawEntries(f Info, acl []byte) (fileaccess.POSIXACL, error) {
	if acl == nil {
		return fileaccess.ModeACL(f.Mode), nil
	}
	l, err := fileaccess.DecodePOSIX(acl)
	if err != nil {
		return nil, err
	}
	return l, nil
}
