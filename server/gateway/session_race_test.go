package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestFailedLogonLeavesConcurrentOne checks that a failed logon does not affect a concurrent one with the same
// credential, and that each token is released once, after its last request (G-4, G-5).
//
// +checklocksignore
func TestFailedLogonLeavesConcurrentOne(t *testing.T) {
	for _, fails := range []bool{true, false} {
		t.Run(fmt.Sprintf("the first fails %t", fails), func(t *testing.T) { checkConcurrentLogon(t, fails) })
	}
}

// +checklocksignore
func checkConcurrentLogon(t *testing.T, fails bool) {
	t.Helper()
	w := newWorld(t, shared, func(c *Config) { c.Threads = 1 })
	p := check.Must(w.g.link.process())
	p.do(t.Context(), func(*nt.Thread) ntstatus.Status { return ntstatus.Success })
	held := w.present()[1]
	s := newSessions(p, &Config{Sessions: 1, SessionLife: time.Hour, Now: func() time.Time { return time.Unix(9, 0) }})
	made := func(one *session) { one.token, one.st = w.own(p), ntstatus.Success }
	a, b := s.name("", "a"), s.name("", "b")
	busy := s.get(a, made)
	var second *session
	first := s.get(b, func(one *session) { // the cache is full
		s.put(busy)
		second = s.get(b, made) // now it has space
		if !fails {
			made(one)
		}
	})
	check.That(t, first != second && first.dropped && !second.dropped && s.known[b] == second && len(s.known) == 1,
		"G-4: the first is dropped %t, the second %t, %d are known", first.dropped, second.dropped, len(s.known))
	if found := s.find(b); found != second || second.users != 2 {
		t.Fatalf("G-4: found is %v, and %d requests use the second, want %v, 2", found, second.users, second)
	}
	s.put(second)
	s.put(first)
	s.put(second)
	w.awaitHandles(held + 1)
	check.That(t, second.token != 0 && s.known[b] == second && second.users == 0, "G-5: the second: %+v", second)
	// A failed logon with free space is found by waiting requests, but not by later ones.
	s.dropLocked(b, second)
	var late *session
	one := s.get(a, func(one *session) {
		check.That(t, !one.expired(s.now()), "G-5: a logon in progress has expired, so others begin one more")
		late, one.st = s.knownNow(a), ntstatus.LogonFailure
	})
	check.That(t, late == one && one.dropped && len(s.known) == 0 && one.st == ntstatus.LogonFailure && one.users == 1,
		"G-5: a logon that failed: %+v, %d are known", one, len(s.known))
	s.put(one)
	w.awaitHandles(held)
}

// knownNow returns the session of a credential while another one is created.
//
// +checklocksignore
func (s *sessions) knownNow(k proof) *session { return s.known[k] }
