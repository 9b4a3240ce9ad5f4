package index

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Worker decides: of what watchers and the directory tell it makes events. It belongs to
// one goroutine; [Question.Worker] makes one.
type Worker struct {
	state  *State
	rights []bulk.Right
	share  *sd.Descriptor
	d      *decider          // nil: there was no directory yet
	walks  map[string]uint64 // of a tree that is walked: the number of the walk
	begun  uint64            // walks that have begun
	events []Event
	clock  int64
	// defines: classes are told of, and not decided.
	defines bool

	traverse     Traverse // "" where folders on the way are not tested
	lastFolder   string   // the folder whose lastAbove is known; "" for none
	lastAbove    []Class
	byDescriptor map[described]classed
	// unnamed are the paths of documents that are not UTF-8, with the number of the walk in which they
	// were last seen. They have no row.
	unnamed map[string]uint64
}

// Question says what an index is about. It needs rights.
type Question struct {
	Rights    []bulk.Right
	Share     *sd.Descriptor // nil: none
	ShareText string         // its SDDL
	Traverse  Traverse
}

// Worker makes a worker that goes on from a state; nil: from the beginning. The error says
// that the state is about another question.
func (q Question) Worker(s *State) (*Worker, error) {
	if s == nil {
		s = newState()
	}
	traverse, err := q.Traverse.check()
	if err != nil {
		return nil, err
	}
	rights, shareText := q.Rights, q.ShareText
	w := &Worker{state: s, rights: rights, share: q.Share, walks: map[string]uint64{}, unnamed: map[string]uint64{},
		traverse: Traverse(traverse), byDescriptor: map[described]classed{}}
	start := &StartEvent{Format: 1, Index: rand.Text(), Share: shareText, Traverse: traverse}
	for _, r := range rights {
		if r.Any() || r.Managed() {
			return nil, fmt.Errorf("right %s: an index has rights that are one mask", r.Name)
		}
		start.Rights = append(start.Rights, r.Name)
	}
	switch {
	case s.start == nil:
		w.clock = at(time.Now())
		return w, w.add(Event{Start: start})
	case !slices.Equal(s.start.Rights, start.Rights) || s.start.Share != shareText || s.start.Traverse != traverse:
		return nil, fmt.Errorf("the index is about %s, share %q and traverse %q: take another folder",
			strings.Join(s.start.Rights, "+"), s.start.Share, s.start.Traverse)
	}
	return w, nil
}

// Take returns the events since it was last called.
func (w *Worker) Take() []Event {
	out := w.events
	w.events = nil
	return out
}

// add applies an event to the worker's own state, and keeps it for the sinks.
func (w *Worker) add(e Event) error {
	e.Seq, e.Time = w.state.seq+1, w.clock
	if err := w.state.Apply(&e); err != nil {
		return err
	}
	w.events = append(w.events, e)
	return nil
}

// Directory takes a version of the directory: classes whose people are others now are
// events, and no row is (N-3).
func (w *Worker) Directory(d *people.Directory, version string, at int64) error {
	w.clock = at
	for i := range d.Principals {
		if err := w.person(&d.Principals[i]); err != nil {
			return err
		}
	}
	w.d = newDecider(d, version, func(s sid.SID) int { return w.state.bySID[s.String()] }, len(w.state.people))
	ids := make([]string, 0, len(w.state.classes))
	for id := range w.state.classes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		k := w.state.classes[id]
		if err := w.decide(&k.Class, k); err != nil {
			return err
		}
	}
	return w.add(Event{Directory: version})
}

// person gives a principal a number, or its number another name.
func (w *Worker) person(p *people.Principal) error {
	text := p.SID().String()
	number, known := w.state.bySID[text]
	if known && w.state.people[number].Name == p.Name {
		return nil
	}
	if !known {
		number = len(w.state.people)
	}
	return w.add(Event{Person: &PersonEvent{Number: number, SID: text, Name: p.Name}})
}

// decide adds the event of a class; k holds what is known of it, nil if it is new. Nothing is
// added where the answer stays.
func (w *Worker) decide(c *Class, k *kind) error {
	if w.defines {
		return w.define(c)
	}
	got, err := w.d.decide(c)
	if err != nil {
		return err
	}
	e := &ClassEvent{ID: c.ID, Right: c.Right, Mask: uint32(c.Mask), Folder: c.Type == winnt.DirectoryFileObject,
		SD: encoded(c.Descriptor), Share: encoded(c.Share), Passing: c.Passing, Holders: c.Holders,
		Through: ids(c.Through), Version: w.d.version, Members: ranges(got.members),
		Allow: texts(got.allow), Expand: texts(got.expand)}
	if got.told {
		for _, clause := range got.expression {
			terms := []string{}
			for _, t := range clause {
				terms = append(terms, t.String())
			}
			e.Expression = append(e.Expression, terms)
		}
	}
	if k != nil && k.event.same(e) {
		return nil
	}
	return w.add(Event{Class: e})
}

func texts(sids []sid.SID) (out []string) {
	for _, s := range sids {
		out = append(out, s.String())
	}
	return out
}

// Batch takes what a watcher has seen. There must have been a directory.
func (w *Worker) Batch(b *Batch) error {
	if w.d == nil && !w.defines {
		return fmt.Errorf("%s: no directory was read yet", b.Tree)
	}
	if w.clock = at(b.Beat.Time); b.Beat.Time.IsZero() {
		w.clock = at(time.Now())
	}
	if b.Begin {
		w.begun++
		w.walks[b.Tree] = w.begun
	}
	for i := range b.Seen {
		if err := w.seen(b.Tree, &b.Seen[i]); err != nil {
			return err
		}
	}
	if !b.End {
		return nil
	}
	walk, walked := w.walks[b.Tree]
	if !walked { // another worker has seen the walk's beginning
		return fmt.Errorf("%s: a walk has ended that had not begun", b.Tree)
	}
	delete(w.walks, b.Tree)
	w.namelessSince(b.Tree, walk)
	return w.unseen(b.Tree, walk)
}

func (w *Worker) seen(tree string, s *Seen) error {
	if !utf8.ValidString(s.Path) { // a row could not name it, so no one has it (N-5)
		w.nameless(s)
		return nil
	}
	if s.Gone {
		w.nameless(s)
		w.lastFolder = ""
		for _, at := range w.state.under(s.Path) {
			if err := w.add(Event{Gone: at}); err != nil {
				return err
			}
		}
		return nil
	}
	r := &RowEvent{Path: s.Path, Tree: tree, Folder: s.Folder, walk: w.begun}
	if err := w.fill(r, s); err != nil {
		return err
	}
	was := w.state.rows[s.Path]
	if was != nil && was.same(r) {
		was.walk = w.begun
		return nil
	}
	if err := w.add(Event{Row: r}); err != nil {
		return err
	}
	passed := "" // what was known of the folder: nothing, where it was not known
	if was != nil {
		passed = was.Pass
	}
	if passed == r.Pass {
		return nil
	}
	return w.below(tree, s.Path)
}

// fill finds the classes of a row, and of who passes it if it is a folder. What cannot be
// read belongs to no one, and is counted (N-5).
func (w *Worker) fill(r *RowEvent, s *Seen) (err error) {
	d := s.Descriptor
	if s.Err != nil || d == nil {
		r.Error, d = "there is no descriptor", nil
		if s.Err != nil {
			r.Error = strings.ToValidUTF8(s.Err.Error(), "\uFFFD")
		}
	}
	if w.traverse != "" && r.Folder && r.Path != r.Tree {
		if r.Pass, err = w.passable(d); err != nil {
			return err
		}
	}
	if d == nil {
		return nil
	}
	return w.classes(r, d)
}

// classes finds the classes of a row, and decides those that are new.
func (w *Worker) classes(r *RowEvent, d *sd.Descriptor) error {
	above, err := w.above(r.Tree, r.Path)
	if err != nil {
		return err
	}
	own := w.classed(d, r.Folder)
	r.Descriptor = own.hash
	if len(above) == 0 {
		r.Classes = own.ids // shared by all rows of the descriptor: no one writes there
	}
	for i := range own.classes {
		c := own.classes[i].Behind(above)
		if err := w.known(&c); err != nil {
			return err
		}
		if len(above) > 0 {
			r.Classes = append(r.Classes, c.ID)
		}
	}
	return nil
}

// same reports whether two rows say the same.
func (r *RowEvent) same(o *RowEvent) bool {
	return r.Path == o.Path && r.Tree == o.Tree && r.Folder == o.Folder && r.Descriptor == o.Descriptor &&
		r.Error == o.Error && r.Pass == o.Pass && slices.Equal(r.Classes, o.Classes)
}
