package ke_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ke"
)

// A signal that is taken away goes to one of many, and each Set is seen.
func TestSignalGoesToOne(t *testing.T) {
	const waiters, rounds = 8, 200
	var s ke.Signal
	var taken atomic.Int64
	var done sync.WaitGroup
	took, stop := make(chan struct{}), make(chan struct{})
	for range waiters {
		done.Go(func() {
			for {
				changed := s.Changed()
				if s.Take(true) {
					taken.Add(1)
					took <- struct{}{}
					continue
				}
				select {
				case <-changed:
				case <-stop:
					return
				}
			}
		})
	}
	for range rounds {
		s.Set()
		<-took
	}
	close(stop)
	done.Wait()
	if n := taken.Load(); n != rounds || s.Take(false) {
		t.Errorf("%d signals were taken of %d, and one is left: %v", n, rounds, s.Take(false))
	}
}
