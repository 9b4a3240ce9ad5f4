package hostfs

import (
	"container/heap"
	"container/list"
	"sync"

	"github.com/refmon/refmon/sid"
)

// descriptorCache stores the parsed attributes of files. It is limited in number and bytes. Each entry is charged to
// the user for whom it was read, although all users get it. When the cache is full, the user with the most bytes loses
// the entry that was unused longest, so nobody can evict the entries of users who hold less (F-123). It is safe for
// concurrent use.
type descriptorCache struct {
	most      int // entries; immutable
	mostBytes int // immutable

	mu sync.Mutex
	// +checklocks:mu
	entries map[identity]*list.Element // guarded by mu; the values are *cachedDescriptor
	// +checklocks:mu
	users map[sid.SID]*cacheUser // guarded by mu; those with an entry
	// +checklocks:mu
	byBytes cacheUsers // guarded by mu; the same users, the one with the most bytes first
	// +checklocks:mu
	bytes int // guarded by mu; of all entries
}

// cachedDescriptor is an entry of a [descriptorCache]. It is immutable.
type cachedDescriptor struct {
	key   identity
	value *known
	bytes int
	user  *cacheUser
}

// cacheUser has the entries that are charged to one user. The lock of the cache guards it.
type cacheUser struct {
	user  sid.SID
	order list.List // most recently used first
	bytes int
	place int // in the heap
}

// Estimates in bytes.
const (
	descriptorSize = 1536 // average that the limit in bytes allows an entry
	knownSize      = 512  // an entry without its descriptor
)

// newDescriptorCache returns an empty cache for at most most entries of average size. With 0 or less it stores
// nothing.
func newDescriptorCache(most int) *descriptorCache {
	return &descriptorCache{most: most, mostBytes: most * descriptorSize, entries: map[identity]*list.Element{},
		users: map[sid.SID]*cacheUser{}}
}

// get returns the cached value of a key. Without one it calls read, stores the result and charges user for it. An
// error of read is returned and not stored. If several goroutines read one key, all get the value that is stored
// first.
func (c *descriptorCache) get(key identity, user sid.SID, read func() (*known, error)) (*known, error) {
	if k := c.find(key); k != nil {
		return k, nil
	}
	k, err := read()
	if err != nil {
		return k, err
	}
	return c.keep(key, user, k), nil
}

// find returns the value of a key and marks the entry as recently used. It returns nil if the cache does not have the
// key.
func (c *descriptorCache) find(key identity) *known {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.entries[key]
	if at == nil {
		return nil
	}
	e := at.Value.(*cachedDescriptor)
	e.user.order.MoveToFront(at)
	return e.value
}

// keep adds k to the cache, charged to user, and evicts other entries until the limits hold. If the key already has a
// value, keep changes nothing and returns that value. Otherwise it returns k, even if the cache stores nothing.
func (c *descriptorCache) keep(key identity, user sid.SID, k *known) *known {
	e := &cachedDescriptor{key: key, value: k, bytes: knownSize + k.descriptor.HeapSize()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.entries[key]; at != nil {
		return at.Value.(*cachedDescriptor).value
	}
	if c.most < 1 {
		return k
	}
	if e.user = c.users[user]; e.user == nil {
		e.user = &cacheUser{user: user}
		c.users[user] = e.user
		heap.Push(&c.byBytes, e.user)
	}
	c.entries[key] = e.user.order.PushFront(e)
	c.chargeLocked(e.user, e.bytes)
	for len(c.entries) > c.most || c.bytes > c.mostBytes {
		c.evictLocked()
	}
	return k
}

// evictLocked removes the least recently used entry of the user with the most bytes. It removes a user without
// further entries, and panics if the cache is empty.
//
// +checklocks:c.mu
func (c *descriptorCache) evictLocked() {
	u := c.byBytes[0]
	e := u.order.Remove(u.order.Back()).(*cachedDescriptor)
	delete(c.entries, e.key)
	c.chargeLocked(u, -e.bytes)
	if u.order.Len() == 0 {
		heap.Remove(&c.byBytes, u.place)
		delete(c.users, u.user)
	}
}

// chargeLocked adds n bytes to the use of a user and of the cache. A negative n frees them. It evicts nothing, also
// above the limits.
// +checklocks:c.mu
func (c *descriptorCache) chargeLocked(u *cacheUser, n int) {
	u.bytes += n
	c.bytes += n
	heap.Fix(&c.byBytes, u.place)
}

// cacheUsers is a heap of the cache's users for container/heap. The first user has the most bytes.
type cacheUsers []*cacheUser

// Len returns the number of users in the heap.
func (l cacheUsers) Len() int { return len(l) }

// Less puts the user with the most bytes first.
func (l cacheUsers) Less(i, j int) bool { return l[i].bytes > l[j].bytes }

// Swap exchanges two users and records their new places.
func (l cacheUsers) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

// Push appends a *cacheUser for container/heap, and records its place.
func (l *cacheUsers) Push(x any) {
	u := x.(*cacheUser)
	u.place = len(*l)
	*l = append(*l, u)
}

// Pop removes and returns the last user for container/heap. The heap must not be empty.
func (l *cacheUsers) Pop() any {
	u := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = nil
	*l = (*l)[:len(*l)-1]
	return u
}
