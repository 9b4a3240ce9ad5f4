package kernel

import (
	"reflect"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Object is a reference on any object, as the Ob* routines take and give it.
type Object = ob.Object

// ObjectType is the reflected type by which a binding knows parameters that
// are references on any object.
var ObjectType = reflect.TypeFor[Object]()

// ProcessorMode is KPROCESSOR_MODE: on whose behalf a routine acts.
type ProcessorMode uint8

const (
	KernelMode ProcessorMode = iota // rights are not compared
	UserMode                        // rights are
)

// String is the documented name.
func (m ProcessorMode) String() string {
	if m == UserMode {
		return "UserMode"
	}
	return "KernelMode"
}

// HandleInformation is OBJECT_HANDLE_INFORMATION.
type HandleInformation struct {
	HandleAttributes uint32 // OBJ_PROTECT_CLOSE, OBJ_INHERIT, OBJ_AUDIT_OBJECT_CLOSE
	GrantedAccess    winnt.AccessMask
}

// Parameters of the Ob* routines. ObjectType nil accepts any type.
type (
	ObReferenceObjectByHandleIn struct {
		Handle        winnt.Handle
		DesiredAccess winnt.AccessMask
		ObjectType    *winnt.ObjectType
		AccessMode    ProcessorMode
	}
	ObReferenceObjectByHandleOut struct {
		Object            Object
		HandleInformation HandleInformation
	}

	ObDereferenceObjectIn  struct{ Object Object }
	ObDereferenceObjectOut struct{}

	ObOpenObjectByPointerIn struct {
		Object           Object
		HandleAttributes uint32
		DesiredAccess    winnt.AccessMask
		ObjectType       *winnt.ObjectType
		AccessMode       ProcessorMode
	}
	ObOpenObjectByPointerOut struct{ Handle winnt.Handle }
)

var (
	rowObReferenceObjectByHandle = nt.Add(&Table, nt.Entry[*KernelThread, ObReferenceObjectByHandleIn, ObReferenceObjectByHandleOut]{
		Meta: nt.Meta{Name: "ObReferenceObjectByHandle", Summary: "references the object behind a handle", Source: "ObReferenceObjectByHandle", Support: nt.Complete, Conditions: []nt.Condition{
			{Status: ntstatus.InvalidHandle, Rule: "O-31", When: "Handle names no handle, or, for UserMode, a kernel handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "O-31", When: "the object is of another type"},
			{Status: ntstatus.AccessDenied, Rule: "O-31", When: "AccessMode is UserMode and the handle lacks DesiredAccess"},
		}},
		Call: func(k *KernelThread, in ObReferenceObjectByHandleIn) (out ObReferenceObjectByHandleOut, st ntstatus.Status) {
			c := k.callerIn(in.AccessMode)
			obj, g, st := ob.Reference[Object](&c, in.Handle, in.DesiredAccess, nil)
			if st == ntstatus.ObjectTypeMismatch || st == ntstatus.InvalidHandle {
				return out, st
			}
			if in.ObjectType != nil { // type before rights (O-31): ask again without the rights to learn it
				if again, _, st := ob.Reference[Object](&c, in.Handle, 0, nil); st == ntstatus.Success {
					mismatch := again.Head().Type().ObjectType != in.ObjectType
					again.Head().Deref(ob.TagCall)
					if mismatch {
						if obj != nil {
							obj.Head().Deref(ob.TagCall)
						}
						return out, k.ctx.Fail("O-31", ntstatus.ObjectTypeMismatch)
					}
				}
			}
			if st != ntstatus.Success {
				return out, k.ctx.Fail("O-31", st)
			}
			obj.Head().Retag(ob.TagCall, ob.TagContext)
			return ObReferenceObjectByHandleOut{obj, HandleInformation{g.Attributes, g.Access}}, ntstatus.Success
		},
	})
)
