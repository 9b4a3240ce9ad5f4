package ldap

import (
	"container/list"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cache holds the most recently used accounts.
type cache struct {
	most int // maximum number of accounts; 0: none. Immutable

	mu sync.Mutex
	// +checklocks:mu
	byName map[string]*list.Element // guarded by mu
	// +checklocks:mu
	order list.List // guarded by mu: of *cachedAccount, most recently used first
}

// cachedAccount is one cached account. Immutable.
type cachedAccount struct {
	key   string
	found *Found
	mark  mark
	at    time.Time // when the directory last confirmed it
}

// get returns a cached account and marks it as used. It returns nil if the cache has none. The account may be out of
// date; the caller checks its age.
func (c *cache) get(key string) *cachedAccount {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byName[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedAccount)
}

// put stores an account. If the cache is full, it removes the least recently used one (D-21). It replaces an account
// with the same key. With a limit of 0 it stores nothing.
func (c *cache) put(k *cachedAccount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil {
		c.byName = map[string]*list.Element{}
	}
	if e := c.byName[k.key]; e != nil {
		e.Value = k
		c.order.MoveToFront(e)
		return
	}
	c.byName[k.key] = c.order.PushFront(k)
	for c.order.Len() > c.most {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.byName, last.Value.(*cachedAccount).key)
	}
}

// drop removes a cached account. It ignores an unknown key. A logon that already got the account goes on.
func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byName[key]; e != nil {
		c.order.Remove(e)
		delete(c.byName, key)
	}
}

// Find returns the account of a name. A result younger than [Limits.Fresh] comes from the cache. If
// no server answers, one younger than [Limits.Stale] does, with Cached set. byRealm means that the
// name came with a realm. The account may be restricted; such a result is not cached. Nor is that of
// another spelling of the account's name, which the directory takes as equal. Errors are
// [ErrUnknown], also for an empty or overlong name, [*Error], or wrap [ErrAway].
func (d *Directory) Find(ctx context.Context, name string, byRealm bool) (*Found, error) {
	if name == "" || len(name) > maxName {
		return nil, ErrUnknown
	}
	// An account that was filtered for another SID of this computer does not count (D-15).
	key := strconv.FormatBool(byRealm) + d.cfg.Machine().String() + " " + strings.ToLower(name)
	now := d.cfg.Now()
	old := d.cache.get(key)
	if old != nil && now.Sub(old.at) < d.cfg.Limits.Fresh {
		return d.current(old.found), nil
	}
	k, err := d.refresh(ctx, key, old, name, byRealm)
	switch {
	case err == nil && k.found.Restricted != 0:
		// The directory does not change when a lock expires, so restricted accounts are not cached
		// (D-19).
		d.cache.drop(key)
		return k.found, nil
	case err == nil && !k.found.hasName(name, byRealm, d.cfg.Realm):
		// One client could fill the cache with the spellings of one name (D-21).
		d.cache.drop(key)
		return k.found, nil
	case err == nil:
		k.at = now
		d.cache.put(k)
		return d.current(k.found), nil
	case !errors.Is(err, ErrAway):
		// The directory answered, and the cached result is no longer valid (D-19).
		d.cache.drop(key)
		return nil, err
	case old != nil && now.Sub(old.at) < d.cfg.Limits.Stale:
		// While the directory is unreachable, a cached result is valid for a limited time (D-20).
		f := *d.current(old.found)
		f.Cached = true
		return &f, nil
	}
	return nil, err
}

// hasName reports whether name is the account's sAMAccountName or, with byRealm, its userPrincipalName before "@" and
// the realm. Case is ignored, as in the cache's keys.
func (f *Found) hasName(name string, byRealm bool, realm string) bool {
	name = strings.ToLower(name)
	return strings.ToLower(f.Name) == name || byRealm && strings.ToLower(f.principal) == name+"@"+strings.ToLower(realm)
}

// current brings a cached account up to date: it returns f with its restriction as of now, because the account or its
// password may have expired since, or its hours may be over (D-11).
func (d *Directory) current(f *Found) *Found {
	if since := f.bounds.at(d.cfg.Now()); f.Restricted == 0 && since != 0 {
		ended := *f
		ended.Restricted = since
		return &ended
	}
	return f
}

// refresh returns old as confirmed if its server has not changed since, and otherwise reads the account again. old may
// be nil. The cache stays unchanged. An error of the server is returned, and then no account.
func (d *Directory) refresh(ctx context.Context, key string, old *cachedAccount, name string,
	byRealm bool) (*cachedAccount, error) {
	if old != nil && old.mark.number != 0 {
		same, err := d.unchanged(ctx, old)
		if err != nil {
			return nil, err
		}
		if same != nil {
			return same, nil
		}
	}
	f, m, err := d.readAccount(ctx, name, byRealm)
	if err != nil {
		return nil, err
	}
	return &cachedAccount{key: key, found: f, mark: m}, nil
}

// unchanged returns a confirmed copy of old if its server has not changed at all since, nil
// otherwise. It does not check single objects: an ordinary account cannot see deleted ones, so a
// deleted group would continue to count (D-19).
func (d *Directory) unchanged(ctx context.Context, old *cachedAccount) (same *cachedAccount, err error) {
	now, changed, err := d.Since(ctx, Mark{old.mark})
	if err != nil || changed {
		return nil, err
	}
	k := *old
	k.mark = now.mark
	return &k, nil
}
