package wire

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// LaterHead stands before the body of a call on a file that may end later: what is told
// of its end, and what names the operation when it is cancelled ([nt.Later]).
type LaterHead struct {
	Event                   winnt.Handle
	Routine, Context, Block uint64
}

// EndedBody is the body of Ended: how the operation ended.
type EndedBody struct {
	Status      ntstatus.Status
	Information uint64
	Data        []byte
}

var (
	laterHead = valueOf[LaterHead]()
	endedBody = valueOf[EndedBody]()
)

// AppendLater appends the head of a call that may end later.
func AppendLater(b []byte, l *nt.Later) []byte {
	return laterHead.append(inBinary, b, LaterHead{l.Event, l.ApcRoutine, l.ApcContext, l.IoStatusBlock})
}

// DecodeEnded reads the body of Ended.
func DecodeEnded(b []byte) (EndedBody, error) { return endedBody.decode(inBinary, b) }

// ends holds the ends of operations that the client was not told of yet. The one who ends
// an operation, often another program, does not wait for this client to read; and what
// follows from an end, such as the answer to a wait for its event, is sent behind it (W-55).
type ends struct {
	begun sync.Once     // of the goroutine that sends them where nothing else is sent
	more  chan struct{} // there are some; holds one

	mu sync.Mutex
	// +checklocks:mu
	frames [][]byte // guarded by mu
	// +checklocks:mu
	bytes int // of them; guarded by mu
}

// take takes what is to be sent.
func (e *ends) take() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	frames := e.frames
	e.frames, e.bytes = nil, 0
	return frames
}

// tell enters the end of an operation. A client that does not read them loses its
// connection (W-3).
func (s *Server) tell(f *Frame, r nt.IOResult) {
	body := endedBody.append(s.form, nil, EndedBody{r.Status, r.Information, r.Data})
	b := AppendFrame(nil, &Frame{Kind: Ended, Request: f.Request, Thread: f.Thread, Body: body})
	e := &s.ends
	e.mu.Lock()
	e.frames = append(e.frames, b)
	e.bytes += len(b)
	over := e.bytes > MaxBytes || len(b)-4 > MaxFrame
	e.mu.Unlock()
	if over {
		s.end(fmt.Errorf("%w: ends of operations that the client does not read, or cannot: %d bytes", ErrFrame, len(b)))
	}
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// sendEnds tells the client of ends until no further call is begun.
func (s *Server) sendEnds() {
	for {
		select {
		case <-s.over:
			return
		case <-s.ends.more:
		}
		if err := s.write(nil, nil); err != nil {
			s.end(err)
			return
		}
	}
}

// later makes a call that may end later. That of a handle whose caller waits is answered
// when it has ended (W-55).
func (w *worker) later(f *Frame) (a reply, parked bool, err error) {
	q, err := w.s.request(f)
	if err != nil || !q.known {
		return refusal(ntstatus.NotSupported), false, err
	}
	in := reflect.New(q.row.InType()).Elem()
	in.Set(reflect.ValueOf(q.in))
	last := in.Field(in.NumField() - 1)
	if last.Type() != reflect.TypeFor[*nt.Later]() {
		return a, false, fmt.Errorf("%w: %s does not end later", ErrFrame, q.row.Info().Name)
	}
	w.s.ends.begun.Do(func() { w.s.running.Go(w.s.sendEnds) })
	l := &nt.Later{Event: q.later.Event, ApcRoutine: q.later.Routine, ApcContext: q.later.Context,
		IoStatusBlock: q.later.Block, Done: func(r nt.IOResult) { w.s.tell(f, r) }}
	last.Set(reflect.ValueOf(l))
	q.in = in.Interface()
	a = w.call(q, f)
	if a.head.Status != ntstatus.Pending || !l.Synchronous {
		return a, false, nil
	}
	w.s.running.Go(func() {
		select {
		case <-l.Over:
		case <-w.s.over:
			l.Cancel()
			<-l.Over
		}
		w.s.done(f)
		a.head.Status = l.Failure
		if err := w.s.reply(f, a); err != nil {
			w.s.end(err)
		}
	})
	return a, true, nil
}
