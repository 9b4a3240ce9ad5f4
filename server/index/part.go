package index

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/winnt"
)

// NewState returns the state of an index that nothing was said of.
func NewState() *State { return newState() }

// Boot names the run of this machine's kernel, "" where it has no name.
func Boot() string { return bootID() }

// Passing reports whether a version has an error only because its file is being written.
func (v *Version) Passing() bool { return errors.Is(v.Err, errChanging) }

// Rows makes a worker that tells of which classes documents are and what those classes are made of.
// Who has their rights another worker says, so that this one needs no directory (N-40).
// Otherwise it is as [Question.Worker].
func (q Question) Rows(s *State) (*Worker, error) {
	w, err := q.Worker(s)
	if err == nil {
		w.defines = true
	}
	return w, err
}

// define adds the event of a class that no one has, as long as it is not decided.
func (w *Worker) define(c *Class) error {
	return w.add(Event{Class: definition(c)})
}

// definition says what a class is made of.
func definition(c *Class) *ClassEvent {
	return &ClassEvent{ID: c.ID, Right: c.Right, Mask: uint32(c.Mask), Folder: c.Type == winnt.DirectoryFileObject,
		SD: encoded(c.Descriptor), Share: encoded(c.Share), Passing: c.Passing, Holders: c.Holders,
		Through: ids(c.Through)}
}

// Definition says what a class of documents is made of: the classes of the folders that they lie
// behind, and last the class itself. Nothing is said of a class that is unknown, or of no document.
func (w *Worker) Definition(id string) (out []*ClassEvent) {
	k := w.state.classes[id]
	if k == nil || k.Passing {
		return nil
	}
	for i := range k.Through {
		out = append(out, definition(&k.Through[i]))
	}
	return append(out, definition(&k.Class))
}

// Define takes a class that a worker of rows has told of, behind those of the folders that it
// names, and decides it if it is new. The error says that it is not the class that its id names,
// or of another question; nothing is changed then. There must have been a directory.
func (w *Worker) Define(e *ClassEvent, at int64) error {
	c, err := e.class()
	if err != nil {
		return err
	}
	if w.d == nil {
		return fmt.Errorf("class %s: no directory was read yet", e.ID)
	}
	if c.Through, err = w.state.passing(e.Through); err != nil {
		return fmt.Errorf("class %s: %w", e.ID, err)
	}
	if err := w.asked(&c); err != nil { // its id is a hash of what it is made of (N-41)
		return fmt.Errorf("class %s: %w", e.ID, err)
	}
	if w.state.classes[c.ID] != nil {
		return nil
	}
	w.clock = at
	return w.decide(&c, nil)
}

// asked reports by an error whether a class is of another question than this index.
func (w *Worker) asked(c *Class) error {
	same, err := w.remade(c)
	if err == nil && same.ID != c.ID {
		err = fmt.Errorf("what it is made of makes %s", same.ID)
	}
	return err
}

// remade returns the class that this index makes of what a class is made of.
func (w *Worker) remade(c *Class) (Class, error) {
	if c.Passing {
		if w.traverse == "" {
			return Class{}, errors.New("the index does not test folders on the way")
		}
		return NewPassing(c.Descriptor, w.traverse == TraversePrivilege), nil
	}
	for _, r := range w.rights {
		if r.Name != c.Right {
			continue
		}
		same := NewClass(c.Descriptor, w.share, c.Right, r.Mask(c.Type), c.Type)
		return same.Behind(c.Through), nil
	}
	return Class{}, fmt.Errorf("the index is not about the right %s", c.Right)
}
