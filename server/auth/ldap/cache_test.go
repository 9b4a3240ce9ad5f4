package ldap

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/sid"
)

// timed is a directory whose clock the test turns.
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

// TestCache: an answer is not asked again while it is fresh; then only whether anything has
// changed; anew if something has, whatever it was: what was deleted is hidden (D-19).
func TestCache(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, nil)
	ctx := context.Background()
	find := func(what string, asked, groups int) {
		t.Helper()
		got, err := d.Find(ctx, "Alice", false)
		if err != nil || len(got.Groups) != groups || got.Cached {
			t.Fatalf("D-19: %s: %+v, %v", what, got, err)
		}
		if n := f.count("sAMAccountName"); n != asked {
			t.Errorf("D-19: %s: asked %d times, want %d", what, n, asked)
		}
	}
	find("at first", 1, 2)
	ahead.Store(int64(29 * time.Second))
	find("fresh", 1, 2)
	ahead.Store(int64(31 * time.Second))
	find("old, and nothing has changed", 1, 2)
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
}

// TestRestrictedIsNotKept: an account that was refused is asked for anew, one that the
// directory no longer has is forgotten, and an expiry comes while an answer is fresh
// (D-19, D-11).
func TestRestrictedIsNotKept(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, nil)
	ctx := context.Background()
	w.set("msDS-User-Account-Control-Computed", "16")
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != Locked {
		t.Fatalf("D-11: %+v, %v", got, err)
	}
	at := d.cfg.Now().Add(20 * time.Second).Unix()
	w.set("accountExpires", fmt.Sprint(at*10_000_000+unixEpoch))
	w.set("msDS-User-Account-Control-Computed", "0")
	w.set("lockoutTime", "133000000000000000") // the server says that it is over
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != 0 {
		t.Fatalf("D-19: after the lock: %+v, %v", got, err)
	}
	ahead.Store(int64(21 * time.Second))
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Restricted != Expired || f.count("sAMAccountName") != 2 {
		t.Errorf("D-11: after its end: %+v, %v", got, err)
	}
	ahead.Store(int64(40 * time.Second))
	w.set("sAMAccountName", "bob")
	w.root["highestCommittedUSN"] = []string{"101"}
	if got, err := d.Find(ctx, "alice", false); !errors.Is(err, ErrUnknown) {
		t.Errorf("D-19: renamed: %+v, %v", got, err)
	}
	f.stop()
	if got, err := d.Find(ctx, "alice", false); !errors.Is(err, ErrAway) {
		t.Errorf("D-19: refused, and then away: %+v, %v", got, err)
	}
}

// TestAway: without the directory an earlier answer counts until its limit, and says so; then
// no account is found (D-20). Once it is back it is asked.
func TestAway(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, func(c *Config) { c.Limits.Stale = 10 * time.Minute })
	ctx := context.Background()
	if _, err := d.Find(ctx, "alice", false); err != nil {
		t.Fatal(err)
	}
	f.stop()
	ahead.Store(int64(9 * time.Minute))
	if got, err := d.Find(ctx, "alice", false); err != nil || !got.Cached || len(got.Groups) != 2 {
		t.Errorf("D-20: within the limit: %+v, %v", got, err)
	}
	if got, err := d.Find(ctx, "bob", false); !errors.Is(err, ErrAway) {
		t.Errorf("D-20: who was not asked for: %+v, %v", got, err)
	}
	if got, err := d.Find(ctx, "alice", true); !errors.Is(err, ErrAway) {
		t.Errorf("D-20: the name before the realm is another question: %+v, %v", got, err)
	}
	ahead.Store(int64(10*time.Minute + time.Second))
	if got, err := d.Find(ctx, "alice", false); !errors.Is(err, ErrAway) {
		t.Errorf("D-20: after the limit: %+v, %v", got, err)
	}
	back := serve(t, w.answer)
	d.servers[0].address = back.listener.Addr().String()
	if got, err := d.Find(ctx, "alice", false); err != nil || got.Cached {
		t.Errorf("D-20: it is back: %+v, %v", got, err)
	}
	never := serve(t, w.answer)
	d, _ = timed(never, func(c *Config) { c.Limits.Stale, c.Limits.Fresh = -1, -1 })
	if _, err := d.Find(ctx, "alice", false); err != nil {
		t.Fatal(err)
	}
	never.stop()
	if got, err := d.Find(ctx, "alice", false); !errors.Is(err, ErrAway) {
		t.Errorf("D-20: with nothing kept: %+v, %v", got, err)
	}
}

// TestCacheIsBounded: the account that was not asked for the longest is forgotten (D-21).
func TestCacheIsBounded(t *testing.T) {
	c := cache{most: 3}
	for i := range 10 {
		c.put(&kept{key: fmt.Sprint(i)})
		c.get("0")
	}
	for key, want := range map[string]bool{"0": true, "9": true, "8": true, "7": false, "1": false} {
		if got := c.get(key) != nil; got != want {
			t.Errorf("D-21: %s is kept: %t", key, got)
		}
	}
	if len(c.byName) != 3 || c.order.Len() != 3 {
		t.Errorf("D-21: %d and %d are kept", len(c.byName), c.order.Len())
	}
}

// FuzzDN: names that are equal have equal keys, whatever their escapes; no bytes panic (D-13).
func FuzzDN(f *testing.F) {
	f.Add("CN=a,DC=b", "cn=A , dc=B")         // case and spaces
	f.Add(`CN=a\2Cb,DC=c`, `CN=a\,b,DC=c`)    // two escapes of one comma
	f.Add("CN=a+OU=b,DC=c", "OU=b+CN=a,DC=c") // parts of one level
	f.Add("CN=a,DC=b", "CN=a\\,DC=b")         // two parts, and one with a comma
	f.Add(`CN=\`, "CN=#04")                   // an escape of nothing, bytes that are cut
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := key(a)
		y, err2 := key(b)
		if err != nil || err2 != nil {
			return
		}
		one, _ := parseDN(a)
		two, _ := parseDN(b)
		if one.EqualFold(two) && x != y {
			t.Errorf("D-13: %q and %q are one name, and have two keys", a, b)
		}
		if x == y && len(one.RDNs) != len(two.RDNs) {
			t.Errorf("D-13: %q and %q have one key", a, b)
		}
		if !within(one, one) || len(two.RDNs) > len(one.RDNs) && within(one, two) {
			t.Errorf("D-13: %q within %q", a, b)
		}
	})
}

// TestKey: which names are one (D-13).
func TestKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"CN=Anna,OU=x,DC=a", "cn=ANNA, ou=X,dc=A", true},
		{`CN=a\2Cb,DC=c`, `CN=a\,b,DC=c`, true},
		{"CN=a+OU=b,DC=c", "OU=b+CN=a,DC=c", true},
		{"CN=ä,DC=c", "CN=Ä,DC=c", true},
		{"CN=a,DC=c", `CN=a\,DC\=c`, false},
		{"CN=a,OU=b,DC=c", "CN=a+OU=b,DC=c", false},
		{"CN=ab,DC=c", "CN=a,CN=b,DC=c", false},
		{"CN=a,DC=c", "OU=a,DC=c", false},
	} {
		a, err := key(c.a)
		b, err2 := key(c.b)
		if err != nil || err2 != nil || (a == b) != c.same {
			t.Errorf("D-13: %q and %q: %q, %q, %v, %v", c.a, c.b, a, b, err, err2)
		}
	}
	for _, bad := range []string{"x", "CN=a\xff", "CN=" + string(make([]byte, maxDN)), "=a", "CN=a,,DC=b"} {
		if k, err := key(bad); err == nil && bad != "=a" {
			t.Errorf("D-13: %q is a name: %q", bad, k)
		}
	}
}

// FuzzEntry: an entry of any bytes is refused, or is an account of the domain (D-8, D-10).
func FuzzEntry(f *testing.F) {
	good := domain.WithRID(1104)
	f.Add(good.AppendBinary(nil), "512", "513", "0", "CN=a")                    // right
	f.Add([]byte{}, "", "", "", "")                                             // nothing
	f.Add(append(good.AppendBinary(nil), 0), "-1", "4294967296", "-1", "x")     // one byte more, numbers past their ends
	f.Add([]byte{1, 255, 0, 0, 0, 0, 0, 5}, "9223372036854775808", "0", "", "") // 255 parts that are not there
	f.Fuzz(func(t *testing.T, id []byte, control, primary, expires, option string) {
		d := &Directory{cfg: Config{Domain: domain, Now: time.Now}}
		e := &entry{DN: "CN=x"}
		for name, value := range map[string]string{"objectSid": string(id), "userAccountControl": control,
			"primaryGroupID": primary, "accountExpires": expires, "logonHours": string(id), "memberOf;" + option: "CN=y"} {
			e.add(name, value)
		}
		ids, err := e.sids("objectSid")
		if err == nil {
			for _, s := range ids {
				if string(s.AppendBinary(nil)) != string(id) || s == (sid.SID{}) {
					t.Errorf("D-8: %x is %v", id, s)
				}
			}
		}
		found := &Found{}
		_ = d.restrict(found, e, &computed{control: -1, expiry: -1})
		_, _, _ = e.values("memberOf")
		_, _ = e.number("primaryGroupID", 0)
	})
}
