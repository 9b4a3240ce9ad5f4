package wire

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
)

// TestPendingBounds: a connection has at most MaxPending calls without an answer,
// and at most MaxBytes in them; an answer makes room.
func TestPendingBounds(t *testing.T) {
	s := &session{}
	small := &Frame{Body: []byte{1}}
	for i := range MaxPending {
		if !s.admit(small) {
			t.Fatalf("call %d is refused", i)
		}
	}
	if s.admit(small) {
		t.Error("one call more is admitted")
	}
	if s.done(small); !s.admit(small) || s.admit(small) {
		t.Error("an answer makes room for one call")
	}
	s = &session{}
	half := &Frame{Body: make([]byte, MaxBytes/2)}
	if !s.admit(half) || !s.admit(half) || s.admit(small) {
		t.Error("calls of MaxBytes are admitted, and no byte more")
	}
	if s.done(half); !s.admit(small) || s.admit(half) {
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
