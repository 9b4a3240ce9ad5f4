package lsa

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Backend selects how an [IDMap] maps ids to SIDs. The values are Samba's names.
type Backend string

// The backends. Samba's tdb and ldap allocate ids without a formula; use [Winbind] for them.
const (
	RID     Backend = "rid"     // also "": id = rid − BaseRID + Low
	Autorid Backend = "autorid" // one range of a domain, as `net idmap get ranges` lists them
	AD      Backend = "ad"      // uidNumber and gidNumber of the directory, from Low to High
	Winbind Backend = "winbind" // winbind resolves the ids from Low to High
)

// needsLookup reports whether the backend needs a lookup in winbind or the directory, because no formula
// computes its ids.
func (b Backend) needsLookup() bool { return b == Winbind || b == AD }

// IDMap maps uids and gids of the host to SIDs of one domain. Both kinds use the same numbers.
type IDMap struct {
	Domain  sid.SID `json:"domain"`
	Name    string  `json:"name"` // name of the domain
	Backend Backend `json:"backend,omitempty"`
	Low     uint32  `json:"low"`
	High    uint32  `json:"high"` // the last id
	BaseRID uint32  `json:"baseRid,omitempty"`
	// For autorid: the size of a range, the domain's range index, and the number of the block of
	// ids: id = Low + Number × RangeSize + rid − Index × RangeSize.
	RangeSize uint32 `json:"rangeSize,omitempty"`
	Index     uint32 `json:"index,omitempty"`
	Number    uint32 `json:"number,omitempty"`
}

// span returns the range of an id map: the first and last id that it covers, and the RID of the first one. It does not
// check the map, so the numbers can overflow.
func (m *IDMap) span() (first, last, base uint32) {
	if m.Backend == Autorid {
		first = m.Low + m.Number*m.RangeSize
		return first, first + m.RangeSize - 1, m.Index * m.RangeSize
	}
	return m.Low, m.High, m.BaseRID
}

// covers reports whether id is in the range of the map.
func (m *IDMap) covers(id uint32) bool {
	first, last, _ := m.span()
	return first <= id && id <= last
}

// formula returns the arithmetic mapping between ids and RIDs, which who-can uses too (L-53). It is meaningful only if
// needsLookup is false.
func (m *IDMap) formula() fileaccess.IDRange {
	first, last, base := m.span()
	return fileaccess.IDRange{Domain: m.Domain, First: first, Last: last, FirstRID: base}
}

// String returns the domain's name, shortened if it is overlong, and the first and last id that the map covers.
func (m *IDMap) String() string {
	first, last, _ := m.span()
	return fmt.Sprintf("%s %d-%d", clip(m.Name), first, last)
}

// Domains resolves ids and SIDs through winbind or the directory. A nil error with false means that
// no such account exists. An error means that the source did not answer.
type Domains interface {
	SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error)
	SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error)
	UIDOf(ctx context.Context, id sid.SID) (uint32, bool, error)
	GIDOf(ctx context.Context, id sid.SID) (uint32, bool, error)
}

// overlapped detects an id map that must not be used: it returns an error if the map overlaps subordinate ids, nil
// otherwise. Such a map would turn the users of a container into accounts of the domain.
func (s *Store) overlapped(m *IDMap) error {
	first, last, _ := m.span()
	for _, r := range s.subids.Ranges() {
		if r.Overlaps(first, last) {
			return fmt.Errorf("id map of %s overlaps the subordinate ids %v of %q and is not used: move one of them",
				m, r, r.Owner)
		}
	}
	return nil
}

// Trouble returns the problems with which the store still works, joined into one error, or nil if there are
// none. They are each id map that overlaps subordinate ids and is therefore skipped (L-54), and a Config.Root
// that is not a user of this computer (L-26). It may look Config.Root and its groups up in the host's databases, for up
// to three seconds each. It changes nothing.
func (s *Store) Trouble() error {
	st := s.now.Load()
	var all []error
	if s.cfg.Root != "" {
		if _, status := s.root(st); status == ntstatus.NoSuchUser {
			all = append(all, fmt.Errorf("root: %q is not a user of this computer, so uid 0 cannot log on: add the account "+
				"or remove the key", clip(s.cfg.Root)))
		}
	}
	for i := range st.maps {
		all = append(all, s.overlapped(&st.maps[i]))
	}
	return errors.Join(all...)
}

// sidByMap returns the SID of an id. ok is false if no map covers the id, or its map has no SID. A failure status
// means that the id's map cannot be used now, so the caller must not fall back to another SID.
func (s *Store) sidByMap(st *state, id uint32, group bool) (sid.SID, bool, ntstatus.Status) {
	for i := range st.maps {
		m := &st.maps[i]
		switch {
		case !m.covers(id):
			continue
		case s.overlapped(m) != nil:
			// A map that overlaps subordinate ids is not used. Its ids do not fall back to S-1-22
			// SIDs either (L-54).
			return sid.SID{}, false, ntstatus.NoLogonServers
		case m.Backend.needsLookup():
			return s.sidByLookup(m, id, group)
		}
		f := m.formula()
		found, ok := f.SID(id)
		return found, ok, ntstatus.Success
	}
	return sid.SID{}, false, ntstatus.Success
}

// domains returns the interface through which a map looks ids up, in winbind or the directory; nil if none is
// configured.
func (s *Store) domains(m *IDMap) Domains {
	if m.Backend == AD {
		return s.cfg.Numbers
	}
	return s.cfg.Domains
}

// sidByLookup looks up the SID of an id in winbind or the directory. A SID of the map's domain returns true and
// STATUS_SUCCESS. Any other result, an unmapped id and a lookup longer than hostWait return false and
// STATUS_NO_LOGON_SERVERS (L-55).
func (s *Store) sidByLookup(m *IDMap, id uint32, group bool) (sid.SID, bool, ntstatus.Status) {
	from := s.domains(m)
	if from == nil {
		return sid.SID{}, false, ntstatus.NoLogonServers
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	ask := from.SIDOfUID
	if group {
		ask = from.SIDOfGID
	}
	found, ok, err := ask(ctx, id)
	// If winbind cannot reach its domain controller, it reports every id as unmapped. So only an account of the map's
	// domain counts as an answer (L-55).
	if err != nil || !ok || found.Prefix() != m.Domain {
		return sid.SID{}, false, ntstatus.NoLogonServers
	}
	return found, true, ntstatus.Success
}

// idOf returns the id of a SID: the uid, or the gid if group is set. It uses the first usable map of the SID's
// domain that has an id for it. ok is false if none has, or if the lookup fails.
func (s *Store) idOf(st *state, id sid.SID, group bool) (uint32, bool) {
	for i := range st.maps {
		m := &st.maps[i]
		if m.Domain != id.Prefix() || s.overlapped(m) != nil {
			continue
		}
		if m.Backend.needsLookup() {
			if n, ok := s.idByLookup(m, id, group); ok {
				return n, true
			}
			continue
		}
		f := m.formula()
		if n, ok := f.ID(id); ok {
			return n, true
		}
	}
	return 0, false
}

// idByLookup looks up the id of a SID in winbind or the directory. It ignores an id outside the map, as Samba does
// (L-59). Without a source, or if the lookup fails, it returns false.
func (s *Store) idByLookup(m *IDMap, id sid.SID, group bool) (uint32, bool) {
	from := s.domains(m)
	if from == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	ask := from.UIDOf
	if group {
		ask = from.GIDOf
	}
	n, ok, err := ask(ctx, id)
	return n, err == nil && ok && m.covers(n)
}

// userOf returns the SID of a uid: the account's that has this uid, else the map's, else S-1-22-1-uid (L-27). With a
// failure status the SID must not be used. The subordinate ids come first.
func (s *Store) userOf(st *state, uid uint32) (sid.SID, ntstatus.Status) {
	if s.subids.Has(uid) {
		// A subordinate uid never belongs to a domain account, whatever the maps say (L-24).
		return fileaccess.UnixUser(uid), ntstatus.Success
	}
	if rid, ok := st.uids[uid]; ok {
		return st.machine.WithRID(rid), ntstatus.Success
	}
	u, ok, status := s.sidByMap(st, uid, false)
	if !ok {
		u = fileaccess.UnixUser(uid)
	}
	return u, status
}

// groupOf returns the SID of a gid: the local group's that has this gid, else the map's, else S-1-22-2-gid
// (L-27). A subordinate gid is always S-1-22-2-gid. With a failure status the SID must not be used.
func (s *Store) groupOf(st *state, gid uint32) (sid.SID, ntstatus.Status) {
	if s.subids.Has(gid) {
		return fileaccess.UnixGroup(gid), ntstatus.Success
	}
	if g, ok := st.gids[gid]; ok {
		return g, ntstatus.Success
	}
	g, ok, status := s.sidByMap(st, gid, true)
	if !ok {
		g = fileaccess.UnixGroup(gid)
	}
	return g, status
}
