package admission

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestSilentServersAreTriedLast checks the order in which servers are tried: those that did not answer last, for half a
// minute, and then first again by one request (D-20, K-59).
func TestSilentServersAreTriedLast(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := &Servers{Now: func() time.Time { return now }}
	all := []string{"a", "b", "c"}
	try := func(answers string, want ...int) {
		t.Helper()
		var tried []int
		err := s.Try(t.Context(), all, func(i int) bool {
			tried = append(tried, i)
			return slices.Contains([]string{answers}, all[i])
		})
		check.That(t, err == nil && slices.Equal(tried, want), "D-20: tried %v, %v, want %v", tried, err, want)
	}
	try("c", 0, 1, 2)
	try("c", 2)
	now = now.Add(30*time.Second - 1)
	try("b", 2, 0, 1)
	try("b", 1)
	now = now.Add(time.Second) // a and c failed again a second ago
	try("b", 1)
	now = now.Add(30 * time.Second)
	check.NoError(t, s.Try(t.Context(), all, func(i int) bool {
		if i == 0 {
			try("b", 1) // another request does not wait for the server that this one tries
		}
		return i == 1
	}))
	s.Answered("a")
	try("a", 0)
	check.That(t, !s.Silent("a") && s.Silent("c"), "D-20: silent: a %t, c %t, want only c", s.Silent("a"), s.Silent("c"))
	ctx, cancel := context.WithCancel(t.Context())
	check.NoError(t, s.Try(ctx, []string{"d", "e"}, func(int) bool { cancel(); return false }))
	check.That(t, !s.Silent("d") && !s.Silent("e"), "D-20: a cancelled request says that a server is silent")
	for _, before := range []bool{true, false} {
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if before {
			<-ctx.Done()
		}
		tried := 0
		check.NoError(t, s.Try(ctx, []string{"d", "e"}, func(int) bool { tried++; <-ctx.Done(); return false }))
		check.That(t, (tried == 0 && !s.Silent("d")) == before && !s.Silent("e"),
			"D-20: deadline before the first try %t: tried %d, silent: d %t, e %t", before, tried, s.Silent("d"), s.Silent("e"))
	}
}

// TestOneRequestTriesSilentServers checks that while no server answers, one request tries them. Others wait a second
// for its outcome (D-20, K-59).
func TestOneRequestTriesSilentServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, all := &Servers{}, []string{"a", "b"}
		fails := func(int) bool { return false }
		check.NoError(t, s.Try(t.Context(), all, fails))
		for _, recovers := range []bool{false, true} {
			trying, end := make(chan bool), make(chan bool)
			ended := make(chan error)
			go func() {
				ended <- s.Try(t.Context(), all, func(int) bool {
					trying <- true
					return <-end
				})
			}()
			<-trying
			began := time.Now()
			if recovers {
				time.AfterFunc(time.Second/2, func() { end <- true })
				check.NoError(t, s.Try(t.Context(), all, func(int) bool { return true }))
				check.Equal(t, time.Since(began), time.Second/2, "K-59: wait for the recovery")
			} else {
				err := s.Try(t.Context(), all, func(int) bool { return true })
				check.ErrorIs(t, err, ErrSilent, "K-59: while another request tries the servers")
				check.Equal(t, time.Since(began), time.Second, "K-59: wait for another request")
				end <- false
				<-trying
				end <- false
			}
			check.NoError(t, <-ended)
		}
		s.Missed("a")
		s.Missed("b")
		_, first, _ := s.order(all)
		s.Answered("a") // this ends the trial
		s.Missed("a")
		_, second, mine := s.order(all)
		s.endTrial(first)
		s.mu.Lock()
		goesOn := s.trial == second
		s.mu.Unlock()
		check.That(t, mine && goesOn, "K-59: the end of a trial ended that of another request")
	})
}
