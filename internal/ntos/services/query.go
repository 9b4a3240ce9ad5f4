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

// NtQueryInformationToken tells a fact about a token.
func (c *Context) NtQueryInformationToken(in nt.QueryInformationTokenIn) (out nt.QueryInformationTokenOut,
	st ntstatus.Status) {
	// capture
	if in.TokenInformationClass == 0 || in.TokenInformationClass > winnt.MaxTokenInfoClass {
		return out, c.Fail("T-80", ntstatus.InvalidInfoClass)
	}
	if in.FaultReturnLength != ntstatus.Success {
		return out, c.Fail("T-80", in.FaultReturnLength) // T-80: probes before the handle
	}
	// reference
	want := winnt.TOKEN_QUERY
	if in.TokenInformationClass == winnt.TokenSource {
		want = winnt.TOKEN_QUERY_SOURCE // T-80: the only class that needs it
	}
	tok, st := c.referenceToken(in.TokenHandle, want) // T-80, T-82: no level is asked for
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	// decide
	if in.TokenInformationClass == winnt.TokenLinkedToken {
		return c.queryLinkedToken(tok, in.TokenInformationLength)
	}
	if in.TokenInformationClass == winnt.TokenAuditPolicy && !c.holds(winnt.SeSecurityPrivilege) {
		return out, c.Fail("T-80", ntstatus.PrivilegeNotHeld)
	}
	value, need, st := QueryToken(tok, in.TokenInformationClass)
	if st != ntstatus.Success {
		return out, c.Fail("T-80", st) // T-80: not a class of this token
	}
	out.ReturnLength = need
	if in.TokenInformationLength < need {
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	out.TokenInformation = value // T-81: a value
	return out, ntstatus.Success
}

// QueryToken answers an information class of a token and tells its size on
// 64-bit Windows in bytes (T-80). It asks for no right and no privilege.
// TokenLinkedToken, whose answer is a handle, is not among its classes.
// STATUS_INVALID_INFO_CLASS: a class this token has no answer to.
func QueryToken(t *se.TokenObject, class winnt.TokenInfoClass) (value any, need uint32, st ntstatus.Status) {
	if class > winnt.MaxTokenInfoClass || classes[class] == nil {
		return nil, 0, ntstatus.InvalidInfoClass // T-80
	}
	v := t.Value()
	switch {
	case class == winnt.TokenImpersonationLevel && v.Type() == winnt.TokenPrimary:
		return nil, 0, ntstatus.InvalidInfoClass // T-80: a primary token has no level
	case class == winnt.TokenLogonSid:
		if _, ok := v.LogonSID(); !ok {
			return nil, 0, ntstatus.NotFound // T-80
		}
	}
	value, need = classes[class](t, v)
	return value, need, ntstatus.Success
}

// queryLinkedToken answers TokenLinkedToken: a handle to a new object, so that
// nothing done to it touches the token it stands for.
func (c *Context) queryLinkedToken(t *se.TokenObject, length uint32) (out nt.QueryInformationTokenOut,
	st ntstatus.Status) {
	// decide
	linked := c.Sys.Security.Sessions.Linked(t.Value())
	if linked == nil {
		return out, c.Fail("T-80", ntstatus.NoSuchLogonSession)
	}
	out.ReturnLength = pointerSize
	if length < pointerSize {
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	if c.Sys.Fault("se: copy token") {
		return out, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	if c.holds(winnt.SeTcbPrivilege) {
		linked = linked.WithTypeLevel(winnt.TokenPrimary, 0) // T-80
	} else {
		// T-80: good for asking only
		linked = linked.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	}
	dup := c.Sys.Security.NewToken(linked, c.newTokenDescriptor(nil))
	defer dup.Deref(ob.TagCall)
	// commit
	h, st := c.insert(dup, winnt.TOKEN_ALL_ACCESS, 0)
	if st != ntstatus.Success {
		return out, st
	}
	out.TokenInformation = h
	return out, ntstatus.Success
}

// NtQuerySecurityAttributesToken tells the token's own security attributes.
func (c *Context) NtQuerySecurityAttributesToken(
	in nt.QuerySecurityAttributesTokenIn,
) (out nt.QuerySecurityAttributesTokenOut, st ntstatus.Status) {
	// capture
	if in.Attributes.Status != ntstatus.Success {
		return out, c.Fail("T-80", in.Attributes.Status)
	}
	// reference
	v, st := c.tokenValue(in.TokenHandle, winnt.TOKEN_QUERY) // O-15
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
		return out, c.Fail("T-80", ntstatus.NotFound)
	}
	out.ReturnLength = attributesSize(list)
	if in.Length < out.ReturnLength {
		return out, c.Fail("T-80", ntstatus.BufferTooSmall)
	}
	out.Buffer = list
	return out, ntstatus.Success
}

func hasName(names []string, name string) bool {
	for _, n := range names {
		if claims.EqualName(n, name) {
			return true
		}
	}
	return false
}

func statistics(t *se.TokenObject, v *token.Token) nt.TokenStatistics {
	return nt.TokenStatistics{
		TokenID: t.ID(), AuthenticationID: v.AuthenticationID(), ExpirationTime: v.ExpirationTime(),
		TokenType: v.Type(), ImpersonationLevel: v.Level(), // T-54
		DynamicCharged: v.DynamicCharged(), DynamicAvailable: v.DynamicAvailable(),
		GroupCount: uint32(v.GroupCount()), PrivilegeCount: uint32(v.PrivilegeCount()), ModifiedID: v.ModifiedID(),
	}
}
