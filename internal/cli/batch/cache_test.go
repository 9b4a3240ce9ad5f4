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
		if v, ok := small.get(fmt.Append(nil, i)); !ok || v != i {
			t.Fatalf("entry %d is missing right after it was added, want it in the cache", i)
		}
		large.put(fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", 10_000)), i)
		most = max(most, len(small.young)+len(small.old))
		check.RequireThat(t, large.bytes <= cacheBytes,
			"%d bytes of keys in one generation, want at most %d", large.bytes, cacheBytes)
	}
	check.That(t, most <= 2*cacheEntries, "%d entries cached, want at most %d", most, 2*cacheEntries)
	large.put([]byte(strings.Repeat("x", cacheBytes/4+1)), 1)
	if _, ok := large.get([]byte(strings.Repeat("x", cacheBytes/4+1))); ok {
		t.Error("a key larger than a quarter of the cache was stored, want it refused")
	}
}

// An entry that is used stays in the cache, however many others are added.
func TestCacheKeepsUsedEntries(t *testing.T) {
	var c cache[int]
	c.put([]byte("hot"), 7)
	for i := range 10 * cacheEntries {
		c.put(fmt.Append(nil, i), i)
		if i%100 == 0 {
			if v, ok := c.get([]byte("hot")); !ok || v != 7 {
				t.Fatalf("the used entry was evicted after %d others, want it kept", i)
			}
		}
	}
}
