package bulk

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// newDirectory is a directory of that many users.
func newDirectory(t *testing.T, users int) *directory.Directory {
	t.Helper()
	text := "domain: S-1-5-21-1-2-3\nusers:\n"
	for i := range users {
		text += fmt.Sprintf("  - {name: u%d, sid: S-1-5-21-1-2-3-%d, uid: %d}\n", i, 1100+i, 5000+i)
	}
	return check.Must(dirfile.Read([]byte(text)))
}

// An account that half of the principals are members of counts as many, and a single principal never does. A missing
// DACL has the highest score, and a write entry for unknown accounts the lowest.
func TestRiskScoreCountsPrincipalsWhoWrite(t *testing.T) {
	for _, c := range []struct {
		people int
		sd     string
		counts []uint32 // the principals that can read, write and control
		score  int
		why    string
	}{
		{5, "D:(A;;FA;;;BA)", []uint32{5, 2, 2}, 0, ""},
		{5, "D:(A;;FA;;;BA)", []uint32{5, 3, 2}, 6, "3 people can write"},
		{5, "D:(A;;FA;;;BA)", []uint32{5, 3, 3}, 12, "3 people can change its rights"},
		{6, "D:(A;;FA;;;BA)", []uint32{6, 3, 0}, 6, "3 people can write"},
		{6, "D:(A;;FA;;;BA)", []uint32{6, 2, 2}, 0, ""},
		{1, "D:(A;;FA;;;BA)", []uint32{1, 1, 1}, 0, ""},
		{2, "D:(A;;FA;;;BA)", []uint32{2, 1, 1}, 0, ""},
		{5, "O:BA", []uint32{5, 5, 5}, 40, "no DACL: everybody can do everything"},
		{5, "D:NO_ACCESS_CONTROL", []uint32{4, 5, 5}, 32, "no DACL: everybody can do everything"},
		{5, "D:(A;;FW;;;WD)", []uint32{0, 0, 0}, 1, "Everyone has writing rights by an entry"},
		{5, "D:(A;;GW;;;BG)", []uint32{0, 0, 0}, 1, "Guests has writing rights by an entry"},
		{5, "D:(A;;GA;;;AN)", []uint32{0, 0, 0}, 1, "ANONYMOUS LOGON has writing rights by an entry"},
		{5, "D:(A;;FR;;;WD)(D;;FW;;;WD)(A;;FA;;;AU)", []uint32{0, 0, 0}, 0, ""},
		{5, "D:(A;OICIIO;FW;;;WD)", []uint32{0, 0, 0}, 0, ""}, // of the children, which count themselves
	} {
		r := Report{Directory: newDirectory(t, c.people)}
		score, why := r.risk(place{d: sddl.MustParse(c.sd), typ: winnt.FileObject}, c.counts)
		check.That(t, score == c.score && why == c.why,
			"%d people, %v of %s: %d, %q, want %d, %q", c.people, c.counts, c.sd, score, why, c.score, c.why)
	}
	way := new(objects.Ways).With(nil, sddl.MustParse("O:SYG:SYD:(A;;FX;;;BA)")) // closed to others
	r := Report{Directory: newDirectory(t, 5)}
	for _, text := range []string{"O:BA", "D:(A;;FW;;;WD)"} {
		score, why := r.risk(place{d: sddl.MustParse(text), typ: winnt.FileObject, way: way}, []uint32{5, 0, 0})
		check.That(t, score == 0 && why == "", "%s behind a closed folder: %d, %q, want 0", text, score, why)
	}
}

// TestUnknownAccountsAreListedOnce checks that each account without a name is listed once with its granted rights,
// and that well-known accounts and those of the directory are not.
func TestUnknownAccountsAreListedOnce(t *testing.T) {
	r := Report{Directory: newDirectory(t, 1)}
	d := sddl.MustParse("O:S-1-5-21-9-9-9-1D:(A;;0x2;;;S-1-5-21-9-9-9-2)(A;;GR;;;S-1-5-21-9-9-9-2)" +
		"(D;;FA;;;S-1-5-21-9-9-9-1)(A;;FA;;;WD)(A;;FA;;;S-1-5-21-1-2-3-1100)(A;;0x2;;;S-1-22-1-7)(A;;FA;;;S-1-22-1-5000)" +
		"(A;;0x4;;;S-1-9-7)(A;OICIIO;FA;;;S-1-22-1-7)")
	want := "[{S-1-5-21-9-9-9-1 0x0} {S-1-5-21-9-9-9-2 0x12008b} {S-1-22-1-7 0x2}]"
	check.Equal(t, fmt.Sprint(r.unknown(d, winnt.FileObject)), want, "unknown accounts")
}

// The principals are sorted by objects they control, then write, then read. Percentages refer to readable objects.
func TestReachIsSortedByControl(t *testing.T) {
	r := Report{Directory: newDirectory(t, 5)}
	r.Objects, r.Unreadable = 11, 1
	r.reach = [][3]int{{4, 5, 1}, {9, 2, 7}, {3, 5, 1}, {1, 6, 1}, {8, 5, 1}}
	want := "[{u1 9 2 7 90 20 70 false} {u3 1 6 1 10 60 10 false} {u4 8 5 1 80 50 10 false} {u0 4 5 1 40 50 10 false} " +
		"{u2 3 5 1 30 50 10 false}]"
	check.Equal(t, fmt.Sprint(r.reachRows()), want, "rows")
	r.reach = make([][3]int, 5*maxListed)
	r.Directory = newDirectory(t, 5*maxListed)
	check.Equal(t, len(r.reachRows()), 4*maxListed, "number of rows")
}

// TestOrphansAddUpAndAreLimited checks that addOrphan adds the counts of two parts of a run and keeps the first
// sample, and that mostOrphans lists the SIDs with the most objects, at most maxListed, and counts all.
func TestOrphansAddUpAndAreLimited(t *testing.T) {
	a := &orphan{SID: "S", Objects: 2, Granted: 1, Sample: "/b", First: 5}
	addOrphan(a, &orphan{SID: "S", Objects: 3, Granted: 6, Sample: "/a", First: 2})
	addOrphan(a, &orphan{SID: "S", Objects: 1, Granted: 2, Sample: "/c", First: 9})
	check.That(t, *a == (orphan{SID: "S", Objects: 6, Granted: 7, Sample: "/a", First: 2}),
		"orphan = %+v, want 6 objects and the first sample", a)
	all := newAggregate(0, addOrphan, func(*orphan) int { return 1 })
	defer all.close()
	const n = 10 * maxListed
	for i := range n {
		o := &orphan{SID: fmt.Sprintf("S-%04d", i), Objects: 1 + i/2}
		check.NoError(t, all.merge(o.SID, o))
	}
	list, count, err := mostOrphans(all)
	check.RequireThat(t, err == nil && count == n && len(list) == maxListed,
		"%d of %d, %v, want %d, %d, nil", len(list), count, err, maxListed, n)
	for i, o := range list {
		check.Equal(t, o.SID, fmt.Sprintf("S-%04d", n-2-i+2*(i%2)), "row %d", i)
	}
}

// TestEntryKindIsDescribed checks entryKind's description: the type, and whether the entry is conditional, inherited
// or inherit-only.
func TestEntryKindIsDescribed(t *testing.T) {
	d := sddl.MustParse(`D:(A;;FA;;;WD)(D;;FA;;;WD)(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)` +
		`(OD;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)(XA;;FA;;;WD;(@User.x == 1))(XD;;FA;;;WD;(@User.x == 1))` +
		`(A;OICIIO;FA;;;WD)(D;ID;FA;;;WD)(A;OICIIOID;FA;;;WD)`)
	want := []string{"allow", "deny", "allow", "deny", "allow if", "deny if", "allow, children only", "deny, inherited",
		"allow, children only, inherited"}
	for i, a := range d.DACL().All() {
		check.Equal(t, entryKind(a), want[i], "entry %d", i)
	}
	both := check.Must(sd.NewACE(sd.AccessDeniedCallbackObject, 0, 1, sid.Everyone, sd.ACEExtra{}))
	check.Equal(t, entryKind(both), "deny if", "a denial with type and condition, which SDDL does not have")
}
