package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that create and open objects by name.
type (
	CreateDirectoryObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"objectDirectory"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	OpenDirectoryObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"objectDirectory"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	DirectoryObjectOut struct{ DirectoryHandle winnt.Handle }

	CreateSymbolicLinkObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"symbolicLink"`
		ObjectAttributes Captured[*ObjectAttributes]
		LinkTarget       Captured[string]
	}
	OpenSymbolicLinkObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"symbolicLink"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	SymbolicLinkObjectOut struct {
		SymbolicLinkHandle winnt.Handle `param:"LinkHandle"`
	}

	CreateEventIn struct {
		DesiredAccess    winnt.AccessMask `object:"event"`
		ObjectAttributes Captured[*ObjectAttributes]
		EventType        EventType
		InitialState     bool
	}
	OpenEventIn struct {
		DesiredAccess    winnt.AccessMask `object:"event"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	EventOut struct{ EventHandle winnt.Handle }
)

// EventType is EVENT_TYPE. The zero value is NotificationEvent.
type EventType uint32

// Whether a satisfied wait leaves the event signalled.
const (
	NotificationEvent    EventType = iota // it stays signalled until it is reset
	SynchronizationEvent                  // one wait resets it
)

// String returns the documented name.
func (e EventType) String() string {
	switch e {
	case NotificationEvent:
		return "NotificationEvent"
	case SynchronizationEvent:
		return "SynchronizationEvent"
	}
	return "EVENT_TYPE(" + winnt.Handle(e).String() + ")"
}

// exclusiveInherited returns the condition of each service that creates a handle with attributes. It is a function
// because a variable would change the order in which the services are added to the table.
func exclusiveInherited() Condition {
	return Condition{ntstatus.InvalidParameter, "O-27", "OBJ_EXCLUSIVE together with OBJ_INHERIT"}
}

// nameConditions returns the ordered failure conditions of a create or open by name (O-22). gate has the service's
// conditions that need no object; they come before SeSecurityPrivilege and the path. more has the service's
// conditions after the path. All other conditions are the same for every such service.
func nameConditions(gate []Condition, more ...Condition) []Condition {
	list := append([]Condition{
		{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
		{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
		exclusiveInherited(),
		{ntstatus.InvalidHandle, "O-31", "RootDirectory is not a valid handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", "RootDirectory is not a directory"},
		{ntstatus.ObjectPathSyntaxBad, "O-23", "the name is absolute below a RootDirectory, or relative without one"},
		{ntstatus.ObjectNameInvalid, "O-23", "the name has an empty component"},
		{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	}, gate...)
	list = append(list,
		Condition{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
		Condition{ntstatus.AccessDenied, "O-24",
			"a directory on the path does not grant DIRECTORY_TRAVERSE to a caller without SeChangeNotifyPrivilege"},
		Condition{ntstatus.ObjectPathNotFound, "O-23",
			"a directory on the path does not exist, or the links do not end"},
		Condition{ntstatus.ReparsePointEncountered, "O-24", "OBJ_DONT_REPARSE and a symbolic link on the path"},
	)
	return append(list, more...)
}

// openByNameConditions returns the conditions, for the table of services, of those that open an object by name.
func openByNameConditions() []Condition {
	return nameConditions(nil,
		Condition{ntstatus.ObjectNameNotFound, "O-23", "no object of that name"},
		Condition{ntstatus.ObjectTypeMismatch, "O-23",
			"the name, or a name on the path, belongs to an object of another type"},
		Condition{ntstatus.InvalidParameter, "O-33", "an attribute that the type does not support"},
		Condition{ntstatus.AccessDenied, "O-27", "the object is exclusive to another process"},
		Condition{ntstatus.InvalidParameter, "O-27", "OBJ_EXCLUSIVE is set, but the object was created without it"},
		Condition{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that the type does not have"},
		Condition{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
		Condition{ntstatus.BadImpersonationLevel, "I-1",
			"the caller impersonates below SecurityImpersonation; without SeChangeNotifyPrivilege the first " +
				"directory refuses the caller"},
		Condition{ntstatus.AccessDenied, "O-33", "the object's descriptor does not grant DesiredAccess"},
		Condition{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
		Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
	)
}

// createByNameConditions returns the conditions, for the table of services, of those that create an object, named or
// not.
func createByNameConditions() []Condition {
	return nameConditions(
		[]Condition{{ntstatus.PrivilegeNotHeld, "O-26", "OBJ_PERMANENT without SeCreatePermanentPrivilege"}},
		Condition{ntstatus.ObjectTypeMismatch, "O-23", "a name on the path belongs to an object of another type"},
		Condition{ntstatus.ObjectTypeMismatch, "O-161", "the name belongs to an object of another type"},
		Condition{ntstatus.ObjectPathNotFound, "O-161", "the name is below that of a device"},
		Condition{ntstatus.ObjectNameCollision, "O-23", "the name exists, and OBJ_OPENIF is not set"},
		Condition{ntstatus.InvalidParameter, "O-22", "an attribute that the type does not support"},
		Condition{ntstatus.BadImpersonationLevel, "I-1",
			"the caller impersonates below SecurityImpersonation; without SeChangeNotifyPrivilege the first " +
				"directory refuses the caller"},
		Condition{ntstatus.AccessDenied, "O-24", "the directory does not grant the right to add to it"},
		Condition{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that the type does not have"},
		Condition{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
		Condition{ntstatus.InsufficientResources, "O-81", "not enough memory for the object"},
		Condition{ntstatus.InvalidOwner, "S-61", "the descriptor names an owner that the caller must not assign"},
		Condition{ntstatus.PrivilegeNotHeld, "S-71",
			"the descriptor has a SACL, or a label above the caller's, without the privilege for it"},
		Condition{ntstatus.InvalidACL, "S-17", "a list of the new object would be too long"},
		Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
		Condition{ntstatus.ObjectNameExists, "O-23", "success: OBJ_OPENIF opened the existing object of that name"},
	)
}

var (
	rowCreateDirectoryObject = Add(&NtTable, Entry[Services, CreateDirectoryObjectIn, DirectoryObjectOut]{
		Meta: Meta{
			Name:       "NtCreateDirectoryObject",
			Summary:    "creates a directory of named objects",
			Source:     "ZwCreateDirectoryObject",
			Conditions: createByNameConditions(),
		},
		Call: Services.NtCreateDirectoryObject,
	})
	rowOpenDirectoryObject = Add(&NtTable, Entry[Services, OpenDirectoryObjectIn, DirectoryObjectOut]{
		Meta: Meta{
			Name:       "NtOpenDirectoryObject",
			Summary:    "opens a directory of named objects",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenDirectoryObject,
	})
	rowCreateSymbolicLinkObject = Add(&NtTable, Entry[Services, CreateSymbolicLinkObjectIn, SymbolicLinkObjectOut]{
		Meta: Meta{
			Name:    "NtCreateSymbolicLinkObject",
			Summary: "creates a symbolic link: a name that refers to another path",
			Source:  "IoCreateSymbolicLink",
			Conditions: append([]Condition{
				{ntstatus.AccessViolation, "O-3", "LinkTarget is not readable"},
				{ntstatus.InvalidParameter, "O-22", "LinkTarget is empty"},
			}, createByNameConditions()...),
		},
		Call: Services.NtCreateSymbolicLinkObject,
	})
	rowOpenSymbolicLinkObject = Add(&NtTable, Entry[Services, OpenSymbolicLinkObjectIn, SymbolicLinkObjectOut]{
		Meta: Meta{
			Name:       "NtOpenSymbolicLinkObject",
			Summary:    "opens a symbolic link itself",
			Source:     "ZwOpenSymbolicLinkObject",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenSymbolicLinkObject,
	})
	rowCreateEvent = Add(&NtTable, Entry[Services, CreateEventIn, EventOut]{
		Meta: Meta{Name: "NtCreateEvent", Summary: "creates an event, with or without a name", Source: "ZwCreateEvent",
			Missing: "outside the C library a wait for an event returns immediately",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "O-3", "EventType is neither NotificationEvent nor SynchronizationEvent"},
			}, createByNameConditions()...)},
		Call:    Services.NtCreateEvent,
		Scalars: byValue(func(in CreateEventIn) bool { return in.EventType <= SynchronizationEvent }),
	})
	rowOpenEvent = Add(&NtTable, Entry[Services, OpenEventIn, EventOut]{
		Meta: Meta{
			Name:       "NtOpenEvent",
			Summary:    "opens an event by name",
			Source:     "ZwOpenEvent",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenEvent,
	})
)

// NtCreateDirectoryObject creates a directory of named objects (ZwCreateDirectoryObject). Its creator is granted the
// requested rights. nil attributes make one without a name.
func (t *Thread) NtCreateDirectoryObject(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := CreateDirectoryObjectIn{desired, Cap(attributes)}
	out, st := call(t, rowCreateDirectoryObject, in)
	return out.DirectoryHandle, st
}

// NtOpenDirectoryObject opens a directory of named objects. The handle is 0 unless the status is a success. nil
// attributes are a failure.
func (t *Thread) NtOpenDirectoryObject(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := OpenDirectoryObjectIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenDirectoryObject, in)
	return out.DirectoryHandle, st
}

// NtCreateSymbolicLinkObject creates a link to an absolute path. The path is resolved when the link is followed. The
// target need not exist. An empty one is a failure.
func (t *Thread) NtCreateSymbolicLinkObject(
	desired winnt.AccessMask, attributes *ObjectAttributes, target string,
) (winnt.Handle, ntstatus.Status) {
	in := CreateSymbolicLinkObjectIn{desired, Cap(attributes), Cap(target)}
	out, st := call(t, rowCreateSymbolicLinkObject, in)
	return out.SymbolicLinkHandle, st
}

// NtOpenSymbolicLinkObject opens a link itself, not its target. The handle is 0 unless the status is a success.
func (t *Thread) NtOpenSymbolicLinkObject(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := OpenSymbolicLinkObjectIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenSymbolicLinkObject, in)
	return out.SymbolicLinkHandle, st
}

// NtCreateEvent creates an event. Without a name and a descriptor it is an object without security (ZwCreateEvent).
// An existing name is a failure unless OBJ_OPENIF is set.
func (t *Thread) NtCreateEvent(
	desired winnt.AccessMask, attributes *ObjectAttributes, typ EventType, signalled bool,
) (winnt.Handle, ntstatus.Status) {
	in := CreateEventIn{desired, Cap(attributes), typ, signalled}
	out, st := call(t, rowCreateEvent, in)
	return out.EventHandle, st
}

// NtOpenEvent opens an event by name, STATUS_OBJECT_NAME_NOT_FOUND if there is none (ZwOpenEvent).
func (t *Thread) NtOpenEvent(desired winnt.AccessMask, attributes *ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	in := OpenEventIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenEvent, in)
	return out.EventHandle, st
}
