package nt

import (
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Messages of LsaLogonUser: what LogonInformation means.
const (
	InteractiveLogon uint32 = 2  // KERB_INTERACTIVE_LOGON, MSV1_0_INTERACTIVE_LOGON
	S4ULogon         uint32 = 12 // KERB_S4U_LOGON, MSV1_0_S4U_LOGON
	// TokenLogon is refmon's own: the first token of a client of SPNEGO, as
	// AcceptSecurityContext takes it on Windows.
	TokenLogon uint32 = 0x10000
)

// LogonInformation is KERB_INTERACTIVE_LOGON, KERB_S4U_LOGON without the password,
// or a client's token. The zero value is refused.
type LogonInformation struct {
	MessageType     uint32 // InteractiveLogon, S4ULogon or TokenLogon
	LogonDomainName string
	UserName        string
	Password        logon.Secret
	// TokenLogon has the client's token in base64, as HTTP carries it, and what names
	// the channel that it came through, "" without one: for TLS
	// "tls-server-end-point:" and the hash of the certificate (RFC 5929), in base64.
	ClientToken     logon.Secret
	ChannelBindings string
}

// Results of the look-ups. A DomainIndex is −1 where no domain is known.
type (
	// PolicyInformation is POLICY_ACCOUNT_DOMAIN_INFO and POLICY_PRIMARY_DOMAIN_INFO.
	PolicyInformation struct {
		DomainName string
		DomainSID  sid.SID `param:"DomainSid"`
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
)

// MaxLookup is the most names or SIDs of one look-up.
const MaxLookup = 20480

func policyConditions(right string, more ...Condition) []Condition {
	return append([]Condition{
		{ntstatus.InvalidHandle, "O-31", "PolicyHandle names no handle"},
		{ntstatus.ObjectTypeMismatch, "O-31", "the handle is no policy's"},
		{ntstatus.AccessDenied, "O-31", "PolicyHandle lacks " + right},
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
				{ntstatus.AccessViolation, "O-3", "LocalGroups or SourceContext cannot be read"},
				{ntstatus.InvalidSID, "O-3", "LocalGroups has a malformed SID"},
				{ntstatus.InvalidParameter, "L-64", "OriginName has more than 255 bytes"},
				{ntstatus.BadValidationClass, "L-42", "a message of another type than 2, 12 and 0x10000"},
				{ntstatus.NoSuchPackage, "K-49", "a client's token, where no tickets are taken"},
				{ntstatus.InvalidLogonType, "L-3", "no type of logon, or one that the message does not serve"},
				{ntstatus.PrivilegeNotHeld, "L-33", "LocalGroups is given and SeTcbPrivilege is not enabled"},
				{ntstatus.LogonFailure, "L-32", "an unknown name, a wrong password or a token that is not taken"},
				{ntstatus.AccountLockedOut, "L-31", "the name failed too often"},
				{ntstatus.AccountRestriction, "L-35", "the account is disabled, its password too old, or it may not be used at " +
					"this hour or from here; SubStatus says which"},
				{ntstatus.AccountExpired, "L-66", "the account has expired"},
				{ntstatus.PasswordMustChange, "L-66", "the password must be changed first"},
				{ntstatus.NoLogonServers, "L-56", "the groups of the user, or its SID, cannot be had whole"},
				{ntstatus.LogonTypeNotGranted, "L-2", "the account lacks the right for the type of logon"},
				{ntstatus.TooManyContextIDs, "L-4", "the account is in more groups than a token holds"},
				{ntstatus.InsufficientResources, "O-81", "memory ran out, or too many logons wait"},
				{ntstatus.AuditFailed, "L-48", "the record of the logon cannot be kept, under a policy that fails closed"},
			},
		},
		Call: Services.LsaLogonUser,
	})
	rowLsaOpenPolicy = Add(&NtTable, Entry[Services, LsaOpenPolicyIn, LsaOpenPolicyOut]{
		Meta: Meta{
			Name:    "LsaOpenPolicy",
			Summary: "opens the policy of this computer, for look-ups",
			Conditions: []Condition{
				{ntstatus.ObjectNameNotFound, "L-43", "SystemName is not this computer"},
				{ntstatus.AccessDenied, "O-20", "DesiredAccess has reserved bits"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.AccessDenied, "L-40", "the policy's descriptor does not grant DesiredAccess"},
				{ntstatus.InsufficientResources, "O-81", "memory ran out"},
			},
		},
		Call: Services.LsaOpenPolicy,
	})
	rowLsaClose = Add(&NtTable, Entry[Services, LsaCloseIn, LsaCloseOut]{
		Meta: Meta{
			Name:    "LsaClose",
			Summary: "closes a handle of a policy",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ObjectHandle names no handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "the handle is no policy's"},
				{ntstatus.HandleNotClosable, "O-41", "the handle is protected from closing"},
			},
		},
		Call: Services.LsaClose,
	})
	rowLsaQueryInformationPolicy = Add(&NtTable,
		Entry[Services, LsaQueryInformationPolicyIn, LsaQueryInformationPolicyOut]{
			Meta: Meta{
				Name:    "LsaQueryInformationPolicy",
				Summary: "tells the domain of this computer's accounts",
				Missing: "classes 3 and 5 (primary domain, account domain) only",
				Conditions: append([]Condition{
					{ntstatus.InvalidParameter, "L-44", "a class that cannot be asked"},
				}, policyConditions("POLICY_VIEW_LOCAL_INFORMATION")...),
			},
			Call: Services.LsaQueryInformationPolicy,
		})
	rowLsaLookupNames2 = Add(&NtTable, Entry[Services, LsaLookupNames2In, LsaLookupNames2Out]{
		Meta: Meta{
			Name:    "LsaLookupNames2",
			Summary: "finds the SIDs of names",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "L-45", "other Flags than LSA_LOOKUP_ISOLATED_AS_LOCAL, or more than 20480 names"},
			}, policyConditions("POLICY_LOOKUP_NAMES",
				Condition{ntstatus.SomeNotMapped, "L-46", "a name is unknown and another is not; a success"},
				Condition{ntstatus.NoneMapped, "L-46", "every name is unknown; the lists are filled in all the same"})...),
		},
		Call: Services.LsaLookupNames2,
	})
	rowLsaLookupSids = Add(&NtTable, Entry[Services, LsaLookupSidsIn, LsaLookupSidsOut]{
		Meta: Meta{
			Name:    "LsaLookupSids",
			Summary: "finds the names of SIDs",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter, "L-45", "more than 20480 SIDs"},
			}, policyConditions("POLICY_LOOKUP_NAMES",
				Condition{ntstatus.SomeNotMapped, "L-46", "a SID is unknown and another is not; a success"},
				Condition{ntstatus.NoneMapped, "L-46", "every SID is unknown; the lists are filled in all the same"})...),
		},
		Call: Services.LsaLookupSids,
	})
)

// LsaLogonUser logs a user on. The caller closes the token.
func (t *Thread) LsaLogonUser(in LsaLogonUserIn) (LsaLogonUserOut, ntstatus.Status) {
	return call(t, rowLsaLogonUser, in)
}

// LsaOpenPolicy opens the policy of this computer; LsaClose closes it.
func (t *Thread) LsaOpenPolicy(desired winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowLsaOpenPolicy, LsaOpenPolicyIn{DesiredAccess: desired})
	return out.PolicyHandle, st
}

// LsaClose closes a handle of a policy.
func (t *Thread) LsaClose(handle winnt.Handle) ntstatus.Status {
	_, st := call(t, rowLsaClose, LsaCloseIn{handle})
	return st
}

// LsaQueryInformationPolicy tells the domain of this computer's accounts; it needs
// POLICY_VIEW_LOCAL_INFORMATION.
func (t *Thread) LsaQueryInformationPolicy(policy winnt.Handle, class winnt.PolicyInformationClass) (PolicyInformation,
	ntstatus.Status) {
	out, st := call(t, rowLsaQueryInformationPolicy, LsaQueryInformationPolicyIn{policy, class})
	return out.Buffer, st
}

// LsaLookupNames2 finds the SIDs of names; it needs POLICY_LOOKUP_NAMES. Both lists
// are filled in for STATUS_SOME_NOT_MAPPED and STATUS_NONE_MAPPED too.
func (t *Thread) LsaLookupNames2(policy winnt.Handle, names ...string) (LsaLookupNames2Out, ntstatus.Status) {
	return call(t, rowLsaLookupNames2, LsaLookupNames2In{PolicyHandle: policy, Names: names})
}

// LsaLookupSids finds the names of SIDs likewise.
func (t *Thread) LsaLookupSids(policy winnt.Handle, sids ...sid.SID) (LsaLookupSidsOut, ntstatus.Status) {
	return call(t, rowLsaLookupSids, LsaLookupSidsIn{policy, sids})
}
