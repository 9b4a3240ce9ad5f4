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

// writes is a connection that records whether each write deadline was set or cleared.
type writes struct {
	net.Conn
	deadlines []bool // one was set
}

func (w *writes) Write(b []byte) (int, error) { return len(b), nil }

func (w *writes) SetWriteDeadline(at time.Time) error {
	w.deadlines = append(w.deadlines, !at.IsZero())
	return nil
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
	s.keep()
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
	err = s.sendWith(&Frame{Kind: Answer, Body: make([]byte, MaxBody-1), Files: []*os.File{file}}, []byte{1}, []byte{2})
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

func TestFailClosesConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	s := NewServer(theirs, nil)
	s.fail(&Frame{Kind: Call, Request: 1}, ErrFrame)
	check.ErrorIs(t, s.reason(), ErrFrame, "reason of the end")
	_ = ours.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := ours.Read(make([]byte, 1))
	check.That(t, errors.Is(err, io.EOF), "read after the end = %d bytes, %v, want %v", n, err, io.EOF)
}
