package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// droppingSite is a site of two workers of rows and two of members, all in one goroutine, whose messages arrive late.
type droppingSite struct {
	*testing.T
	rng       *rand.Rand
	q         Question
	rows      [2]*Worker
	people    [2]*Worker
	one       *Worker            // applies everything at once
	logs      map[string][]Event // an event without content is the end of a snapshot that omits unused classes
	read      map[string]int     // number of events of a log that the merge has
	announced [2][]*ClassEvent   // not yet read by the workers of members
	m         *Merge
	reader    *State // applied all events of the merge
	dropped   int
	versions  int
}

func newDroppingSite(t *testing.T, seed uint64) *droppingSite {
	q := Question{Rights: check.Must(words.Parse("read+modify")), Traverse: TraverseAlways}
	s := &droppingSite{T: t, rng: rand.New(rand.NewPCG(148, seed)), q: q, logs: map[string][]Event{},
		read: map[string]int{}, one: check.Must(q.Worker(nil)), m: check.Must(q.Merge(nil, 2)), reader: newState()}
	for i := range 2 {
		s.rows[i], s.people[i] = check.Must(q.Rows(nil)), check.Must(q.Worker(nil))
	}
	s.directory()
	return s
}

// directory changes the groups of the people.
func (s *droppingSite) directory() {
	s.versions++
	d := firm(s.T, func(string) string { return []string{"Staff", "Night", "Staff, Night", ""}[s.rng.IntN(4)] })
	for _, w := range append(s.people[:], s.one) {
		check.NoError(s, w.Directory(d, fmt.Sprint("v", s.versions), 1))
	}
	s.keep()
}

// keep appends the events of the workers to their logs.
func (s *droppingSite) keep() {
	for i := range 2 {
		for _, x := range []struct {
			name string
			w    *Worker
		}{{fmt.Sprint("people", i), s.people[i]}, {fmt.Sprint("rows", i), s.rows[i]}} {
			s.logs[x.name] = append(s.logs[x.name], x.w.Take()...)
		}
	}
}

// change changes a folder, or a file of one part. New classes are announced before the rows are in the log.
func (s *droppingSite) change() {
	lists := []string{"(A;;FA;;;WD)", "(A;;FA;;;" + staff + ")", "(A;;FA;;;" + night + ")", "(A;;FR;;;" + alice + ")",
		"(D;;FA;;;" + staff + ")(A;;FA;;;WD)"}
	x := watch.Seen{Path: []string{"/t/d", "/t/e", "/t/d/f", "/t/d/ff", "/t/e/f", "/t/e/ff", "/t/g"}[s.rng.IntN(7)],
		Descriptor: sddl.MustParse("O:BAG:SYD:" + lists[s.rng.IntN(len(lists))])}
	x.Folder, x.Gone = len(x.Path) == len("/t/d") && x.Path != "/t/g", s.rng.IntN(6) == 0
	for i, w := range append(s.rows[:], s.one) {
		if i == 2 || x.Folder || x.Gone || len(x.Path)%2 == i {
			check.NoError(s, w.Batch(&watch.Batch{Tree: "/t", Seen: []watch.Seen{x}}))
		}
	}
	for _, w := range s.rows {
		for _, e := range w.events {
			if e.Class != nil && !e.Class.Passing {
				n := int(e.Class.ID[0]) % 2
				s.announced[n] = append(s.announced[n], w.Definition(e.Class.ID)...)
			}
		}
	}
	s.keep()
}

// decide lets a worker of members read the announcements.
func (s *droppingSite) decide(i int) {
	for _, e := range s.announced[i] {
		check.NoError(s, s.people[i].Define(e, 2))
	}
	s.announced[i] = nil
	s.keep()
}

// drop lets a worker of members drop the classes that no worker of rows knows.
func (s *droppingSite) drop(i int) {
	check.NoError(s, s.people[i].DropClasses(func(id string) bool { return s.rows[0].Knows(id) || s.rows[1].Knows(id) }))
	for _, e := range s.people[i].events {
		s.dropped += len(e.Dropped)
	}
	s.keep()
}

// compact compacts the log of a worker of rows. A reader of the whole log skips the snapshot.
func (s *droppingSite) compact(i int) {
	check.NoError(s, check.Err(s.rows[i].Compact(false)))
	s.logs[fmt.Sprint("rows", i)] = append(s.logs[fmt.Sprint("rows", i)], Event{})
}

// compactWhole compacts the log of the whole index, as a sink that is a [Compactor] sees it.
func (s *droppingSite) compactWhole() {
	check.NoError(s, check.Err(s.m.whole.Compact(false)))
	s.reader.prune()
}

// deliver passes up to n events of a log to the merge.
func (s *droppingSite) deliver(name string, n int) {
	s.Helper()
	for ; n > 0 && s.read[name] < len(s.logs[name]); n-- {
		e := s.logs[name][s.read[name]]
		if s.read[name]++; e.Seq == 0 {
			s.m.DropUnused(name)
		} else if err := s.m.Apply(name, &e); err != nil {
			s.Fatalf("%s: %+v: %v", name, e, err)
		}
	}
	if s.read[name] == len(s.logs[name]) {
		own := func(string) bool { return false }
		if name[:4] == "rows" {
			own = func(at string) bool { return fmt.Sprint("rows", len(at)%2) == name }
		}
		check.NoError(s, s.m.Whole(name, own))
	}
	s.check()
}

// restart lets the merge read a log again, from its first event or from a snapshot.
func (s *droppingSite) restart(name string) {
	s.m.Restart(name)
	s.read[name] = 0
	w, all := s.people[name[len(name)-1]-'0'], true
	if name[:4] == "rows" {
		w, all = s.rows[name[len(name)-1]-'0'], false
	}
	if events, err := w.Compact(all); s.rng.IntN(2) == 0 && events != nil {
		check.NoError(s, err)
		s.logs[name] = events
	} else if !all {
		s.logs[name] = append(s.logs[name], Event{})
	}
}

// check checks that each class with members has those that its log has decided.
func (s *droppingSite) check() {
	s.Helper()
	for _, e := range s.m.Take() {
		check.NoError(s, s.reader.Apply(&e))
	}
	compareStates(s.T, "a reader", s.reader, s.m.whole.state)
	for i := range 2 {
		if p := s.m.parts[fmt.Sprint("people", i)]; p == nil || !p.whole || p.state.version == "" {
			return
		}
	}
	for id, k := range s.m.whole.state.classes {
		if k.event.Version == "" || k.Passing {
			continue
		}
		p := s.m.parts[fmt.Sprint("people", id[0]%2)]
		check.RequireThat(s, p.state.classes[id] != nil, "N-148: class %s has members, but no log has decided it", id)
		got, want := s.m.whole.state.sids(k.members, nil), p.state.sids(p.state.classes[id].members, nil)
		check.RequireThat(s, slices.Equal(sorted(got), sorted(want)), "class %s has %v, want %v", id, got, want)
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// agree delivers everything and compares the documents and their readers with those of the worker that did all alone.
func (s *droppingSite) agree() {
	s.Helper()
	for i := range 2 {
		s.decide(i)
	}
	for i := range 2 {
		s.deliver(fmt.Sprint("people", i), 1<<20)
		s.deliver(fmt.Sprint("rows", i), 1<<20)
	}
	whole := s.m.whole.state
	consistent(s.T, "the whole index", whole)
	check.Equal(s, len(whole.rows), len(s.one.state.rows), "rows")
	for at, r := range s.one.state.rows {
		check.RequireThat(s, whole.rows[at].same(r), "N-75: %+v, want %+v", whole.rows[at], r)
		for i := range r.Classes {
			got, want := whole.sids(whole.sets(at)[i], nil), s.one.state.sids(s.one.state.sets(at)[i], nil)
			check.RequireThat(s, slices.Equal(sorted(got), sorted(want)), "N-148: %s: %v, want %v", at, got, want)
		}
	}
}

// TestDroppedClassesComeBack changes documents and groups at random, while the logs arrive in any order. Workers of
// rows compact their logs, workers of members drop unused classes, and the whole index drops those without documents.
// No class ever has members of which its log does not know, and in the end all documents have their readers (N-148).
func TestDroppedClassesComeBack(t *testing.T) {
	for seed := range uint64(30) {
		s := newDroppingSite(t, seed)
		s.agree()
		for range 300 {
			i := s.rng.IntN(2)
			name := fmt.Sprint([]string{"rows", "people"}[s.rng.IntN(2)], i)
			switch s.rng.IntN(12) {
			case 0, 1, 2, 3:
				s.change()
			case 4:
				s.directory()
			case 5:
				s.decide(i)
			case 6:
				s.drop(i)
			case 7:
				s.compact(i)
			case 8, 9, 10:
				s.deliver(name, 1+s.rng.IntN(8))
			case 11:
				switch s.rng.IntN(4) {
				case 0:
					s.restart(name)
				case 1:
					s.agree()
				default:
					s.compactWhole()
				}
			}
		}
		s.agree()
		check.That(t, s.dropped > 20, "seed %d: only %d classes were dropped", seed, s.dropped)
		s.compactWhole()
		for i := range 2 {
			s.compact(i)
			s.agree()
			check.Equal(t, len(s.m.parts[fmt.Sprint("rows", i)].state.classes), len(s.rows[i].state.classes),
				"N-148: classes of a log of documents")
		}
	}
}

// TestDroppedClassGetsNoFormerMembers checks that a class that the whole index has dropped does not take its members
// from a log that is read again and was not read to its end, because they may have lost the right since (N-42, N-148).
func TestDroppedClassGetsNoFormerMembers(t *testing.T) {
	s := newDroppingSite(t, 1)
	file := []watch.Seen{{Path: "/t/g", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;" + staff + ")")}}
	for _, w := range s.rows {
		check.NoError(t, w.Batch(&watch.Batch{Tree: "/t", Seen: file}))
		for _, id := range w.state.rows["/t/g"].Classes {
			for _, e := range w.Definition(id) {
				check.NoError(t, s.people[id[0]%2].Define(e, 2))
			}
		}
	}
	s.keep()
	s.deliver("people0", 1<<20)
	s.deliver("people1", 1<<20)
	s.compactWhole()
	for i := range 2 {
		s.m.Restart(fmt.Sprint("people", i))
		s.logs[fmt.Sprint("people", i)] = append(s.logs[fmt.Sprint("people", i)], Event{}) // not the end
		s.read[fmt.Sprint("people", i)] = 0
		s.deliver(fmt.Sprint("people", i), len(s.logs[fmt.Sprint("people", i)])-1)
	}
	s.deliver("rows0", 1<<20)
	s.deliver("rows1", 1<<20)
	for _, id := range s.m.whole.state.rows["/t/g"].Classes {
		check.Equal(t, s.m.whole.state.classes[id].event.Version, "", "N-42: version of class %s", id)
	}
}
