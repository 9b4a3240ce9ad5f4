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
	"github.com/refmon/refmon/sddl"
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

// What a change says is so: with its entries dropped from the descriptor itself the
// request is granted, and with each of them but one it is not.
func TestDroppedEntriesGrant(t *testing.T) {
	w := questions.World{Rand: rand.New(rand.NewPCG(7, 7))}
	tried, many := 0, 0
	for range 2500 {
		r := w.Request(w.Descriptor(), mustToken(t, w.Spec()), mustToken(t, w.Spec()))
		changes, err := access.Changes(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			drops := dropsOf(c)
			if drops == nil {
				continue
			}
			tried++
			if len(drops) > 1 {
				many++
			}
			if d := without(t, r, drops); !d.Allowed() {
				t.Errorf("%s: %v", c, d)
			}
			for i := range drops {
				if d := without(t, r, slices.Delete(slices.Clone(drops), i, i+1)); d.Allowed() {
					t.Errorf("%s: %v is not needed", c, drops[i])
				}
			}
		}
	}
	if tried < 20 || many < 5 {
		t.Errorf("only %d changes that drop entries, %d of them more than one", tried, many)
	}
}

// A drop is an entry of a list that a change leaves out.
type drop struct {
	list string
	at   int
}

// dropsOf returns the entries that a change drops; nil if it does anything else.
func dropsOf(c access.Change) (all []drop) {
	for _, s := range c.Steps {
		var d drop
		if n, _ := fmt.Sscanf(s, "drop %s %d", &d.list, &d.at); n != 2 {
			return nil
		}
		all = append(all, d)
	}
	return all
}

// without decides a request of a descriptor without some of its entries.
func without(t *testing.T, r *access.Request, drops []drop) access.Decision {
	t.Helper()
	p := r.Descriptor.Parts()
	for list, of := range map[string]**sd.ACL{"DACL": &p.DACL, "SACL": &p.SACL} {
		if !slices.ContainsFunc(drops, func(d drop) bool { return d.list == list }) {
			continue
		}
		var left []sd.ACE
		for i, a := range (*of).All() {
			if !slices.Contains(drops, drop{list, i}) {
				left = append(left, a)
			}
		}
		l, err := sd.NewACL(left...)
		if err != nil {
			t.Fatal(err)
		}
		*of = l
	}
	again := *r
	again.Descriptor = sd.New(p)
	d, err := access.SeAccessCheck(&again)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestChangesOfTheSACL: an entry of the SACL that is for heirs only limits nothing, and is
// dropped by no change; one that limits is dropped beside what the DACL refuses.
func TestChangesOfTheSACL(t *testing.T) {
	const own = "(A;;FA;;;S-1-5-21-1-2-3-1001)"
	const not = "(D;;FA;;;S-1-5-21-1-2-3-1001)"
	for _, c := range []struct {
		sddl string
		want []drop
	}{
		{"O:BAG:SYD:" + own + "S:(ML;;NW;;;SI)", []drop{{"SACL", 0}}},
		{"O:BAG:SYD:" + own + "S:(ML;OIIO;NW;;;SI)(ML;;NW;;;SI)", []drop{{"SACL", 1}}},
		{"O:BAG:SYD:" + not + own + "S:(ML;;NW;;;SI)", []drop{{"DACL", 0}, {"SACL", 0}}},
		{"O:BAG:SYD:" + not + own + "S:(ML;OIIO;NW;;;SI)", []drop{{"DACL", 0}}},
	} {
		r := &access.Request{Descriptor: sddl.MustParse(c.sddl), Subject: access.SubjectOf(benchToken(t, 3)),
			Desired: winnt.FILE_WRITE_DATA, Type: winnt.FileObject}
		changes, err := access.Changes(r)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, x := range changes {
			got := dropsOf(x)
			found = found || slices.Equal(got, c.want)
			if got != nil && !slices.Equal(got, c.want) {
				t.Errorf("%s: %s, want %v", c.sddl, x, c.want)
			}
		}
		if !found {
			t.Errorf("%s: %v drops no %v", c.sddl, changes, c.want)
		}
	}
}
