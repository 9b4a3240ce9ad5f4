package sd

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// AutoInherit is a set of SEF_* flags, which control how SeAssignSecurityEx and SeSetSecurityDescriptorInfoEx inherit
// and what they check.
type AutoInherit uint32

// The flags of SeAssignSecurityEx (SEF_*).
const (
	DACLAutoInherit        AutoInherit = 0x0001
	SACLAutoInherit        AutoInherit = 0x0002
	DefaultDescriptor      AutoInherit = 0x0004 // the creator's descriptor is only a default
	AvoidPrivilegeCheck    AutoInherit = 0x0008
	AvoidOwnerCheck        AutoInherit = 0x0010
	DefaultOwnerFromParent AutoInherit = 0x0020
	DefaultGroupFromParent AutoInherit = 0x0040
	LabelNoWriteUp         AutoInherit = 0x0100
	LabelNoReadUp          AutoInherit = 0x0200
	LabelNoExecuteUp       AutoInherit = 0x0400
	AvoidOwnerRestriction  AutoInherit = 0x1000
)

// Caller has the facts about the caller's effective token that creating or
// changing a descriptor needs. Package sd is below package token and cannot
// read them itself. The zero value has no rights.
type Caller struct {
	Owner, Group             sid.SID // default owner and primary group of the effective token
	ServerOwner, ServerGroup sid.SID // the same of the primary token
	DefaultDACL              *ACL
	Integrity                sid.SID // S-1-16-x; zero is medium
	Trust                    sid.SID // S-1-19-type-level; zero: no trust level
	MayOwn                   func(sid.SID) bool
	// MayOwn returns true for the token's user and its enabled groups with
	// SE_GROUP_OWNER. nil allows only Owner.

	Restore, Security, Relabel bool // the privilege is enabled
	Kernel                     bool // previous mode is kernel: nothing is checked
}

// AssignRequest is the input of [Assign]: the parent's descriptor, the one that the creator supplied, and the
// creator. The zero value has no Subject, which Assign refuses.
type AssignRequest struct {
	Parent, Creator *Descriptor // either may be nil
	IsContainer     bool
	ObjectTypes     []winnt.GUID // classes of the new object
	Flags           AutoInherit
	Subject         *Caller
	Mapping         *winnt.GenericMapping
	KernelObject    bool // effective masks are cut down to Mapping.All (S-65)
}

// Assign returns the descriptor of a new object, as SeAssignSecurityEx does, or without flags SeAssignSecurity. It
// fails with one of these statuses:
//   - STATUS_NO_TOKEN without a subject (S-60)
//   - STATUS_INVALID_OWNER for an owner that the subject may not assign, or without any owner (S-61)
//   - STATUS_INVALID_PRIMARY_GROUP without any group (S-62)
//   - STATUS_PRIVILEGE_NOT_HELD if the creator may not set the SACL (S-71)
//   - STATUS_INVALID_ACL if a list of the result would be too long
func Assign(r *AssignRequest) (*Descriptor, ntstatus.Status) {
	// Without a subject the object would have no owner (S-60).
	if r.Subject == nil {
		return nil, ntstatus.NoToken
	}
	owner, st := r.owner()
	if st != ntstatus.Success {
		return nil, st
	}
	group, st := r.group()
	if st != ntstatus.Success {
		return nil, st
	}
	if st := r.checkSACL(); st != ntstatus.Success {
		return nil, st
	}
	h := &Heir{
		Container: r.IsContainer, ObjectTypes: r.ObjectTypes, Owner: owner, Group: group,
		ServerOwner: r.Subject.ServerOwner, ServerGroup: r.Subject.ServerGroup,
		Mapping: r.Mapping, KernelObject: r.KernelObject, edit: new(editor),
	}
	p := Parts{Owner: owner, Group: group}
	// The result keeps the creator's PROTECTED and AUTO_INHERIT_REQ bits. No part is DEFAULTED (S-64).
	p.Control = r.Creator.Control() & (RMControlValid | DACLProtected | SACLProtected | DACLAutoInheritRequest |
		SACLAutoInheritRequest)
	p.RMControl = r.Creator.RMControl()
	if st := r.assignDACL(&p, h); st != ntstatus.Success {
		return nil, st
	}
	if st := r.assignSACL(&p, h); st != ntstatus.Success {
		return nil, st
	}
	return New(p), ntstatus.Success
}

// owner returns the owner of the new object: the creator's, the parent's with
// DefaultOwnerFromParent, or the token's default. It returns
// STATUS_INVALID_OWNER if there is none, or if the subject may not assign it
// (S-61).
func (r *AssignRequest) owner() (sid.SID, ntstatus.Status) {
	o := r.Creator.Owner()
	if o.IsZero() && r.Flags&DefaultOwnerFromParent != 0 {
		if o = r.Parent.Owner(); o.IsZero() {
			return o, ntstatus.InvalidOwner
		}
	}
	if o.IsZero() {
		if o = r.Subject.Owner; o.IsZero() {
			return o, ntstatus.InvalidOwner
		}
		return o, ntstatus.Success
	}
	if r.Flags&AvoidOwnerCheck == 0 && !r.Subject.mayAssign(o) {
		return o, ntstatus.InvalidOwner
	}
	return o, ntstatus.Success
}

// mayAssign reports whether the caller may make a SID the owner of an object.
//   - Kernel mode and a caller with SeRestorePrivilege may use any SID.
//   - Others may use their own Owner and the SIDs that MayOwn accepts. A nil MayOwn accepts none.
func (f *Caller) mayAssign(owner sid.SID) bool {
	if f.Kernel || f.Restore || owner == f.Owner {
		return true
	}
	return f.MayOwn != nil && f.MayOwn(owner)
}

// group returns the group of the new object: the creator's, the parent's with
// DefaultGroupFromParent, or the token's. It returns
// STATUS_INVALID_PRIMARY_GROUP if that is zero (S-62).
func (r *AssignRequest) group() (sid.SID, ntstatus.Status) {
	g := r.Creator.Group()
	switch {
	case !g.IsZero():
	case r.Flags&DefaultGroupFromParent != 0:
		g = r.Parent.Group()
	default:
		g = r.Subject.Group
	}
	if g.IsZero() {
		return g, ntstatus.InvalidPrimaryGroup
	}
	return g, ntstatus.Success
}

// checkSACL checks that the creator may set the SACL of its descriptor (S-71). If not, the status is
// STATUS_PRIVILEGE_NOT_HELD.
//   - Mandatory label above the subject's level: needs SeRelabelPrivilege.
//   - Anything but a list of labels alone, even an empty list: needs SeSecurityPrivilege.
//   - No SACL, kernel mode or AvoidPrivilegeCheck: needs no privilege.
func (r *AssignRequest) checkSACL() ntstatus.Status {
	// An empty list needs the privilege, because it blocks inherited audit entries.
	if r.Creator.Control()&SACLPresent == 0 || r.Flags&AvoidPrivilegeCheck != 0 || r.Subject.Kernel {
		return ntstatus.Success
	}
	l := r.Creator.SACL()
	if !l.OnlyLabels() && !r.Subject.Security {
		return ntstatus.PrivilegeNotHeld
	}
	for _, a := range l.All() {
		if a.Type() == SystemMandatoryLabel && !r.Subject.mayLabel(a.SID()) {
			return ntstatus.PrivilegeNotHeld
		}
	}
	return ntstatus.Success
}

// integrity returns the RID of the caller's integrity level. A caller without one counts as Medium.
func (f *Caller) integrity() uint32 {
	if f.Integrity.IsZero() {
		return sid.MediumLevel.RID()
	}
	return f.Integrity.RID()
}

// mayLabel reports whether a caller in user mode may set a mandatory label of this integrity level. Above its own
// level it needs SeRelabelPrivilege.
func (f *Caller) mayLabel(level sid.SID) bool {
	return f.Relabel || level.RID() <= f.integrity()
}

// assignDACL computes the new object's DACL and stores it in parts, with its control bits. It takes the creator's
// entries, the inherited entries, or else the token's default DACL (S-63, S-64). Without any of these, or for the
// creator's NULL DACL, the DACL is NULL. Entries that do not fit into one list are STATUS_INVALID_ACL.
func (r *AssignRequest) assignDACL(parts *Parts, heir *Heir) ntstatus.Status {
	c := creatorList{r.Creator.Control()&DACLPresent != 0, r.Creator.Control()&DACLDefaulted != 0,
		r.Creator.Control()&DACLProtected != 0, r.Creator.DACL()}
	auto := r.Flags&DACLAutoInherit != 0
	// The product follows its parent unless its list is protected (S-64).
	if auto && !c.protected {
		parts.Control |= DACLAutoInherited
	}
	var inherited []ACE
	if !c.protected {
		inherited = heir.inheritAll(r.Parent.DACL(), auto)
	}
	parts.Control |= DACLPresent
	// A NULL DACL of the creator stays NULL (S-63).
	if c.present && c.list == nil {
		return ntstatus.Success
	}
	aces, found := c.compute(inherited, r.Flags&DefaultDescriptor != 0, auto, heir)
	// Neither the creator nor the parent gives a list: use the token's default (S-63).
	if !found {
		if r.Subject.DefaultDACL == nil {
			return ntstatus.Success
		}
		aces = heir.explicitEntries(r.Subject.DefaultDACL, false, takeAll)
	}
	var err error
	if parts.DACL, err = NewACL(aces...); err != nil {
		return ntstatus.InvalidACL
	}
	return ntstatus.Success
}

// assignSACL computes the new object's SACL and stores it in parts, with its control bits. It takes the creator's
// entries or the inherited entries. Resource attributes and policy ids are inherited even by a protected SACL (S-70).
// A label from [AssignRequest.label] comes first (S-77). Entries that do not fit into one list are
// STATUS_INVALID_ACL.
func (r *AssignRequest) assignSACL(parts *Parts, heir *Heir) ntstatus.Status {
	c := creatorList{r.Creator.Control()&SACLPresent != 0, r.Creator.Control()&SACLDefaulted != 0,
		r.Creator.Control()&SACLProtected != 0, r.Creator.SACL()}
	auto := r.Flags&SACLAutoInherit != 0
	// The product follows its parent unless its list is protected (S-64).
	if auto && !c.protected {
		parts.Control |= SACLAutoInherited
	}
	var parent []ACE
	for _, a := range r.Parent.SACL().All() {
		// Attributes and policy identifiers pass a protected list (S-70).
		if !c.protected || a.Type() == SystemResourceAttribute || a.Type() == SystemScopedPolicyID {
			parent = append(parent, a)
		}
	}
	var inherited []ACE
	for _, a := range parent {
		inherited = heir.inherit(inherited, a, auto)
	}
	var aces []ACE
	found := c.present && c.list == nil
	if !found {
		aces, found = c.compute(inherited, r.Flags&DefaultDescriptor != 0, auto, heir)
	} else if len(inherited) > 0 && c.protected {
		aces = inherited
	}
	if label, needed := r.label(aces); needed {
		aces, found = append([]ACE{label}, aces...), true // The label is the first entry (S-77).
	}
	if !found {
		return ntstatus.Success
	}
	parts.Control |= SACLPresent
	if len(aces) == 0 && c.present && c.list == nil {
		return ntstatus.Success
	}
	var err error
	if parts.SACL, err = NewACL(aces...); err != nil {
		return ntstatus.InvalidACL
	}
	return ntstatus.Success
}

// label returns the mandatory label that a new object needs, at the token's
// level. Its policy is the one in the flags, or no-write-up for a token below
// medium (S-70). It returns false if neither applies or aces has a label that is not inherit-only.
func (r *AssignRequest) label(aces []ACE) (ACE, bool) {
	policy := winnt.AccessMask(r.Flags>>8) & 7
	if policy == 0 && r.Subject.integrity() < sid.MediumLevel.RID() {
		policy = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP
	}
	if policy == 0 {
		return ACE{}, false
	}
	for _, a := range aces {
		// An access check ignores an inherit-only label, so the object needs one of its own.
		if a.Type() == SystemMandatoryLabel && a.Flags()&InheritOnly == 0 {
			return ACE{}, false
		}
	}
	a, err := NewACE(SystemMandatoryLabel, 0, policy, sid.IntegrityLevel(r.Subject.integrity()))
	return a, err == nil
}
