package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// SeAccessCheck runs the kernel's access check of a subject (SeAccessCheck). It
// applies its own rules in the order, and then the stages
// of the check. An invalid object type list gives STATUS_INVALID_PARAMETER
// . The error is [ErrNoRequest], [ErrNoToken] or [ErrNoMapping]. The
// decision is then the zero value, which denies.
func SeAccessCheck(r *Request) (Decision, error) { return seAccessCheck(r, nil) }

// seAccessCheck implements [SeAccessCheck]. It records the steps in trace, which may be nil.
func seAccessCheck(r *Request, trace *tracer) (Decision, error) {
	if r == nil {
		return Decision{}, ErrNoRequest
	}
	q := query{who: new(identity), r: r, tr: trace}
	return q.answer(nil)
}

// answer runs the access check of SeAccessCheck for the query's request. If lists is not nil, the check reads the ACLs
// of that trial in place of the descriptor's. The error is ErrNoMapping or ErrNoToken.
func (q *query) answer(lists *trial) (Decision, error) {
	// Kernel mode and a missing descriptor decide before the object type list is checked, so an invalid list does not
	// change their result.
	d, done, err := q.enter()
	if done || err != nil {
		return d, err
	}
	if lists != nil {
		lists.lists(q)
	}
	if types := q.r.ObjectTypes; len(types) > 0 {
		if ValidateObjectTypes(types) != nil { // The list is not a tree in preorder.
			return q.settle(Refuse(ntstatus.InvalidParameter)), nil
		}
		q.tree = newTree(types, false)
	}
	if lists != nil {
		return q.decide(), nil // not decideAny: its fast path assumes the descriptor's lists
	}
	return q.decideAny(), nil
}

// enter applies the rules of SeAccessCheck that need no ACL, such as kernel mode and the impersonation
// level. If done is true, d is the decision. If not, the query is ready for the check. The error is ErrNoMapping or
// ErrNoToken.
func (q *query) enter() (d Decision, done bool, err error) {
	r := q.r
	if q.mapping = r.mapping(); q.mapping == nil {
		return d, true, ErrNoMapping
	}
	q.mapRequest()
	if r.Mode == Kernel { // Kernel mode is granted its request without a check.
		return q.settle(q.kernelMode()), true, nil
	}
	// Without a descriptor everything is denied.
	if r.Descriptor == nil {
		return q.settle(denied(0)), true, nil
	}
	if r.Subject.BelowImpersonation() { // A client below Impersonation opens nothing.
		return q.settle(Refuse(ntstatus.BadImpersonationLevel)), true, nil
	}
	// Asking for nothing is denied, unless something was granted before.
	if q.desired == 0 {
		if q.previous == 0 {
			return q.settle(denied(0)), true, nil
		}
		return q.settle(Grant(q.previous)), true, nil
	}
	// Only now is a token needed: the rules above decide without one.
	if q.who.token = r.Subject.Effective(); q.who.token == nil {
		return d, true, ErrNoToken
	}
	q.take(r)
	return d, false, nil
}

// mapRequest sets q.desired and q.previous: the requested and the previously granted rights, with generic rights
// mapped.
func (q *query) mapRequest() {
	q.desired, q.previous = q.mapping.Map(q.r.Desired), q.mapping.Map(q.r.Previous)
}

// take copies the request's subject, owner, DACL and SACL into the query. It copies references and allocates nothing,
// so the request must not change while the check runs.
func (q *query) take(r *Request) {
	d := r.Descriptor
	q.who.primary, q.who.owner, q.who.resource = r.Subject.primary(), d.Owner(), d.SACL()
	q.ownerHash = d.OwnerHash()
	q.dacl.set(d.DACL())
	q.sacl.set(d.SACL())
}

// kernelMode returns the decision for a caller in kernel mode, which gets every requested right without a check. With
// MAXIMUM_ALLOWED it gets all rights of the type.
func (q *query) kernelMode() Decision {
	// The mapping defines the type's rights: kernel mode is granted no bits that the object does not have.
	granted := q.requested() | q.previous
	if q.max() {
		granted |= q.mapping.All
	}
	return Grant(granted)
}

// NtPrologue makes the checks of NtAccessCheck that come before the capture of the security descriptor. They are A-12,
// A-13 (no token), A-14, A-15, A-26 and A-16, in this order. Callers that capture the descriptor themselves use it;
// [NtAccessCheck] calls it too. If done is true, the system call ends here with status call:
//   - STATUS_SUCCESS with decision d in the case of A-16 and for kernel mode
//   - STATUS_INVALID_PARAMETER for a nil request, and for kernel mode without Type and Mapping
//   - the status of the failed check otherwise
func NtPrologue(r *Request) (call ntstatus.Status, d Decision, done bool) {
	if r == nil {
		return ntstatus.InvalidParameter, d, true
	}
	// Kernel mode is granted its request, whatever the token is.
	if r.Mode == Kernel {
		q := query{r: r, mapping: r.mapping()}
		if q.mapping == nil {
			return ntstatus.InvalidParameter, d, true
		}
		q.desired = q.mapping.Map(r.Desired)
		return ntstatus.Success, q.kernelMode(), true
	}
	t := r.Subject.Client
	switch {
	case r.Desired&winnt.GENERIC_RIGHTS != 0:
		// The call maps no generic rights: the caller had to.
		return ntstatus.GenericNotMapped, d, true
	case t.IsZero(): // There is no client to ask about.
		return ntstatus.InvalidHandle, d, true
	case t.Type() != winnt.TokenImpersonation:
		// The system call does not accept a primary token.
		return ntstatus.NoImpersonationToken, d, true
	case t.Level() < winnt.SecurityIdentification:
		// The system call does not accept a client at the level Anonymous; Identification suffices.
		return ntstatus.BadImpersonationLevel, d, true
	case ValidateObjectTypes(r.ObjectTypes) != nil:
		// The object type list is not a tree in preorder.
		return ntstatus.InvalidParameter, d, true
	}
	// Stage 0 runs before the descriptor is captured, so the query has neither lists nor a mapping.
	q := query{who: &identity{token: t}, r: r, desired: r.Desired}
	if r.Desired&sacl != 0 {
		// ACCESS_SYSTEM_SECURITY without its privilege is an answer of the call,
		// not a failure.
		if _, ok := q.grantByPrivilege(q.requested()); !ok {
			return ntstatus.Success, Refuse(ntstatus.PrivilegeNotHeld), true
		}
	}
	return ntstatus.Success, d, false
}

// NtAccessCheck implements NtAccessCheck and NtAccessCheckByType without the rules about pointers and buffers. It
// checks the token Subject.Client, which must be an impersonation token with a level of at least
// SecurityIdentification. Subject.Primary is the caller's token. Previous is not used. call is the status of the
// system call:
//   - STATUS_SUCCESS if d is valid. Its Status is then the AccessStatus.
//   - STATUS_INVALID_SECURITY_DESCR if the descriptor is nil or has no owner or group
//   - STATUS_INVALID_PARAMETER for a request without Type and Mapping
//   - the status of the failed check otherwise
func NtAccessCheck(r *Request) (call ntstatus.Status, d Decision) {
	q := query{who: new(identity), r: r}
	call, d, done := q.ntEnter()
	if done {
		return call, d
	}
	// The prologue has checked that the list is a tree.
	if len(r.ObjectTypes) > 0 {
		q.tree = newTree(r.ObjectTypes, false)
	}
	return ntstatus.Success, q.decideAny()
}

// ntEnter applies the checks that NtAccessCheck makes before the access check. If done is true, call
// is the status of the system call, and d is the decision for STATUS_SUCCESS. If not, the query is ready for the
// access check.
func (q *query) ntEnter() (call ntstatus.Status, d Decision, done bool) {
	r := q.r
	if call, d, done = NtPrologue(r); done {
		return call, d, true
	}
	// PrincipalSelfSid needs no test after it: a sid.SID is valid or absent.
	if r.Descriptor == nil || r.Descriptor.Owner().IsZero() || r.Descriptor.Group().IsZero() {
		return ntstatus.InvalidSecurityDescr, d, true
	}
	if q.mapping = r.mapping(); q.mapping == nil {
		return ntstatus.InvalidParameter, d, true
	}
	// Asking for nothing is denied.
	if r.Desired == 0 {
		return ntstatus.Success, denied(0), true
	}
	q.who.token, q.desired = r.Subject.Client, r.Desired
	q.take(r)
	return ntstatus.Success, d, false
}
