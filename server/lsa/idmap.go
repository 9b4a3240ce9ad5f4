package lsa

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Backend says how an [IDMap] goes from ids to SIDs, by the name that Samba has for
// it.
type Backend string

// The backends. The ids of Samba's tdb and ldap follow from no formula: they are
// winbind's here, which asks where they are kept.
const (
	RID     Backend = "rid"     // "" too: id = rid − BaseRID + Low
	Autorid Backend = "autorid" // one range of a domain, as `net idmap get ranges` lists them
	AD      Backend = "ad"      // uidNumber and gidNumber of the directory, from Low to High
	Winbind Backend = "winbind" // what winbind says about ids from Low to High
)

// asks reports whether ids follow from no formula, but are asked for.
func (b Backend) asks() bool { return b == Winbind || b == AD }

// IDMap maps ids of the host, uids and gids alike, to SIDs of a domain.
type IDMap struct {
	Domain  sid.SID `json:"domain"`
	Name    string  `json:"name"` // of the domain
	Backend Backend `json:"backend,omitempty"`
	Low     uint32  `json:"low"`
	High    uint32  `json:"high"` // the last id
	BaseRID uint32  `json:"baseRid,omitempty"`
	// Of autorid: the size of a range, which range of the domain it is, and the
	// number that its ids begin at: id = Low + Number × RangeSize + rid − Index × RangeSize.
	RangeSize uint32 `json:"rangeSize,omitempty"`
	Index     uint32 `json:"index,omitempty"`
	Number    uint32 `json:"number,omitempty"`
}

// span returns the ids that a map is about, and the RID of the first one.
func (m *IDMap) span() (first, last, base uint32) {
	if m.Backend == Autorid {
		first = m.Low + m.Number*m.RangeSize
		return first, first + m.RangeSize - 1, m.Index * m.RangeSize
	}
	return m.Low, m.High, m.BaseRID
}

func (m *IDMap) covers(id uint32) bool {
	first, last, _ := m.span()
	return first <= id && id <= last
}

// formula returns the formula of a map that has one, which who-can computes by, too. L-53
func (m *IDMap) formula() fileaccess.IDRange {
	first, last, base := m.span()
	return fileaccess.IDRange{Domain: m.Domain, First: first, Last: last, FirstRID: base}
}

// String returns the name and the ids.
func (m *IDMap) String() string {
	first, last, _ := m.span()
	return fmt.Sprintf("%s %d-%d", clipped(m.Name), first, last)
}

// Domains tells what winbind says, or the directory. A nil error and false say that it
// names no such account, an error that it said nothing.
type Domains interface {
	SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error)
	SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error)
	UIDOf(ctx context.Context, id sid.SID) (uint32, bool, error)
	GIDOf(ctx context.Context, id sid.SID) (uint32, bool, error)
}

// overlapped returns an error about a map that overlaps subordinate ids: the users of
// a container would become accounts of the domain.
func (s *Store) overlapped(m *IDMap) error {
	first, last, _ := m.span()
	for _, r := range s.subids.ranges() {
		if r.Overlaps(first, last) {
			return fmt.Errorf("id map of %s overlaps the subordinate ids %v of %q and is not used: move one of them",
				m, r, r.Owner)
		}
	}
	return nil
}

// Trouble returns an error for each id map that is not used because it overlaps
// subordinate ids, while the others are (L-54), and for a name of uid 0 that is no
// user's (L-26).
func (s *Store) Trouble() error {
	st := s.now.Load()
	var all []error
	if s.cfg.Root != "" {
		if _, status := s.root(st); status == ntstatus.NoSuchUser {
			all = append(all, fmt.Errorf("root: %q is no user: uid 0 is not let in: add the account or take the key out",
				clipped(s.cfg.Root)))
		}
	}
	for i := range st.maps {
		all = append(all, s.overlapped(&st.maps[i]))
	}
	return errors.Join(all...)
}

// mapped returns the SID of an id that a map covers. The status says that a map
// covers it and cannot be used: what the id has a right to is then not known.
func (s *Store) mapped(st *state, id uint32, group bool) (sid.SID, bool, ntstatus.Status) {
	for i := range st.maps {
		m := &st.maps[i]
		switch {
		case !m.covers(id):
			continue
		case s.overlapped(m) != nil:
			// A map that overlaps subordinate ids is not used, and its ids are let in under no other name. L-54
			return sid.SID{}, false, ntstatus.NoLogonServers
		case m.Backend.asks():
			return s.asked(m, id, group)
		}
		f := m.formula()
		found, ok := f.SID(id)
		return found, ok, ntstatus.Success
	}
	return sid.SID{}, false, ntstatus.Success
}

// domains returns what answers for a map, nil where there is no such source.
func (s *Store) domains(m *IDMap) Domains {
	if m.Backend == AD {
		return s.cfg.Numbers
	}
	return s.cfg.Domains
}

// asked returns what winbind, or the directory, says of an id.
func (s *Store) asked(m *IDMap, id uint32, group bool) (sid.SID, bool, ntstatus.Status) {
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
	// Without its domain controller winbind says of every id that there is no such account: only an account of
	// the map's domain is an answer. L-55
	if err != nil || !ok || found.Prefix() != m.Domain {
		return sid.SID{}, false, ntstatus.NoLogonServers
	}
	return found, true, ntstatus.Success
}

// idOf returns the id of a SID by the maps.
func (s *Store) idOf(st *state, id sid.SID, group bool) (uint32, bool) {
	for i := range st.maps {
		m := &st.maps[i]
		if m.Domain != id.Prefix() || s.overlapped(m) != nil {
			continue
		}
		if m.Backend.asks() {
			if n, ok := s.asksID(m, id, group); ok {
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

// asksID returns the id that winbind, or the directory, says an account has. An id
// outside of the map is ignored, as Samba does (L-59).
func (s *Store) asksID(m *IDMap, id sid.SID, group bool) (uint32, bool) {
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

// userOf returns the SID of a uid: of the account that has it, else by a map, else
// S-1-22-1-uid. L-27
func (s *Store) userOf(st *state, uid uint32) (sid.SID, ntstatus.Status) {
	if s.subids.has(uid) {
		// A subordinate uid is an account of no domain, whatever maps say. L-24
		return fileaccess.UnixUser(uid), ntstatus.Success
	}
	if rid, ok := st.uids[uid]; ok {
		return st.machine.WithRID(rid), ntstatus.Success
	}
	u, ok, status := s.mapped(st, uid, false)
	if !ok {
		u = fileaccess.UnixUser(uid)
	}
	return u, status
}

// groupOf returns the SID of a gid in the same way. L-27
func (s *Store) groupOf(st *state, gid uint32) (sid.SID, ntstatus.Status) {
	if s.subids.has(gid) {
		return fileaccess.UnixGroup(gid), ntstatus.Success
	}
	if g, ok := st.gids[gid]; ok {
		return g, ntstatus.Success
	}
	g, ok, status := s.mapped(st, gid, true)
	if !ok {
		g = fileaccess.UnixGroup(gid)
	}
	return g, status
}
