package wire

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// TestPendingCallsAreBounded checks a connection's limits: MaxPending calls without a reply, MaxWaits of them waiting, and
// MaxBytes in total. A reply frees its share.
func TestPendingCallsAreBounded(t *testing.T) {
	s := NewServer(nil, nil)
	admit := func(f *Frame) bool {
		st, err := s.admit(f)
		return st == ntstatus.Success && err == nil
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

// admits reports whether a connection takes one more call.
func admits(s *Server, f *Frame) bool {
	st, err := s.admit(f)
	return st == ntstatus.Success && err == nil
}

// TestWaitingCallsAreBounded checks that waiting calls have their own limit, and that one request waits only once (W-3, W-20).
func TestWaitingCallsAreBounded(t *testing.T) {
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
