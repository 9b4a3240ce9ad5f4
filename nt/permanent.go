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
			Summary: "makes an object temporary: its name disappears with its last handle",
			Source:  "ZwMakeTemporaryObject",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "Handle is not a valid handle"},
				{ntstatus.AccessDenied, "O-46", "Handle does not grant DELETE"},
			},
		},
		Call: Services.NtMakeTemporaryObject,
	})
	rowMakePermanentObject = Add(&NtTable, Entry[Services, MakePermanentObjectIn, MakePermanentObjectOut]{
		Meta: Meta{
			Name:    "NtMakePermanentObject",
			Summary: "makes an object permanent: its name outlives its last handle",
			Source:  "ntifs.h",
			Conditions: []Condition{
				{ntstatus.PrivilegeNotHeld, "O-46",
					"SeCreatePermanentPrivilege is not enabled; checked before the handle"},
				{ntstatus.InvalidHandle, "O-31", "Handle is not a valid handle"},
			},
		},
		Call: Services.NtMakePermanentObject,
	})
)

// NtMakeTemporaryObject clears OBJ_PERMANENT, so that the object loses its name with its last handle. It needs DELETE
// (ZwMakeTemporaryObject).
func (t *Thread) NtMakeTemporaryObject(handle winnt.Handle) ntstatus.Status {
	in := MakeTemporaryObjectIn{handle}
	_, st := call(t, rowMakeTemporaryObject, in)
	return st
}

// NtMakePermanentObject sets OBJ_PERMANENT, so that the object's name outlives its last handle. It needs
// SeCreatePermanentPrivilege, which it checks before the handle.
func (t *Thread) NtMakePermanentObject(handle winnt.Handle) ntstatus.Status {
	in := MakePermanentObjectIn{handle}
	_, st := call(t, rowMakePermanentObject, in)
	return st
}
