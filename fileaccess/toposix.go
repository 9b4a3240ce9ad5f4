package fileaccess

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ToPOSIX returns the POSIX permissions closest to a descriptor. They give no
// subject more than the descriptor. A permission is set only if all of its rights
// are granted. The losses list the remaining rights and everything else that POSIX
// cannot express. A denial of a group applies to every named user and group, because
// ToPOSIX does not know the members. A denial that children inherit applies to their
// owner, because anyone may create them. Access has named entries only if there are any
// to name. A nil map is the default one. Owners without an id are 0xFFFFFFFF and
// still have their entry. A nil descriptor gives the mode 0 without a loss, one
// without a DACL the mode 0777.
func ToPOSIX(d *sd.Descriptor, directory bool, ids *IDMap) (POSIX, []Loss) {
	r := posixReader{ids: ids, owner: d.Owner(), group: d.Group()}
	p := POSIX{User: r.ownerID(d.Owner(), false), Group: r.ownerID(d.Group(), true), Directory: directory}
	if d.SACL().Len() > 0 {
		r.lost.add(Loss{Kind: LossSACL})
	}
	switch {
	case d == nil: // no descriptor grants nothing (F-101)
		p.Access = ModeACL(0)
		return p, r.lost
	case !d.HasDACL():
		p.Mode = 0o777
		p.Access = ModeACL(p.Mode)
		return p, r.lost
	}
	p.Access = r.read(d.DACL(), directory, 0)
	p.Mode = p.Access.Mode()
	if directory {
		p.Default = r.defaults(d.DACL())
	}
	return p, r.lost
}

// posixReader builds POSIX ACLs from the ACEs of a DACL, and records what they cannot express.
type posixReader struct {
	ids          *IDMap
	owner, group sid.SID
	lost         losses
}

// ownerID returns the uid, or with group the gid, of a SID. A SID without one is a loss and gives noID.
func (r *posixReader) ownerID(s sid.SID, group bool) uint32 {
	id, isGroup, ok := r.ids.find(s)
	if !ok || isGroup != group {
		r.lost.add(Loss{Kind: LossUnknownSID, SID: s})
		return noID
	}
	return id
}

// grant is one ACE of a DACL as the conversion to POSIX needs it. It can also deny.
type grant struct {
	sid   sid.SID
	mask  winnt.AccessMask
	deny  bool
	group bool // may have members among those that are named
	id    uint32
	known bool // it has an id
}

// grants returns the allow and deny ACEs of a list as grants. inherit 0 selects the ACEs for the object itself, and
// an inheritance flag those that children inherit by that flag. Object, callback and compound ACEs are recorded as
// losses: an allow ACE is dropped, and a deny ACE becomes a plain one.
func (r *posixReader) grants(l *sd.ACL, inherit uint8) []grant {
	var out []grant
	for _, a := range l.All() {
		if inherit == 0 && a.Flags()&sd.InheritOnly != 0 || inherit != 0 && a.Flags()&inherit == 0 {
			continue
		}
		t := a.Type()
		if !t.IsAllow() && !t.IsDeny() {
			continue
		}
		if t != sd.AccessAllowed && t != sd.AccessDenied {
			r.lost.add(Loss{Kind: LossEntryType, SID: a.SID(), Bits: a.Mask()})
			if t.IsAllow() {
				continue
			}
		}
		if inherit != 0 && a.Flags()&sd.NoPropagateInherit != 0 {
			r.lost.add(Loss{Kind: LossInheritance, SID: a.SID()})
		}
		out = append(out, r.grantOf(a, inherit != 0))
	}
	return out
}

// grantOf converts an ACE to a grant. CREATOR OWNER and CREATOR GROUP mean the owner and group only if inherited is
// true, OWNER RIGHTS only if false. Everyone counts as a group. A SID without a host id counts as an unknown group,
// and is recorded as a loss.
func (r *posixReader) grantOf(a sd.ACE, inherited bool) grant {
	g := grant{sid: a.SID(), mask: winnt.FileObject.Mapping.Map(a.Mask()) & full, deny: a.Type().IsDeny()}
	switch {
	case g.sid == sid.OwnerRights && !inherited, g.sid == sid.CreatorOwner && inherited:
		g.sid, g.known = r.owner, true
		return g
	case g.sid == sid.CreatorGroup && inherited:
		g.sid, g.known, g.group = r.group, true, true
		return g
	case g.sid == r.owner && !inherited:
		g.known = true
		return g
	case g.sid == r.group && !inherited, g.sid == sid.Everyone:
		g.known, g.group = true, true
		return g
	}
	if g.id, g.group, g.known = r.ids.find(g.sid); !g.known {
		g.group = true
		bits := winnt.AccessMask(0)
		if !g.deny {
			bits = g.mask
		}
		r.lost.add(Loss{Kind: LossUnknownSID, SID: g.sid, Bits: bits})
	}
	return g
}

// read returns the POSIX ACL that comes closest to an ACE list. inherit 0 means the ACL of the object, and an
// inheritance flag that of its children. ACEs of one account are combined. SIDs without an id are omitted. A mask is
// present only with named users or groups, and combines their permissions with those of the owning group. Each user or
// group has one entry, also if several SIDs have its id.
func (r *posixReader) read(l *sd.ACL, directory bool, inherit uint8) POSIXACL {
	gs := r.grants(l, inherit)
	owner := r.perm(gs, r.owner, directory)
	group := r.perm(gs, r.group, directory)
	other := r.perm(gs, sid.Everyone, directory)
	out := POSIXACL{{POSIXOwner, owner, noID}}
	mask := group
	for _, tag := range [...]POSIXTag{POSIXUser, POSIXGroup} {
		if tag == POSIXGroup {
			out = append(out, POSIXEntry{POSIXGroupOwner, group, noID})
		}
		for _, g := range gs {
			e := POSIXEntry{tag, 0, g.id}
			if !g.known || g.sid == r.owner || g.sid == r.group || g.sid == sid.Everyone ||
				g.group != (tag == POSIXGroup) || has(out, e) {
				continue
			}
			e.Perm = r.shared(gs, g, directory)
			out = append(out, e)
			mask |= e.Perm
		}
	}
	if len(out) > 2 {
		out = append(out, POSIXEntry{POSIXMask, mask, noID})
	}
	return append(out, POSIXEntry{POSIXOther, other, noID})
}

// shared returns the permissions of the user or group of g: those that every SID of the list with its id has. A process
// with the id may be the account of any of these SIDs. The other permissions of each SID are a loss.
func (r *posixReader) shared(gs []grant, g grant, directory bool) POSIXPerm {
	all := everyPerm
	perms := map[sid.SID]POSIXPerm{}
	for _, o := range gs {
		_, seen := perms[o.sid]
		if seen || !o.known || o.id != g.id || o.group != g.group || o.sid == r.owner || o.sid == r.group ||
			o.sid == sid.Everyone {
			continue
		}
		perms[o.sid] = r.perm(gs, o.sid, directory)
		all &= perms[o.sid]
	}
	for _, o := range gs {
		if p := perms[o.sid] &^ all; p != 0 {
			delete(perms, o.sid)
			r.lost.add(Loss{Kind: LossRights, SID: o.sid, Bits: rightsOf(p, directory)})
		}
	}
	return all
}

// rightsOf returns the rights of permissions, without those that everybody with a permission has.
func rightsOf(p POSIXPerm, directory bool) (m winnt.AccessMask) {
	for _, x := range permissions(directory) {
		if p&x.perm != 0 {
			m |= x.need
		}
	}
	return m
}

// permission is a POSIX permission with all rights that it stands for.
type permission struct {
	perm POSIXPerm
	need winnt.AccessMask
}

// permissions returns the three permissions. In a directory POSIXWrite also needs FILE_DELETE_CHILD.
func permissions(directory bool) [3]permission {
	write := posixWrite
	if directory {
		write |= winnt.FILE_DELETE_CHILD
	}
	return [...]permission{{POSIXRead, posixRead}, {POSIXWrite, write}, {POSIXExecute, posixEnter}}
}

// perm returns the POSIX permissions of SID s: the rights that s has in any combination of other groups. Denials of
// groups without an id count too, because s may be a member. Denials of users count for CREATOR OWNER, because each of
// them may be the creator. Rights and denials that POSIX cannot express are added to r.lost.
func (r *posixReader) perm(gs []grant, s sid.SID, directory bool) POSIXPerm {
	var granted, denied winnt.AccessMask
	for _, g := range gs {
		self := g.sid == s || g.sid == sid.Everyone
		switch {
		case !g.deny && self:
			granted |= g.mask &^ denied
		case g.deny && self:
			denied |= g.mask &^ granted
		case g.deny && (g.group && (s != sid.Everyone || !g.known) || s == r.owner && s == sid.CreatorOwner):
			if lost := g.mask &^ (granted | denied); lost != 0 {
				r.lost.add(Loss{Kind: LossDenial, SID: g.sid})
				denied |= lost
			}
		}
	}
	p, used := permOf(granted, directory)
	rest := granted &^ used &^ posixBase
	if s == r.owner {
		rest &^= posixOwn
	}
	if !directory {
		rest &^= winnt.FILE_DELETE_CHILD // means nothing on a file
	}
	if rest != 0 {
		r.lost.add(Loss{Kind: LossRights, SID: s, Bits: rest})
	}
	return p
}

// permOf returns the permissions for which granted has all rights. used has the rights of these permissions.
func permOf(granted winnt.AccessMask, directory bool) (p POSIXPerm, used winnt.AccessMask) {
	for _, x := range permissions(directory) {
		if x.need&^granted == 0 {
			p |= x.perm
			used |= x.need
		}
	}
	return p, used
}

// defaults returns the default ACL of a directory: the permissions that new files and new directories both inherit.
// If neither inherits anything, the result is nil. If they inherit different permissions, a loss is recorded. The
// call changes r's owner and group, so it must be the last on r.
func (r *posixReader) defaults(l *sd.ACL) POSIXACL {
	if len(r.grants(l, sd.ObjectInherit)) == 0 && len(r.grants(l, sd.ContainerInherit)) == 0 {
		return nil
	}
	r.owner, r.group = sid.CreatorOwner, sid.CreatorGroup
	files, dirs := r.read(l, false, sd.ObjectInherit), r.read(l, true, sd.ContainerInherit)
	out := both(files, dirs)
	if len(out) != len(files) || len(out) != len(dirs) {
		r.lost.add(Loss{Kind: LossInheritance})
	}
	for i := range out {
		if len(out) == len(files) && len(out) == len(dirs) && (out[i] != files[i] || out[i] != dirs[i]) {
			r.lost.add(Loss{Kind: LossInheritance})
		}
	}
	return out
}

// both returns the permissions that two ACLs share. A user or group in only one of them gets none. A missing mask
// counts as all permissions.
func both(a, b POSIXACL) POSIXACL {
	var out POSIXACL
	at := func(l POSIXACL, e POSIXEntry) POSIXPerm {
		for _, x := range l {
			if x.Tag == e.Tag && x.ID == e.ID {
				return x.Perm
			}
		}
		if e.Tag == POSIXMask {
			return everyPerm
		}
		return 0
	}
	for _, tag := range [...]POSIXTag{POSIXOwner, POSIXUser, POSIXGroupOwner, POSIXGroup, POSIXMask, POSIXOther} {
		for _, l := range [...]POSIXACL{a, b} {
			for _, e := range l {
				if e.Tag != tag || has(out, e) {
					continue
				}
				e.Perm = at(a, e) & at(b, e)
				out = append(out, e)
			}
		}
	}
	return out
}

// has reports whether a list has an entry with the tag and id of e.
func has(l POSIXACL, e POSIXEntry) bool {
	for _, x := range l {
		if x.Tag == e.Tag && x.ID == e.ID {
			return true
		}
	}
	return false
}
