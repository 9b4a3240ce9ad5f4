package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// ObjectServices are the services on handles, names and the security of any
// object; part of [Services].
type ObjectServices interface {
	NtDuplicateObject(DuplicateObjectIn) (DuplicateObjectOut, ntstatus.Status)
	NtCompareObjects(CompareObjectsIn) (CompareObjectsOut, ntstatus.Status)
	NtQueryObject(QueryObjectIn) (QueryObjectOut, ntstatus.Status)
	NtSetInformationObject(SetInformationObjectIn) (SetInformationObjectOut, ntstatus.Status)
	NtMakeTemporaryObject(MakeTemporaryObjectIn) (MakeTemporaryObjectOut, ntstatus.Status)
	NtMakePermanentObject(MakePermanentObjectIn) (MakePermanentObjectOut, ntstatus.Status)
	NtQuerySecurityObject(QuerySecurityObjectIn) (QuerySecurityObjectOut, ntstatus.Status)
	NtSetSecurityObject(SetSecurityObjectIn) (SetSecurityObjectOut, ntstatus.Status)

	NtCreateDirectoryObject(CreateDirectoryObjectIn) (DirectoryObjectOut, ntstatus.Status)
	NtOpenDirectoryObject(OpenDirectoryObjectIn) (DirectoryObjectOut, ntstatus.Status)
	NtCreateSymbolicLinkObject(CreateSymbolicLinkObjectIn) (SymbolicLinkObjectOut, ntstatus.Status)
	NtOpenSymbolicLinkObject(OpenSymbolicLinkObjectIn) (SymbolicLinkObjectOut, ntstatus.Status)
	NtCreateEvent(CreateEventIn) (EventOut, ntstatus.Status)
	NtOpenEvent(OpenEventIn) (EventOut, ntstatus.Status)

	NtGetNextThread(GetNextThreadIn) (GetNextThreadOut, ntstatus.Status)
	NtImpersonateThread(ImpersonateThreadIn) (ImpersonateThreadOut, ntstatus.Status)
	NtImpersonateAnonymousToken(ImpersonateAnonymousTokenIn) (ImpersonateAnonymousTokenOut, ntstatus.Status)
}

// DuplicateObjectIn and DuplicateObjectOut are the parameters of
// NtDuplicateObject. TargetProcessHandle 0 is NULL.
type (
	DuplicateObjectIn struct {
		SourceProcessHandle winnt.Handle
		SourceHandle        winnt.Handle
		TargetProcessHandle winnt.Handle
		DesiredAccess       winnt.AccessMask
		HandleAttributes    uint32 // OBJ_PROTECT_CLOSE, OBJ_INHERIT; OBJ_KERNEL_HANDLE from kernel mode
		Options             DuplicateOptions
	}
	DuplicateObjectOut struct{ TargetHandle winnt.Handle }
)

var rowDuplicateObject = Add(&NtTable, Entry[Services, DuplicateObjectIn, DuplicateObjectOut]{
	Meta: Meta{Name: "NtDuplicateObject", Summary: "makes another handle to an object, also from and into other processes", Source: "ZwDuplicateObject; DuplicateHandle", Support: Complete, Conditions: []Condition{
		{ntstatus.InvalidHandle, "O-31", "SourceProcessHandle names no handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", "SourceProcessHandle is no process"},
		{ntstatus.AccessDenied, "O-31", "SourceProcessHandle lacks PROCESS_DUP_HANDLE"},
		{ntstatus.InvalidHandle, "O-31", "TargetProcessHandle names no handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", "TargetProcessHandle is no process"},
		{ntstatus.AccessDenied, "O-31", "TargetProcessHandle lacks PROCESS_DUP_HANDLE"},
		{ntstatus.InvalidHandle, "O-50", "SourceHandle names no handle of the source process"},
		{ntstatus.HandleNotClosable, "O-51", "TargetProcessHandle is NULL with DUPLICATE_CLOSE_SOURCE, and the source is protected from close"},
		{ntstatus.InvalidParameter, "O-51", "TargetProcessHandle is NULL without DUPLICATE_CLOSE_SOURCE"},
		{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
		{ntstatus.AccessDenied, "O-27", "the object is exclusive to a process that is not the target"},
		{ntstatus.AccessDenied, "O-56", "more rights than the source handle has, on a type that is not checked again"},
		{ntstatus.BadImpersonationLevel, "I-1", "more rights than the source handle has, for a caller that impersonates below SecurityImpersonation"},
		{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY beyond the source handle's rights without SeSecurityPrivilege"},
		{ntstatus.AccessDenied, "O-56", "more rights than the source handle has, and the access check refuses"},
		{ntstatus.InsufficientResources, "O-81", "no memory for the handle"},
		{ntstatus.ProcessIsTerminating, "O-47", "the target process has ended"},
		{ntstatus.InsufficientResources, "O-82", "the target process has as many handles as it may have"},
	}},
	Call: Services.NtDuplicateObject,
})

// NtDuplicateObject makes a handle in the target process to what a handle of
// the source process names (ZwDuplicateObject). target 0 with
// DUPLICATE_CLOSE_SOURCE closes the source.
func (t *Thread) NtDuplicateObject(sourceProcess, source, target winnt.Handle, desired winnt.AccessMask, attributes, options uint32) (winnt.Handle, ntstatus.Status) {
	in := DuplicateObjectIn{sourceProcess, source, target, desired, attributes, DuplicateOptions(options)}
	if t.tracer != nil {
		out, st := traced(t, rowDuplicateObject, in)
		return out.TargetHandle, st
	}
	out, st := t.sys.NtDuplicateObject(in)
	return out.TargetHandle, st
}

// CompareObjectsIn and CompareObjectsOut are the parameters of NtCompareObjects.
type (
	CompareObjectsIn struct {
		FirstObjectHandle  winnt.Handle
		SecondObjectHandle winnt.Handle
	}
	CompareObjectsOut struct{}
)

var rowCompareObjects = Add(&NtTable, Entry[Services, CompareObjectsIn, CompareObjectsOut]{
	Meta: Meta{Name: "NtCompareObjects", Summary: "tells whether two handles name one object", Source: "CompareObjectHandles", Support: Complete, Conditions: []Condition{
		{ntstatus.InvalidHandle, "O-31", "one of the values names no handle"},
		{ntstatus.NotSameObject, "O-31", "they name two objects"},
	}},
	Call: Services.NtCompareObjects,
})

// NtCompareObjects is STATUS_SUCCESS when both handles name one object,
// STATUS_NOT_SAME_OBJECT when they do not (CompareObjectHandles). No right is
// needed.
func (t *Thread) NtCompareObjects(first, second winnt.Handle) ntstatus.Status {
	in := CompareObjectsIn{first, second}
	if t.tracer != nil {
		_, st := traced(t, rowCompareObjects, in)
		return st
	}
	_, st := t.sys.NtCompareObjects(in)
	return st
}

// MakeTemporaryObjectIn and its relatives are the parameters of
// NtMakeTemporaryObject and NtMakePermanentObject.
type (
	MakeTemporaryObjectIn  struct{ Handle winnt.Handle }
	MakeTemporaryObjectOut struct{}
	MakePermanentObjectIn  struct{ Handle winnt.Handle }
	MakePermanentObjectOut struct{}
)

var (
	rowMakeTemporaryObject = Add(&NtTable, Entry[Services, MakeTemporaryObjectIn, MakeTemporaryObjectOut]{
		Meta: Meta{Name: "NtMakeTemporaryObject", Summary: "lets the name of an object go with its last handle", Source: "ZwMakeTemporaryObject", Support: Complete, Conditions: []Condition{
			{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
			{ntstatus.AccessDenied, "O-46", "Handle lacks DELETE"},
		}},
		Call: Services.NtMakeTemporaryObject,
	})
	rowMakePermanentObject = Add(&NtTable, Entry[Services, MakePermanentObjectIn, MakePermanentObjectOut]{
		Meta: Meta{Name: "NtMakePermanentObject", Summary: "lets the name of an object outlive its last handle", Source: "ntifs.h", Support: Complete, Conditions: []Condition{
			{ntstatus.PrivilegeNotHeld, "O-46", "SeCreatePermanentPrivilege is not enabled; looked at before the handle"},
			{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
		}},
		Call: Services.NtMakePermanentObject,
	})
)

// NtMakeTemporaryObject clears OBJ_PERMANENT; it needs DELETE (ZwMakeTemporaryObject).
func (t *Thread) NtMakeTemporaryObject(handle winnt.Handle) ntstatus.Status {
	in := MakeTemporaryObjectIn{handle}
	if t.tracer != nil {
		_, st := traced(t, rowMakeTemporaryObject, in)
		return st
	}
	_, st := t.sys.NtMakeTemporaryObject(in)
	return st
}

// NtMakePermanentObject sets OBJ_PERMANENT; it needs SeCreatePermanentPrivilege.
func (t *Thread) NtMakePermanentObject(handle winnt.Handle) ntstatus.Status {
	in := MakePermanentObjectIn{handle}
	if t.tracer != nil {
		_, st := traced(t, rowMakePermanentObject, in)
		return st
	}
	_, st := t.sys.NtMakePermanentObject(in)
	return st
}

// QuerySecurityObjectIn and QuerySecurityObjectOut are the parameters of
// NtQuerySecurityObject. Length is the size of the buffer in bytes,
// LengthNeeded that of the self-relative descriptor.
type (
	QuerySecurityObjectIn struct {
		Handle              winnt.Handle
		SecurityInformation SecurityInformation
		Length              uint32 `default:"4294967295"`
		// FaultLengthNeeded is the status of probing LengthNeeded.
		FaultLengthNeeded ntstatus.Status `param:"-"`
	}
	QuerySecurityObjectOut struct {
		SecurityDescriptor *sd.Descriptor
		LengthNeeded       uint32
	}

	SetSecurityObjectIn struct {
		Handle              winnt.Handle
		SecurityInformation SecurityInformation
		SecurityDescriptor  Captured[*sd.Descriptor]
	}
	SetSecurityObjectOut struct{}
)

var (
	rowQuerySecurityObject = Add(&NtTable, Entry[Services, QuerySecurityObjectIn, QuerySecurityObjectOut]{
		Meta: Meta{Name: "NtQuerySecurityObject", Summary: "returns parts of the descriptor of an object", Source: "ZwQuerySecurityObject", Support: Complete, Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer cannot be written"},
			{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
			{ntstatus.AccessDenied, "O-64", "Handle lacks READ_CONTROL, or ACCESS_SYSTEM_SECURITY for the SACL"},
			{ntstatus.BufferTooSmall, "O-64", "the buffer is too small; LengthNeeded says the need"},
		}},
		Call: Services.NtQuerySecurityObject,
	})
	rowSetSecurityObject = Add(&NtTable, Entry[Services, SetSecurityObjectIn, SetSecurityObjectOut]{
		Meta: Meta{Name: "NtSetSecurityObject", Summary: "replaces parts of the descriptor of an object", Source: "ZwSetSecurityObject", Support: Complete, Conditions: []Condition{
			{ntstatus.AccessViolation, "O-65", "SecurityDescriptor is NULL or cannot be read"},
			{ntstatus.InvalidSecurityDescr, "O-65", "SecurityDescriptor is malformed"},
			{ntstatus.UnknownRevision, "O-65", "SecurityDescriptor has another revision"},
			{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
			{ntstatus.AccessDenied, "O-65", "Handle lacks WRITE_OWNER, WRITE_DAC or ACCESS_SYSTEM_SECURITY, as the parts need"},
			{ntstatus.InvalidSecurityDescr, "O-65", "owner or group is to be set and SecurityDescriptor has none"},
			{ntstatus.NoSecurityOnObject, "O-65", "the object has no descriptor"},
			{ntstatus.InsufficientResources, "O-81", "memory ran out"},
			{ntstatus.InvalidParameter, "S-75", "a list is to be protected and unprotected at once"},
			{ntstatus.InvalidOwner, "S-61", "the caller may not make the new owner an owner"},
			{ntstatus.PrivilegeNotHeld, "O-65", "a label above the caller's integrity without SeRelabelPrivilege"},
			{ntstatus.AccessDenied, "O-65", "a trust label that the caller does not dominate"},
			{ntstatus.InvalidACL, "S-17", "the resulting list would be too long"},
			{ntstatus.AuditFailed, "U-64", "the record could not be kept and the policy says to fail"},
		}},
		Call: Services.NtSetSecurityObject,
	})
)

// NtQuerySecurityObject returns the parts of an object's descriptor that
// information chooses, in SECURITY_INFORMATION bits (ZwQuerySecurityObject).
func (t *Thread) NtQuerySecurityObject(handle winnt.Handle, information uint32) (*sd.Descriptor, ntstatus.Status) {
	in := QuerySecurityObjectIn{Handle: handle, SecurityInformation: SecurityInformation(information), Length: ^uint32(0)}
	if t.tracer != nil {
		out, st := traced(t, rowQuerySecurityObject, in)
		return out.SecurityDescriptor, st
	}
	out, st := t.sys.NtQuerySecurityObject(in)
	return out.SecurityDescriptor, st
}

// NtSetSecurityObject replaces the parts of an object's descriptor that
// information chooses (ZwSetSecurityObject). Handles made before keep what
// they grant.
func (t *Thread) NtSetSecurityObject(handle winnt.Handle, information uint32, d *sd.Descriptor) ntstatus.Status {
	in := SetSecurityObjectIn{handle, SecurityInformation(information), Cap(d)}
	if t.tracer != nil {
		_, st := traced(t, rowSetSecurityObject, in)
		return st
	}
	_, st := t.sys.NtSetSecurityObject(in)
	return st
}
