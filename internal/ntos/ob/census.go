package ob

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
)

const censusShards = 16

// Census lists every live object of one system, so that closing the system can report leaked references. The zero
// value is empty.
type Census struct{ shards [censusShards]censusShard }

// censusShard lists a part of the live objects. Its padding keeps two shards out of one cache line.
type censusShard struct {
	mu sync.Mutex
	// +checklocks:mu
	first *Header // guarded by mu
	_     [64]byte
}

// Track adds a new object to the census; destroying the object removes it. Call it before the object is shared.
func (c *Census) Track(obj Object) {
	h := obj.Head()
	h.census = c
	// A random shard, so that creators on several processors seldom write to one cache line.
	h.shard = uint8(rand.Uint32N(censusShards))
	s := &c.shards[h.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	h.next = s.first
	if s.first != nil {
		s.first.prev = h
	}
	s.first = h
}

// remove takes an object out of the census. The object must be in it. It locks only the object's shard.
func (c *Census) remove(h *Header) {
	s := &c.shards[h.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		s.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
}

// Counts returns the objects, handles and references alive. It reads each object
// atomically, but not all of them at one time. Compare the sum only while no other
// code runs.
func (c *Census) Counts() (objects, handles, references int64) {
	c.each(func(h *Header) {
		hs, rs := h.Counts(0)
		objects, handles, references = objects+1, handles+hs, references+rs
	})
	return
}

// Report returns one line for each live object in a stable order: type, name, handles, references and, in builds with
// the tag "invariants", the holders.
func (c *Census) Report() []string {
	var lines []string
	c.each(func(h *Header) {
		hs, rs := h.Counts(0)
		var by []string
		h.Holders(func(t Tag, n int64) { by = append(by, fmt.Sprintf("%s %d", t, n)) })
		line := fmt.Sprintf("%s: handles %d, references %d", h.describe(), hs, rs)
		if len(by) > 0 {
			line += " (" + strings.Join(by, ", ") + ")"
		}
		lines = append(lines, line)
	})
	sort.Strings(lines)
	return lines
}

// each calls f for every live object, in no order. It holds the lock of one shard at a time, so f must not take or
// release references.
func (c *Census) each(f func(*Header)) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for h := s.first; h != nil; h = h.next {
			f(h)
		}
		s.mu.Unlock()
	}
}

// Visit calls f for every live object, in no order. f must not take or release references, or wait. Objects that are
// made meanwhile may be missed.
func (c *Census) Visit(f func(Object)) { c.each(func(h *Header) { f(h.self) }) }

// describe returns the type and, if it has one, the path of an object.
func (h *Header) describe() string {
	if p := h.Path(); p != "" {
		return h.typ.Name + " " + p
	}
	return h.typ.Name
}
