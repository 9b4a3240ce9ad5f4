package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

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
		Meta: Meta{
			Name:    "NtMakeTemporaryObject",
			Summary: "lets the name of an object go with its last handle",
			Source:  "ZwMakeTemporaryObject",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
				{ntstatus.AccessDenied, "O-46", "Handle lacks DELETE"},
			},
		},
		Call: Services.NtMakeTemporaryObject,
	})
	rowMakePermanentObject = Add(&NtTable, Entry[Services, MakePermanentObjectIn, MakePermanentObjectOut]{
		Meta: Meta{
			Name:    "NtMakePermanentObject",
			Summary: "lets the name of an object outlive its last handle",
			Source:  "ntifs.h",
			Conditions: []Condition{
				{ntstatus.PrivilegeNotHeld, "O-46",
					"SeCreatePermanentPrivilege is not enabled; looked at before the handle"},
				{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
			},
		},
		Call: Services.NtMakePermanentObject,
	})
)

// NtMakeTemporaryObject clears OBJ_PERMANENT; it needs DELETE (ZwMakeTemporaryObject).
func (t *Thread) NtMakeTemporaryObject(handle winnt.Handle) ntstatus.Status {
	in := MakeTemporaryObjectIn{handle}
	_, st := call(t, rowMakeTemporaryObject, in)
	return st
}

// NtMakePermanentObject sets OBJ_PERMANENT; it needs SeCreatePermanentPrivilege.
func (t *Thread) NtMakePermanentObject(handle winnt.Handle) ntstatus.Status {
	in := MakePermanentObjectIn{handle}
	_, st := call(t, rowMakePermanentObject, in)
	return st
}
