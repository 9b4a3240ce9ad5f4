package fileaccess

import (
	"slices"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// deniedBy returns the file rights that three permission bits rwx (0 to 7) deny because they are not set. Unless bits
// is 7, these include WRITE_DAC and WRITE_OWNER. On a directory, a cleared w also denies FILE_DELETE_CHILD. 7 denies
// nothing.
func deniedBy(bits uint32, directory bool) (m winnt.AccessMask) {
	if bits&4 == 0 {
		m |= winnt.FILE_READ_DATA | winnt.FILE_READ_EA
	}
	if bits&2 == 0 {
		m |= winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES
		if directory {
			m |= winnt.FILE_DELETE_CHILD
		}
	}
	if bits&1 == 0 {
		m |= winnt.FILE_EXECUTE
	}
	if bits != 7 {
		// With these rights the account could undo the mode's denial.
		m |= winnt.WRITE_DAC | winnt.WRITE_OWNER
	}
	return m
}

// Narrow returns a descriptor without the rights that a mode denies to group and others, like the property
// aclmode=groupmask of ZFS. It removes them from the entries of the owning group, of other groups and users and of
// Everyone, including entries for children of a directory. The owner keeps the rights that these entries gave him,
// and so does the owning group as far as the mode allows. The entries of the system and of Administrators remain
// unless these own the file.
//
// The DACL is protected, so that the directory does not restore the removed rights. member reports whether the owner
// is in a group; nil means in none. Narrow returns d itself if the mode denies nothing that it grants, and for nil. It
// also returns d if the mode takes only x from a file, and only from classes that keep r. A directory whose mode gives
// group or others no permission also loses what its entries grant them on new files. A descriptor without a DACL gets
// that of [FromModeOf].
func Narrow(d *sd.Descriptor, mode uint32, directory bool, member func(sid.SID) bool) *sd.Descriptor {
	if d == nil {
		return d
	}
	shown := Mode(d, directory)
	lost := shown &^ mode & 0o077
	k := modeClasses{d.Owner(), d.Group()}
	if lost == 0 && !(directory && k.passesOn(d.DACL(), mode)) {
		return d
	}
	if !directory && lost&^0o011 == 0 && lost<<2&^(shown&mode) == 0 {
		// A user who can read a program can run a copy of it, so taking x alone protects nothing. The protected DACL would
		// end the inheritance of every file that cp -p or install -m 644 writes (M-41).
		return d
	}
	if !d.HasDACL() || d.DACL() == nil {
		return FromModeOf(d, mode|0o700, directory)
	}
	n := narrowing{modeClasses: k, mode: mode, directory: directory, member: member, at: -1}
	for _, a := range d.DACL().All() {
		n.entry(a)
	}
	n.at = max(n.at, 0)
	// The kept rights come before the remaining entries.
	aces := slices.Insert(slices.Clone(n.aces), n.at, n.kept()...)
	l, err := sd.NewACL(aces...)
	if err != nil {
		// The list is too long for an ACL: denying by the mode takes precedence over keeping rights.
		if l, err = sd.NewACL(n.aces...); err != nil {
			return FromModeOf(d, mode|0o700, directory)
		}
	}
	return withDACL(d, l)
}

// passesOn reports whether a directory's list grants something on new files in it to a class of users that a mode gives
// no permission on the directory. They could use such files without listing it, because most users need no right to
// traverse a directory (F-23, M-43).
func (k modeClasses) passesOn(l *sd.ACL, mode uint32) bool {
	for _, a := range l.All() {
		if a.Type().IsAllow() && a.Flags()&(sd.ObjectInherit|sd.ContainerInherit) != 0 &&
			k.bits(k.of(a.SID()), mode) == 0 && winnt.FileObject.Mapping.Map(a.Mask())&deniedBy(0, true) != 0 {
			return true
		}
	}
	return false
}

// bits returns the permission bits of a mode that count for a class: all for the owner and for root.
func (k modeClasses) bits(c class, mode uint32) uint32 {
	switch c {
	case classGroup:
		return mode >> 3 & 7
	case classOther:
		return mode >> 3 & mode & 7 // members of the group have the rights of everybody
	}
	return 7
}

// withDACL returns a descriptor with another DACL, which is protected.
func withDACL(d *sd.Descriptor, l *sd.ACL) *sd.Descriptor {
	control := d.Control()&^(sd.DACLAutoInherited|sd.DACLDefaulted) | sd.DACLPresent | sd.DACLProtected
	return sd.New(sd.Parts{Control: control, Owner: d.Owner(), Group: d.Group(), SACL: d.SACL(), DACL: l})
}

// narrowing is the state of one call of [Narrow], which removes rights from the ACEs of a DACL.
type narrowing struct {
	modeClasses
	mode        uint32
	directory   bool
	member      func(sid.SID) bool
	aces        []sd.ACE            // the remaining entries
	at          int                 // index for the entries of kept rights; -1: nothing was removed yet
	own, groups [8]winnt.AccessMask // rights that owner and group keep, indexed by inheritance flags
	denied      [2]winnt.AccessMask // by any earlier entry: on the object, and on children of the directory
	ownDenied   [2]winnt.AccessMask // the same by entries that may match the owner
}

const inheritance = sd.ObjectInherit | sd.ContainerInherit | sd.NoPropagateInherit

// entry adds ACE a to the resulting DACL without the rights that the mode denies. The added ACE is explicit. An ACE
// that loses all rights is dropped. Only allow ACEs for the group and for others lose rights. If an unconditional
// ACE gave the owner or the group a lost right, the loss is recorded for kept.
func (n *narrowing) entry(a sd.ACE) {
	flags := a.Flags() &^ sd.Inherited
	c := n.of(a.SID())
	if !a.Type().IsAllow() || c == classNone || c == classOwner {
		if a.Type().IsDeny() {
			n.deny(a, c)
		}
		n.aces = append(n.aces, a.WithFlags(flags))
		return
	}
	m := winnt.FileObject.Mapping.Map(a.Mask())
	gone := m & deniedBy(n.bits(c, n.mode), n.directory)
	if gone == 0 {
		n.aces = append(n.aces, a.WithFlags(flags))
		return
	}
	if n.at < 0 {
		n.at = len(n.aces)
	}
	if m != gone {
		n.aces = append(n.aces, a.WithFlags(flags).WithMask(m&^gone))
	}
	if a.Type() != sd.AccessAllowed {
		return // a conditional grant is not kept
	}
	s := a.SID()
	if universal(s) || n.member != nil && n.member(s) {
		n.lose(&n.own, flags, gone, n.ownDenied)
	}
	if universal(s) {
		n.lose(&n.groups, flags, gone&^deniedBy(n.mode>>3&7, n.directory), n.denied)
	}
}

// deny records the rights that deny ACE a, of class c, refuses, so that the owner and group do not keep them through
// later ACEs. Without the function member, every ACE counts for the owner.
func (n *narrowing) deny(a sd.ACE, c class) {
	owns := c == classOwner || universal(a.SID()) || n.member == nil || n.member(a.SID())
	for i, counts := range [...]bool{inForce(a), a.Flags()&inheritance != 0} {
		if counts {
			n.denied[i] |= winnt.FileObject.Mapping.Map(a.Mask())
		}
		if counts && owns {
			n.ownDenied[i] |= winnt.FileObject.Mapping.Map(a.Mask())
		}
	}
}

// lose records rights m that an allow ACE loses and that the owner or group keeps. flags are the ACE's flags. Unless
// the ACE is inherit-only, m without denied[0] is added to to[0]. If the ACE has inheritance flags, m without
// denied[1] is added to to[flags].
func (n *narrowing) lose(to *[8]winnt.AccessMask, flags uint8, m winnt.AccessMask, denied [2]winnt.AccessMask) {
	if flags&sd.InheritOnly == 0 {
		to[0] |= m &^ denied[0]
	}
	if flags &= inheritance; flags != 0 {
		to[flags] |= m &^ denied[1]
	}
}

// kept returns the ACEs that let owner and group keep their rights. It returns nil if they keep none beyond what is
// already granted. ACEs for children are inherit-only.
func (n *narrowing) kept() (aces []sd.ACE) {
	add := func(flags uint8, m winnt.AccessMask, s sid.SID) {
		if m &^= n.granted(flags, s); m == 0 {
			return
		}
		if a, err := sd.NewACE(sd.AccessAllowed, flags, m, s); err == nil {
			aces = append(aces, a)
		}
	}
	for flags := range uint8(8) {
		own, group := n.owner, n.group
		if flags != 0 {
			own, group = sid.CreatorOwner, sid.CreatorGroup
		}
		if flags != 0 && flags&(sd.ObjectInherit|sd.ContainerInherit) == 0 {
			continue
		}
		on := flags
		if on != 0 {
			on |= sd.InheritOnly
		}
		add(on, n.own[flags], own)
		if !group.IsZero() {
			add(on, n.groups[flags], group)
		}
	}
	return aces
}

// granted returns the rights that the remaining ACEs grant SID s: on the file for flags 0, else by ACEs with the same
// inheritance flags. It ignores grants that a denial could precede.
func (n *narrowing) granted(flags uint8, s sid.SID) (m winnt.AccessMask) {
	for i, a := range n.aces {
		if a.Type().IsDeny() && i >= n.at {
			break // a later grant may be refused by a denial
		}
		counts := flags == 0 && inForce(a) || flags != 0 && a.Flags()&inheritance == flags&inheritance
		if counts && a.Type() == sd.AccessAllowed && a.SID() == s {
			m |= winnt.FileObject.Mapping.Map(a.Mask())
		}
	}
	return m
}

// FromModeOf returns a descriptor with a protected DACL that has the effect of a mode, for owner and group of d. For
// children of a directory it names their owner and group. It returns nil for nil.
func FromModeOf(d *sd.Descriptor, mode uint32, directory bool) *sd.Descriptor {
	if d == nil {
		return nil
	}
	b := posixBuilder{owner: d.Owner(), group: d.Group()}
	b.list(ModeACL(mode&0o777), directory, 0)
	if directory {
		b.owner, b.group = sid.CreatorOwner, sid.CreatorGroup
		b.list(ModeACL(mode&0o777), false, sd.ObjectInherit|sd.InheritOnly)
		b.list(ModeACL(mode&0o777), true, sd.ContainerInherit|sd.InheritOnly)
	}
	l, err := sd.NewACL(b.aces...)
	if err != nil { // eleven entries fit
		l, _ = sd.NewACL()
	}
	return withDACL(d, l)
}
