package index

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Worker turns watcher reports and directory changes into events. It is not safe for concurrent use.
// [Question.Worker] returns one.
type Worker struct {
	state  *State
	rights []words.Right
	share  *sd.Descriptor
	d      *decider          // nil: no directory was read yet
	walks  map[string]uint64 // trees being walked, with the number of the walk
	begun  uint64            // number of walks started
	events []Event
	clock  int64
	// lock is held for each change of state, which a run's index reads too.
	lock sync.Locker
	// defines means that classes are defined without members.
	defines bool
	// compacted is the number of classes when unused ones were last dropped.
	compacted int

	traverse     Traverse // "": traverse rights are not checked
	lastFolder   string   // folder of lastAbove; "": none
	lastAbove    []Class
	reclassed    []string // folders of the batch whose traverse class has changed
	byDescriptor map[described]classed
	cached       int // bytes of the descriptors in byDescriptor
	// unnamed has the documents whose path is not UTF-8, with the number of the walk that last
	// found them. They have no row.
	unnamed      map[string]uint64
	unnamedBelow folders // of the paths in unnamed
}

// Question is what an index evaluates. Rights is required.
type Question struct {
	Rights    []words.Right
	Share     *sd.Descriptor // nil: none
	ShareText string         // SDDL of Share
	Traverse  Traverse
	Guard     string // name of the share whose configuration the directory has applied; "": none
}

// Worker returns a worker that continues from s, or starts from the beginning if s is nil or empty. It owns s from
// then on. A new index begins with a start event, which the next Take returns. It returns an error if the state
// belongs to another question, if the traverse policy is unknown, or if a right is not a single mask of a file (B-91).
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
		unnamedBelow: folders{},
		traverse:     Traverse(traverse), byDescriptor: map[described]classed{}, lock: unshared{}}
	start := &StartEvent{Format: logFormat, Index: rand.Text(), Share: shareText, Traverse: traverse, Guard: q.Guard}
	for _, r := range rights {
		if r.Any() || r.Managed() {
			return nil, fmt.Errorf("right %s: an index has rights that are one mask", r.Name)
		}
		if err := r.CheckType(winnt.FileObject); err != nil {
			return nil, err
		}
		start.Rights = append(start.Rights, r.Name)
	}
	switch {
	case s.start == nil:
		w.clock = at(time.Now())
		return w, w.add(Event{Start: start})
	case !slices.Equal(s.start.Rights, start.Rights) || s.start.Share != shareText ||
		s.start.Traverse != traverse || s.start.Guard != q.Guard:
		return nil, fmt.Errorf("the index is about %s, share %q and traverse %q: take another folder",
			strings.Join(s.start.Rights, "+"), cmp.Or(s.start.Share, s.start.Guard), s.start.Traverse)
	}
	return w, nil
}

// Take returns the events since the last call and removes them. It returns nil if there are none. The caller owns the
// slice.
func (w *Worker) Take() []Event {
	out := w.events
	w.events = nil
	return out
}

// unshared is the lock of a state that only its worker uses.
type unshared struct{}

// Lock does nothing: nobody else uses the state.
func (unshared) Lock() {}

// Unlock does nothing.
func (unshared) Unlock() {}

// add numbers an event, applies it to the worker's state and queues it for the sinks. On an error it queues nothing.
// Its number is one more than the last event's.
func (w *Worker) add(e Event) error {
	e.Seq, e.Time = w.state.seq+1, w.clock
	if e.Class != nil && w.state.classes[e.Class.ID] == nil { // never reuse the number of a dropped class
		e.Class.Number = w.state.nextNumber()
	}
	w.lock.Lock()
	err := w.state.Apply(&e)
	w.lock.Unlock()
	if err != nil {
		return err
	}
	w.events = append(w.events, e)
	return nil
}

// Directory applies a new directory version. at is its time, in nanoseconds since 1970. It adds an event for each new
// or renamed person, for each class whose members changed, and for the version; rows never change (N-3). It keeps d.
// After an error the worker must not be used.
func (w *Worker) Directory(d *directory.Directory, version string, at int64) error {
	w.clock = at
	same := w.d.samePeople(d)
	if !same {
		if err := w.release(d); err != nil {
			return err
		}
	}
	for i := range d.Principals {
		if p := &d.Principals[i]; !same || w.d.directory.Principals[i].Name != p.Name {
			if err := w.person(p); err != nil {
				return err
			}
		}
	}
	affects := func(*Class) bool { return true }
	if same {
		var f *effective.Difference
		w.d, f = w.d.replace(d, version)
		affects = func(c *Class) bool { return c.affected(f) }
	} else {
		w.d = newDecider(d, version, func(s sid.SID) int { return w.state.bySID[s.String()] }, len(w.state.people))
		w.d.guarded = w.state.start.Guard != ""
	}
	w.lock.Lock()
	classes := w.state.inOrder()
	w.lock.Unlock()
	for _, k := range classes {
		// A change that affects none of a class's SIDs cannot change its members (N-96).
		if affects(&k.Class) {
			if err := w.decide(&k.Class, k); err != nil {
				return err
			}
		}
	}
	return w.add(Event{Directory: version})
}

// release prevents that a name refers to two people when it passes from one SID to another. A person whom directory d
// no longer has, and whose name a principal of d now has, is renamed to the person's SID (N-6).
func (w *Worker) release(d *directory.Directory) error {
	present, names := map[string]bool{}, map[string]bool{}
	for i := range d.Principals {
		present[d.Principals[i].SID().String()], names[d.Principals[i].Name] = true, true
	}
	for n := range w.state.people {
		if p := w.state.people[n]; names[p.Name] && !present[p.SID] {
			if err := w.add(Event{Person: &PersonEvent{Number: n, SID: p.SID, Name: p.SID}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// person emits an event for a principal that is new or has a new name. A new principal gets the next number.
func (w *Worker) person(p *directory.Principal) error {
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

// decide computes the members of a class and adds an event if they changed. k is the class as the state has it, nil if
// it is new. In a worker of [Question.Rows] it adds only the definition.
func (w *Worker) decide(c *Class, k *kind) error {
	if w.defines {
		return w.define(c)
	}
	e, err := w.d.event(c)
	if err != nil || k != nil && k.event.same(e) {
		return err
	}
	return w.add(Event{Class: e})
}

// Batch applies a watcher's report and adds the events for it. The end of a walk removes the documents of the tree that
// the walk did not find. Unless the worker is one of [Question.Rows], it returns an error if no directory was applied
// before. The end of a walk that this worker did not see begin is an error, too. A heartbeat without a time counts as
// now.
func (w *Worker) Batch(b *watch.Batch) error {
	defer w.dropClassed()
	if w.d == nil && !w.defines {
		return fmt.Errorf("%s: no directory was read yet", b.Tree)
	}
	if w.clock = at(b.Heartbeat.Time); b.Heartbeat.Time.IsZero() {
		w.clock = at(time.Now())
	}
	if b.Begin {
		w.begun++
		w.walks[b.Tree] = w.begun
	}
	w.reclassed = nil
	for i := range b.Seen {
		if err := w.applySeen(b.Tree, &b.Seen[i]); err != nil {
			return err
		}
	}
	if err := w.below(b.Tree, w.reclassed); err != nil {
		return err
	}
	if !b.End {
		return nil
	}
	walk, walked := w.walks[b.Tree]
	if !walked { // the walk began before this worker was created
		return fmt.Errorf("%s: a walk has ended that had not begun", b.Tree)
	}
	delete(w.walks, b.Tree)
	w.namelessSince(b.Tree, walk)
	return w.unseen(b.Tree, walk)
}

// applySeen updates the index for one name that a watcher reports.
//
//   - A new or changed document gets a row; an unchanged row emits no event.
//   - A deleted name removes the rows at and below it.
//   - A folder whose traverse class has changed is added to w.reclassed.
//   - A name that is not UTF-8 gets no row; it is only counted.
//
// After an error earlier events stay.
func (w *Worker) applySeen(tree string, s *watch.Seen) error {
	if !utf8.ValidString(s.Path) { // no row can name it, so nobody has access (N-5)
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
	passed := "" // "" for a folder without an earlier row
	if was != nil {
		passed = was.Pass
	}
	if passed != r.Pass {
		w.lastFolder = ""
		w.reclassed = append(w.reclassed, s.Path)
	}
	return nil
}

// fill assigns a row its classes: one for each right, and a traverse class for a folder. A document that is unreadable
// or has no descriptor gets an Error and no classes (N-5). An unreadable folder still gets a traverse class. With
// traverse off no folder has one; a tree's root has one only with TraverseHost.
func (w *Worker) fill(r *RowEvent, s *watch.Seen) (err error) {
	d := s.Descriptor
	if s.Err != nil || d == nil {
		r.Error, d = "there is no descriptor", nil
		if s.Err != nil {
			r.Error = strings.ToValidUTF8(s.Err.Error(), "\uFFFD")
		}
	}
	passing := d
	if w.traverse == TraverseHost {
		passing = s.Search
	}
	if w.traverse != "" && r.Folder && (r.Path != r.Tree || w.traverse == TraverseHost) {
		if r.Pass, err = w.passable(passing); err != nil {
			return err
		}
	}
	if d == nil {
		return nil
	}
	return w.classes(r, d)
}

// same reports whether a new row says the same as the old one, apart from bookkeeping, so that it need not be written.
func (r *RowEvent) same(o *RowEvent) bool {
	return r.Path == o.Path && r.Tree == o.Tree && r.Folder == o.Folder && r.Descriptor == o.Descriptor &&
		r.Error == o.Error && r.Pass == o.Pass && slices.Equal(r.Classes, o.Classes)
}
