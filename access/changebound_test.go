package access_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// fullList returns a descriptor whose DACL denies to as many SIDs as 64 KB hold,
// none of them the token's, and then to Everyone.
func fullList(t testing.TB) *sd.Descriptor {
	t.Helper()
	var aces []sd.ACE
	for size := 8; ; {
		s, ok := sid.New(5, 21, 1, 2, 3, uint32(5000+len(aces)))
		if !ok {
			t.Fatal("no SID")
		}
		a, err := sd.NewACE(sd.AccessDenied, 0, winnt.FILE_ALL_ACCESS, s)
		if err != nil {
			t.Fatal(err)
		}
		if size += len(a.Binary()); size > 0xFFFF-64 {
			break
		}
		aces = append(aces, a)
	}
	last, err := sd.NewACE(sd.AccessDenied, 0, winnt.FILE_ALL_ACCESS, sid.Everyone)
	if err != nil {
		t.Fatal(err)
	}
	list, err := sd.NewACL(append(aces, last)...)
	if err != nil {
		t.Fatal(err)
	}
	return sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
}

// What the search for changes takes is bounded by what it is given: a full list
// is not built anew for each of thousands of choices.
func TestChangesAreBounded(t *testing.T) {
	d := fullList(t)
	r := &access.Request{Descriptor: d, Subject: access.SubjectOf(benchToken(t, 20)), Desired: 1,
		Type: winnt.FileObject}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	changes, err := access.Changes(r)
	runtime.ReadMemStats(&after)
	if err != nil || len(changes) == 0 {
		t.Errorf("%v, %v", changes, err)
	}
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*d.Size()); got > most {
		t.Errorf("%d bytes for a descriptor of %d, at most %d", got, d.Size(), most)
	}
}

// What a change says is so: with the entry dropped from the descriptor itself the
// request is granted.
func TestDroppedEntriesGrant(t *testing.T) {
	w := questions.World{Rand: rand.New(rand.NewPCG(7, 7))}
	tried := 0
	for range 2000 {
		r := w.Request(w.Descriptor(), mustToken(t, w.Spec()), mustToken(t, w.Spec()))
		changes, err := access.Changes(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			var at int
			var list string
			if n, _ := fmt.Sscanf(c.Steps[0], "drop %s %d", &list, &at); n != 2 || len(c.Steps) > 1 {
				continue
			}
			tried++
			p := r.Descriptor.Parts()
			of := &p.DACL
			if list == "SACL" {
				of = &p.SACL
			}
			l, err := sd.NewACL(slices.Delete((*of).Slice(), at, at+1)...)
			if err != nil {
				t.Fatal(err)
			}
			*of = l
			again := *r
			again.Descriptor = sd.New(p)
			if d, err := access.SeAccessCheck(&again); err != nil || !d.Allowed() {
				t.Errorf("%s: %v, %v", c, d, err)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d dropped entries", tried)
	}
}
