package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Rights that several stages use.
const (
	sacl       = winnt.ACCESS_SYSTEM_SECURITY
	maximum    = winnt.MAXIMUM_ALLOWED
	ownerMask  = winnt.READ_CONTROL | winnt.WRITE_DAC
	everyBit   = ^winnt.AccessMask(0)
	ungranted  = sacl | maximum | winnt.GENERIC_RIGHTS // no entry grants these
	mediumRID  = winnt.SECURITY_MANDATORY_MEDIUM_RID
	systemRare = sd.HasMandatoryLabel | sd.HasTrustLabel | sd.HasAccessFilter
)

// identity holds the subject's tokens and the object's owner and SACL: all that matching and conditions read.
type identity struct {
	token, primary *token.Token // effective token; the one server SIDs are matched against
	owner          sid.SID
	resource       *sd.ACL // SACL with the resource attributes
}

// list is an ACL prepared for a check: its compiled ACEs and a summary of their types. The zero value means that
// there is no ACL.
type list struct {
	entries []sd.Entry
	acl     *sd.ACL // their source; nil for bytes used once
	facts   sd.Facts
	present bool
}

// set makes l the prepared form of acl. A nil acl changes nothing, so that the zero l still means that there is no
// ACL.
func (l *list) set(acl *sd.ACL) {
	if acl != nil {
		l.entries, l.acl, l.facts, l.present = acl.Entries(), acl, acl.Facts(), true
	}
}

// query is an access check in progress: the prepared request, and the rights that its stages have granted so far. It
// is owned by one check and lives on its stack, and so does the identity.
type query struct {
	who     *identity // a pointer, so that evaluating a condition does not move the rest to the heap
	mapping *winnt.GenericMapping
	r       *Request // the rarer parts; never nil
	tree    *tree    // nil: no object types
	tr      *tracer  // nil: the reasons are not recorded
	dacl    list
	sacl    list

	ownerHash         uint32
	desired, previous winnt.AccessMask // mapped
	held              winnt.AccessMask // bits that all passes so far granted
	own               winnt.AccessMask // the part of held that the owner has implicitly
	byPrivilege       winnt.AccessMask // granted by privileges, clipped by the ceiling

	walk // the pass that runs
}

// max reports whether the request has MAXIMUM_ALLOWED, so that the check collects all rights it can grant.
func (q *query) max() bool { return q.desired&maximum != 0 }

// strict reports whether one refused right denies the whole request: it does without MAXIMUM_ALLOWED, unless
// each node of the object type list gets its own result.
func (q *query) strict() bool { return !q.max() && (q.tree == nil || !q.tree.each) }

// requested returns the bits that are requested one by one, without MAXIMUM_ALLOWED.
func (q *query) requested() winnt.AccessMask { return q.desired &^ maximum }

// decide runs the stages of the access check in their order and returns the decision. The query must be prepared.
// Privileges, mandatory policy, owner, DACL and central policies each narrow or extend the rights in q.
func (q *query) decide() Decision {
	// Rights granted before are not checked again.
	need := q.requested() &^ q.previous
	var used winnt.PrivilegeSet
	if q.tr != nil {
		q.tr.begin(q)
	}
	// Stage 0.
	if need&sacl != 0 || q.r.Intent != (Intent{}) {
		var ok bool
		if used, ok = q.grantByPrivilege(need); !ok {
			return q.settle(Refuse(ntstatus.PrivilegeNotHeld))
		}
	}
	// Stage 1: the ceiling. It comes before privileges and owner.
	ceiling := everyBit
	if q.sacl.facts&systemRare != 0 || q.who.token.Integrity() < mediumRID {
		ceiling = q.ceiling(need)
		// Privileges grant nothing past the ceiling.
		q.byPrivilege &= ceiling
		// One right past the ceiling denies the request.
		if q.strict() && need&^ceiling != 0 {
			return q.settle(denied(used))
		}
	}
	// Stage 2: A-51.
	if need&winnt.WRITE_OWNER&ceiling&^q.byPrivilege != 0 {
		used |= q.takeOwnership()
	}
	// The passes decide the bits that no privilege has granted.
	q.held = need &^ q.byPrivilege
	if q.max() {
		// Maximum mode computes every bit that an entry can grant.
		q.held = everyBit &^ ungranted
	}
	q.held &= ceiling
	// Stage 3: A-56.
	if q.held&ownerMask != 0 {
		q.own = q.ownerRights()
	}
	// Stages 4 to 7. With a tree each node needs its own answer, and an AppContainer must be granted even the owner's
	// rights: both read the DACL in any case.
	if q.held&^q.own == 0 && q.tree == nil && !q.who.token.IsAppContainer() {
		if q.tr != nil {
			q.tr.nothingLeft()
		}
		return q.settle(q.combine(used))
	}
	if q.tree != nil {
		q.tree.hold(q.held)
	}
	ok := q.readDACL(0)
	// Central policies apply only if some are configured.
	if ok && q.sacl.facts&sd.HasScopedPolicy != 0 && q.r.Policies.configured() {
		ok = q.centralPolicy()
	}
	// A pass did not grant the whole request.
	if !ok {
		return q.settle(denied(used))
	}
	if q.strict() { // each pass granted the request, or ended the check
		return q.settle(Grant(q.requested() | q.previous).Using(used))
	}
	return q.settle(q.combine(used))
}

// settle returns decision d, after it has recorded it in the explanation, if there is one. Every path through the
// check ends with it, except the fast path of decidePlain, which has no tracer.
func (q *query) settle(d Decision) Decision {
	if q.tr != nil {
		q.tr.end(q, d)
	}
	return d
}

// combine makes the decision from the rights of the ACLs, the privileges and the previous grant (stage 8). used has
// the privileges that the decision reports.
//   - Without MAXIMUM_ALLOWED every requested right must be granted.
//   - With it all rights found are granted. No right, or a missing right requested by name, is a denial.
func (q *query) combine(used winnt.PrivilegeSet) Decision {
	total := q.held | q.byPrivilege | q.previous
	if q.max() {
		// Maximum mode must find something, and all that was named.
		if total == 0 || q.requested()&^total != 0 {
			return denied(used)
		}
		return Grant(total).Using(used)
	}
	if q.requested()&^total != 0 { // possible only if the caller requests a result per node
		return denied(used)
	}
	return Grant(q.requested() | q.previous).Using(used)
}

// readDACL removes from q.held the bits that a DACL does not grant. The result is false if a required bit is lost.
// The DACL must grant each bit to all of these that the token has:
//   - user and groups, and restricting SIDs, except for the owner's implicit rights
//   - package or capabilities, except for the bits of packageExempt
//
// An empty DACL grants nothing. readNullDACL evaluates a missing DACL.
func (q *query) readDACL(packageExempt winnt.AccessMask) bool {
	// This is one function because calls between smaller ones would cost a tenth of a check.
	t := q.who.token
	if !q.dacl.present {
		return q.readNullDACL(t.IsAppContainer(), packageExempt)
	}
	f := q.dacl.facts
	// Entries for OWNER RIGHTS and SELF apply to other SIDs.
	special := f&sd.HasOwnerRights != 0 || f&sd.HasPrincipalSelf != 0 && !q.r.Self.IsZero()
	for p := userPass; p <= packagePass; p++ {
		limit := ^q.own // only the package pass can remove the owner's rights
		switch p {
		case restrictedPass:
			// The restricting SIDs must be granted the same rights.
			if !t.IsRestricted() {
				continue
			}
			// A token restricted in writing is not restricted in other rights
			//
			if t.WriteRestricted() {
				limit &= q.writeBits()
			}
			q.allowing = t.RestrictedSet().Len()
		case packagePass:
			// The package or its capabilities must be granted the same rights
			//
			if !t.IsAppContainer() {
				return true
			}
			limit = ^packageExempt
		}
		before := q.held
		if before&limit == 0 && q.tree == nil {
			continue
		}
		q.sids, q.pass, q.stop = q.sidsOf(p), p, q.strict()
		// A replaced SID is not found by its own hash, and a package has no index: both examine each entry (A-3,
		//
		q.slow = p == packagePass || special
		q.undecided, q.granted = before&limit, 0
		if q.tr != nil {
			q.tr.pass()
		}
		if q.tree != nil {
			q.tree.start(before, limit)
			q.undecided = q.tree.undecided()
		}
		q.run()
		q.held = before&^limit | q.granted
		if q.tree != nil {
			q.tree.finish(limit)
			// If the caller requests one result, it is the result of the root node.
			q.held = q.tree.nodes[0].held
		}
		if q.tr != nil {
			q.tr.endPass(q)
		}
		if q.stop && q.held != before {
			return false
		}
	}
	return true
}

// writeBits returns the rights that a write-restricted token is restricted in:
// deleting, changing DACL or owner, and the writing rights of the type that
// neither reading nor executing needs.
func (q *query) writeBits() winnt.AccessMask {
	m := q.mapping
	return winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | m.Write&^(m.Read|m.Execute)
}

// readNullDACL applies the passes of readDACL to an object without a DACL. It grants every right, in the
// restricted pass too. An AppContainer keeps only the bits of packageExempt. It returns false if the
// request is denied.
func (q *query) readNullDACL(container bool, packageExempt winnt.AccessMask) bool {
	before := q.held
	if q.max() {
		// Without a DACL maximum mode grants all the type has.
		q.clip(q.own | q.mapEntry(winnt.GENERIC_ALL) | q.requested())
	}
	if q.tr != nil {
		q.tr.null(q, before)
	}
	// No DACL grants an AppContainer nothing.
	if container {
		before = q.held
		q.clip(packageExempt)
		if q.tr != nil {
			q.tr.lost(q, before&^q.held, Reason{Kind: AppContainerPass, Index: -1}, nullForPackage)
		}
		return !q.strict() || q.held == before
	}
	return true
}

// clip takes away all granted rights outside allowed, from the object and from every node of an object type list.
func (q *query) clip(allowed winnt.AccessMask) {
	q.held &= allowed
	if q.tree != nil {
		for i := range q.tree.nodes {
			q.tree.nodes[i].held &= allowed
		}
	}
}
