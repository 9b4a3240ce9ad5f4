package ps

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/winnt"
)

// idOrder holds ids for a walk: those of the processes, or those of the threads of one process. System.mu guards it.
type idOrder struct {
	ids  []winnt.Handle // ascending; some are free again
	live int            // how many are not
}

// allotID assigns the next id to o. Processes and threads share one sequence of multiples of 4, which never repeats. It
// stores the id at id, and adds it to walk, before a walk or a lookup can find o.
func (s *System) allotID(o ob.Object, id *winnt.Handle, walk *idOrder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*id = s.nextID
	s.nextID += 4
	s.byID[*id] = o
	quota.Peak(&s.peak, len(s.byID))
	walk.ids = append(walk.ids, *id) // ids only grow
	walk.live++
}

// freeID removes an id, which is in walk. It drops freed ids from walk when they outnumber the live ones.
func (s *System) freeID(id winnt.Handle, walk *idOrder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
	s.byID = quota.Shrunk(s.byID, &s.peak)
	walk.live--
	if len(walk.ids) > 2*walk.live+16 {
		live := make([]winnt.Handle, 0, walk.live+8)
		for _, id := range walk.ids {
			if s.byID[id] != nil {
				live = append(live, id)
			}
		}
		walk.ids = live
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
	return following[*Thread](p.sys, &p.threadIDs, after)
}

// ThreadBefore returns the thread of the process with the largest id below before, with one more reference, and that
// id. before 0 means the last thread. It returns nil and 0 if no thread precedes.
func (p *Process) ThreadBefore(before winnt.Handle) (*Thread, winnt.Handle) {
	s := p.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := p.threadIDs.ids
	at := len(ids)
	if before != 0 {
		at, _ = slices.BinarySearch(ids, before)
	}
	for at--; at >= 0; at-- {
		id := ids[at]
		if t, ok := s.byID[id].(*Thread); ok && t.TryRef(ob.TagCall) {
			return t, id
		}
	}
	return nil, 0
}

// ProcessAfter returns the process with the smallest id above after, with one more reference, and that id. It returns
// nil and 0 if no process follows. It serves walks as [Process.ThreadAfter] does.
func (s *System) ProcessAfter(after winnt.Handle) (*Process, winnt.Handle) {
	return following[*Process](s, &s.processIDs, after)
}

// following returns the next object of a walk, whose objects are of type T, with one more reference, and its id. The
// result is the object with the smallest id above after that has a reference. Without such an object the result is nil
// and 0.
func following[T ob.Object](s *System, walk *idOrder, after winnt.Handle) (T, winnt.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := slices.BinarySearch(walk.ids, after)
	if found {
		at++
	}
	for _, id := range walk.ids[at:] {
		if o, ok := s.byID[id].(T); ok && o.Head().TryRef(ob.TagCall) {
			return o, id
		}
	}
	return *new(T), 0
}
