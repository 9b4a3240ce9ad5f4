package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestCacheIsBounded(t *testing.T) {
	var small, large cache[int]
	most := 0
	for i := range 5 * cacheEntries {
		small.put(fmt.Append(nil, i), i)
		v, ok := small.get(fmt.Append(nil, i))
		check.RequireThat(t, ok && v == i, "entry %d is missing right after it was added, want it in the cache", i)
		large.put(fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", 10_000)), i)
		most = max(most, len(small.young)+len(small.old))
	}
	check.That(t, most <= 2*cacheEntries, "%d entries cached, want at most %d", most, 2*cacheEntries)
	bytes := 0
	for key := range large.young {
		bytes += len(key)
	}
	check.That(t, bytes <= cacheBytes, "keys of %d bytes in one generation, want at most %d", bytes, cacheBytes)
	for over, want := range []bool{true, false} {
		key := []byte(strings.Repeat("x", cacheBytes/4+over))
		large.put(key, 1)
		_, ok := large.get(key)
		check.Equal(t, ok, want, "a key of a quarter of the cache and %d bytes is stored", over)
	}
}

// An entry that is used stays in the cache, however many others are added.
func TestCacheKeepsUsedEntries(t *testing.T) {
	var c cache[int]
	c.put([]byte("hot"), 7)
	for i := range 10 * cacheEntries {
		c.put(fmt.Append(nil, i), i)
		if i%100 == 0 {
			v, ok := c.get([]byte("hot"))
			check.RequireThat(t, ok && v == 7, "the used entry was evicted after %d others, want it kept", i)
		}
	}
}
