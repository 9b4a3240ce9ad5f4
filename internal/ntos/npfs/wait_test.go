package npfs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestPipeWaitersAreBounded checks that 4096 calls can wait for one pipe, and that a cancelled one frees its place
// (I-163).
func TestPipeWaitersAreBounded(t *testing.T) {
	s := newSite(t)
	e, c := s.pair(npfs.Config{Wait: -1})
	ended := 0
	wait := func(st ntstatus.Status) (w *npfs.Waiter) {
		t.Helper()
		w, got := s.fs.Wait("p", 0, func(ntstatus.Status) { ended++ })
		want(t, "wait", got, st)
		return w
	}
	first := wait(pending)
	for range 4095 {
		wait(pending)
	}
	wait(ntstatus.InsufficientResources)
	check.That(t, first.Cancel() && !first.Cancel(),
		"cancelling a wait: first or second Cancel returned the wrong result, want true, then false")
	wait(pending)
	closeAll(c, e)
	check.That(t, ended == 4097, "%d waits ended, want 4097", ended)
	want(t, "wait for a pipe that is gone", check.Status(s.fs.Wait("p", -1, nil)), ntstatus.ObjectNameNotFound)
}

// TestEndedWaitIsNotCancelled checks that a wait that an instance has ended is over, and cannot be cancelled. A listen
// that does not wait ends it too (I-162).
func TestEndedWaitIsNotCancelled(t *testing.T) {
	for _, listen := range []func(*npfs.End) ntstatus.Status{(*npfs.End).Listen, func(e *npfs.End) ntstatus.Status {
		return (&npfs.Request{End: e, Op: npfs.OpListen}).Start().Status
	}} {
		s := newSite(t)
		e, c := s.pair(npfs.Config{Wait: -1, Completes: true})
		var ended []ntstatus.Status
		w, st := s.fs.Wait("p", 0, func(st ntstatus.Status) { ended = append(ended, st) })
		want(t, "wait", st, pending)
		want(t, "disconnect", e.Disconnect(), ntstatus.Success)
		want(t, "listen", listen(e), ntstatus.PipeListening)
		check.That(t, !w.Cancel(), "Cancel of a wait that ended = true, want false")
		check.SlicesEqual(t, ended, []ntstatus.Status{good}, "statuses of the wait")
		closeAll(c, e)
	}
}

// A wait ends when a new instance can be used, not before, and when a client that had taken the only one cannot be
// connected (I-162).
func TestWaitEndsWithFreeInstance(t *testing.T) {
	s := newSite(t)
	ended := 0
	wait := func() {
		want(t, "wait", check.Status(s.fs.Wait("p", -1, func(ntstatus.Status) { ended++ })), pending)
	}
	var e *npfs.End
	want(t, "create", s.fs.Create("p", npfs.Config{}, s.server.Process(), nil, func(x *npfs.End, _ bool) ntstatus.Status {
		e = x
		s.world.open(e)
		other := s.newServerEnd(npfs.Config{})
		found := s.fs.Find("p")
		check.That(t, found == other, "the end found while the first is opened: %p, want the second %p", found, other)
		found.Deref(ob.TagCall)
		closeAll(other)
		wait()
		return good
	}), good)
	check.Equal(t, ended, 1, "waits that ended with a new instance")
	s.connectWith(nil, func(*npfs.End) ntstatus.Status { wait(); return ntstatus.InsufficientResources })
	check.Equal(t, ended, 2, "waits that ended with a client that cannot be connected")
	closeAll(e)
}

// A wait ends after its own limit, or else the pipe's, or else 50 ms. A cancelled wait does not end again (I-162).
func TestWaitEndsAtItsLimit(t *testing.T) {
	for _, c := range []struct{ limit, pipe, want time.Duration }{{time.Second, time.Hour, time.Second},
		{0, time.Hour, time.Hour}, {0, 0, 50 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			e, cl := s.pair(npfs.Config{Wait: c.pipe})
			ended := make(chan ntstatus.Status, 2)
			wait := func() *npfs.Waiter {
				w, st := s.fs.Wait("p", c.limit, func(st ntstatus.Status) { ended <- st })
				want(t, "wait", st, pending)
				return w
			}
			wait().Cancel()
			want(t, "cancelled", <-ended, cancelled)
			wait()
			time.Sleep(c.want - 1)
			synctest.Wait()
			check.Equal(t, len(ended), 0, "ends before the limit of %v", c.want)
			time.Sleep(time.Nanosecond)
			want(t, "at the limit", <-ended, ntstatus.IOTimeout)
			closeAll(cl, e)
		})
	}
}
