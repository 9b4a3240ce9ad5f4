package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// IDRange applies the formula of idmap_rid(8) at both ends of its range. Ids outside of it and RIDs of more than 32
// bits have no account (L-53).
func TestIDRangeMapsBothEnds(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	r := fileaccess.IDRange{Domain: domain, First: 70000, Last: 79999, FirstRID: 1000}
	for id, rid := range map[uint32]uint32{70000: 1000, 70103: 1103, 79999: 10999} {
		s, ok := r.SID(id)
		back, found := r.ID(domain.WithRID(rid))
		check.That(t, ok && s == domain.WithRID(rid) && found && back == id,
			"L-53: SID(%d) = %v, %t; ID of RID %d = %d, %t; want one another", id, s, ok, rid, back, found)
	}
	for _, id := range []uint32{0, 69999, 80000, ^uint32(0)} {
		if s, ok := r.SID(id); ok {
			t.Errorf("L-53: SID(%d), outside of the range, = %v, want none", id, s)
		}
	}
	for _, s := range []sid.SID{domain.WithRID(999), domain.WithRID(11000), domain, {}, sid.Administrators,
		sid.MustParse("S-1-5-21-1-2-4-1103")} {
		if id, ok := r.ID(s); ok {
			t.Errorf("L-53: ID(%v), outside of the range, = %d, want none", s, id)
		}
	}
	high := fileaccess.IDRange{Domain: domain, First: 1, Last: 100, FirstRID: ^uint32(0) - 1}
	if s, ok := high.SID(3); ok {
		t.Errorf("L-53: SID with a RID of 33 bits = %v, want none", s)
	}
	if _, ok := high.SID(2); !ok {
		t.Error("L-53: SID with the largest RID: none, want one")
	}
	if id, ok := (&fileaccess.IDRange{Domain: domain, First: 9, Last: 8}).ID(domain.WithRID(0)); ok {
		t.Errorf("ID in an empty range = %d, want none", id)
	}
}
