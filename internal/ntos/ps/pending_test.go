package ps_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// operation is a file operation that never completes on its own.
type operation struct{ cancelled int }

func (o *operation) CancelIO(uint64, bool) bool { o.cancelled++; return true }

func (o *operation) File() ob.Object { return nil }

// The threads of a process have at most 4,096 pending operations in total. A completed one frees its place once.
// Another process has its own limit.
func TestPendingIOIsBounded(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("server", nil), w.process("other", nil)
	first, second, stranger := w.thread(p), w.thread(p), w.thread(q)
	all := make([]operation, ps.MaxPendingIO)
	for i := range all {
		th := first
		if i%2 == 1 {
			th = second
		}
		check.Require(t, th.AddIO(&all[i]), ntstatus.Success, "adding operation %d", i)
	}
	more := &operation{}
	for _, th := range []*ps.Thread{first, second} {
		if st := th.AddIO(more); st != ntstatus.InsufficientResources || ps.MaxPendingIO != 4096 {
			t.Errorf("adding one operation too many: %v, want STATUS_INSUFFICIENT_RESOURCES at 4096", st)
		}
	}
	check.Equal(t, stranger.AddIO(more), ntstatus.Success, "adding an operation of another process")
	stranger.RemoveIO(more)
	first.RemoveIO(&all[1]) // not its own: nothing ends
	first.RemoveIO(&all[0])
	first.RemoveIO(&all[0]) // has ended already
	check.Equal(t, second.AddIO(more), ntstatus.Success, "adding an operation after one completed")
	check.Equal(t, first.AddIO(&all[0]), ntstatus.InsufficientResources,
		"adding after a second RemoveIO of the same operation")
	if n := first.CancelIO(nil, 0, false); n != len(all)/2-1 || all[2].cancelled != 1 || all[1].cancelled != 0 {
		t.Errorf("CancelIO cancelled %d operations, want only those of the first thread", n)
	}
}

// A thread can cancel only its own operations, a process those of all its threads. Either can be restricted to one
// file, block and kind. The result is the number of cancelled operations (I-138).
func TestCancelReachesOnlyMatchingOperations(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	first, second, stranger := w.thread(p), w.thread(p), w.thread(q)
	one, two := ob.Object(p), ob.Object(q) // any objects
	all := []*slow{{one, 1, false, 0}, {one, 2, true, 0}, {two, 1, false, 0}, {one, 1, false, 0}, {two, 2, true, 0},
		{one, 1, true, 0}}
	owners := []*ps.Thread{first, first, first, second, second, stranger}
	for i, o := range all {
		check.Success(t, owners[i].AddIO(o))
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
		check.That(t, c.n == len(c.want), "call %d cancelled %d operations, want those at %v", i, c.n, c.want)
	}
	check.Equal(t, fmt.Sprint(all[0].cancelled, all[1].cancelled, all[2].cancelled, all[3].cancelled, all[4].cancelled,
		all[5].cancelled), "5 5 2 2 1 1", "cancelled: times")
	// The end of a thread cancels its operations, and it cannot start others.
	first.Exit()
	check.Equal(t, fmt.Sprint(all[0].cancelled, all[1].cancelled, all[2].cancelled, all[3].cancelled), "6 6 3 2",
		"cancels at the thread's end")
	check.Equal(t, first.AddIO(&slow{}), ntstatus.ThreadIsTerminating, "adding an operation of an ended thread")
	p.Exit()
	if all[3].cancelled != 3 || all[4].cancelled != 2 || all[5].cancelled != 1 {
		t.Errorf("cancels at the end of the process = %d, %d, %d, want 3, 2, 1",
			all[3].cancelled, all[4].cancelled, all[5].cancelled)
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
