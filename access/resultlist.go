package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NodeResult is the result for one node of the object tree. The zero value
// denies. Granted can be non-zero although the verdict denies. It then has the
// desired bits that were granted. Callers must therefore check the
// verdict.
type NodeResult struct {
	Granted winnt.AccessMask
	ntstatus.Verdict
}

// String returns the status and the mask.
func (n NodeResult) String() string { return n.Status().String() + " " + n.Granted.String() }

// CheckResultList runs SeAccessCheck with a result for every node of ObjectTypes, as AccessCheckByTypeResultList does.
// The decision is that of the root, with the privileges used. Its Granted is 0 unless access is allowed. An empty or
// invalid list gives STATUS_INVALID_PARAMETER and no results. The error is [ErrNoRequest], [ErrNoToken]
// or [ErrNoMapping].
func CheckResultList(r *Request) ([]NodeResult, Decision, error) { return resultList(r, nil) }

// resultList implements [CheckResultList]. It records the steps in trace, which may be nil.
func resultList(r *Request, trace *tracer) ([]NodeResult, Decision, error) {
	if r == nil {
		return nil, Decision{}, ErrNoRequest
	}
	q := query{who: new(identity), r: r, tr: trace}
	// There is no list to give results for, or it is not a tree in preorder
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

// NtAccessCheckResultList implements NtAccessCheckByTypeResultList without the rules about pointers and buffers. An
// empty list fails the call with STATUS_INVALID_PARAMETER before any other check, and so does a nil request.
// If the call fails, there are no results. The decision is that of the root.
func NtAccessCheckResultList(r *Request) (call ntstatus.Status, results []NodeResult, d Decision) {
	if r == nil || len(r.ObjectTypes) == 0 { // There is no list to give results for.
		return ntstatus.InvalidParameter, nil, d
	}
	q := query{who: new(identity), r: r}
	call, d, done := q.ntEnter()
	if call != ntstatus.Success {
		return call, nil, d
	}
	if done { // equal in all entries
		return call, sameForAll(len(r.ObjectTypes), d), d
	}
	q.tree = newTree(r.ObjectTypes, true)
	// The fast path has no tree, so this runs the stages.
	d = q.decide()
	return call, q.nodeResults(), d
}

// sameForAll returns the result list of a check that was decided before its nodes: the decision for each of the nodes.
func sameForAll(nodes int, d Decision) []NodeResult {
	results := make([]NodeResult, nodes)
	for i := range results {
		results[i] = NodeResult{d.Granted, d.Verdict}
	}
	return results
}

// nodeResults makes the decision of stage 8 for each node of the object type list and returns the results. The
// bits of privileges, the owner, the ceiling, the later passes and the previous grant count at every node.
func (q *query) nodeResults() []NodeResult {
	results := make([]NodeResult, len(q.tree.nodes))
	requested := q.requested()
	for i := range results {
		// The grants of privileges are separate, because no pass may remove them.
		total := q.tree.nodes[i].held | q.byPrivilege | q.previous
		ok := requested&^total == 0
		switch {
		case !ok || q.max() && total == 0:
			// The node does not have a right that was requested by name, even with MAXIMUM_ALLOWED.
			results[i] = NodeResult{requested & total, ntstatus.Decided(ntstatus.AccessDenied)}
		case q.max():
			results[i] = NodeResult{total, ntstatus.Decided(ntstatus.Success)}
		default:
			results[i] = NodeResult{requested | q.previous, ntstatus.Decided(ntstatus.Success)}
		}
	}
	return results
}
