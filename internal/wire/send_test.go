package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// writes is a connection that records whether each deadline was set or cleared.
type writes struct {
	net.Conn
	deadlines, ofReads []bool // one was set
}

func (w *writes) Write(b []byte) (int, error) { return len(b), nil }

func (w *writes) SetWriteDeadline(at time.Time) error {
	w.deadlines = append(w.deadlines, !at.IsZero())
	return nil
}

func (w *writes) SetReadDeadline(at time.Time) error {
	w.ofReads = append(w.ofReads, !at.IsZero())
	return nil
}

// TestStopKeepsItsDeadlines checks that calls in progress do not change the deadlines of Stop (W-19).
func TestStopKeepsItsDeadlines(t *testing.T) {
	conn := new(writes)
	s := NewServer(conn, nil)
	s.Stop()
	s.within(0)
	s.within(FrameTimeout)
	s.writeWithin(0)
	s.writeWithin(WriteTimeout)
	check.That(t, slices.Equal(conn.deadlines, []bool{true}) && slices.Equal(conn.ofReads, []bool{true}),
		"deadlines of writes %v, of reads %v, want those of Stop", conn.deadlines, conn.ofReads)
}

// TestWriteClearsItsDeadline checks that a write clears its deadline, so that it does not affect a later write
// without one (W-3).
func TestWriteClearsItsDeadline(t *testing.T) {
	conn := new(writes)
	check.NoError(t, NewServer(conn, nil).send(&Frame{Kind: Answer}))
	check.That(t, slices.Equal(conn.deadlines, []bool{true, false}),
		"deadlines %v, want one set and then cleared", conn.deadlines)
}

// An answer can be as large as a frame. One byte more is an error that sends nothing and closes its descriptors
// (W-3).
func TestReplyIsAtMostOneFrame(t *testing.T) {
	s := NewServer(nil, nil)
	s.keep(nil)
	waits := func() (bytes, fdMessages int) {
		s.write.Lock()
		defer s.write.Unlock()
		return len(s.unsent) + len(s.apart), len(s.fdMessages)
	}
	err := s.send(&Frame{Kind: Answer, Body: make([]byte, MaxBody)})
	before, _ := waits()
	check.That(t, err == nil && before == 4+MaxFrame,
		"largest reply: %v, %d bytes queued, want nil, %d", err, before, 4+MaxFrame)
	file := check.Must(os.Open(os.DevNull))
	large := &Frame{Kind: Answer, Body: make([]byte, MaxBody-1), Files: []*os.File{file}}
	err = s.sendWith(nil, large, []byte{1}, []byte{2})
	if n, fdMessages := waits(); !errors.Is(err, ErrFrame) || n != before || fdMessages != 0 {
		t.Errorf("reply that is too large: %v, %d bytes and %d descriptor messages queued, want an error, %d and 0",
			err, n,
			fdMessages, before)
	}
	if err := file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closing the descriptor of the refused reply = %v, want %v, because the server closed it",
			err, os.ErrClosed)
	}
}

// An answer whose output is kept apart stays whole, and before the next one with its descriptor (W-50).
func TestAnswersKeepOrderBehindOutput(t *testing.T) {
	s, first := NewServer(nil, nil), Frame{Kind: Answer, Request: 1}
	second := Frame{Kind: AnswerWith, Request: 2, Files: []*os.File{nil}}
	s.keep(nil)
	check.NoError(t, s.sendWith(nil, &first, []byte{1}, []byte{2, 3}))
	check.NoError(t, s.send(&second))
	third := Frame{Kind: Answer, Request: 3, Body: make([]byte, 2*smallAnswers)} // it needs a larger buffer
	check.NoError(t, s.send(&third))
	first.Body = []byte{1, 2, 3}
	s.write.Lock()
	defer s.write.Unlock()
	b := AppendFrame(nil, &first)
	check.Equal(t, s.fdMessages[0].at, len(b), "bytes before the descriptor")
	got, want := string(s.unsent)+string(s.apart), string(AppendFrame(AppendFrame(b, &second), &third))
	check.That(t, got == want, "%d bytes to send, want the %d of three frames", len(got), len(want))
}

// Collected answers are sent at once when their descriptors fill a message.
// +checklocksignore
func TestDescriptorsFillMessage(t *testing.T) {
	for n, want := range map[int]bool{MaxDescriptors - 1: false, MaxDescriptors: true} {
		s := NewServer(nil, nil)
		s.fdMessages = make([]fdMessage, n)
		check.Equal(t, s.full(nil), want, "full with %d descriptors", n)
	}
}

// sliced is a process whose scheduler reports the end of each time slice.
type sliced struct {
	limited
	Scheduler
	left chan struct{}
}

func (sliced) Enter() time.Time        { return time.Now() }
func (p sliced) Leave(time.Time, bool) { p.left <- struct{}{} }
func (sliced) Watchdog() *Watchdog     { return new(Watchdog) }

// One goroutine sends to a client that does not read, and holds the lock of the answers. Another goroutine that needs
// the lock ends its time slice before it waits. Reserving a descriptor does not wait (W-44, W-62).
func TestSliceEndsBehindUnreadAnswer(t *testing.T) {
	answer := &Frame{Kind: Answer}
	for name, do := range map[string]func(*Server, *timeSlice){
		"answer": func(s *Server, t *timeSlice) { _ = s.reply(t, answer, reply{}) },
		"answer of the reader": func(s *Server, t *timeSlice) {
			_ = check.Err(s.dispatch(t, &Frame{Kind: Call}))
		},
		"answer to a frame without a thread": func(s *Server, t *timeSlice) {
			_ = check.Err(s.dispatch(t, &Frame{Kind: Confirm, Body: AppendOperation(nil, 1)}))
		},
		"full":    func(s *Server, t *timeSlice) { s.full(t) },
		"keep":    func(s *Server, t *timeSlice) { s.keep(t) },
		"deliver": func(s *Server, t *timeSlice) { _ = s.deliver(t) },
	} {
		ours, theirs := net.Pipe()
		p := sliced{left: make(chan struct{}, 1)}
		s := NewServer(theirs, p)
		over := make(chan struct{}, 2)
		go func() {
			_ = s.send(answer)
			over <- struct{}{}
		}()
		// The head of the answer has been read, so the goroutine holds the lock.
		check.NoError(t, check.Err(io.ReadFull(ours, make([]byte, 4))))
		for range MaxPassed {
			check.That(t, s.reserve(), "%s: a descriptor is not reserved", name)
		}
		check.That(t, !s.reserve(), "%s: a descriptor is reserved beyond the limit", name)
		slice := s.newTimeSlice(nil)
		slice.enter()
		go func() {
			do(s, slice)
			over <- struct{}{}
		}()
		select {
		case <-p.left:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the time slice continues while the client does not read", name)
		}
		check.NoError(t, ours.Close())
		<-over
		<-over
	}
}

// A malformed frame, unlike a malformed JSON body, gets no answer (W-39).
func TestFailClosesConnection(t *testing.T) {
	for _, f := range []form{inBinary, inJSON} {
		ours, theirs := net.Pipe()
		s := NewServer(theirs, nil)
		s.form = f
		go s.fail(&Frame{Kind: Call, Request: 1}, ErrFrame)
		_ = ours.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := ours.Read(make([]byte, 1))
		check.That(t, errors.Is(err, io.EOF), "read after the end = %d bytes, %v, want %v", n, err, io.EOF)
		check.ErrorIs(t, s.reason(), ErrFrame, "reason of the end")
	}
}
