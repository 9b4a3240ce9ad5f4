package daemon

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestDenialsEvictOnlyOnesOfSameUser checks that a user with 100,000 denials evicts only their own denials, whatever
// the number and size of the others (W-97).
//
// +checklocksignore: there is one goroutine
func TestDenialsEvictOnlyOnesOfSameUser(t *testing.T) {
	d := &Daemon{denials: callBuffer{most: keptDenials, next: 1, fair: true}}
	for i := range 40 {
		d.AddDenial(Denial{UID: uint32(1000 + i), User: fileaccess.UnixUser(uint32(1000 + i)), Lines: []string{"one"}})
	}
	for i := range 100_000 {
		d.AddDenial(Denial{UID: 7, User: fileaccess.UnixUser(7), Lines: []string{fmt.Sprint("many ", i)}})
	}
	large := make([]byte, largestKept-1)
	for range 2 * keptBytes / largestKept {
		d.AddDenial(Denial{UID: 8, User: fileaccess.UnixUser(8), Lines: []string{string(large)}})
	}
	d.AddDenial(Denial{UID: 9, User: fileaccess.UnixUser(9), Lines: []string{string(large), "xy"}}) // too large together
	list, next := d.denials.after(0)
	of := map[uint32]int{}
	size := map[owner]occupancy{}
	for _, s := range list {
		of[s.owner.uid]++
		o := size[s.owner]
		size[s.owner] = occupancy{o.calls + 1, o.bytes + s.size}
	}
	check.That(t, maps.Equal(size, d.denials.owned), "W-97: the denials of the users are counted as %v, want %v",
		d.denials.owned, size)
	if d.denials.bytes > keptBytes || len(list) > keptDenials || next != 100_042+2*keptBytes/largestKept || of[9] != 0 {
		t.Errorf("W-97: %d denials of %d bytes, number %d, want at most %d, at most %d, %d", len(list), d.denials.bytes,
			next, keptDenials, keptBytes, 100_042+2*keptBytes/largestKept)
	}
	for i := range uint32(40) {
		check.RequireThat(t, of[1000+i] == 1, "W-97: %d denials of uid %d are left, want 1", of[1000+i], 1000+i)
	}
	if of[7] < keptDenials/2 || of[8] < keptBytes/largestKept/2 {
		t.Errorf("W-97: %d and %d denials of the other two, want at least %d, at least %d", of[7], of[8],
			keptDenials/2, keptBytes/largestKept/2)
	}
	for _, s := range list {
		check.That(t, s.owner.uid != 7 || s.lines[0] != "many 0", "W-28: the oldest denial is left")
	}
}

// TestMountDenialHiddenFromOtherUsers checks that only administrators and the denied user see a denial that a mount
// adds (W-27).
func TestMountDenialHiddenFromOtherUsers(t *testing.T) {
	d := &Daemon{denials: callBuffer{most: keptDenials, next: 1, fair: true}}
	me := fileaccess.UnixUser(uint32(4711))
	d.AddDenial(Denial{Time: time.Now(), UID: 4711, User: me, Process: 4, Lines: []string{"OPEN /srv/projects/plan"}})
	d.AddDenial(Denial{Time: time.Now(), UID: 4712, Lines: []string{"OPEN /srv/projects/diary"}})
	for _, s := range []string{"", "PLAN", "diary"} {
		l := inspector{d: d, who: subjectOf(t, me)}
		calls, _, _ := l.recordedCalls(&d.denials, &inspect.Query{What: "denials", Path: s, Process: 4})
		want := 1
		if s == "diary" {
			want = 0
		}
		check.That(t, len(calls) == want && (want != 1 || calls[0].Lines[0] == "OPEN /srv/projects/plan"),
			"W-27: %q: %+v", s, calls)
	}
	l := inspector{d: d, who: subjectOf(t, fileaccess.UnixUser(4713))}
	if calls, _, _ := l.recordedCalls(&d.denials, &inspect.Query{What: "denials"}); len(calls) != 0 {
		t.Errorf("W-27: another user sees the denials %+v, want none", calls)
	}
}

// subjectOf returns the subject of an ordinary user.
func subjectOf(t *testing.T, user sid.SID) *access.Subject {
	t.Helper()
	tok := check.Must(token.New(token.StandardUser(user)))
	s := access.SubjectOf(tok)
	return &s
}
