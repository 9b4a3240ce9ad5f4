package access

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Facts of lists that need more than one pass over plain entries.
const (
	daclRare = sd.HasOthers | sd.HasOwnerRights | sd.HasPrincipalSelf
	saclRare = systemRare | sd.HasScopedPolicy
)

// plain reports whether [query.decidePlain], the fast path, can decide the query. No label, policy or privilege may
// apply, and the token must be neither restricted nor an AppContainer. The query must not have a tracer, a tree, an
// intent or previous rights.
func (q *query) plain(d *sd.Descriptor) bool {
	t := q.who.token
	return q.dacl.present && q.dacl.facts&daclRare|d.SACL().Facts()&saclRare == 0 &&
		q.desired&(sacl|winnt.WRITE_OWNER) == 0 && t.OnlyUserSide() &&
		// A token at Medium is below no default label.
		(t.Integrity() >= mediumRID || t.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP == 0)
}

// decidePlain decides a query that is plain, as decide would but faster. It runs stages 3, 4 and 8 only: the owner's
// rights, one pass over the DACL, and the decision.
func (q *query) decidePlain(d *sd.Descriptor) Decision {
	q.sids = q.who.token.SIDs()
	// Neither the owner nor the maximum matters: one pass answers, and nothing is
	// set up that it does not read.
	if q.desired&(ownerMask|maximum) == 0 {
		q.stop, q.undecided = true, q.desired
		// The pass did not grant the whole request.
		if q.run(); q.granted != q.desired {
			return denied(0)
		}
		return Grant(q.desired)
	}
	q.who.owner, q.ownerHash = d.Owner(), d.OwnerHash()
	q.held, q.stop = q.desired, true
	if q.max() {
		// Maximum mode computes every bit that an entry can grant.
		q.held, q.stop = everyBit&^ungranted, false
	}
	// The owner's rights come before the entries.
	q.own = q.ownerRights()
	// The owner's bits are not decided by entries, so a denial of them in the list has no effect.
	if q.undecided = q.held &^ q.own; q.undecided != 0 {
		q.run()
	}
	q.held = q.own | q.granted
	return q.combine(0)
}

// decideAny decides a prepared query, by decidePlain if it can and else by decide.
func (q *query) decideAny() Decision {
	r := q.r
	if q.tr == nil && q.tree == nil && q.previous == 0 && r.Intent == (Intent{}) && q.plain(r.Descriptor) {
		return q.decidePlain(r.Descriptor)
	}
	return q.decide()
}
