package wire

import (
	"errors"
	"os"
	"reflect"
	"testing"

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
