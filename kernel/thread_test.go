package kernel

import (
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// KernelMode called while its thread ends or the system closes returns nil or an interface, and leaves no entry in
// the system's tables.
func TestKernelModeDuringCloseLeavesNoEntry(t *testing.T) {
	tok := check.Must(token.New(token.LocalSystem()))
	for i := range 300 {
		s := Boot(Config{})
		p, err := s.NewProcess("p", tok)
		check.NoError(t, err)
		var wg sync.WaitGroup
		threads := make([]*nt.Thread, 8)
		for i := range threads {
			if threads[i], err = p.NewThread(); err != nil {
				t.Fatal(err)
			}
		}
		for _, th := range threads {
			wg.Go(func() { s.KernelMode(th) })
			if i%2 == 0 {
				wg.Go(th.Close)
			}
		}
		if i%2 == 0 {
			wg.Wait()
			s.mu.Lock()
			n := len(s.modes) + len(s.threads) + len(s.contexts)
			check.That(t, n == 0, "%d table entries remain for threads that ended, want 0", n)
			s.mu.Unlock()
		}
		check.NoError(t, s.Close())
		wg.Wait()
	}
}

// The system's tables keep no entry of an ended thread or of its kernel-mode interface.
func TestEndedThreadsAreForgotten(t *testing.T) {
	s := Boot(Config{})
	tok := check.Must(token.New(token.LocalSystem()))
	p := check.Must(s.NewProcess("p", tok))
	o0, _, r0 := s.Counts()
	for range 100 {
		th := check.Must(p.NewThread())
		s.KernelMode(th)
		th.Close()
		th.Close() // does nothing
	}
	s.mu.Lock()
	n := len(s.modes) + len(s.threads) + len(s.contexts)
	s.mu.Unlock()
	check.That(t, n == 0, "%d table entries remain for threads that ended, want 0", n)
	if o, _, r := s.Counts(); o != o0 || r != r0 {
		t.Errorf("after 100 threads ended: %d objects and %d references, want %d and %d", o, r, o0, r0)
	}
	check.NoError(t, s.Close())
}
