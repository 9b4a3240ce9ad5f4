package hostfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// wideDescriptor returns a descriptor with that many entries.
func wideDescriptor(entries int) *known {
	text := strings.Repeat("(A;;FR;;;S-1-5-21-1-2-3-1107)", entries)
	return &known{descriptor: sddl.MustParse("O:BAG:SYD:" + text)}
}

// TestFullCacheEvictsTheLargestUser checks that a user who reads many files, or files with long descriptors, evicts
// only their own entries, least recently used first, whoever used them (F-123).
func TestFullCacheEvictsTheLargestUser(t *testing.T) {
	alice, bob := sid.MustParse(alice), sid.MustParse(bob)
	for what, entries := range map[string]int{"many": 1, "long": 200} {
		c := newDescriptorCache(100)
		one, wide := wideDescriptor(1), wideDescriptor(entries)
		add := func(user sid.SID, inode uint64, k *known) {
			t.Helper()
			got, err := c.get(identity{inode: inode}, user, func() (*known, error) { return k, nil })
			check.RequireThat(t, err == nil && got != nil, "F-123: %v, %v", got, err)
		}
		for i := range uint64(10) {
			add(bob, i, one)
		}
		for i := range uint64(2000) {
			add(alice, 1000+i, wide)
			c.find(identity{inode: 1000}) // another user reads the first one again and again
		}
		for i := range uint64(10) {
			check.That(t, c.find(identity{inode: i}) != nil, "F-123: %s: another user evicted entry %d", what, i)
		}
		for inode, want := range map[uint64]bool{1000: true, 1001: false, 2999: true} {
			check.Equal(t, c.find(identity{inode: inode}) != nil, want, "F-123: %s: entry %d is cached", what, inode)
		}
		c.mu.Lock()
		if len(c.entries) > 100 || c.bytes > 100*descriptorSize || what == "many" && len(c.entries) != 100 {
			t.Errorf("F-123: %s: %d entries with %d bytes, want at most 100 with %d", what, len(c.entries), c.bytes,
				100*descriptorSize)
		}
		c.mu.Unlock()
	}
}

// TestCacheReadsOnce checks that the cache returns the first stored value, stores nothing after an error, and nothing
// at all with a limit of 0 or for an entry above the whole limit (F-123).
//
// +checklocksignore
func TestCacheReadsOnce(t *testing.T) {
	first, failed := wideDescriptor(1), errors.New("no attribute")
	key, user := identity{inode: 1}, sid.MustParse(alice)
	c := newDescriptorCache(2)
	if _, err := c.get(key, user, func() (*known, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
	k, err := c.get(key, user, func() (*known, error) {
		// Another goroutine stores a value first.
		return wideDescriptor(1), c.stores(key, first)
	})
	check.That(t, k == first && err == nil, "%p, %v, want %p", k, err, first)
	if c.keep(identity{inode: 2}, user, wideDescriptor(1000)); c.find(identity{inode: 2}) != nil || c.find(key) != first {
		t.Error("F-123: an entry above the whole limit is cached, or evicted another user's")
	}
	check.That(t, len(c.users) == 1 && len(c.byBytes) == 1,
		"F-123: %d and %d users, want the one with an entry", len(c.users), len(c.byBytes))
	c = newDescriptorCache(2)
	c.mostBytes = knownSize + first.descriptor.HeapSize()
	if c.keep(key, user, first); c.find(key) != first {
		t.Error("F-123: an entry of exactly the whole limit is not cached")
	}
	if c = newDescriptorCache(0); c.keep(key, user, first) != first || c.find(key) != nil {
		t.Error("F-123: a cache of 0 entries stores one")
	}
}

// stores stores a value and returns an error if another one is stored.
func (c *descriptorCache) stores(key identity, k *known) error {
	if got := c.keep(key, sid.SID{}, k); got != k {
		return fmt.Errorf("%p, want %p", got, k)
	}
	return nil
}

// TestCacheCountsAgree adds random entries of random users and compares the sums, and checks that each eviction hits a
// user with at least as many bytes as any other (F-123).
func TestCacheCountsAgree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	c := newDescriptorCache(50)
	users := []sid.SID{{}, sid.MustParse(alice), sid.MustParse(bob), sid.Everyone}
	wide := []*known{{}, wideDescriptor(1), wideDescriptor(20), wideDescriptor(60)}
	for range randtest.Size(20_000) {
		c.keep(identity{inode: rnd.Uint64N(300)}, users[rnd.IntN(len(users))], wide[rnd.IntN(len(wide))])
		c.find(identity{inode: rnd.Uint64N(300)})
		c.agrees(t)
	}
}

// agrees compares the sums of the cache with its entries.
//
// +checklocksignore
func (c *descriptorCache) agrees(t *testing.T) {
	t.Helper()
	all, entries, most := 0, 0, 0
	for at, u := range c.byBytes {
		sum := 0
		for e := u.order.Front(); e != nil; e = e.Next() {
			sum += e.Value.(*cachedDescriptor).bytes
		}
		check.RequireThat(t, sum == u.bytes && u.place == at && c.users[u.user] == u && sum != 0,
			"user %v has %d bytes at %d, want %d at %d", u.user, u.bytes, u.place, sum, at)
		all, entries, most = all+sum, entries+u.order.Len(), max(most, sum)
	}
	if all != c.bytes || entries != len(c.entries) || len(c.users) != len(c.byBytes) || entries > c.most ||
		all > c.mostBytes || len(c.byBytes) > 0 && c.byBytes[0].bytes != most {
		t.Fatalf("%d bytes of %d entries, want %d of %d; first user %d, want %d", c.bytes, len(c.entries), all, entries,
			c.byBytes[0].bytes, most)
	}
}

// TestOneUserCannotEvictAnothersDescriptors opens many files as one user. The descriptor that another user's open read
// stays cached (F-123).
func TestOneUserCannotEvictAnothersDescriptors(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Descriptors = 12 })
	const all = "O:BAG:SYD:(A;;FA;;;WD)"
	for i := range 40 {
		w.file(fmt.Sprint("f", i), "", all)
	}
	awaitCache(t, w.path("f39"))
	a, b := w.as(alice), w.as(bob)
	b.NtClose(w.open(b, "f0", winnt.FILE_READ_DATA, ntstatus.Success))
	for i := range 39 {
		a.NtClose(w.open(a, fmt.Sprint("f", i+1), winnt.FILE_READ_DATA, ntstatus.Success))
	}
	for name, want := range map[string]bool{"f0": true, "f1": false, "f39": true} {
		_, s := w.openPlace(name)
		check.Equal(t, w.tree.descriptors.find(identityOf(&s)) != nil, want,
			"F-123: the descriptor of %s is cached", name)
	}
	client := access.Subject{Primary: w.subject(bob).Primary, Client: w.subject(alice).Primary}
	check.Equal(t, userOf(&fileaccess.Request{Subject: client}), sid.MustParse(alice), "F-123: user of bob's client")
}
