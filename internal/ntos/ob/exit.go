package ob

import (
	"iter"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Drain closes every handle, protected ones too (O-43), and closes the table: later inserts return
// PROCESS_IS_TERMINATING (O-47). Call it without a lock. A second call has no effect.
func (t *Table) Drain() {
	t.mu.Lock()
	t.closed = true
	var heads []*Header
	for i := range t.used {
		s := t.slot(uint64(i))
		if s.word.Load()&slotValid != 0 {
			heads = append(heads, s.head.Load())
			t.emptyLocked(s)
		}
	}
	// A table that was drained takes no handle and keeps no memory.
	t.chunks.Store(new([]*chunk))
	t.used, t.free = 0, 0
	for i := range t.paid {
		t.paid[i].Return()
	}
	t.paid = nil
	t.mu.Unlock()
	for _, h := range heads {
		h.dropHandle()
	}
}

// Entry is one handle of a table as [Table.All] reports it.
type Entry struct {
	Granted
	Handle winnt.Handle
	Object Object
}

// All yields the handles in ascending order of slot. Each object is referenced only while its entry is yielded.
// Handles created or closed during the iteration may or may not appear. No lock is held while it yields.
func (t *Table) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		t.mu.Lock()
		used := t.used
		t.mu.Unlock()
		for i := range used {
			v := t.value(i)
			h, g, st := t.Lookup(v, TagCall)
			if st != ntstatus.Success {
				continue
			}
			more := yield(Entry{Granted: g, Handle: v, Object: h.self})
			h.Deref(TagCall)
			if !more {
				return
			}
		}
	}
}

// Inherit fills a new process's table from its creator's. Each handle with OBJ_INHERIT gets
// the same value, rights and attributes; other handles, and those of exclusive objects (O-27),
// are not copied (O-59). The table must be new. Errors: INSUFFICIENT_RESOURCES if a value
// exceeds this table's limit, and the errors of a charge. After an error the table is empty.
func (t *Table) Inherit(from *Table) ntstatus.Status {
	entries, st := from.inheritable(t.limit)
	if st == ntstatus.Success {
		st = t.fill(entries)
	}
	if st != ntstatus.Success {
		for _, e := range entries {
			e.head.dropHandle()
		}
	}
	return st
}

// fill inserts inherited handles, in ascending order of their slots, into the new table of a child process. If the
// table cannot grow so far, it inserts none and returns the status of growLocked.
func (t *Table) fill(entries []inherited) ntstatus.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := 0
	var last uint32
	if n := len(entries); n > 0 {
		last = entries[n-1].index + 1
	}
	for i := uint32(0); i < last; i += chunkSlots {
		if st := t.growLocked(i); st != ntstatus.Success {
			return st
		}
	}
	for i := range last {
		if e := entries[next]; e.index == i {
			s := t.slot(uint64(i))
			s.audit.Store(uint32(e.Pending))
			t.fillLocked(s, e.head, e.Access, e.Attributes)
			next++
		}
	}
	for i := last; i > 0; i-- { // gaps become free values, lowest on top
		if s := t.slot(uint64(i - 1)); s.word.Load()&slotValid == 0 {
			s.next = t.free
			t.free = i
		}
	}
	t.used, t.taken = last, uint32(len(entries))
	return ntstatus.Success
}

// inherited is an entry to copy into a new table: the slot, the object and the contents of the handle.
type inherited struct {
	Granted
	index uint32
	head  *Header
}

// inheritable returns a snapshot of the OBJ_INHERIT handles, for the table of a child process. It leaves out those of
// exclusive objects. It has counted one more handle for each, which the caller must publish or drop. It returns
// INSUFFICIENT_RESOURCES if a slot number reaches limit.
func (t *Table) inheritable(limit uint32) ([]inherited, ntstatus.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []inherited
	for i := range t.used {
		s := t.slot(uint64(i))
		w := s.word.Load()
		// A child gets the inheritable handles only (O-59).
		if g := unpackWord(w); w&slotValid != 0 && g.Attributes&winnt.OBJ_INHERIT != 0 {
			if s.head.Load().Exclusive() != nil {
				// The flag was set after the creation; the object is for its one process only (O-27).
				continue
			}
			if i >= limit {
				// The child's table has no room for this value (O-82).
				return nil, ntstatus.InsufficientResources
			}
			g.Pending = winnt.AccessMask(s.audit.Load())
			found = append(found, inherited{g, i, s.head.Load()})
		}
	}
	for _, e := range found {
		e.head.addHandle() // the handle in t keeps the object alive while mu is held
	}
	return found, ntstatus.Success
}
