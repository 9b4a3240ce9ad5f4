package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NodeResult is the answer for one node of the object tree. The zero value
// denies. Granted can be non-zero although the verdict denies: it then holds
// those of the desired bits that were granted, so that a caller must
// look at the verdict.
type NodeResult struct {
	Granted winnt.AccessMask
	ntstatus.Verdict
}

// String prints the status and the mask.
func (n NodeResult) String() string { return n.Status().String() + " " + n.Granted.String() }

// CheckResultList runs SeAccessCheck with a result for every node of
// ObjectTypes, as AccessCheckByTypeResultList gives it. The decision is that of
// the root, with the privileges used; its Granted is 0 unless allowed. A list
// that is empty or invalid gives STATUS_INVALID_PARAMETER and no
// results. The error is [ErrNoRequest], [ErrNoToken] or [ErrNoMapping].
func CheckResultList(r *Request) ([]NodeResult, Decision, error) { return resultList(r, nil) }

// resultList does what [CheckResultList] does, and tells a tracer unless it is nil.
func resultList(r *Request, tr *tracer) ([]NodeResult, Decision, error) {
	if r == nil {
		return nil, Decision{}, ErrNoRequest
	}
	q := query{who: new(identity), r: r, tr: tr}
	// There is no list to give results for, or it is no tree in preorder
	//
	if len(r.ObjectTypes) == 0 || ValidateObjectTypes(r.ObjectTypes) != nil {
		if q.mapping = r.mapping(); q.mapping != nil {
			q.mapRequest()
		}
		return nil, q.settle(Refuse(ntstatus.InvalidParameter)), nil
	}
	d, done, err := q.enter()
	if err != nil {
		return nil, d, err
	}
	if !done {
		q.tree = newTree(r.ObjectTypes, true)
		d = q.decide()
		// A missing privilege ended the check before any node was looked at: it is the
		// answer of each.
		if d.Status() != ntstatus.PrivilegeNotHeld {
			return q.nodeResults(), d, nil
		}
	}
	return sameForAll(len(r.ObjectTypes), d), d, nil
}

// NtAccessCheckResultList runs NtAccessCheckByTypeResultList
// apart from the rules about pointers and buffers. An empty list fails the call
// before anything else. The decision is that of the root.
func NtAccessCheckResultList(r *Request) (call ntstatus.Status, results []NodeResult, d Decision) {
	if r == nil || len(r.ObjectTypes) == 0 { // There is no list to give results for.
		return ntstatus.InvalidParameter, nil, d
	}
	q := query{who: new(identity), r: r}
	call, d, done := q.ntEnter()
	if call != ntstatus.Success {
		return call, nil, d
	}
	if done { // the same in every entry
		return call, sameForAll(len(r.ObjectTypes), d), d
	}
	q.tree = newTree(r.ObjectTypes, true)
	// The short way has no tree, so that the stages are run.
	d = q.decide()
	return call, q.nodeResults(), d
}

// sameForAll gives each node the decision of the whole.
func sameForAll(n int, d Decision) []NodeResult {
	results := make([]NodeResult, n)
	for i := range results {
		results[i] = NodeResult{d.Granted, d.Verdict}
	}
	return results
}

// nodeResults applies stage 8 for each node. Privileges, the owner, the
// ceiling, the later passes and previous bits count at every node.
func (q *query) nodeResults() []NodeResult {
	results := make([]NodeResult, len(q.tree.nodes))
	asked := q.asked()
	for i := range results {
		// What privileges granted is kept apart from what the passes left, since
		// no pass may take it away.
		total := q.tree.nodes[i].held | q.byPrivilege | q.previous
		ok := asked&^total == 0
		switch {
		case !ok || q.max() && total == 0:
			// The node lacks a right by name, also beside MAXIMUM_ALLOWED.
			results[i] = NodeResult{asked & total, ntstatus.Decided(ntstatus.AccessDenied)}
		case q.max():
			results[i] = NodeResult{total, ntstatus.Decided(ntstatus.Success)}
		default:
			results[i] = NodeResult{asked | q.previous, ntstatus.Decided(ntstatus.Success)}
		}
	}
	return results
}
