package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// numberedWorld returns a server with Unix ids: alice has uid 5001, staff has gid 6001, two accounts have uid 5002, bob
// has no id.
func numberedWorld(t *testing.T) *fake {
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) (out [][]byte) {
		if a.base == "" {
			return w.answer(a)
		}
		add := func(class, name string, rid uint32, more map[string][]string) {
			s := domain.WithRID(rid)
			asks := strings.Contains(a.filter, "(objectClass="+class+")")
			for k, v := range more {
				if asks && strings.Contains(a.filter, "("+k+"="+v[0]+")") {
					asks, more["objectSid"] = false, []string{s.Binary()}
					out = append(out, found(a.id, "CN="+name+","+base, more))
				}
			}
			if asks && a.filter == canonical("(&(objectClass="+class+")(objectSid="+filterText(s.Binary())+"))") {
				if more == nil {
					more = map[string][]string{}
				}
				more["objectSid"] = []string{s.Binary()}
				out = append(out, found(a.id, "CN="+name+","+base, more))
			}
		}
		add("user", "alice", 1104, map[string][]string{"uidNumber": {"5001"}})
		add("user", "bob", 1105, nil)
		add("user", "twin", 1106, map[string][]string{"uidNumber": {"5002"}})
		add("user", "other twin", 1107, map[string][]string{"uidNumber": {"5002"}})
		add("user", "below", 1108, map[string][]string{"uidNumber": {"-3"}})
		add("user", "zero", 1109, map[string][]string{"uidNumber": {"0"}})
		add("user", "above", 1110, map[string][]string{"uidNumber": {"2147483648"}})
		add("group", "staff", 2001, map[string][]string{"gidNumber": {"6001"}})
		return append(out, end(a))
	}
	return f
}

// TestIDsFollowDirectory checks that ids map to the directory's present accounts, and accounts to ids (D-34, L-59).
func TestIDsFollowDirectory(t *testing.T) {
	f := numberedWorld(t)
	d := f.directory(nil)
	n := &IDs{Ask: func(q func(*Directory) error) error { return q(d) }}
	ctx := context.Background()
	s, ok, err := n.SIDOfUID(ctx, 5001)
	check.That(t, err == nil && ok && s == domain.WithRID(1104), "D-34: uid 5001 is %v, %t, %v, want RID 1104", s, ok, err)
	s, ok, err = n.SIDOfGID(ctx, 6001)
	check.That(t, err == nil && ok && s == domain.WithRID(2001), "D-34: gid 6001 is %v, %t, %v, want RID 2001", s, ok, err)
	for what, of := range map[string]func(context.Context, sid.SID) (uint32, bool, error){"uid": n.UIDOf, "gid": n.GIDOf} {
		id, ok, err := of(ctx, sid.SID{})
		check.That(t, err == nil && !ok, "D-34: the zero SID has %s %d, %t, %v, want false, nil", what, id, ok, err)
	}
	for _, id := range []uint32{5003, 6001, 1<<31 - 1, 1 << 31, 1<<32 - 3} {
		s, ok, err := n.SIDOfUID(ctx, id)
		check.That(t, err == nil && !ok, "D-34: uid %d is %v, %t, %v, want false, nil", id, s, ok, err)
	}
	check.Equal(t, f.count("(uidNumber=214748364"), 1, "D-34: queries for uids around 2^31, of which one can exist")
	if s, ok, err := n.SIDOfUID(ctx, 5002); err == nil || ok {
		t.Errorf("L-59: SIDOfUID of two accounts' id = %v, want an error", s)
	}
	id, ok, err := n.UIDOf(ctx, domain.WithRID(1104))
	check.That(t, err == nil && ok && id == 5001, "D-34: alice has %d, %t, %v, want 5001", id, ok, err)
	_, _, err = n.UIDOf(ctx, domain.WithRID(1110))
	check.That(t, err != nil, "D-34: an account with uid 2^31: no error")
	id, ok, err = n.GIDOf(ctx, domain.WithRID(2001))
	check.That(t, err == nil && ok && id == 6001, "D-34: staff has %d, %t, %v, want 6001", id, ok, err)
	for _, rid := range []uint32{1105, 1108, 2001, 9999} {
		id, ok, err := n.UIDOf(ctx, domain.WithRID(rid))
		check.That(t, err == nil && !ok, "D-34: %d has %d, %t, %v, want false, nil", rid, id, ok, err)
	}
}

// TestManyIDLookupsMakeFewQueries checks that 64 lookups at the same time make at most sixteen queries at a time, and
// no more than sixteen for one id. A lookup that ends while it waits for others does not pause the lookups (D-34).
func TestManyIDLookupsMakeFewQueries(t *testing.T) {
	for _, users := range []int{1, 64} {
		synctest.Test(t, func(t *testing.T) {
			var running, most, queries atomic.Int32
			n := &IDs{Ask: func(func(*Directory) error) error {
				late := queries.Add(1) == 65
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				if late {
					return ErrAway
				}
				return nil
			}}
			var all sync.WaitGroup
			for i := range 64 {
				all.Go(func() { _, _, _ = n.SIDOfUID(t.Context(), uint32(i%users)) })
			}
			synctest.Wait()
			hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			err := n.answer(hurried, idQuestion{id: 100}).err
			check.That(t, errors.Is(err, errBusy), "D-34: a lookup that waits: %v, want %v", err, errBusy)
			// With 64 users its place is free after 4 s, its context ends at 4.5 s, and its query fails at 5 s.
			slow, cancelSlow := context.WithTimeout(t.Context(), 4500*time.Millisecond)
			defer cancelSlow()
			all.Go(func() { n.answer(slow, idQuestion{id: 101}) })
			all.Wait()
			check.That(t, most.Load() <= 16 && queries.Load() <= int32(max(users, 16)+1),
				"D-34: %d users: %d queries, %d at the same time, want at most %d, and 16", users, queries.Load(), most.Load(),
				max(users, 16)+1)
			check.NoError(t, n.answer(t.Context(), idQuestion{id: 100}).err)
		})
	}
}

// TestBrokenIDQueryIsRepeated checks that an account of an interrupted reply does not count as a second account of the
// id, and that the server's properties are read once (D-34).
func TestBrokenIDQueryIsRepeated(t *testing.T) {
	f := numberedWorld(t)
	whole := f.search
	var pages atomic.Int32
	f.search = func(a asked) [][]byte {
		out := whole(a)
		if !strings.Contains(a.filter, "uidNumber=5001") {
			return out
		}
		switch pages.Add(1) {
		case 1:
			more := goldap.NewControlPaging(1)
			more.SetCookie([]byte("more"))
			return append(out[:1], done(a.id, goldap.ApplicationSearchResultDone, 0, more))
		case 2:
			return [][]byte{{0x30, 0x80}} // no message
		}
		return out
	}
	d := f.directory(nil)
	for _, uid := range []uint32{5003, 5001} {
		a, err := d.queryID(t.Context(), idQuestion{id: uid})
		check.That(t, err == nil && a.found == (uid == 5001), "D-34: uid %d: %+v, %v", uid, a, err)
	}
	check.Equal(t, f.count("(objectClass=*)"), 1, "queries for the server's properties")
}

// TestEntryDefinesIDOnlyByValidAttributes checks which attributes of an entry define an id, and which do
// not (D-34, L-59).
func TestEntryDefinesIDOnlyByValidAttributes(t *testing.T) {
	alice := domain.WithRID(1104)
	for what, c := range map[string]struct {
		sids []string
		id   string // "": no id
		want idAnswer
		why  string
	}{
		"an id":       {[]string{alice.Binary()}, "5001", idAnswer{sid: alice, id: 5001, found: true}, ""},
		"zero":        {[]string{alice.Binary()}, "0", idAnswer{sid: alice, found: true}, ""},
		"the largest": {[]string{alice.Binary()}, "2147483647", idAnswer{sid: alice, id: 2147483647, found: true}, ""},
		"none":        {[]string{alice.Binary()}, "", idAnswer{sid: alice}, ""},
		"below zero":  {[]string{alice.Binary()}, "-1", idAnswer{sid: alice}, ""},
		"larger":      {[]string{alice.Binary()}, "2147483648", idAnswer{}, "uidNumber of " + alice.String()},
		"no number":   {[]string{alice.Binary()}, "x", idAnswer{}, "uidNumber of " + alice.String()},
		"no SID":      {nil, "5001", idAnswer{}, "an account with an id has no SID"},
		"two SIDs":    {[]string{alice.Binary(), domain.WithRID(1105).Binary()}, "5001", idAnswer{}, "has no SID"},
		"half a SID":  {[]string{alice.Binary()[:9]}, "5001", idAnswer{}, "has no SID"},
		"a long SID":  {[]string{alice.Binary() + "x"}, "5001", idAnswer{}, "has no SID"},
	} {
		e := &entry{}
		for _, s := range c.sids {
			e.add("objectSid", s)
		}
		if c.id != "" {
			e.add("uidNumber", c.id)
		}
		var a idAnswer
		err := a.readEntry(e, "uidNumber")
		if a != c.want || (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("D-34: %s: %+v, %v, want %+v, %q", what, a, err, c.want, c.why)
		}
		was := idAnswer{sid: sid.MustParse("S-1-5-21-1-1-1-1"), id: 3, found: true}
		if err := was.readEntry(e, "uidNumber"); !errors.Is(err, errMany) || was.id != 3 || !was.found {
			t.Errorf("L-59: a second account, of %s: %+v, %v, want was.id = 3, was.found = true, error %v", what,
				was, err, errMany)
		}
	}
}

// TestIDAnswersAreCachedSeparately checks that each query's answer is cached for a minute. An unreachable directory
// is not queried for ten seconds, and cached answers stay valid. The answer of a replaced directory is not cached. The
// cache is emptied when it is full (D-34).
func TestIDAnswersAreCachedSeparately(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	queries, away := 0, false
	n := IDs{now: func() time.Time { return now }, Ask: func(func(*Directory) error) error {
		if queries++; away {
			return fmt.Errorf("x: %w", ErrAway)
		}
		return nil
	}}
	ctx := context.Background()
	asks := func(what string, want int, err error) {
		t.Helper()
		before := queries
		_, _, got := n.SIDOfUID(ctx, 7)
		check.That(t, queries-before == want && errors.Is(got, err),
			"D-34: %s: %d queries, error %v, want %d, %v", what, queries-before, got, want, err)
	}
	asks("at first", 1, nil)
	asks("again", 0, nil)
	for i, other := range []func(){func() { _, _, _ = n.SIDOfGID(ctx, 7) }, func() { _, _, _ = n.UIDOf(ctx, domain) },
		func() { _, _, _ = n.GIDOf(ctx, domain) }, func() { _, _, _ = n.SIDOfUID(ctx, 8) }} {
		if before := queries; true {
			other()
			other()
			check.That(t, queries == before+1, "D-34: query %d reached the directory %d times, want 1", i, queries-before)
		}
	}
	now = now.Add(time.Minute - 1)
	asks("within the minute", 0, nil)
	now, away = now.Add(1), true
	asks("after it, away", 1, ErrAway)
	asks("away a moment ago", 0, errSilent)
	now = now.Add(10*time.Second - 1)
	asks("before ten seconds are over", 0, errSilent)
	now = now.Add(1)
	asks("after them", 1, ErrAway)
	away = false
	asks("back, and left alone", 0, errSilent)
	n.Forget()
	asks("forgotten", 1, nil)
	ask := n.Ask
	for _, err := range []error{nil, ErrAway} {
		n.Forget()
		n.Ask = func(func(*Directory) error) error { n.Forget(); return err }
		asks("a directory that is replaced before it answers", 0, err)
		n.Ask = ask
		asks("its successor", 1, nil)
	}
	n.Ask = nil
	asks("kept, and there is no directory", 0, nil)
	n.Forget()
	asks("there is no directory", 0, ErrAway)
	if _, _, err := (&IDs{}).SIDOfUID(ctx, 1); !errors.Is(err, ErrAway) {
		t.Errorf("D-34: the zero value: %v, want %v", err, ErrAway)
	}
	n.mu.Lock()
	n.known = map[idQuestion]idAnswer{}
	for i := range maxIDs {
		n.known[idQuestion{id: uint32(i)}] = idAnswer{}
	}
	n.mu.Unlock()
	n.Ask = func(func(*Directory) error) error { return nil }
	_, _, err := n.SIDOfUID(ctx, 1<<31)
	check.NoError(t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	check.Equal(t, len(n.known), 1, "D-34: the answers kept after one too many")
}
