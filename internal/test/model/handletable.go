package model

import (
	"github.com/refmon/refmon/winnt"
)

// Slot is one handle: one of the objects, or none for a free slot.
type Slot struct {
	Token   *Token
	Thread  *Thread
	Process *Process
	File    *File
	Thing   *Thing
	Job     *Job
	Granted winnt.AccessMask
	Inherit bool
	Protect bool // from closing (O-42)
}

// attributes returns the handle's OBJ_* attributes.
func (s *Slot) attributes() (a uint32) {
	if s.Protect {
		a = winnt.OBJ_PROTECT_CLOSE
	}
	if s.Inherit {
		a |= winnt.OBJ_INHERIT
	}
	return a
}

// object returns the object that the handle names.
func (s *Slot) object() any {
	switch {
	case s.Token != nil:
		return s.Token
	case s.Thread != nil:
		return s.Thread
	case s.Process != nil:
		return s.Process
	case s.File != nil:
		return s.File
	case s.Job != nil:
		return s.Job
	}
	return s.Thing
}

// kind returns the type of the handle's object.
func (s *Slot) kind() *kind {
	switch {
	case s.Token != nil:
		return &tokenKind
	case s.Thread != nil:
		return &threadKind
	case s.Process != nil:
		return &processKind
	case s.File != nil:
		return &fileKind
	case s.Job != nil:
		return &jobKind
	}
	return s.Thing.Kind
}

// guard returns the descriptor of the handle's object, or nil if it has none.
func (s *Slot) guard() *Descriptor {
	switch {
	case s.Token != nil:
		return s.Token.Guard
	case s.Thread != nil:
		return s.Thread.Guard
	case s.Process != nil:
		return s.Process.Guard
	case s.File != nil:
		return s.File.Guard
	case s.Job != nil:
		return s.Job.Guard
	}
	return nil
}

func (s *Slot) used() bool {
	return s.Token != nil || s.Thread != nil || s.Process != nil || s.File != nil ||
		s.Thing != nil || s.Job != nil
}

// Table is a handle table. Values are 4, 8, …; freed ones are reused, the last
// freed first (O-10 to O-13).
type Table struct {
	Kernel bool
	Slots  []Slot
	Free   []int
}

const kernelBits winnt.Handle = -0x80000000

// Insert adds a handle and returns its value.
func (t *Table) Insert(s Slot) winnt.Handle {
	i := len(t.Slots)
	if n := len(t.Free); n > 0 {
		i, t.Free = t.Free[n-1], t.Free[:n-1]
		t.Slots[i] = s
	} else {
		t.Slots = append(t.Slots, s)
	}
	return t.value(i)
}

func (t *Table) value(i int) winnt.Handle {
	v := winnt.Handle(i+1) * 4
	if t.Kernel {
		v |= kernelBits
	}
	return v
}

// Find returns the slot of a handle value, or nil for an invalid one.
func (t *Table) Find(v winnt.Handle) *Slot {
	if t.Kernel {
		v &^= kernelBits
	}
	i := int(v/4) - 1
	if v < 4 || i >= len(t.Slots) || !t.Slots[i].used() {
		return nil
	}
	return &t.Slots[i]
}

// Close frees the slot of a handle value, which must be valid.
func (t *Table) Close(v winnt.Handle) {
	*t.Find(v) = Slot{}
	if t.Kernel {
		v &^= kernelBits
	}
	t.Free = append(t.Free, int(v/4)-1)
}
