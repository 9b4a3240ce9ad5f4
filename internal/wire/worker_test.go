package wire

import (
	"net"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestQueuedCallsRunInOrder checks that calls that arrive during a call of their thread are made in order, once each,
// and none after the thread has stopped (W-11).
func TestQueuedCallsRunInOrder(t *testing.T) {
	w := newWorker(nil, new(nt.Thread))
	frames := []*Frame{{Request: 1}, {Request: 2}, {Request: 3}, {Request: 4}}
	if mine, begun := w.claim(frames[0]); !mine || !begun {
		t.Fatal("claim of the first call must return true, true: the caller runs it")
	}
	for _, f := range frames[1:] {
		check.RequireThat(t, w.push(f), "call %d during another call of its thread is refused, want it queued", f.Request)
	}
	for _, want := range frames[1:3] {
		check.Equal(t, w.pop(), want, "next call")
	}
	left := w.stop()
	check.That(t, len(left) == 1 && left[0] == frames[3], "%d calls left after stop, want the last one", len(left))
	if f := w.pop(); f != nil {
		t.Errorf("call after stop = %+v, want nil", f)
	}
	if mine, begun := w.claim(frames[0]); mine || begun {
		t.Error("claim after stop accepted a call, want it refused")
	}
}

// The end of a connection returns what the user paid for queued calls and for those that arrive afterwards. An
// EndThread among the latter leaves its thread to the end of the connection (W-13).
func TestDiscardReturnsChargesOfQueuedCalls(t *testing.T) {
	block := quota.NewBlock(nil, 60, false)
	s := NewServer(nil, limited{block: block})
	w, f := newWorker(s, new(nt.Thread)), &Frame{Kind: Save, Thread: 1}
	s.threads[1] = w
	f.paid = check.Result(quota.Payer{Block: block}.Charge(60))
	w.claim(new(Frame))
	w.claim(f)
	w.discard()
	check.Equal(t, block.Used(), 0, "bytes charged after discard")
	f = &Frame{Kind: EndThread, Thread: 1}
	f.paid = check.Result(quota.Payer{Block: block}.Charge(60))
	check.NoError(t, check.Err(s.dispatch(nil, f)))
	check.Equal(t, block.Used(), 0, "bytes charged for a call after discard")
	check.That(t, s.threads[1] == w, "the connection has forgotten a thread that has not ended")
}

// A waiting call that becomes ready while its thread ends is answered with STATUS_CANCELLED (W-20).
func TestEndOfThreadCancelsQueuedWait(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	s := NewServer(theirs, nil)
	w, end, ready := newWorker(s, new(nt.Thread)), &Frame{Kind: EndThread, Request: 1}, make(chan struct{})
	w.claim(end)
	w.claim(&Frame{Kind: Wait, Request: 2})
	ended, late := newWorker(s, new(nt.Thread)), &Frame{Kind: Wait, Request: 3}
	ended.stop()
	check.NoError(t, check.Err(s.admit(late)))
	close(ready)
	go func() {
		_ = w.settle(nil, end, result{})
		ended.park(late, awaited{changed: ready})
		s.running.Wait()
		_ = theirs.Close()
	}()
	for i, want := range []ntstatus.Status{ntstatus.Success, ntstatus.Cancelled, ntstatus.Cancelled} {
		f := check.Must(ReadFrame(ours))
		head, _, err := DecodeAnswer(f.Body)
		check.That(t, f.Request == uint64(i+1) && head.Status == want && err == nil,
			"answer to request %d: %v, %v, want %v to request %d", f.Request, head.Status, err, want, i+1)
	}
}

// asked records which questions about a port it was asked.
type asked struct {
	nt.Services
	order []string
}

func (a *asked) PortChanged(winnt.Handle) (<-chan struct{}, bool) {
	a.order = append(a.order, "change")
	return nil, true
}

func (a *asked) PortConnected(winnt.Handle) ([]byte, uint32, ntstatus.Status) {
	a.order = append(a.order, "decision")
	return nil, 0, ntstatus.InvalidHandle
}

// A wait for a port's connection watches for changes before it asks for the decision, and so misses none (W-41).
func TestPortIsWatchedBeforeItsTest(t *testing.T) {
	a := new(asked)
	r, parked, err := newWorker(NewServer(nil, nil), nt.NewThread(a, "")).connected(&Frame{Body: AppendHandle(nil, 4)})
	check.NoError(t, err)
	check.That(t, !parked && r.head.Status == ntstatus.InvalidHandle && r.rest == nil, "answer %+v, want a status", r)
	check.SlicesEqual(t, a.order, []string{"change", "decision"}, "questions about the port")
}
