package wire

import (
	"testing"

	"github.com/refmon/refmon/nt"
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
		if mine, begun := w.claim(f); mine || !begun {
			t.Fatalf("call %d starts during another call of its thread, want it queued", f.Request)
		}
	}
	for _, want := range frames[1:3] {
		if f := w.pop(); f != want {
			t.Errorf("next call = %+v, want %+v", f, want)
		}
	}
	if left := w.stop(); len(left) != 1 || left[0] != frames[3] {
		t.Errorf("%d calls left after stop, want the last one", len(left))
	}
	if f := w.pop(); f != nil {
		t.Errorf("call after stop = %+v, want nil", f)
	}
	if mine, begun := w.claim(frames[0]); mine || begun {
		t.Error("claim after stop accepted a call, want it refused")
	}
}
