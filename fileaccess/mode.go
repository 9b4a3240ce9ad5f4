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
	k := modeClasses{d.Owner(), d.Group()}
	var everybody, owner, other decided
	var groups groupClass
	groups.of(k.group).counts = true
	executes := false
	for _, a := range d.DACL().All() {
		if !inForce(a) || !a.Type().IsAllow() && !a.Type().IsDeny() {
			continue
		}
		s, to := a.SID(), &everybody
		switch class := k.of(s); {
		case universal(s):
		case class == classOwner:
			to = &owner
		case class == classOther:
			to = &other
		case class == classGroup:
			to = groups.of(s)
		default:
			to = nil
		}
		m := winnt.FileObject.Mapping.Map(a.Mask())
		executes = executes || a.Type().IsAllow() && m&winnt.FILE_EXECUTE != 0
		if to != nil {
			to.entry(m, a.Type().IsAllow(), &everybody)
		}
	}
	mode = bitsOf(other.with(&everybody)) | bitsOf(owner.with(&everybody))<<6
	for i := range groups.few[:groups.n] {
		mode |= groups.few[i].bits(&everybody) << 3
	}
	for _, g := range groups.more {
		mode |= g.bits(&everybody) << 3
	}
	if executes && mode&0o111 == 0 && !directory {
		mode |= 0o100
	}
	return mode
}

// decided has the rights that the entries of one SID, or of one class, decide in their order.
type decided struct {
	granted, all winnt.AccessMask
	counts       bool // an entry grants rights
}

// entry adds the rights m of an allow or deny entry. An earlier entry for everybody decides first.
func (d *decided) entry(m winnt.AccessMask, allow bool, everybody *decided) {
	m &^= d.all | everybody.all
	d.all |= m
	if allow {
		d.granted |= m
		d.counts = true
	}
}

// with returns the rights that these entries and those for everybody grant together.
func (d *decided) with(everybody *decided) winnt.AccessMask {
	return d.granted | everybody.granted&^d.all
}

// bits returns the permission bits of with, or 0 if no entry grants rights.
func (d *decided) bits(everybody *decided) uint32 {
	if !d.counts {
		return 0
	}
	return bitsOf(d.with(everybody))
}

// groupClass has what the entries of each group and user decide. It allocates only beyond the SIDs of an ordinary list,
// because each lookup on a mount computes a mode. The zero value has none.
type groupClass struct {
	sids [16]sid.SID
	few  [16]decided
	n    int // SIDs in few
	more map[sid.SID]*decided
}

// of returns what the entries of a SID decide, for the caller to change.
func (g *groupClass) of(s sid.SID) *decided {
	for i := range g.n {
		if g.sids[i] == s {
			return &g.few[i]
		}
	}
	if g.n < len(g.few) {
		g.sids[g.n] = s
		g.n++
		return &g.few[g.n-1]
	}
	d := g.more[s]
	if d == nil {
		if g.more == nil {
			g.more = map[sid.SID]*decided{}
		}
		d = new(decided)
		g.more[s] = d
	}
	return d
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
