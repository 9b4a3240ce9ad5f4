package ob

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/sd"
)

// Header is the part that all objects share. Embed it by value and call [Header.Init] first. The zero value is not
// usable.
type Header struct {
	typ  *Type  // immutable
	self Object // immutable

	// counts is handles<<32 | references: one word, so that no reader ever
	// sees more handles than references (O-45). Atomic.
	counts atomic.Uint64

	security atomic.Pointer[sd.Descriptor] // atomic; the value is immutable
	shared   *SharedSecurity               // immutable once shared; nil: security is the object's own
	paid     quota.Receipt                 // immutable once shared: the charge for the object
	later    atomic.Pointer[laterCharges]  // atomic; nil: no charge
	link     atomic.Pointer[link]          // atomic; written under the directory's mu

	path string // immutable once shared; the name of an object outside of directories

	permanent atomic.Bool // atomic; cleared under the directory's mu
	birth     Birth       // immutable once shared

	tags tagCounts

	census     *Census // immutable once shared
	prev, next *Header // guarded by the census shard's mu
	shard      uint8   // immutable once shared
}

// Birth holds the properties of an object that are fixed at creation. The zero value is a temporary, shareable object
// created from user mode.
type Birth struct {
	CreationTime int64  // 100-ns units since 1601-01-01 UTC
	Permanent    bool   // OBJ_PERMANENT: the name survives the last handle
	Exclusive    Object // OBJ_EXCLUSIVE: the only process that may open handles, or nil
	KernelObject bool   // made from kernel mode
}

const (
	oneReference = 1
	oneHandle    = 1<<32 | oneReference // a handle holds a reference
)

// Init initialises the header of a new object with one reference, which belongs to its creator (TagCall). A nil
// descriptor means an object without security (O-35). Call it before the object is shared.
func (h *Header) Init(t *Type, self Object, d *sd.Descriptor) {
	h.typ, h.self = t, self
	h.security.Store(d)
	h.counts.Store(oneReference)
	h.tags.add(TagCall, 1)
}

// SetBirth sets the properties that are fixed at creation. Call it before the object is shared.
func (h *Header) SetBirth(b Birth) {
	h.birth = b
	h.permanent.Store(b.Permanent)
}

// Head returns h. Embedding a Header by value thus makes an [Object].
func (h *Header) Head() *Header { return h }

// Type returns the object's type. It never changes and needs no lock.
func (h *Header) Type() *Type { return h.typ }

// Object returns the object that the header belongs to, without a reference.
func (h *Header) Object() Object { return h.self }

// CreationTime returns the object's creation time in 100-ns units since 1601-01-01 UTC.
func (h *Header) CreationTime() int64 { return h.birth.CreationTime }

// KernelObject reports whether the object was created from kernel mode. It never changes.
func (h *Header) KernelObject() bool { return h.birth.KernelObject }

// Exclusive returns the only process that may open handles, or nil if every process may (O-27). It takes no
// reference.
func (h *Header) Exclusive() Object { return h.birth.Exclusive }

// Permanent reports whether the name stays when the last handle is closed.
func (h *Header) Permanent() bool { return h.permanent.Load() }

// Security returns the current descriptor, or nil if the object has none. The value is immutable, so a check in
// progress sees no later change (O-66).
func (h *Header) Security() *sd.Descriptor { return h.descriptor().Load() }

// SetSecurity replaces the descriptor and leaves the charges alone. With nil, the object has no security.
func (h *Header) SetSecurity(d *sd.Descriptor) { h.descriptor().Store(d) }

// SharedSecurity is one descriptor that several objects share, such as the ends of a pipe. The zero value has no
// descriptor.
type SharedSecurity struct {
	descriptor atomic.Pointer[sd.Descriptor]
	later      atomic.Pointer[laterCharges]
	users      atomic.Int32 // objects that have it
}

// NewSharedSecurity returns a holder of descriptor d that several objects can share. A nil d is an object without
// security.
func NewSharedSecurity(d *sd.Descriptor) *SharedSecurity {
	s := &SharedSecurity{}
	s.descriptor.Store(d)
	return s
}

// ShareSecurity lets the object share a descriptor with others. A change through one object is visible through all.
// Call it before the object is shared.
func (h *Header) ShareSecurity(s *SharedSecurity) {
	h.shared = s
	s.users.Add(1)
}

// descriptor returns the pointer that holds the object's current descriptor: its own, or the one it shares with other
// objects.
func (h *Header) descriptor() *atomic.Pointer[sd.Descriptor] {
	if h.shared != nil {
		return &h.shared.descriptor
	}
	return &h.security
}

// Ref adds a reference. The caller must hold one already, or have the object from an owner that cannot release it
// during the call. Otherwise use [Header.TryRef].
func (h *Header) Ref(tag Tag) {
	h.tags.add(tag, 1)
	if n := h.counts.Add(oneReference); uint32(n) <= 1 {
		panic("ob: reference taken on a destroyed " + h.typ.Name)
	}
}

// TryRef adds a reference and returns true, or returns false if the object has none left. It never raises a count
// from zero, because OnDestroy may be running.
func (h *Header) TryRef(tag Tag) bool {
	for {
		n := h.counts.Load()
		if uint32(n) == 0 {
			return false
		}
		if h.counts.CompareAndSwap(n, n+oneReference) {
			h.tags.add(tag, 1)
			return true
		}
	}
}

// Deref releases a reference. Releasing the last one destroys the object and runs its OnDestroy, so the caller must
// hold no lock. It panics if there is no reference left.
func (h *Header) Deref(tag Tag) {
	h.tags.add(tag, -1)
	if n := uint32(h.counts.Add(^uint64(0))); n+1 <= 1 {
		h.lastReference(n)
	}
}

// Retag moves a reference from one tag to another. The count stays the same; in ordinary builds it does nothing.
func (h *Header) Retag(from, to Tag) {
	h.tags.add(to, 1)
	h.tags.add(from, -1)
}

// lastReference destroys the object after its last reference is gone, and returns its charges (O-44). n is the new
// count; it panics if that is not 0.
func (h *Header) lastReference(n uint32) {
	if n != 0 {
		panic("ob: reference count of a " + h.typ.Name + " fell below zero")
	}
	if h.typ.OnDestroy != nil {
		h.typ.OnDestroy(h.self)
	}
	if h.census != nil {
		h.census.remove(h)
	}
	h.later.Load().giveBack()
	if h.shared != nil && h.shared.users.Add(-1) == 0 {
		h.shared.later.Load().giveBack()
	}
	// An object stays charged to its creator until the last reference is gone.
	h.paid.Return()
}

// HandleCount returns the current number of handles to the object in all tables. It may have changed when the caller
// reads it.
func (h *Header) HandleCount() int64 { return int64(h.counts.Load() >> 32) }

// PointerCount returns the current number of references, including one per
// handle.
func (h *Header) PointerCount() int64 { return int64(uint32(h.counts.Load())) }

// Counts returns one consistent reading of both counts. It subtracts own, the references that the caller holds for its
// query (O-62).
func (h *Header) Counts(own int64) (handles, references int64) {
	n := h.counts.Load()
	// The query's own references are not counted (O-62).
	return int64(n >> 32), int64(uint32(n)) - own
}

// Holders yields each holder with its number of references. It yields nothing in builds without the tag "invariants".
func (h *Header) Holders(yield func(Tag, int64)) { h.tags.holders(yield) }

// addHandle increments the handle count. The caller must hold a reference.
func (h *Header) addHandle() {
	h.tags.add(TagHandle, 1)
	h.counts.Add(oneHandle)
}

// tryAddHandle increments the handle count for a duplicate, unless the last handle was closed. Otherwise a duplicate
// could revive a closed object. It then changes nothing and returns false.
func (h *Header) tryAddHandle() bool {
	for {
		n := h.counts.Load()
		if n>>32 == 0 {
			return false
		}
		if h.counts.CompareAndSwap(n, n+oneHandle) {
			h.tags.add(TagHandle, 1)
			return true
		}
	}
}

// dropHandle decrements the handle count (O-40). For the last handle it removes the name and runs the type's close
// action (O-44). The caller must hold no lock.
func (h *Header) dropHandle() {
	if h.typ.OnLastHandle != nil || h.link.Load() != nil {
		h.dropHandleSlow()
		return
	}
	h.tags.add(TagHandle, -1)
	if n := uint32(h.counts.Add(^uint64(oneHandle - 1))); n+1 <= 1 { // subtract a handle and its reference in one step
		h.lastReference(n)
	}
}

// dropHandleSlow drops a handle of an object that has a name or a close action, for dropHandle. The handle's reference
// keeps the object alive meanwhile.
func (h *Header) dropHandleSlow() {
	if h.uncountHandle() && h.typ.OnLastHandle != nil {
		// The last handle's close runs the type's close action (O-44).
		h.typ.OnLastHandle(h.self)
	}
	h.Deref(TagHandle)
}

// minusHandle lowers the handle count by one and leaves the references alone.
const minusHandle = ^uint64(1<<32 - 1)

// uncountHandle lowers the handle count and reports whether it reached zero. For a named object it removes the last
// handle and the name under the directory's lock, so that no caller can open an object that is being closed (O-44).
func (h *Header) uncountHandle() (last bool) {
	for {
		l, n := h.link.Load(), h.counts.Load()
		switch {
		case l == nil:
			return h.counts.Add(minusHandle)>>32 == 0
		case n>>32 == 1:
			h.unlink(l, func() bool {
				last = h.counts.Add(minusHandle)>>32 == 0
				return last && !h.permanent.Load()
			})
			return last
		case h.counts.CompareAndSwap(n, n+minusHandle):
			return false
		}
	}
}
