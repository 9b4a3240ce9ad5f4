package ps_test

import (
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// A walk returns each process once, in the order of ids, even if others have ended (U-95).
func TestProcessWalkIsOrderedByID(t *testing.T) {
	w := newWorld(t, nt.Documented)
	s := w.sys
	want := []winnt.Handle{s.SystemProcess().ID()}
	for i := range 200 {
		p := s.NewProcess("p", s.SystemProcess().PrimaryToken())
		if i%10 == 0 {
			want, w.processes = append(want, p.ID()), append(w.processes, p)
			continue
		}
		p.Exit()
		p.Deref(ob.TagCall)
	}
	var got []winnt.Handle
	for after := winnt.Handle(0); ; {
		p, id := s.ProcessAfter(after)
		if p == nil {
			break
		}
		got, after = append(got, id), id
		p.Deref(ob.TagCall)
	}
	check.SlicesEqual(t, got, want, "processes of the walk")
}

// A walk in either direction visits each thread of its process once, including an ended one that is still referenced,
// and no thread of another process. Freed and unused ids do not end it (U-95, O-171).
func TestThreadWalkVisitsEachOnce(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	var ids []winnt.Handle
	for i := range 6 {
		one, _ := w.thread(p), w.thread(q)
		switch i {
		case 2:
			one.Exit() // ended, and still referenced
			ids = append(ids, one.ID())
		case 4:
			one.Exit()
			one.Deref(ob.TagCall)
			w.threads = slices.DeleteFunc(w.threads, func(t *ps.Thread) bool { return t == one })
		default:
			ids = append(ids, one.ID())
		}
	}
	forth := walkIDs(t, p.ThreadAfter)
	back := walkIDs(t, p.ThreadBefore)
	slices.Reverse(back)
	check.That(t, slices.Equal(forth, ids) && slices.Equal(back, ids),
		"walk forward = %v, backward = %v, want %v", forth, back, ids)
	for i, id := range ids {
		after, _ := p.ThreadAfter(id - 1)
		before, _ := p.ThreadBefore(id + 1)
		if after.ID() != id || before.ID() != id {
			t.Errorf("thread %d: walk from the id below finds %d, from the id above %d, want %d",
				i, after.ID(), before.ID(), id)
		}
		after.Deref(ob.TagCall)
		before.Deref(ob.TagCall)
	}
	if th, _ := p.ThreadBefore(ids[0]); th != nil {
		t.Errorf("thread before the first = %d, want none", th.ID())
	}
	if th, _ := p.ThreadAfter(ids[len(ids)-1]); th != nil {
		t.Errorf("thread after the last = %d, want none", th.ID())
	}
}

// The threads of another process make no step of a walk slower, because each step holds a lock that all users need.
func TestWalkPassesOverOtherProcesses(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, other := w.process("p", nil), w.process("other", nil)
	last := w.thread(p)
	cost := func() time.Duration { // of the fastest of many steps: the machine may be busy
		least := time.Hour
		for range 100 {
			begun := time.Now()
			after, _ := p.ThreadAfter(last.ID())
			next, _ := w.sys.ProcessAfter(other.ID())
			least = min(least, time.Since(begun))
			check.RequireThat(t, after == nil && next == nil, "a walk goes on at its end: %v, %v", after, next)
		}
		return least
	}
	alone := cost()
	for range 1 << 15 {
		w.thread(other)
	}
	crowded := cost()
	check.That(t, crowded < 20*(alone+time.Microsecond), "steps with many threads take %v, others %v", crowded, alone)
}

// A lookup by id returns the process or thread, ignoring the low two bits, and no object of the other kind. It takes
// one reference. An ended one is not found (O-37).
func TestLookupByIDIgnoresLowTwoBits(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("p", nil)
	th := w.thread(p)
	pid, tid := p.ID(), th.ID()
	for low := winnt.Handle(0); low < 4; low++ {
		before := [2]int64{p.PointerCount(), th.PointerCount()}
		gotP, gotT := w.sys.LookupProcess(pid|low), w.sys.LookupThread(tid|low)
		check.RequireThat(t, gotP == p && gotT == th,
			"lookups with low bits %d = %v, %v, want %v, %v", low, gotP, gotT, p, th)
		if p.PointerCount() != before[0]+1 || th.PointerCount() != before[1]+1 {
			t.Errorf("lookups with low bits %d added %d and %d references, want 1 and 1",
				low, p.PointerCount()-before[0], th.PointerCount()-before[1])
		}
		gotP.Deref(ob.TagCall)
		gotT.Deref(ob.TagCall)
	}
	if x, y := w.sys.LookupProcess(tid), w.sys.LookupThread(pid); x != nil || y != nil {
		t.Errorf("lookups found %v by a thread's id and %v by a process's id, want nil, nil", x, y)
	}
	if x, y := w.sys.LookupProcess(pid+400), w.sys.LookupThread(tid+400); x != nil || y != nil {
		t.Errorf("lookups of unused ids found %v and %v, want nil, nil", x, y)
	}
	w.threads = nil
	th.Exit()
	if got := w.sys.LookupThread(tid); got == nil {
		t.Error("LookupThread of an ended but referenced thread = nil, want the thread")
	} else {
		got.Deref(ob.TagCall)
	}
	th.Deref(ob.TagCall)
	if got := w.sys.LookupThread(tid); got != nil {
		t.Error("LookupThread finds a removed thread, want nil")
	}
}

func walkIDs(t *testing.T, next func(winnt.Handle) (*ps.Thread, winnt.Handle)) (got []winnt.Handle) {
	t.Helper()
	for at := winnt.Handle(0); len(got) < 20; {
		th, id := next(at)
		if th == nil {
			check.Equal(t, id, 0, "id at the end of the walk")
			return got
		}
		if th.ID() != id {
			t.Errorf("walk returned thread %d with id %d, want equal ids", th.ID(), id)
		}
		th.Deref(ob.TagCall)
		got, at = append(got, id), id
	}
	return got
}
