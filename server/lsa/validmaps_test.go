package lsa

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
)

// TestIDMapsOfOneStoreMustNotOverlap checks which maps one store may have together, in either order and with a third
// one between them: maps of two domains without a shared id, or different autorid ranges of one domain and
// one size (L-23, L-53).
func TestIDMapsOfOneStoreMustNotOverlap(t *testing.T) {
	rid := func(d sid.SID, low, high uint32) IDMap {
		return IDMap{Domain: d, Name: "M", Backend: RID, Low: low, High: high}
	}
	of := func(b Backend, m IDMap) IDMap {
		m.Backend = b
		return m
	}
	ranged := func(d sid.SID, low, size, index, number uint32) IDMap {
		return IDMap{Domain: d, Name: "M", Backend: Autorid, Low: low, High: low + 4*size - 1, RangeSize: size, Index: index,
			Number: number}
	}
	for _, c := range []struct {
		name  string
		a, b  IDMap
		valid bool
	}{
		{"two domains", rid(corp, 70000, 70099), rid(home, 70100, 70199), true},
		{"a gap between", rid(corp, 70000, 70099), rid(home, 80000, 80099), true},
		{"one id of both", rid(corp, 70000, 70100), rid(home, 70100, 70199), false},
		{"one in the other", rid(corp, 70000, 70100), rid(home, 70050, 70060), false},
		{"the same ids", rid(corp, 70000, 70099), rid(home, 70000, 70099), false},
		{"one domain", rid(corp, 70000, 70099), rid(corp, 80000, 80099), false},
		{"one domain by rid and winbind", rid(corp, 70000, 70099), of(Winbind, rid(corp, 80000, 80099)), false},
		{"one domain by winbind", of(Winbind, rid(corp, 70000, 70099)), of(Winbind, rid(corp, 80000, 80099)), false},
		{"one domain by the directory", of(AD, rid(corp, 70000, 70099)), of(AD, rid(corp, 80000, 80099)), false},
		{"two domains by winbind and the directory", of(Winbind, rid(corp, 70000, 70099)), of(AD, rid(home, 80000, 80099)),
			true},
		{"two ranges of a domain", ranged(corp, 100000, 5000, 0, 0), ranged(corp, 100000, 5000, 1, 1), true},
		{"two ranges of a domain, the later one first", ranged(corp, 100000, 5000, 1, 0), ranged(corp, 100000, 5000, 0, 3),
			true},
		{"one range of a domain twice", ranged(corp, 100000, 5000, 1, 0), ranged(corp, 100000, 5000, 1, 1), false},
		{"two ranges with one number", ranged(corp, 100000, 5000, 0, 1), ranged(corp, 100000, 5000, 1, 1), false},
		{"two sizes of ranges of a domain", ranged(corp, 100000, 5000, 0, 0), ranged(corp, 200000, 4000, 1, 0), false},
		{"two sizes of ranges of two domains", ranged(corp, 100000, 5000, 0, 0), ranged(home, 200000, 4000, 0, 0), true},
		{"ranges of two domains", ranged(corp, 100000, 5000, 0, 0), ranged(home, 100000, 5000, 0, 1), true},
		{"ranges of two domains with one number", ranged(corp, 100000, 5000, 0, 1), ranged(home, 100000, 5000, 0, 1), false},
		{"a range and a rid map of a domain", ranged(corp, 100000, 5000, 1, 0), rid(corp, 70000, 70099), false},
		{"a rid map among ranges of another domain", ranged(corp, 100000, 5000, 0, 1), rid(home, 100000, 104999), true},
		{"a rid map up to a range", ranged(corp, 100000, 5000, 0, 1), rid(home, 100000, 105000), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			between := rid(sid.MustParse("S-1-5-21-7-7-7"), 500, 599)
			for _, all := range [][]IDMap{{c.a, c.b}, {c.b, c.a}, {c.a, between, c.b}, {c.b, between, c.a},
				{between, c.a, c.b}} {
				s := &state{machine: sid.MustParse("S-1-5-21-1-2-3"), maps: all}
				err := s.validMaps(&state{}, nil)
				if (err == nil) != c.valid || err != nil && !strings.Contains(err.Error(), `it overlaps that of "M"`) {
					t.Errorf("L-23: maps %v: error %v, want them accepted: %t", all, err, c.valid)
				}
			}
		})
	}
}
