package nt

import (
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ObjectInfoClass is OBJECT_INFORMATION_CLASS.
type ObjectInfoClass uint32

// Classes of NtQueryObject. NtSetInformationObject accepts only
// ObjectHandleFlagInformation.
const (
	ObjectBasicInformation ObjectInfoClass = iota
	ObjectNameInformation
	ObjectTypeInformation
	ObjectTypesInformation
	ObjectHandleFlagInformation
)

var objectClasses = [...]string{
	"ObjectBasicInformation",
	"ObjectNameInformation",
	"ObjectTypeInformation",
	"ObjectTypesInformation",
	"ObjectHandleFlagInformation",
}

// String returns the documented name.
func (c ObjectInfoClass) String() string {
	if int(c) < len(objectClasses) {
		return objectClasses[c]
	}
	return "OBJECT_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// BasicInformation is OBJECT_BASIC_INFORMATION, 56 bytes in C: the fields in
// this order, each 4 bytes, three reserved words after NonPagedPoolCharge, and
// CreationTime last with 8.
type BasicInformation struct {
	// OBJ_PROTECT_CLOSE, OBJ_INHERIT, OBJ_AUDIT_OBJECT_CLOSE of the handle; OBJ_PERMANENT, OBJ_EXCLUSIVE of the object
	Attributes             uint32
	GrantedAccess          winnt.AccessMask
	HandleCount            uint32
	PointerCount           uint32 // without the query's own reference (O-62)
	PagedPoolCharge        uint32 // bytes; 0, nothing is charged
	NonPagedPoolCharge     uint32 // bytes; 0
	NameInfoSize           uint32 // bytes of ObjectNameInformation; 0 without a name
	TypeInfoSize           uint32 // bytes of ObjectTypeInformation
	SecurityDescriptorSize uint32 // bytes of the self-relative form; 0 without a descriptor
	CreationTime           int64  // 100-ns units since 1601-01-01 UTC; 0 where the system has no clock
}

// TypeInformation holds the supported members of OBJECT_TYPE_INFORMATION (104
// bytes in C, then the text of the name). Pool figures are 0.
type TypeInformation struct {
	TypeName          string
	InvalidAttributes uint32 // OBJ_* the type refuses
	GenericMapping    winnt.GenericMapping
	ValidAccessMask   winnt.AccessMask
	SecurityRequired  bool // an object of the type always has a descriptor
}

// HandleFlagInformation is OBJECT_HANDLE_FLAG_INFORMATION, 2 bytes in C.
type HandleFlagInformation struct {
	Inherit          bool
	ProtectFromClose bool
}

// Parameters of NtQueryObject and NtSetInformationObject. ObjectInformation holds [BasicInformation], the name as a
// string, [TypeInformation], a list of those, or [HandleFlagInformation], by class. ObjectInformationLength is in
// bytes; 0xFFFFFFFF means a buffer of the required size.
type (
	QueryObjectIn struct {
		Handle                  winnt.Handle
		ObjectInformationClass  ObjectInfoClass
		ObjectInformationLength uint32 `default:"4294967295"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryObjectOut struct {
		ObjectInformation any
		ReturnLength      uint32
	}

	SetInformationObjectIn struct {
		Handle                  winnt.Handle
		ObjectInformationClass  ObjectInfoClass
		ObjectInformation       Captured[HandleFlagInformation]
		ObjectInformationLength uint32 `default:"2"`
	}
	SetInformationObjectOut struct{}
)

var (
	rowQueryObject = Add(&NtTable, Entry[Services, QueryObjectIn, QueryObjectOut]{
		Meta: Meta{
			Name:    "NtQueryObject",
			Summary: "returns information about a handle or its object",
			Source:  "ZwQueryObject",
			Conditions: []Condition{
				{ntstatus.InvalidInfoClass, "O-60", "any other information class"},
				{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
				{ntstatus.InvalidHandle, "O-60", "Handle is not a valid handle; ObjectTypesInformation ignores it"},
				{ntstatus.InfoLengthMismatch, "O-61",
					"the length differs from the structure's; for a name it is too short for all of it, for types too " +
						"short for the fixed part"},
			},
		},
		Call: Services.NtQueryObject,
		Scalars: byValue(func(in QueryObjectIn) bool {
			return in.ObjectInformationClass <= ObjectHandleFlagInformation // there is no other class (O-60)
		}),
	})
	rowSetInformationObject = Add(&NtTable, Entry[Services, SetInformationObjectIn, SetInformationObjectOut]{
		Meta: Meta{
			Name:    "NtSetInformationObject",
			Summary: "sets whether a handle is inherited and protected from close",
			Source:  "SetHandleInformation",
			Conditions: []Condition{
				{ntstatus.InvalidInfoClass, "O-63", "a class other than ObjectHandleFlagInformation"},
				{ntstatus.InfoLengthMismatch, "O-63", "the length is not 2"},
				{ntstatus.AccessViolation, "O-3", "the information is not readable"},
				{ntstatus.InvalidHandle, "O-63", "Handle is not a valid handle, or is a pseudo handle"},
			},
		},
		Call: Services.NtSetInformationObject,
		Scalars: byValue(func(in SetInformationObjectIn) bool {
			// Only the two flags can be set, and the length must be exact (O-63).
			return in.ObjectInformationClass == ObjectHandleFlagInformation && in.ObjectInformationLength == 2
		}),
	})
)

// NtQueryObject returns the information of a class as a Go value, so the caller needs no size. It needs no right. An
// unknown class gives STATUS_INVALID_INFO_CLASS (ZwQueryObject).
func (t *Thread) NtQueryObject(handle winnt.Handle, class ObjectInfoClass) (any, ntstatus.Status) {
	in := QueryObjectIn{Handle: handle, ObjectInformationClass: class, ObjectInformationLength: ^uint32(0)}
	out, st := call(t, rowQueryObject, in)
	return out.ObjectInformation, st
}

// NtSetInformationObject sets both flags of a handle. To change only one, first query both with
// ObjectHandleFlagInformation. A pseudo handle gives STATUS_INVALID_HANDLE (SetHandleInformation).
func (t *Thread) NtSetInformationObject(handle winnt.Handle, flags HandleFlagInformation) ntstatus.Status {
	in := SetInformationObjectIn{handle, ObjectHandleFlagInformation, Cap(flags), 2}
	_, st := call(t, rowSetInformationObject, in)
	return st
}
