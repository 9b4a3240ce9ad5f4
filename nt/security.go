package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// SecurityInformation is SECURITY_INFORMATION: the parts of a descriptor that a
// call reads or sets.
type SecurityInformation uint32

// String returns the documented names without their common suffix, joined by
// "|".
func (i SecurityInformation) String() string {
	return joinBits(uint32(i), []bitName{
		{winnt.OWNER_SECURITY_INFORMATION, "OWNER"},
		{winnt.GROUP_SECURITY_INFORMATION, "GROUP"},
		{winnt.DACL_SECURITY_INFORMATION, "DACL"},
		{winnt.SACL_SECURITY_INFORMATION, "SACL"},
		{winnt.LABEL_SECURITY_INFORMATION, "LABEL"},
		{winnt.ATTRIBUTE_SECURITY_INFORMATION, "ATTRIBUTE"},
		{winnt.SCOPE_SECURITY_INFORMATION, "SCOPE"},
		{winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "PROCESS_TRUST_LABEL"},
		{winnt.ACCESS_FILTER_SECURITY_INFORMATION, "ACCESS_FILTER"},
		{winnt.BACKUP_SECURITY_INFORMATION, "BACKUP"},
		{winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, "UNPROTECTED_SACL"},
		{winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, "UNPROTECTED_DACL"},
		{winnt.PROTECTED_SACL_SECURITY_INFORMATION, "PROTECTED_SACL"},
		{winnt.PROTECTED_DACL_SECURITY_INFORMATION, "PROTECTED_DACL"},
	})
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
		Meta: Meta{
			Name:    "NtQuerySecurityObject",
			Summary: "returns parts of an object's security descriptor",
			Source:  "ZwQuerySecurityObject",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
				{ntstatus.InvalidHandle, "O-31", "Handle is not a valid handle"},
				{ntstatus.AccessDenied, "O-64", "Handle does not grant READ_CONTROL, or ACCESS_SYSTEM_SECURITY for the SACL"},
				{ntstatus.PipeDisconnected, "I-130", "Handle is the end of a client that the server disconnected"},
				{ntstatus.BufferTooSmall, "O-64", "the buffer is too small; LengthNeeded returns the needed length"},
			},
		},
		Call: Services.NtQuerySecurityObject,
	})
	rowSetSecurityObject = Add(&NtTable, Entry[Services, SetSecurityObjectIn, SetSecurityObjectOut]{
		Meta: Meta{
			Name:    "NtSetSecurityObject",
			Summary: "replaces parts of an object's security descriptor",
			Source:  "ZwSetSecurityObject",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-65", "SecurityDescriptor is NULL or is not readable"},
				{ntstatus.InvalidSecurityDescr, "O-65", "SecurityDescriptor is malformed"},
				{ntstatus.UnknownRevision, "O-65", "SecurityDescriptor has another revision"},
				{ntstatus.InvalidHandle, "O-31", "Handle is not a valid handle"},
				{ntstatus.AccessDenied, "O-65",
					"Handle does not grant WRITE_OWNER, WRITE_DAC or ACCESS_SYSTEM_SECURITY, as the parts need"},
				{ntstatus.PipeDisconnected, "I-130", "Handle is the end of a client that the server disconnected"},
				{ntstatus.InvalidSecurityDescr, "O-65", "SecurityDescriptor has no owner or group, which the call is to set"},
				{ntstatus.NoSecurityOnObject, "O-65", "the object has no descriptor"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory"},
				{ntstatus.InvalidParameter, "S-75", "a list is to be both protected and unprotected"},
				{ntstatus.InvalidOwner, "S-61", "the caller must not assign the new owner"},
				{ntstatus.InvalidPrimaryGroup, "S-73", "BACKUP_SECURITY_INFORMATION and SecurityDescriptor has no group"},
				{ntstatus.PrivilegeNotHeld, "O-65", "a label above the caller's integrity without SeRelabelPrivilege"},
				{ntstatus.AccessDenied, "O-65", "a trust label that the caller does not dominate"},
				{ntstatus.InvalidACL, "S-17", "the resulting list would be too long"},
				{ntstatus.InvalidOwner, "F-199", "the owner of a file in a tree is a logon session"},
				{ntstatus.InvalidPrimaryGroup, "F-199", "the group of a file in a tree is a logon session"},
				{ntstatus.InvalidACL, "F-199", "an entry of a file in a tree names a logon session and does not grant"},
				{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
			},
		},
		Call: Services.NtSetSecurityObject,
	})
)

// NtQuerySecurityObject returns the parts of an object's descriptor that information selects with
// SECURITY_INFORMATION bits. It needs READ_CONTROL, and ACCESS_SYSTEM_SECURITY for the SACL (ZwQuerySecurityObject).
// It returns nil unless the status is a success.
func (t *Thread) NtQuerySecurityObject(handle winnt.Handle, information uint32) (*sd.Descriptor, ntstatus.Status) {
	in := QuerySecurityObjectIn{
		Handle:              handle,
		SecurityInformation: SecurityInformation(information),
		Length:              ^uint32(0),
	}
	out, st := call(t, rowQuerySecurityObject, in)
	return out.SecurityDescriptor, st
}

// NtSetSecurityObject replaces the parts of an object's descriptor that information selects. It needs WRITE_OWNER,
// WRITE_DAC or ACCESS_SYSTEM_SECURITY, as the parts require. Existing handles keep their rights (ZwSetSecurityObject).
func (t *Thread) NtSetSecurityObject(handle winnt.Handle, information uint32, d *sd.Descriptor) ntstatus.Status {
	in := SetSecurityObjectIn{handle, SecurityInformation(information), Cap(d)}
	_, st := call(t, rowSetSecurityObject, in)
	return st
}
