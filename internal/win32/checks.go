package win32

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the access checks. PrivilegeSetLength is the size of the
// caller's buffer in bytes, and the need when it was too small.
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
	rowAccessCheckByType = function(nt.Meta{Name: "AccessCheckByType", Summary: "the same for an object with properties",
		Conditions: of("NtAccessCheckByType")},
		func(t *Thread, in AccessCheckByTypeIn) (AccessCheckOut, ntstatus.Status) {
			return t.checked(t.nt.NtAccessCheckByType(in.service()))
		})
	rowAccessCheckByTypeResultList = function(nt.Meta{Name: "AccessCheckByTypeResultList",
		Summary: "the same with one result a property", Conditions: of("NtAccessCheckByTypeResultList")},
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

// checked turns the decision into a BOOL; the last error tells why it is FALSE
// although the function itself returns TRUE (AccessCheck, AccessStatus).
func (t *Thread) checked(o nt.AccessCheckOut, st ntstatus.Status) (AccessCheckOut, ntstatus.Status) {
	out := AccessCheckOut{PrivilegeSet: o.PrivilegeSet, PrivilegeSetLength: o.PrivilegeSetLength,
		GrantedAccess: o.GrantedAccess}
	if st.IsSuccess() {
		out.AccessStatus = o.AccessStatus.IsSuccess()
		if !out.AccessStatus {
			// The check was made and access denied: the last error tells why.
			t.setLastError(Code(o.AccessStatus.Win32()))
		}
	}
	return out, st
}

// AccessCheck decides whether a descriptor grants rights to the client of an
// impersonation token.
func (t *Thread) AccessCheck(in AccessCheckIn) (AccessCheckOut, bool) {
	return call(t, rowAccessCheck, in)
}

// AccessCheckByType does what AccessCheck does, with an object type list and a SID for
// PRINCIPAL_SELF.
func (t *Thread) AccessCheckByType(in AccessCheckByTypeIn) (AccessCheckOut, bool) {
	return call(t, rowAccessCheckByType, in)
}

// AccessCheckByTypeResultList gives one code and mask for each entry of the
// object type list.
func (t *Thread) AccessCheckByTypeResultList(in AccessCheckByTypeIn) (AccessCheckByTypeResultListOut, bool) {
	return call(t, rowAccessCheckByTypeResultList, in)
}
