package ps_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// operation is one on a file that never ends by itself.
type operation struct{ cancelled int }

func (o *operation) CancelIO(uint64, bool) bool { o.cancelled++; return true }
func (o *operation) File() ob.Object            { return nil }

// TestPendingIOIsBounded: the threads of a process have 4,096 operations under way
// between them; one that has ended makes room once, and another process has room of its
// own.
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
		if st := th.AddIO(&all[i]); st != ntstatus.Success {
			t.Fatalf("operation %d: %v", i, st)
		}
	}
	more := &operation{}
	for _, th := range []*ps.Thread{first, second} {
		if st := th.AddIO(more); st != ntstatus.InsufficientResources || ps.MaxPendingIO != 4096 {
			t.Errorf("one operation more: %v", st)
		}
	}
	if st := stranger.AddIO(more); st != ntstatus.Success {
		t.Errorf("another process: %v", st)
	}
	stranger.RemoveIO(more)
	first.RemoveIO(&all[1]) // not its own: nothing ends
	first.RemoveIO(&all[0])
	first.RemoveIO(&all[0]) // has ended already
	if st := second.AddIO(more); st != ntstatus.Success {
		t.Errorf("after one has ended: %v", st)
	}
	if st := first.AddIO(&all[0]); st != ntstatus.InsufficientResources {
		t.Errorf("one that has ended made room twice: %v", st)
	}
	if n := first.CancelIO(nil, 0, false); n != len(all)/2-1 || all[2].cancelled != 1 || all[1].cancelled != 0 {
		t.Errorf("%d operations of the first thread are cancelled", n)
	}
}
