package lsa

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/fileaccess"
)

// Limits of autorid ranges (idmap_autorid(8)).
const (
	leastRange  = 2000
	leastRanges = 2
)

// validMaps rejects maps that overlap each other, and new maps that overlap subordinate ids: the users of a container
// would become accounts of a domain (L-23). The first such map is named in the error.
func (s *state) validMaps(before *state, subordinate []fileaccess.SubIDs) error {
	for i := range s.maps {
		m := &s.maps[i]
		err := m.valid(s)
		for j := range i {
			if err == nil {
				err = m.conflict(&s.maps[j])
			}
		}
		first, last, _ := m.span()
		for _, r := range subordinate {
			if err == nil && !slices.Contains(before.maps, *m) && r.Overlaps(first, last) {
				err = fmt.Errorf("it overlaps the subordinate ids %v of %q", r, r.Owner)
			}
		}
		if err != nil {
			return fmt.Errorf("id map of %q (%d-%d): %w", clip(m.Name), m.Low, m.High, err)
		}
	}
	return nil
}

// valid returns an error for an id map with a wrong domain, range, backend or name. Other maps are not compared. The
// domain must be that of another machine. The range must not have 0, Unmapped or 0xFFFFFFFF. An empty or malformed
// name is an error.
func (m *IDMap) valid(s *state) error {
	switch {
	case m.Domain.Authority() != 5 || m.Domain.SubAuthorities() != 4 || m.Domain.Sub(0) != 21 || m.Domain == s.machine:
		return fmt.Errorf("domain %v: want S-1-5-21-x-y-z of another machine", m.Domain)
	case m.Low == 0 || m.Low > m.High || m.High == ^uint32(0):
		return fmt.Errorf("want 0 < low <= high < 4294967295")
	}
	if err := m.validBackend(); err != nil {
		return err
	}
	first, last, base := m.span()
	switch {
	case first <= Unmapped && last >= Unmapped:
		return fmt.Errorf("65534 stands for every user without a number")
	case base > ^uint32(0)-(last-first):
		return fmt.Errorf("a first RID of %d leaves no RIDs for the range", base)
	}
	return validName(m.Name, map[string]bool{})
}

// validBackend returns an error for an unknown backend, and for a nonzero field of another backend. A backend ""
// means rid. A range of autorid must fit in low to high. High must be at least Low.
func (m *IDMap) validBackend() error {
	ofAutorid := m.RangeSize != 0 || m.Index != 0 || m.Number != 0
	switch m.Backend {
	case "", RID:
		if ofAutorid {
			return fmt.Errorf("rangeSize, index and number belong to backend autorid")
		}
	case Winbind, AD:
		if ofAutorid || m.BaseRID != 0 {
			return fmt.Errorf("backend %s has low and high only", m.Backend)
		}
	case Autorid:
		ids := uint64(m.High-m.Low) + 1
		switch {
		case m.BaseRID != 0:
			return fmt.Errorf("baseRid belongs to backend rid")
		case m.RangeSize < leastRange || ids%uint64(m.RangeSize) != 0 || ids/uint64(m.RangeSize) < leastRanges:
			return fmt.Errorf("want a rangeSize of at least %d of which low to high has %d or more whole ones", leastRange,
				leastRanges)
		case uint64(m.Number) >= ids/uint64(m.RangeSize):
			return fmt.Errorf("number %d: low to high has %d ranges", m.Number, ids/uint64(m.RangeSize))
		case uint64(m.Index)*uint64(m.RangeSize) > uint64(^uint32(0)):
			return fmt.Errorf("index %d has no RIDs of 32 bits", m.Index)
		}
	default:
		return fmt.Errorf("backend %q: want rid, autorid, ad or winbind (also for Samba's tdb and ldap)",
			clip(string(m.Backend)))
	}
	return nil
}

// conflict returns an error if two maps overlap or have the same domain. Ranges of one autorid domain may coexist.
// Both must be valid on their own.
func (m *IDMap) conflict(o *IDMap) error {
	first, last, _ := m.span()
	theirFirst, theirLast, _ := o.span()
	further := m.Backend == Autorid && o.Backend == Autorid && m.Index != o.Index && m.RangeSize == o.RangeSize
	if first <= theirLast && theirFirst <= last || m.Domain == o.Domain && !further {
		return fmt.Errorf("it overlaps that of %q", clip(o.Name))
	}
	return nil
}
