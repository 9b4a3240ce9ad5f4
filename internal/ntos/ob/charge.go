package ob

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// CompareAndSwapSecurity replaces the descriptor if it is still old. If it returns false, it changed no state:
// the caller reads [Header.Security] again and retries.
//
// On success the header owns paid, the charge for the new descriptor, and returns the charge of the previous
// replacement. On failure paid stays with the caller.
func (h *Header) CompareAndSwapSecurity(old, new *sd.Descriptor, paid quota.Receipt) bool {
	return h.replace(paid, func(at *atomic.Pointer[sd.Descriptor]) bool { return at.CompareAndSwap(old, new) })
}

// ReplaceSecurity replaces the descriptor unconditionally. It takes ownership of paid as
// [Header.CompareAndSwapSecurity] does on success.
func (h *Header) ReplaceSecurity(d *sd.Descriptor, paid quota.Receipt) {
	h.replace(paid, func(at *atomic.Pointer[sd.Descriptor]) bool {
		at.Store(d)
		return true
	})
}

// replace exchanges the object's descriptor and the quota charge for it. swap exchanges the descriptor pointer,
// which may be shared, and reports success. If swap returns true, the object owns paid and the old charge is
// returned to its payer. If swap returns false, the caller keeps paid.
func (h *Header) replace(paid quota.Receipt, swap func(*atomic.Pointer[sd.Descriptor]) bool) bool {
	at, later := &h.security, &h.later
	if h.shared != nil {
		at, later = &h.shared.descriptor, &h.shared.later
	}
	l := chargesOf(later)
	l.mu.Lock()
	swapped := swap(at)
	if swapped {
		l.security, paid = paid, l.security
	}
	l.mu.Unlock()
	if swapped {
		// The payer of the old descriptor gets its charge back.
		paid.Return()
	}
	return swapped
}

// laterCharges holds the charges for memory that an object got after its creation.
type laterCharges struct {
	mu sync.Mutex
	// +checklocks:mu
	security quota.Receipt // guarded by mu: for the descriptor that took the place of the first
	// +checklocks:mu
	more []quota.Receipt // guarded by mu: see PayMore
}

// giveBack returns the charges to their payers when the object is destroyed. It does nothing for nil.
func (l *laterCharges) giveBack() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.security.Return()
	for i := range l.more {
		l.more[i].Return()
	}
	l.more = nil
}

// chargesOf returns the later charges of an object, whose pointer is at. It creates them if the pointer is nil.
// Concurrent calls get the same one.
func chargesOf(at *atomic.Pointer[laterCharges]) *laterCharges {
	if at.Load() == nil {
		at.CompareAndSwap(nil, &laterCharges{})
	}
	return at.Load()
}

// PayMore charges n bytes that the object keeps from now on until its last reference is gone. Errors: those of
// [quota.Payer.Charge]. A charge of 0 bytes is not kept.
func (h *Header) PayMore(p quota.Payer, n int) ntstatus.Status {
	paid, st := p.Charge(n)
	if st == ntstatus.Success && paid.Bytes() != 0 {
		l := chargesOf(&h.later)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.more = append(l.more, paid)
	}
	return st
}

// Pay charges an object to its creator before other callers can see it: its body, its descriptor, and more
// bytes, for example of its name. Releasing the last reference returns the charge. A payer without a block
// pays no charge. Errors: those of [quota.Payer.Charge]; the caller then drops the object.
func (h *Header) Pay(p quota.Payer, more int) (st ntstatus.Status) {
	if p.Block == nil {
		return ntstatus.Success
	}
	n := bodySize + len(h.path)
	if o, ok := h.self.(Sized); ok {
		n += o.HeapSize()
	}
	h.paid, st = p.Charge(n + h.Security().HeapSize() + more)
	return st
}

// Prepaid gives an object a charge that was taken before its creation. Call it before the object is shared.
func (h *Header) Prepaid(paid quota.Receipt) { h.paid = paid }

// Unpay returns the charge of an object that is dropped before anyone else can refer to it. Without a charge it does
// nothing.
func (h *Header) Unpay() { h.paid.Return() }

// Sized is an object that uses memory besides its header. HeapSize returns an upper estimate of it in bytes.
type Sized interface{ HeapSize() int }

// bodySize is the least number of bytes of an object on the heap.
const bodySize = 512
