package access

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// ownerRights returns the owner's implicit rights that are still undecided: READ_CONTROL and WRITE_DAC, or with
// ADOwnerReadOnly only READ_CONTROL. No deny ACE can remove them. The result is 0 in these cases:
//   - The owner is not an enabled SID of the token.
//   - The token is restricted, and the owner is not one of its restricting SIDs.
//   - An ACE for OWNER RIGHTS replaces these rights.
func (q *query) ownerRights() winnt.AccessMask {
	t, owner := q.who.token, q.who.owner
	// The owner must be an enabled SID of the token.
	if owner.IsZero() || !t.AllowBits().Has(t.SIDs().Find(q.ownerHash, owner)) {
		return 0
	}
	if q.dacl.facts&sd.HasOwnerRights != 0 {
		if q.tr != nil {
			q.tr.stage(ownerReplaced, ownerMask, false)
		}
		return 0
	}
	if t.IsRestricted() && t.RestrictedSet().Find(q.ownerHash, owner) < 0 {
		// The restricting SIDs must agree, also to reading, and also of a
		// token that is restricted in writing only.
		if q.tr != nil {
			q.tr.stage(ownerRestricted, ownerMask, false)
		}
		return 0
	}
	m := ownerMask
	// Active Directory can keep WRITE_DAC from owners.
	if q.r.Options.ADOwnerReadOnly {
		m = winnt.READ_CONTROL
	}
	m &= q.held
	if q.tr != nil && m != 0 {
		q.tr.owner(m)
	}
	return m
}
