package audit

import (
	"strconv"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Object describes the object of an audit record: its type, name and handle.
type Object struct {
	// Server is the subsystem that owns the object; "" means "Security", the
	// server of kernel objects (U-58).
	Server string
	Type   string       // documented object type name, such as "File"
	Name   string       // "" is recorded as "-"
	Handle winnt.Handle // the handle or the caller's own handle identifier
	// Directory is true if a File is a directory. Its rights have other names, and
	// the record has a separate field for it, which records of Windows do not
	// have.
	Directory bool
}

// rightsType returns the object type that gives the names of the object's rights: its own type, except that a File
// that is a directory has names of its own.
func (o *Object) rightsType() string {
	if o.Directory && o.Type == "File" {
		return fileDirectory
	}
	return o.Type
}

// appendDirectory adds the field ObjectDirectory for a File that is a directory, whose rights have other names
// (U-75). For any other object it adds nothing. The field comes after the documented ones.
func (o *Object) appendDirectory(l *fieldList) {
	if o.Directory && o.Type == "File" {
		l.text("ObjectDirectory", yesNo(true))
	}
}

// subcategory returns the audit subcategory for opens of the object, by its type.
func (o *Object) subcategory() Subcategory { return TypeSubcategory(o.Type) }

// appendServer adds the field ObjectServer: the subsystem that the caller names, or else Security (U-58).
func (o *Object) appendServer(l *fieldList) {
	// Where the caller names no subsystem the object server is Security (U-58).
	if o.Server == "" {
		l.text("ObjectServer", "Security")
		return
	}
	l.name("ObjectServer", o.Server)
}

// appendObject adds ObjectServer, ObjectType and ObjectName.
func (o *Object) appendObject(l *fieldList) {
	o.appendServer(l)
	l.name("ObjectType", o.Type)
	l.name("ObjectName", o.Name)
}

// HandleRequest is the data of event 4656, a request for a handle, in addition to origin and object.
type HandleRequest struct {
	Outcome    Outcome
	Access     winnt.AccessMask   // granted on success, requested on failure; no generic bits
	Reasons    []Reason           // one for each bit of Access that has one; File and Key only
	Privileges winnt.PrivilegeSet // used for the access
	Descriptor *sd.Descriptor     // of the object, for its resource attributes; may be nil
}

// requestedFields is the maximum number of fields of event 4656: eighteen, four of the process's own account, and one
// for a directory.
const requestedFields = 23

// HandleRequested returns event 4656: a handle to an object was requested. On
// failure the recorded handle is 0x0.
func HandleRequested(from Origin, object Object, request HandleRequest) Event {
	l := make(fieldList, 0, requestedFields)
	from.appendSubject(&l)
	object.appendObject(&l)
	if request.Outcome == Failure {
		object.Handle = 0
	}
	l.hex("HandleId", uint64(object.Handle))
	l.text("TransactionId", nullGUID)
	lines := accessLines(object.rightsType(), request.Access, request.Reasons)
	l.list("AccessList", accessList, codes(lines))
	l.list("AccessReason", accessList, reasonTexts(lines))
	l.hex("AccessMask", uint64(request.Access))
	l.privileges("PrivilegeList", request.Privileges)
	l.text("RestrictedSidCount", strconv.Itoa(restrictedCount(&from)))
	from.appendProcess(&l)
	l.text("ResourceAttributes", resourceAttributes(object.Type, request.Descriptor))
	from.appendPrimary(&l)
	object.appendDirectory(&l)
	return Event{Header: Header{ID: 4656, Version: 1, Subcategory: object.subcategory(), Outcome: request.Outcome},
		fields: l, admin: from.admin(),
		access: lines}
}

// restrictedCount returns the number of restricting SIDs of the origin's effective token, 0 without a token.
func restrictedCount(from *Origin) int {
	if t := from.Subject.Effective(); t != nil {
		return t.RestrictedSet().Len()
	}
	return 0
}

// HandleClosed returns event 4658: a handle whose open was recorded was closed.
// The event has the task of the object, although the subcategory Handle
// Manipulation enables it.
func HandleClosed(from Origin, object Object) Event {
	var l fieldList
	from.appendSubject(&l)
	object.appendServer(&l)
	l.hex("HandleId", uint64(object.Handle))
	from.appendProcess(&l)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4658, Subcategory: object.subcategory()}, fields: l, admin: from.admin()}
}

// ObjectDeleted returns event 4660: the object of an audited handle was deleted.
// It has no object name. The event 4656 with the same handle has it.
func ObjectDeleted(from Origin, object Object) Event {
	var l fieldList
	from.appendSubject(&l)
	object.appendServer(&l)
	l.hex("HandleId", uint64(object.Handle))
	from.appendProcess(&l)
	l.text("TransactionId", nullGUID)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4660, Subcategory: object.subcategory()}, fields: l, admin: from.admin()}
}

// accessedFields is the maximum number of fields of event 4663: thirteen, four of the process's
// own account, and one for a directory.
const accessedFields = 18

// ObjectAccessed returns event 4663: audited rights of a handle were used. The object's descriptor is for its resource
// attributes. It may be nil.
func ObjectAccessed(from Origin, object Object, used winnt.AccessMask, descriptor *sd.Descriptor) Event {
	l := make(fieldList, 0, accessedFields)
	from.appendSubject(&l)
	object.appendObject(&l)
	l.hex("HandleId", uint64(object.Handle))
	lines := accessLines(object.rightsType(), used, nil)
	l.list("AccessList", accessList, codes(lines))
	l.hex("AccessMask", uint64(used))
	from.appendProcess(&l)
	l.text("ResourceAttributes", resourceAttributes(object.Type, descriptor))
	from.appendPrimary(&l)
	object.appendDirectory(&l)
	return Event{Header: Header{ID: 4663, Version: 1, Subcategory: object.subcategory()},
		fields: l, admin: from.admin(), access: lines}
}

// PermissionsChanged returns event 4670: owner or DACL of an object changed. parts has OWNER_SECURITY_INFORMATION and
// DACL_SECURITY_INFORMATION for the parts that were set. The event shows only these.
func PermissionsChanged(from Origin, object Object, before, after *sd.Descriptor, parts uint32) Event {
	parts &= winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION
	return descriptorChanged(4670, AuthorizationPolicyChange, from, object, before, after, parts)
}

// AuditSettingsChanged returns event 4907: the SACL of an object changed.
func AuditSettingsChanged(from Origin, object Object, before, after *sd.Descriptor) Event {
	return descriptorChanged(4907, AuditPolicyChange, from, object, before, after, winnt.SACL_SECURITY_INFORMATION)
}

// partChanged returns event 4911 or 4913: one part of an object's SACL changed. part is its SECURITY_INFORMATION bit.
// A part without ACEs is written as S:AI.
func partChanged(eventID uint16, from Origin, object Object, before, after *sd.Descriptor, part uint32) Event {
	e := descriptorChanged(eventID, AuthorizationPolicyChange, from, object, before, after, part)
	for i := range e.fields {
		if f := &e.fields[i]; f.text == absent && (f.Name == "OldSd" || f.Name == "NewSd") {
			f.text = noEntries
		}
	}
	return e
}

// descriptorChanged returns the event for a change of an object's security descriptor, with the old and new SDDL.
// parts has the SECURITY_INFORMATION bits of those that it shows.
func descriptorChanged(eventID uint16, s Subcategory, from Origin, object Object, before, after *sd.Descriptor,
	parts uint32) Event {
	var l fieldList
	from.appendSubject(&l)
	object.appendObject(&l)
	l.hex("HandleId", uint64(object.Handle))
	l.text("OldSd", descriptorText(before, parts))
	l.text("NewSd", descriptorText(after, parts))
	from.appendProcess(&l)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: eventID, Subcategory: s}, fields: l, admin: from.admin()}
}

// DirectoryOperation is the data of event 4662, an operation on a directory service object, in addition to origin and
// object.
type DirectoryOperation struct {
	Outcome    Outcome
	Access     winnt.AccessMask
	Class      winnt.GUID   // of the object; the null GUID: the object's type name is shown
	Properties []winnt.GUID // nodes of the object type list that the record is about
}

// DirectoryAccessed returns event 4662: an operation on an object of a
// directory service. Properties lists each right with the GUIDs of its nodes
// (U-58).
func DirectoryAccessed(from Origin, object Object, operation DirectoryOperation) Event {
	var l fieldList
	from.appendSubject(&l)
	// The object server of event 4662 is DS (U-58).
	l.text("ObjectServer", "DS")
	if operation.Class != (winnt.GUID{}) {
		// The object type is written as a GUID behind a percent sign (U-58).
		object.Type = "%" + guidText(operation.Class)
	}
	l.name("ObjectType", object.Type)
	l.name("ObjectName", object.Name)
	if operation.Outcome == Failure {
		object.Handle = 0
	}
	l.text("OperationType", "Object Access")
	l.hex("HandleId", uint64(object.Handle))
	lines := accessLines("DirectoryService", operation.Access, nil)
	l.list("AccessList", accessList, codes(lines))
	l.hex("AccessMask", uint64(operation.Access))
	var properties []string
	for i := range lines {
		// Each right is listed with the GUIDs of its nodes (U-58).
		properties = append(properties, message(lines[i].Code))
		for _, g := range operation.Properties {
			properties = append(properties, guidText(g))
		}
	}
	l.list("Properties", propertiesList, properties)
	l.text("AdditionalInfo", absent)
	// AdditionalInfo2 is empty where it is absent, not "-" (U-57).
	l.text("AdditionalInfo2", "")
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4662, Subcategory: DirectoryServiceAccess, Outcome: operation.Outcome},
		fields: l, admin: from.admin(),
		access: lines}
}

// HandleDuplicated returns event 4690: a handle was duplicated from one process
// into another, or within one.
func HandleDuplicated(from Origin, source winnt.Handle, sourceProcess uint64, target winnt.Handle,
	targetProcess uint64) Event {
	var l fieldList
	from.appendSubject(&l)
	l.hex("SourceHandleId", uint64(source))
	l.hex("SourceProcessId", sourceProcess)
	l.hex("TargetHandleId", uint64(target))
	l.hex("TargetProcessId", targetProcess)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4690, Subcategory: HandleManipulation}, fields: l, admin: from.admin()}
}
