package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtAccessCheck decides whether a descriptor grants rights to a client. A refusal is in AccessStatus; the call itself
// then succeeds.
func (c *Context) NtAccessCheck(in nt.AccessCheckIn) (nt.AccessCheckOut, ntstatus.Status) {
	return c.NtAccessCheckByType(nt.AccessCheckByTypeIn{
		SecurityDescriptor: in.SecurityDescriptor, ClientToken: in.ClientToken, DesiredAccess: in.DesiredAccess,
		GenericMapping: in.GenericMapping, PrivilegeSetLength: in.PrivilegeSetLength,
	})
}

// NtAccessCheckByType decides like NtAccessCheck, for an object with properties. An empty list of object types checks
// the object itself. A denial is a success with the denial in AccessStatus.
func (c *Context) NtAccessCheckByType(in nt.AccessCheckByTypeIn) (out nt.AccessCheckOut, st ntstatus.Status) {
	var r access.Request
	d, done, st := c.checkRequest(&in, &r, &out.PrivilegeSetLength)
	if st != ntstatus.Success {
		return out, st
	}
	if !done {
		// A mask of 0 is answered with STATUS_ACCESS_DENIED, and a descriptor needs an owner and a group
		//
		if st, d = access.NtAccessCheck(&r); st != ntstatus.Success {
			return out, c.Fail("A-19", st)
		}
		c.explainCheck(&r, d)
	}
	out.AccessStatus, out.GrantedAccess = d.Status(), d.Granted
	// The used privileges are returned; the buffer's length keeps the caller's value.
	out.PrivilegeSet, out.PrivilegeSetLength = privilegeSet(d), in.PrivilegeSetLength
	return out, ntstatus.Success
}

// NtAccessCheckByTypeResultList works like NtAccessCheckByType and returns one result for each entry of the list. From
// user mode an empty list fails with STATUS_INVALID_PARAMETER. Each entry has the rights that it grants and its status.
// A call that ends before the check gives every entry the same result. A failure has no results.
func (c *Context) NtAccessCheckByTypeResultList(in nt.AccessCheckByTypeIn) (out nt.AccessCheckByTypeResultListOut,
	st ntstatus.Status) {
	if c.Mode == access.User && in.GenericMapping.Status == ntstatus.Success && // the status of A-10 precedes A-11
		len(in.ObjectTypeList.V) == 0 && in.ObjectTypeList.Status == ntstatus.Success {
		return out, c.Fail("A-11", ntstatus.InvalidParameter)
	}
	var r access.Request
	d, done, st := c.checkRequest(&in, &r, &out.PrivilegeSetLength)
	if st != ntstatus.Success {
		return out, st
	}
	var results []access.NodeResult
	if done { // equal in all entries
		for range in.ObjectTypeList.V {
			results = append(results, access.NodeResult{Granted: d.Granted, Verdict: d.Verdict})
		}
	} else {
		if st, results, d = access.NtAccessCheckResultList(&r); st != ntstatus.Success {
			return out, c.Fail("A-19", st)
		}
		c.explainCheck(&r, d)
	}
	for _, n := range results {
		out.GrantedAccess = append(out.GrantedAccess, n.Granted)
		out.AccessStatus = append(out.AccessStatus, n.Status())
	}
	// The used privileges are returned; the buffer's length keeps the caller's value.
	out.PrivilegeSet, out.PrivilegeSetLength = privilegeSet(d), in.PrivilegeSetLength
	return out, ntstatus.Success
}

// checkRequest captures the parameters of an access check, up to the descriptor, into r. If done is true, the call
// succeeds with decision d and does not use the descriptor. A privilege buffer that is too small sets
// need to the required length. After a failure r is partly filled. Kernel mode checks neither generic rights
// nor the token.
func (c *Context) checkRequest(in *nt.AccessCheckByTypeIn, r *access.Request, need *uint32) (d access.Decision,
	done bool, st ntstatus.Status) {
	fail := func(rule string, st ntstatus.Status) (access.Decision, bool, ntstatus.Status) {
		return access.Decision{}, false, c.Fail(rule, st)
	}
	// capture
	if in.GenericMapping.Status != ntstatus.Success {
		// A mapping that cannot be read ends the call before anything else is checked.
		return fail("A-10", in.GenericMapping.Status)
	}
	c.mapping = in.GenericMapping.V
	r.Desired, r.Mapping, r.Mode, r.ObjectTypes = in.DesiredAccess, &c.mapping, c.Mode, in.ObjectTypeList.V
	if c.Mode == access.User {
		if in.DesiredAccess&winnt.GENERIC_RIGHTS != 0 {
			// Generic rights are refused before the token is checked.
			return fail("A-12", ntstatus.GenericNotMapped)
		}
		// reference
		client, st := c.clientToken(in.ClientToken)
		if st != ntstatus.Success {
			// The check requires a token that may be queried.
			return d, false, st
		}
		r.Subject = access.Subject{Primary: c.self.Process().Token(), Client: client, Level: client.Level()}
	}
	// decide
	// The mask, the token, its level, the list of types and the right to the SACL are checked in this order
	//
	st, d, done = access.NtPrologue(r)
	if st != ntstatus.Success {
		return fail(prologueRule(st), st)
	}
	if c.Mode == access.User && in.ObjectTypeList.Status != ntstatus.Success {
		// A list of types that cannot be captured is refused after the token and its level.
		return fail("A-26", in.ObjectTypeList.Status)
	}
	if done {
		return d, true, ntstatus.Success
	}
	if want := privilegeSetNeed(r); in.PrivilegeSetLength < want {
		*need = want
		// The buffer is too small for the privileges that the check can use: the required length is returned.
		return fail("A-17", ntstatus.BufferTooSmall)
	}
	if in.SecurityDescriptor.Status != ntstatus.Success {
		// A descriptor that cannot be captured ends the call after mask, token and list.
		return fail("A-18", in.SecurityDescriptor.Status)
	}
	if d := in.SecurityDescriptor.V; d == nil || d.Owner().IsZero() || d.Group().IsZero() {
		return fail("A-19", ntstatus.InvalidSecurityDescr) // before A-20
	}
	if in.PrincipalSelfSid.Status != ntstatus.Success {
		// A SID for the object itself that is not a SID ends the call after the descriptor.
		return fail("A-20", in.PrincipalSelfSid.Status)
	}
	r.Descriptor, r.Self = in.SecurityDescriptor.V, in.PrincipalSelfSid.V
	return d, false, ntstatus.Success
}

// clientToken returns a snapshot of the client's token for an access check. h is the ClientToken parameter.
func (c *Context) clientToken(h winnt.Handle) (*token.Token, ntstatus.Status) {
	// Any handle that may query the token serves for a check (A-13, I-8).
	return c.tokenValue(h, winnt.TOKEN_QUERY)
}

// prologueRule returns the rule that the tracer shows for a refusal by access.NtPrologue, the first part of an access
// check. It returns A-12 for a status without its own rule.
func prologueRule(st ntstatus.Status) string {
	switch st {
	case ntstatus.NoImpersonationToken:
		return "A-14"
	case ntstatus.BadImpersonationLevel:
		return "A-15"
	case ntstatus.InvalidParameter:
		return "A-26"
	}
	return "A-12"
}

// privilegeSetNeed returns the size in bytes of the largest privilege set that the request can use: 20 for up to one
// privilege, and 12 for each further one.
func privilegeSetNeed(r *access.Request) uint32 {
	n := 0
	used, _ := access.PrivilegePolicy(r.Subject.Client, r.Desired)
	for range used.All {
		n++
	}
	if n <= 1 {
		return privilegeSetMin
	}
	return uint32(privilegeSetMin + privilegeSize*(n-1))
}

// noPrivileges is the empty set, shared by all checks that used no privilege. No code writes to it.
var noPrivileges = &nt.PrivilegeSet{}

// privilegeSet returns the privileges that the check used, an empty set if it used none. It returns nil for a request
// for the SACL that ended early without its privilege.
func privilegeSet(d access.Decision) *nt.PrivilegeSet {
	if d.Status() == ntstatus.PrivilegeNotHeld {
		// A request for the SACL without its privilege succeeds without a list of privileges.
		return nil
	}
	if d.PrivilegesUsed == 0 {
		return noPrivileges
	}
	s := &nt.PrivilegeSet{}
	for p := range d.PrivilegesUsed.All {
		s.Privilege = append(s.Privilege,
			nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS})
	}
	return s
}

// explainCheck records for the tracer why a check denied access. It does nothing if the check granted it. r stays
// unchanged.
func (c *Context) explainCheck(r *access.Request, d access.Decision) {
	if d.Allowed() {
		return
	}
	q := *r
	q.Subject.Level = winnt.SecurityDelegation // Identification suffices, so the level is no reason
	c.ExplainCheck(&q)
}

// ExplainCheck repeats a refused check and records its explanation for the tracer. It does nothing if the call is not
// traced, or if the check fails with an error.
func (c *Context) ExplainCheck(r *access.Request) {
	if c.Why == nil {
		return
	}
	if _, ex, err := access.Explain(r); err == nil {
		c.why.Object, c.why.Explanation = "the descriptor", ex
	}
}
