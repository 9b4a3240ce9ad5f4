package fileaccess

import (
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// NameMap maps names of NFSv4 to SIDs and back. In the zero value, which is the
// default, a name is the text of a SID. Its functions must be pure.
type NameMap struct {
	SID  func(who string, group bool) (sid.SID, bool)      // false: unknown
	Name func(s sid.SID) (who string, group bool, ok bool) // ok false: no name
}

// sid returns the SID of a name. A nil map, or one without the function SID, reads names as SIDs in text form.
func (m *NameMap) sid(who string, group bool) (sid.SID, bool) {
	if m != nil && m.SID != nil {
		return m.SID(who, group)
	}
	s, err := sid.ParseStrict(who)
	return s, err == nil
}

// name returns the name of a SID and whether it is a group. A nil map, or one without the function Name, returns the
// SID as text, and ok false for the zero SID.
func (m *NameMap) name(s sid.SID) (who string, group, ok bool) {
	if m != nil && m.Name != nil {
		return m.Name(s)
	}
	return s.String(), false, !s.IsZero()
}

// nfs4Rights are the rights that acemask4 has; its bits and those of files are
// the same numbers.
const nfs4Rights = full

// FromNFS4 returns the descriptor of an NFSv4 ACL. In both formats the first
// entry with a right decides it. FromNFS4 therefore keeps the order, and only
// the losses differ. OWNER@ and GROUP@ become the current owner and group, and
// in inheritable entries CREATOR OWNER and CREATOR GROUP. For a name without a
// SID, an allow entry is dropped and a deny entry applies to everybody. Audit
// and alarm entries go into the SACL. A nil map is the default one. The error
// wraps [ErrNFS4ACL].
func FromNFS4(list []NFS4ACE, owner, group sid.SID, names *NameMap) (*sd.Descriptor, []Loss, error) {
	b := nfs4Builder{names: names, owner: owner, group: group, dacl: make([]sd.ACE, 0, len(list)+2)}
	for i, a := range list {
		if err := b.entry(a); err != nil {
			return nil, nil, fmt.Errorf("%w: entry %d: %w", ErrNFS4ACL, i, err)
		}
	}
	p := sd.Parts{Owner: owner, Group: group}
	var err error
	if p.DACL, err = sd.NewACL(b.dacl...); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNFS4ACL, err)
	}
	if len(b.sacl) > 0 {
		if p.SACL, err = sd.NewACL(b.sacl...); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrNFS4ACL, err)
		}
	}
	return sd.New(p), b.lost, nil
}

// nfs4Builder builds a DACL and SACL from the entries of an NFSv4 ACL, and records what they cannot express.
type nfs4Builder struct {
	names        *NameMap
	owner, group sid.SID
	dacl, sacl   []sd.ACE
	lost         losses
}

var nfs4Kinds = [...]sd.Type{NFS4Allow: sd.AccessAllowed, NFS4Deny: sd.AccessDenied, NFS4Audit: sd.SystemAudit,
	NFS4Alarm: sd.SystemAlarm}

// Flags that both kinds have, by their numbers: inheritance is the same four
// bits, success and failure are shifted.
const nfs4Inheritance = NFS4FileInherit | NFS4DirectoryInherit | NFS4NoPropagate | NFS4InheritOnly

// entry adds one entry of the NFSv4 ACL to the descriptor. An unknown type is an error. An unknown name is a loss: an
// allow entry is dropped, and any other entry then counts for everyone. OWNER@, GROUP@ and EVERYONE@ are never
// unknown.
func (b *nfs4Builder) entry(a NFS4ACE) error {
	if int(a.Type) >= len(nfs4Kinds) {
		return fmt.Errorf("type %d", a.Type)
	}
	flags := uint8(a.Flags & nfs4Inheritance)
	if a.Flags&NFS4Inherited != 0 {
		flags |= sd.Inherited
	}
	if a.Type >= NFS4Audit {
		flags |= uint8(a.Flags&(NFS4SuccessfulAccess|NFS4FailedAccess)) << 2
	}
	inherits := a.Flags&(NFS4FileInherit|NFS4DirectoryInherit) != 0
	switch a.Who {
	case NFS4Owner:
		return b.special(a, flags, b.owner, sid.CreatorOwner, inherits)
	case NFS4Group:
		return b.special(a, flags, b.group, sid.CreatorGroup, inherits)
	case NFS4Everyone:
		return b.add(a, flags, sid.Everyone)
	}
	s, ok := b.names.sid(a.Who, a.Flags&NFS4IdentifierGroup != 0)
	if !ok {
		b.lost.add(Loss{Kind: LossUnknownName, Name: a.Who, Bits: a.Mask})
		if a.Type == NFS4Allow {
			return nil
		}
		s = sid.Everyone
	}
	return b.add(a, flags, s)
}

// special adds an entry for OWNER@ or GROUP@: an ACE for now, the present owner or group, and one for creator, which
// children inherit. Without inheritance it adds only the first. It records the loss that a later owner gets no
// rights.
func (b *nfs4Builder) special(a NFS4ACE, flags uint8, now, creator sid.SID, inherits bool) error {
	if flags&sd.InheritOnly == 0 {
		b.lost.add(Loss{Kind: LossOwnerFixed, Name: a.Who})
		own := flags
		if inherits {
			own &^= sd.ValidInheritFlags &^ sd.Inherited
		}
		if err := b.add(a, own, now); err != nil {
			return err
		}
	}
	if !inherits {
		return nil
	}
	return b.add(a, flags|sd.InheritOnly, creator)
}

// add appends an entry for a SID to the DACL, or to the SACL if it is one for audits and alarms. It drops rights
// outside nfs4Rights without recording a loss.
func (b *nfs4Builder) add(a NFS4ACE, flags uint8, s sid.SID) error {
	x, err := sd.NewACE(nfs4Kinds[a.Type], flags, a.Mask&nfs4Rights, s)
	if err != nil {
		return err
	}
	if a.Type >= NFS4Audit {
		b.sacl = append(b.sacl, x)
	} else {
		b.dacl = append(b.dacl, x)
	}
	return nil
}

// ToNFS4 returns the NFSv4 ACL of a descriptor, entry by entry, with generic
// rights mapped. If it cannot express an entry, the ACL grants less. Without a
// DACL it lets EVERYONE@ do everything. A nil descriptor gives the empty list,
// which grants nothing. A nil map is the default one.
func ToNFS4(d *sd.Descriptor, names *NameMap) ([]NFS4ACE, []Loss) {
	r := nfs4Reader{names: names, d: d}
	if d != nil && !d.HasDACL() { // no descriptor grants nothing (F-101)
		r.out = append(r.out, NFS4ACE{Who: NFS4Everyone, Mask: nfs4Rights})
	}
	for _, a := range d.DACL().All() {
		r.entry(a)
	}
	for _, a := range d.SACL().All() {
		if t := a.Type(); t != sd.SystemAudit && t != sd.SystemAlarm {
			r.lost.add(Loss{Kind: LossSACL, SID: a.SID()})
			continue
		}
		r.entry(a)
	}
	return r.out, r.lost
}

// nfs4Reader builds an NFSv4 ACL from the ACEs of a descriptor, and records what it cannot express.
type nfs4Reader struct {
	names *NameMap
	d     *sd.Descriptor
	out   []NFS4ACE
	lost  losses
}

// entry adds one ACE to the NFSv4 ACL. Losses are recorded:
//   - an allow ACE of a type without an exact NFSv4 form is dropped
//   - a deny, audit or alarm ACE of such a type becomes a plain ACE
//   - rights that NFSv4 does not have are dropped, and count as a loss only in an allow ACE
//
// An ACE for the owner or group is merged with an equal ACE for children.
func (r *nfs4Reader) entry(a sd.ACE) {
	x := NFS4ACE{Mask: winnt.FileObject.Mapping.Map(a.Mask())}
	switch t := a.Type(); {
	case t == sd.SystemAudit:
		x.Type = NFS4Audit
	case t == sd.SystemAlarm:
		x.Type = NFS4Alarm
	case t.IsDeny():
		x.Type = NFS4Deny
	case !t.IsAllow():
		r.lost.add(Loss{Kind: LossEntryType, SID: a.SID(), Bits: a.Mask()})
		return
	}
	if t := a.Type(); t != nfs4Kinds[x.Type] {
		r.lost.add(Loss{Kind: LossEntryType, SID: a.SID(), Bits: a.Mask()})
		if x.Type == NFS4Allow {
			return
		}
	}
	if rest := x.Mask &^ nfs4Rights; rest != 0 {
		if x.Type == NFS4Allow {
			r.lost.add(Loss{Kind: LossRights, SID: a.SID(), Bits: rest})
		}
		x.Mask &= nfs4Rights
	}
	flags := a.Flags()
	x.Flags = NFS4Flags(flags) & nfs4Inheritance
	if flags&sd.Inherited != 0 {
		x.Flags |= NFS4Inherited
	}
	if x.Type >= NFS4Audit {
		x.Flags |= NFS4Flags(flags>>2) & (NFS4SuccessfulAccess | NFS4FailedAccess)
	}
	if !r.who(&x, a.SID()) || r.joins(x, a.SID()) {
		return
	}
	r.out = append(r.out, x)
}

// who sets the name of NFSv4 entry x for SID s, and reports whether the entry can be kept. CREATOR OWNER becomes
// OWNER@ only for children, and the owner's SID only without inheritance. A SID without a name, or with the name "",
// is recorded as a loss. An allow entry for a nameless SID returns false; a deny, audit or alarm entry is then for
// everyone.
func (r *nfs4Reader) who(x *NFS4ACE, s sid.SID) bool {
	if (s == sid.CreatorOwner || s == sid.CreatorGroup) && r.inherits(x) {
		// It matches no one on the object itself and only applies to children.
		x.Flags |= NFS4InheritOnly
	}
	inheritOnly := x.Flags&NFS4InheritOnly != 0
	switch {
	case s == sid.Everyone:
		x.Who = NFS4Everyone
	case s == sid.CreatorOwner && inheritOnly, s == sid.OwnerRights && !inheritOnly, s == r.d.Owner() && !r.inherits(x):
		x.Who = NFS4Owner
	case s == sid.CreatorGroup && inheritOnly, s == r.d.Group() && !r.inherits(x):
		x.Who = NFS4Group
		x.Flags |= NFS4IdentifierGroup
	default:
		who, group, ok := r.names.name(s)
		if ok && who != "" {
			if x.Who = who; group {
				x.Flags |= NFS4IdentifierGroup
			}
			return true
		}
		r.lost.add(Loss{Kind: LossUnknownSID, SID: s, Bits: x.Mask})
		x.Who = NFS4Everyone
		return x.Type != NFS4Allow
	}
	return true
}

// inherits reports whether new children inherit an entry.
func (r *nfs4Reader) inherits(x *NFS4ACE) bool {
	return x.Flags&(NFS4FileInherit|NFS4DirectoryInherit) != 0
}

// joins merges x into the last NFSv4 entry, and reports whether it did. s is the SID of x, and must be CREATOR OWNER
// or CREATOR GROUP. The last entry must be equal to x, but not inherited by children. Only its flags for inheritance
// change. Without a last entry the result is false.
func (r *nfs4Reader) joins(x NFS4ACE, s sid.SID) bool {
	if s != sid.CreatorOwner && s != sid.CreatorGroup || len(r.out) == 0 {
		return false
	}
	last := &r.out[len(r.out)-1]
	// A merged entry has one set of flags: its audits must be of the same outcomes, and the last entry must not end
	// the inheritance of x.
	if last.Who != x.Who || last.Type != x.Type || last.Mask != x.Mask || r.inherits(last) ||
		(last.Flags^x.Flags)&^nfs4Inheritance != 0 || last.Flags&NFS4NoPropagate&^x.Flags != 0 {
		return false
	}
	last.Flags |= x.Flags &^ NFS4InheritOnly
	return true
}
