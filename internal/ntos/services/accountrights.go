package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// accountView is ACCOUNT_VIEW, the right to see what an account may do (MS-LSAD 2.2.1.1.3).
const accountView winnt.AccessMask = 0x1

// accountMapping is the generic mapping of accounts (MS-LSAD 2.2.1.1.3).
var accountMapping = winnt.GenericMapping{Read: 0x20001, Write: 0x2000E, Execute: 0x20000, All: 0xF000F}

// accountSecurity grants administrators all rights to an account, and everyone else the right to read
// its descriptor (L-77).
var accountSecurity = sddl.MustParse("O:BAG:SYD:(A;;0xf000f;;;BA)(A;;0x20000;;;WD)")

// LsaEnumerateAccountRights returns the privileges and logon rights that are assigned to a SID. A SID without any is
// STATUS_OBJECT_NAME_NOT_FOUND, the null SID STATUS_INVALID_PARAMETER before the handle is used. The handle needs
// POLICY_LOOKUP_NAMES and the caller ACCOUNT_VIEW. Privileges come before logon rights.
func (c *Context) LsaEnumerateAccountRights(in nt.LsaEnumerateAccountRightsIn) (out nt.LsaEnumerateAccountRightsOut,
	st ntstatus.Status) {
	if st := in.AccountSID.Status; st != ntstatus.Success {
		return out, c.Fail("O-3", st)
	}
	if in.AccountSID.V.IsZero() {
		// The null SID is not an account's.
		return out, c.Fail("L-77", ntstatus.InvalidParameter)
	}
	if st := c.referencePolicy(in.PolicyHandle, winnt.POLICY_LOOKUP_NAMES); st != ntstatus.Success {
		return out, c.named("PolicyHandle", "POLICY_LOOKUP_NAMES", st)
	}
	// The effective token needs ACCOUNT_VIEW on the account, whether the account has rights or not (L-77).
	d, err := access.SeAccessCheck(&access.Request{Descriptor: accountSecurity, Subject: c.self.Subject(),
		Desired: accountView, Mapping: &accountMapping, Mode: c.Mode})
	if err != nil {
		return out, c.Fail("L-77", ntstatus.AccessDenied)
	}
	if !d.Allowed() {
		return out, c.Fail("L-77", d.Status())
	}
	privileges, rights := c.Sys.LSA.AccountRights(in.AccountSID.V)
	out.UserRights = append(privileges.Names(), rights.Names()...)
	if len(out.UserRights) == 0 {
		// Only an account with rights is an object of the policy (L-77).
		return out, c.Fail("L-77", ntstatus.ObjectNameNotFound)
	}
	return out, ntstatus.Success
}
