package win32

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the access checks. PrivilegeSetLength is the size of the caller's buffer in bytes. If it is too
// small, the function sets it to the required size.
type (
	AccessCheckIn struct {
		SecurityDescriptor nt.Captured[*sd.Descriptor] `param:"pSecurityDescriptor"`
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		GenericMapping     nt.Captured[winnt.GenericMapping]
		PrivilegeSetLength uint32 `default:"65536"`
	}
	AccessCheckOut struct {
		PrivilegeSet       *nt.PrivilegeSet
		PrivilegeSetLength uint32
		GrantedAccess      winnt.AccessMask `object:"file"`
		AccessStatus       bool
	}

	AccessCheckByTypeIn struct {
		SecurityDescriptor nt.Captured[*sd.Descriptor] `param:"pSecurityDescriptor"`
		PrincipalSelfSid   nt.Captured[sid.SID]
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		ObjectTypeList     nt.Captured[[]access.ObjectTypeEntry]
		GenericMapping     nt.Captured[winnt.GenericMapping]
		PrivilegeSetLength uint32 `default:"65536"`
	}
	AccessCheckByTypeResultListOut struct {
		PrivilegeSet       *nt.PrivilegeSet
		PrivilegeSetLength uint32
		GrantedAccessList  []winnt.AccessMask
		AccessStatusList   []Code // ERROR_SUCCESS where granted
	}
)

// service converts the parameters of AccessCheckByType to those of NtAccessCheckByType.
func (in *AccessCheckByTypeIn) service() nt.AccessCheckByTypeIn {
	return nt.AccessCheckByTypeIn{SecurityDescriptor: in.SecurityDescriptor, PrincipalSelfSid: in.PrincipalSelfSid,
		ClientToken:   in.ClientToken,
		DesiredAccess: in.DesiredAccess, ObjectTypeList: in.ObjectTypeList, GenericMapping: in.GenericMapping,
		PrivilegeSetLength: in.PrivilegeSetLength}
}

var (
	rowAccessCheck = function(nt.Meta{Name: "AccessCheck",
		Summary: "decides whether a descriptor grants rights to a client", Conditions: of("NtAccessCheck")},
		func(t *Thread, in AccessCheckIn) (AccessCheckOut, ntstatus.Status) {
			o, st := t.row("NtAccessCheck", nt.AccessCheckIn{SecurityDescriptor: in.SecurityDescriptor,
				ClientToken:   in.ClientToken,
				DesiredAccess: in.DesiredAccess, GenericMapping: in.GenericMapping, PrivilegeSetLength: in.PrivilegeSetLength})
			return t.checked(o.(nt.AccessCheckOut), st)
		})
	rowAccessCheckByType = function(nt.Meta{Name: "AccessCheckByType",
		Summary:    "decides like AccessCheck, with an object type list",
		Conditions: of("NtAccessCheckByType")},
		func(t *Thread, in AccessCheckByTypeIn) (AccessCheckOut, ntstatus.Status) {
			return t.checked(t.nt.NtAccessCheckByType(in.service()))
		})
	rowAccessCheckByTypeResultList = function(nt.Meta{Name: "AccessCheckByTypeResultList",
		Summary:    "decides like AccessCheck, with one result for each object type",
		Conditions: of("NtAccessCheckByTypeResultList")},
		func(t *Thread, in AccessCheckByTypeIn) (out AccessCheckByTypeResultListOut, st ntstatus.Status) {
			o, st := t.nt.NtAccessCheckByTypeResultList(in.service())
			out = AccessCheckByTypeResultListOut{PrivilegeSet: o.PrivilegeSet, PrivilegeSetLength: o.PrivilegeSetLength,
				GrantedAccessList: o.GrantedAccess}
			for _, s := range o.AccessStatus {
				// Each entry says whether access was granted, or why not.
				out.AccessStatusList = append(out.AccessStatusList, Code(s.Win32()))
			}
			return out, st
		})
)

// checked converts the result of NtAccessCheck to that of AccessCheck. A denial succeeds with AccessStatus false,
// and its reason becomes the last error. A failed st is returned unchanged, with AccessStatus false, and the last
// error stays.
func (t *Thread) checked(o nt.AccessCheckOut, st ntstatus.Status) (AccessCheckOut, ntstatus.Status) {
	out := AccessCheckOut{PrivilegeSet: o.PrivilegeSet, PrivilegeSetLength: o.PrivilegeSetLength,
		GrantedAccess: o.GrantedAccess}
	if st.IsSuccess() {
		out.AccessStatus = o.AccessStatus.IsSuccess()
		if !out.AccessStatus {
			// The check succeeded and denied access: the last error is the reason.
			t.setLastError(Code(o.AccessStatus.Win32()))
		}
	}
	return out, st
}

// AccessCheck decides whether a descriptor grants rights to the client of an impersonation token. It returns FALSE
// only if the check itself fails. AccessStatus is the decision.
func (t *Thread) AccessCheck(in AccessCheckIn) (AccessCheckOut, bool) {
	return call(t, rowAccessCheck, in)
}

// AccessCheckByType decides like AccessCheck, with an object type list and a SID for PRINCIPAL_SELF.
func (t *Thread) AccessCheckByType(in AccessCheckByTypeIn) (AccessCheckOut, bool) {
	return call(t, rowAccessCheckByType, in)
}

// AccessCheckByTypeResultList returns one code and one mask for each entry of the object type list.
func (t *Thread) AccessCheckByTypeResultList(in AccessCheckByTypeIn) (AccessCheckByTypeResultListOut, bool) {
	return call(t, rowAccessCheckByTypeResultList, in)
}
