package batch

// Limits of one cache; each worker has one for tokens and one for descriptors.
const (
	cacheEntries = 4096
	cacheBytes   = 4 << 20 // of keys; a value is a small multiple of its key
)

// cache remembers what was parsed, by the bytes it was parsed from. It keeps
// two generations: when the young one is full it becomes the old one, and the
// old one goes. An entry that is still asked for moves to the young one. So a
// look-up is one or two map reads, there is nothing to sweep, and at most two
// generations are held. The zero value is empty; one goroutine uses it.
type cache[V any] struct {
	young, old map[string]V
	bytes      int // of the young generation's keys
}

// get finds the value of a key.
func (c *cache[V]) get(key []byte) (V, bool) {
	if v, ok := c.young[string(key)]; ok {
		return v, true
	}
	v, ok := c.old[string(key)]
	if ok {
		c.put(key, v)
	}
	return v, ok
}

// put remembers a value. A key of more than a quarter of the cache is not kept.
func (c *cache[V]) put(key []byte, v V) {
	if len(key) > cacheBytes/4 {
		return
	}
	if c.young == nil || len(c.young) >= cacheEntries || c.bytes+len(key) > cacheBytes {
		c.old, c.young, c.bytes = c.young, make(map[string]V), 0
	}
	c.young[string(key)] = v
	c.bytes += len(key)
}
