package audit

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Verdict is the result of [Policy.Evaluate]: whether an access is recorded
// because of a SACL. The zero value means that it is not.
type Verdict struct {
	// Success and Failure are the outcomes that are recorded. Both can be true for
	// a result list, whose nodes have separate outcomes.
	Success, Failure bool
	// Access is the mask of the record: the granted rights, or the requested
	// rights that were refused. It has no generic bits.
	Access winnt.AccessMask
	// Audited has the granted rights whose use through the handle is also recorded
	// (event 4663). It is 0 unless Success.
	Audited winnt.AccessMask
	// Nodes has the indexes of the object types in the record, each once. It is
	// nil without an object type list.
	Nodes []int
}

// GenerateOnClose reports whether the close of the handle is to be recorded,
// because the successful open was (U-15).
func (v *Verdict) GenerateOnClose() bool { return v.Success }

// Evaluate decides whether an access to an object of the named type is recorded. The policy must record the outcome
// for the subject's account. An audit entry of the object's SACL, or of the type's global SACL, must also match. nodes
// has the results for the request's ObjectTypes if a result list was requested, else it is nil. Evaluate never changes
// the decision (U-18).
func (p *Policy) Evaluate(typ string, request *access.Request, decision access.Decision,
	nodes []access.NodeResult) Verdict {
	if request == nil {
		return Verdict{}
	}
	t := request.Subject.Effective()
	// Nothing is recorded in kernel mode (U-10).
	if request.Mode == access.Kernel || t == nil {
		return Verdict{}
	}
	w := saclWalk{token: t, request: request, global: p.global[typ]}
	// Neither the object's SACL nor the global one has entries (U-10).
	if w.object = request.Descriptor.SACL(); w.object.Len() == 0 && w.global.Len() == 0 {
		return Verdict{}
	}
	s := TypeSubcategory(typ)
	for _, o := range [...]Outcome{Success, Failure} {
		// The policy decides which outcomes are recorded for the account (U-10).
		w.on[o] = p.recordsToken(s, o, t)
	}
	if w.on == [2]bool{} {
		return Verdict{}
	}
	w.mapping = mappingOf(request)
	if len(nodes) > 0 && len(nodes) == len(request.ObjectTypes) {
		return w.resultList(nodes)
	}
	return w.single(decision)
}

// Quiet reports whether an open of an object of this type certainly causes no record, so that the caller need not
// describe it for [Log.Opened]. This is so if neither the object's SACL nor the global SACL of the type has ACEs, and
// no privilege was used. A nil descriptor has no SACL. If Quiet returns false, the open may cause a record or none.
func (p *Policy) Quiet(objectType string, descriptor *sd.Descriptor, used winnt.PrivilegeSet) bool {
	return used == 0 && descriptor.SACL().Len() == 0 && p.global[objectType].Len() == 0
}

// recordsToken reports what [Policy.Records] reports for the account of token t. For a nil token only the system
// policy decides.
func (p *Policy) recordsToken(subcategory Subcategory, outcome Outcome, t *token.Token) bool {
	if len(p.users) == 0 || t == nil {
		return p.system.has(subcategory, outcome)
	}
	return p.Records(subcategory, outcome, t.User().SID, t.IsAdmin())
}

// mappingOf returns the generic mapping of the request, an empty one if it has neither Type nor Mapping.
func mappingOf(r *access.Request) *winnt.GenericMapping {
	switch {
	case r.Mapping != nil:
		return r.Mapping
	case r.Type != nil:
		return &r.Type.Mapping
	}
	return &winnt.GenericMapping{}
}

// outcomeOf returns the audit outcome of a decision: Success if it allows access, else Failure.
func outcomeOf(dec access.Decision) Outcome {
	if dec.Allowed() {
		return Success
	}
	return Failure
}

// auditedMask returns the rights with which the masks of audit ACEs are compared (U-11).
//   - success: the granted rights
//   - failure: the mapped requested rights, without MAXIMUM_ALLOWED
//   - failure of MAXIMUM_ALLOWED alone: all rights of the type
func auditedMask(r *access.Request, mapping *winnt.GenericMapping, outcome Outcome,
	granted winnt.AccessMask) winnt.AccessMask {
	if outcome == Success { // U-11: even if MAXIMUM_ALLOWED was requested
		return granted
	}
	// If only MAXIMUM_ALLOWED was requested, all rights of the type are compared (U-11).
	if r.Desired&^winnt.MAXIMUM_ALLOWED == 0 && r.Desired != 0 {
		return mapping.All
	}
	// A failure is compared by the mapped requested rights (U-11).
	return requestedRights(mapping, r.Desired)
}

// saclWalk is the input of one evaluation of a SACL: who made the request, and what the policy records. The
// evaluation does not change it.
type saclWalk struct {
	token   *token.Token
	request *access.Request
	mapping *winnt.GenericMapping
	object  *sd.ACL // the object's SACL
	global  *sd.ACL // the type's; appended to it for auditing only (U-16)
	on      [2]bool // policy, by outcome
}

// single evaluates the audit ACEs of the object's SACL and of the global one for a check with one decision (U-12,
// U-16). It returns what to record, or the zero Verdict if no ACE matches or the policy does not record the outcome
// (U-10).
func (w *saclWalk) single(dec access.Decision) Verdict {
	o := outcomeOf(dec)
	v := Verdict{Access: auditedMask(w.request, w.mapping, o, dec.Granted)}
	// The policy does not record this outcome (U-10).
	if !w.on[o] {
		return Verdict{}
	}
	// The global SACL counts as if it followed the object's own (U-16).
	for _, list := range [...]*sd.ACL{w.object, w.global} {
		entries := list.Entries()
		for i := range entries {
			e := &entries[i]
			hit := w.mapping.Map(e.Mask) & v.Access
			// The entry shares no right, does not have the flag of the outcome, or does not apply to the subject
			// (U-12).
			if hit == 0 || !requestsRecord(e, o) || !w.applies(list, e) {
				continue
			}
			node, ok := w.node(list, e)
			// The object type of the entry is not in the list (U-13).
			if !ok {
				continue
			}
			if len(w.request.ObjectTypes) > 0 && !slices.Contains(v.Nodes, node) {
				v.Nodes = append(v.Nodes, node)
			}
			if o == Failure {
				v.Failure = true // U-12: the first match suffices
				return v
			}
			v.Success = true
			v.Audited |= hit
		}
	}
	if !v.Success {
		return Verdict{}
	}
	return v
}

// resultList evaluates the audit ACEs for a check with one result per node of the object type list. Each node counts
// with its own outcome (U-13). nodes has one result for each.
func (w *saclWalk) resultList(nodes []access.NodeResult) Verdict {
	var v Verdict
	generated := make([]bool, len(nodes))
	// The global SACL counts as if it followed the object's own (U-16).
	for _, list := range [...]*sd.ACL{w.object, w.global} {
		entries := list.Entries()
		for i := range entries {
			e := &entries[i]
			if e.Flags&(sd.SuccessfulAccess|sd.FailedAccess) == 0 || !e.Kind.IsAudit() || !w.applies(list, e) {
				continue
			}
			root, ok := w.node(list, e)
			// The object type of the entry is not in the list (U-13).
			if !ok {
				continue
			}
			for n := root; n < w.subtreeEnd(root); n++ {
				if w.addNode(&v, e, nodes[n]) {
					generated[n] = true
				}
			}
		}
	}
	for n, yes := range generated { // v.Nodes ascends without duplicates
		if yes {
			v.Nodes = append(v.Nodes, n)
		}
	}
	return v
}

// addNode reports whether an audit ACE requests a record about one node, whose result it gets. If so it adds the
// node's rights and outcome to verdict.
func (w *saclWalk) addNode(verdict *Verdict, entry *sd.Entry, node access.NodeResult) bool {
	o := Failure
	if node.Status().IsSuccess() {
		o = Success
	}
	mask := auditedMask(w.request, w.mapping, o, node.Granted)
	hit := w.mapping.Map(entry.Mask) & mask
	// The entry shares no right, the policy does not record the outcome, or the flag is missing (U-12).
	if hit == 0 || !w.on[o] || !requestsRecord(entry, o) {
		return false
	}
	verdict.Access |= mask
	if o == Success {
		verdict.Success = true
		verdict.Audited |= hit
	} else {
		verdict.Failure = true
	}
	return true
}

// requestsRecord reports whether the ACE requests a record for this outcome: it is an audit ACE with the flag of the
// outcome. Alarm ACEs request none (U-14).
func requestsRecord(entry *sd.Entry, outcome Outcome) bool {
	flag := sd.SuccessfulAccess
	if outcome == Failure {
		flag = sd.FailedAccess
	}
	// An audit entry records with the flag of the outcome, an alarm entry never (U-12, U-14).
	return entry.Kind.IsAudit() && entry.Flags&flag != 0
}

// applies reports whether an audit ACE of list applies to the subject: it is not inherit-only, and its SID and
// condition match (U-12).
func (w *saclWalk) applies(list *sd.ACL, entry *sd.Entry) bool {
	// The entry is only inherited by others, or names no SID of the token (U-12).
	if entry.Flags&sd.InheritOnly != 0 || !w.matches(entry.SID, entry.Hash) {
		return false
	}
	if !entry.Kind.IsCallback() {
		return true
	}
	// A conditional entry applies if its condition is true or unknown (U-12).
	return w.condition(list, entry)
}

// matches reports whether the SID of an audit ACE matches the effective token (U-12).
//   - enabled, deny-only or restricting SID: true
//   - disabled group: false
//   - PRINCIPAL_SELF or OWNER RIGHTS: as the self SID or owner, false without it
func (w *saclWalk) matches(aceSID sid.SID, hash uint32) bool {
	// PRINCIPAL_SELF and OWNER RIGHTS mean the self SID and the owner (U-12).
	if aceSID == sid.PrincipalSelf || aceSID == sid.OwnerRights {
		aceSID = access.Substitute(aceSID, w.request.Self, w.request.Descriptor.Owner())
		hash = aceSID.Hash()
	}
	if aceSID.IsZero() {
		return false
	}
	t := w.token
	// Deny-only and restricting SIDs count like enabled ones (U-12).
	return t.DenyBits().Has(t.SIDs().Find(hash, aceSID)) || t.RestrictedSet().Find(hash, aceSID) >= 0
}

// node returns the index of the request's object type on which an audit ACE acts. An ACE without an object type, or a
// request without a list, has index 0, the whole object (U-13). If the list does not have the ACE's type, ok is
// false.
func (w *saclWalk) node(list *sd.ACL, entry *sd.Entry) (index int, ok bool) {
	if !entry.Kind.IsObject() || len(w.request.ObjectTypes) == 0 {
		return 0, true
	}
	x := list.Extra(entry.Aux)
	if x == nil || !x.HasObjectType {
		return 0, true
	}
	for i := range w.request.ObjectTypes {
		if w.request.ObjectTypes[i].GUID == x.ObjectType {
			return i, true
		}
	}
	// The list does not have the object type of the entry (U-13).
	return 0, false
}

// subtreeEnd returns the index after the last descendant of node root in the object type list, which is in preorder.
func (w *saclWalk) subtreeEnd(root int) int {
	list := w.request.ObjectTypes
	n := root + 1
	for n < len(list) && list[n].Level > list[root].Level {
		n++
	}
	return n
}
