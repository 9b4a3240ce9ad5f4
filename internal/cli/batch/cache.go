package batch

// Limits of one cache; each worker has one for each kind of value.
const (
	cacheEntries = 4096
	cacheBytes   = 4 << 20 // of keys; a value is a small multiple of its key
)

// cache stores parsed values by the bytes they were parsed from, in two generations. When the young generation is
// full it replaces the old one. A hit in the old generation moves the entry to the young one. A lookup is one or two
// map reads, and memory is bounded by two generations. The zero value is empty. It belongs to one goroutine.
type cache[V any] struct {
	young, old map[string]V
	bytes      int // of the young generation's keys
}

// get returns the value of a key, and moves it to the young generation. It returns false if the key is not cached.
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

// put stores a value, and may drop the old generation. It copies the key. It ignores a key longer than a quarter of
// the cache. An existing key gets the new value.
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
