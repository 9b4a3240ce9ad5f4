package hostfs

import (
	"slices"
	"sync"
)

// heldValues makes creating files cheaper on ext4, which stores equal attribute values of up to 1,024 files in one
// block of 4 KiB (F-216). To allocate and free that block costs more than the rest of a creation. So heldValues has
// the values that files were given last, each with a holder: a file without a name that has the value too. The holder
// keeps the block while all other files with the value are removed. The zero value is empty. It is safe for
// concurrent use.
type heldValues struct {
	mu sync.Mutex
	// +checklocks:mu
	entries []*heldValue // guarded by mu: the one that was used last first
	// +checklocks:mu
	closed bool // guarded by mu
}

// heldValue is one attribute value with its holder.
type heldValue struct {
	value  string // immutable
	holder int    // guarded by heldValues.mu: a descriptor, noHolder or holderComes
}

// noHolder says that a value was used once and has no holder, and holderComes that a goroutine creates one.
const (
	noHolder    = -1
	holderComes = -2
)

// Limits of the values that a tree holds.
const (
	maxHeld     = 16
	maxHeldSize = 4096 // bytes; ext4 stores no larger value
)

// use notes that a file gets a value. It returns the entry if the caller is to create its holder, which it requests at
// the second use, and otherwise nil.
func (v *heldValues) use(value []byte) *heldValue {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || len(value) > maxHeldSize {
		return nil
	}
	i := slices.IndexFunc(v.entries, func(h *heldValue) bool { return h.value == string(value) })
	if i < 0 {
		if len(v.entries) == maxHeld {
			shut(v.entries[maxHeld-1].holder)
			v.entries = v.entries[:maxHeld-1]
		}
		v.entries = slices.Insert(v.entries, 0, &heldValue{value: string(value), holder: noHolder})
		return nil
	}
	h := v.entries[i]
	v.entries = slices.Insert(slices.Delete(v.entries, i, i+1), 0, h)
	if h.holder != noHolder {
		return nil
	}
	h.holder = holderComes
	return h
}

// keep stores the holder of an entry that use returned. It closes the holder if the entry was dropped meanwhile.
func (v *heldValues) keep(h *heldValue, holder int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.entries, h) {
		shut(holder)
		return
	}
	h.holder = holder
}

// close closes all holders. Later values are not held.
func (v *heldValues) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, h := range v.entries {
		shut(h.holder)
	}
	v.entries, v.closed = nil, true
}

// hold creates a holder for a new value of a file, if an earlier file got it too and the file system stores
// equal values once. It ignores errors: without a holder, creating a file takes longer.
func (t *Tree) hold(value []byte) {
	if !t.sharesBlocks {
		return
	}
	h := t.held.use(value)
	if h == nil {
		return
	}
	fd, err := openNameless(t.root, 0o600)
	if err != nil {
		return
	}
	if err := t.setAttribute(fd, t.cfg.Attribute, value, 0); err != nil {
		shut(fd)
		return
	}
	t.held.keep(h, fd)
}
