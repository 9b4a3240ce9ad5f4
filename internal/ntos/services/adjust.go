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

// NtAdjustPrivilegesToken enables, disables or removes privileges. With DisableAllPrivileges it ignores the list. It
// skips a privilege that the token does not hold, and returns STATUS_NOT_ALL_ASSIGNED, a success. If the buffer is too
// small for the previous state, it changes nothing and returns the required length. It writes the audit record before
// the change; if that fails, the privileges stay (U-64). Without a list it is STATUS_INVALID_PARAMETER. The handle
// needs TOKEN_ADJUST_PRIVILEGES, and TOKEN_QUERY for the previous state.
func (c *Context) NtAdjustPrivilegesToken(in nt.AdjustPrivilegesTokenIn) (out nt.AdjustPrivilegesTokenOut,
	st ntstatus.Status) {
	// capture
	if in.DisableAllPrivileges {
		// With DisableAllPrivileges the list is ignored (T-71).
		in.NewState = nt.Captured[[]nt.LUIDAndAttributes]{}
	} else if in.NewState.Status != ntstatus.Success {
		// An unreadable list is refused before the handle is tested.
		return out, c.Fail("T-70", in.NewState.Status)
	} else if in.NewState.V == nil {
		// A list is needed where not all privileges are to be disabled.
		return out, c.Fail("T-70", ntstatus.InvalidParameter)
	}
	// The list is copied, so a change by the caller during the call has no effect (O-4).
	changes := make([]token.PrivilegeChange, len(in.NewState.V))
	for i, p := range in.NewState.V {
		changes[i] = token.PrivilegeChange{LUID: p.LUID, Attributes: p.Attributes}
	}
	// reference
	want := winnt.TOKEN_ADJUST_PRIVILEGES
	if in.WantPrevious {
		// The previous state requires a handle with TOKEN_QUERY (T-70).
		want |= winnt.TOKEN_QUERY
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
			return nil // a small buffer changes nothing (T-70), and ModifiedId changes only with the token (T-72)
		}
		if !recorded { // recorded before commit, once, also when the swap is retried (U-73)
			recorded = true
			if failed := c.Sys.Log.PrivilegesAdjusted(c.origin(), old, n); failed != ntstatus.Success {
				// A record that cannot be kept fails the adjustment (U-64).
				out, st = nt.AdjustPrivilegesTokenOut{}, failed
				return nil
			}
		}
		return n
	})
	switch st {
	case ntstatus.BufferTooSmall:
		// If the buffer is too small for the previous state, nothing changes and the required length is returned.
		return out, c.Fail("T-70", st)
	case ntstatus.NotAllAssigned:
		// A privilege that the token does not hold is skipped, and the status says so.
		return out, c.Fail("T-71", st)
	case ntstatus.AuditFailed:
		return out, c.Fail("U-64", st)
	}
	return out, st
}

// adjusted computes the result of NtAdjustPrivilegesToken and changes no object. The results are the new token, the
// output with the previous state, and the status. modified becomes the ModifiedId of the new token. A buffer too
// small for the previous state returns old, the required length and STATUS_BUFFER_TOO_SMALL.
func adjusted(old *token.Token, modified winnt.LUID, in *nt.AdjustPrivilegesTokenIn,
	changes []token.PrivilegeChange) (*token.Token, nt.AdjustPrivilegesTokenOut, ntstatus.Status) {
	var out nt.AdjustPrivilegesTokenOut
	// Privileges are switched or removed in a new value, never added, and the token object takes that value
	// for all who use it (T-71, T-72, T-73).
	n, previous, st := old.AdjustPrivileges(modified, in.DisableAllPrivileges, changes)
	if in.WantPrevious {
		out.ReturnLength = uint32(privilegesHeader + privilegeSize*len(previous))
		if in.BufferLength < out.ReturnLength {
			// If the buffer is too small, nothing changes and the required length is returned (T-70).
			return old, out, ntstatus.BufferTooSmall
		}
		for _, p := range previous {
			out.PreviousState = append(out.PreviousState, nt.LUIDAndAttributes{LUID: p.LUID, Attributes: p.Attributes})
		}
	}
	return n, out, st
}

// NtPrivilegeCheck reports whether privileges are enabled in a token. It fails with STATUS_ACCESS_VIOLATION without a
// set, and with STATUS_BAD_IMPERSONATION_LEVEL for a client below SecurityIdentification. The handle needs TOKEN_QUERY.
// The result marks the privileges that were used.
func (c *Context) NtPrivilegeCheck(in nt.PrivilegeCheckIn) (out nt.PrivilegeCheckOut, st ntstatus.Status) {
	// capture
	if in.RequiredPrivileges.Status != ntstatus.Success {
		// A privilege set that cannot be read is refused before the token is checked.
		return out, c.Fail("T-101", in.RequiredPrivileges.Status)
	}
	if in.RequiredPrivileges.V == nil {
		return out, c.Fail("T-101", ntstatus.AccessViolation)
	}
	// The set is copied, so a change by the caller during the call has no effect (O-4).
	set := *in.RequiredPrivileges.V
	// reference
	v, st := c.tokenValue(in.ClientToken, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return out, st
	}
	// decide
	if v.Type() == winnt.TokenImpersonation && v.Level() < winnt.SecurityIdentification {
		// A client below SecurityIdentification cannot be queried.
		return out, c.Fail("T-101", ntstatus.BadImpersonationLevel)
	}
	out.RequiredPrivileges, out.Result = MarkPrivileges(&set, v)
	return out, ntstatus.Success
}

// MarkPrivileges returns a copy of the set in which SE_PRIVILEGE_USED_FOR_ACCESS marks the privileges that are
// enabled in the token. The boolean reports whether they suffice: all of them with PRIVILEGE_SET_ALL_NECESSARY,
// otherwise one. An empty set suffices only with PRIVILEGE_SET_ALL_NECESSARY.
func MarkPrivileges(set *nt.PrivilegeSet, v *token.Token) (*nt.PrivilegeSet, bool) {
	found := &nt.PrivilegeSet{Control: set.Control, Privilege: make([]nt.LUIDAndAttributes, len(set.Privilege))}
	enabled := 0
	for i, p := range set.Privilege {
		p.Attributes &^= winnt.SE_PRIVILEGE_USED_FOR_ACCESS
		if p.LUID <= winnt.LUID(winnt.LastPrivilege) && v.Has(winnt.Privilege(p.LUID)) {
			// A privilege that is enabled is marked as used (T-101).
			p.Attributes |= winnt.SE_PRIVILEGE_USED_FOR_ACCESS
			enabled++
		}
		found.Privilege[i] = p
	}
	if set.Control&winnt.PRIVILEGE_SET_ALL_NECESSARY != 0 {
		return found, enabled == len(set.Privilege) // all of an empty set are enabled (T-101)
	}
	return found, enabled > 0 // none of an empty set is enabled (T-101)
}

// tokenValue returns a snapshot of the token behind a handle, which must grant the rights of want. It accepts the
// pseudo handles of tokens too (O-14, O-15).
func (c *Context) tokenValue(h winnt.Handle, want winnt.AccessMask) (*token.Token, ntstatus.Status) {
	tok, st := c.referenceToken(h, want)
	if st != ntstatus.Success {
		return nil, st
	}
	defer tok.Deref(ob.TagCall)
	return tok.Value(), ntstatus.Success
}

// pseudoTokenAccess holds the rights that the pseudo handles of tokens grant (O-14).
const pseudoTokenAccess = winnt.TOKEN_QUERY | winnt.TOKEN_QUERY_SOURCE

// referenceToken references the token of a handle that grants want, or of a token pseudo handle. The caller must
// release the reference (TagCall). A pseudo handle grants only [pseudoTokenAccess]. Its other cases are:
//   - NtCurrentThreadToken without impersonation: STATUS_NO_TOKEN
//   - NtCurrentEffectiveToken without impersonation: the primary token
//   - an anonymous client, and a thread that has ended: STATUS_CANT_OPEN_ANONYMOUS
func (c *Context) referenceToken(h winnt.Handle, want winnt.AccessMask) (*se.TokenObject, ntstatus.Status) {
	switch h {
	case winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken:
	default:
		tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, want, se.TokenType)
		return tok, st
	}
	if want&^pseudoTokenAccess != 0 {
		// A pseudo handle grants queries only.
		return nil, c.Fail("O-15", ntstatus.AccessDenied)
	}
	if h != winnt.NtCurrentProcessToken {
		r := c.self.Client(ob.TagCall)
		switch {
		case r == nil && h == winnt.NtCurrentThreadToken:
			// The thread does not impersonate, so it has no token.
			return nil, c.Fail("O-15", ntstatus.NoToken)
		case r != nil && r.Level == winnt.SecurityAnonymous:
			r.Token.Deref(ob.TagCall)
			// The token of a client at SecurityAnonymous is opened by no caller, through no pseudo handle either (O-15).
			return nil, c.Fail("I-24", ntstatus.CantOpenAnonymous)
		case r != nil:
			return r.Token, ntstatus.Success
		}
	}
	// A thread without a client acts with the primary token of its process (O-14).
	return c.self.Process().ReferenceToken(ob.TagCall), ntstatus.Success
}
