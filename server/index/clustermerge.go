package index

import (
	"fmt"
	"maps"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/server/watch"
)

// Merge merges the logs of many workers into one index. Some logs have rows, others the members of classes. It is
// not safe for concurrent use. [Question.Merge] returns one.
type Merge struct {
	whole *Worker // the merged state, and the events that Take has not returned yet
	parts map[string]*part
	votes int // number of logs with members
}

// part is what a merge has read of one worker's log: the state that the log's events make.
type part struct {
	state *State
	whole bool // the log was read to its end once; from then on each event applies immediately
	own   func(path string) bool
}

// Merge returns a merge that continues from s and owns it from then on; a nil s starts from the beginning. deciders is
// the number of logs with members: the merge emits a directory version once that many logs have reached it. The errors
// are those of [Question.Worker].
func (q Question) Merge(s *State, deciders int) (*Merge, error) {
	w, err := q.Worker(s)
	if err != nil {
		return nil, err
	}
	return &Merge{whole: w, parts: map[string]*part{}, votes: deciders}, nil
}

// Take returns the merged events since the last call and removes them. It returns nil if there are none. The caller
// owns the result.
func (m *Merge) Take() []Event { return m.whole.Take() }

// KeepTrees deletes the documents of all trees that are not in trees. For each such tree it passes an error with the
// number of documents to warn (N-141). warn may be nil. Call KeepTrees before the first event.
func (m *Merge) KeepTrees(trees []string, warn func(error)) error {
	return m.whole.keepTrees(trees, warn)
}

// Watermark returns a watermark that covers all events so far, with the heartbeats in sources. It keeps the map, which
// the caller must not change afterwards. It changes nothing in the merge. No stage sends the counts of documents that
// have no row, so they are NotCounted.
func (m *Merge) Watermark(sources map[string]Moment) *Watermark {
	return &Watermark{Index: m.whole.state.start.Index, Seq: m.whole.state.seq, Boot: watch.BootID(), Sources: sources,
		Unnamed: NotCounted, Unnameable: NotCounted}
}

// Restart discards the state of a log that starts over. Its new events change the merged index only after the next
// [Merge.Whole] (N-42). Its documents stay until then. An unknown name has no effect.
func (m *Merge) Restart(name string) { delete(m.parts, name) }

// part returns what the merge has read of the log with this name. For a new name it creates an empty state.
func (m *Merge) part(name string) *part {
	p := m.parts[name]
	if p == nil {
		p = &part{state: newState()}
		m.parts[name] = p
	}
	return p
}

// Apply applies the next event of the log with this name; a new name begins an empty log. Before [Merge.Whole] the
// event changes only the log's own state. Afterwards it also changes the merged index. The log's first directory
// version takes the members from classes, see [Merge.Whole]. Apply returns the error of [State.Apply].
func (m *Merge) Apply(name string, e *Event) error {
	p := m.part(name)
	voted := p.state.version != ""
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
	case len(e.Dropped) > 0:
		return m.drop(e.Dropped)
	case e.Directory != "" && !voted:
		if err := m.undecide(); err != nil {
			return err
		}
	}
	return m.directory()
}

// Whole records that a log was read to its end, and adds its final state to the merged index. The events before have
// no effect of their own, so that no right returns for a moment (N-42). own reports whether a document belongs to this
// log. Whole removes documents that own accepts and that the log does not have. It ignores rows of the log that own
// rejects, now and later. If all logs with members have ended and have a directory version, it takes the members from
// classes that no log has decided. A second call for the same log does nothing, unless the log was restarted.
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
	for _, at := range slices.Sorted(maps.Keys(p.state.rows)) {
		if err := m.row(p, p.state.rows[at]); err != nil {
			return err
		}
	}
	var gone []string // sort only these paths, because a site has many logs
	for at := range m.whole.state.rows {
		if p.state.rows[at] == nil && own(at) {
			gone = append(gone, at)
		}
	}
	slices.Sort(gone)
	for _, at := range gone {
		if err := m.gone(p, at); err != nil {
			return err
		}
	}
	if p.state.version != "" {
		if err := m.undecide(); err != nil {
			return err
		}
	}
	return m.directory()
}

// undecide drops each class that no log has decided, once all logs with members were read to their ends and have a
// directory version. The members of such a class come from a lost log and may be out of date (N-145).
func (m *Merge) undecide() error {
	votes, decided := 0, map[string]bool{}
	for _, p := range m.parts {
		if !p.whole || p.state.version == "" {
			continue
		}
		votes++
		for id, k := range p.state.classes {
			decided[id] = decided[id] || k.event.Version != ""
		}
	}
	if votes < m.votes {
		return nil
	}
	var lost []string
	for _, k := range m.whole.state.kinds() {
		if k.event.Version != "" && !decided[k.ID] {
			lost = append(lost, k.ID)
		}
	}
	return m.drop(lost)
}

// undecided returns a copy of the event without members, and without a number.
func (e *ClassEvent) undecided() *ClassEvent {
	out := *e
	out.Number, out.Version, out.Members, out.Expression, out.Allow, out.Expand = 0, "", "", nil, nil, nil
	return &out
}

// person adds a person of some log to the merged index, which has person numbers of its own. A new person gets the next
// number there, and a known one the new name. It does nothing if nothing changed.
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

// class copies a class event of log p to the merged index. An event with members replaces differing members, after
// conversion from the person numbers of p. An event without members, or of a folder's class, only makes sure that the
// merged index has the class.
func (m *Merge) class(p *part, e *ClassEvent) error {
	if e.Version == "" || e.Passing { // several parts publish a folder's class, with different versions
		return m.need(p, e.ID)
	}
	k := m.whole.state.classes[e.ID]
	if k == nil {
		for _, folder := range e.Through {
			if err := m.need(p, folder); err != nil {
				return err
			}
		}
	}
	out := *e
	out.Number = 0 // the part's number has no meaning in the whole index
	out.Members = ranges(m.renumbered(p, p.state.classes[e.ID].members))
	if k != nil && k.event.Version != "" && k.event.same(&out) {
		return nil
	}
	return m.whole.add(Event{Class: &out})
}

// need makes sure that the merged index has a class of log p, and the classes of the folders that it names. The merged
// index may have dropped the class, so need takes the members from the log that has decided it. Before a decision
// nobody is a member (N-40).
func (m *Merge) need(p *part, id string) error {
	if m.whole.state.classes[id] != nil {
		return nil
	}
	k := p.state.classes[id]
	if k == nil {
		return fmt.Errorf("no class %s", id)
	}
	for i := range k.Through {
		if err := m.need(p, k.Through[i].ID); err != nil {
			return err
		}
	}
	if d := m.decider(id); d != nil && !k.Passing {
		return m.class(d, d.state.classes[id].event)
	}
	e := k.event.undecided()
	e.Through = ids(k.Through)
	return m.whole.add(Event{Class: e})
}

// decider returns the first log by name that was read to its end and has decided a class; nil if there is none.
func (m *Merge) decider(id string) *part {
	first := ""
	for name, p := range m.parts {
		k := p.state.classes[id]
		if p.whole && k != nil && k.event.Version != "" && (first == "" || name < first) {
			first = name
		}
	}
	return m.parts[first]
}

// drop removes classes that no log decides any more. A class that is still in use keeps its place without members,
// because its members would become out of date: a log of documents is behind (N-148).
func (m *Merge) drop(classes []string) error {
	s := m.whole.state
	known := slices.DeleteFunc(slices.Clone(classes), func(id string) bool { return s.classes[id] == nil })
	if free := s.unneeded(known); len(free) > 0 {
		if err := m.whole.add(Event{Dropped: free}); err != nil {
			return err
		}
	}
	for _, id := range known {
		k := s.classes[id]
		if k == nil || k.event.Version == "" {
			continue
		}
		if err := m.whole.add(Event{Class: k.event.undecided()}); err != nil {
			return err
		}
	}
	return nil
}

// DropUnused drops the classes of a log with rows that a snapshot in it omits. The merged index keeps them until it is
// compacted.
func (m *Merge) DropUnused(name string) { m.part(name).state.DropUnused() }

// renumbered converts a set of people from the person numbers of log p to those of the merged index, which must know
// all these people.
func (m *Merge) renumbered(p *part, of effective.Set) effective.Set {
	out := make(effective.Set, (len(m.whole.state.people)+63)/64)
	for n := range of.All() {
		to := m.whole.state.bySID[p.state.people[n].SID]
		out[to/64] |= 1 << (to % 64)
	}
	return out
}

// same reports whether two events give a class the same members, so that the later one need not be written.
func (e *ClassEvent) same(o *ClassEvent) bool {
	return e.Members == o.Members && slices.Equal(e.Allow, o.Allow) && slices.Equal(e.Expand, o.Expand) &&
		slices.EqualFunc(e.Expression, o.Expression, slices.Equal)
}

// row copies a document's row from log p to the merged index. An unchanged row is ignored. A row that p.own rejects is
// ignored too: each log has rows of shared parent folders, and another log is responsible for them (N-75).
func (m *Merge) row(p *part, r *RowEvent) error {
	if !p.own(r.Path) {
		return nil
	}
	if was := m.whole.state.rows[r.Path]; was != nil && was.same(r) {
		return nil
	}
	for _, id := range r.Classes {
		if err := m.need(p, id); err != nil {
			return err
		}
	}
	if r.Pass != "" {
		if err := m.need(p, r.Pass); err != nil {
			return err
		}
	}
	return m.whole.add(Event{Row: r})
}

// gone copies the deletion of the document at this path from log p to the merged index. It does nothing if the index
// has no such document, or if p.own rejects the path because another log is responsible for it.
func (m *Merge) gone(p *part, at string) error {
	if m.whole.state.rows[at] == nil || !p.own(at) {
		return nil
	}
	return m.whole.add(Event{Gone: at})
}

// directory adds a directory version to the merged index. Every log with members must have reached that version. While
// the versions differ, or if the version is not new, directory does nothing. A log that is incomplete, or has no
// version yet, is ignored.
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

// Rights returns the names of the index's rights. The caller must not change the slice.
func (m *Merge) Rights() []string { return m.whole.state.start.Rights }
