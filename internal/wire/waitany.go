package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// AnyBody is the body of WaitAny: the objects, and whether a queued user APC ends the wait.
type AnyBody struct {
	Handles   []winnt.Handle
	Alertable bool
}

var anyBody = valueOf[AnyBody]()

// AppendAny appends the body of WaitAny.
func AppendAny(b []byte, handles []winnt.Handle, alertable bool) []byte {
	return anyBody.append(inBinary, b, AnyBody{handles, alertable})
}

// waitAny handles a WaitAny frame, which waits for one of several objects. Answers are:
//   - a handle that cannot be waited for: its status, also if an object before it is signaled
//   - the first signaled object, which is acquired: its index
//   - a queued APC, if the wait is alertable: STATUS_USER_APC
//   - more than MaxObjects handles: STATUS_INVALID_PARAMETER_1
//
// Without an answer parked is true, and f is answered after an object changes (W-54). A malformed body returns an
// error, which ends the connection.
func (w *worker) waitAny(f *Frame) (a reply, parked bool, err error) {
	b, err := anyBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, false, err
	}
	if len(b.Handles) > MaxObjects {
		return refusal(ntstatus.InvalidParameter1), false, nil
	}
	sys := w.th.Services()
	var on []awaited // each wait begins before its object is tested, so that no change is missed
	defer func() {
		if !parked {
			acquired(on, false)
		}
	}()
	if b.Alertable {
		on = append(on, awaited{changed: sys.CallQueued()})
	}
	for i, h := range b.Handles {
		wait, ok := sys.ObjectSignaled(h)
		for ; !ok; wait, ok = sys.ObjectSignaled(h) {
			// A handle that cannot be waited for fails the wait, and no object is acquired (W-54).
			if a, over := testObject(sys, i, h); over {
				return a, false, nil
			}
		}
		x := signaled(wait)
		x.answer = func(at ntstatus.Status) error {
			w.s.done(f)
			return w.s.reply(nil, f, refusal(at))
		}
		on = append(on, x)
	}
	for i, h := range b.Handles {
		if a, over := testObject(sys, i, h); over {
			return a, false, nil
		}
	}
	if b.Alertable && sys.CallsQueued() {
		return refusal(ntstatus.UserAPC), false, nil
	}
	w.park(f, on...)
	return a, true, nil
}

// testObject tests the object of handle i of a wait. over is true if a is the answer of the wait: the index of an
// object that is signaled, which it acquires, or the status of a handle that cannot be waited for.
func testObject(sys nt.Services, i int, h winnt.Handle) (a reply, over bool) {
	switch _, st := sys.NtWaitForSingleObject(nt.WaitForSingleObjectIn{Handle: h}); st {
	case ntstatus.Success:
		return refusal(ntstatus.Status(i)), true
	case ntstatus.Timeout:
		return a, false
	default:
		return refusal(st), true
	}
}
