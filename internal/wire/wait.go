package wire

import (
	"reflect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// WaitHead stands before the body of a call that waits: the pipe or port whose
// changes it waits for, and the status that means that it cannot be done yet.
type WaitHead struct {
	Handle uint64
	NotYet ntstatus.Status
}

var waitHead = valueOf[WaitHead]()

// AppendWait appends the head of a call that waits.
func AppendWait(b []byte, h winnt.Handle, notYet ntstatus.Status) []byte {
	return waitHead.append(inBinary, b, WaitHead{uint64(h), notYet})
}

// waits reports whether a frame's answer may take its time.
func (k Kind) waits() bool { return k == Wait || k == WaitAny || k == Connected || k == Collect }

// HandleBody is the body of Connected, the handle of the client's port, and of HandOut, the
// handle of a file.
type HandleBody struct{ Handle uint64 }

// ConnectedBody is the body of its answer: what the server said, and the longest
// message.
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

// DecodeConnected reads the answer to Connected.
func DecodeConnected(b []byte) (ConnectedBody, error) { return connectedBody.decode(inBinary, b) }

// connected waits for the server of a port as wait does for a call (W-41).
func (w *worker) connected(f *Frame) (a reply, parked bool, err error) {
	b, err := handleBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, false, err
	}
	sys, h := w.th.Services(), winnt.Handle(b.Handle)
	changed, ok := sys.PortChanged(h) // before it is asked, so that no change is missed
	answer, longest, st := sys.PortConnected(h)
	if st == ntstatus.Pending && ok {
		w.park(f, changed)
		return a, true, nil
	}
	a.head.Status = st
	if st.IsSuccess() {
		a.rest = connectedBody.append(w.s.form, nil, ConnectedBody{answer, longest})
	}
	return a, false, nil
}

// CancelBody is the body of Cancel: the request of the call that waits.
type CancelBody struct{ Request uint64 }

var cancelBody = valueOf[CancelBody]()

// AppendCancel appends the body of Cancel.
func AppendCancel(b []byte, request uint64) []byte {
	return cancelBody.append(inBinary, b, CancelBody{request})
}

// waiting is a call that waits.
type waiting struct {
	cancelled chan struct{} // closed once, under Server.mu
	over      bool          // it is closed; guarded by Server.mu
}

// cancel ends the waiting of a call. One that is answered already is no fault: the
// two crossed on the way.
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

// wait makes a call. Where that says not yet, the call waits for a change beside
// its thread, which goes on, and is then made again (W-20).
func (w *worker) wait(f *Frame) (a reply, parked bool, err error) {
	q, err := w.s.request(f)
	if err != nil {
		return a, false, err
	}
	var changed <-chan struct{}
	changed, q.changes = changes(w.th.Services(), q) // before the call, so that no change is missed
	if a = w.call(q, f); !q.again(a.head.Status) {
		return a, false, nil
	}
	w.park(f, changed)
	return a, true, nil
}

// again reports whether a call with that status waits, to be made again. A success is never
// waited away, and what is no pipe, port or object that is waited for does not change (W-20).
func (q *request) again(st ntstatus.Status) bool {
	return q.changes && st == q.wait.NotYet && !done(st)
}

// changes returns the channel that is closed at the next change a call may wait for: of
// an object's signal, which pipes have too, for the service that waits for signals, and
// of a pipe or port for others.
func changes(sys nt.Services, q request) (changed <-chan struct{}, ok bool) {
	if _, signal := q.in.(nt.WaitForSingleObjectIn); signal {
		return sys.ObjectSignaled(q.wait.handle())
	}
	if changed, ok = sys.PipeChanged(q.wait.handle()); !ok {
		changed, ok = sys.PortChanged(q.wait.handle())
	}
	return changed, ok
}

// done reports whether a status says that a call did something: not those of a port
// that has no message, or no reply, yet.
func done(st ntstatus.Status) bool {
	return st.IsSuccess() && st != ntstatus.Timeout && st != ntstatus.Pending
}

// park gives the call back to its thread at the next of the changes. It ends when it is
// cancelled, and with the thread and the connection (W-20).
func (w *worker) park(f *Frame, changes ...<-chan struct{}) {
	w.s.mu.Lock()
	c := w.s.waits[f.Request]
	w.s.mu.Unlock()
	w.s.running.Go(func() {
		if !w.changed(c, changes) || !w.push(f) {
			w.forgo(f)
		}
	})
}

// changed waits for the first of some changes; false where no call is made any more.
func (w *worker) changed(c *waiting, changes []<-chan struct{}) bool {
	if len(changes) == 1 {
		select {
		case <-c.cancelled:
		case <-w.ended:
		case <-w.s.over:
		case <-changes[0]:
			return true
		}
		return false
	}
	cases := []reflect.SelectCase{received(c.cancelled), received(w.ended), received(w.s.over)}
	const ends = 3
	for _, ch := range changes {
		cases = append(cases, received(ch))
	}
	at, _, _ := reflect.Select(cases)
	return at >= ends
}

func received(ch <-chan struct{}) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)}
}

// forgo answers a call that is not made any more.
func (w *worker) forgo(f *Frame) {
	w.s.done(f)
	if err := w.s.answer(f, AnswerHead{Status: ntstatus.Cancelled}, nil); err != nil {
		w.s.end(err)
	}
}
