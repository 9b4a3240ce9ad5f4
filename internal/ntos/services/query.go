package services

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtQueryInformationToken returns information about a token. If the buffer is too small, it returns
// STATUS_BUFFER_TOO_SMALL and the required length. TokenLinkedToken opens a new handle. An undefined class is
// STATUS_INVALID_INFO_CLASS, decided before the handle. TokenSource needs TOKEN_QUERY_SOURCE instead of TOKEN_QUERY,
// and TokenAuditPolicy needs SeSecurityPrivilege. The value is a snapshot.
func (c *Context) NtQueryInformationToken(in nt.QueryInformationTokenIn) (out nt.QueryInformationTokenOut,
	st ntstatus.Status) {
	// capture
	if in.TokenInformationClass == 0 || in.TokenInformationClass > winnt.MaxTokenInfoClass {
		// The class is not defined.
		return out, c.Fail("T-80", ntstatus.InvalidInfoClass)
	}
	if in.FaultReturnLength != ntstatus.Success {
		// The place for the length is tried before the handle.
		return out, c.Fail("T-80", in.FaultReturnLength)
	}
	// reference
	want := winnt.TOKEN_QUERY
	if in.TokenInformationClass == winnt.TokenSource {
		want = winnt.TOKEN_QUERY_SOURCE // the only class that needs it (T-80)
	}
	// The handle must grant the right of the class; the level of the token does not matter (T-82).
	tok, st := c.referenceToken(in.TokenHandle, want)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	// decide
	if in.TokenInformationClass == winnt.TokenLinkedToken {
		return c.queryLinkedToken(tok, in.TokenInformationLength)
	}
	if in.TokenInformationClass == winnt.TokenAuditPolicy && !c.holds(winnt.SeSecurityPrivilege) {
		// The audit policy of a token requires SeSecurityPrivilege.
		return out, c.Fail("T-80", ntstatus.PrivilegeNotHeld)
	}
	value, need, st := QueryToken(tok, in.TokenInformationClass)
	if st != ntstatus.Success {
		// This token has no answer to the class.
		return out, c.Fail("T-80", st)
	}
	out.ReturnLength = need
	if in.TokenInformationLength < need {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	out.TokenInformation = value // later changes of the token do not touch it (T-81)
	return out, ntstatus.Success
}

// QueryToken returns the value of an information class and its size on 64-bit Windows in bytes (T-80). It checks no
// right and no privilege. It returns STATUS_INVALID_INFO_CLASS for a class that the token does not have and for
// TokenLinkedToken, whose value is a handle. It returns STATUS_NOT_FOUND for TokenLogonSid of a token without one.
func QueryToken(t *se.TokenObject, class winnt.TokenInfoClass) (value any, need uint32, st ntstatus.Status) {
	if class > winnt.MaxTokenInfoClass || classes[class] == nil {
		// The class is not defined (T-80).
		return nil, 0, ntstatus.InvalidInfoClass
	}
	v := t.Value()
	switch {
	case class == winnt.TokenImpersonationLevel && v.Type() == winnt.TokenPrimary:
		return nil, 0, ntstatus.InvalidInfoClass // a primary token has no level (T-80)
	case class == winnt.TokenLogonSid:
		if _, ok := v.LogonSID(); !ok {
			// The token has no logon SID (T-80).
			return nil, 0, ntstatus.NotFound
		}
	}
	value, need = classes[class](t, v)
	return value, need, ntstatus.Success
}

// queryLinkedToken returns the TokenLinkedToken information: a handle to a copy of the linked token. With
// SeTcbPrivilege the copy is a primary token. Without it the copy is an impersonation token at
// SecurityIdentification. A token without a linked token is STATUS_NO_SUCH_LOGON_SESSION. A buffer that is too small
// is STATUS_BUFFER_TOO_SMALL with the required length.
func (c *Context) queryLinkedToken(t *se.TokenObject, length uint32) (out nt.QueryInformationTokenOut,
	st ntstatus.Status) {
	// decide
	linked := c.Sys.Security.Sessions.Linked(t.Value())
	if linked == nil {
		// The token's session has no linked session.
		return out, c.Fail("T-80", ntstatus.NoSuchLogonSession)
	}
	out.ReturnLength = pointerSize
	if length < pointerSize {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	if c.Sys.Fault("se: copy token") {
		return out, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	if c.holds(winnt.SeTcbPrivilege) {
		// A caller with SeTcbPrivilege gets the linked token as a primary one (T-80).
		linked = linked.WithTypeLevel(winnt.TokenPrimary, 0)
	} else {
		// Another caller gets a token that is good for questions only (T-80).
		linked = linked.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	}
	dup := c.Sys.Security.NewToken(linked, c.defaultTokenDescriptor())
	defer dup.Deref(ob.TagCall)
	// commit
	h, st := c.insertNew(dup, winnt.TOKEN_ALL_ACCESS, 0)
	if st != ntstatus.Success {
		return out, st
	}
	out.TokenInformation = h
	return out, ntstatus.Success
}

// NtQuerySecurityAttributesToken returns the token's own security attributes: those with the given names, or all for an
// empty list. It returns STATUS_NOT_FOUND if the token has none of the names. If the buffer is too small, it returns
// STATUS_BUFFER_TOO_SMALL and sets only ReturnLength. With an empty list, a token without attributes gives an empty
// result.
func (c *Context) NtQuerySecurityAttributesToken(
	in nt.QuerySecurityAttributesTokenIn,
) (out nt.QuerySecurityAttributesTokenOut, st ntstatus.Status) {
	// capture
	if in.Attributes.Status != ntstatus.Success {
		return out, c.Fail("T-80", in.Attributes.Status)
	}
	// reference
	// A pseudo handle of a token serves here (O-15).
	v, st := c.tokenValue(in.TokenHandle, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return out, st
	}
	// decide
	var list []claims.Attribute
	for _, a := range v.LocalAttributes().All() {
		if len(in.Attributes.V) == 0 || hasName(in.Attributes.V, a.Name) {
			list = append(list, a)
		}
	}
	if len(in.Attributes.V) > 0 && list == nil {
		// The token has no attribute of that name.
		return out, c.Fail("T-80", ntstatus.NotFound)
	}
	out.ReturnLength = attributesSize(list)
	if in.Length < out.ReturnLength {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	out.Buffer = list
	return out, ntstatus.Success
}

// hasName reports whether the list contains a name, compared as claims.EqualName does.
func hasName(names []string, name string) bool {
	for _, n := range names {
		if claims.EqualName(n, name) {
			return true
		}
	}
	return false
}

// statistics returns the value of class TokenStatistics for the token t with the value v.
func statistics(t *se.TokenObject, v *token.Token) nt.TokenStatistics {
	return nt.TokenStatistics{
		TokenID: t.ID(), AuthenticationID: v.AuthenticationID(), ExpirationTime: v.ExpirationTime(),
		// A primary token reports a level that no decision reads (T-54).
		TokenType: v.Type(), ImpersonationLevel: v.Level(),
		DynamicCharged: v.DynamicCharged(), DynamicAvailable: v.DynamicAvailable(),
		GroupCount: uint32(v.GroupCount()), PrivilegeCount: uint32(v.PrivilegeCount()), ModifiedID: v.ModifiedID(),
	}
}
