package wire

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

const good, full = ntstatus.Success, ntstatus.InsufficientResources

// admits checks the status that a connection gives one more call.
func admits(t *testing.T, s *Server, what string, f *Frame, want ntstatus.Status) {
	t.Helper()
	st, err := s.admit(f)
	check.RequireThat(t, st == want && err == nil, "%s: %v, %v, want %v", what, st, err, want)
}

// TestPendingCallsAreBounded checks a connection's limits: MaxPending calls without a reply, and MaxBytes in total. A
// reply frees its share.
func TestPendingCallsAreBounded(t *testing.T) {
	s := NewServer(nil, nil)
	small := &Frame{Body: []byte{1}}
	for range MaxPending {
		admits(t, s, "call", small, good)
	}
	admits(t, s, "one above MaxPending", small, full)
	s.done(small)
	admits(t, s, "after a reply", small, good)
	admits(t, s, "one more after a reply", small, full)
	half := &Frame{Body: make([]byte, MaxBytes/2)}
	for _, first := range []*Frame{half, {Kind: Wait, Request: 1, Body: half.Body}} {
		s = NewServer(nil, nil)
		admits(t, s, "half of MaxBytes", first, good)
		admits(t, s, "the other half", half, good)
		admits(t, s, "a byte above MaxBytes", small, full)
		s.done(first)
		admits(t, s, "half after a reply", half, good)
		admits(t, s, "a byte above MaxBytes after a reply", small, full)
	}
}

// TestWaitingCallsAreBounded checks that waiting calls have their own limit, and that one request waits only once
// (W-3, W-20).
func TestWaitingCallsAreBounded(t *testing.T) {
	s := &Server{waits: map[uint64]*waiting{}}
	for i := range uint64(MaxWaits) {
		admits(t, s, "wait", &Frame{Kind: Wait, Request: i}, good)
	}
	admits(t, s, "one wait above MaxWaits", &Frame{Kind: Wait, Request: MaxWaits}, full)
	admits(t, s, "a call during the waits", &Frame{Kind: Call}, good)
	s.done(&Frame{Kind: Wait, Request: 3})
	check.ErrorIs(t, check.Err(s.admit(&Frame{Kind: Wait, Request: 4})), ErrFrame, "second wait of one request")
	admits(t, s, "a wait after a reply", &Frame{Kind: Wait, Request: 3}, good)
}

// impersonates returns a call of NtSetInformationThread that sets a token. Token 0 reverts. The JSON form has every
// field.
func impersonates(to form, token winnt.Handle) *Frame {
	row := Rows()[nt.NtTable.Find("NtSetInformationThread").Info().Number]
	in := nt.SetInformationThreadIn{ThreadHandle: winnt.NtCurrentThread, ThreadInformationLength: 8,
		ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformation: nt.Cap(token)}
	f := &Frame{Kind: Call, Service: row.Service, Body: check.Must(row.AppendCall(nil, in, true))}
	if to == inJSON {
		f.Body = fmt.Appendf(nil, `{"Why":true,"In":%s}`, check.Must(row.AppendInJSON(nil, in)))
	}
	return f
}

// TestEndingRequestsHaveReserve checks that a connection without quota, or at its limits, still ends impersonations and
// threads, up to MaxEnding at a time, and that a reply frees its slot (W-8).
func TestEndingRequestsHaveReserve(t *testing.T) {
	calls, poor := NewServer(nil, nil), NewServer(nil, limited{block: quota.NewBlock(nil, 1, false)})
	for range MaxPending {
		admits(t, calls, "call", &Frame{Kind: Call}, good)
	}
	admits(t, poor, "the free bytes", &Frame{Kind: Call, Body: make([]byte, freeBytes-frameSize)}, good)
	for s, over := range map[*Server]ntstatus.Status{calls: full, poor: ntstatus.QuotaExceeded} {
		ends := func(kind Kind, n int) *Frame { return &Frame{Kind: kind, Body: make([]byte, n)} }
		first := ends(Restore, maxEndingBody)
		admits(t, s, "a ticket that is too long", ends(Restore, maxEndingBody+1), over)
		for _, s.form = range []form{inJSON, inBinary} {
			admits(t, s, "an impersonation", impersonates(s.form, 8), over)
			revert := impersonates(s.form, 0)
			admits(t, s, "RevertToSelf", revert, good)
			s.done(revert)
			revert.Kind = Then
			admits(t, s, "an end that depends on another call", revert, over)
		}
		admits(t, s, "the end of an impersonation", first, good)
		for range MaxEnding - 1 {
			admits(t, s, "the end of a thread", ends(EndThread, 1), good)
		}
		admits(t, s, "one above MaxEnding", ends(EndThread, 1), over)
		s.done(first)
		admits(t, s, "another call", ends(Save, 1), over)
		admits(t, s, "the end of a thread after an answer", ends(EndThread, 1), good)
	}
}

// TestCancelPrecedesLaterChange checks that a cancelled wait does not make its call again for a change that comes after
// the cancel, such as the close of its handle, whose value can then be that of another object (W-20).
func TestCancelPrecedesLaterChange(t *testing.T) {
	w := newWorker(NewServer(nil, nil), nil)
	closed, open := make(chan struct{}), make(chan struct{})
	close(closed)
	for _, changes := range [][]<-chan struct{}{{closed}, {open, closed}} {
		check.That(t, w.changed(&waiting{cancelled: open}, changes), "%d objects: a change does not end the wait",
			len(changes))
		for range 64 {
			check.RequireThat(t, !w.changed(&waiting{cancelled: closed}, changes), "%d objects: the call is made again",
				len(changes))
		}
	}
}
