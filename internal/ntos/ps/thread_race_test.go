package ps_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// P-13, IC-66: while two writers change a thread's impersonation, readers see only states that were set, and every
// reference is released.
func TestReadersSeeWholeStates(t *testing.T) {
	rounds := randtest.Size(50_000)
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	a, b := w.token(user, winnt.SecurityDelegation), w.token("S-1-5-21-1-2-3-1002", winnt.SecurityDelegation)
	var done atomic.Bool
	var writers, readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				r := th.Impersonation(ob.TagCall)
				if r == nil {
					runtime.Gosched()
					continue
				}
				whole := r.Token == a && r.CopyOnOpen && !r.EffectiveOnly && r.Level == winnt.SecurityImpersonation ||
					r.Token == b && !r.CopyOnOpen && r.EffectiveOnly && r.Level == winnt.SecurityIdentification
				if !whole {
					t.Errorf("the reader saw a mixed state: %+v, want one that a writer set", *r)
				}
				r.Token.Deref(ob.TagCall)
				s := th.Subject()
				check.That(t, s.Client == nil || (s.Client == a.Value()) == (s.Level == winnt.SecurityImpersonation),
					"the reader saw a mixed subject: %+v, want client and level of one state", s)
			}
		})
	}
	for range 2 {
		writers.Go(func() {
			for i := range rounds {
				switch i % 3 {
				case 0:
					ps.ImpersonateClient(th, a, true, false, winnt.SecurityImpersonation)
				case 1:
					ps.ImpersonateClient(th, b, false, true, winnt.SecurityIdentification)
				default:
					th.RevertToSelf()
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	th.RevertToSelf()
	if a.PointerCount() != 1 || b.PointerCount() != 1 { // P-5
		t.Errorf("tokens have %d and %d references, want 1 and 1", a.PointerCount(), b.PointerCount())
	}
}

// Disabling, restoring and setting an impersonation from several goroutines keeps every reference count correct
// (P-5).
func TestConcurrentRestoreKeepsCounts(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	tok := w.token(user, winnt.SecurityImpersonation)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2_000 {
				ps.ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation)
				saved, _ := th.Disable()
				th.Restore(saved)
				th.RevertToSelf()
			}
		})
	}
	all.Wait()
	check.Equal(t, tok.PointerCount(), 1, "token: references")
}

// The exit of a thread while others set its impersonation leaves nothing.
func TestExitDuringImpersonationLeavesNothing(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", privileged)
	tok := w.token(user, winnt.SecurityImpersonation)
	for range 500 {
		th, st := p.NewThread()
		check.RequireThat(t, st.IsSuccess(), "%v", st)
		var all sync.WaitGroup
		all.Add(2)
		go func() { defer all.Done(); ps.ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation) }()
		go func() { defer all.Done(); th.Exit() }()
		all.Wait()
		th.Deref(ob.TagCall)
	}
	check.Equal(t, tok.PointerCount(), 1, "token: references")
}

// A thread that a walk returns has its id, also while its creator is still in the call (O-171).
func TestWalkSeesIDOfNewThread(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("p", nil)
	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for !done.Load() {
			th, id := p.ThreadBefore(0) // the newest
			if th == nil {
				runtime.Gosched()
				continue
			}
			check.Equal(t, th.ID(), id, "id of the newest thread")
			th.Deref(ob.TagCall)
		}
	})
	for range randtest.Size(20_000) {
		th := check.Result(p.NewThread())
		th.Exit()
		th.Deref(ob.TagCall)
	}
	done.Store(true)
	reader.Wait()
}
