package index

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// teller is a part of a merge beside what it told, taken as one would without numbers and without a state.
type teller struct {
	seq     uint64
	people  []PersonEvent
	classes []*ClassEvent // the last of each, in the order in which they came
	rows    map[string]*RowEvent
	version string
	whole   bool
}

// union is a merge beside what its parts amount to: names by SID, classes as texts, rows by their paths.
type union struct {
	*testing.T
	rng     *rand.Rand
	m       *Merge
	parts   map[string]*teller
	reader  *State // of all events that the merge made
	names   map[string]string
	classes map[string]string
	rows    map[string]string
	version string
}

// last returns what a part told last of a class, nil if it told nothing.
func (p *teller) last(id string) *ClassEvent {
	for _, e := range p.classes {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func mine(name string) func(string) bool {
	return func(path string) bool { return strings.HasPrefix(path, "/"+name) }
}

// made says what a class is made of, without who has it.
func made(e *ClassEvent) string {
	return fmt.Sprint(e.ID, e.Right, e.Mask, e.Folder, e.SD, e.Share, e.Passing, e.Holders, e.Through)
}

// had says who has a class, if that was decided.
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

// A part that was read to its end adds person, class, row, gone and directory.
func (u *union) person(p *PersonEvent) { u.names[p.SID] = p.Name }

func (u *union) class(p *teller, e *ClassEvent) {
	if e.Version == "" || e.Passing { // only that it is there, and once
		if u.classes[e.ID] == "" {
			u.classes[e.ID] = made(e) + "undecided"
		}
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
	u.classes[e.ID] = made(e) + had(e, sids)
}

func (u *union) row(name string, r *RowEvent) {
	if mine(name)(r.Path) {
		u.rows[r.Path] = rowText(r)
	}
}

func (u *union) gone(name, path string) {
	if mine(name)(path) {
		delete(u.rows, path)
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

// tell lets a part tell an event, and holds that the merge makes of it the one event that it amounts to, or none.
func (u *union) tell(name string, e Event) {
	u.Helper()
	p := u.parts[name]
	p.seq++
	e.Seq, e.Time = p.seq, u.rng.Int64()
	before := u.text()
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
			u.row(name, e.Row)
		case e.Gone != "":
			u.gone(name, e.Gone)
		default:
			u.directory()
		}
	}
	if err := u.m.Apply(name, &e); err != nil {
		u.Fatalf("%s: %+v: %v", name, e, err)
	}
	want := 0
	if u.text() != before {
		want = 1
	}
	if events := u.holds(fmt.Sprintf("%s told %+v", name, e)); len(events) != want {
		u.Fatalf("N-42: %s told %+v: %d events, want %d", name, e, len(events), want)
	} else if want == 1 && (events[0].Time != e.Time || (events[0].Gone != "") != (e.Gone != "")) {
		u.Fatalf("N-9: %s told %+v: %+v", name, e, events[0])
	}
}

// end tells that a part was read to its end, which it does twice: the second time says nothing.
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
				u.gone(name, path)
			}
		}
		u.directory()
	}
	for i := range 2 {
		if err := u.m.Whole(name, mine(name)); err != nil {
			u.Fatal(err)
		}
		if events := u.holds(name + " ended"); i > 0 && len(events) > 0 {
			u.Fatalf("N-42: %s ended again: %+v", name, events)
		}
	}
}

// text says all that the parts amount to.
func (u *union) text() string { return fmt.Sprint(u.names, u.classes, u.rows, u.version) }

// holds compares the merge, and who reads its events, with the union.
func (u *union) holds(what string) []Event {
	u.Helper()
	s := u.m.whole.state
	events := u.m.Take()
	for i := range events {
		if err := u.reader.Apply(&events[i]); err != nil {
			u.Fatalf("%s: %v", what, err)
		}
	}
	alike(u.T, what, u.reader, s)
	names, classes, rows := map[string]string{}, map[string]string{}, map[string]string{}
	for _, p := range s.people {
		names[p.SID] = p.Name
	}
	for id, k := range s.classes {
		classes[id] = made(k.event) + had(k.event, s.sids(k.members, nil))
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
