package ps_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestWalkThreads: a walk in either direction sees the live threads of its process alone,
// each once, beside those of another process between them; ids that were freed and ids in
// between lead on (U-95).
func TestWalkThreads(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	var ids []winnt.Handle
	for i := range 6 {
		one, _ := w.thread(p), w.thread(q)
		switch i {
		case 2:
			one.Exit() // ended, and still referenced
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
	if !slices.Equal(forth, ids) || !slices.Equal(back, ids) {
		t.Errorf("forth %v, back %v, want %v", forth, back, ids)
	}
	for i, id := range ids {
		after, _ := p.ThreadAfter(id - 1)
		before, _ := p.ThreadBefore(id + 1)
		if after.ID() != id || before.ID() != id {
			t.Errorf("%d: after the id below it %d, before the one above it %d", i, after.ID(), before.ID())
		}
		after.Deref(ob.TagCall)
		before.Deref(ob.TagCall)
	}
	if th, _ := p.ThreadBefore(ids[0]); th != nil {
		t.Errorf("before the first stands %d", th.ID())
	}
	if th, _ := p.ThreadAfter(ids[len(ids)-1]); th != nil {
		t.Errorf("after the last stands %d", th.ID())
	}
}

func walkIDs(t *testing.T, next func(winnt.Handle) (*ps.Thread, winnt.Handle)) (got []winnt.Handle) {
	t.Helper()
	for at := winnt.Handle(0); len(got) < 20; {
		th, id := next(at)
		if th == nil {
			if id != 0 {
				t.Errorf("the end has id %d", id)
			}
			return got
		}
		if th.ID() != id {
			t.Errorf("thread %d is told as %d", th.ID(), id)
		}
		th.Deref(ob.TagCall)
		got, at = append(got, id), id
	}
	return got
}

// TestLookupByID: an id finds the process or thread that has it, whatever its low two bits,
// and no object of the other kind; each look takes one reference; what is gone is not
// found (O-37).
func TestLookupByID(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("p", nil)
	th := w.thread(p)
	pid, tid := p.ID(), th.ID()
	for low := winnt.Handle(0); low < 4; low++ {
		before := [2]int64{p.PointerCount(), th.PointerCount()}
		gotP, gotT := w.sys.LookupProcess(pid|low), w.sys.LookupThread(tid|low)
		if gotP != p || gotT != th {
			t.Fatalf("low bits %d: %v, %v", low, gotP, gotT)
		}
		if p.PointerCount() != before[0]+1 || th.PointerCount() != before[1]+1 {
			t.Errorf("low bits %d: %d and %d references", low, p.PointerCount()-before[0], th.PointerCount()-before[1])
		}
		gotP.Deref(ob.TagCall)
		gotT.Deref(ob.TagCall)
	}
	if x, y := w.sys.LookupProcess(tid), w.sys.LookupThread(pid); x != nil || y != nil {
		t.Errorf("found %v by a thread's id, %v by a process's", x, y)
	}
	if x, y := w.sys.LookupProcess(pid+400), w.sys.LookupThread(tid+400); x != nil || y != nil {
		t.Errorf("found %v and %v by ids that no object has", x, y)
	}
	w.threads = nil
	th.Exit()
	if got := w.sys.LookupThread(tid); got == nil {
		t.Error("a thread that ended and is referenced is not found")
	} else {
		got.Deref(ob.TagCall)
	}
	th.Deref(ob.TagCall)
	if got := w.sys.LookupThread(tid); got != nil {
		t.Error("a thread that is gone is found")
	}
}

// slow is an operation of a block on a file, synchronous or not.
type slow struct {
	file        ob.Object
	block       uint64
	synchronous bool
	cancelled   int
}

func (s *slow) CancelIO(block uint64, synchronous bool) bool {
	if block != 0 && block != s.block || synchronous && !s.synchronous {
		return false
	}
	s.cancelled++
	return true
}
func (s *slow) File() ob.Object { return s.file }

// TestCancelIO: a thread cancels its own operations alone, a process those of all its
// threads, of one file, block and kind where that is asked for; each is counted (I-138).
func TestCancelIO(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	first, second, stranger := w.thread(p), w.thread(p), w.thread(q)
	one, two := ob.Object(p), ob.Object(q) // any objects
	all := []*slow{{one, 1, false, 0}, {one, 2, true, 0}, {two, 1, false, 0}, {one, 1, false, 0}, {two, 2, true, 0},
		{one, 1, true, 0}}
	owners := []*ps.Thread{first, first, first, second, second, stranger}
	for i, o := range all {
		if st := owners[i].AddIO(o); st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	for i, c := range []struct {
		n    int
		want []int // which are cancelled
	}{
		{first.CancelIO(nil, 0, false), []int{0, 1, 2}}, {first.CancelIO(one, 0, false), []int{0, 1}},
		{first.CancelIO(one, 1, false), []int{0}}, {first.CancelIO(nil, 0, true), []int{1}},
		{first.CancelIO(nil, 1, true), nil}, {second.CancelIO(one, 2, false), nil},
		{p.CancelIO(one, 0), []int{0, 1, 3}}, {p.CancelIO(one, 1), []int{0, 3}}, {p.CancelIO(nil, 2), []int{1, 4}},
		{p.CancelIO(two, 1), []int{2}}, {p.CancelIO(two, 3), nil}, {q.CancelIO(nil, 0), []int{5}},
	} {
		if c.n != len(c.want) {
			t.Errorf("%d: %d are cancelled, want %v", i, c.n, c.want)
		}
	}
	if got := fmt.Sprint(all[0].cancelled, all[1].cancelled, all[2].cancelled, all[3].cancelled, all[4].cancelled,
		all[5].cancelled); got != "5 5 2 2 1 1" {
		t.Errorf("cancelled %s times", got)
	}
	// The end of a thread cancels what it has under way, and it begins no more.
	first.Exit()
	if got := fmt.Sprint(all[0].cancelled, all[1].cancelled, all[2].cancelled, all[3].cancelled); got != "6 6 3 2" {
		t.Errorf("at the thread's end: cancelled %s times", got)
	}
	if st := first.AddIO(&slow{}); st != ntstatus.ThreadIsTerminating {
		t.Errorf("a thread that ended: %v", st)
	}
	p.Exit()
	if all[3].cancelled != 3 || all[4].cancelled != 2 || all[5].cancelled != 1 {
		t.Error("the end of a process cancels what its threads have under way, and nothing else")
	}
}

// TestCallsOfIO: the call of an operation that ends is queued, also where no other would
// be; a thread that ended makes none, and loses those it had (O-147).
func TestCallsOfIO(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("p", nil))
	for i := range ps.MaxCalls {
		if st := th.QueueCall(nt.UserAPC{ApcRoutine: uint64(i)}); st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 5000})
	if list := th.TakeCalls(); len(list) != ps.MaxCalls+1 || list[ps.MaxCalls].ApcRoutine != 5000 {
		t.Errorf("%d calls", len(list))
	}
	queued := th.CallQueued()
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 1})
	select {
	case <-queued:
	default:
		t.Error("who waits for a call is not told")
	}
	th.Exit()
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 2})
	if list := th.TakeCalls(); len(list) != 0 {
		t.Errorf("a thread that ended makes %d calls", len(list))
	}
}

// TestAtExit: what is to run at the end of a process runs once, after its threads ended and
// its handles are closed, and is told by no other end (O-43).
func TestAtExit(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	th := w.thread(p)
	if _, st := p.Table().Insert(q, winnt.PROCESS_QUERY_INFORMATION, 0); st != ntstatus.Success {
		t.Fatal(st)
	}
	times := 0
	p.AtExit(func() {
		times++
		if !p.Exited() || !th.Exited() || p.Table().Count() != 0 || !p.Over().Take(false) || !th.Over().Take(false) {
			t.Error("it runs before all has ended")
		}
	})
	if p.Over().Take(false) || th.Over().Take(false) || p.Exited() || th.Exited() {
		t.Error("it has ended before it began")
	}
	q.Exit()
	th.Exit()
	if times != 0 {
		t.Error("it runs at another's end")
	}
	if !p.Exit() || p.Exit() || times != 1 {
		t.Errorf("it runs %d times", times)
	}
	if _, st := p.NewThread(); st != ntstatus.ProcessIsTerminating {
		t.Errorf("O-47: a thread of a process that ended: %v", st)
	}
}
