package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Sizes of the structures on 64-bit Windows, in bytes.
const (
	privilegesHeader = 4  // PrivilegeCount
	privilegeSize    = 12 // LUID_AND_ATTRIBUTES
	privilegeSetMin  = 20 // PRIVILEGE_SET with one privilege
)

// NtAdjustPrivilegesToken enables, disables or removes privileges.
func (c *Context) NtAdjustPrivilegesToken(in nt.AdjustPrivilegesTokenIn) (out nt.AdjustPrivilegesTokenOut,
	st ntstatus.Status) {
	// capture
	if in.DisableAllPrivileges {
		in.NewState = nt.Captured[[]nt.LUIDAndAttributes]{} // T-71: not looked at
	} else if in.NewState.Status != ntstatus.Success {
		return out, c.Fail("T-70", in.NewState.Status)
	} else if in.NewState.V == nil {
		return out, c.Fail("T-70", ntstatus.InvalidParameter)
	}
	changes := make([]token.PrivilegeChange, len(in.NewState.V)) // O-4
	for i, p := range in.NewState.V {
		changes[i] = token.PrivilegeChange{LUID: p.LUID, Attributes: p.Attributes}
	}
	// reference
	want := winnt.TOKEN_ADJUST_PRIVILEGES
	if in.WantPrevious {
		want |= winnt.TOKEN_QUERY // T-70
	}
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, in.TokenHandle, want, se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	// decide and commit: a compare-and-swap that restarts, so that the
	// previous state is that of the value replaced
	recorded := false
	tok.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		var n *token.Token
		n, out, st = adjusted(old, modified, &in, changes)
		if st == ntstatus.BufferTooSmall || n == old {
			return nil // T-70: nothing is changed; T-72: ModifiedId changes only with the token
		}
		if !recorded { // recorded before commit, once, also when the swap is retried (U-73)
			recorded = true
			if failed := c.Sys.Log.PrivilegesAdjusted(c.origin(), old, n); failed != ntstatus.Success {
				out, st = nt.AdjustPrivilegesTokenOut{}, failed // U-64
				return nil
			}
		}
		return n
	})
	switch st {
	case ntstatus.BufferTooSmall:
		return out, c.Fail("T-70", st)
	case ntstatus.NotAllAssigned:
		return out, c.Fail("T-71", st)
	case ntstatus.AuditFailed:
		return out, c.Fail("U-64", st)
	}
	return out, st
}

// adjusted is the decision: the new value, the previous state, the status.
func adjusted(old *token.Token, modified winnt.LUID, in *nt.AdjustPrivilegesTokenIn,
	changes []token.PrivilegeChange) (*token.Token, nt.AdjustPrivilegesTokenOut, ntstatus.Status) {
	var out nt.AdjustPrivilegesTokenOut
	n, previous, st := old.AdjustPrivileges(modified, in.DisableAllPrivileges, changes) // T-71, T-72, T-73
	if in.WantPrevious {
		out.ReturnLength = uint32(privilegesHeader + privilegeSize*len(previous))
		if in.BufferLength < out.ReturnLength {
			return old, out, ntstatus.BufferTooSmall // T-70
		}
		for _, p := range previous {
			out.PreviousState = append(out.PreviousState, nt.LUIDAndAttributes{LUID: p.LUID, Attributes: p.Attributes})
		}
	}
	return n, out, st
}

// NtPrivilegeCheck tells whether privileges are enabled in a token.
func (c *Context) NtPrivilegeCheck(in nt.PrivilegeCheckIn) (out nt.PrivilegeCheckOut, st ntstatus.Status) {
	// capture
	if in.RequiredPrivileges.Status != ntstatus.Success {
		return out, c.Fail("T-101", in.RequiredPrivileges.Status)
	}
	if in.RequiredPrivileges.V == nil {
		return out, c.Fail("T-101", ntstatus.AccessViolation)
	}
	set := *in.RequiredPrivileges.V // O-4
	// reference
	v, st := c.tokenValue(in.ClientToken, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return out, st
	}
	// decide
	if v.Type() == winnt.TokenImpersonation && v.Level() < winnt.SecurityIdentification {
		return out, c.Fail("T-101", ntstatus.BadImpersonationLevel)
	}
	out.RequiredPrivileges, out.Result = MarkPrivileges(&set, v)
	return out, ntstatus.Success
}

// MarkPrivileges returns a copy of the set with SE_PRIVILEGE_USED_FOR_ACCESS on
// those that are enabled in the token and off on the others, and tells whether
// they are enough: all of them with PRIVILEGE_SET_ALL_NECESSARY, else one.
func MarkPrivileges(set *nt.PrivilegeSet, v *token.Token) (*nt.PrivilegeSet, bool) {
	found := &nt.PrivilegeSet{Control: set.Control, Privilege: make([]nt.LUIDAndAttributes, len(set.Privilege))}
	enabled := 0
	for i, p := range set.Privilege {
		p.Attributes &^= winnt.SE_PRIVILEGE_USED_FOR_ACCESS
		if p.LUID <= winnt.LUID(winnt.LastPrivilege) && v.Has(winnt.Privilege(p.LUID)) {
			p.Attributes |= winnt.SE_PRIVILEGE_USED_FOR_ACCESS // T-101
			enabled++
		}
		found.Privilege[i] = p
	}
	if set.Control&winnt.PRIVILEGE_SET_ALL_NECESSARY != 0 {
		return found, enabled == len(set.Privilege) // T-101: TRUE for an empty set
	}
	return found, enabled > 0 // T-101: FALSE for an empty set
}

// tokenValue is a snapshot of the token behind a handle, for the services
// that also take the pseudo handles of tokens (O-14, O-15).
func (c *Context) tokenValue(h winnt.Handle, want winnt.AccessMask) (*token.Token, ntstatus.Status) {
	tok, st := c.referenceToken(h, want)
	if st != ntstatus.Success {
		return nil, st
	}
	defer tok.Deref(ob.TagCall)
	return tok.Value(), ntstatus.Success
}

// pseudoTokenAccess is what the pseudo handles of tokens grant (O-14).
const pseudoTokenAccess = winnt.TOKEN_QUERY | winnt.TOKEN_QUERY_SOURCE

func (c *Context) referenceToken(h winnt.Handle, want winnt.AccessMask) (*se.TokenObject, ntstatus.Status) {
	switch h {
	case winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken:
	default:
		tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, want, se.TokenType)
		return tok, st
	}
	if want&^pseudoTokenAccess != 0 {
		return nil, c.Fail("O-15", ntstatus.AccessDenied)
	}
	if h != winnt.NtCurrentProcessToken {
		r := c.self.Impersonation(ob.TagCall)
		switch {
		case r == nil && h == winnt.NtCurrentThreadToken:
			return nil, c.Fail("O-15", ntstatus.NoToken)
		case r != nil && r.Level == winnt.SecurityAnonymous:
			r.Token.Deref(ob.TagCall)
			return nil, c.Fail("I-24", ntstatus.CantOpenAnonymous) // O-15, I-24
		case r != nil:
			return r.Token, ntstatus.Success
		}
	}
	return c.self.Process().ReferenceToken(ob.TagCall), ntstatus.Success // O-14
}
