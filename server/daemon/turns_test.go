package daemon

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns: a connection with a hundred calls waiting, one with few and one whose calls
// are long get the same of the daemon's time (W-21).
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := makeTurns(2, 1)
		var flood, slow, good share
		had := map[*share]time.Duration{}
		var mu sync.Mutex
		stop := make(chan struct{})
		var all sync.WaitGroup
		client := func(s *share, threads int, call time.Duration) {
			for range threads {
				all.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						began := tr.enter(s)
						time.Sleep(call)
						tr.leave(s, began)
						mu.Lock()
						had[s] += call
						mu.Unlock()
					}
				})
			}
		}
		client(&flood, 100, time.Millisecond)
		client(&slow, 10, 20*time.Millisecond)
		client(&good, 3, time.Millisecond)
		time.Sleep(30 * time.Second)
		close(stop)
		all.Wait()
		// Two at once for 30 s, in three parts.
		const fair = 20 * time.Second
		for name, s := range map[string]*share{"flood": &flood, "slow": &slow, "good": &good} {
			if had[s] < fair*8/10 {
				t.Errorf("%s had %s, want 0.8 of %s at least", name, had[s], fair)
			}
		}
		if tr.free != 2 || tr.ready.Len()+tr.active.Len() != 0 {
			t.Errorf("%d are free, %d ready", tr.free, tr.ready.Len())
		}
	})
}

// TestTurnComesSoon: behind a thousand calls of another connection a call waits for
// those that run, and for no more than one each of the rest (W-21).
func TestTurnComesSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := makeTurns(2, 1)
		var flood, other, good share
		before := 0
		var mu sync.Mutex
		var all sync.WaitGroup
		one := func(s *share, done func()) {
			all.Go(func() {
				began := tr.enter(s)
				time.Sleep(time.Millisecond)
				mu.Lock()
				done()
				mu.Unlock()
				tr.leave(s, began)
			})
		}
		over := false
		for range 1000 {
			one(&flood, func() { before++ })
			one(&other, func() { before++ })
		}
		synctest.Wait()
		one(&good, func() { over = true })
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		if !over {
			t.Errorf("%d calls of others were over, and this one was not", before)
		}
		mu.Unlock()
		all.Wait()
	})
}
