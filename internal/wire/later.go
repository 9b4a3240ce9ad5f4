package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// LaterHead stands before the call of a Begin, see [nt.Later]: what is to be told of the
// end, what names the operation, and whether the caller waits on any handle.
type LaterHead struct {
	Event, ApcRoutine, ApcContext, IoStatusBlock uint64
	Waits                                        bool
}

// LaterBody says how far an operation is. The zero value is that of a call which ended as
// calls do.
type LaterBody struct {
	Ended bool // the fields below tell how; the client writes its memory
	Told  bool // all are told already: the client sends no Told
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

// AppendLater appends what stands before the call of a Begin.
func AppendLater(b []byte, l *nt.Later) []byte {
	return laterHead.append(inBinary, b, LaterHead{uint64(l.Event), l.ApcRoutine, l.ApcContext, l.IoStatusBlock, l.Waits})
}

// AppendOperation appends the body of Collect and of Told: the request that began the operation.
func AppendOperation(b []byte, request uint64) []byte { return AppendCancel(b, request) }

// DecodeLater reads what answers a Begin or a Collect and returns the bytes after it.
func DecodeLater(b []byte) (l LaterBody, rest []byte, err error) { return prefix(laterBody, b) }

// later is an operation that a client began, until the client has its end. Its fields are
// guarded by Server.mu but for the first three, which are immutable.
type later struct {
	l     *nt.Later
	cost  int           // bytes that it may hold
	ended chan struct{} // closed once

	result    nt.IOResult
	tell      func() // set when it ended; nil again once all are told
	pending   bool   // its call is over, and it is not
	collected bool   // a Collect waits for it, or brought it
}

// begin makes a call that may end later. What it tells others waits until the client has
// written its memory (W-90).
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
	op.l.Apart = func(r nt.IOResult, told func()) { w.s.ended(op, r, told) }
	if q.known && !op.with(&q.in) {
		return refusal(ntstatus.InvalidParameter), nil
	}
	if !w.s.keeps(f.Request, op) {
		// What a client does not collect is bounded (W-91).
		return refusal(ntstatus.InsufficientResources), nil
	}
	a = w.call(q, f)
	return w.begun(f, op, a), nil
}

// with makes an operation part of the parameters of its call. It reports false where the
// service has none that ends later.
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

// begun returns the answer to a Begin whose call was made.
func (w *worker) begun(f *Frame, op *later, a reply) reply {
	b, tell := w.s.far(f.Request, op, a.head.Status == ntstatus.Pending)
	if tell != nil {
		tell()
	}
	out := a.rest
	if b.Ended {
		out = nil // the result has it all
	}
	a.rest = append(laterBody.append(inBinary, nil, b), out...)
	return a
}

// keeps reports whether there is room for an operation, which it then counts.
func (s *Server) keeps(request uint64, op *later) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.laters == nil || s.laters[request] != nil || len(s.laters) >= MaxWaits || s.bytes+op.cost > MaxBytes {
		return false
	}
	s.laters[request] = op
	s.bytes += op.cost
	return true
}

// forgetLocked takes an operation out of the counts.
//
// +checklocks:s.mu
func (s *Server) forgetLocked(request uint64) {
	if op := s.laters[request]; op != nil {
		delete(s.laters, request)
		s.bytes -= op.cost
	}
}

// ended notes how an operation ended; a client that is gone is not waited for.
func (s *Server) ended(op *later, r nt.IOResult, told func()) {
	s.mu.Lock()
	over := s.laters == nil
	if !over {
		op.result, op.tell = r, told
	}
	s.mu.Unlock()
	if over {
		told()
	}
	close(op.ended)
}

// far says how far an operation is after its call. One of a synchronous handle that ended
// there is over: its caller reads what the call returns (W-90). What it tells is returned.
func (s *Server) far(request uint64, op *later, pending bool) (b LaterBody, tell func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = LaterBody{Synchronous: op.l.Synchronous, Alertable: op.l.Alertable}
	if pending {
		op.pending = true
		return b, nil
	}
	if op.tell != nil {
		b.end(op)
	}
	if b.Told = op.tell == nil || op.l.Synchronous; b.Told {
		tell, op.tell = op.tell, nil
		s.forgetLocked(request)
	} else {
		op.collected = true
	}
	return b, tell
}

// end says how an operation ended.
func (b *LaterBody) end(op *later) {
	b.Ended, b.Status, b.Data, b.Information = true, op.result.Status, op.result.Data, op.result.Information
	op.result.Data = nil
}
