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

// cache keeps what the directory told, the accounts that were asked for last.
type cache struct {
	most int // immutable

	mu sync.Mutex
	// +checklocks:mu
	byName map[string]*list.Element // guarded by mu
	// +checklocks:mu
	order list.List // guarded by mu: of *kept, the one asked for last in front
}

// kept is one answer. Immutable.
type kept struct {
	key   string
	found *Found
	mark  mark
	at    time.Time // when the directory said so, or that it still is so
}

func (c *cache) get(key string) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byName[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept)
}

// put keeps an answer, and forgets the one that was not asked for the longest. D-21
func (c *cache) put(k *kept) {
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
		delete(c.byName, last.Value.(*kept).key)
	}
}

func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byName[key]; e != nil {
		c.order.Remove(e)
		delete(c.byName, key)
	}
}

// Find returns who the account of a name is: as the directory says now, or said within
// [Limits.Fresh]; while it is away, as it said within [Limits.Stale]. byRealm says that
// the name stood before the realm. Errors are [ErrUnknown], [*Error], or wrap [ErrAway].
func (d *Directory) Find(ctx context.Context, name string, byRealm bool) (*Found, error) {
	if name == "" || len(name) > maxName {
		return nil, ErrUnknown
	}
	key := strconv.FormatBool(byRealm) + strings.ToLower(name)
	now := d.cfg.Now()
	old := d.cache.get(key)
	if old != nil && now.Sub(old.at) < d.cfg.Limits.Fresh {
		return d.current(old.found), nil
	}
	k, err := d.again(ctx, key, old, name, byRealm)
	switch {
	case err == nil && k.found.Restricted != 0:
		// That a lock is over changes nothing in the directory: such an answer is not kept. D-19
		d.cache.drop(key)
		return k.found, nil
	case err == nil:
		k.at = now
		d.cache.put(k)
		return d.current(k.found), nil
	case !errors.Is(err, ErrAway):
		// The directory says that the account is not what it was. D-19
		d.cache.drop(key)
		return nil, err
	case old != nil && now.Sub(old.at) < d.cfg.Limits.Stale:
		// The directory is away: what it said counts for a while, and then nothing does. D-20
		f := *d.current(old.found)
		f.Cached = true
		return &f, nil
	}
	return nil, err
}

// current returns an answer as of now: an account or its password may have expired since,
// and its hours be over. D-11
func (d *Directory) current(f *Found) *Found {
	if since := f.bounds.at(d.cfg.Now()); f.Restricted == 0 && since != 0 {
		ended := *f
		ended.Restricted = since
		return &ended
	}
	return f
}

// again asks whether an earlier answer still holds, and anew where it may not.
func (d *Directory) again(ctx context.Context, key string, old *kept, name string, byRealm bool) (*kept, error) {
	if old != nil && old.mark.number != 0 {
		same, err := d.unchanged(ctx, old)
		if err != nil {
			return nil, err
		}
		if same != nil {
			return same, nil
		}
	}
	f, m, err := d.ask(ctx, name, byRealm)
	if err != nil {
		return nil, err
	}
	return &kept{key: key, found: f, mark: m}, nil
}

// unchanged returns the answer as of now if the server that gave it has changed nothing since,
// nil otherwise. Which objects were changed is not asked: an ordinary account sees neither
// what was deleted nor what it may not read, and the group that is gone would count on. D-19
func (d *Directory) unchanged(ctx context.Context, old *kept) (same *kept, err error) {
	now, changed, err := d.Since(ctx, Mark{old.mark})
	if err != nil || changed {
		return nil, err
	}
	k := *old
	k.mark = now.mark
	return &k, nil
}
