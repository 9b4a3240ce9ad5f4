package kernel

import (
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the routines that make and change descriptors. The descriptor
// that the documents pass in and out comes in as ObjectsSecurityDescriptor and
// goes out as a new value.
type (
	SeAssignSecurityExIn struct {
		ParentDescriptor   nt.Captured[*sd.Descriptor]
		ExplicitDescriptor nt.Captured[*sd.Descriptor]
		ObjectType         nt.Captured[*winnt.GUID]
		IsDirectoryObject  bool
		AutoInheritFlags   sd.AutoInherit  // SEF_*
		SubjectContext     *SubjectContext `required:"false"`
		GenericMapping     nt.Captured[winnt.GenericMapping]
	}
	SeAssignSecurityExOut struct{ NewDescriptor *sd.Descriptor }

	SeSetSecurityDescriptorInfoExIn struct {
		SecurityInformation       uint32
		ModificationDescriptor    nt.Captured[*sd.Descriptor]
		ObjectsSecurityDescriptor nt.Captured[*sd.Descriptor]
		AutoInheritFlags          sd.AutoInherit
		GenericMapping            nt.Captured[winnt.GenericMapping]
	}
	SeSetSecurityDescriptorInfoExOut struct{ ObjectsSecurityDescriptor *sd.Descriptor }
)

var (
	rowSeAssignSecurityEx = simple("SeAssignSecurityEx", "makes the descriptor of a new object", []nt.Condition{
		{
			Status: ntstatus.AccessViolation,
			Rule:   "O-3",
			When:   "a descriptor, ObjectType or GenericMapping is not readable",
		},
		{Status: ntstatus.InvalidSecurityDescr, Rule: "O-3", When: "a descriptor is malformed"},
		{Status: ntstatus.NoToken, Rule: "S-60", When: "SubjectContext is NULL or has no primary token"},
		{
			Status: ntstatus.InvalidOwner,
			Rule:   "S-61",
			When:   "the owner must not be assigned, or the parent that should supply one has no owner",
		},
		{
			Status: ntstatus.InvalidPrimaryGroup,
			Rule:   "S-62",
			When:   "the group is missing, or the parent that should supply one has no group",
		},
		{
			Status: ntstatus.PrivilegeNotHeld,
			Rule:   "S-71",
			When:   "a SACL, or a label above the subject's, without the privilege for it",
		},
		{Status: ntstatus.InvalidACL, Rule: "S-17", When: "the resulting list would be too long"},
	}, seAssignSecurityEx)
	rowSeSetSecurityDescriptorInfoEx = simple(
		"SeSetSecurityDescriptorInfoEx",
		"replaces parts of a descriptor",
		[]nt.Condition{
			{Status: ntstatus.AccessViolation, Rule: "O-3", When: "a descriptor or GenericMapping is not readable"},
			{
				Status: ntstatus.InvalidSecurityDescr,
				Rule:   "O-3",
				When:   "a descriptor is malformed, or ModificationDescriptor is NULL",
			},
			{Status: ntstatus.NoSecurityOnObject, Rule: "O-65", When: "ObjectsSecurityDescriptor is NULL"},
			{
				Status: ntstatus.InvalidParameter,
				Rule:   "S-75",
				When:   "a list is to be both protected and unprotected",
			},
			{Status: ntstatus.InvalidOwner, Rule: "S-73", When: "the owner is to be removed, or may not be assigned"},
			{Status: ntstatus.InvalidPrimaryGroup, Rule: "S-73", When: "the group is to be removed"},
			{
				Status: ntstatus.PrivilegeNotHeld,
				Rule:   "O-65",
				When:   "a label above the caller's without SeRelabelPrivilege",
			},
			{Status: ntstatus.AccessDenied, Rule: "O-65", When: "a trust label that the caller does not dominate"},
			{Status: ntstatus.InvalidACL, Rule: "S-17", When: "the resulting list would be too long"},
		},
		seSetSecurityDescriptorInfoEx,
	)
)

// unread returns the status of the first parameter that could not be read from the caller's memory, or
// STATUS_SUCCESS. all has the statuses of the parameters. An unreadable one must not count as absent, because its
// restrictions would be lost.
func (k *KernelThread) unread(all ...ntstatus.Status) ntstatus.Status {
	for _, st := range all {
		if st != ntstatus.Success {
			return k.ctx.Fail("O-3", st)
		}
	}
	return ntstatus.Success
}

// seAssignSecurityEx implements SeAssignSecurityEx, which computes the descriptor of a new object. Unreadable
// parameters fail before any other check. The subject is checked even in kernel mode, unless SEF_AVOID_OWNER_CHECK
// and SEF_AVOID_PRIVILEGE_CHECK are set. A subject without a primary token counts as missing. A nil object type
// means none.
func seAssignSecurityEx(k *KernelThread, in SeAssignSecurityExIn) (out SeAssignSecurityExOut, st ntstatus.Status) {
	if st := k.unread(in.ParentDescriptor.Status, in.ExplicitDescriptor.Status, in.ObjectType.Status,
		in.GenericMapping.Status); st != ntstatus.Success {
		return out, st
	}
	r := sd.AssignRequest{
		Parent: in.ParentDescriptor.V, Creator: in.ExplicitDescriptor.V, IsContainer: in.IsDirectoryObject,
		Flags: in.AutoInheritFlags, Mapping: &in.GenericMapping.V, KernelObject: true,
	}
	if in.ObjectType.V != nil {
		r.ObjectTypes = []winnt.GUID{*in.ObjectType.V}
	}
	// A context without a primary token, never captured or released, is not a subject.
	if subject := in.SubjectContext.Subject(); subject.Primary != nil {
		r.Subject = se.Creator(&subject, false)
	}
	out.NewDescriptor, st = sd.Assign(&r)
	switch st {
	case ntstatus.NoToken:
		k.ctx.Fail("S-60", st)
	case ntstatus.InvalidOwner:
		k.ctx.Fail("S-61", st)
	case ntstatus.InvalidPrimaryGroup:
		k.ctx.Fail("S-62", st)
	case ntstatus.PrivilegeNotHeld:
		k.ctx.Fail("S-71", st)
	case ntstatus.InvalidACL:
		k.ctx.Fail("S-17", st)
	}
	return out, st
}

// seSetSecurityDescriptorInfoEx implements SeSetSecurityDescriptorInfoEx, which computes a changed descriptor and
// does not store it. A missing modification gives STATUS_INVALID_SECURITY_DESCR, an object without a descriptor
// STATUS_NO_SECURITY_ON_OBJECT (O-65). An unreadable parameter gives its status. The caller's privileges decide about
// owner, SACL and label.
func seSetSecurityDescriptorInfoEx(
	k *KernelThread, in SeSetSecurityDescriptorInfoExIn,
) (out SeSetSecurityDescriptorInfoExOut, st ntstatus.Status) {
	if st := k.unread(in.ModificationDescriptor.Status, in.ObjectsSecurityDescriptor.Status,
		in.GenericMapping.Status); st != ntstatus.Success {
		return out, st
	}
	if in.ModificationDescriptor.V == nil {
		return out, k.ctx.Fail("O-3", ntstatus.InvalidSecurityDescr)
	}
	if in.ObjectsSecurityDescriptor.V == nil {
		return out, k.ctx.Fail("O-65", ntstatus.NoSecurityOnObject)
	}
	subject := k.Thread().Subject()
	out.ObjectsSecurityDescriptor, st = sd.Set(&sd.SetRequest{
		Information: in.SecurityInformation, Old: in.ObjectsSecurityDescriptor.V, New: in.ModificationDescriptor.V,
		Flags: in.AutoInheritFlags, Subject: se.Creator(&subject, false), Mapping: &in.GenericMapping.V,
	})
	switch st {
	case ntstatus.InvalidParameter:
		k.ctx.Fail("S-75", st)
	case ntstatus.InvalidOwner, ntstatus.InvalidPrimaryGroup:
		k.ctx.Fail("S-73", st)
	case ntstatus.PrivilegeNotHeld, ntstatus.AccessDenied:
		k.ctx.Fail("O-65", st)
	case ntstatus.InvalidACL:
		k.ctx.Fail("S-17", st)
	}
	return out, st
}

// SeAssignSecurityEx returns the descriptor of a new object. It uses the
// parent's descriptor, the creator's descriptor and the defaults of the subject
// (S-60 to S-72).
func (k *KernelThread) SeAssignSecurityEx(in SeAssignSecurityExIn) (*sd.Descriptor, ntstatus.Status) {
	out, st := call(k, rowSeAssignSecurityEx, in)
	return out.NewDescriptor, st
}

// SeSetSecurityDescriptorInfoEx returns a descriptor with parts replaced. It does not change the given descriptor
// (S-73 to S-76). It returns nil unless the status is a success.
func (k *KernelThread) SeSetSecurityDescriptorInfoEx(
	in SeSetSecurityDescriptorInfoExIn,
) (*sd.Descriptor, ntstatus.Status) {
	out, st := call(k, rowSeSetSecurityDescriptorInfoEx, in)
	return out.ObjectsSecurityDescriptor, st
}
