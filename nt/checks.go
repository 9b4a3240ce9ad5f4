package nt

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// AccessCheckIn and AccessCheckOut are the parameters of NtAccessCheck.
// PrivilegeSetLength is the size of the caller's buffer in bytes.
type (
	AccessCheckIn struct {
		SecurityDescriptor Captured[*sd.Descriptor]
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		GenericMapping     Captured[winnt.GenericMapping]
		PrivilegeSetLength uint32 `default:"65536"`
	}
	AccessCheckOut struct {
		PrivilegeSet       *PrivilegeSet
		PrivilegeSetLength uint32 // the need, on STATUS_BUFFER_TOO_SMALL
		GrantedAccess      winnt.AccessMask
		AccessStatus       ntstatus.Status
	}

	AccessCheckByTypeIn struct {
		SecurityDescriptor Captured[*sd.Descriptor]
		PrincipalSelfSid   Captured[sid.SID]
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		ObjectTypeList     Captured[[]access.ObjectTypeEntry]
		GenericMapping     Captured[winnt.GenericMapping]
		PrivilegeSetLength uint32 `default:"65536"`
	}
	AccessCheckByTypeResultListOut struct {
		PrivilegeSet       *PrivilegeSet
		PrivilegeSetLength uint32
		GrantedAccess      []winnt.AccessMask
		AccessStatus       []ntstatus.Status
	}
)

// accessCheckConditions returns the conditions, for the table of services, of the three access checks, in the order
// in which a call tests them. byType means that the call takes an object type list, list that it returns one result
// per entry.
func accessCheckConditions(byType, list bool) []Condition {
	c := []Condition{{ntstatus.AccessViolation, "A-10", "a pointer is not readable or not writable"}}
	if list {
		c = append(c, Condition{ntstatus.InvalidParameter, "A-11", "the object type list is empty"})
	}
	c = append(c,
		Condition{ntstatus.GenericNotMapped, "A-12", "generic bits in DesiredAccess"},
		Condition{ntstatus.NoToken, "O-15", "ClientToken is NtCurrentThreadToken and the thread is not impersonating"},
		Condition{ntstatus.CantOpenAnonymous, "I-24",
			"ClientToken is a pseudo handle for an impersonation at SecurityAnonymous"},
		Condition{ntstatus.InvalidHandle, "A-13", "ClientToken is not a valid handle"},
		Condition{ntstatus.ObjectTypeMismatch, "A-13", "ClientToken is not a token"},
		Condition{ntstatus.AccessDenied, "A-13", "ClientToken does not grant TOKEN_QUERY"},
		Condition{ntstatus.NoImpersonationToken, "A-14", "the token is a primary token"},
		Condition{ntstatus.BadImpersonationLevel, "A-15", "the token's level is below SecurityIdentification"},
	)
	if byType {
		c = append(c, Condition{ntstatus.InvalidParameter, "A-26", "the object type list is malformed"})
	}
	c = append(c,
		Condition{ntstatus.Success, "A-16",
			"ACCESS_SYSTEM_SECURITY without the privilege: AccessStatus is STATUS_PRIVILEGE_NOT_HELD"},
		Condition{ntstatus.BufferTooSmall, "A-17", "PrivilegeSetLength is below the needed length"},
		Condition{ntstatus.UnknownRevision, "A-18", "the descriptor is malformed; the status says how"},
		Condition{ntstatus.InvalidSecurityDescr, "A-19", "the descriptor is missing, or has no owner or group"},
	)
	if byType {
		c = append(c, Condition{ntstatus.InvalidSID, "A-20", "PrincipalSelfSid is not a SID"})
	}
	return c
}

var (
	rowAccessCheck = Add(&NtTable, Entry[Services, AccessCheckIn, AccessCheckOut]{
		Meta: Meta{
			Name:       "NtAccessCheck",
			Summary:    "decides whether a descriptor grants rights to a client",
			Source:     "AccessCheck",
			Conditions: accessCheckConditions(false, false),
		},
		Call: Services.NtAccessCheck,
	})
	rowAccessCheckByType = Add(&NtTable, Entry[Services, AccessCheckByTypeIn, AccessCheckOut]{
		Meta: Meta{
			Name:       "NtAccessCheckByType",
			Summary:    "decides like NtAccessCheck, with an object type list",
			Source:     "AccessCheckByType",
			Conditions: accessCheckConditions(true, false),
		},
		Call: Services.NtAccessCheckByType,
	})
	rowAccessCheckByTypeResultList = Add(&NtTable, Entry[Services, AccessCheckByTypeIn, AccessCheckByTypeResultListOut]{
		Meta: Meta{
			Name:       "NtAccessCheckByTypeResultList",
			Summary:    "decides like NtAccessCheck, with one result for each object type",
			Source:     "AccessCheckByTypeResultList",
			Conditions: accessCheckConditions(true, true),
		},
		Call: Services.NtAccessCheckByTypeResultList,
	})
)

// NtAccessCheck checks whether the descriptor grants rights to the client of an
// impersonation token (AccessCheck). st is the status of the call. The decision
// is in AccessStatus and GrantedAccess.
func (t *Thread) NtAccessCheck(
	d *sd.Descriptor, client winnt.Handle, desired winnt.AccessMask, mapping winnt.GenericMapping,
) (AccessCheckOut, ntstatus.Status) {
	in := AccessCheckIn{Cap(d), client, desired, Cap(mapping), 1 << 16}
	if t.direct != nil {
		return t.direct.NtAccessCheck(in)
	}
	return call(t, rowAccessCheck, in)
}

// NtAccessCheckByType works like NtAccessCheck, with an object type list and a
// SID for PRINCIPAL_SELF (AccessCheckByType).
func (t *Thread) NtAccessCheckByType(in AccessCheckByTypeIn) (AccessCheckOut, ntstatus.Status) {
	return call(t, rowAccessCheckByType, in)
}

// NtAccessCheckByTypeResultList returns one status and mask for each entry of
// the object type list (AccessCheckByTypeResultList).
func (t *Thread) NtAccessCheckByTypeResultList(
	in AccessCheckByTypeIn,
) (AccessCheckByTypeResultListOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeResultList, in)
}
