package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

// mergePart is one part of a merge and its events, without numbers and state.
type mergePart struct {
	seq     uint64
	people  []PersonEvent
	classes []*ClassEvent // the last event of each class, in order of arrival
	rows    map[string]*RowEvent
	version string
	whole   bool
}

// union is the expected result of a merge: names by SID, classes as texts, rows by path.
type union struct {
	*testing.T
	rng     *rand.Rand
	m       *Merge
	parts   map[string]*mergePart
	reader  *State // applied all events of the merge
	names   map[string]string
	classes map[string]string
	rows    map[string]string
	held    map[string][]string // classes by path
	version string
}

// last returns a part's last event of a class, nil if it sent none.
func (p *mergePart) last(id string) *ClassEvent {
	for _, e := range p.classes {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func partOf(name string) func(string) bool {
	return func(path string) bool { return strings.HasPrefix(path, "/"+name) }
}

// classText returns the definition of a class, without its members, as text.
func classText(e *ClassEvent) string {
	return fmt.Sprint(e.ID, e.Right, e.Mask, e.Folder, e.SD, e.Share, e.Passing, e.Holders, e.Through)
}

// had formats a class and its members, if they were decided.
func had(e *ClassEvent, sids []string) string {
	if e.Version == "" && len(sids)+len(e.Allow)+len(e.Expand)+len(e.Expression) == 0 {
		return "undecided"
	}
	slices.Sort(sids)
	return fmt.Sprint(e.Version == "", " of ", sids, e.Allow, e.Expand, e.Expression)
}

func rowText(r *RowEvent) string {
	return fmt.Sprint(r.Path, r.Tree, r.Folder, r.Classes, r.Descriptor, r.Error, r.Pass)
}

// person, class, row, gone and directory add an event of a part that was read to its end.
func (u *union) person(p *PersonEvent) { u.names[p.SID] = p.Name }

func (u *union) class(p *mergePart, e *ClassEvent) {
	if e.Version == "" || e.Passing {
		u.need(p, e.ID)
		return
	}
	members, err := parseRanges(e.Members, len(p.people))
	if err != nil {
		u.Fatal(err)
	}
	var sids []string
	for n := range members.All() {
		sids = append(sids, p.people[n].SID)
	}
	u.classes[e.ID] = classText(e) + had(e, sids)
}

// need adds a class that the union does not have, with the members of the first part that has decided it. It returns
// the number of classes that it added.
func (u *union) need(p *mergePart, id string) int {
	if u.classes[id] != "" {
		return 0
	}
	e := p.last(id)
	u.classes[id] = classText(e) + "undecided"
	for _, name := range []string{"one", "rows", "two"} {
		if o := u.parts[name]; !e.Passing && o != nil && o.whole && o.last(id) != nil && o.last(id).Version != "" {
			u.class(o, o.last(id))
			break
		}
	}
	return 1
}

func (u *union) row(name string, r *RowEvent) (needed int) {
	if partOf(name)(r.Path) {
		if text := rowText(r); u.rows[r.Path] != text {
			for _, id := range r.Classes {
				needed += u.need(u.parts[name], id)
			}
			u.rows[r.Path], u.held[r.Path] = text, r.Classes
		}
	}
	return needed
}

func (u *union) remove(name, path string) {
	if partOf(name)(path) {
		delete(u.rows, path)
		delete(u.held, path)
	}
}

func (u *union) directory() {
	var versions []string
	for _, p := range u.parts {
		if p.whole && p.version != "" {
			versions = append(versions, p.version)
		}
	}
	if len(versions) == 2 && versions[0] == versions[1] {
		u.version = versions[0]
	}
}

// clearMembers removes the classes that no part with a version has decided, if p is the last of these parts. Those that
// rows have stay without members (N-145). It returns the number of events.
func (u *union) clearMembers(p *mergePart) (n int) {
	voters := slices.DeleteFunc(slices.Collect(maps.Values(u.parts)), func(p *mergePart) bool {
		return !p.whole || p.version == ""
	})
	if p.version == "" || len(voters) < 2 {
		return 0
	}
	dropped := 0
	for id, text := range u.classes {
		definition, _, decided := strings.Cut(text, "false of")
		if decided && !slices.ContainsFunc(voters, func(p *mergePart) bool {
			last := p.last(id)
			return last != nil && last.Version != ""
		}) {
			if slices.ContainsFunc(slices.Collect(maps.Values(u.held)), func(held []string) bool {
				return slices.Contains(held, id)
			}) {
				u.classes[id] = definition + "undecided"
				n++
				continue
			}
			delete(u.classes, id)
			dropped = 1
		}
	}
	return n + dropped
}

// apply applies an event of a part, and checks that the merge emits exactly the one event that changes the union, or
// none. The first version of a part can also take the members from classes.
func (u *union) apply(name string, e Event) {
	u.Helper()
	p := u.parts[name]
	p.seq++
	e.Seq, e.Time = p.seq, u.rng.Int64()
	before, first, want := u.text(), p.version == "", 0
	switch {
	case e.Start != nil:
	case e.Person != nil:
		if e.Person.Number == len(p.people) {
			p.people = append(p.people, *e.Person)
		}
		p.people[e.Person.Number] = *e.Person
	case e.Class != nil:
		if last := p.last(e.Class.ID); last != nil {
			*last = *e.Class
		} else {
			one := *e.Class
			p.classes = append(p.classes, &one)
		}
	case e.Row != nil:
		p.rows[e.Row.Path] = e.Row
	case e.Gone != "":
		delete(p.rows, e.Gone)
	default:
		p.version = e.Directory
	}
	if p.whole {
		switch {
		case e.Person != nil:
			u.person(e.Person)
		case e.Class != nil:
			u.class(p, e.Class)
		case e.Row != nil:
			want = u.row(name, e.Row)
		case e.Gone != "":
			u.remove(name, e.Gone)
		default:
			if first {
				want = u.clearMembers(p)
				before = u.text()
			}
			u.directory()
		}
	}
	if err := u.m.Apply(name, &e); err != nil {
		u.Fatalf("%s: %+v: %v", name, e, err)
	}
	if u.text() != before {
		want++
	}
	if events := u.check(fmt.Sprintf("event of %s: %+v", name, e)); len(events) != want {
		u.Fatalf("N-42: event of %s: %+v: the merge emitted %d events, want %d", name, e, len(events), want)
	} else if want == 1 && (events[0].Time != e.Time || (events[0].Gone != "") != (e.Gone != "")) {
		u.Fatalf("N-9: event of %s: %+v: the merge emitted %+v, want its time and target", name, e, events[0])
	}
}

// end reports twice that a part was read to its end. The second report must change nothing.
func (u *union) end(name string) {
	u.Helper()
	p := u.parts[name]
	if !p.whole {
		p.whole = true
		for i := range p.people {
			u.person(&p.people[i])
		}
		for _, e := range p.classes {
			u.class(p, e)
		}
		for _, r := range p.rows {
			u.row(name, r)
		}
		for path := range u.rows {
			if p.rows[path] == nil {
				u.remove(name, path)
			}
		}
		u.clearMembers(p)
		u.directory()
	}
	for i := range 2 {
		check.NoError(u, u.m.Whole(name, partOf(name)))
		if events := u.check(name + " ended"); i > 0 && len(events) > 0 {
			u.Fatalf("N-42: %s ended again: %+v", name, events)
		}
	}
}

// text formats the union.
func (u *union) text() string { return fmt.Sprint(u.names, u.classes, u.rows, u.version) }

// check compares the merge, and the state of a reader of its events, with the union.
func (u *union) check(what string) []Event {
	u.Helper()
	s := u.m.whole.state
	events := u.m.Take()
	for i := range events {
		if err := u.reader.Apply(&events[i]); err != nil {
			u.Fatalf("%s: %v", what, err)
		}
	}
	compareStates(u.T, what, u.reader, s)
	names, classes, rows := map[string]string{}, map[string]string{}, map[string]string{}
	for _, p := range s.people {
		names[p.SID] = p.Name
	}
	for id, k := range s.classes {
		classes[id] = classText(k.event) + had(k.event, s.sids(k.members, nil))
	}
	for path, r := range s.rows {
		rows[path] = rowText(r)
	}
	for _, x := range []struct {
		of        string
		got, want any
	}{{"people", names, u.names}, {"classes", classes, u.classes}, {"rows", rows, u.rows}, {"version", s.version,
		u.version}} {
		if !reflect.DeepEqual(x.got, x.want) {
			u.Fatalf("N-40: %s: %s\n%v, want\n%v", what, x.of, x.got, x.want)
		}
	}
	return events
}

// draw sends one random event of a part.
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
		u.apply(name, Event{Person: &n})
	case 2, 3: // a class with or without members; its ID determines its definition
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
			if e.Expression = [][]string{some("+*", "-S-1-1-0")}; u.rng.IntN(3) == 0 { // decided, and without members
				e.Members, e.Allow, e.Expand, e.Expression = "", nil, nil, nil
			}
			if last := p.last(e.ID); last != nil && last.Version != "" && u.rng.IntN(2) == 0 { // one part of it differs
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
		u.apply(name, Event{Class: &e})
	case 4, 5: // a row of this part, or a parent folder of another part
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
		u.apply(name, Event{Row: &r})
		if u.rng.IntN(3) == 0 { // a repetition changes nothing
			again := r
			u.apply(name, Event{Row: &again})
		}
	case 6:
		if known := slices.Sorted(maps.Keys(p.rows)); len(known) > 0 && u.rng.IntN(2) == 0 {
			u.apply(name, Event{Gone: pick(append(known, "/"+name+"/none")...)})
		} else if name != "rows" {
			u.apply(name, Event{Directory: pick("v1", "v2")})
		}
	}
}

// TestMergeIsUnionOfParts checks that a merge is the union of the final states of the parts that were read
// to their end: each person once with the last name, each class with its last members, each part's
// own rows, and the version that all parts with members have reached. Events without an effect are
// not emitted (N-40, N-42, N-75).
func TestMergeIsUnionOfParts(t *testing.T) {
	rights := check.Must(words.Parse("read+write"))
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(42, seed))
		m := check.Must(Question{Rights: rights}.Merge(nil, 2))
		u := &union{T: t, rng: rng, m: m, parts: map[string]*mergePart{}, reader: newState(), names: map[string]string{},
			classes: map[string]string{}, rows: map[string]string{}, held: map[string][]string{}}
		u.check("its start")
		begin := func(name string) {
			m.Restart(name)
			u.parts[name] = &mergePart{rows: map[string]*RowEvent{}}
			u.apply(name, Event{Start: &StartEvent{Format: 1, Index: name, Rights: []string{"read", "write"}}})
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
