package index

import (
	"errors"
	"fmt"
	"slices"

	"github.com/refmon/refmon/winnt"
)

// NewState returns the state of an empty index. The first event that it applies must be a start event.
func NewState() *State { return newState() }

// BeingWritten reports whether the directory file could not be used only because it was changing when it was read, so
// that the next report may be good. It returns false for a version without an error or with another one.
func (v *Version) BeingWritten() bool { return errors.Is(v.Err, errChanging) }

// Reports decides which errors of a directory's versions are reported. The zero value is ready for use.
type Reports struct {
	last string // the error of the previous version; "": none
}

// IsNew reports whether the error of the next version is to be reported. It is false for a version without an error,
// for a file that is being written, and for an error that repeats the last.
func (r *Reports) IsNew(v *Version) bool {
	if v.Err == nil {
		r.last = ""
		return false
	}
	if text := v.Err.Error(); !v.BeingWritten() && text != r.last {
		r.last = text
		return true
	}
	return false
}

// Rows returns a worker that emits rows and class definitions without members. Another worker decides the members, so
// this one needs no directory (N-40). The state s and the errors are as for [Question.Worker].
func (q Question) Rows(s *State) (*Worker, error) {
	w, err := q.Worker(s)
	if err == nil {
		w.defines = true
	}
	return w, err
}

// define announces a new class to the workers that compute members: it emits an event with the class's definition and
// without members.
func (w *Worker) define(c *Class) error {
	return w.add(Event{Class: definition(c)})
}

// definition returns the event that describes a class without its members: its right, mask, descriptors and folders.
func definition(c *Class) *ClassEvent {
	return &ClassEvent{ID: c.ID, Right: c.Right, Mask: uint32(c.Mask), Folder: c.Type == winnt.DirectoryFileObject,
		SD: encoded(c.Descriptor), Share: encoded(c.Share), Passing: c.Passing, Holders: c.Holders,
		Through: ids(c.Through)}
}

// Definition returns the events that define a class of documents: those of the folders above it, and last its own. The
// caller owns them. It returns nil for an unknown class and for a folder's class.
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

// Define adds a class that a worker of rows has defined, and decides its members. A known class has no effect. at is
// the time of its event, in nanoseconds since 1970. It returns an error and changes nothing if no directory was read,
// a folder of the class was not defined before, the ID is not the hash of the definition, or the class belongs to
// another question.
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
	if err := w.checkDefinition(&c); err != nil { // the id is a hash of the definition (N-41)
		return fmt.Errorf("class %s: %w", e.ID, err)
	}
	if w.state.classes[c.ID] != nil {
		return nil
	}
	w.clock = at
	return w.decide(&c, nil)
}

// mostDropped is the number of classes in one event, which must fit into a message of a cluster.
const mostDropped = 1 << 15

// DropClasses drops the classes of documents that used does not report as used, and the classes of folders that none of
// the others names. A class that is needed again must be defined again (N-83).
func (w *Worker) DropClasses(used func(id string) bool) error {
	named := map[string]bool{}
	var classes, folders []string // a class goes before the folders that it names
	kinds := w.state.kinds()
	for _, k := range kinds {
		switch {
		case k.Passing:
		case used(k.ID):
			for i := range k.Through {
				named[k.Through[i].ID] = true
			}
		default:
			classes = append(classes, k.ID)
		}
	}
	for _, k := range kinds {
		if k.Passing && !named[k.ID] {
			folders = append(folders, k.ID)
		}
	}
	for list := range slices.Chunk(append(classes, folders...), mostDropped) {
		if err := w.add(Event{Dropped: list}); err != nil {
			return err
		}
	}
	w.compacted = len(w.state.classes)
	return nil
}

// Knows reports whether the worker has a class with this ID, decided or not.
func (w *Worker) Knows(class string) bool { return w.state.classes[class] != nil }

// checkDefinition rejects a class definition of another machine that this index cannot use. It returns an error if the
// class belongs to another question than this index, or if its ID is not the hash of its definition.
func (w *Worker) checkDefinition(c *Class) error {
	same, err := w.rebuild(c)
	switch {
	case err != nil:
		return err
	case same.ID != c.ID:
		return fmt.Errorf("its definition has the ID %s", same.ID)
	case same.Mask != c.Mask || same.Holders != c.Holders || encoded(same.Share) != encoded(c.Share):
		// rebuild takes these parts from the index, so the ID does not depend on those of the message (N-41).
		return errors.New("its mask, holders or share are not those of its ID")
	}
	return nil
}

// rebuild recomputes a class from its definition. The caller compares its ID with the ID that another machine claimed.
// A right that the index does not have is an error. So is a folder's class if the index does not check traverse rights.
func (w *Worker) rebuild(c *Class) (Class, error) {
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
