package cache_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/refmon/refmon/cache"
	"github.com/refmon/refmon/internal/test/check"
)

// get gets a key whose value is the key as text. It reports whether the cache called make.
func get(t *testing.T, c *cache.Cache[int, string], key int) (made bool) {
	t.Helper()
	v, err := c.Get(key, func() (string, error) { made = true; return strconv.Itoa(key), nil })
	check.That(t, err == nil && v == strconv.Itoa(key), "Get(%d) = %q, %v; want the key as text, nil", key, v, err)
	return made
}

// A full cache evicts the entry that was used least recently. Drop removes an entry.
func TestLeastRecentEntryIsEvicted(t *testing.T) {
	c := cache.New[int, string](3)
	for i, want := range []struct {
		key  int
		made bool
	}{{1, true}, {2, true}, {3, true}, {1, false}, {4, true} /* 2 goes */, {1, false}, {3, false},
		{2, true} /* 4 goes */, {4, true}} {
		check.Equal(t, get(t, c, want.key), want.made, "step %d: Get(%d) called make", i, want.key)
		check.RequireThat(t, c.Len() <= 3, "Len = %d, want at most 3", c.Len())
	}
	c.Drop(4)
	c.Drop(99)
	check.That(t, c.Len() == 2 && get(t, c, 4), "after Drop(4): Len %d, want 2, and a call of make for 4", c.Len())
}

// An error of make is returned and not cached.
func TestErrorIsNotCached(t *testing.T) {
	c := cache.New[int, string](3)
	wrong := errors.New("wrong")
	_, err := c.Get(1, func() (string, error) { return "", wrong })
	check.That(t, err == wrong && c.Len() == 0, "Get with a failing make: %v, Len %d; want %v, 0", err, c.Len(), wrong)
	check.That(t, get(t, c, 1), "Get after a failure did not call make")
}

// A zero cache and one with a limit below 1 store nothing, and their methods work.
func TestCacheWithoutRoomStoresNothing(t *testing.T) {
	for _, c := range []*cache.Cache[int, string]{new(cache.Cache[int, string]), cache.New[int, string](0),
		cache.New[int, string](-1)} {
		check.That(t, get(t, c, 1) && get(t, c, 1) && c.Len() == 0,
			"a cache without room: Get did not call make, or Len = %d, want 0", c.Len())
		c.Drop(1)
	}
}

// If make gets its own key from the cache, both callers get the value that was stored first. That counts as a use of
// the key.
func TestConcurrentGetsKeepFirstValue(t *testing.T) {
	c := cache.New[int, string](2)
	get(t, c, 2)
	get(t, c, 1) // two entries; 1 was used last
	c.Drop(2)
	v, err := c.Get(3, func() (string, error) {
		inner, err := c.Get(3, func() (string, error) { return "first", nil })
		check.That(t, err == nil && inner == "first", `inner Get(3) = %q, %v; want "first", nil`, inner, err)
		get(t, c, 1) // now 1 was used last
		return "late", nil
	})
	check.That(t, err == nil && v == "first" && c.Len() == 2,
		`outer Get(3) = %q, %v, Len %d; want "first", nil, 2`, v, err, c.Len())
	get(t, c, 4) // evicts 1, because 3 was used later
	check.That(t, !get(t, c, 4) && c.Len() == 2, "Get(4) is not cached, or Len = %d, want 2", c.Len())
	if v, err := c.Get(3, func() (string, error) { return "again", nil }); err != nil || v != "first" {
		t.Errorf(`Get(3) = %q, %v; want "first", nil: the late key was used most recently`, v, err)
	}
}

// Get returns the value of a failed make together with its error, and does not cache it.
func TestGetReturnsValueOfFailedMake(t *testing.T) {
	c := cache.New[int, string](3)
	v, err := c.Get(1, func() (string, error) { return "half", errors.New("wrong") })
	check.That(t, err != nil && v == "half", `Get with a failing make: %q, %v; want "half", an error`, v, err)
	made := get(t, c, 1)
	check.That(t, made && !get(t, c, 1), "after a failed make: Get called make %t, want true once", made)
}

// A cache with the limit 1 stores one value.
func TestLimitOfOneStoresOneValue(t *testing.T) {
	c := cache.New[int, string](1)
	if !get(t, c, 1) || get(t, c, 1) || !get(t, c, 2) || !get(t, c, 1) || c.Len() != 1 {
		t.Errorf("limit 1: unexpected calls of make, or Len = %d, want 1", c.Len())
	}
}

// Concurrent callers of few keys each get the value of their key, and the limit holds.
func TestConcurrentGetsRespectLimit(t *testing.T) {
	c := cache.New[int, *int](8)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 2000 {
				key := (g*31 + i) % 16
				v, err := c.Get(key, func() (*int, error) { return &key, nil })
				if err != nil || *v != key {
					t.Errorf("Get(%d) = %d, %v; want %d, nil", key, *v, err, key)
					return
				}
				if i%97 == 0 {
					c.Drop(key)
				}
			}
		})
	}
	group.Wait()
	check.That(t, c.Len() <= 8, "Len = %d, want at most 8", c.Len())
}

func BenchmarkGet(b *testing.B) {
	c := cache.New[string, int](100)
	b.ReportAllocs()
	for b.Loop() {
		c.Get("key", func() (int, error) { return 1, nil })
	}
}
