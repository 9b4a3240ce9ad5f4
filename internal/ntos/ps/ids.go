package ps

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/winnt"
)

// allotID assigns the next id to o. Processes and threads share one sequence of multiples of 4. It skips ids in use. It
// stores the id at id before a walk or a lookup can find o.
func (s *System) allotID(o ob.Object, id *winnt.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.byID[s.nextID] != nil {
		s.nextID += 4
	}
	*id = s.nextID
	s.nextID += 4
	s.byID[*id] = o
	quota.Peak(&s.peak, len(s.byID))
	s.order = append(s.order, *id) // ids only grow
}

// freeID removes an id. It drops freed ids from the order when they outnumber the live ones.
func (s *System) freeID(id winnt.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
	s.byID = quota.Shrunk(s.byID, &s.peak)
	if len(s.order) > 2*len(s.byID)+16 {
		live := make([]winnt.Handle, 0, len(s.byID)+8)
		for _, id := range s.order {
			if s.byID[id] != nil {
				live = append(live, id)
			}
		}
		s.order = live
	}
}

// LookupProcess returns the live process with an id and takes a reference. It returns nil for an unknown id. The
// low two bits of the id are ignored (O-37).
func (s *System) LookupProcess(id winnt.Handle) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.byID[id&^3].(*Process); ok && p.TryRef(ob.TagCall) {
		return p
	}
	return nil
}

// LookupThread returns the thread with an id and takes a reference. It returns nil for an unknown id. The low two
// bits of the id are ignored.
func (s *System) LookupThread(id winnt.Handle) *Thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.byID[id&^3].(*Thread); ok && t.TryRef(ob.TagCall) {
		return t
	}
	return nil
}

// ThreadAfter returns the thread of the process with the smallest id above after, with one more reference, and that
// id. It returns nil and 0 if no thread follows. Ids only grow, so a walk returns each thread once. A thread that has
// ended is included until its last reference is released (O-171).
func (p *Process) ThreadAfter(after winnt.Handle) (*Thread, winnt.Handle) {
	return following(p.sys, after, func(t *Thread) bool { return t.process == p && t.TryRef(ob.TagCall) })
}

// ThreadBefore returns the thread of the process with the largest id below before, with one more reference, and that
// id. before 0 means the last thread. It returns nil and 0 if no thread precedes.
func (p *Process) ThreadBefore(before winnt.Handle) (*Thread, winnt.Handle) {
	s := p.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	at := len(s.order)
	if before != 0 {
		at, _ = slices.BinarySearch(s.order, before)
	}
	for at--; at >= 0; at-- {
		id := s.order[at]
		if t, ok := s.byID[id].(*Thread); ok && t.process == p && t.TryRef(ob.TagCall) {
			return t, id
		}
	}
	return nil, 0
}

// ProcessAfter returns the process with the smallest id above after, with one more reference, and that id. It returns
// nil and 0 if no process follows. It serves walks as [Process.ThreadAfter] does.
func (s *System) ProcessAfter(after winnt.Handle) (*Process, winnt.Handle) {
	return following(s, after, func(p *Process) bool { return p.TryRef(ob.TagCall) })
}

// following returns the next object of type T in id order, with its id. The result is the object with the smallest
// id above after for which take returns true. Without such an object the result is nil and 0.
func following[T interface {
	comparable
	ob.Object
}](s *System, after winnt.Handle, take func(T) bool) (T, winnt.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := slices.BinarySearch(s.order, after)
	if found {
		at++
	}
	for _, id := range s.order[at:] {
		if o, ok := s.byID[id].(T); ok && take(o) {
			return o, id
		}
	}
	return *new(T), 0
}
