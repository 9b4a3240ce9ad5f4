package win32

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the functions that test whether a token has a SID. TokenHandle 0 is NULL: the effective token.
type (
	CheckTokenMembershipIn struct {
		TokenHandle winnt.Handle
		SIDToCheck  nt.Captured[sid.SID] `param:"SidToCheck"`
	}
	CheckTokenMembershipExIn struct {
		TokenHandle winnt.Handle
		SIDToCheck  nt.Captured[sid.SID] `param:"SidToCheck"`
		Flags       uint32               // CTMF_INCLUDE_*
	}
	CheckTokenMembershipOut struct{ IsMember bool }

	CheckTokenCapabilityIn struct {
		TokenHandle          winnt.Handle
		CapabilitySIDToCheck nt.Captured[sid.SID] `param:"CapabilitySidToCheck"`
	}
	CheckTokenCapabilityOut struct{ HasCapability bool }
)

// Flags of CheckTokenMembershipEx.
const (
	includeAppContainer = 1
	includeLPAC         = 2
)

// tokenConditions returns the documented failures of the membership functions that concern the SID and the token. rule
// is the rule that states them.
func tokenConditions(rule string) []nt.Condition {
	return []nt.Condition{
		{Status: ntstatus.AccessViolation, Rule: "O-3", When: "the SID is not readable"},
		{Status: ntstatus.InvalidSID, Rule: rule, When: "the SID is invalid"},
		{Status: ntstatus.CantOpenAnonymous, Rule: "I-24",
			When: "TokenHandle is NULL, and the thread impersonates at SecurityAnonymous"},
		{Status: ntstatus.InvalidHandle, Rule: rule, When: "TokenHandle is not a valid handle"},
		{Status: ntstatus.ObjectTypeMismatch, Rule: rule, When: "TokenHandle is not a token"},
		{Status: ntstatus.AccessDenied, Rule: rule, When: "TokenHandle does not grant TOKEN_QUERY"},
	}
}

var membershipConditions = append(tokenConditions("O-131"), []nt.Condition{
	{Status: ntstatus.NoImpersonationToken, Rule: "A-14", When: "TokenHandle is a primary token"},
	{Status: ntstatus.BadImpersonationLevel, Rule: "A-15", When: "TokenHandle is below SecurityIdentification"},
}...)

var (
	_ = function(nt.Meta{Name: "CheckTokenMembership", Summary: "reports whether a SID is enabled in a token",
		Conditions: membershipConditions},
		func(t *Thread, in CheckTokenMembershipIn) (out CheckTokenMembershipOut, st ntstatus.Status) {
			out.IsMember, st = t.isMember(in.TokenHandle, in.SIDToCheck)
			return out, st
		})
	_ = function(nt.Meta{Name: "CheckTokenMembershipEx",
		Summary: "reports whether a SID is enabled in a token, including the token of an AppContainer",
		Conditions: append([]nt.Condition{{Status: ntstatus.InvalidParameter, Rule: "O-132",
			When: "Flags has bits that are not defined"}}, membershipConditions...)},
		func(t *Thread, in CheckTokenMembershipExIn) (out CheckTokenMembershipOut, st ntstatus.Status) {
			// Only the two documented flags are known (O-132).
			if in.Flags&^(includeAppContainer|includeLPAC) != 0 {
				return out, ntstatus.InvalidParameter
			}
			contained, st := t.isContained(in.TokenHandle)
			switch {
			case !st.IsSuccess():
			case contained && in.Flags&includeAppContainer != 0:
				// The flag asks about the groups alone: a check would ask the package, too (O-132).
				out.IsMember, st = t.hasGroup(in.TokenHandle, winnt.TokenGroups, in.SIDToCheck)
			default:
				out.IsMember, st = t.isMember(in.TokenHandle, in.SIDToCheck)
			}
			return out, st
		})
	_ = function(nt.Meta{Name: "CheckTokenCapability", Summary: "reports whether a capability is enabled in a token",
		Conditions: tokenConditions("O-133")},
		func(t *Thread, in CheckTokenCapabilityIn) (out CheckTokenCapabilityOut, st ntstatus.Status) {
			out.HasCapability, st = t.hasGroup(in.TokenHandle, winnt.TokenCapabilities, in.CapabilitySIDToCheck)
			return out, st
		})
)

// openOwn opens the effective token for a membership test: the thread's token with TOKEN_QUERY, in the context of the
// process. If the thread does not impersonate, it opens the process token with the rights ofProcess, and primary is
// true.
func (t *Thread) openOwn(ofProcess winnt.AccessMask) (token winnt.Handle, primary bool, st ntstatus.Status) {
	token, st = t.nt.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	if st != ntstatus.NoToken {
		return token, false, st
	}
	token, st = t.nt.NtOpenProcessToken(winnt.NtCurrentProcess, ofProcess)
	return token, true, st
}

// withQuery calls f with a token handle for queries: the given one, or for 0 a handle of the effective token, which it
// closes afterwards. It does not check that a given handle has TOKEN_QUERY.
func (t *Thread) withQuery(token winnt.Handle, f func(winnt.Handle) ntstatus.Status) ntstatus.Status {
	if token != 0 {
		return f(token)
	}
	own, _, st := t.openOwn(winnt.TOKEN_QUERY)
	if !st.IsSuccess() {
		return st
	}
	defer t.nt.NtClose(own)
	return f(own)
}

// CurrentUser returns the user of the effective token: the client's, or else the process's. It returns the status of
// the query if it fails.
func (t *Thread) CurrentUser() (user sid.SID, st ntstatus.Status) {
	st = t.withQuery(0, func(h winnt.Handle) ntstatus.Status {
		v, st := t.nt.NtQueryInformationToken(h, winnt.TokenUser)
		g, _ := v.(token.Group)
		user = g.SID
		return st
	})
	return user, st
}

// isContained reports whether a token belongs to an AppContainer. A given token must be an impersonation token. A
// primary token of an AppContainer is STATUS_NO_IMPERSONATION_TOKEN. For a token outside AppContainers it is false with
// success, whatever the token's type.
func (t *Thread) isContained(token winnt.Handle) (contained bool, st ntstatus.Status) {
	st = t.withQuery(token, func(h winnt.Handle) ntstatus.Status {
		v, st := t.nt.NtQueryInformationToken(h, winnt.TokenIsAppContainer)
		if n, _ := v.(uint32); !st.IsSuccess() || n == 0 {
			return st
		}
		contained = true
		typ, st := t.tokenType(h)
		// A given token must be an impersonation token, as in an access check (O-131).
		if st.IsSuccess() && token != 0 && typ == winnt.TokenPrimary {
			return ntstatus.NoImpersonationToken
		}
		return st
	})
	return contained, st
}

// hasGroup reports whether a SID is enabled in the groups that an information class returns. A malformed SID gives its
// status. The SID must be enabled.
func (t *Thread) hasGroup(h winnt.Handle, class winnt.TokenInfoClass, s nt.Captured[sid.SID]) (has bool,
	st ntstatus.Status) {
	if !s.Status.IsSuccess() {
		return false, s.Status
	}
	st = t.withQuery(h, func(h winnt.Handle) ntstatus.Status {
		v, st := t.nt.NtQueryInformationToken(h, class)
		list, _ := v.([]token.Group)
		// A SID counts where it is enabled (O-133).
		has = slices.ContainsFunc(list, func(g token.Group) bool {
			return g.SID == s.V && g.Attributes&winnt.SE_GROUP_ENABLED != 0
		})
		return st
	})
	return has, st
}

// isMember reports whether a SID is enabled in a token. client is the token's handle; 0 means the calling thread's
// effective token. A handle to a primary token is STATUS_NO_IMPERSONATION_TOKEN. A malformed SID is
// STATUS_INVALID_SID.
func (t *Thread) isMember(client winnt.Handle, s nt.Captured[sid.SID]) (bool, ntstatus.Status) {
	if client == 0 {
		own, primary, st := t.openOwn(winnt.TOKEN_DUPLICATE)
		if !st.IsSuccess() {
			return false, st
		}
		defer t.nt.NtClose(own)
		client = own
		if primary {
			// Of the process's token a copy is checked that only identifies (O-131).
			dup, st := t.duplicate(own, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY, nil, winnt.SecurityIdentification,
				winnt.TokenImpersonation)
			if !st.IsSuccess() {
				return false, st
			}
			defer t.nt.NtClose(dup)
			client = dup
		}
	}
	if !s.Status.IsSuccess() {
		return false, s.Status
	}
	const right = 1
	ace, err := sd.NewACE(sd.AccessAllowed, 0, right, s.V)
	if err != nil {
		return false, ntstatus.InvalidSID
	}
	list, err := sd.NewACL(ace)
	if err != nil {
		return false, ntstatus.InvalidSID
	}
	// The descriptor admits the SID alone (O-131).
	d := sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: list})
	out, st := t.nt.NtAccessCheck(d, client, right,
		winnt.GenericMapping{Read: right, Write: right, Execute: right, All: right})
	return st.IsSuccess() && out.AccessStatus.IsSuccess() && out.GrantedAccess == right, st
}
