package ldap

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// numberedWorld answers questions about ids: alice has uid 5001 and staff gid 6001, uid 5002 is
// of two accounts, bob has no number.
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
			if asks && a.filter == same("(&(objectClass="+class+")(objectSid="+escapeBytes(s.AppendBinary(nil))+"))") {
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
		add("group", "staff", 2001, map[string][]string{"gidNumber": {"6001"}})
		return append(out, end(a))
	}
	return f
}

// TestIDs: who has an id, and which id an account has, as the directory says now (D-34, L-59).
func TestIDs(t *testing.T) {
	f := numberedWorld(t)
	d := f.directory(nil)
	n := &IDs{Ask: func(q func(*Directory) error) error { return q(d) }}
	ctx := context.Background()
	if s, ok, err := n.SIDOfUID(ctx, 5001); err != nil || !ok || s != domain.WithRID(1104) {
		t.Errorf("D-34: uid 5001 is %v, %t, %v", s, ok, err)
	}
	if s, ok, err := n.SIDOfGID(ctx, 6001); err != nil || !ok || s != domain.WithRID(2001) {
		t.Errorf("D-34: gid 6001 is %v, %t, %v", s, ok, err)
	}
	for _, id := range []uint32{5003, 6001, 1<<32 - 3} {
		if s, ok, err := n.SIDOfUID(ctx, id); err != nil || ok {
			t.Errorf("D-34: uid %d is %v, %t, %v", id, s, ok, err)
		}
	}
	if s, ok, err := n.SIDOfUID(ctx, 5002); err == nil || ok {
		t.Errorf("L-59: an id of two accounts is %v", s)
	}
	if id, ok, err := n.UIDOf(ctx, domain.WithRID(1104)); err != nil || !ok || id != 5001 {
		t.Errorf("D-34: alice has %d, %t, %v", id, ok, err)
	}
	if id, ok, err := n.GIDOf(ctx, domain.WithRID(2001)); err != nil || !ok || id != 6001 {
		t.Errorf("D-34: staff has %d, %t, %v", id, ok, err)
	}
	for _, rid := range []uint32{1105, 1108, 2001, 9999} {
		if id, ok, err := n.UIDOf(ctx, domain.WithRID(rid)); err != nil || ok {
			t.Errorf("D-34: %d has %d, %t, %v", rid, id, ok, err)
		}
	}
}

// TestIDsAreKept: an answer counts for a minute, and a directory that is away is left alone for
// ten seconds (D-34).
func TestIDsAreKept(t *testing.T) {
	f := numberedWorld(t)
	d := f.directory(nil)
	at := time.Now()
	times := 0
	n := &IDs{now: func() time.Time { return at }, Ask: func(q func(*Directory) error) error { times++; return q(d) }}
	ctx := context.Background()
	ask := func(what string, uid uint32, want int, known bool) {
		t.Helper()
		if _, ok, err := n.SIDOfUID(ctx, uid); ok != known || known != (err == nil) || times != want {
			t.Errorf("D-34: %s: %t, %v, asked %d times, want %d", what, ok, err, times, want)
		}
	}
	ask("first", 5001, 1, true)
	at = at.Add(59 * time.Second)
	ask("within a minute", 5001, 1, true)
	at = at.Add(2 * time.Second)
	ask("after it", 5001, 2, true)
	f.stop()
	at = at.Add(59 * time.Second)
	ask("away, within a minute", 5001, 2, true)
	ask("away", 5002, 3, false)
	ask("away again", 5002, 3, false)
	at = at.Add(11 * time.Second)
	ask("ten seconds later", 5002, 4, false)
	ask("and of an answer that is too old", 5001, 4, false)
	back := numberedWorld(t).directory(nil)
	d = back
	n.Forget()
	ask("another directory", 5001, 5, true)
	if _, _, err := (&IDs{}).SIDOfUID(ctx, 1); !errors.Is(err, ErrAway) {
		t.Errorf("D-34: the zero value: %v", err)
	}
	n.mu.Lock()
	for i := range maxIDs {
		n.known[idQuestion{id: uint32(i)}] = idAnswer{}
	}
	n.mu.Unlock()
	if _, _, err := n.SIDOfUID(ctx, 1<<31); err != nil {
		t.Error(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) != 1 {
		t.Errorf("D-34: %d answers are kept", len(n.known))
	}
}
