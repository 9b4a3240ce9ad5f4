package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the Se* routines that take a token.
type (
	SeTokenIn       struct{ Token *AccessToken }
	SeTokenBoolOut  struct{ Result bool }
	SeTokenTypeOut  struct{ Result winnt.TokenType }
	SeTokenLevelOut struct {
		Result winnt.SecurityImpersonationLevel
	}

	SeQueryAuthenticationIDTokenOut struct {
		AuthenticationID winnt.LUID `param:"AuthenticationId"`
	}
	SeQuerySessionIDTokenOut struct {
		SessionID uint32 `param:"SessionId"`
	}

	SeQueryInformationTokenIn struct {
		Token                 *AccessToken
		TokenInformationClass winnt.TokenInfoClass
	}
	SeQueryInformationTokenOut struct{ TokenInformation any }

	SeFilterTokenIn struct {
		ExistingToken      *AccessToken
		Flags              uint32
		SIDsToDisable      nt.Captured[[]token.Group] `param:"SidsToDisable"`
		PrivilegesToDelete nt.Captured[[]nt.LUIDAndAttributes]
		RestrictedSIDs     nt.Captured[[]token.Group] `param:"RestrictedSids"`
	}
	SeFilterTokenOut struct{ FilteredToken *AccessToken }
)

// addQuery adds a routine to [Table] that reads one property of a token, such as SeTokenType, and cannot fail. f
// returns the property.
func addQuery[O any](name, summary string, f func(*token.Token) O) *nt.Entry[*KernelThread, SeTokenIn, O] {
	return simple(name, summary, always("T-103", "always"), func(_ *KernelThread, in SeTokenIn) (O, ntstatus.Status) {
		// The token's value of this moment answers (T-103).
		return f(in.Token.Value()), ntstatus.Success
	})
}

var (
	rowSeTokenIsAdmin = addQuery("SeTokenIsAdmin", "reports whether a token is an administrator's",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.IsAdmin()} })
	rowSeTokenIsRestricted = addQuery("SeTokenIsRestricted", "reports whether a token has restricting SIDs",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.IsRestricted()} })
	rowSeTokenIsWriteRestricted = addQuery(
		"SeTokenIsWriteRestricted", "reports whether the restricting SIDs of a token limit writing only",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.WriteRestricted()} })
	rowSeTokenType = addQuery("SeTokenType", "returns the type of a token",
		func(v *token.Token) SeTokenTypeOut { return SeTokenTypeOut{v.Type()} })
	rowSeTokenImpersonationLevel = addQuery("SeTokenImpersonationLevel", "returns the impersonation level of a token",
		func(v *token.Token) SeTokenLevelOut { return SeTokenLevelOut{v.Level()} })
	rowSeQueryAuthenticationIDToken = addQuery("SeQueryAuthenticationIdToken", "returns the logon session of a token",
		func(v *token.Token) SeQueryAuthenticationIDTokenOut {
			return SeQueryAuthenticationIDTokenOut{v.AuthenticationID()}
		})
	rowSeQuerySessionIDToken = addQuery("SeQuerySessionIdToken", "returns the terminal-services session of a token",
		func(v *token.Token) SeQuerySessionIDTokenOut { return SeQuerySessionIDTokenOut{v.SessionID()} })

	rowSeQueryInformationToken = simple("SeQueryInformationToken", "returns information about a token", []nt.Condition{
		{
			Status: ntstatus.InvalidInfoClass,
			Rule:   "T-80",
			When: "a class that is unknown or cannot be queried, TokenLinkedToken, or " +
				"TokenImpersonationLevel of a primary token",
		},
		{Status: ntstatus.NotFound, Rule: "T-80", When: "TokenLogonSid: the token has no logon SID"},
	}, func(k *KernelThread, in SeQueryInformationTokenIn) (out SeQueryInformationTokenOut, st ntstatus.Status) {
		out.TokenInformation, _, st = services.QueryToken(
			in.Token, in.TokenInformationClass) // T-103: no handle, no rights
		if st != ntstatus.Success {
			k.ctx.Fail("T-80", st)
		}
		return out, st
	})

	rowSeFilterToken = simple("SeFilterToken", "creates a restricted copy of a token", []nt.Condition{
		{Status: ntstatus.InvalidParameter, Rule: "T-60", When: "Flags outside 0xF"},
		{Status: ntstatus.AccessViolation, Rule: "T-60", When: "a list is not readable"},
		{Status: ntstatus.InvalidSID, Rule: "T-60", When: "a list holds a malformed SID"},
		{Status: ntstatus.InvalidParameter, Rule: "T-63", When: "a restricting SID has attributes"},
		{Status: ntstatus.InsufficientResources, Rule: "O-81", When: "not enough memory"},
	}, func(k *KernelThread, in SeFilterTokenIn) (out SeFilterTokenOut, st ntstatus.Status) {
		t, st := k.ctx.FilterObject(
			in.ExistingToken,
			nt.FilterTokenExIn{Flags: in.Flags, SIDsToDisable: in.SIDsToDisable,
				PrivilegesToDelete: in.PrivilegesToDelete, RestrictedSIDs: in.RestrictedSIDs},
		)
		if st == ntstatus.Success {
			t.Retag(ob.TagCall, ob.TagContext)
		}
		return SeFilterTokenOut{t}, st
	})
)

// SeTokenIsAdmin reports whether a token is an administrator's (T-103).
func (k *KernelThread) SeTokenIsAdmin(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsAdmin, SeTokenIn{t})
	return out.Result
}

// SeTokenIsRestricted reports whether a token has restricting SIDs.
func (k *KernelThread) SeTokenIsRestricted(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsRestricted, SeTokenIn{t})
	return out.Result
}

// SeTokenIsWriteRestricted reports whether a token's restricting SIDs limit
// only writing.
func (k *KernelThread) SeTokenIsWriteRestricted(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsWriteRestricted, SeTokenIn{t})
	return out.Result
}

// SeTokenType returns the type of a token.
func (k *KernelThread) SeTokenType(t *AccessToken) winnt.TokenType {
	out, _ := call(k, rowSeTokenType, SeTokenIn{t})
	return out.Result
}

// SeTokenImpersonationLevel returns the level of a token. It has no meaning for
// a primary token.
func (k *KernelThread) SeTokenImpersonationLevel(t *AccessToken) winnt.SecurityImpersonationLevel {
	out, _ := call(k, rowSeTokenImpersonationLevel, SeTokenIn{t})
	return out.Result
}

// SeQueryAuthenticationIdToken returns the logon session of a token.
func (k *KernelThread) SeQueryAuthenticationIdToken(t *AccessToken) winnt.LUID {
	out, _ := call(k, rowSeQueryAuthenticationIDToken, SeTokenIn{t})
	return out.AuthenticationID
}

// SeQuerySessionIdToken returns the terminal-services session of a token.
func (k *KernelThread) SeQuerySessionIdToken(t *AccessToken) uint32 {
	out, _ := call(k, rowSeQuerySessionIDToken, SeTokenIn{t})
	return out.SessionID
}

// SeQueryInformationToken returns the information of a class of a token. It takes no handle and checks no rights
// (T-103). A class that it does not have gives STATUS_INVALID_INFO_CLASS.
func (k *KernelThread) SeQueryInformationToken(t *AccessToken, class winnt.TokenInfoClass) (any, ntstatus.Status) {
	out, st := call(k, rowSeQueryInformationToken, SeQueryInformationTokenIn{t, class})
	return out.TokenInformation, st
}

// SeFilterToken creates a restricted version of a token. A malformed SID gives STATUS_INVALID_SID, an unknown flag
// STATUS_INVALID_PARAMETER. The caller owns one reference and drops it with PsDereferencePrimaryToken or
// PsDereferenceImpersonationToken.
func (k *KernelThread) SeFilterToken(in SeFilterTokenIn) (*AccessToken, ntstatus.Status) {
	out, st := call(k, rowSeFilterToken, in)
	return out.FilteredToken, st
}
