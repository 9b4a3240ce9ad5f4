package kernel

import (
	"reflect"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Object is a reference to any object, as used by the Ob* routines.
type Object = ob.Object

// ObjectType is the reflected type by which a binding recognises parameters
// that are references to any object.
var ObjectType = reflect.TypeFor[Object]()

// ProcessorMode is KPROCESSOR_MODE: the mode of the caller for which a routine
// acts.
type ProcessorMode uint8

const (
	KernelMode ProcessorMode = iota // rights are not compared
	UserMode                        // rights are
)

// String returns the documented name.
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
		Object            Object
		HandleAttributes  uint32
		PassedAccessState *AccessState `required:"false"` // nil: DesiredAccess, requested by the calling thread
		DesiredAccess     winnt.AccessMask
		ObjectType        *winnt.ObjectType
		AccessMode        ProcessorMode
	}
	ObOpenObjectByPointerOut struct{ Handle winnt.Handle }
)

// types are the kernel's own types by their documented description.
var types = map[*winnt.ObjectType]*ob.Type{
	winnt.ProcessObject: ps.ProcessType, winnt.ThreadObject: ps.ThreadType,
	winnt.JobObject: ps.JobType, winnt.TokenObject: se.TokenType,
	winnt.FileObject: services.FileType, winnt.DirectoryObject: ob.DirectoryType,
	winnt.SymbolicLinkObject: ob.SymbolicLinkType, winnt.EventObject: services.EventType,
	winnt.MutantObject: services.MutantType, winnt.SemaphoreObject: services.SemaphoreType,
	winnt.TimerObject: services.TimerType,
}

// typeOf returns the kernel's type for t. nil stands for any type. For a type that this kernel does not support, it
// returns a type without objects.
func typeOf(t *winnt.ObjectType) *ob.Type {
	switch known := types[t]; {
	case t == nil || known != nil:
		return known
	default:
		return &ob.Type{ObjectType: t}
	}
}

// callerIn returns the thread as the caller of an object routine, with m as its previous mode.
func (k *KernelThread) callerIn(m ProcessorMode) ob.Caller {
	c := k.ctx.Caller
	c.Mode = access.Kernel
	if m == UserMode {
		c.Mode = access.User
	}
	return c
}

var rowObReferenceObjectByHandle = nt.Add(&Table,
	nt.Entry[*KernelThread, ObReferenceObjectByHandleIn, ObReferenceObjectByHandleOut]{
		Meta: nt.Meta{
			Name:    "ObReferenceObjectByHandle",
			Summary: "returns the object of a handle, with a reference",
			Conditions: []nt.Condition{
				{
					Status: ntstatus.InvalidHandle,
					Rule:   "O-31",
					When:   "Handle is not a valid handle, or is a kernel handle used in UserMode",
				},
				{Status: ntstatus.ObjectTypeMismatch, Rule: "O-31", When: "the object is of another type"},
				{
					Status: ntstatus.AccessDenied,
					Rule:   "O-31",
					When:   "AccessMode is UserMode and the handle does not grant DesiredAccess",
				},
			},
		},
		Call: func(k *KernelThread, in ObReferenceObjectByHandleIn) (out ObReferenceObjectByHandleOut,
			st ntstatus.Status) {
			c := k.callerIn(in.AccessMode)
			// Existence, type and, from user mode, rights are looked at in this order (O-31, O-32).
			obj, g, st := ob.Reference[Object](&c, in.Handle, in.DesiredAccess, typeOf(in.ObjectType))
			if st != ntstatus.Success {
				return out, st
			}
			obj.Head().Retag(ob.TagCall, ob.TagContext)
			return ObReferenceObjectByHandleOut{obj, HandleInformation{g.Attributes, g.Access}}, ntstatus.Success
		},
	},
)

var rowObDereferenceObject = nt.Add(&Table, nt.Entry[*KernelThread, ObDereferenceObjectIn, ObDereferenceObjectOut]{
	Meta: nt.Meta{Name: "ObDereferenceObject", Summary: "drops a reference on an object",
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "O-44", When: "always"}}},
	Call: func(_ *KernelThread, in ObDereferenceObjectIn) (out ObDereferenceObjectOut, st ntstatus.Status) {
		in.Object.Head().Deref(ob.TagContext)
		return out, ntstatus.Success
	},
})

var rowObOpenObjectByPointer = nt.Add(&Table,
	nt.Entry[*KernelThread, ObOpenObjectByPointerIn, ObOpenObjectByPointerOut]{
		Meta: nt.Meta{
			Name:    "ObOpenObjectByPointer",
			Summary: "opens a handle to a referenced object",
			Conditions: []nt.Condition{
				{
					Status: ntstatus.ObjectTypeMismatch,
					Rule:   "O-33",
					When:   "the object is of another type, or AccessMode is UserMode and no type is given",
				},
				{Status: ntstatus.AccessDenied, Rule: "O-20", When: "reserved bits in DesiredAccess"},
				{Status: ntstatus.InvalidParameter, Rule: "O-33", When: "an attribute that the type does not support"},
				{Status: ntstatus.InvalidParameter, Rule: "O-27", When: "OBJ_EXCLUSIVE together with OBJ_INHERIT"},
				{
					Status: ntstatus.AccessDenied,
					Rule:   "O-21",
					When:   "DesiredAccess has bits that the type does not have, for UserMode",
				},
				{Status: ntstatus.AccessDenied, Rule: "O-90", When: "DesiredAccess is 0, for UserMode"},
				{
					Status: ntstatus.BadImpersonationLevel,
					Rule:   "I-1",
					When:   "the caller impersonates below SecurityImpersonation",
				},
				{
					Status: ntstatus.PrivilegeNotHeld,
					Rule:   "O-30",
					When:   "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege",
				},
				{Status: ntstatus.AccessDenied, Rule: "O-33", When: "the object's descriptor does not grant DesiredAccess"},
				{Status: ntstatus.InsufficientResources, Rule: "O-81", When: "not enough memory for the handle"},
			},
		},
		Call: func(k *KernelThread, in ObOpenObjectByPointerIn) (out ObOpenObjectByPointerOut, st ntstatus.Status) {
			if t := in.Object.Head().Type().ObjectType; t != in.ObjectType &&
				(in.ObjectType != nil || in.AccessMode == UserMode) {
				return out, k.ctx.Fail("O-33", ntstatus.ObjectTypeMismatch)
			}
			c := k.callerIn(in.AccessMode)
			subject, desired := k.Thread().Subject(), in.DesiredAccess
			if s := in.PassedAccessState; s != nil {
				subject, desired = s.SubjectSecurityContext.Subject(), s.RemainingDesiredAccess
			}
			// The type's attributes are looked at, then the object's descriptor (O-33).
			out.Handle, st = ob.OpenByPointer(&c, in.Object, subject, desired, in.HandleAttributes)
			return out, st
		},
	},
)

// ObReferenceObjectByHandle references the object of a handle of the calling
// process, or for KernelMode of the kernel (O-31, O-32). A nil typ accepts any
// type. The caller drops the reference with ObDereferenceObject.
func (k *KernelThread) ObReferenceObjectByHandle(
	h winnt.Handle, desired winnt.AccessMask, typ *winnt.ObjectType, mode ProcessorMode,
) (Object, HandleInformation, ntstatus.Status) {
	out, st := call(k, rowObReferenceObjectByHandle, ObReferenceObjectByHandleIn{h, desired, typ, mode})
	return out.Object, out.HandleInformation, st
}

// ObDereferenceObject drops the caller's reference to an object (ObDereferenceObject).
func (k *KernelThread) ObDereferenceObject(o Object) {
	call(k, rowObDereferenceObject, ObDereferenceObjectIn{o})
}

// ObOpenObjectByPointer creates a handle to an object that the caller references (O-33). The handle is 0 unless the
// status is a success. The caller keeps its reference.
func (k *KernelThread) ObOpenObjectByPointer(
	o Object, attributes uint32, desired winnt.AccessMask, typ *winnt.ObjectType, mode ProcessorMode,
) (winnt.Handle, ntstatus.Status) {
	out, st := call(k, rowObOpenObjectByPointer, ObOpenObjectByPointerIn{o, attributes, nil, desired, typ, mode})
	return out.Handle, st
}

// NewTokenProtected works like NewToken, with a given descriptor for the object (O-38). A nil d means the default of
// the token. The caller releases the object. A list without space for the label is STATUS_INVALID_ACL (S-17).
func (k *KernelThread) NewTokenProtected(v *token.Token, d *sd.Descriptor) (*AccessToken, ntstatus.Status) {
	v = valueOf(v)
	d, st := se.NewDescriptor(v, winnt.TokenObject, d)
	if st != ntstatus.Success {
		return nil, st
	}
	t := k.sys.sys.Security.NewToken(v, d)
	t.Retag(ob.TagCall, ob.TagContext)
	return t, ntstatus.Success
}
