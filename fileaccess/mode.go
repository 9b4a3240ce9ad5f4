package fileaccess

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// class is the class of permission bits, owner, group or other, that an ACE belongs to.
type class uint8

const (
	classNone  class = iota // the host's root, which permission bits do not bind
	classOwner              // the owner
	classGroup              // the owning group, other groups and users
	classOther              // everybody
)

// modeClasses assigns the SIDs of a file's DACL to the classes of permission bits, by the file's owner and group.
type modeClasses struct{ owner, group sid.SID }

// of returns the mode class of a SID:
//   - the owner, OWNER RIGHTS and CREATOR OWNER: owner
//   - the group and CREATOR GROUP: group
//   - LocalSystem and Administrators: none
//   - a SID that every user may have, such as Authenticated Users: other
//   - any other SID, such as that of a named user: group
func (k modeClasses) of(s sid.SID) class {
	switch {
	case s == k.owner, s == sid.OwnerRights, s == sid.CreatorOwner:
		return classOwner
	case s == k.group, s == sid.CreatorGroup:
		return classGroup
	case s == sid.LocalSystem, s == sid.Administrators:
		return classNone
	case s == sid.Everyone, s == sid.Users, s == sid.Guests,
		s.Authority() == 2, s.Authority() == 5 && s.SubAuthorities() == 1 && !isService(s):
		return classOther
	}
	return classGroup
}

// inForce reports whether an entry applies to the file itself: it is not inherit-only, and its SID is not CREATOR
// OWNER or CREATOR GROUP.
func inForce(a sd.ACE) bool {
	return a.Flags()&sd.InheritOnly == 0 && a.SID() != sid.CreatorOwner && a.SID() != sid.CreatorGroup
}

// universal reports whether s includes every owner of a file and every member of a group: it is Everyone or
// Authenticated Users.
func universal(s sid.SID) bool { return s == sid.Everyone || s == sid.AuthenticatedUsers }

// isService reports whether s is LOCAL SERVICE or NETWORK SERVICE.
func isService(s sid.SID) bool { return s == sid.LocalService || s == sid.NetworkService }

// Mode returns the permission bits, 0777, for the rights that a descriptor grants: to the owner, to the owning group
// and every other user and group that it names, and to Everyone. Entries of the system and of Administrators do not
// count unless these own the file. If no class of a file has x and an entry grants FILE_EXECUTE, Mode sets the owner's
// x, but not for a directory. A nil descriptor gives 0, one without a DACL 0777.
func Mode(d *sd.Descriptor, directory bool) (mode uint32) {
	switch {
	case d == nil:
		return 0
	case !d.HasDACL() || d.DACL() == nil:
		return 0o777
	}
	k, l := modeClasses{d.Owner(), d.Group()}, d.DACL()
	other := bitsOf(grantedTo(k, l, sid.SID{}, classOther))
	mode = other | bitsOf(grantedTo(k, l, k.owner, classOwner))<<6
	mode |= bitsOf(grantedTo(k, l, k.group, classGroup)) << 3
	executes := false
	for _, a := range l.All() {
		if !inForce(a) || !a.Type().IsAllow() {
			continue
		}
		if k.of(a.SID()) == classGroup {
			mode |= bitsOf(grantedTo(k, l, a.SID(), classGroup)) << 3
		}
		executes = executes || winnt.FileObject.Mapping.Map(a.Mask())&winnt.FILE_EXECUTE != 0
	}
	if executes && mode&0o111 == 0 && !directory {
		mode |= 0o100
	}
	return mode
}

// grantedTo returns the rights that the ACEs of l grant to subject s, which is in class of, in their order. It counts
// ACEs for the class (for groups: ACEs for s) and for everybody.
func grantedTo(k modeClasses, l *sd.ACL, s sid.SID, of class) (granted winnt.AccessMask) {
	var denied winnt.AccessMask
	for _, a := range l.All() {
		c := k.of(a.SID())
		own := c == of && (of != classGroup || a.SID() == s)
		if !inForce(a) || !own && !universal(a.SID()) {
			continue
		}
		switch m := winnt.FileObject.Mapping.Map(a.Mask()); {
		case a.Type().IsAllow():
			granted |= m &^ denied
		case a.Type().IsDeny():
			denied |= m &^ granted
		}
	}
	return granted
}

// bitsOf returns the three permission bits for rights. Each bit needs only the one right of its name: FILE_READ_DATA,
// FILE_WRITE_DATA or FILE_EXECUTE.
func bitsOf(m winnt.AccessMask) (bits uint32) {
	for _, x := range [...]struct {
		right winnt.AccessMask
		bit   uint32
	}{{winnt.FILE_READ_DATA, 4}, {winnt.FILE_WRITE_DATA, 2}, {winnt.FILE_EXECUTE, 1}} {
		if m&x.right != 0 {
			bits |= x.bit
		}
	}
	return bits
}
