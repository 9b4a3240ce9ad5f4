package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Sizes on 64-bit Windows, in bytes (O-60, O-61).
const (
	basicInformationSize = 56
	unicodeString        = 16
	typeInformationSize  = 104 // OBJECT_TYPE_INFORMATION without the text of the name
	handleFlagSize       = 2
	anySize              = ^uint32(0) // a length that means the required length
)

// textSize returns the size in bytes of s as UTF-16 text with its terminating NUL, 2 for "".
func textSize(s string) uint32 {
	n := uint32(2)
	for _, r := range s {
		n += 2
		if r > 0xFFFF {
			n += 2 // a surrogate pair
		}
	}
	return n
}

// nameSize returns the size in bytes of an object's name as ObjectNameInformation (O-61).
func nameSize(name string) uint32 {
	if name == "" {
		return unicodeString // a string without a buffer
	}
	return unicodeString + textSize(name)
}

// typeSize returns the size of a type's information with its name.
func typeSize(t *ob.Type) uint32 { return typeInformationSize + textSize(t.Name) }

// ObjectTypes are the types of a kernel, in the order of ObjectTypesInformation.
var ObjectTypes = [...]*ob.Type{ob.DirectoryType, ob.SymbolicLinkType, se.TokenType, ps.JobType, ps.ProcessType,
	ps.ThreadType, EventType, MutantType, SemaphoreType, TimerType, DeviceType, FileType}

// NtQueryObject returns information about a handle or its object. It needs no right. For the list of types it ignores
// the handle. If the length is wrong, it returns STATUS_INFO_LENGTH_MISMATCH and the required length. An undefined
// class is STATUS_INVALID_INFO_CLASS. Only the basic information and the flags need the exact length.
func (c *Context) NtQueryObject(in nt.QueryObjectIn) (out nt.QueryObjectOut, st ntstatus.Status) {
	// capture
	if in.ObjectInformationClass > nt.ObjectHandleFlagInformation {
		// The class is not defined.
		return out, c.Fail("O-60", ntstatus.InvalidInfoClass)
	}
	if in.FaultReturnLength != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultReturnLength)
	}
	if in.ObjectInformationClass == nt.ObjectTypesInformation {
		return c.queryTypes(in.ObjectInformationLength) // the handle is not checked (O-60)
	}
	// reference
	obj, g, st := ob.Reference[ob.Object](&c.Caller, in.Handle, 0, nil) // no right is needed (O-60)
	if st != ntstatus.Success {
		return out, c.Fail("O-60", st)
	}
	defer obj.Head().Deref(ob.TagCall)
	// decide
	h := obj.Head()
	var value any
	switch in.ObjectInformationClass {
	case nt.ObjectBasicInformation:
		value, out.ReturnLength = c.basicInformation(h, g), basicInformationSize
	case nt.ObjectNameInformation:
		return c.queryName(h, in.ObjectInformationLength)
	case nt.ObjectTypeInformation:
		value, out.ReturnLength = typeInformation(h.Type()), typeSize(h.Type())
		if in.ObjectInformationLength >= out.ReturnLength { // a name's buffer may be larger
			in.ObjectInformationLength = anySize
		}
	case nt.ObjectHandleFlagInformation:
		value, out.ReturnLength = nt.HandleFlagInformation{
			Inherit: g.Attributes&winnt.OBJ_INHERIT != 0, ProtectFromClose: g.Attributes&winnt.OBJ_PROTECT_CLOSE != 0,
		}, handleFlagSize
	}
	if in.ObjectInformationLength != anySize && in.ObjectInformationLength != out.ReturnLength {
		// The length must be exact.
		return out, c.Fail("O-61", ntstatus.InfoLengthMismatch)
	}
	out.ObjectInformation = value
	return out, ntstatus.Success
}

// basicInformation returns ObjectBasicInformation, class 0 of NtQueryObject: rights, counts and sizes. Its counts do
// not include the query's own reference (O-62). An object without a name or descriptor has size 0 for it.
func (c *Context) basicInformation(h *ob.Header, g ob.Granted) nt.BasicInformation {
	// The query's own reference is not counted (O-62).
	handles, references := h.Counts(1)
	b := nt.BasicInformation{
		Attributes: g.Attributes, GrantedAccess: g.Access, HandleCount: uint32(handles),
		PointerCount: uint32(references),
		TypeInfoSize: typeSize(h.Type()), CreationTime: h.CreationTime(),
	}
	if h.Permanent() {
		b.Attributes |= winnt.OBJ_PERMANENT
	}
	if h.Exclusive() != nil {
		b.Attributes |= winnt.OBJ_EXCLUSIVE
	}
	if name := c.pathOf(h); name != "" {
		b.NameInfoSize = nameSize(name)
	}
	if d := h.Security(); d != nil {
		b.SecurityDescriptorSize = uint32(d.Size())
	}
	return b
}

// pathOf returns the full name of an object, or "" for an unnamed one.
func (c *Context) pathOf(h *ob.Header) string {
	if h == c.Sys.Names.Root().Head() {
		return `\`
	}
	return h.Path()
}

// queryName returns ObjectNameInformation, class 1 of NtQueryObject: the full name of the object (O-61). ReturnLength
// is set even if the buffer is too small, which is STATUS_INFO_LENGTH_MISMATCH. An unnamed object has an empty name.
func (c *Context) queryName(h *ob.Header, length uint32) (out nt.QueryObjectOut, st ntstatus.Status) {
	name := c.pathOf(h)
	out.ReturnLength = nameSize(name) // returned also if the buffer is too small (O-61)
	// A name needs room for its header and all its text.
	if length < out.ReturnLength {
		return out, c.Fail("O-61", ntstatus.InfoLengthMismatch)
	}
	out.ObjectInformation = name
	return out, ntstatus.Success
}

// typeInformation returns the documented description of a type. Counters of the type are 0.
func typeInformation(t *ob.Type) nt.TypeInformation {
	return nt.TypeInformation{
		TypeName: t.Name, InvalidAttributes: t.Invalid, GenericMapping: t.Mapping, ValidAccessMask: t.Valid,
		SecurityRequired: !nakedWithoutName(t) && t != FileType,
	}
}

// queryTypes returns ObjectTypesInformation, class 3 of NtQueryObject: the number of types, then each type with its
// name, aligned to 8 bytes. Too small a buffer is STATUS_INFO_LENGTH_MISMATCH, with the required length.
func (c *Context) queryTypes(length uint32) (out nt.QueryObjectOut, st ntstatus.Status) {
	list := make([]nt.TypeInformation, len(ObjectTypes))
	out.ReturnLength = 8
	for i, t := range ObjectTypes {
		list[i] = typeInformation(t)
		out.ReturnLength += (typeSize(t) + 7) &^ 7
	}
	if length < out.ReturnLength {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("O-61", ntstatus.InfoLengthMismatch)
	}
	out.ObjectInformation = list
	return out, ntstatus.Success
}

// NtSetInformationObject sets both flags of a handle: inherit, and protect from closing. A pseudo handle gives
// STATUS_INVALID_HANDLE. A length other than 2 is STATUS_INFO_LENGTH_MISMATCH. Another class is
// STATUS_INVALID_INFO_CLASS. The handle needs no right.
func (c *Context) NtSetInformationObject(in nt.SetInformationObjectIn) (out nt.SetInformationObjectOut,
	st ntstatus.Status) {
	// capture
	if in.ObjectInformationClass != nt.ObjectHandleFlagInformation {
		// Only the two flags can be set.
		return out, c.Fail("O-63", ntstatus.InvalidInfoClass)
	}
	if in.ObjectInformationLength != handleFlagSize {
		// The length must be exact.
		return out, c.Fail("O-63", ntstatus.InfoLengthMismatch)
	}
	if in.ObjectInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ObjectInformation.Status)
	}
	var attributes uint32
	if in.ObjectInformation.V.Inherit {
		attributes |= winnt.OBJ_INHERIT
	}
	if in.ObjectInformation.V.ProtectFromClose {
		attributes |= winnt.OBJ_PROTECT_CLOSE
	}
	// commit: under the table's lock, so that a close comes before or after
	t := c.TableOf(in.Handle)
	if t == nil {
		// A pseudo handle has no flags.
		return out, c.Fail("O-63", ntstatus.InvalidHandle)
	}
	if st = t.SetAttributes(in.Handle, attributes); st != ntstatus.Success { // both flags are written (O-63)
		return out, c.Fail("O-63", st)
	}
	return out, ntstatus.Success
}
