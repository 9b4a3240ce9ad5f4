package fileaccess

import (
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The rights for POSIX permissions. Everybody with any access to a file may read its attributes and its descriptor,
// as with stat. The owner may change both, as with chmod and utimes.
const (
	posixBase  = winnt.SYNCHRONIZE | winnt.READ_CONTROL | winnt.FILE_READ_ATTRIBUTES
	posixOwn   = winnt.WRITE_DAC | winnt.FILE_WRITE_ATTRIBUTES
	posixRead  = winnt.FILE_READ_DATA | winnt.FILE_READ_EA
	posixWrite = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES
	posixEnter = winnt.FILE_EXECUTE
)

// POSIX holds the permissions of a Unix file. The zero value belongs to user
// and group 0 and gives no rights.
type POSIX struct {
	User, Group uint32
	Mode        uint32 // permission bits 07777; the lower nine are read where Access is nil
	Directory   bool
	Access      POSIXACL // nil: Mode alone
	Default     POSIXACL // of a directory, for its new children; nil: none
}

// FromMode calls [FromPOSIX] for a mode without an ACL. The error is that of
// FromPOSIX.
func FromMode(user, group, mode uint32, directory bool, ids *IDMap) (*sd.Descriptor, []Loss, error) {
	return FromPOSIX(&POSIX{User: user, Group: group, Mode: mode, Directory: directory}, ids)
}

// FromPOSIX returns a descriptor that gives each subject the same rights as POSIX
// permissions. The owner's entry applies only to the owner, a user's only to the
// user, a group's to its members, and the last one to all others. This needs deny
// entries whose order is not always canonical. The losses list what the descriptor
// cannot express. Only LossGroupUnion and LossCreateMode can grant more than the
// permissions. A nil map is the default one, and without p.Access the mode counts.
// The error wraps [ErrPOSIXACL], or names the owner that has no SID.
func FromPOSIX(p *POSIX, ids *IDMap) (*sd.Descriptor, []Loss, error) {
	list := p.Access
	if list == nil {
		list = ModeACL(p.Mode)
	}
	if err := list.Check(); err != nil {
		return nil, nil, err
	}
	owner, ok := ids.user(p.User)
	if !ok {
		return nil, nil, fmt.Errorf("owner: user %d has no SID", p.User)
	}
	group, ok := ids.group(p.Group)
	if !ok {
		return nil, nil, fmt.Errorf("owner: group %d has no SID", p.Group)
	}
	b := posixBuilder{ids: ids, owner: owner, group: group}
	if p.Mode&^0o777 != 0 {
		b.lost.add(Loss{Kind: LossSpecialBits, Name: fmt.Sprintf("%#o", p.Mode&^0o777)})
	}
	b.list(list, p.Directory, 0)
	if p.Directory && p.Default != nil {
		if err := p.Default.Check(); err != nil {
			return nil, nil, fmt.Errorf("default list: %w", err)
		}
		b.lost.add(Loss{Kind: LossCreateMode})
		b.owner, b.group = sid.CreatorOwner, sid.CreatorGroup
		b.list(p.Default, false, sd.ObjectInherit|sd.InheritOnly)
		b.list(p.Default, true, sd.ContainerInherit|sd.InheritOnly)
	}
	l, err := sd.NewACL(b.aces...)
	if err != nil {
		return nil, nil, fmt.Errorf("POSIX ACL as a descriptor: %w", err)
	}
	return sd.New(sd.Parts{Control: sd.DACLProtected, Owner: owner, Group: group, DACL: l}), b.lost, nil
}

// posixBuilder builds a DACL from the entries of POSIX ACLs.
type posixBuilder struct {
	ids          *IDMap
	owner, group sid.SID
	aces         []sd.ACE
	lost         losses
}

// who is one POSIX entry as a DACL needs it: its SID and the rights that it has and does not have.
type who struct {
	sid   sid.SID
	allow winnt.AccessMask
	deny  winnt.AccessMask // the rights that it does not have
}

// list adds ACEs for the entries of one POSIX ACL to the DACL. flags are the inheritance flags of the ACEs. A deny
// ACE is added only for missing rights that a later ACE grants. An entry without a SID is dropped, and later entries
// that its subject could match lose its missing rights.
func (b *posixBuilder) list(l POSIXACL, directory bool, flags uint8) {
	mask, masked := l.find(POSIXMask)
	if !masked {
		mask = everyPerm
	} else {
		b.lost.add(Loss{Kind: LossMask})
	}
	var users, groups []who
	var other who
	unnamed := map[POSIXTag]winnt.AccessMask{} // rights that entries without a SID do not grant
	for _, e := range l {
		w := who{}
		switch e.Tag {
		case POSIXOwner:
			w.sid = b.owner
		case POSIXGroupOwner:
			w.sid = b.group
		case POSIXOther:
			w.sid = sid.Everyone
		case POSIXUser, POSIXGroup:
			var ok bool
			if w.sid, ok = b.named(e); !ok {
				unnamed[e.Tag] |= posixAll(directory) &^ b.rights(e.Perm&mask, directory, sid.SID{})
				continue
			}
		default:
			continue
		}
		if e.Tag != POSIXOwner && e.Tag != POSIXOther {
			e.Perm &= mask
		}
		w.allow = b.rights(e.Perm, directory, w.sid)
		w.deny = posixAll(directory) &^ w.allow
		w.allow |= posixBase
		switch e.Tag {
		case POSIXOwner:
			w.allow |= posixOwn
			w.deny &^= posixOwn
			users = append(users, w)
		case POSIXUser:
			users = append(users, w)
		case POSIXGroupOwner, POSIXGroup:
			groups = append(groups, w)
		default:
			other = w
		}
	}
	other.allow &^= unnamed[POSIXUser] | unnamed[POSIXGroup]
	for i := range groups {
		groups[i].allow &^= unnamed[POSIXUser]
	}
	b.union(groups)
	b.entries(users, groups, other, flags)
}

// entries adds allow and deny entries in the order that gives them the POSIX meaning: each user with its denials, the
// grants of all groups, the denials of the groups, the grants of others.
func (b *posixBuilder) entries(users, groups []who, other who, flags uint8) {
	common := other.allow
	for _, w := range groups {
		common |= w.allow
	}
	for i, w := range users {
		later := common
		for _, again := range users[i+1:] { // a later entry may name the owner again
			if again.sid == w.sid {
				later |= again.allow
			}
		}
		b.add(sd.AccessAllowed, flags, w.allow, w.sid)
		b.add(sd.AccessDenied, flags, w.deny&later, w.sid)
	}
	for _, w := range groups {
		b.add(sd.AccessAllowed, flags, w.allow, w.sid)
	}
	for _, w := range groups {
		b.add(sd.AccessDenied, flags, w.deny&other.allow, w.sid)
	}
	b.add(sd.AccessAllowed, flags, other.allow, other.sid)
}

// add appends one ACE to the DACL. It ignores an empty mask.
func (b *posixBuilder) add(t sd.Type, flags uint8, m winnt.AccessMask, s sid.SID) {
	if m == 0 {
		return
	}
	if a, err := sd.NewACE(t, flags, m, s); err == nil { // a SID that exists always fits
		b.aces = append(b.aces, a)
	}
}

// named returns the SID of a named user or group. If the id has none, it records the loss and returns false. It
// returns false without an error.
func (b *posixBuilder) named(e POSIXEntry) (sid.SID, bool) {
	s, ok := b.ids.group(e.ID)
	what := "group"
	if e.Tag == POSIXUser {
		s, ok = b.ids.user(e.ID)
		what = "user"
	}
	if !ok {
		b.lost.add(Loss{Kind: LossUnknownName, Name: fmt.Sprintf("%s %d", what, e.ID)})
	}
	return s, ok
}

// rights returns the file rights for POSIX permissions p of subject s. In a directory, writing without executing
// gives nothing, and rights records that as a loss for s. Without permissions it returns 0.
func (b *posixBuilder) rights(p POSIXPerm, directory bool, s sid.SID) (m winnt.AccessMask) {
	if p&POSIXRead != 0 {
		m |= posixRead
	}
	if p&POSIXExecute != 0 {
		m |= posixEnter
	}
	if p&POSIXWrite != 0 {
		switch {
		case !directory:
			m |= posixWrite
		case p&POSIXExecute != 0:
			m |= posixWrite | winnt.FILE_DELETE_CHILD
		default:
			b.lost.add(Loss{Kind: LossWriteWithoutSearch, SID: s})
		}
	}
	return m
}

// posixAll returns all rights that permissions can grant on a file, or on a directory. It never includes WRITE_DAC or
// WRITE_OWNER.
func posixAll(directory bool) winnt.AccessMask {
	if directory {
		return posixRead | posixWrite | posixEnter | winnt.FILE_DELETE_CHILD
	}
	return posixRead | posixWrite | posixEnter
}

// union records a loss if members of several groups would get rights together that no single group has. POSIX grants
// them only the rights of one entry.
func (b *posixBuilder) union(groups []who) {
	var all, most winnt.AccessMask
	for _, w := range groups {
		all |= w.allow
		if w.allow|most == w.allow {
			most = w.allow
		}
	}
	if all != most {
		b.lost.add(Loss{Kind: LossGroupUnion, Bits: all})
	}
}
