package index

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
)

// State is the result of the events so far. It is not safe for concurrent use. Its zero value is not usable;
// [NewState] returns one.
type State struct {
	seq     uint64 // number of the last event
	start   *StartEvent
	began   int64  // time of the start event
	version string // version of the directory
	people  []PersonEvent
	bySID   map[string]int
	byName  people
	byFold  people // by the folded name
	classes map[string]*kind
	rows    map[string]*RowEvent
	below   map[string]map[string]struct{} // names in a folder, see folders
	unread  int                            // unreadable rows

	trees map[string]int // number of rows of each tree that has any
	made  int            // number of the last class
	given int            // number of class numbers that were used before the log was compacted

	ordered []*kind // sorted by ID, as of the last call of inOrder
	added   []*kind // classes added since that call
	// documents has the paths of each class's documents; nil until documentsOf is called.
	documents map[string]map[string]struct{}
}

// kind is what the state knows of a class: its definition, members and number of rows.
type kind struct {
	Class
	event   *ClassEvent
	members effective.Set
	number  int // 1, 2, … in the order of creation
	rows    int
}

// newState returns a state without events, whose first event must be a start.
func newState() *State {
	return &State{bySID: map[string]int{}, byName: people{}, byFold: people{}, classes: map[string]*kind{},
		rows: map[string]*RowEvent{}, below: map[string]map[string]struct{}{}, trees: map[string]int{}}
}

// Apply applies the next event and keeps what it points to, which the caller must not change. It returns an error and
// leaves the state unchanged if the event is out of order, refers to an unknown class or person, or is a second start.
// The first event must be a start. Deleting an unknown document or class is not an error, dropping a class in use is
// one. An event with nothing set is a version of the directory.
func (s *State) Apply(e *Event) error {
	// A compacted log begins with a later number (N-22).
	if e.Seq != s.seq+1 && (e.Start == nil || s.start != nil || e.Start.Until < e.Seq) {
		return fmt.Errorf("event %d comes after %d", e.Seq, s.seq)
	}
	if (e.Start != nil) != (s.start == nil) {
		return fmt.Errorf("event %d: an index begins once, with its start", e.Seq)
	}
	var err error
	switch {
	case e.Start != nil && len(e.Start.Rights) == 0:
		// Each readable row has one class per right, and outputs use the class of the first right.
		err = errors.New("an index without rights")
	case e.Start != nil:
		s.start, s.began, s.given = e.Start, e.Time, e.Start.Classes
	case e.Person != nil:
		err = s.person(e.Person)
	case e.Class != nil:
		err = s.class(e.Class)
	case e.Row != nil:
		err = s.row(e)
	case e.Gone != "":
		s.forget(e.Gone)
	case len(e.Dropped) > 0:
		err = s.drop(e.Dropped)
	default:
		s.version = e.Directory
	}
	if err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	s.seq = e.Seq
	return nil
}

// person applies a person event: it adds a person with the next number, or renames a known one. It returns an error if
// the number is neither the next one nor the known person's number. After an error s is unchanged.
func (s *State) person(p *PersonEvent) error {
	id, err := p.person()
	if err != nil {
		return err
	}
	text := id.String()
	if old, known := s.bySID[text]; known && old == p.Number { // a known person has a new name
		s.rename(p.Number, p.Name)
		return nil
	}
	if _, known := s.bySID[text]; known || p.Number != len(s.people) {
		return fmt.Errorf("person %d: the next number is %d", p.Number, len(s.people))
	}
	s.bySID[text] = p.Number
	s.people = append(s.people, *p)
	s.rename(p.Number, p.Name)
	return nil
}

// rename changes a person's name. A name of two people refers to nobody, until one of them gets another name (N-6).
// number must be known.
func (s *State) rename(number int, name string) {
	p := &s.people[number]
	old := p.Name
	p.Name = name
	s.byName.rename(s.people, number, old, func(name string) string { return name })
	s.byFold.rename(s.people, number, old, directory.Fold)
}

// people are the numbers of people by a key of their names, -1 if several have the key.
type people map[string]int

// rename moves a person from the key of the old name to the key of the new name, which list has.
func (p people) rename(list []PersonEvent, number int, old string, key func(string) string) {
	was, is := key(old), key(list[number].Name)
	if n, known := p[was]; known && n == number {
		delete(p, was)
	} else if known && n < 0 {
		p.count(list, was, func(one PersonEvent) bool { return key(one.Name) == was })
	}
	if other, known := p[is]; known && other != number {
		number = -1
	}
	p[is] = number
}

// count recomputes the number of a key that several people had. has reports whether a person in list has the key now.
func (p people) count(list []PersonEvent, key string, has func(PersonEvent) bool) {
	switch first := slices.IndexFunc(list, has); {
	case first < 0:
		delete(p, key)
	case slices.ContainsFunc(list[first+1:], has):
		p[key] = -1
	default:
		p[key] = first
	}
}

// class applies a class event: it adds a class, or replaces the members of a known class. class ignores the definition
// of a known class. Malformed members, an unknown folder class, and a number that another class has or had are errors.
// After an error s is unchanged.
func (s *State) class(e *ClassEvent) error {
	members, err := parseRanges(e.Members, len(s.people))
	if err != nil {
		return err
	}
	k := s.classes[e.ID]
	if k == nil {
		c, err := e.class()
		if err != nil {
			return err
		}
		if c.Through, err = s.passing(e.Through); err != nil {
			return fmt.Errorf("class %s: %w", e.ID, err)
		}
		k = &kind{Class: c}
	}
	number, err := s.numberOf(e, k.number)
	if err != nil {
		return err
	}
	if s.classes[e.ID] == nil {
		s.classes[e.ID] = k
		s.added = append(s.added, k)
	}
	k.number, k.event, k.members = number, e, members
	return nil
}

// nextNumber returns the number of the next new class.
func (s *State) nextNumber() int { return max(s.made, s.given) + 1 }

// numberOf reserves the number of a class for an event. old is the class's former number, 0 for a new class. The
// event's number is used if set, then old, then the next free number. A class that a compacted log omitted can get
// another number when it is added again. A number that another class has or had is an error, and nothing is reserved
// (N-131).
func (s *State) numberOf(e *ClassEvent, old int) (int, error) {
	switch {
	case e.Number == old && old > 0, e.Number == 0 && old > 0:
		return old, nil
	case e.Number == 0:
		s.made = s.nextNumber()
		return s.made, nil
	case e.Number <= s.made:
		return 0, fmt.Errorf("class %s: number %d: the next number is %d", e.ID, e.Number, s.nextNumber())
	}
	s.made = e.Number
	return e.Number, nil
}

// row applies a row event, which sets the classes that decide access to a document. A readable row needs a known class
// for each right. An unreadable row must have no classes. After an error nothing is changed. The state keeps e.Row.
func (s *State) row(e *Event) error {
	r := e.Row
	// Nobody can read an unreadable document, but the outputs would grant it to the readers of its classes (N-5).
	if r.Error != "" && len(r.Classes) > 0 {
		return fmt.Errorf("%s: an unreadable document with %d classes", r.Path, len(r.Classes))
	}
	if r.Error == "" && len(r.Classes) != len(s.start.Rights) {
		return fmt.Errorf("%s: %d classes for %d rights", r.Path, len(r.Classes), len(s.start.Rights))
	}
	for _, id := range r.Classes {
		if s.classes[id] == nil {
			return fmt.Errorf("%s: no class %s", r.Path, id)
		}
	}
	if r.Pass != "" && s.classes[r.Pass] == nil {
		return fmt.Errorf("%s: no class %s", r.Path, r.Pass)
	}
	r.seq, r.time = e.Seq, e.Time
	s.count(s.rows[r.Path], -1)
	s.rows[r.Path] = r
	s.count(r, 1)
	folders(s.below).link(r.Path)
	return nil
}

// count keeps the counters of rows for each tree and class, and of unreadable rows: it adds n for row r, which is 1 for
// a new row or -1 for a removed one. It ignores a nil row.
func (s *State) count(r *RowEvent, n int) {
	if r == nil {
		return
	}
	if s.trees[r.Tree] += n; s.trees[r.Tree] == 0 {
		delete(s.trees, r.Tree)
	}
	if r.Error != "" {
		s.unread += n
	}
	for _, id := range r.Classes {
		s.classes[id].rows += n
		switch {
		case s.documents == nil:
		case n < 0:
			delete(s.documents[id], r.Path)
		default:
			s.hold(id, r.Path)
		}
	}
}

// inOrder returns the classes sorted by ID. The caller must not change the slice, and may keep it. New classes are
// merged into a new slice, which costs much less than to sort all of them again.
func (s *State) inOrder() []*kind {
	if len(s.added) == 0 {
		return s.ordered
	}
	byID := func(a, b *kind) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(s.added, byID)
	old, out := s.ordered, make([]*kind, 0, len(s.classes))
	for _, k := range s.added {
		at, _ := slices.BinarySearchFunc(old, k, byID)
		out, old = append(append(out, old[:at]...), k), old[at:]
	}
	s.ordered, s.added = append(out, old...), nil
	return s.ordered
}

// documentsOf returns the sorted paths of a class's documents; none for an unknown class. It builds an index on the
// first call, so that later calls need not scan all rows. The caller owns the result.
func (s *State) documentsOf(class string) []string {
	if s.documents == nil {
		s.documents = map[string]map[string]struct{}{}
		for path, r := range s.rows {
			for _, id := range r.Classes {
				s.hold(id, path)
			}
		}
	}
	return slices.Sorted(maps.Keys(s.documents[class]))
}

// hold records in the lookup table of documentsOf that a document belongs to a class. s.documents must not be nil.
func (s *State) hold(class, path string) {
	if s.documents[class] == nil {
		s.documents[class] = map[string]struct{}{}
	}
	s.documents[class][path] = struct{}{}
}

// forget deletes a document from the state: its row and its name in the folder. The row must exist.
func (s *State) forget(at string) {
	s.count(s.rows[at], -1)
	delete(s.rows, at)
	folders(s.below).unlink(at, s.has)
}

// has reports whether a document has a row.
func (s *State) has(at string) bool { return s.rows[at] != nil }

// under returns the paths of a document and its descendants that have rows. A folder comes before its members, and
// members are in the order of their names. It returns nil if there are none.
func (s *State) under(at string) []string { return folders(s.below).under(at, s.has) }
