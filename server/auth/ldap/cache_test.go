package ldap

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// timed returns a directory and its clock, which the test sets.
func timed(f *fake, change func(*Config)) (*Directory, *atomic.Int64) {
	var ahead atomic.Int64
	begin := time.Now()
	return f.directory(func(c *Config) {
		c.Now = func() time.Time { return begin.Add(time.Duration(ahead.Load())) }
		if change != nil {
			change(c)
		}
	}), &ahead
}

// TestCachedAccountIsConfirmed checks that a fresh result is not queried, that an older one is confirmed by the
// change number, and that any change reads the account again, because deletions are hidden (D-19).
func TestCachedAccountIsConfirmed(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, nil)
	ctx := context.Background()
	find := func(what string, queries, groups int) {
		t.Helper()
		got, err := d.Find(ctx, "Alice", false)
		check.RequireThat(t, err == nil && len(got.Groups) == groups && !got.Cached,
			"D-19: %s: Find = %+v, %v, want %d groups, not Cached, no error", what, got, err, groups)
		check.Equal(t, f.count("sAMAccountName"), queries, "D-19: %s: account queries", what)
	}
	confirms := func() int { return f.count("(objectClass=*)") } // also counts other queries of the root
	find("at first", 1, 2)
	first := confirms()
	ahead.Store(int64(30*time.Second - 1))
	find("fresh", 1, 2)
	check.Equal(t, confirms(), first, "D-19: questions while it is fresh")
	ahead.Store(int64(30 * time.Second))
	find("old, and nothing has changed", 1, 2)
	ahead.Store(int64(60*time.Second - 1))
	find("fresh again", 1, 2)
	check.Equal(t, confirms(), first+1, "D-19: questions after one confirmation")
	w.root["highestCommittedUSN"] = []string{"105"}
	ahead.Store(int64(62 * time.Second))
	find("old, and something hidden has changed", 2, 2)
	w.root["highestCommittedUSN"] = []string{"110"}
	w.set("tokenGroups", domain.WithRID(513).Binary(), domain.WithRID(2001).Binary(), domain.WithRID(2002).Binary())
	ahead.Store(int64(93 * time.Second))
	find("a group has changed", 3, 3)
	ahead.Store(int64(124 * time.Second))
	find("old, and nothing has changed since", 3, 3)
	w.root["dsServiceName"] = []string{"CN=two"}
	ahead.Store(int64(155 * time.Second))
	find("another server", 4, 3)
	w.root["highestCommittedUSN"] = []string{"50"}
	ahead.Store(int64(186 * time.Second))
	find("a server that was restored", 5, 3)
	w.root["highestCommittedUSN"] = nil
	ahead.Store(int64(217 * time.Second))
	find("a server that does not count", 6, 3)
	ahead.Store(int64(248 * time.Second))
	find("again", 7, 3)
	w.set("userAccountControl", "514")
	ahead.Store(int64(279 * time.Second))
	got, err := d.Find(ctx, "Alice", false)
	check.That(t, err == nil && got.Restricted == Disabled, "D-19: %+v, %v, want Disabled", got, err)
	f.stop()
	check.ErrorIs(t, check.Err(d.Find(ctx, "Alice", false)), ErrAway, "D-19: cached before it was disabled")
	// The number is read before the account, so that a change in between is seen.
	f.mu.Lock()
	defer f.mu.Unlock()
	numbered := slices.IndexFunc(f.queries, func(q asked) bool {
		return slices.Contains(q.attributes, "highestCommittedUSN")
	})
	account := slices.IndexFunc(f.queries, func(q asked) bool { return strings.Contains(q.filter, "sAMAccountName") })
	check.That(t, numbered >= 0 && numbered < account, "D-19: the number is query %d, the account %d", numbered, account)
}

// TestRestrictedAccountIsNotCached checks that a restricted account is queried each time, that a deleted one
// is removed from the cache, and that an account expires even while its result is fresh (D-19,
// D-11).
func TestRestrictedAccountIsNotCached(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, nil)
	ctx := context.Background()
	w.set("msDS-User-Account-Control-Computed", "16")
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != Locked {
		t.Fatalf("D-11: Find of a locked account = %+v, %v, want the restriction %v, no error", got, err, Locked)
	}
	w.set("accountExpires", filetimeText(d.cfg.Now().Add(20*time.Second)))
	w.set("msDS-User-Account-Control-Computed", "0")
	w.set("lockoutTime", "133000000000000000") // the server reports it as expired
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != 0 {
		t.Fatalf("D-19: Find after the lock expired = %+v, %v, want no restriction, no error", got, err)
	}
	ahead.Store(int64(21 * time.Second))
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != Expired || f.count("sAMAccountName") != 2 {
		t.Errorf("D-11: Find after the account's end: %+v, %v, want Expired by a second query", got, err)
	}
	ahead.Store(int64(40 * time.Second))
	w.set("sAMAccountName", "bob")
	w.root["highestCommittedUSN"] = []string{"101"}
	check.ErrorIs(t, check.Err(d.Find(ctx, "alice", false)), ErrUnknown, "D-19: renamed")
	f.stop()
	check.ErrorIs(t, check.Err(d.Find(ctx, "alice", false)), ErrAway, "D-19: refused, and then away")
}

// TestOtherSpellingsAreNotCached checks that the cache has an account under its own names only. A directory accepts
// many other spellings of them, with which one client could drop the accounts of others from the cache (D-21).
func TestOtherSpellingsAreNotCached(t *testing.T) {
	w := newWorld()
	f := serve(t, func(a asked) [][]byte {
		// Active Directory ignores the width of letters. The fake has no filter for principal names.
		a.filter = strings.NewReplacer(`sAMAccountName=\ef\bd\81lice`, "sAMAccountName=alice",
			"sAMAccountName=BOSS", "sAMAccountName=alice").Replace(a.filter)
		return w.answer(a)
	})
	d, _ := timed(f, nil)
	w.set("userPrincipalName", "Boss@"+d.cfg.Realm)
	for _, c := range []struct {
		name    string
		byRealm bool
		cached  int
	}{{"ａlice", false, 0}, {"ALICE", false, 1}, {"ａlice", false, 1}, {"BOSS", false, 1}, {"alice", true, 2},
		{"BOSS", true, 3}, {"ａlice", true, 3}, {"boss", true, 3}} {
		got, err := d.Find(context.Background(), c.name, c.byRealm)
		d.cache.mu.Lock()
		cached := len(d.cache.byName)
		d.cache.mu.Unlock()
		check.That(t, err == nil && got.Name == "alice" && cached == c.cached, "D-21: Find(%s, %t): %+v, %v, "+
			"%d names in the cache, want %d", c.name, c.byRealm, got, err, cached, c.cached)
	}
}

// TestCachedAccountCountsWhileUnreachable checks that a cached result answers the same query with Cached set while the
// directory is unreachable, and that a negative limit caches nothing (D-20). TestCachedAccountExpires checks the limit.
func TestCachedAccountCountsWhileUnreachable(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, func(c *Config) { c.Limits.Stale = 10 * time.Minute })
	ctx := context.Background()
	check.NoError(t, check.Err(d.Find(ctx, "alice", false)))
	f.stop()
	ahead.Store(int64(9 * time.Minute))
	if got, err := d.Find(ctx, "alice", false); err != nil || !got.Cached || len(got.Groups) != 2 {
		t.Errorf("D-20: Find within the limit = %+v, %v, want an earlier result with 2 groups, no error", got, err)
	}
	check.ErrorIs(t, check.Err(d.Find(ctx, "bob", false)), ErrAway, "D-20: an account that is not cached")
	check.ErrorIs(t, check.Err(d.Find(ctx, "alice", true)), ErrAway, "D-20: the name before the realm is another question")
	never := serve(t, w.answer)
	d, _ = timed(never, func(c *Config) { c.Limits.Stale, c.Limits.Fresh = -1, -1 })
	check.NoError(t, check.Err(d.Find(ctx, "alice", false)))
	never.stop()
	check.ErrorIs(t, check.Err(d.Find(ctx, "alice", false)), ErrAway, "D-20: with an empty cache")
}

// TestCachedAccountExpires checks that a cached result shows an expired account, and that using
// it does not extend its life (D-11, D-20). An account also expires while the directory is
// reachable and unchanged.
func TestCachedAccountExpires(t *testing.T) {
	at := func(d *Directory, what string, restricted Restriction, cached bool, wrong error) {
		t.Helper()
		got, err := d.Find(context.Background(), "alice", false)
		check.RequireThat(t, errors.Is(err, wrong) && (err == nil) == (wrong == nil) && (got == nil) == (wrong != nil),
			"D-20: %s: %+v, %v, want %v", what, got, err, wrong)
		if err == nil && (got.Restricted != restricted || got.Cached != cached || len(got.Groups) != 2) {
			t.Errorf("D-20: %s: restricted %v, cached %t, %d groups; want %v, %t", what, got.Restricted, got.Cached,
				len(got.Groups), restricted, cached)
		}
	}
	for attribute, ended := range map[string]Restriction{"accountExpires": Expired, computedExpiry: PasswordExpired} {
		w := newWorld()
		f := serve(t, w.answer)
		d, ahead := timed(f, func(c *Config) { c.Limits.Stale = 10 * time.Minute })
		w.set(attribute, filetimeText(d.cfg.Now().Add(5*time.Minute)))
		at(d, "at first", 0, false, nil)
		ahead.Store(int64(time.Minute))
		at(d, "nothing has changed", 0, false, nil) // the account's present state
		f.stop()
		for _, c := range []struct {
			after      time.Duration
			restricted Restriction
			cached     bool
			wrong      error
		}{
			{time.Minute + 30*time.Second - 1, 0, false, nil}, {time.Minute + 30*time.Second, 0, true, nil},
			{4 * time.Minute, 0, true, nil}, {6 * time.Minute, ended, true, nil}, {4 * time.Minute, 0, true, nil},
			{11*time.Minute - 1, ended, true, nil}, {11 * time.Minute, 0, false, ErrAway}, {20 * time.Minute, 0, false, ErrAway},
		} {
			ahead.Store(int64(c.after))
			at(d, "away, "+c.after.String(), c.restricted, c.cached, c.wrong)
		}
		back := serve(t, w.answer)
		d.servers[0].address = back.listener.Addr().String()
		ahead.Store(int64(4 * time.Minute))
		at(d, "it is back", 0, false, nil)
		ahead.Store(int64(6 * time.Minute))
		at(d, "it has changed nothing", ended, false, nil)
	}
}

// TestLeastRecentlyUsedIsRemoved checks that a used or updated account is the last one to be removed, and that a
// dropped one frees its entry (D-21).
//
// +checklocksignore
func TestLeastRecentlyUsedIsRemoved(t *testing.T) {
	c := cache{most: 3}
	order := func() string {
		var keys []string
		for e := c.order.Front(); e != nil; e = e.Next() {
			keys = append(keys, e.Value.(*cachedAccount).key)
		}
		if got := slices.Sorted(maps.Keys(c.byName)); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
			t.Errorf("D-21: keys by name %v, want those in order, %v", got, keys)
		}
		return strings.Join(keys, "")
	}
	for i, step := range []struct{ what, key, want string }{{"put", "a", "a"}, {"put", "b", "ba"}, {"put", "c", "cba"},
		{"get", "a", "acb"}, {"put", "b", "bac"}, {"put", "d", "dba"}, {"get", "c", "dba"}, {"drop", "b", "da"},
		{"drop", "x", "da"}, {"put", "e", "eda"}, {"get", "a", "aed"}, {"put", "a", "aed"}, {"put", "f", "fae"},
		{"put", "e", "efa"}, {"put", "g", "gef"}} {
		switch step.what {
		case "put":
			k := &cachedAccount{key: step.key}
			if c.put(k); c.byName[step.key].Value != k {
				t.Errorf("D-21: step %d: another answer is kept, want the one that was put", i)
			}
		case "get":
			if got := c.get(step.key); (got != nil) != strings.Contains(step.want, step.key) {
				t.Errorf("D-21: step %d: get(%s) = %+v, want one of %q kept", i, step.key, got, step.want)
			}
		case "drop":
			c.drop(step.key)
		}
		check.Equal(t, order(), step.want, "D-21: step %d, %s %s", i, step.what, step.key)
	}
}
