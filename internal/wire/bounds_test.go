package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
)

// TestPendingBounds: a connection has at most MaxPending calls without an answer,
// MaxWaits that wait, and MaxBytes in all; an answer makes room.
func TestPendingBounds(t *testing.T) {
	s := NewServer(nil, nil)
	admit := func(f *Frame) bool {
		ok, err := s.admit(f)
		return ok && err == nil
	}
	small := &Frame{Body: []byte{1}}
	for i := range MaxPending {
		if !admit(small) {
			t.Fatalf("call %d is refused", i)
		}
	}
	if admit(small) {
		t.Error("one call more is admitted")
	}
	if s.done(small); !admit(small) || admit(small) {
		t.Error("an answer makes room for one call")
	}
	for i := range MaxWaits {
		if !admit(&Frame{Kind: Wait, Request: uint64(i)}) {
			t.Fatalf("wait %d is refused", i)
		}
	}
	if admit(&Frame{Kind: Wait, Request: MaxWaits}) {
		t.Error("one wait more is admitted")
	}
	s = NewServer(nil, nil)
	half := &Frame{Body: make([]byte, MaxBytes/2)}
	if !admit(half) || !admit(half) || admit(small) {
		t.Error("calls of MaxBytes are admitted, and no byte more")
	}
	if s.done(half); !admit(small) || admit(half) {
		t.Error("an answer makes room for as many bytes")
	}
	s = NewServer(nil, nil)
	waits := &Frame{Kind: Wait, Request: 1, Body: half.Body}
	if !admit(waits) || !admit(half) || admit(small) {
		t.Error("the bytes of a call that waits are counted with the others")
	}
	if s.done(waits); !admit(half) || admit(small) {
		t.Error("the answer to a call that waits makes room for its bytes")
	}
}

// TestFrameBounds: a length from that of a head to MaxFrame is read on, and no other, whether
// the head comes at once or byte by byte (W-2).
func TestFrameBounds(t *testing.T) {
	for _, c := range []struct {
		length uint32
		want   error
	}{{headSize - 1, ErrFrame}, {headSize, nil}, {headSize + 1, io.ErrUnexpectedEOF}, {MaxFrame, io.ErrUnexpectedEOF},
		{MaxFrame + 1, ErrFrame}, {^uint32(0), ErrFrame}} {
		b := AppendFrame(nil, &Frame{Kind: Call})
		binary.LittleEndian.PutUint32(b, c.length)
		for name, r := range map[string]io.Reader{"at once": bufio.NewReader(bytes.NewReader(b)),
			"byte by byte": iotest.OneByteReader(bytes.NewReader(b))} {
			if buffered, ok := r.(*bufio.Reader); ok {
				_, _ = buffered.Peek(1) // all of it has come
			}
			if _, err := ReadFrame(r); !errors.Is(err, c.want) {
				t.Errorf("a length of %d, %s: %v, want %v", c.length, name, err, c.want)
			}
		}
	}
}

// TestCountBounds: a list has no more elements than the bytes that are left can hold (W-2).
func TestCountBounds(t *testing.T) {
	for _, c := range []struct {
		count, size, left int
		ok                bool
	}{{10, 8, 80, true}, {10, 8, 79, false}, {80, 8, 80, false}, {10, 0, 10, true}, {11, 0, 10, false},
		{math.MaxInt32, math.MaxInt32, 80, false}} {
		r := &reader{b: append(binary.LittleEndian.AppendUint32(nil, uint32(c.count)), make([]byte, c.left)...)}
		if n, isNil := r.count(c.size); (r.err == nil) != c.ok || c.ok && (n != c.count || isNil) {
			t.Errorf("%d elements of %d bytes in %d: %d, %v", c.count, c.size, c.left, n, r.err)
		}
	}
}

// writes is a connection that notes the deadlines of writes.
type writes struct {
	net.Conn
	deadlines []bool // one was set
}

func (w *writes) Write(b []byte) (int, error) { return len(b), nil }
func (w *writes) SetWriteDeadline(at time.Time) error {
	w.deadlines = append(w.deadlines, !at.IsZero())
	return nil
}

// TestDeadlineOfAWrite: the deadline of a write is gone when it is over: a later write that
// sets none must not meet it (W-3).
func TestDeadlineOfAWrite(t *testing.T) {
	conn := new(writes)
	if err := NewServer(conn, nil).send(&Frame{Kind: Answer}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(conn.deadlines, []bool{true, false}) {
		t.Errorf("deadlines %v, want one that is set and taken away", conn.deadlines)
	}
}

// admits reports whether a connection takes one more call.
func admits(s *Server, f *Frame) bool {
	ok, err := s.admit(f)
	return ok && err == nil
}

// TestWaitBounds: calls that wait are bounded apart from the others, and one
// request waits once (W-3, W-20).
func TestWaitBounds(t *testing.T) {
	s := &Server{waits: map[uint64]*waiting{}}
	for i := range MaxWaits {
		if !admits(s, &Frame{Kind: Wait, Request: uint64(i)}) {
			t.Fatalf("wait %d is refused", i)
		}
	}
	if admits(s, &Frame{Kind: Wait, Request: MaxWaits}) || !admits(s, &Frame{Kind: Call}) {
		t.Error("one wait more is admitted, or calls count as waits")
	}
	s.done(&Frame{Kind: Wait, Request: 3})
	if _, err := s.admit(&Frame{Kind: Wait, Request: 4}); err == nil {
		t.Error("a request waits twice")
	}
	if !admits(s, &Frame{Kind: Wait, Request: 3}) {
		t.Error("an answer makes no room")
	}
}

// TestReasonsTravel: every part of a reason goes over and comes back; an empty one
// has no body.
func TestReasonsTravel(t *testing.T) {
	for _, w := range []nt.Why{{}, {Rule: "A-1"}, {Because: "of it"}, {Object: "Event"},
		{Rule: "A-1", Because: "of it", Object: "Event"}, {Explanation: &access.Explanation{}}} {
		b := whyBody(w)
		if (b == nil) != reflect.DeepEqual(w, nt.Why{}) {
			t.Errorf("%+v: a body: %t", w, b != nil)
		}
		h := AnswerHead{Why: b}
		got := h.Reason()
		if got.Rule != w.Rule || got.Because != w.Because || got.Object != w.Object ||
			(got.Explanation == nil) != (w.Explanation == nil) {
			t.Errorf("%+v comes back as %+v", w, got)
		}
	}
}

// TestLargestAnswer: an answer is as large as a frame may be; one that is larger by a byte
// is no frame, leaves nothing behind to be sent, and closes what it would have passed (W-3).
func TestLargestAnswer(t *testing.T) {
	s := NewServer(nil, nil)
	s.keep()
	waits := func() (bytes, parcels int) {
		s.write.Lock()
		defer s.write.Unlock()
		return len(s.unsent) + len(s.apart), len(s.parcels)
	}
	err := s.send(&Frame{Kind: Answer, Body: make([]byte, MaxBody)})
	before, _ := waits()
	if err != nil || before != 4+MaxFrame {
		t.Errorf("the largest answer: %v, %d bytes wait", err, before)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	err = s.sendWith(&Frame{Kind: Answer, Body: make([]byte, MaxBody-1), Files: []*os.File{file}}, []byte{1}, []byte{2})
	if n, parcels := waits(); !errors.Is(err, ErrFrame) || n != before || parcels != 0 {
		t.Errorf("an answer that is too large: %v, %d bytes wait, want %d, %d parcels", err, n, before, parcels)
	}
	if err := file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its file was open: %v", err)
	}
}

// TestHeldByJSON: what a JSON body holds is counted as the binary form has it: each element of
// a list a byte at least, and what an optional value has beside (W-36).
func TestHeldByJSON(t *testing.T) {
	type one struct{ A, B uint64 }
	for _, c := range []struct {
		of   reflect.Type
		body string
		want int
	}{
		{reflect.TypeFor[[]uint32](), "[1,2,3]", 3 * 4},
		{reflect.TypeFor[[]one](), "[{},{}]", 2 * 16},
		{reflect.TypeFor[*one](), "{}", 16},
		{reflect.TypeFor[*one](), "null", 0},
		{reflect.TypeFor[[]*one](), "[{},null]", 2*1 + 16},
		{reflect.TypeFor[[]struct{}](), "[{},{},{}]", 3},
	} {
		r := newJSONReader([]byte(c.body))
		if err := jsonOf(c.of).get(r, reflect.New(c.of).Elem()); err != nil || r.held != c.want {
			t.Errorf("%s of %v holds %d bytes, %v, want %d", c.body, c.of, r.held, err, c.want)
		}
	}
}
