package services

import (
	"iter"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// answer computes the value of one token information class and its size on 64-bit Windows in bytes. It gets the token
// object and a snapshot of its value.
type answer func(*se.TokenObject, *token.Token) (any, uint32)

// classes has the function for each token class. A nil entry cannot be queried here: TokenLinkedToken, which
// queryLinkedToken handles; TokenSessionReference; the reserved TokenRestrictedUserClaimAttributes and
// TokenRestrictedDeviceClaimAttributes; and the unused TokenLoggingInformation and TokenLearningMode.
var classes = [winnt.MaxTokenInfoClass + 1]answer{
	winnt.TokenUser: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return oneGroup(v.User())
	},
	winnt.TokenGroups:     groupClass((*token.Token).Groups),
	winnt.TokenPrivileges: privilegesClass,
	winnt.TokenOwner: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return sidPointer(v.Owner())
	},
	winnt.TokenPrimaryGroup: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return sidPointer(v.PrimaryGroup())
	},
	winnt.TokenDefaultDacl:        defaultDACLClass,
	winnt.TokenSource:             func(_ *se.TokenObject, v *token.Token) (any, uint32) { return v.Source(), 16 },
	winnt.TokenTypeInfo:           func(_ *se.TokenObject, v *token.Token) (any, uint32) { return v.Type(), 4 },
	winnt.TokenImpersonationLevel: func(_ *se.TokenObject, v *token.Token) (any, uint32) { return v.Level(), 4 },
	winnt.TokenStatistics: func(t *se.TokenObject, v *token.Token) (any, uint32) {
		return statistics(t, v),
			statisticsSize
	},
	winnt.TokenRestrictedSids:      groupClass((*token.Token).Restricted),
	winnt.TokenSessionId:           number((*token.Token).SessionID),
	winnt.TokenGroupsAndPrivileges: groupsAndPrivilegesClass,
	winnt.TokenSandBoxInert:        truth((*token.Token).SandboxInert),
	winnt.TokenAuditPolicy: func(_ *se.TokenObject, v *token.Token) (any, uint32) {
		return v.AuditPolicy(),
			token.AuditPolicySize
	},
	winnt.TokenOrigin: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return v.OriginatingLogon(), 8
	},
	winnt.TokenElevationType:         number((*token.Token).ElevationType),
	winnt.TokenElevation:             truth((*token.Token).IsElevated),
	winnt.TokenHasRestrictions:       truth((*token.Token).IsFiltered),
	winnt.TokenAccessInformation:     accessInformationClass,
	winnt.TokenVirtualizationAllowed: flagClass(winnt.TOKEN_VIRTUALIZE_ALLOWED),
	winnt.TokenVirtualizationEnabled: flagClass(winnt.TOKEN_VIRTUALIZE_ENABLED),
	winnt.TokenIntegrityLevel: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return oneGroup(v.IntegrityLevel())
	},
	winnt.TokenUIAccess:        flagClass(winnt.TOKEN_UIACCESS),
	winnt.TokenMandatoryPolicy: number((*token.Token).MandatoryPolicy),
	winnt.TokenLogonSid:        logonSIDClass,
	winnt.TokenIsAppContainer:  truth((*token.Token).IsAppContainer),
	winnt.TokenCapabilities:    groupClass((*token.Token).Capabilities),
	winnt.TokenAppContainerSid: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return sidPointer(v.Package())
	},
	winnt.TokenAppContainerNumber:    number((*token.Token).LowBoxNumber),
	winnt.TokenUserClaimAttributes:   claimClass((*token.Token).UserClaims, claimsSize),
	winnt.TokenDeviceClaimAttributes: claimClass((*token.Token).DeviceClaims, claimsSize),
	winnt.TokenDeviceGroups:          groupClass((*token.Token).DeviceGroups),

	winnt.TokenRestrictedDeviceGroups: groupClass((*token.Token).RestrictedDeviceGroups),
	winnt.TokenSecurityAttributes:     claimClass((*token.Token).LocalAttributes, attributesSize),
	winnt.TokenIsRestricted:           truth((*token.Token).IsRestricted),
	winnt.TokenProcessTrustLevel: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return sidPointer(v.TrustLevel())
	},
	winnt.TokenPrivateNameSpace: flagClass(winnt.TOKEN_PRIVATE_NAMESPACE),
	winnt.TokenSingletonAttributes: func(*se.TokenObject, *token.Token) (any,
		uint32) {
		return []claims.Attribute{}, claimsHeader
	},
	winnt.TokenBnoIsolation: isolationClass,
	winnt.TokenChildProcessFlags: func(_ *se.TokenObject, v *token.Token) (any,
		uint32) {
		return childProcessFlags(v), 4
	},
	winnt.TokenIsLessPrivilegedAppContainer: truth((*token.Token).LowPrivilege),
	winnt.TokenIsSandboxed:                  truth((*token.Token).IsSandboxed),
	winnt.TokenIsAppSilo:                    func(*se.TokenObject, *token.Token) (any, uint32) { return uint32(0), 4 },
}

// number returns the answer function of an information class whose value is a 32-bit number, which f computes.
func number(f func(*token.Token) uint32) answer {
	return func(_ *se.TokenObject, v *token.Token) (any, uint32) { return f(v), 4 }
}

// truth returns the answer function of an information class that is 1 or 0 as a 32-bit number, by f.
func truth(f func(*token.Token) bool) answer {
	return func(_ *se.TokenObject, v *token.Token) (any, uint32) { return flag(f(v)), 4 }
}

// flagClass returns the answer function of an information class that reports whether the token flag bit is set.
func flagClass(bit uint32) answer {
	return func(_ *se.TokenObject, v *token.Token) (any, uint32) { return flag(v.Flags()&bit != 0), 4 }
}

// flag returns 1 for true and 0 for false.
func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// oneGroup returns the value and size of an information class that is one group.
func oneGroup(g token.Group) (any, uint32) { return g, uint32(sidAndAttributes + g.SID.Len()) }

// groupClass returns the answer function of an information class that is a list of groups, those that f yields.
func groupClass(f func(*token.Token) iter.Seq2[int, token.Group]) answer {
	return func(_ *se.TokenObject, v *token.Token) (any, uint32) {
		list := groupsOf(f(v))
		return list, groupListSize(list)
	}
}

// groupsOf collects groups into a list that is never nil.
func groupsOf(all iter.Seq2[int, token.Group]) []token.Group {
	list := []token.Group{}
	for _, g := range all {
		list = append(list, g)
	}
	return list
}

// privilegesOf returns the privileges of a token with their attributes. The list is never nil.
func privilegesOf(v *token.Token) []nt.LUIDAndAttributes {
	list := []nt.LUIDAndAttributes{}
	for p, a := range v.Privileges() {
		list = append(list, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: a})
	}
	return list
}

// privilegesClass returns the value and size of class TokenPrivileges.
func privilegesClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	list := privilegesOf(v)
	return list, uint32(privilegesHeader + privilegeSize*len(list))
}

// defaultDACLClass returns the value and size of class TokenDefaultDacl. A token without a default DACL has a nil list.
func defaultDACLClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	if v.DefaultDACL() == nil {
		return v.DefaultDACL(), pointerSize
	}
	return v.DefaultDACL(), uint32(pointerSize + v.DefaultDACL().Size())
}

// logonSIDClass returns the value and size of class TokenLogonSid. The token must have a logon SID.
func logonSIDClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	g, _ := v.LogonSID()
	list := []token.Group{g}
	return list, groupListSize(list)
}

// claimClass returns the answer function of an information class that is a list of claims. f selects the set, and size
// computes the size of the list in bytes.
func claimClass(f func(*token.Token) *claims.Set, size func([]claims.Attribute) uint32) answer {
	return func(_ *se.TokenObject, v *token.Token) (any, uint32) {
		list := attributesOf(f(v))
		return list, size(list)
	}
}

// attributesOf returns the attributes of a set, which may be nil. The list is never nil.
func attributesOf(set *claims.Set) []claims.Attribute {
	list := []claims.Attribute{}
	for _, a := range set.All() {
		list = append(list, a)
	}
	return list
}

// withUser returns the groups of a token with the user first, for the classes that list the user as a group.
func withUser(v *token.Token) []token.Group {
	return append([]token.Group{v.User()}, groupsOf(v.Groups())...)
}

// groupsAndPrivilegesClass returns the value and size of class TokenGroupsAndPrivileges. The user is the first of the
// SIDs.
func groupsAndPrivilegesClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	x := nt.TokenGroupsAndPrivileges{SIDs: withUser(v), RestrictedSIDs: groupsOf(v.Restricted()),
		Privileges: privilegesOf(v), AuthenticationID: v.AuthenticationID()}
	return x, uint32(groupsAndPrivs + groupsSize(x.SIDs) + groupsSize(x.RestrictedSIDs) +
		privilegeSize*len(x.Privileges))
}

// accessInformationClass returns the value of class TokenAccessInformation and its size in bytes on Windows.
func accessInformationClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	x := nt.TokenAccessInformation{
		SIDs: withUser(v), RestrictedSIDs: groupsOf(v.Restricted()), Privileges: privilegesOf(v),
		AuthenticationID:   v.AuthenticationID(),
		TokenType:          v.Type(),
		ImpersonationLevel: v.Level(), MandatoryPolicy: v.MandatoryPolicy(), Flags: v.Flags(),
		AppContainerNumber: v.LowBoxNumber(), PackageSID: v.Package(), Capabilities: groupsOf(v.Capabilities()),
		TrustLevelSID:      v.TrustLevel(),
		SecurityAttributes: attributesOf(v.LocalAttributes()),
	}
	n := accessInformation + 3*sidHash + align8(privilegesHeader+privilegeSize*len(x.Privileges)) +
		groupsSize(x.SIDs) + groupsSize(x.RestrictedSIDs) +
		groupsSize(x.Capabilities) + x.PackageSID.Len() + x.TrustLevelSID.Len()
	if len(x.SecurityAttributes) > 0 {
		n = align8(n) + int(attributesSize(x.SecurityAttributes))
	}
	return x, uint32(n)
}

// isolationClass returns the value and size of class TokenBnoIsolation. Isolation is enabled if the token has a prefix.
func isolationClass(_ *se.TokenObject, v *token.Token) (any, uint32) {
	x := nt.TokenBnoIsolation{IsolationPrefix: v.IsolationPrefix(), IsolationEnabled: v.IsolationPrefix() != ""}
	n := isolationSize
	if x.IsolationEnabled {
		n += unitsSize(x.IsolationPrefix) + 2
	}
	return x, uint32(n)
}

// childFlags maps the bits of TokenChildProcessFlags to token flags.
var childFlags = [...]struct{ bit, flag uint32 }{
	{nt.ChildProcessNone, winnt.TOKEN_NO_CHILD_PROCESS},
	{nt.ChildProcessAudit, winnt.TOKEN_AUDIT_NO_CHILD_PROCESS},
	{nt.ChildProcessSecureToo, winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE},
}

// childProcessFlags returns TokenChildProcessFlags of a token.
func childProcessFlags(v *token.Token) (bits uint32) {
	for _, c := range childFlags {
		if v.Flags()&c.flag != 0 {
			bits |= c.bit
		}
	}
	return bits
}
