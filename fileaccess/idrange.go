package fileaccess

import "github.com/refmon/refmon/sid"

// IDRange maps ids of a host, both uids and gids, to accounts of a domain. The formula
// is id = rid − FirstRID + First, as in idmap_rid(8), and in idmap_autorid(8) for one
// of its ranges. The zero value maps no account of a domain.
type IDRange struct {
	Domain      sid.SID // S-1-5-21-x-y-z
	First, Last uint32  // ids, both included
	FirstRID    uint32  // of First
}

// SID returns the account with an id. It returns false for an id outside the range. So does a range without a domain.
func (r *IDRange) SID(id uint32) (sid.SID, bool) {
	if r.Domain.IsZero() || id < r.First || id > r.Last || id-r.First > ^uint32(0)-r.FirstRID {
		return sid.SID{}, false
	}
	return r.Domain.WithRID(id - r.First + r.FirstRID), true
}

// ID returns the id of an account. It returns false for an account of another
// domain or outside the range.
func (r *IDRange) ID(s sid.SID) (uint32, bool) {
	if r.Domain.IsZero() || s.Prefix() != r.Domain || s.RID() < r.FirstRID || r.Last < r.First ||
		s.RID()-r.FirstRID > r.Last-r.First {
		return 0, false
	}
	return s.RID() - r.FirstRID + r.First, true
}
