package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// naturalSize is a length that stands for the fixed or header size of the class.
const naturalSize = ^uint32(0)

// setter describes how NtSetInformationToken sets one information class: the size of the value, the right and privilege
// it needs, and change, which returns the new value of the token. If keeps is true, change gets the token's current
// ModifiedId instead of a new one.
type setter struct {
	size      uint32 // of a class of fixed size, or the header of one of variable size, in bytes
	variable  bool
	right     winnt.AccessMask // in addition to TOKEN_ADJUST_DEFAULT
	privilege winnt.Privilege  // 0: none
	keeps     bool             // the change is not of the security context: ModifiedId stays
	change    func(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status)
}

// setters are the classes that can be set. TokenSessionReference and TokenLinkedToken have no change
// function: setToken handles them.
var setters = [winnt.MaxTokenInfoClass + 1]*setter{
	winnt.TokenOwner:        {size: pointerSize, variable: true, change: setOwner},
	winnt.TokenPrimaryGroup: {size: pointerSize, variable: true, change: setPrimaryGroup},
	winnt.TokenDefaultDacl:  {size: pointerSize, variable: true, change: setDefaultDACL},
	winnt.TokenSessionId: {size: 4, right: winnt.TOKEN_ADJUST_SESSIONID, privilege: winnt.SeTcbPrivilege,
		change: setSessionID},
	winnt.TokenSessionReference: {size: 4, privilege: winnt.SeTcbPrivilege},
	winnt.TokenAuditPolicy: {size: token.AuditPolicySize, privilege: winnt.SeTcbPrivilege, keeps: true,
		change: setAuditPolicy},
	winnt.TokenOrigin:      {size: 8, privilege: winnt.SeTcbPrivilege, change: setOrigin},
	winnt.TokenLinkedToken: {size: 8, privilege: winnt.SeCreateTokenPrivilege},
	winnt.TokenVirtualizationAllowed: {size: 4, privilege: winnt.SeCreateTokenPrivilege, keeps: true,
		change: setFlag(winnt.TOKEN_VIRTUALIZE_ALLOWED)},
	winnt.TokenVirtualizationEnabled: {size: 4, keeps: true, change: setVirtualization},
	winnt.TokenIntegrityLevel:        {size: sidAndAttributes, variable: true, change: setIntegrity},
	winnt.TokenUIAccess: {size: 4, privilege: winnt.SeTcbPrivilege, keeps: true,
		change: setFlag(winnt.TOKEN_UIACCESS)},
	winnt.TokenMandatoryPolicy: {size: 4, privilege: winnt.SeTcbPrivilege, change: setMandatoryPolicy},
	winnt.TokenSecurityAttributes: {size: claimsHeader, variable: true, privilege: winnt.SeTcbPrivilege, keeps: true,
		change: setAttributes},
	winnt.TokenPrivateNameSpace: {size: 4, privilege: winnt.SeTcbPrivilege, keeps: true,
		change: setFlag(winnt.TOKEN_PRIVATE_NAMESPACE)},
	winnt.TokenBnoIsolation: {size: isolationSize, privilege: winnt.SeTcbPrivilege, keeps: true,
		change: setIsolation},
	winnt.TokenChildProcessFlags: {size: 4, keeps: true, change: setChildProcessFlags},
}

// NtSetInformationToken sets one property of a token. Some classes need a privilege or an additional right on the
// handle. After a failure the token is unchanged. A class that cannot be set is STATUS_INVALID_INFO_CLASS, a wrong
// length STATUS_INFO_LENGTH_MISMATCH. These and an unreadable value fail before the handle, a missing privilege and a
// malformed value after it.
func (c *Context) NtSetInformationToken(in nt.SetInformationTokenIn) (out nt.SetInformationTokenOut,
	st ntstatus.Status) {
	// capture
	class := in.TokenInformationClass
	if class > winnt.MaxTokenInfoClass || setters[class] == nil {
		// No such class can be set.
		return out, c.Fail("T-90", ntstatus.InvalidInfoClass)
	}
	row, length := setters[class], in.TokenInformationLength
	if length == naturalSize {
		length = row.size
	}
	if !row.variable && length != row.size {
		// A class of fixed size wants its exact length.
		return out, c.Fail("T-90", ntstatus.InfoLengthMismatch)
	}
	if st := in.TokenInformation.Status; st == ntstatus.AccessViolation || st == ntstatus.Success &&
		in.TokenInformation.V == nil && length > 0 {
		// A value that cannot be read is refused before the handle.
		return out, c.Fail("T-90", ntstatus.AccessViolation)
	}
	// reference
	// The handle must grant the right of the class (T-90).
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, in.TokenHandle, winnt.TOKEN_ADJUST_DEFAULT|row.right,
		se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	if length < row.size {
		// A class of variable size wants its header at least.
		return out, c.Fail("T-90", ntstatus.InfoLengthMismatch)
	}
	// decide
	if row.privilege != 0 && !c.holds(row.privilege) {
		// The class requires a privilege that the caller does not have.
		return out, c.Fail("T-90", ntstatus.PrivilegeNotHeld)
	}
	if in.TokenInformation.Status != ntstatus.Success {
		// Readable but malformed input is refused after the privilege.
		return out, c.Fail("T-90", in.TokenInformation.Status)
	}
	// commit
	if st := c.setToken(tok, class, row, in.TokenInformation.V); st != ntstatus.Success {
		// The value breaks the rule of its class.
		return out, c.Fail("T-90", st)
	}
	return out, ntstatus.Success
}

// setToken changes the information of one class of a token. row is the class's setter; row.keeps keeps the modified
// id. After a failure the token is unchanged. Errors include:
//   - a higher integrity level without SeTcbPrivilege: STATUS_PRIVILEGE_NOT_HELD
//   - a TokenSessionReference other than 0: STATUS_INVALID_PARAMETER; a repeated 0 has no effect
func (c *Context) setToken(tok *se.TokenObject, class winnt.TokenInfoClass, row *setter,
	value any) (st ntstatus.Status) {
	switch class {
	case winnt.TokenSessionReference:
		if n, ok := value.(uint32); !ok || n != 0 {
			return ntstatus.InvalidParameter // the value must be 0 (T-90)
		}
		tok.DropSession() // a second call has no effect (T-90)
		return ntstatus.Success
	case winnt.TokenLinkedToken:
		return c.linkToken(tok, value)
	}
	raise := class != winnt.TokenIntegrityLevel || c.holds(winnt.SeTcbPrivilege)
	tok.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		if row.keeps {
			modified = old.ModifiedID()
		}
		var n *token.Token
		if n, st = row.change(old, modified, value); st != ntstatus.Success {
			return nil
		}
		if !raise && n.Integrity() > old.Integrity() {
			// Lowering the integrity is free, raising it needs the privilege (T-90).
			st = ntstatus.PrivilegeNotHeld
			return nil
		}
		return n
	})
	return st
}

// linkToken links two tokens as the pair of their logon sessions: tok, and the token of the handle in value. The handle
// must grant TOKEN_DUPLICATE. A value that is no handle is STATUS_INVALID_PARAMETER; other statuses are those of the
// handle and of Link.
func (c *Context) linkToken(tok *se.TokenObject, value any) ntstatus.Status {
	h, ok := value.(winnt.Handle)
	if !ok {
		return ntstatus.InvalidParameter
	}
	other, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, winnt.TOKEN_DUPLICATE, se.TokenType)
	if st != ntstatus.Success {
		return st
	}
	defer other.Deref(ob.TagCall)
	return c.Sys.Security.Sessions.Link(tok.Value(), other.Value()) // one user, one full token, one limited (T-90)
}

// setOwner sets class TokenOwner: it returns the token old with a new default owner, a SID or group of the token. See
// [token.Token.WithOwner] for its errors.
func setOwner(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	s, st := sidValue(value)
	if st != ntstatus.Success {
		return nil, st
	}
	return old.WithOwner(modified, s)
}

// setPrimaryGroup sets class TokenPrimaryGroup: it returns the token old with a new primary group, a SID or group. The
// errors are those of [token.Token.WithPrimaryGroup].
func setPrimaryGroup(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	s, st := sidValue(value)
	if st != ntstatus.Success {
		return nil, st
	}
	return old.WithPrimaryGroup(modified, s)
}

// sidValue returns the SID in the value of an information class, which is a SID or a group. It ignores the attributes.
// The zero SID gives STATUS_INVALID_SID. Any other value gives STATUS_INVALID_PARAMETER.
func sidValue(value any) (s sid.SID, st ntstatus.Status) {
	switch v := value.(type) {
	case sid.SID:
		s = v
	case token.Group:
		s = v.SID
	default:
		return s, ntstatus.InvalidParameter
	}
	if s.IsZero() {
		return s, ntstatus.InvalidSID
	}
	return s, ntstatus.Success
}

// setDefaultDACL sets class TokenDefaultDacl: it returns the token old with a new default DACL. A nil *sd.ACL clears it
// (T-90); a value of another type gives STATUS_INVALID_PARAMETER.
func setDefaultDACL(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	acl, ok := value.(*sd.ACL)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithDefaultDACL(modified, acl) // NULL clears it (T-90)
}

// setSessionID sets class TokenSessionId: it returns the token old in another terminal-services session, a uint32. A
// value of another type is STATUS_INVALID_PARAMETER.
func setSessionID(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	n, ok := value.(uint32)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithSessionID(modified, n), ntstatus.Success
}

// setAuditPolicy sets class TokenAuditPolicy: it returns the token old with a new per-user audit policy, a []byte. A
// value of another type is STATUS_INVALID_PARAMETER.
func setAuditPolicy(old *token.Token, _ winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	policy, ok := value.([]byte)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithAuditPolicy(policy)
}

// setOrigin sets class TokenOrigin: it returns the token old with an originating logon session, if it has none yet
// (T-90). A value of another type is STATUS_INVALID_PARAMETER.
func setOrigin(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	l, ok := value.(winnt.LUID)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithOriginatingLogon(modified, l) // only while it is 0 (T-90)
}

// setIntegrity sets class TokenIntegrityLevel: it returns the token old at another integrity level, a SID or group
// S-1-16-x (T-90). Another SID is STATUS_INVALID_PARAMETER.
func setIntegrity(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	s, st := sidValue(value)
	if st != ntstatus.Success {
		return nil, st
	}
	return old.WithIntegrity(modified, s) // a SID S-1-16-x (T-90)
}

// setMandatoryPolicy sets class TokenMandatoryPolicy: it returns the token old with another mandatory integrity policy,
// a uint32. A value of another type is STATUS_INVALID_PARAMETER.
func setMandatoryPolicy(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	n, ok := value.(uint32)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithMandatoryPolicy(modified, n)
}

// setFlag returns the function of a class that sets a token flag for the value 1 and clears it for 0. That function
// returns STATUS_INVALID_PARAMETER for any other value.
func setFlag(bit uint32) func(*token.Token, winnt.LUID, any) (*token.Token, ntstatus.Status) {
	return func(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
		switch n, ok := value.(uint32); {
		case !ok || n > 1:
			return nil, ntstatus.InvalidParameter
		case n == 1:
			return old.WithFlags(modified, bit, 0), ntstatus.Success
		}
		return old.WithFlags(modified, 0, bit), ntstatus.Success
	}
}

// setVirtualization sets class TokenVirtualizationEnabled: it returns the token old with virtualization enabled or
// disabled. A token that does not allow it gives STATUS_INVALID_PARAMETER (T-90).
func setVirtualization(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	if old.Flags()&winnt.TOKEN_VIRTUALIZE_ALLOWED == 0 {
		return nil, ntstatus.InvalidParameter // virtualization must be allowed (T-90)
	}
	return setFlag(winnt.TOKEN_VIRTUALIZE_ENABLED)(old, modified, value)
}

// setAttributes sets class TokenSecurityAttributes: it applies a list of changes to the token's own security
// attributes. Either all take effect, or none.
func setAttributes(old *token.Token, _ winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	changes, ok := value.([]token.AttributeChange)
	if !ok {
		return nil, ntstatus.InvalidParameter
	}
	return old.ChangeAttributes(changes)
}

// setIsolation sets class TokenBnoIsolation, the prefix that isolates the token's named objects. IsolationEnabled must
// be set exactly if there is a prefix, else STATUS_INVALID_PARAMETER.
func setIsolation(old *token.Token, _ winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	x, ok := value.(nt.TokenBnoIsolation)
	if !ok || x.IsolationEnabled != (x.IsolationPrefix != "") {
		return nil, ntstatus.InvalidParameter
	}
	return old.WithIsolationPrefix(x.IsolationPrefix), ntstatus.Success
}

// setChildProcessFlags sets class TokenChildProcessFlags, which restricts child processes. It never clears a flag: a
// value without one that the token has gives STATUS_INVALID_PARAMETER, and so does an unknown flag (T-90).
func setChildProcessFlags(old *token.Token, modified winnt.LUID, value any) (*token.Token, ntstatus.Status) {
	n, ok := value.(uint32)
	if !ok || n&^(nt.ChildProcessNone|nt.ChildProcessAudit|nt.ChildProcessSecureToo) != 0 {
		return nil, ntstatus.InvalidParameter
	}
	if childProcessFlags(old)&^n != 0 {
		return nil, ntstatus.InvalidParameter // flags are set, never cleared (T-90)
	}
	var set uint32
	for _, c := range childFlags {
		if n&c.bit != 0 {
			set |= c.flag
		}
	}
	return old.WithFlags(modified, set, 0), ntstatus.Success
}
