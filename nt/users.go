package nt

import (
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Messages of LsaLogonUser, which define the meaning of LogonInformation.
const (
	InteractiveLogon uint32 = 2  // KERB_INTERACTIVE_LOGON, MSV1_0_INTERACTIVE_LOGON
	S4ULogon         uint32 = 12 // KERB_S4U_LOGON, MSV1_0_S4U_LOGON
	// TokenLogon is specific to refmon: the first token of an SPNEGO client, which
	// AcceptSecurityContext accepts on Windows.
	TokenLogon uint32 = 0x10000
)

// LogonInformation is KERB_INTERACTIVE_LOGON, KERB_S4U_LOGON without the password,
// or a client's token. LsaLogonUser refuses the zero value.
type LogonInformation struct {
	MessageType     uint32 // InteractiveLogon, S4ULogon or TokenLogon
	LogonDomainName string
	UserName        string
	Password        logon.Secret
	// TokenLogon has the client's token in base64, as in HTTP, and the identifier of
	// its channel, or "" without one. For TLS this is "tls-server-end-point:" and the
	// hash of the certificate (RFC 5929), in base64.
	ClientToken     logon.Secret
	ChannelBindings string
}

// Results of the look-ups. A DomainIndex is −1 where no domain is known.
type (
	// PolicyInformation is POLICY_ACCOUNT_DOMAIN_INFO and POLICY_PRIMARY_DOMAIN_INFO, which have a domain, or
	// POLICY_AUDIT_EVENTS_INFO, which has the other members.
	PolicyInformation struct {
		DomainName string
		DomainSID  sid.SID `param:"DomainSid"`
		// AuditingMode says whether EventAuditingOptions records anything. The index of an
		// option is a POLICY_AUDIT_EVENT_TYPE, from AuditCategorySystem (0) on.
		AuditingMode         bool
		EventAuditingOptions []winnt.PolicyAuditEventOptions
	}
	// TrustInformation is LSA_TRUST_INFORMATION.
	TrustInformation struct {
		Name string
		SID  sid.SID `param:"Sid"`
	}
	// TranslatedSID is LSA_TRANSLATED_SID2.
	TranslatedSID struct {
		Use         winnt.SIDNameUse
		SID         sid.SID `param:"Sid"`
		DomainIndex int32
		Flags       uint32
	}
	// TranslatedName is LSA_TRANSLATED_NAME.
	TranslatedName struct {
		Use         winnt.SIDNameUse
		Name        string
		DomainIndex int32
	}
)

// Parameters of the services of the local security authority.
type (
	LsaLogonUserIn struct {
		// OriginName is the address of the client that the caller asks for; "" for none.
		OriginName                string
		LogonType                 winnt.LogonType
		AuthenticationInformation LogonInformation
		LocalGroups               Captured[[]token.Group]
		SourceContext             Captured[*token.Source]
	}
	LsaLogonUserOut struct {
		LogonID   winnt.LUID `param:"LogonId"`
		Token     winnt.Handle
		SubStatus ntstatus.Status
		// ProfileBuffer goes back to the client of a TokenLogon, in base64.
		ProfileBuffer string
	}

	LsaOpenPolicyIn struct {
		SystemName    string           // "": this computer
		DesiredAccess winnt.AccessMask `object:"policy"`
	}
	LsaOpenPolicyOut struct{ PolicyHandle winnt.Handle }

	LsaCloseIn  struct{ ObjectHandle winnt.Handle }
	LsaCloseOut struct{}

	LsaQueryInformationPolicyIn struct {
		PolicyHandle     winnt.Handle
		InformationClass winnt.PolicyInformationClass
	}
	LsaQueryInformationPolicyOut struct{ Buffer PolicyInformation }

	LsaLookupNames2In struct {
		PolicyHandle winnt.Handle
		Flags        uint32
		Names        []string
	}
	LsaLookupNames2Out struct {
		ReferencedDomains []TrustInformation
		SIDs              []TranslatedSID `param:"Sids"`
	}

	LsaLookupSidsIn struct {
		PolicyHandle winnt.Handle
		SIDs         []sid.SID `param:"Sids"`
	}
	LsaLookupSidsOut struct {
		ReferencedDomains []TrustInformation
		Names             []TranslatedName
	}

	LsaEnumerateAccountRightsIn struct {
		PolicyHandle winnt.Handle
		AccountSID   Captured[sid.SID] `param:"AccountSid"`
	}
	LsaEnumerateAccountRightsOut struct{ UserRights []string }
)

// MaxLookup is the maximum number of names or SIDs in one lookup.
const MaxLookup = 20480

// policyConditions returns the conditions, for the table of services, of those that need right on a policy handle.
// more follows them.
func policyConditions(right string, more ...Condition) []Condition {
	return append([]Condition{
		{ntstatus.InvalidHandle, "O-31", "PolicyHandle is not a valid handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", "the handle is not a policy handle"},
		{ntstatus.AccessDenied, "O-31", "PolicyHandle does not grant " + right},
	}, more...)
}

var (
	rowLsaLogonUser = Add(&NtTable, Entry[Services, LsaLogonUserIn, LsaLogonUserOut]{
		Meta: Meta{
			Name:    "LsaLogonUser",
			Summary: "logs a user on and opens the token",
			Missing: "one package: names and passwords of the authority's accounts, S4U and, in the daemon, tickets; " +
				"no profile, quotas or handle of a logon process",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3", "LocalGroups or SourceContext is not readable"},
				{ntstatus.InvalidSID, "O-3", "LocalGroups has a malformed SID"},
				{ntstatus.InvalidParameter, "L-64", "OriginName has more than 255 bytes"},
				{ntstatus.BadValidationClass, "L-42", "the message type is not 2, 12 or 0x10000"},
				{ntstatus.NoSuchPackage, "K-49", "a client's ticket, where tickets are not accepted"},
				{ntstatus.InvalidLogonType, "L-3", "the type of logon does not exist, or the message does not support it"},
				{ntstatus.PrivilegeNotHeld, "L-33", "LocalGroups is given and SeTcbPrivilege is not enabled"},
				{ntstatus.LogonFailure, "L-32", "an unknown name, a wrong password or a rejected token"},
				{ntstatus.AccountLockedOut, "L-31", "too many logons with this name failed"},
				{ntstatus.AccountRestriction, "L-35", "the account is disabled, its password too old, or it may not be used at " +
					"this hour or from here; SubStatus says which"},
				{ntstatus.AccountExpired, "L-66", "the account has expired"},
				{ntstatus.PasswordMustChange, "L-66", "the password must be changed first"},
				{ntstatus.NoLogonServers, "L-56", "the user's groups or SID cannot be determined completely"},
				{ntstatus.LogonTypeNotGranted, "L-2", "the account does not have the logon right for the type of logon"},
				{ntstatus.TooManyContextIDs, "L-4", "the account is in more groups than a token holds"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory, or too many logons wait"},
				{ntstatus.AuditFailed, "L-48", "the logon's audit record cannot be stored, under a policy that fails closed"},
			},
		},
		Call: Services.LsaLogonUser,
	})
	rowLsaOpenPolicy = Add(&NtTable, Entry[Services, LsaOpenPolicyIn, LsaOpenPolicyOut]{
		Meta: Meta{
			Name:    "LsaOpenPolicy",
			Summary: "opens the policy of this computer, for name and SID lookups",
			Conditions: []Condition{
				{ntstatus.ObjectNameNotFound, "L-43", "SystemName is not this computer"},
				{ntstatus.AccessDenied, "O-20", "DesiredAccess has reserved bits"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.AccessDenied, "L-40", "the policy's descriptor does not grant DesiredAccess"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory"},
			},
		},
		Call: Services.LsaOpenPolicy,
	})
	rowLsaClose = Add(&NtTable, Entry[Services, LsaCloseIn, LsaCloseOut]{
		Meta: Meta{
			Name:    "LsaClose",
			Summary: "closes a handle of a policy",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ObjectHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "the handle is not a policy handle"},
				{ntstatus.HandleNotClosable, "O-41", "the handle is protected from closing"},
			},
		},
		Call: Services.LsaClose,
	})
	rowLsaQueryInformationPolicy = Add(&NtTable,
		Entry[Services, LsaQueryInformationPolicyIn, LsaQueryInformationPolicyOut]{
			Meta: Meta{
				Name:    "LsaQueryInformationPolicy",
				Summary: "returns the domain of this computer's accounts, or the audited categories",
				Missing: "classes 2, 3 and 5 (audit events, primary domain, account domain) only",
				Conditions: append([]Condition{
					{ntstatus.InvalidParameter, "L-44", "the class is not 2, 3 or 5"},
				}, policyConditions("POLICY_VIEW_LOCAL_INFORMATION, for class 2 POLICY_VIEW_AUDIT_INFORMATION")...),
			},
			Call: Services.LsaQueryInformationPolicy,
		})
	rowLsaLookupNames2 = Add(&NtTable, Entry[Services, LsaLookupNames2In, LsaLookupNames2Out]{
		Meta: Meta{
			Name:    "LsaLookupNames2",
			Summary: "returns the SIDs of names",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "L-45",
					"Flags has a bit other than LSA_LOOKUP_ISOLATED_AS_LOCAL, or there are more than 20480 names"},
			}, policyConditions("POLICY_LOOKUP_NAMES",
				Condition{ntstatus.SomeNotMapped, "L-46", "success: some names are unknown"},
				Condition{ntstatus.NoneMapped, "L-46", "all names are unknown; the lists are returned"})...),
		},
		Call: Services.LsaLookupNames2,
	})
	rowLsaLookupSids = Add(&NtTable, Entry[Services, LsaLookupSidsIn, LsaLookupSidsOut]{
		Meta: Meta{
			Name:    "LsaLookupSids",
			Summary: "returns the names of SIDs",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "L-45", "more than 20480 SIDs"},
			}, policyConditions("POLICY_LOOKUP_NAMES",
				Condition{ntstatus.SomeNotMapped, "L-46", "success: some SIDs are unknown"},
				Condition{ntstatus.NoneMapped, "L-46", "all SIDs are unknown; the lists are returned"})...),
		},
		Call: Services.LsaLookupSids,
	})
	rowLsaEnumerateAccountRights = Add(&NtTable,
		Entry[Services, LsaEnumerateAccountRightsIn, LsaEnumerateAccountRightsOut]{
			Meta: Meta{
				Name:    "LsaEnumerateAccountRights",
				Summary: "lists the privileges and logon rights of an account",
				Conditions: append([]Condition{
					{ntstatus.AccessViolation, "O-3", "AccountSid is not readable"},
					{ntstatus.InvalidSID, "O-3", "AccountSid is malformed"},
					{ntstatus.InvalidParameter, "L-77", "AccountSid is the null SID"},
				}, policyConditions("POLICY_LOOKUP_NAMES",
					Condition{ntstatus.AccessDenied, "L-77", "the caller has no ACCOUNT_VIEW right, which administrators have"},
					Condition{ntstatus.BadImpersonationLevel, "L-77", "the thread impersonates below Impersonation"},
					Condition{ntstatus.ObjectNameNotFound, "L-77", "the account has no privilege and no logon right"})...),
			},
			Call: Services.LsaEnumerateAccountRights,
		})
)

// LsaLogonUser logs a user on. The caller must close the token. STATUS_LOGON_FAILURE stands for an unknown name and for
// a wrong password. With STATUS_ACCOUNT_RESTRICTION, SubStatus names the restriction.
func (t *Thread) LsaLogonUser(in LsaLogonUserIn) (LsaLogonUserOut, ntstatus.Status) {
	return call(t, rowLsaLogonUser, in)
}

// LsaOpenPolicy opens the policy of this computer, STATUS_ACCESS_DENIED if its descriptor does not grant desired.
// LsaClose closes it.
func (t *Thread) LsaOpenPolicy(desired winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowLsaOpenPolicy, LsaOpenPolicyIn{DesiredAccess: desired})
	return out.PolicyHandle, st
}

// LsaClose closes a handle of a policy. Any other handle gives STATUS_OBJECT_TYPE_MISMATCH.
func (t *Thread) LsaClose(handle winnt.Handle) ntstatus.Status {
	_, st := call(t, rowLsaClose, LsaCloseIn{handle})
	return st
}

// LsaQueryInformationPolicy returns the domain of this computer's accounts, with POLICY_VIEW_LOCAL_INFORMATION, or the
// audited categories, with POLICY_VIEW_AUDIT_INFORMATION. A class other than 2, 3 and 5 gives STATUS_INVALID_PARAMETER.
func (t *Thread) LsaQueryInformationPolicy(policy winnt.Handle, class winnt.PolicyInformationClass) (PolicyInformation,
	ntstatus.Status) {
	out, st := call(t, rowLsaQueryInformationPolicy, LsaQueryInformationPolicyIn{policy, class})
	return out.Buffer, st
}

// LsaLookupNames2 looks up the SIDs of names. It needs POLICY_LOOKUP_NAMES. Both
// lists are also filled in for STATUS_SOME_NOT_MAPPED and STATUS_NONE_MAPPED.
func (t *Thread) LsaLookupNames2(policy winnt.Handle, names ...string) (LsaLookupNames2Out, ntstatus.Status) {
	return call(t, rowLsaLookupNames2, LsaLookupNames2In{PolicyHandle: policy, Names: names})
}

// LsaLookupSids looks up the names of at most 20480 SIDs in the same way as LsaLookupNames2. If all are unknown, it
// returns STATUS_NONE_MAPPED together with the lists.
func (t *Thread) LsaLookupSids(policy winnt.Handle, sids ...sid.SID) (LsaLookupSidsOut, ntstatus.Status) {
	return call(t, rowLsaLookupSids, LsaLookupSidsIn{policy, sids})
}

// LsaEnumerateAccountRights returns the names of the privileges and logon rights that are assigned
// to an account itself, not to its groups. It needs POLICY_LOOKUP_NAMES and an administrator's
// token. For an account without any it fails with STATUS_OBJECT_NAME_NOT_FOUND.
func (t *Thread) LsaEnumerateAccountRights(policy winnt.Handle, account sid.SID) ([]string, ntstatus.Status) {
	out, st := call(t, rowLsaEnumerateAccountRights, LsaEnumerateAccountRightsIn{policy, Cap(account)})
	return out.UserRights, st
}
