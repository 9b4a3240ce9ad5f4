package wire

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestPendingCallsAreBounded checks a connection's limits: MaxPending calls without a reply, MaxWaits of them
// waiting, and MaxBytes in total. A reply frees its share.
func TestPendingCallsAreBounded(t *testing.T) {
	s := NewServer(nil, nil)
	admit := func(f *Frame) bool {
		st, err := s.admit(f)
		return st == ntstatus.Success && err == nil
	}
	small := &Frame{Body: []byte{1}}
	for i := range MaxPending {
		check.RequireThat(t, admit(small), "call %d is refused, want it accepted", i)
	}
	check.That(t, !admit(small), "one call above MaxPending is accepted, want it refused")
	if s.done(small); !admit(small) || admit(small) {
		t.Error("after a reply, want exactly one more call accepted")
	}
	for i := range MaxWaits {
		check.RequireThat(t, admit(&Frame{Kind: Wait, Request: uint64(i)}), "wait %d is refused, want it accepted", i)
	}
	check.That(t, !admit(&Frame{Kind: Wait, Request: MaxWaits}), "one wait above MaxWaits is accepted, want it refused")
	s = NewServer(nil, nil)
	half := &Frame{Body: make([]byte, MaxBytes/2)}
	check.That(t, admit(half) && admit(half) && !admit(small),
		"want calls of MaxBytes in total accepted, and no byte more")
	if s.done(half); !admit(small) || admit(half) {
		t.Error("after a reply, want as many bytes accepted as it freed")
	}
	s = NewServer(nil, nil)
	waits := &Frame{Kind: Wait, Request: 1, Body: half.Body}
	check.That(t, admit(waits) && admit(half) && !admit(small),
		"want the bytes of a waiting call counted with the others")
	if s.done(waits); !admit(half) || admit(small) {
		t.Error("after the reply to a waiting call, want its bytes free")
	}
}

// admits reports whether a connection accepts one more call.
func admits(s *Server, f *Frame) bool {
	st, err := s.admit(f)
	return st == ntstatus.Success && err == nil
}

// TestWaitingCallsAreBounded checks that waiting calls have their own limit, and that one request waits only once
// (W-3, W-20).
func TestWaitingCallsAreBounded(t *testing.T) {
	s := &Server{waits: map[uint64]*waiting{}}
	for i := range MaxWaits {
		check.RequireThat(t, admits(s, &Frame{Kind: Wait, Request: uint64(i)}),
			"wait %d is refused, want it accepted", i)
	}
	check.That(t, !admits(s, &Frame{Kind: Wait, Request: MaxWaits}) && admits(s, &Frame{Kind: Call}),
		"one wait above MaxWaits is accepted, or a call is refused, want the opposite")
	s.done(&Frame{Kind: Wait, Request: 3})
	if _, err := s.admit(&Frame{Kind: Wait, Request: 4}); err == nil {
		t.Error("a second wait of the same request is accepted, want an error")
	}
	check.That(t, admits(s, &Frame{Kind: Wait, Request: 3}), "a wait is refused after a reply, want it accepted")
}
