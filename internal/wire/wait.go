package wire

import (
	"reflect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// WaitHead precedes the body of a waiting call: the object whose changes it waits for, and the status that means
// "not yet".
type WaitHead struct {
	Handle uint64
	NotYet ntstatus.Status
}

var waitHead = valueOf[WaitHead]()

// AppendWait appends the head of a waiting call: the object of handle h, and the status notYet for which the call is
// repeated.
func AppendWait(b []byte, h winnt.Handle, notYet ntstatus.Status) []byte {
	return waitHead.append(inBinary, b, WaitHead{uint64(h), notYet})
}

// waits reports whether the answer to a frame may take arbitrarily long.
func (k Kind) waits() bool { return k == Wait || k == WaitAny || k == Connected || k == Collect }

// calls reports whether a frame carries a service call that does not wait, so that a Then depends on its status.
func (k Kind) calls() bool {
	return k == Call || k == Then || k == CallWith || k == ThenWith || k == ReadAs || k == Begin
}

// HandleBody is the body of Connected, with the client's port, and of HandOut, with a file.
type HandleBody struct{ Handle uint64 }

// ConnectedBody is the body of the answer to Connected: the server's data and the longest message in bytes.
type ConnectedBody struct {
	Information          []byte
	MaximumMessageLength uint32
}

var (
	handleBody    = valueOf[HandleBody]()
	connectedBody = valueOf[ConnectedBody]()
)

// AppendHandle appends the body of Connected or HandOut.
func AppendHandle(b []byte, h winnt.Handle) []byte {
	return handleBody.append(inBinary, b, HandleBody{uint64(h)})
}

// DecodeConnected decodes the answer to Connected after its head. An error wraps ErrValue.
func DecodeConnected(b []byte) (ConnectedBody, error) { return connectedBody.decode(inBinary, b) }

// connected handles a Connected frame, which waits for the server's decision about a port connection (W-41). Before
// the decision parked is true, and f is answered after the port changes. A malformed body returns an error, which
// ends the connection.
func (w *worker) connected(f *Frame) (a reply, parked bool, err error) {
	b, err := handleBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, false, err
	}
	sys, h := w.th.Services(), winnt.Handle(b.Handle)
	changed, ok := sys.PortChanged(h) // before the test, so that no change is missed
	answer, longest, st := sys.PortConnected(h)
	if st == ntstatus.Pending && ok {
		w.park(f, awaited{changed: changed})
		return a, true, nil
	}
	a.head.Status = st
	if st.IsSuccess() {
		a.rest = connectedBody.append(w.s.form, nil, ConnectedBody{answer, longest})
	}
	return a, false, nil
}

// CancelBody is the body of Cancel: the request number of the waiting call.
type CancelBody struct{ Request uint64 }

var cancelBody = valueOf[CancelBody]()

// AppendCancel appends the body of Cancel.
func AppendCancel(b []byte, request uint64) []byte {
	return cancelBody.append(inBinary, b, CancelBody{request})
}

// waiting is a call that waits for a change, with the means to cancel it.
type waiting struct {
	cancelled chan struct{} // closed once, under Server.mu
	over      bool          // it is closed; guarded by Server.mu
}

// cancel ends the call that waits under the request number in f, and answers f with success, also if no call waits
// under that number. A malformed body is an error and ends the connection.
func (s *Server) cancel(f *Frame) error {
	b, err := cancelBody.decode(s.form, f.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if c := s.waits[b.Request]; c != nil && !c.over {
		c.over = true
		close(c.cancelled)
	}
	s.mu.Unlock()
	return s.answer(f, AnswerHead{}, nil)
}

// wait handles a Wait frame: it repeats a call while the status is the frame's NotYet status. If the call must be
// repeated, parked is true, and f is answered later. The wait does not block the thread (W-20). A malformed body
// returns an error, which ends the connection.
func (w *worker) wait(f *Frame) (a reply, parked bool, err error) {
	q, err := w.s.request(f)
	if err != nil {
		return a, false, err
	}
	if in, ok := q.in.(nt.WriteFileIn); ok && q.wait.NotYet == ntstatus.PipeBusy {
		return w.write(f, q, in)
	}
	var on awaited
	on, q.changes = changes(w.th.Services(), q) // before the call, so that no change is missed
	if a = w.call(q, f); !q.again(a.head.Status) {
		acquired([]awaited{on}, false)
		return a, false, nil
	}
	if in, ok := q.in.(nt.WaitForSingleObjectIn); ok && in.Handle == q.wait.handle() {
		on.answer = func(ntstatus.Status) error { return w.late(f, q, nt.WaitForSingleObjectOut{}, ntstatus.Success) }
	}
	w.park(f, on)
	return a, true, nil
}

// write handles a Wait frame for a pipe write, which runs once. The pipe keeps bytes that do not fit until the peer
// reads them. A cancel removes the unread bytes (W-20, I-152). If the write ends at once, parked is false. A failure
// to send a later answer ends the connection.
func (w *worker) write(f *Frame, q request, in nt.WriteFileIn) (a reply, parked bool, err error) {
	l := nt.NewWait()
	in.Later = l
	q.in, q.changes, q.wait.NotYet = in, true, ntstatus.Pending
	if a = w.call(q, f); a.head.Status != ntstatus.Pending {
		return a, false, nil
	}
	w.s.mu.Lock()
	c := w.s.waits[f.Request]
	w.s.mu.Unlock()
	w.s.running.Go(func() {
		if !w.changed(c, []<-chan struct{}{l.Over}) {
			l.Cancel()
			<-l.Over
		}
		r := l.Result()
		if err := w.late(f, q, nt.WriteFileOut{Information: uint32(r.Information)}, r.Status); err != nil {
			w.s.end(err)
		}
	})
	return a, true, nil
}

// late reports a call that waited and ended without being repeated to the watcher, and answers it with its outputs and
// status. An error ends the connection.
func (w *worker) late(f *Frame, q request, out any, st ntstatus.Status) (err error) {
	a := reply{head: AnswerHead{Status: st}}
	a.rest, err = w.s.out(q.row, out)
	if w.s.watcher != nil && w.s.watcher.Wants(st) {
		w.s.watcher.Called(w.th, &nt.Call{Thread: w.th.Name(), Row: q.row.Row, In: q.in, Out: out, Status: st},
			len(f.Body)+len(a.rest))
	}
	w.s.done(f)
	if err == nil {
		err = w.s.reply(nil, f, a)
	}
	return err
}

// again reports whether a call that returned st must wait and be repeated. A success is final, and so is any status of
// an object that cannot change (W-20).
func (q *request) again(st ntstatus.Status) bool {
	return q.changes && st == q.wait.NotYet && !done(st)
}

// awaited is something that a waiting call waits for. The zero value never changes.
type awaited struct {
	changed <-chan struct{} // closed at the next change
	wait    nt.Waiter       // for a signal, which changed is about; nil: for no signal
	// answer answers the call, which has acquired the object of wait; its argument is the position among the waits.
	// nil: the call is repeated in every case.
	answer func(ntstatus.Status) error
}

// signaled returns how a call waits for a signal.
func signaled(wait nt.Waiter) awaited { return awaited{changed: wait.Signaled(), wait: wait} }

// changes returns what a call waits for: a signal, or a change of the pipe or port. ok is false for an object that
// cannot change, or a bad handle.
func changes(sys nt.Services, q request) (on awaited, ok bool) {
	if _, signal := q.in.(nt.WaitForSingleObjectIn); signal {
		wait, ok := sys.ObjectSignaled(q.wait.handle())
		if ok {
			on = signaled(wait)
		}
		return on, ok
	}
	if on.changed, ok = sys.PipeChanged(q.wait.handle()); !ok {
		on.changed, ok = sys.PortChanged(q.wait.handle())
	}
	return on, ok
}

// acquired ends the waits for signals. With take it returns the position, among them, of the first object that its wait
// has acquired, and how to answer; all others go to other waiters. at is -1 for none.
func acquired(all []awaited, take bool) (at int, answer func(ntstatus.Status) error) {
	at, n := -1, 0
	for _, x := range all {
		if x.wait == nil {
			continue
		}
		if x.wait.End(take && at < 0 && x.answer != nil) {
			at, answer = n, x.answer
		}
		n++
	}
	return at, answer
}

// done reports whether a status means that a call had an effect: a success other than STATUS_TIMEOUT and
// STATUS_PENDING.
func done(st ntstatus.Status) bool {
	return st.IsSuccess() && st != ntstatus.Timeout && st != ntstatus.Pending
}

// park lets the call in f wait. When something changes, it answers the call if that has acquired an object, and
// otherwise repeats it. A cancel, or the end of the thread or the connection, ends the wait instead (W-20); forgo then
// answers the call. park itself returns at once.
func (w *worker) park(f *Frame, on ...awaited) {
	w.s.mu.Lock()
	c := w.s.waits[f.Request]
	w.s.mu.Unlock()
	channels := make([]<-chan struct{}, len(on))
	for i, x := range on {
		channels[i] = x.changed
	}
	w.s.running.Go(func() {
		changed := w.changed(c, channels)
		switch at, answer := acquired(on, changed); {
		case at >= 0:
			// An object that was signaled for this wait is acquired, even if that was undone since (O-149).
			if err := answer(ntstatus.Status(at)); err != nil {
				w.s.end(err)
			}
		case !changed || !w.push(f):
			w.forgo(f)
		}
	})
}

// changed blocks a waiting call c until one of the channels is closed and returns true. It returns false if the call is
// cancelled, even if a channel is closed too, and if the thread or the connection ends first.
func (w *worker) changed(c *waiting, changes []<-chan struct{}) bool {
	if len(changes) == 1 {
		select {
		case <-c.cancelled:
		case <-w.ended:
		case <-w.s.over:
		case <-changes[0]:
			return !isClosed(c.cancelled) // after a cancel the handle's value may be that of another object
		}
		return false
	}
	cases := []reflect.SelectCase{received(c.cancelled), received(w.ended), received(w.s.over)}
	const ends = 3
	for _, ch := range changes {
		cases = append(cases, received(ch))
	}
	at, _, _ := reflect.Select(cases)
	return at >= ends && !isClosed(c.cancelled)
}

// received returns the case of a reflect.Select that receives from ch. A nil channel is never ready.
func received(ch <-chan struct{}) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)}
}

// forgo ends a waiting call without making it again: it answers with STATUS_CANCELLED.
func (w *worker) forgo(f *Frame) {
	w.s.done(f)
	if err := w.s.answer(f, AnswerHead{Status: ntstatus.Cancelled}, nil); err != nil {
		w.s.end(err)
	}
}
