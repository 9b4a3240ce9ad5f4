package ps_test

import (
	"github.com/refmon/refmon/ntstatus"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// The APC of a completed operation is queued even if the queue is full. An ended thread queues none and drops those
// it had (O-147).
func TestIOCompletionIsQueuedToFullQueue(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("p", nil))
	for i := range ps.MaxCalls {
		check.Success(t, th.QueueCall(quota.Payer{}, nt.UserAPC{ApcRoutine: uint64(i)}))
	}
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 5000}, quota.Receipt{})
	if list := th.TakeCalls(); len(list) != ps.MaxCalls+1 || list[ps.MaxCalls].ApcRoutine != 5000 {
		t.Errorf("thread has %d queued calls, want %d with the I/O call last", len(list), ps.MaxCalls+1)
	}
	queued := th.CallQueued()
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 1}, quota.Receipt{})
	select {
	case <-queued:
	default:
		t.Error("the queued call woke no waiter, want it woken")
	}
	th.Exit()
	th.QueueIOCall(nt.UserAPC{ApcRoutine: 2}, quota.Receipt{})
	if list := th.TakeCalls(); len(list) != 0 {
		t.Errorf("an ended thread has %d queued calls, want 0", len(list))
	}
}

// A queued call is charged until the thread makes it. A call that cannot be charged, or that an ended thread refuses,
// leaves no charge (O-147).
func TestQueuedCallIsCharged(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("p", nil))
	block, empty := quota.NewBlock(nil, 1<<20, false), quota.NewBlock(nil, 1, false)
	check.Equal(t, th.QueueCall(quota.Payer{Block: empty}, nt.UserAPC{}), ntstatus.QuotaExceeded, "call without quota")
	check.Equal(t, len(th.TakeCalls()), 0, "queued calls")
	check.Success(t, th.QueueCall(quota.Payer{Block: block}, nt.UserAPC{}))
	check.That(t, block.Used() > 0, "%d bytes are charged for a queued call, want some", block.Used())
	th.TakeCalls()
	check.Equal(t, block.Used(), 0, "charged bytes after the call was taken")
	th.Exit()
	check.Equal(t, th.QueueCall(quota.Payer{Block: block}, nt.UserAPC{}), ntstatus.Unsuccessful, "call of an ended thread")
	th.QueueIOCall(nt.UserAPC{}, check.Result(quota.Payer{Block: block}.Charge(9)))
	check.Equal(t, [2]int64{block.Used(), empty.Used()}, [2]int64{}, "charged bytes after the refusals")
}
