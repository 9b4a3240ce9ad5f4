package lsa

import (
	"github.com/refmon/refmon/sid"
)

// IDMap is a formula between the ids of the host and the RIDs of a domain
// (idmap_rid): id = rid − BaseRID + Low. It holds for uids and gids.
type IDMap struct {
	Domain  sid.SID `json:"domain"`
	Name    string  `json:"name"` // of the domain
	Low     uint32  `json:"low"`
	High    uint32  `json:"high"` // the last id
	BaseRID uint32  `json:"baseRid,omitempty"`
}

// sid returns the SID of an id in the map's range.
func (m *IDMap) sid(id uint32) (sid.SID, bool) {
	if id < m.Low || id > m.High {
		return sid.SID{}, false
	}
	return m.Domain.WithRID(id - m.Low + m.BaseRID), true
}

// id returns the id of a SID of the map's domain.
func (m *IDMap) id(s sid.SID) (uint32, bool) {
	if s.Prefix() != m.Domain || s.RID() < m.BaseRID || s.RID()-m.BaseRID > m.High-m.Low {
		return 0, false
	}
	return s.RID() - m.BaseRID + m.Low, true
}
