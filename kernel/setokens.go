package kernel

import (
	"reflect"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Kernel-mode forms of the services that make, change and compare tokens (O-2).
var (
	_ = zw("ZwCreateToken", nt.Services.NtCreateToken)
	_ = zw("ZwCreateTokenEx", nt.Services.NtCreateTokenEx)
	_ = zw("ZwCreateLowBoxToken", nt.Services.NtCreateLowBoxToken)
	_ = zw("ZwFilterToken", nt.Services.NtFilterToken)
	_ = zw("ZwFilterTokenEx", nt.Services.NtFilterTokenEx)
	_ = zw("ZwAdjustGroupsToken", nt.Services.NtAdjustGroupsToken)
	_ = zw("ZwAdjustTokenClaimsAndDeviceGroups", nt.Services.NtAdjustTokenClaimsAndDeviceGroups)
	_ = zw("ZwCompareTokens", nt.Services.NtCompareTokens)
	_ = zw("ZwSetInformationToken", nt.Services.NtSetInformationToken)
	_ = zw("ZwQuerySecurityAttributesToken", nt.Services.NtQuerySecurityAttributesToken)
	_ = zw("ZwAllocateLocallyUniqueId", nt.Services.NtAllocateLocallyUniqueId)
)

// LogonSessionTerminatedRoutine is a callback for ended logon sessions,
// registered and unregistered by its address.
type LogonSessionTerminatedRoutine = se.LogonSessionTerminatedRoutine

// RoutineType is the reflected type by which a binding knows a callback.
var RoutineType = reflect.TypeFor[*LogonSessionTerminatedRoutine]()

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

	SeSinglePrivilegeCheckIn struct {
		PrivilegeValue winnt.LUID
		PreviousMode   ProcessorMode
	}
	SePrivilegeCheckIn struct {
		RequiredPrivileges     nt.Captured[*nt.PrivilegeSet]
		SubjectSecurityContext *SubjectContext
		AccessMode             ProcessorMode
	}
	SePrivilegeCheckOut struct {
		RequiredPrivileges *nt.PrivilegeSet // with USED_FOR_ACCESS set on those found
		Result             bool
	}

	SeMarkLogonSessionIn struct {
		LogonID winnt.LUID `param:"LogonId"`
	}
	SeMarkLogonSessionOut           struct{}
	SeLogonSessionTerminatedRoutine struct {
		CallbackRoutine *LogonSessionTerminatedRoutine
	}
	SeLogonSessionTerminatedRoutineOut struct{}
)

// ask is a row that answers a question about a token and cannot fail.
func ask[O any](name, summary string, f func(*token.Token) O) *nt.Entry[*KernelThread, SeTokenIn, O] {
	return simple(name, summary, always("T-103", "always"), func(_ *KernelThread, in SeTokenIn) (O, ntstatus.Status) {
		return f(in.Token.Value()), ntstatus.Success // T-103
	})
}

var (
	rowSeTokenIsAdmin = ask("SeTokenIsAdmin", "tells whether a token is an administrator's",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.IsAdmin()} })
	rowSeTokenIsRestricted = ask("SeTokenIsRestricted", "tells whether a token has restricting SIDs",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.IsRestricted()} })
	rowSeTokenIsWriteRestricted = ask("SeTokenIsWriteRestricted", "tells whether the restricting SIDs of a token limit writing only",
		func(v *token.Token) SeTokenBoolOut { return SeTokenBoolOut{v.WriteRestricted()} })
	rowSeTokenType = ask("SeTokenType", "tells the type of a token",
		func(v *token.Token) SeTokenTypeOut { return SeTokenTypeOut{v.Type()} })
	rowSeTokenImpersonationLevel = ask("SeTokenImpersonationLevel", "tells the impersonation level of a token",
		func(v *token.Token) SeTokenLevelOut { return SeTokenLevelOut{v.Level()} })
	rowSeQueryAuthenticationIDToken = ask("SeQueryAuthenticationIdToken", "tells the logon session of a token",
		func(v *token.Token) SeQueryAuthenticationIDTokenOut {
			return SeQueryAuthenticationIDTokenOut{v.AuthenticationID()}
		})
	rowSeQuerySessionIDToken = ask("SeQuerySessionIdToken", "tells the terminal-services session of a token",
		func(v *token.Token) SeQuerySessionIDTokenOut { return SeQuerySessionIDTokenOut{v.SessionID()} })

	rowSeQueryInformationToken = simple("SeQueryInformationToken", "tells a fact about a token", []nt.Condition{
		{Status: ntstatus.InvalidInfoClass, Rule: "T-80", When: "a class that is unknown or cannot be queried, TokenLinkedToken, or TokenImpersonationLevel of a primary token"},
		{Status: ntstatus.NotFound, Rule: "T-80", When: "TokenLogonSid: the token has none"},
	}, func(k *KernelThread, in SeQueryInformationTokenIn) (out SeQueryInformationTokenOut, st ntstatus.Status) {
		out.TokenInformation, _, st = services.QueryToken(in.Token, in.TokenInformationClass) // T-103: no handle, no rights
		if st != ntstatus.Success {
			k.ctx.Fail("T-80", st)
		}
		return out, st
	})

	rowSeFilterToken = simple("SeFilterToken", "makes a restricted version of a token", []nt.Condition{
		{Status: ntstatus.InvalidParameter, Rule: "T-60", When: "Flags outside 0xF"},
		{Status: ntstatus.AccessViolation, Rule: "T-60", When: "a list cannot be read"},
		{Status: ntstatus.InvalidSID, Rule: "T-60", When: "a list holds a malformed SID"},
		{Status: ntstatus.InvalidParameter, Rule: "T-63", When: "a restricting SID has attributes"},
		{Status: ntstatus.InsufficientResources, Rule: "O-81", When: "memory ran out"},
	}, func(k *KernelThread, in SeFilterTokenIn) (out SeFilterTokenOut, st ntstatus.Status) {
		t, st := k.ctx.FilterObject(in.ExistingToken, nt.FilterTokenExIn{Flags: in.Flags, SIDsToDisable: in.SIDsToDisable,
			PrivilegesToDelete: in.PrivilegesToDelete, RestrictedSIDs: in.RestrictedSIDs})
		if st == ntstatus.Success {
			t.Retag(ob.TagCall, ob.TagContext)
		}
		return SeFilterTokenOut{t}, st
	})

	rowSeSinglePrivilegeCheck = simple("SeSinglePrivilegeCheck", "tells whether the calling thread may use a privilege", always("T-102", "always; Result is TRUE for KernelMode"),
		func(k *KernelThread, in SeSinglePrivilegeCheckIn) (SeTokenBoolOut, ntstatus.Status) {
			s := k.Thread().Subject()
			set := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: in.PrivilegeValue}}}
			_, held := privilegesOf(set, &s, in.PreviousMode) // T-102
			return SeTokenBoolOut{held}, ntstatus.Success
		})

	rowSePrivilegeCheck = simple("SePrivilegeCheck", "tells whether a captured context may use privileges", always("T-102", "always; Result is TRUE for KernelMode"),
		func(_ *KernelThread, in SePrivilegeCheckIn) (SePrivilegeCheckOut, ntstatus.Status) {
			s := in.SubjectSecurityContext.Subject()
			set, held := privilegesOf(in.RequiredPrivileges.V, &s, in.AccessMode)
			return SePrivilegeCheckOut{set, held}, ntstatus.Success
		})

	rowSeMarkLogonSession = simple("SeMarkLogonSessionForTerminationNotification", "makes the end of a logon session known to the registered routines",
		[]nt.Condition{{Status: ntstatus.NotFound, Rule: "T-5", When: "LogonId names no logon session"}},
		func(k *KernelThread, in SeMarkLogonSessionIn) (out SeMarkLogonSessionOut, st ntstatus.Status) {
			if st := k.sys.sys.Security.Sessions.MarkForNotification(in.LogonID); st != ntstatus.Success {
				return out, k.ctx.Fail("T-5", st)
			}
			return out, ntstatus.Success
		})
	rowSeRegisterRoutine = simple("SeRegisterLogonSessionTerminatedRoutine", "registers a routine for the end of logon sessions", always("T-5", "always"),
		func(k *KernelThread, in SeLogonSessionTerminatedRoutine) (out SeLogonSessionTerminatedRoutineOut, st ntstatus.Status) {
			k.sys.sys.Security.Sessions.Register(in.CallbackRoutine)
			return out, ntstatus.Success
		})
	rowSeUnregisterRoutine = simple("SeUnregisterLogonSessionTerminatedRoutine", "removes a routine for the end of logon sessions",
		[]nt.Condition{{Status: ntstatus.NotFound, Rule: "T-5", When: "the routine is not registered"}},
		func(k *KernelThread, in SeLogonSessionTerminatedRoutine) (out SeLogonSessionTerminatedRoutineOut, st ntstatus.Status) {
			if st := k.sys.sys.Security.Sessions.Unregister(in.CallbackRoutine); st != ntstatus.Success {
				return out, k.ctx.Fail("T-5", st)
			}
			return out, ntstatus.Success
		})
)

// privilegesOf marks the privileges of a set that a subject may use (T-101),
// and tells whether they are enough; an impersonation token below
// SecurityImpersonation may use none, and kernel mode all (T-102).
func privilegesOf(set *nt.PrivilegeSet, s *access.Subject, m ProcessorMode) (*nt.PrivilegeSet, bool) {
	if set == nil {
		set = &nt.PrivilegeSet{}
	}
	if m == KernelMode {
		return set, true // T-102
	}
	if s.Client != nil && s.Level < winnt.SecurityImpersonation {
		return set, false // T-102
	}
	return services.MarkPrivileges(set, s.Effective())
}

// SeTokenIsAdmin tells whether a token is an administrator's (T-103).
func (k *KernelThread) SeTokenIsAdmin(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsAdmin, SeTokenIn{t})
	return out.Result
}

// SeTokenIsRestricted tells whether a token has restricting SIDs.
func (k *KernelThread) SeTokenIsRestricted(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsRestricted, SeTokenIn{t})
	return out.Result
}

// SeTokenIsWriteRestricted tells whether they limit writing only.
func (k *KernelThread) SeTokenIsWriteRestricted(t *AccessToken) bool {
	out, _ := call(k, rowSeTokenIsWriteRestricted, SeTokenIn{t})
	return out.Result
}

// SeTokenType is the type of a token.
func (k *KernelThread) SeTokenType(t *AccessToken) winnt.TokenType {
	out, _ := call(k, rowSeTokenType, SeTokenIn{t})
	return out.Result
}

// SeTokenImpersonationLevel is the level of a token; without meaning for a
// primary one.
func (k *KernelThread) SeTokenImpersonationLevel(t *AccessToken) winnt.SecurityImpersonationLevel {
	out, _ := call(k, rowSeTokenImpersonationLevel, SeTokenIn{t})
	return out.Result
}

// SeQueryAuthenticationIdToken is the logon session of a token.
func (k *KernelThread) SeQueryAuthenticationIdToken(t *AccessToken) winnt.LUID {
	out, _ := call(k, rowSeQueryAuthenticationIDToken, SeTokenIn{t})
	return out.AuthenticationID
}

// SeQuerySessionIdToken is the terminal-services session of a token.
func (k *KernelThread) SeQuerySessionIdToken(t *AccessToken) uint32 {
	out, _ := call(k, rowSeQuerySessionIDToken, SeTokenIn{t})
	return out.SessionID
}

// SeQueryInformationToken answers an information class of a token, by no
// handle and so without rights (T-103).
func (k *KernelThread) SeQueryInformationToken(t *AccessToken, class winnt.TokenInfoClass) (any, ntstatus.Status) {
	out, st := call(k, rowSeQueryInformationToken, SeQueryInformationTokenIn{t, class})
	return out.TokenInformation, st
}

// SeFilterToken makes a restricted version of a token. The caller owns one
// reference, dropped with PsDereferencePrimaryToken or
// PsDereferenceImpersonationToken.
func (k *KernelThread) SeFilterToken(in SeFilterTokenIn) (*AccessToken, ntstatus.Status) {
	out, st := call(k, rowSeFilterToken, in)
	return out.FilteredToken, st
}

// SeSinglePrivilegeCheck tells whether the calling thread may use a privilege
// (T-102).
func (k *KernelThread) SeSinglePrivilegeCheck(privilege winnt.LUID, mode ProcessorMode) bool {
	out, _ := call(k, rowSeSinglePrivilegeCheck, SeSinglePrivilegeCheckIn{privilege, mode})
	return out.Result
}

// SePrivilegeCheck tells whether a captured context may use privileges, all or
// one of them by set.Control, and returns the set with those marked (T-102).
func (k *KernelThread) SePrivilegeCheck(set *nt.PrivilegeSet, c *SubjectContext, mode ProcessorMode) (found *nt.PrivilegeSet, result bool) {
	out, _ := call(k, rowSePrivilegeCheck, SePrivilegeCheckIn{nt.Cap(set), c, mode})
	return out.RequiredPrivileges, out.Result
}

// SeMarkLogonSessionForTerminationNotification makes the end of a logon
// session known to the registered routines; STATUS_NOT_FOUND for an unknown one.
func (k *KernelThread) SeMarkLogonSessionForTerminationNotification(id winnt.LUID) ntstatus.Status {
	_, st := call(k, rowSeMarkLogonSession, SeMarkLogonSessionIn{id})
	return st
}

// SeRegisterLogonSessionTerminatedRoutine registers a routine.
func (k *KernelThread) SeRegisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeRegisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// SeUnregisterLogonSessionTerminatedRoutine removes a routine; STATUS_NOT_FOUND
// if it is not registered.
func (k *KernelThread) SeUnregisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeUnregisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// OpenLogonSession makes a logon session with a new identifier, as an
// authentication package does before it has tokens made for it (T-5). It lives
// until its last token goes.
func (s *System) OpenLogonSession() winnt.LUID {
	id := s.sys.Security.AllocateLUID()
	s.sys.Security.Sessions.Open(id)
	return id
}
