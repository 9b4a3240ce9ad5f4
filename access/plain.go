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

// plain reports a question that the owner's rights and one pass for the user and
// groups decide: no stage before them limits it, no privilege takes part and no
// pass follows. Most questions are plain; the stages would find nothing to do.
// The question has no tracer, no tree, no intent and nothing granted before.
func (q *query) plain(d *sd.Descriptor) bool {
	t := q.who.token
	return q.dacl.present && q.dacl.facts&daclRare|d.SACL().Facts()&saclRare == 0 &&
		q.desired&(sacl|winnt.WRITE_OWNER) == 0 && t.OnlyUserSide() &&
		// A token at Medium is below no default label.
		(t.Integrity() >= mediumRID || t.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP == 0)
}

// decidePlain decides a question that is plain: stages 3, 4 and 8.
func (q *query) decidePlain(d *sd.Descriptor) Decision {
	q.sids = q.who.token.SIDs()
	// Neither the owner nor the maximum matters: one pass answers, and nothing is
	// set up that it does not read.
	if q.desired&(ownerMask|maximum) == 0 {
		q.stop, q.undecided = true, q.desired
		// The pass did not grant all that was asked for.
		if q.run(); q.granted != q.desired {
			return denied(0)
		}
		return Grant(q.desired)
	}
	q.who.owner, q.ownerHash = d.Owner(), d.OwnerHash()
	q.held, q.stop = q.desired, true
	if q.max() {
		// Maximum mode is about every bit that an entry can grant.
		q.held, q.stop = everyBit&^ungranted, false
	}
	// The owner's rights come before the entries.
	q.own = q.ownerRights()
	// What the owner has is not asked of the entries, so that a denial of it in the
	// list takes nothing away.
	if q.undecided = q.held &^ q.own; q.undecided != 0 {
		q.run()
	}
	q.held = q.own | q.granted
	return q.combine(0)
}

// decideAny decides a request: by the short way if it is plain.
func (q *query) decideAny() Decision {
	r := q.r
	if q.tr == nil && q.tree == nil && q.previous == 0 && r.Intent == (Intent{}) && q.plain(r.Descriptor) {
		return q.decidePlain(r.Descriptor)
	}
	return q.decide()
}
