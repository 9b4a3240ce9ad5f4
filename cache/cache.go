package cache

import (
	"container/list"
	"sync"
)

// A Cache keeps a bounded number of values. The zero value keeps none and makes
// each value anew.
type Cache[K comparable, V any] struct {
	limit int // immutable

	mu    sync.Mutex
	known map[K]*list.Element // guarded by mu; the elements hold entries
	order list.List           // guarded by mu; the most recent first
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// New returns a cache for at most limit values; with a limit below 1 it keeps
// none.
func New[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{limit: limit, known: make(map[K]*list.Element)}
}

// Get returns the value of a key, from the cache or from make. An error of make
// is returned and not kept. Goroutines that ask for a new key at the same time
// may each call make; all of them get the value that was kept first.
func (c *Cache[K, V]) Get(key K, make func() (V, error)) (V, error) {
	if v, ok := c.find(key); ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	return c.keep(key, v), nil
}

func (c *Cache[K, V]) find(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.known[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// keep stores v unless another goroutine was faster, and returns what is kept.
func (c *Cache[K, V]) keep(key K, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(entry[K, V]).value
	}
	if c.limit < 1 {
		return v
	}
	for c.order.Len() >= c.limit {
		last := c.order.Back()
		delete(c.known, last.Value.(entry[K, V]).key)
		c.order.Remove(last)
	}
	c.known[key] = c.order.PushFront(entry[K, V]{key, v})
	return v
}

// Drop forgets a key, as when a session ends; an unknown key is nothing to do.
// A value that is being made meanwhile is kept nevertheless.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[key]; ok {
		delete(c.known, key)
		c.order.Remove(e)
	}
}

// Len returns the number of values that are kept.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
