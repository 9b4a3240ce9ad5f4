package cache

import (
	"container/list"
	"sync"
)

// A Cache stores a bounded number of values by key. The zero value stores none:
// Get then calls make every time.
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

// New returns a cache for at most limit values. With a limit below 1 it stores
// none.
func New[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{limit: limit, known: make(map[K]*list.Element)}
}

// Get returns the value of a key, from the cache or from make. It returns an
// error of make and stores nothing. Several goroutines may call make for one new
// key. The first to finish stores its value, and the others return that value.
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

// find returns the value of a key and marks it as used. ok is false if the cache does not have it.
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

// keep stores v unless the key already has a value, and returns the key's value. In a full cache it removes the least
// recently used value. With a limit below 1 it stores nothing and returns v.
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

// Drop removes a key, for example when a session ends. It ignores an unknown
// key. A Get that is running make stores its value after Drop.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[key]; ok {
		delete(c.known, key)
		c.order.Remove(e)
	}
}

// Len returns the number of stored values, at most the cache's limit.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
