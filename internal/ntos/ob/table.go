package ob

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DefaultHandleLimit is the number of handles in a table if the
// configuration sets no limit (O-82).
const DefaultHandleLimit = 16_777_216

const chunkSlots = 128

// slot is one element of a handle table: an object, and a word with the handle's rights, attributes and a sequence
// number. Readers load word, head, word and accept only if both words are equal and valid: head changes only while word
// is invalid.
type slot struct {
	word  atomic.Uint64          // see packWord; written under Table.mu
	head  atomic.Pointer[Header] // written under Table.mu
	audit atomic.Uint32          // rights whose use is still to be audited
	next  uint32                 // guarded by Table.mu: next free slot + 1
}

// chunk is a block of slots. A table grows by whole chunks, which never move.
type chunk [chunkSlots]slot

// Table is a handle table: handle value → (object, granted access,
// attributes). Lookups take no lock and do not allocate. Create a table
// with [NewTable] or [NewKernelTable].
type Table struct {
	chunks atomic.Pointer[[]*chunk]    // atomic; grows under mu until Drain empties it
	kernel bool                        // immutable
	limit  uint32                      // immutable
	block  atomic.Pointer[quota.Block] // who pays for the memory; nil: the kernel does

	mu sync.Mutex
	// +checklocks:mu
	free uint32 // guarded by mu: most recently freed slot + 1, 0 if none
	// +checklocks:mu
	used uint32 // guarded by mu: slots ever used
	// +checklocks:mu
	count int // guarded by mu: slots that name an object
	// +checklocks:mu
	taken uint32 // guarded by mu: count plus reserved slots
	// +checklocks:mu
	closed bool // guarded by mu: drained, takes no more
	// +checklocks:mu
	paid []quota.Receipt // guarded by mu: for each chunk; until the table is drained
}

// SetQuota makes b pay for the memory that the table takes from now on. With nil nobody pays. Earlier charges stay.
func (t *Table) SetQuota(b *quota.Block) { t.block.Store(b) }

// chunkSize is the number of bytes of a chunk with its places in the lists of chunks and of
// charges.
const chunkSize = int(unsafe.Sizeof(chunk{})) + 64

// NewTable makes the empty table of a process. A limit ≤ 0 or above [DefaultHandleLimit] means that default.
func NewTable(limit int) *Table { return newTable(limit, false) }

// NewKernelTable makes the system's kernel table: its values have the top bit set (O-13). The limit is as in
// [NewTable].
func NewKernelTable(limit int) *Table { return newTable(limit, true) }

// newTable returns an empty table. A limit ≤ 0 or above [DefaultHandleLimit] means that default.
func newTable(limit int, kernel bool) *Table {
	if limit <= 0 || limit > DefaultHandleLimit {
		limit = DefaultHandleLimit
	}
	t := &Table{kernel: kernel, limit: uint32(limit)}
	t.chunks.Store(new([]*chunk))
	return t
}

// Kernel reports whether this is the kernel table.
func (t *Table) Kernel() bool { return t.kernel }

// Count returns the number of open handles. Reserved values do not count.
func (t *Table) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// Insert creates a handle to obj, on which the caller holds a reference. Errors: INSUFFICIENT_RESOURCES at the
// table's limit (O-82), PROCESS_IS_TERMINATING after [Table.Drain] (O-47), and those of [quota.Payer.Charge].
func (t *Table) Insert(obj Object, granted winnt.AccessMask, attributes uint32) (winnt.Handle, ntstatus.Status) {
	h := obj.Head()
	t.mu.Lock()
	i, s, st := t.takeLocked()
	if st == ntstatus.Success {
		h.addHandle()
		t.fillLocked(s, h, granted, attributes)
	}
	t.mu.Unlock()
	if st != ntstatus.Success {
		return 0, st
	}
	return t.value(i), ntstatus.Success
}

// Close closes a handle (O-40): it frees the value, then lowers the handle and reference counts. Errors:
// INVALID_HANDLE, HANDLE_NOT_CLOSABLE (O-42).
func (t *Table) Close(v winnt.Handle) ntstatus.Status {
	h, _, st := t.detach(v)
	if st != ntstatus.Success {
		return st
	}
	h.dropHandle()
	return ntstatus.Success
}

// Closed is a handle that was removed from its table but is still counted, so that an audit record can be written
// before its counts fall.
type Closed struct {
	Granted
	Object Object
}

// Release lowers the object's handle and reference counts, and may delete the object. Call it exactly once.
func (c Closed) Release() { c.Object.Head().dropHandle() }

// Remove closes a handle like Close, in two steps: it frees the value, and [Closed.Release] lowers the counts.
// Errors: those of Close.
func (t *Table) Remove(v winnt.Handle) (Closed, ntstatus.Status) {
	h, w, st := t.detach(v)
	if st != ntstatus.Success {
		return Closed{}, st
	}
	return Closed{Granted: unpackWord(w), Object: h.self}, ntstatus.Success
}

// detach removes a handle from the table without changing the object's counts. It returns the object and the word of
// the slot, with rights and attributes. A value without an object is STATUS_INVALID_HANDLE. A handle that is protected
// from close is STATUS_HANDLE_NOT_CLOSABLE, and stays.
func (t *Table) detach(v winnt.Handle) (*Header, uint64, ntstatus.Status) {
	i := t.index(v)
	t.mu.Lock()
	s := t.slot(i)
	if s == nil || s.word.Load()&slotValid == 0 {
		t.mu.Unlock()
		// The value has no object, or the handle was closed before (O-40).
		return nil, 0, ntstatus.InvalidHandle
	}
	w := s.word.Load()
	if w&slotProtected != 0 {
		t.mu.Unlock()
		// A handle protected from closing stays open (O-42).
		return nil, 0, ntstatus.HandleNotClosable
	}
	h := s.head.Load()
	t.emptyLocked(s)
	t.giveBackLocked(uint32(i), s)
	t.mu.Unlock()
	return h, w, ntstatus.Success
}

// slot returns the slot with an index, used or free. It returns nil for an index beyond the last chunk.
func (t *Table) slot(i uint64) *slot {
	chunks := *t.chunks.Load()
	if n := i / chunkSlots; n < uint64(len(chunks)) {
		return &chunks[n][i%chunkSlots]
	}
	return nil
}

// takeLocked takes a free slot, the last freed one first (O-12), else a new one. Errors: those of [Table.Insert].
//
// +checklocks:t.mu
func (t *Table) takeLocked() (uint32, *slot, ntstatus.Status) {
	if t.closed {
		// The table's process has ended (O-47).
		return 0, nil, ntstatus.ProcessIsTerminating
	}
	if t.taken >= t.limit {
		// The table is full (O-82).
		return 0, nil, ntstatus.InsufficientResources
	}
	t.taken++
	if t.free != 0 {
		i := t.free - 1
		s := t.slot(uint64(i))
		// The value freed last is used first (O-12).
		t.free = s.next
		return i, s, ntstatus.Success
	}
	i := t.used
	if st := t.growLocked(i); st != ntstatus.Success {
		t.taken--
		return 0, nil, st
	}
	t.used++
	return i, t.slot(uint64(i)), ntstatus.Success
}

// growLocked makes sure that the chunk of slot i exists. i must be at most one chunk beyond the last, because one
// call adds at most one chunk. Concurrent readers stay safe. A failed charge returns the status of
// [quota.Payer.Charge] and adds no chunk.
//
// +checklocks:t.mu
func (t *Table) growLocked(i uint32) ntstatus.Status {
	chunks := *t.chunks.Load()
	if int(i/chunkSlots) < len(chunks) {
		return ntstatus.Success
	}
	// The charge for the table's memory covers its handles, so most handles cost nothing extra.
	paid, st := quota.Payer{Block: t.block.Load()}.Charge(chunkSize)
	if st != ntstatus.Success {
		return st
	}
	if paid.Bytes() != 0 {
		t.paid = append(t.paid, paid)
	}
	chunks = append(chunks, new(chunk))
	t.chunks.Store(&chunks)
	return ntstatus.Success
}

// giveBackLocked puts an empty slot, without rights to audit, at the front of the free list.
//
// +checklocks:t.mu
func (t *Table) giveBackLocked(i uint32, s *slot) {
	t.taken--
	if s.audit.Load() != 0 { // a load is cheaper than a store that is rarely needed
		s.audit.Store(0)
	}
	s.next = t.free
	t.free = i + 1
}

// fillLocked makes a slot a handle to an object: it stores the object first, then the word, which makes both visible to
// readers.
//
// +checklocks:t.mu
func (t *Table) fillLocked(s *slot, h *Header, granted winnt.AccessMask, attributes uint32) {
	s.head.Store(h)
	s.word.Store(packWord(s.word.Load(), granted, attributes))
	t.count++
}

// emptyLocked removes the object from a slot: it clears the word first, so that readers no longer use the object, then
// the object. It does not free the slot.
//
// +checklocks:t.mu
func (t *Table) emptyLocked(s *slot) {
	s.word.Store(clearWord(s.word.Load()))
	s.head.Store(nil)
	t.count--
}
