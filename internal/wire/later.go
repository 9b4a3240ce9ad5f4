package wire

import (
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// LaterHead precedes the call of a Begin, see [nt.Later]: where to report the end, and whether the caller waits on
// any handle.
type LaterHead struct {
	Event, ApcRoutine, ApcContext, IoStatusBlock uint64
	Waits                                        bool
}

// LaterBody is the state of an operation. The zero value is a call that ended as usual.
type LaterBody struct {
	Ended     bool // the fields below are the result; the client writes its memory
	Confirmed bool // the completion was signalled: the client sends no Confirm
	// Synchronous and Alertable say how the handle waits.
	Synchronous, Alertable bool
	Status                 ntstatus.Status
	Data                   []byte
	Information            uint64
}

var (
	laterHead = valueOf[LaterHead]()
	laterBody = valueOf[LaterBody]()
)

// AppendLater appends the head of a Begin, before its call.
func AppendLater(b []byte, l *nt.Later) []byte {
	return laterHead.append(inBinary, b, LaterHead{uint64(l.Event), l.ApcRoutine, l.ApcContext, l.IoStatusBlock, l.Waits})
}

// AppendOperation appends the body of a Collect or Confirm frame, which names a pending operation. request is the
// request number that started it.
func AppendOperation(b []byte, request uint64) []byte { return AppendCancel(b, request) }

// DecodeLater decodes the state in the answer to Begin or Collect and returns the bytes after it: the output of a
// Begin that did not end. An error wraps ErrValue.
func DecodeLater(b []byte) (l LaterBody, rest []byte, err error) { return prefix(laterBody, b) }

// later is an I/O operation of a client that continues after its call, until the client has its result. Server.mu
// guards its fields except the first three, which are immutable.
type later struct {
	l     *nt.Later
	cost  int           // bytes that it may hold
	paid  quota.Receipt // for them; guarded by Server.mu
	ended chan struct{} // closed once

	result    nt.IOResult
	notify    func() // set at the completion; nil again after it was signalled
	pending   bool   // its call is over, and it is not
	collected bool   // a Collect waits for it, or brought it
}

// begin handles a Begin frame: a call whose I/O operation may end after the answer. The event and the waiters are
// signaled after the client has written its memory (W-90). Refusals are:
//   - a service that cannot end later: STATUS_INVALID_PARAMETER
//   - a JSON connection: STATUS_NOT_SUPPORTED
//   - an operation beyond a limit: the status of keeps
//
// A malformed body returns an error, which ends the connection.
func (w *worker) begin(f *Frame) (a reply, err error) {
	if w.s.form == inJSON {
		return refusal(ntstatus.NotSupported), nil // a program without memory that others see
	}
	h, body, err := prefix(laterHead, f.Body)
	if err != nil {
		return a, err
	}
	q, err := w.s.requestAfter(f, body)
	if err != nil {
		return a, err
	}
	op := &later{ended: make(chan struct{}), l: &nt.Later{Event: winnt.Handle(h.Event), ApcRoutine: h.ApcRoutine,
		ApcContext: h.ApcContext, IoStatusBlock: h.IoStatusBlock, Waits: h.Waits}}
	op.l.Apart = func(r nt.IOResult, notify func()) { w.s.ended(op, r, notify) }
	if q.known && !op.with(&q.in) {
		return refusal(ntstatus.InvalidParameter), nil
	}
	if st := w.s.keeps(f.Request, op); st != ntstatus.Success {
		// What a client does not collect is bounded (W-91).
		return refusal(st), nil
	}
	a = w.call(q, f)
	return w.begun(f, op, a), nil
}

// with attaches the operation to the input of its call and computes how many bytes it may hold. It returns false for a
// service that cannot end later. It replaces *in.
func (op *later) with(in *any) bool {
	switch p := (*in).(type) {
	case nt.ReadFileIn:
		p.Later, op.cost = op.l, int(min(p.Length, MaxFrame))
		*in = p
	case nt.WriteFileIn:
		p.Later, op.cost = op.l, len(p.Buffer.V)
		*in = p
	case nt.FsControlFileIn:
		p.Later, op.cost = op.l, int(min(p.OutputBufferLength, MaxFrame))+len(p.InputBuffer.V)
		*in = p
	case nt.FlushBuffersFileIn:
		p.Later = op.l
		*in = p
	default:
		return false
	}
	return true
}

// begun completes the answer to a Begin with the state of its operation op; a is the answer of the call. If the
// operation has already ended, it leaves out the call's output, because the result contains it.
func (w *worker) begun(f *Frame, op *later, a reply) reply {
	b, notify := w.s.far(f.Request, op, a.head.Status == ntstatus.Pending)
	if notify != nil {
		notify()
	}
	out := a.rest
	if b.Ended {
		out = nil // the result has it all
	}
	a.rest = append(laterBody.append(inBinary, nil, b), out...)
	return a
}

// keeps registers an operation under its request number, and charges its memory. A limit, a number in use and an
// ended connection are STATUS_INSUFFICIENT_RESOURCES. A failed charge returns the status of the quota. After a
// failure nothing is counted.
func (s *Server) keeps(request uint64, op *later) (st ntstatus.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.laters == nil || s.laters[request] != nil || len(s.laters) >= MaxWaits || s.bytes+op.cost > MaxBytes {
		return ntstatus.InsufficientResources
	}
	if op.paid, st = s.payer().Charge(laterSize + op.cost); st != ntstatus.Success {
		return st
	}
	s.laters[request] = op
	s.bytes += op.cost
	return ntstatus.Success
}

// forgetLocked removes an operation from the table and returns its charge. It ignores an unknown one.
//
// +checklocks:s.mu
func (s *Server) forgetLocked(request uint64) {
	if op := s.laters[request]; op != nil {
		delete(s.laters, request)
		s.bytes -= op.cost
		op.paid.Return()
	}
}

// ended stores the result of an operation until the client collects it. notify signals the operation's event and
// waiters. If the client has disconnected, ended calls notify at once. It must be called once for each operation.
func (s *Server) ended(op *later, r nt.IOResult, notify func()) {
	s.mu.Lock()
	over := s.laters == nil
	if !over {
		op.result, op.notify = r, notify
	}
	s.mu.Unlock()
	if over {
		notify()
	}
	close(op.ended)
}

// far returns the progress of an operation when its call returns. pending means that the call returned
// STATUS_PENDING. The caller must call notify, unless it is nil, to signal the waiters. An operation on a
// synchronous handle that is not pending is finished (W-90).
func (s *Server) far(request uint64, op *later, pending bool) (b LaterBody, notify func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = LaterBody{Synchronous: op.l.Synchronous, Alertable: op.l.Alertable}
	if pending {
		op.pending = true
		return b, nil
	}
	if op.notify != nil {
		b.end(op)
	}
	if b.Confirmed = op.notify == nil || op.l.Synchronous; b.Confirmed {
		notify, op.notify = op.notify, nil
		s.forgetLocked(request)
	} else {
		op.collected = true
	}
	return b, notify
}

// end marks the operation as ended in the body and moves the result into it.
func (b *LaterBody) end(op *later) {
	b.Ended, b.Status, b.Data, b.Information = true, op.result.Status, op.result.Data, op.result.Information
	op.result.Data = nil
}
