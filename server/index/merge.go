package index

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/effective"
)

// Merge makes one index of the logs of many workers: some tell of rows, some of who has
// the right of classes. It belongs to one goroutine; [Question.Merge] makes one.
type Merge struct {
	whole *Worker // its state, and the events that are not taken yet
	parts map[string]*part
	votes int // how many parts tell of people
}

// part is the log of one worker as far as it was read.
type part struct {
	state *State
	whole bool // it was read to its end once: what it says from now on counts at once
	own   func(path string) bool
}

// Merge makes an index that goes on from a state, of which deciders logs tell of people. The errors
// are those of [Question.Worker].
func (q Question) Merge(s *State, deciders int) (*Merge, error) {
	w, err := q.Worker(s)
	if err != nil {
		return nil, err
	}
	return &Merge{whole: w, parts: map[string]*part{}, votes: deciders}, nil
}

// Take returns the events since it was last called.
func (m *Merge) Take() []Event { return m.whole.Take() }

// Fence returns a fence behind all events, for some sources.
func (m *Merge) Fence(sources map[string]Moment) *Fence {
	return &Fence{Index: m.whole.state.start.Index, Seq: m.whole.state.seq, Boot: bootID(), Sources: sources}
}

// Anew forgets what a log said. It begins again with what it amounts to, of which nothing counts until its
// end (N-42). What is known of its documents stays as it is until then.
func (m *Merge) Anew(name string) { delete(m.parts, name) }

func (m *Merge) part(name string) *part {
	p := m.parts[name]
	if p == nil {
		p = &part{state: newState()}
		m.parts[name] = p
	}
	return p
}

// Apply takes the next event of a log. The error is that of [State.Apply].
func (m *Merge) Apply(name string, e *Event) error {
	p := m.part(name)
	if err := p.state.Apply(e); err != nil || !p.whole {
		return err
	}
	m.whole.clock = e.Time
	switch {
	case e.Person != nil:
		return m.person(e.Person)
	case e.Class != nil:
		return m.class(p, e.Class)
	case e.Row != nil:
		return m.row(p, e.Row)
	case e.Gone != "":
		return m.gone(p, e.Gone)
	}
	return m.directory()
}

// Whole tells that a log was read to its end. What it said in between is history and changes
// nothing: only what it amounts to counts, so that no right comes back for a moment (N-42).
// Documents that are its own and that it does not have are gone.
func (m *Merge) Whole(name string, own func(path string) bool) error {
	p := m.part(name)
	if p.whole {
		return nil
	}
	p.whole, p.own = true, own
	for i := range p.state.people {
		if err := m.person(&p.state.people[i]); err != nil {
			return err
		}
	}
	for _, k := range p.state.kinds() {
		if err := m.class(p, k.event); err != nil {
			return err
		}
	}
	for _, at := range sorted(p.state.rows) {
		if err := m.row(p, p.state.rows[at]); err != nil {
			return err
		}
	}
	for _, at := range sorted(m.whole.state.rows) {
		if p.state.rows[at] == nil && own(at) {
			if err := m.gone(p, at); err != nil {
				return err
			}
		}
	}
	return m.directory()
}

func sorted[V any](of map[string]V) []string {
	out := make([]string, 0, len(of))
	for k := range of {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// person gives a person a number of the whole.
func (m *Merge) person(p *PersonEvent) error {
	s := m.whole.state
	number, known := s.bySID[p.SID]
	if known && s.people[number].Name == p.Name {
		return nil
	}
	if !known {
		number = len(s.people)
	}
	return m.whole.add(Event{Person: &PersonEvent{Number: number, SID: p.SID, Name: p.Name}})
}

// class takes what a log says of a class: what it is made of, or who has its right.
func (m *Merge) class(p *part, e *ClassEvent) error {
	s := m.whole.state
	k := s.classes[e.ID]
	out := *e
	if e.Version == "" || e.Passing { // more than one part tells who passes a folder, of different versions
		if k != nil {
			return nil
		}
		out.Version, out.Members, out.Expression, out.Allow, out.Expand = "", "", nil, nil, nil
		return m.whole.add(Event{Class: &out})
	}
	out.Members = ranges(m.renumbered(p, p.state.classes[e.ID].members))
	if k != nil && k.event.Version != "" && k.event.same(&out) {
		return nil
	}
	return m.whole.add(Event{Class: &out})
}

// renumbered turns numbers of a part into those of the whole.
func (m *Merge) renumbered(p *part, of effective.Set) effective.Set {
	out := make(effective.Set, (len(m.whole.state.people)+63)/64)
	for n := range of.All() {
		to := m.whole.state.bySID[p.state.people[n].SID]
		out[to/64] |= 1 << (to % 64)
	}
	return out
}

// same reports whether two events give the same people.
func (e *ClassEvent) same(o *ClassEvent) bool {
	return e.Members == o.Members && slices.Equal(e.Allow, o.Allow) && slices.Equal(e.Expand, o.Expand) &&
		slices.EqualFunc(e.Expression, o.Expression, slices.Equal)
}

// row takes a row of a part. Rows of folders that another part has are known to each, and are told by
// that one alone (N-75).
func (m *Merge) row(p *part, r *RowEvent) error {
	if !p.own(r.Path) {
		return nil
	}
	if was := m.whole.state.rows[r.Path]; was != nil && was.same(r) {
		return nil
	}
	for _, id := range r.Classes {
		if m.whole.state.classes[id] == nil {
			return fmt.Errorf("%s: no class %s", r.Path, id)
		}
	}
	return m.whole.add(Event{Row: r})
}

func (m *Merge) gone(p *part, at string) error {
	if m.whole.state.rows[at] == nil || !p.own(at) {
		return nil
	}
	return m.whole.add(Event{Gone: at})
}

// directory tells of a version when all logs of people have come to it.
func (m *Merge) directory() error {
	version, votes := "", 0
	for _, p := range m.parts {
		switch {
		case !p.whole || p.state.version == "":
		case version != "" && version != p.state.version:
			return nil
		default:
			version, votes = p.state.version, votes+1
		}
	}
	if votes < m.votes || version == m.whole.state.version {
		return nil
	}
	return m.whole.add(Event{Directory: version})
}
