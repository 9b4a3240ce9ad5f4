package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Sizes on 64-bit Windows, in bytes (20 section 10).
const (
	sidAndAttributes = 16
	pointerSize      = 8
	listHeader       = 8 // count, padded to the pointer that follows
	statisticsSize   = 56
)

// class is how one information class is answered: the value and the size it
// has in C. A nil answer is a class this kernel cannot answer yet.
type class struct {
	right  winnt.AccessMask
	answer func(*se.TokenObject, *token.Token) (any, uint32, ntstatus.Status)
}

// needs is the right a query of the class asks of the handle; a class without
// an answer asks TOKEN_QUERY all the same (T-80).
func (r *class) needs() winnt.AccessMask {
	if r.answer == nil {
		return winnt.TOKEN_QUERY
	}
	return r.right
}

var classes = [winnt.MaxTokenInfoClass + 1]class{
	winnt.TokenUser: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.User(), uint32(sidAndAttributes + v.User().SID.Len()), 0
	}},
	winnt.TokenGroups: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return groupList(v.Groups())
	}},
	winnt.TokenPrivileges: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		var list []nt.LUIDAndAttributes
		for p, a := range v.Privileges() {
			list = append(list, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: a})
		}
		return list, uint32(privilegesHeader + privilegeSize*len(list)), 0
	}},
	winnt.TokenOwner: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return sidPointer(v.Owner())
	}},
	winnt.TokenPrimaryGroup: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return sidPointer(v.PrimaryGroup())
	}},
	winnt.TokenDefaultDacl: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.DefaultDACL(), uint32(pointerSize + v.DefaultDACL().Size()), 0
	}},
	winnt.TokenSource: {winnt.TOKEN_QUERY_SOURCE, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.Source(), 16, 0
	}},
	winnt.TokenTypeInfo: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.Type(), 4, 0
	}},
	winnt.TokenImpersonationLevel: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		if v.Type() == winnt.TokenPrimary {
			return nil, 0, ntstatus.InvalidInfoClass // T-80: a primary token has no level
		}
		return v.Level(), 4, 0
	}},
	winnt.TokenStatistics: {winnt.TOKEN_QUERY, func(t *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return statistics(t, v), statisticsSize, 0
	}},
	winnt.TokenRestrictedSids: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return groupList(v.Restricted())
	}},
	winnt.TokenSessionId: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.SessionID(), 4, 0
	}},
	winnt.TokenElevationType: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.ElevationType(), 4, 0
	}},
	winnt.TokenElevation: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return flag(v.IsElevated()), 4, 0
	}},
	winnt.TokenIntegrityLevel: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		g := v.IntegrityLevel()
		return g, uint32(sidAndAttributes + g.SID.Len()), 0
	}},
	winnt.TokenMandatoryPolicy: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return v.MandatoryPolicy(), 4, 0
	}},
	winnt.TokenIsRestricted: {winnt.TOKEN_QUERY, func(_ *se.TokenObject, v *token.Token) (any, uint32, ntstatus.Status) {
		return flag(v.IsRestricted()), 4, 0
	}},
}

// NtQueryInformationToken tells a fact about a token.
func (c *Context) NtQueryInformationToken(in nt.QueryInformationTokenIn) (out nt.QueryInformationTokenOut, st ntstatus.Status) {
	// capture
	if in.TokenInformationClass == 0 || in.TokenInformationClass > winnt.MaxTokenInfoClass {
		return out, c.Fail("T-80", ntstatus.InvalidInfoClass) // T-80
	}
	row := &classes[in.TokenInformationClass]
	if in.FaultReturnLength != ntstatus.Success {
		return out, c.Fail("T-80", in.FaultReturnLength) // T-80: probes before the handle
	}
	// reference
	tok, st := c.referenceToken(in.TokenHandle, row.needs()) // T-80, T-82: no level is asked for
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	// decide
	if row.answer == nil {
		return out, c.Fail("T-80", ntstatus.InvalidInfoClass) // T-80: after the handle
	}
	value, need, st := row.answer(tok, tok.Value())
	if st != ntstatus.Success {
		return out, c.Fail("T-80", st)
	}
	out.ReturnLength = need
	if in.TokenInformationLength < need {
		return out, c.Fail("T-80", ntstatus.BufferTooSmall) // T-80
	}
	out.TokenInformation = value // T-81: a value
	return out, ntstatus.Success
}

func statistics(t *se.TokenObject, v *token.Token) nt.TokenStatistics {
	n := 0
	for range v.Privileges() {
		n++
	}
	return nt.TokenStatistics{
		TokenID: t.ID(), AuthenticationID: v.AuthenticationID(), ExpirationTime: v.ExpirationTime(),
		TokenType: v.Type(), ImpersonationLevel: v.Level(), // T-54
		DynamicCharged: v.DynamicCharged(), DynamicAvailable: v.DynamicAvailable(),
		GroupCount: uint32(v.GroupCount()), PrivilegeCount: uint32(n), ModifiedID: v.ModifiedID(),
	}
}

func groupList(all func(func(int, token.Group) bool)) (any, uint32, ntstatus.Status) {
	var list []token.Group
	size := listHeader
	for _, g := range all {
		list = append(list, g)
		size += sidAndAttributes + g.SID.Len()
	}
	return list, uint32(size), 0
}

func sidPointer(s sid.SID) (any, uint32, ntstatus.Status) {
	return s, uint32(pointerSize + s.Len()), 0
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
