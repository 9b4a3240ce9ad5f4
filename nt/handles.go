package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// CloseIn and CloseOut are the parameters of NtClose.
type (
	CloseIn  struct{ Handle winnt.Handle }
	CloseOut struct{}
)

var rowClose = Add(&NtTable, Entry[Services, CloseIn, CloseOut]{
	Meta: Meta{Name: "NtClose", Summary: "closes a handle", Conditions: []Condition{
		{ntstatus.Success, "O-41", "the value is one of the pseudo handles -1, -2, -4, -5, -6; no handle is closed"},
		{ntstatus.InvalidHandle, "O-40", "the value is not a valid handle"},
		{ntstatus.HandleNotClosable, "O-42", "the handle is protected from close"},
	}},
	Call: Services.NtClose,
})

// NtClose closes a handle. A pseudo handle succeeds without effect; a handle that is protected from close gives
// STATUS_HANDLE_NOT_CLOSABLE (NtClose, ZwClose).
func (t *Thread) NtClose(handle winnt.Handle) ntstatus.Status {
	in := CloseIn{handle}
	if t.direct != nil {
		_, st := t.direct.NtClose(in)
		return st
	}
	_, st := call(t, rowClose, in)
	return st
}

// DuplicateOptions are the options of NtDuplicateObject, DUPLICATE_*.
type DuplicateOptions uint32

// String returns the documented names without their common prefix, joined by
// "|".
func (o DuplicateOptions) String() string {
	return joinBits(uint32(o), []bitName{
		{
			winnt.DUPLICATE_CLOSE_SOURCE,
			"CLOSE_SOURCE",
		}, {winnt.DUPLICATE_SAME_ACCESS, "SAME_ACCESS"}, {winnt.DUPLICATE_SAME_ATTRIBUTES, "SAME_ATTRIBUTES"},
	})
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
	Meta: Meta{
		Name:    "NtDuplicateObject",
		Summary: "duplicates a handle, within a process or between processes",
		Source:  "ZwDuplicateObject; DuplicateHandle",
		Conditions: []Condition{
			{ntstatus.InvalidHandle, "O-31", "SourceProcessHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "SourceProcessHandle is not a process"},
			{ntstatus.AccessDenied, "O-31", "SourceProcessHandle does not grant PROCESS_DUP_HANDLE"},
			{ntstatus.InvalidHandle, "O-31", "TargetProcessHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "TargetProcessHandle is not a process"},
			{ntstatus.AccessDenied, "O-31", "TargetProcessHandle does not grant PROCESS_DUP_HANDLE"},
			{ntstatus.InvalidHandle, "O-50", "SourceHandle is not a valid handle of the source process"},
			{ntstatus.HandleNotClosable, "O-51",
				"TargetProcessHandle is NULL with DUPLICATE_CLOSE_SOURCE, and the source is protected from close"},
			{ntstatus.InvalidParameter, "O-51", "TargetProcessHandle is NULL without DUPLICATE_CLOSE_SOURCE"},
			{ntstatus.InvalidParameter, "O-27",
				"OBJ_EXCLUSIVE together with OBJ_INHERIT, without DUPLICATE_SAME_ATTRIBUTES"},
			{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
			{ntstatus.AccessDenied, "O-27", "the object is exclusive to a process that is not the target"},
			{ntstatus.AccessDenied, "O-56",
				"more rights than the source handle has, on a type that is not checked again"},
			{ntstatus.BadImpersonationLevel, "I-1",
				"more rights than the source handle has, for a caller that impersonates below SecurityImpersonation"},
			{ntstatus.PrivilegeNotHeld, "O-30",
				"ACCESS_SYSTEM_SECURITY beyond the source handle's rights without SeSecurityPrivilege"},
			{ntstatus.AccessDenied, "O-56", "more rights than the source handle has, and the access check refuses"},
			{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
			{ntstatus.ProcessIsTerminating, "O-47", "the target process has ended"},
			{ntstatus.InsufficientResources, "O-82", "the target process has reached its handle limit"},
		},
	},
	Call: Services.NtDuplicateObject,
})

// NtDuplicateObject creates a handle in the target process for the object of a
// handle in the source process (ZwDuplicateObject). target 0 with
// DUPLICATE_CLOSE_SOURCE closes the source.
func (t *Thread) NtDuplicateObject(
	sourceProcess, source, target winnt.Handle, desired winnt.AccessMask, attributes, options uint32,
) (winnt.Handle, ntstatus.Status) {
	in := DuplicateObjectIn{sourceProcess, source, target, desired, attributes, DuplicateOptions(options)}
	out, st := call(t, rowDuplicateObject, in)
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
	Meta: Meta{
		Name:    "NtCompareObjects",
		Summary: "reports whether two handles refer to the same object",
		Source:  "CompareObjectHandles",
		Conditions: []Condition{
			{ntstatus.InvalidHandle, "O-31", "one of the values is not a valid handle"},
			{ntstatus.NotSameObject, "O-31", "the handles refer to different objects"},
		},
	},
	Call: Services.NtCompareObjects,
})

// NtCompareObjects returns STATUS_SUCCESS if both handles refer to the same
// object, and STATUS_NOT_SAME_OBJECT if not (CompareObjectHandles). It needs no
// right.
func (t *Thread) NtCompareObjects(first, second winnt.Handle) ntstatus.Status {
	in := CompareObjectsIn{first, second}
	_, st := call(t, rowCompareObjects, in)
	return st
}
