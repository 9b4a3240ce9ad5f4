package wire

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
)

// admitted reports whether a call is taken, which must not end the connection.
func admitted(t *testing.T, s *Server, f *Frame) bool {
	t.Helper()
	ok, err := s.admit(f)
	if err != nil {
		t.Error(err)
	}
	return ok
}

// TestPendingBounds: a connection has at most MaxPending calls without an answer, and
// at most MaxBytes in them; an answer makes room.
func TestPendingBounds(t *testing.T) {
	s := &Server{waits: map[uint64]*waiting{}}
	small := &Frame{Body: []byte{1}}
	for i := range MaxPending {
		if !admitted(t, s, small) {
			t.Fatalf("call %d is refused", i)
		}
	}
	if admitted(t, s, small) {
		t.Error("one call more is admitted")
	}
	if s.done(small); !admitted(t, s, small) || admitted(t, s, small) {
		t.Error("an answer makes room for one call")
	}
	s = &Server{waits: map[uint64]*waiting{}}
	half := &Frame{Body: make([]byte, MaxBytes/2)}
	if !admitted(t, s, half) || !admitted(t, s, half) || admitted(t, s, small) {
		t.Error("calls of MaxBytes are admitted, and no byte more")
	}
	if s.done(half); !admitted(t, s, small) || admitted(t, s, half) {
		t.Error("an answer makes room for as many bytes")
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
