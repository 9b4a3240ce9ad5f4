package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk"
)

// draw tells one event of a part.
func (u *union) draw(name string) {
	p := u.parts[name]
	pick := func(all ...string) string { return all[u.rng.IntN(len(all))] }
	some := func(all ...string) (out []string) {
		return slices.DeleteFunc(all, func(string) bool { return u.rng.IntN(2) == 0 })
	}
	known := func(passing bool) (out []string) {
		for _, e := range p.classes {
			if e.Passing == passing {
				out = append(out, e.ID)
			}
		}
		return out
	}
	switch u.rng.IntN(7) {
	case 0, 1: // a new person, or one's name
		n := PersonEvent{SID: fmt.Sprintf("S-1-5-21-1-2-3-%d", 1000+u.rng.IntN(70)), Name: pick("a", "b", "c", "d")}
		n.Number = slices.IndexFunc(p.people, func(o PersonEvent) bool { return o.SID == n.SID })
		if n.Number < 0 {
			n.Number = len(p.people)
		}
		u.tell(name, Event{Person: &n})
	case 2, 3: // a class, decided or not; what it is made of follows from its id
		e := ClassEvent{ID: pick("p1", "p2", "c1", "c2", "c3"), Version: pick("", "v1", "v2")}
		e.Mask, e.Folder = uint32(e.ID[1]), e.ID[1] == '2'
		if e.Passing, e.Right = e.ID[0] == 'p', "read"; e.Passing {
			e.Right, e.Holders = passRight, e.ID == "p2"
		} else if e.ID == "c3" {
			if e.Through = []string{"p1", "p2"}; len(known(true)) < 2 {
				return
			}
		}
		if e.Version != "" {
			var numbers []string
			for n := range p.people {
				numbers = append(numbers, fmt.Sprint(n))
			}
			e.Members = strings.Join(some(numbers...), ",")
			e.Allow, e.Expand = some("S-1-1-0"), some("S-1-5-7")
			if e.Expression = [][]string{some("+*", "-S-1-1-0")}; u.rng.IntN(3) == 0 { // decided, and no one has it
				e.Members, e.Allow, e.Expand, e.Expression = "", nil, nil, nil
			}
			if last := p.last(e.ID); last != nil && last.Version != "" && u.rng.IntN(2) == 0 { // one thing of it is another
				one := *last
				switch u.rng.IntN(5) {
				case 0:
					one.Members = e.Members
				case 1:
					one.Allow = e.Allow
				case 2:
					one.Expand = e.Expand
				case 3:
					one.Expression = e.Expression
				}
				one.Version, e = e.Version, one
			}
		}
		u.tell(name, Event{Class: &e})
	case 4, 5: // a row, of this part or, as a folder on the way, of another
		r := RowEvent{Path: "/" + pick(name, name, "rows", "one") + pick("", "/a", "/b", "/c"), Tree: "/" + name,
			Folder: u.rng.IntN(2) == 0, Descriptor: pick("", "00")}
		if own := known(false); len(own) > 0 && u.rng.IntN(5) > 0 {
			r.Classes = []string{pick(own...), pick(own...)}
		} else {
			r.Error, r.Descriptor = pick("no", "none"), ""
		}
		if passing := known(true); len(passing) > 0 && r.Folder {
			r.Pass = pick(append(passing, "")...)
		}
		u.tell(name, Event{Row: &r})
		if u.rng.IntN(3) == 0 { // said again it changes nothing
			again := r
			u.tell(name, Event{Row: &again})
		}
	case 6:
		if known := slices.Sorted(maps.Keys(p.rows)); len(known) > 0 && u.rng.IntN(2) == 0 {
			u.tell(name, Event{Gone: pick(append(known, "/"+name+"/none")...)})
		} else if name != "rows" {
			u.tell(name, Event{Directory: pick("v1", "v2")})
		}
	}
}

// TestUnionOfParts: a merge is the union of what its parts that were read to their ends say last: each person once, by
// its last name; each class as it was decided last; the rows of each part's own documents; and the version to which all
// that tell of people have come. What changes nothing is no event, and what changes something is one (N-40,
// N-42, N-75).
func TestUnionOfParts(t *testing.T) {
	rights, err := bulk.ParseRights("read+write")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(42, seed))
		m, err := Question{Rights: rights}.Merge(nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		u := &union{T: t, rng: rng, m: m, parts: map[string]*teller{}, reader: newState(), names: map[string]string{},
			classes: map[string]string{}, rows: map[string]string{}}
		u.holds("its start")
		begin := func(name string) {
			m.Anew(name)
			u.parts[name] = &teller{rows: map[string]*RowEvent{}}
			u.tell(name, Event{Start: &StartEvent{Format: 1, Index: name, Rights: []string{"read", "write"}}})
		}
		for _, name := range []string{"rows", "one", "two"} {
			begin(name)
		}
		for i := range 200 {
			name := []string{"rows", "one", "two"}[rng.IntN(3)]
			switch {
			case rng.IntN(60) == 0:
				begin(name)
			case rng.IntN(20) == 0 && i > 15:
				u.end(name)
			default:
				u.draw(name)
			}
		}
		consistent(t, "the union", m.whole.state)
	}
}
