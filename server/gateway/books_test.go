package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// scriptedLocks stands for package webdav's locks: it notes what it is asked, and answers what
// the test says.
type scriptedLocks struct {
	calls []string
	made  int
	err   error // of the next call
}

func (s *scriptedLocks) note(format string, args ...any) error {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	err := s.err
	s.err = nil
	return err
}

func (s *scriptedLocks) Confirm(now time.Time, one, two string, list ...webdav.Condition) (func(), error) {
	return func() {}, s.note("confirm %d %s %s %+v", now.Unix(), one, two, list)
}

func (s *scriptedLocks) Create(now time.Time, d webdav.LockDetails) (string, error) {
	err := s.note("create %d %+v", now.Unix(), d)
	if err != nil {
		return "", err
	}
	s.made++
	return fmt.Sprintf("in%d", s.made), nil
}

func (s *scriptedLocks) Refresh(now time.Time, token string, d time.Duration) (webdav.LockDetails, error) {
	return webdav.LockDetails{Root: "/of/" + token, Duration: d}, s.note("refresh %d %s %s", now.Unix(), token, d)
}

func (s *scriptedLocks) Unlock(now time.Time, token string) error {
	return s.note("unlock %d %s", now.Unix(), token)
}

// lockWorld is a lockbook beside what the rules say that it holds.
type lockWorld struct {
	*testing.T
	now   time.Time
	inner *scriptedLocks
	book  *lockbook
	users []sid.SID
	as    []*userLocks
	want  map[string]held // by token
	old   []string        // tokens that were given out, in their order
}

func newLockWorld(t *testing.T) *lockWorld {
	w := &lockWorld{T: t, now: time.Unix(1000, 0), inner: &scriptedLocks{}, want: map[string]held{}}
	w.book = newLockbook(func() time.Time { return w.now })
	w.book.inner = w.inner
	for _, text := range []string{"S-1-5-21-1-1-1-1001", "S-1-5-21-1-1-1-1002", "S-1-5-21-1-1-1-1003"} {
		user := sid.MustParse(text)
		w.users = append(w.users, user)
		w.as = append(w.as, w.book.of(user).(*userLocks))
	}
	return w
}

// calls expects what package webdav was asked since the last time.
func (w *lockWorld) calls(what string, want ...string) {
	w.Helper()
	if !slices.Equal(w.inner.calls, want) {
		w.Fatalf("%s: package webdav was asked %q, want %q", what, w.inner.calls, want)
	}
	w.inner.calls = nil
}

// holds compares all that the book has with what the rules say.
func (w *lockWorld) holds(what string) {
	w.Helper()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	got := map[string]held{}
	for token, l := range w.book.held {
		got[token] = *l
	}
	if !reflect.DeepEqual(got, w.want) {
		w.Fatalf("%s: the book has %+v, want %+v", what, got, w.want)
	}
	each := map[sid.SID]int{}
	for _, l := range w.want {
		each[l.owner]++
	}
	if !maps.Equal(w.book.each, each) {
		w.Fatalf("%s: locks of each user %v, want %v", what, w.book.each, each)
	}
}

// sweep takes what is over out of what is wanted.
func (w *lockWorld) sweep() {
	maps.DeleteFunc(w.want, func(_ string, l held) bool { return l.until.Before(w.now) })
}

// create makes a lock, or is refused by package webdav.
func (w *lockWorld) create(rng *rand.Rand, user int) {
	w.Helper()
	roots := map[string]string{"/share/f": "/share/f", "/share/a b": "/share/a%20b", "/share/d/": "/share/d"}
	root := slices.Sorted(maps.Keys(roots))[rng.IntN(3)]
	d := webdav.LockDetails{Root: root, Duration: time.Duration(rng.IntN(50)) * time.Second, ZeroDepth: rng.IntN(2) == 0,
		OwnerXML: "<D:href> me &amp; you </D:href>"}
	if rng.IntN(4) == 0 {
		w.inner.err = webdav.ErrLocked
	}
	failed := w.inner.err
	token, err := w.as[user].Create(w.now, d)
	w.sweep() // to see whether there is room
	w.calls("create", fmt.Sprintf("create %d %+v", w.now.Unix(), d))
	if !errors.Is(err, failed) || (failed != nil) != (token == "") {
		w.Fatalf("create: %q, %v, want %v", token, err, failed)
	}
	if failed != nil {
		return
	}
	if !strings.HasPrefix(token, "opaquelocktoken:") || len(token) != len("opaquelocktoken:")+32 ||
		slices.Contains(w.old, token) {
		w.Fatalf("G-18: token %q", token)
	}
	depth := map[bool]string{true: "0", false: "infinity"}[d.ZeroDepth]
	w.want[token] = held{inner: fmt.Sprintf("in%d", w.inner.made), owner: w.users[user], root: roots[root], depth: depth,
		owns: "me & you", until: w.now.Add(d.Duration)}
	w.old = append(w.old, token)
}

// TestLockbook: after each step of a history of three users the book has what the rules say, with every
// field; a token of another user or of no lock reaches nothing (G-18, G-19).
func TestLockbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 19))
	w := newLockWorld(t)
	met := map[string]int{}
	for step := range 3000 {
		user, token := rng.IntN(3), "opaquelocktoken:0"
		if len(w.old) > 0 && rng.IntN(10) > 0 {
			token = w.old[max(0, len(w.old)-1-rng.IntN(6))]
		}
		l, here := w.want[token]
		mine := here && l.owner == w.users[user]
		what := fmt.Sprintf("step %d, user %d, %v", step, user, here)
		switch rng.IntN(6) {
		case 0:
			w.create(rng, user)
		case 1:
			d := time.Duration(rng.IntN(50)) * time.Second
			if rng.IntN(4) == 0 {
				w.inner.err = webdav.ErrNoSuchLock
			}
			failed := w.inner.err
			got, err := w.as[user].Refresh(w.now, token, d)
			w.inner.err = nil
			switch {
			case !mine:
				met["refresh of another's"]++
				if w.calls(what); !errors.Is(err, webdav.ErrNoSuchLock) {
					t.Fatalf("G-18: %s: refresh: %v", what, err)
				}
			default:
				met["refresh"]++
				w.calls(what, fmt.Sprintf("refresh %d %s %s", w.now.Unix(), l.inner, d))
				if !errors.Is(err, failed) || got.Root != "/of/"+l.inner || got.Duration != d {
					t.Fatalf("%s: refresh: %+v, %v", what, got, err)
				}
				if failed == nil {
					l.until = w.now.Add(d)
					w.want[token] = l
				}
			}
		case 2:
			w.inner.err = []error{nil, nil, webdav.ErrLocked, webdav.ErrNoSuchLock}[rng.IntN(4)]
			failed := w.inner.err
			err := w.as[user].Unlock(w.now, token)
			w.inner.err = nil
			switch {
			case !here:
				met["unlock of nothing"]++
				if w.calls(what); !errors.Is(err, webdav.ErrNoSuchLock) {
					t.Fatalf("%s: unlock: %v", what, err)
				}
			case !mine:
				met["unlock of another's"]++
				if w.calls(what); !errors.Is(err, webdav.ErrForbidden) {
					t.Fatalf("G-18: %s: unlock: %v", what, err)
				}
			default:
				met["unlock"]++
				if w.calls(what, fmt.Sprintf("unlock %d %s", w.now.Unix(), l.inner)); !errors.Is(err, failed) {
					t.Fatalf("%s: unlock: %v, want %v", what, err, failed)
				}
				if !errors.Is(failed, webdav.ErrLocked) { // a lock that is in use stays
					delete(w.want, token)
				}
			}
		case 3:
			list := []webdav.Condition{{Token: token, Not: true}, {ETag: `"e"`}, {Token: token, ETag: "x"}}
			_, err := w.as[user].Confirm(w.now, "/one", "/two", list...)
			for i := range list {
				if list[i].Token = map[bool]string{true: l.inner, false: "DAV:no-lock"}[mine]; i == 1 {
					list[i].Token = ""
				}
			}
			if w.calls(what, fmt.Sprintf("confirm %d /one /two %+v", w.now.Unix(), list)); err != nil {
				t.Fatal(err)
			}
		case 4:
			w.now = w.now.Add(time.Duration(rng.IntN(20)) * time.Second)
		case 5:
			got := w.book.active()
			w.sweep()
			want := map[string]int{}
			for _, l := range w.want {
				want[l.root]++
			}
			for root, list := range got {
				for _, a := range list {
					if a.root != root || w.want[a.token] != a.held {
						t.Fatalf("%s: %+v is told at %s", what, a, root)
					}
				}
				if want[root] -= len(list); want[root] != 0 {
					t.Fatalf("%s: %d locks are told at %s", what, len(list), root)
				}
				delete(want, root)
			}
			if len(want) > 0 {
				t.Fatalf("%s: %v are not told", what, want)
			}
		}
		w.holds(what)
	}
	for _, k := range []string{"refresh", "refresh of another's", "unlock", "unlock of another's", "unlock of nothing"} {
		if met[k] < 20 {
			t.Errorf("%s came %d times", k, met[k])
		}
	}
}

// TestLocksOfARequest: a lock that package webdav holds during a request is no lock of the book, and the request
// that made it alone lets it go (G-18).
func TestLocksOfARequest(t *testing.T) {
	w := newLockWorld(t)
	d := webdav.LockDetails{Root: "/share/f", Duration: -1}
	w.inner.err = webdav.ErrLocked
	if token, err := w.as[0].Create(w.now, d); token != "" || !errors.Is(err, webdav.ErrLocked) {
		t.Errorf("%q, %v", token, err)
	}
	if err := w.as[0].Unlock(w.now, ""); !errors.Is(err, webdav.ErrNoSuchLock) {
		t.Errorf("what failed is held: %v", err)
	}
	token, err := w.as[0].Create(w.now, d)
	if token != "in1" || err != nil {
		t.Errorf("%q, %v", token, err)
	}
	w.inner.calls = nil
	w.holds("made")
	for _, other := range []webdav.LockSystem{w.as[1], w.book.of(w.users[0])} {
		if err := other.Unlock(w.now, token); !errors.Is(err, webdav.ErrNoSuchLock) {
			t.Errorf("G-18: another request lets go: %v", err)
		}
	}
	w.calls("others")
	if err := w.as[0].Unlock(w.now, token); err != nil {
		t.Error(err)
	}
	w.calls("its own", "unlock 1000 in1")
}

// TestRoomForLocks: the bound of one user and that of all, each from both sides; what is over makes room (G-19).
func TestRoomForLocks(t *testing.T) {
	w := newLockWorld(t)
	fill := func(user sid.SID, n int, until time.Time) {
		w.book.mu.Lock()
		defer w.book.mu.Unlock()
		for range n {
			w.book.held[fmt.Sprint(len(w.book.held))] = &held{owner: user, until: until}
			w.book.each[user]++
		}
	}
	expect := func(what string, want ...bool) {
		t.Helper()
		for i, user := range w.users {
			if got := w.book.room(user); got != want[i] {
				t.Errorf("G-19: %s: room for user %d: %t", what, i, got)
			}
		}
	}
	later := w.now.Add(time.Minute)
	fill(w.users[0], 499, later)
	expect("499 of one", true, true, true)
	fill(w.users[0], 1, later)
	expect("500 of one", false, true, true)
	if _, err := w.as[0].Create(w.now, webdav.LockDetails{}); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		t.Errorf("G-19: %v", err)
	}
	w.calls("a lock too many")
	fill(sid.LocalSystem, 9499, later.Add(time.Minute))
	expect("9999 of all", false, true, true)
	fill(sid.LocalSystem, 1, later.Add(time.Minute))
	expect("10000 of all", false, false, false)
	w.now = later
	expect("at their end", false, false, false)
	w.now = later.Add(1)
	expect("after their end", true, true, true)
}

// TestAttemptsOfTwin: a history of addresses and names beside a count of the failures of each: five of a name
// and fifty of an address within a quarter of an hour from the first (G-32).
func TestAttemptsOfTwin(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &attempts{now: func() time.Time { return now }, of: map[attempt]wrong{}}
	type failures struct {
		n     int
		since time.Time
	}
	twin := map[string]failures{}
	count := func(k string) int {
		if now.Sub(twin[k].since) >= 15*time.Minute {
			delete(twin, k)
		}
		return twin[k].n
	}
	add := func(k string, n int) {
		f := twin[k]
		if f.n == 0 {
			f.since = now
		}
		if f.n += n; f.n > 0 {
			twin[k] = f
		} else {
			delete(twin, k)
		}
	}
	rng := rand.New(rand.NewPCG(32, 32))
	refusedName, refusedAddress, taken := 0, 0, 0
	for step := range 30_000 {
		if rng.IntN(40) == 0 {
			now = now.Add(time.Duration(rng.IntN(181)) * time.Second)
		}
		from := []string{"192.0.2.1", "192.0.2.2", "[2001:db8::1]"}[rng.IntN(3)]
		name := fmt.Sprint("n", rng.IntN(14))
		all, one := from, from+" "+name
		byName, byAddress := count(one) >= 5, count(all) >= 50
		asked := name
		if rng.IntN(2) == 0 {
			asked = strings.ToUpper(name)
		}
		right, ok := a.try(fmt.Sprintf("%s:%d", from, 1+rng.IntN(9)), asked)
		if ok == (byName || byAddress) {
			t.Fatalf("G-32: step %d, %s: %t, where %d of the name and %d of the address were wrong", step, one, ok,
				count(one), count(all))
		}
		switch {
		case byAddress:
			refusedAddress++
		case byName:
			refusedName++
		default:
			taken++
			add(all, 1)
			add(one, 1)
			if rng.IntN(10) == 0 {
				right()
				add(all, -1)
				add(one, -1)
			}
		}
	}
	if refusedName < 100 || refusedAddress < 100 || taken < 100 {
		t.Errorf("refused by name %d, by address %d, taken %d", refusedName, refusedAddress, taken)
	}
}

// TestKeptProperties: the bounds of properties from both sides, whose they are, and what goes with a file (G-19).
//
// +checklocksignore
func TestKeptProperties(t *testing.T) {
	list := func(n, each int) map[xml.Name]webdav.Property {
		m := map[xml.Name]webdav.Property{}
		for i := range n {
			name := xml.Name{Space: "sp", Local: fmt.Sprintf("p%03d", i)}
			m[name] = webdav.Property{XMLName: name, InnerXML: []byte(strings.Repeat("x", each-6))}
		}
		return m
	}
	at := place{"share", `d\f`}
	for _, c := range []struct {
		what string
		n    int
		each int
		want bool
	}{{"64 properties", 64, 100, true}, {"65 properties", 65, 100, false}, {"16 KiB", 64, 256, true},
		{"16 KiB and a byte", 1, 16<<10 + 1, false}, {"16 KiB in one", 1, 16 << 10, true}} {
		b := newPropbook()
		if got := b.set(at, 7, list(c.n, c.each)); got != c.want || b.has(at) != c.want || len(b.get(at,
			7)) != c.n*b2i(c.want) {
			t.Errorf("G-19: %s: %t, kept %d", c.what, got, len(b.get(at, 7)))
		}
		if b.get(at, 8) != nil {
			t.Errorf("%s: another file of the name has them", c.what)
		}
	}
	b := newPropbook()
	for i := range 9_999 {
		b.of[place{"share", fmt.Sprint(i)}] = &properties{}
	}
	last, more := place{"share", "last"}, place{"share", "more"}
	if !b.set(last, 1, list(1, 10)) || b.set(more, 1, list(1, 10)) || b.has(more) {
		t.Error("G-19: not ten thousand files have properties")
	}
	if !b.set(last, 1, list(2, 10)) || len(b.get(last, 1)) != 2 {
		t.Error("G-19: what is kept cannot be replaced where there is no more room")
	}
	if !b.set(last, 1, nil) || b.has(last) || !b.set(more, 1, list(1, 10)) {
		t.Error("G-19: what was taken away has room no more")
	}
	b = newPropbook()
	for _, name := range []string{"d", `d\f`, `d\f\g`, "dd", "e"} {
		b.set(place{"share", name}, 1, list(1, 10))
		b.set(place{"other", name}, 1, list(1, 10))
	}
	b.drop(place{"share", "d"})
	var left []string
	for p := range b.of {
		left = append(left, p.tree+`\`+p.path)
	}
	slices.Sort(left)
	if want := []string{`other\d`, `other\d\f`, `other\d\f\g`, `other\dd`, `other\e`, `share\dd`,
		`share\e`}; !slices.Equal(left, want) {
		t.Errorf("after a directory went there are %q, want %q", left, want)
	}
}
