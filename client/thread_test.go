package client

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// closedChannel returns a closed channel.
func closedChannel() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

// Either channel cancels a waiting call by its number. The client still waits for the call's answer, and returns a
// result that arrives (W-20).
func TestCancelWaitsForAnswer(t *testing.T) {
	never := make(chan struct{})
	wait := func(s *scripted, closed, due <-chan struct{}) ntstatus.Status {
		w := nt.Wait{Handle: 12, NotYet: ntstatus.PipeEmpty, Closed: closed, Due: due}
		_, st := s.carrier().CallWhenReady(closing, nt.CloseIn{Handle: 4}, w)
		return st
	}
	for name, c := range map[string]struct {
		kind wire.Kind
		call func(*scripted) ntstatus.Status
	}{
		"closed": {wire.Wait, func(s *scripted) ntstatus.Status { return wait(s, closedChannel(), never) }},
		"no due": {wire.Wait, func(s *scripted) ntstatus.Status { return wait(s, closedChannel(), nil) }},
		"due":    {wire.Wait, func(s *scripted) ntstatus.Status { return wait(s, never, closedChannel()) }},
		"any": {wire.WaitAny, func(s *scripted) ntstatus.Status {
			return s.carrier().WaitAny([]winnt.Handle{4}, false, closedChannel())
		}},
	} {
		for _, first := range []bool{false, true} { // whether the call is answered before Cancel
			for _, st := range []ntstatus.Status{ntstatus.Cancelled, ntstatus.Success} {
				s := newScripted(t)
				s.concurrently(func() {
					call := s.next(c.kind)
					cancel := s.next(wire.Cancel)
					if want := wire.AppendCancel(nil, call.Request); !bytes.Equal(cancel.Body, want) || cancel.Thread != 0 {
						t.Errorf("%s: Cancel with body % x, want % x", name, cancel.Body, want)
					}
					if first {
						s.reply(call, st, nil)
					}
					s.reply(cancel, ntstatus.InvalidHandle, nil) // must not become the status of the call
					if !first {
						s.reply(call, st, nil)
					}
				}, func() {
					check.Equal(t, c.call(s), st, "%s: the call", name)
				})
				s.checkAlive()
			}
		}
	}
}

// The end of an impersonation, also by NtSetInformationThread, and of a thread is one frame. If the daemon refuses it,
// the connection ends, so that no call can run as the client (W-8). A thread that has ended impersonates nobody.
func TestRefusedEndOfImpersonationEndsConnection(t *testing.T) {
	for _, st := range []ntstatus.Status{ntstatus.Success, ntstatus.InvalidCid, ntstatus.QuotaExceeded,
		ntstatus.InsufficientResources} {
		for kind, end := range map[wire.Kind]func(*thread){wire.EndThread: (*thread).EndThread,
			wire.Restore: func(th *thread) { th.RestoreImpersonation(9) },
			wire.Call: func(th *thread) {
				check.Equal(t, nt.NewRemoteThread(th, "").NtSetInformationThread(winnt.NtCurrentThread,
					nt.ThreadImpersonationToken, 0), st, "NtSetInformationThread")
			}} {
			s := newScripted(t)
			body, service := map[wire.Kind][]byte{wire.Restore: wire.AppendTicket(nil, 9)}[kind], uint16(0)
			f := s.once(kind, st, nil, func() { end(&thread{s.Conn, 7}) })
			if kind == wire.Call {
				service = s.services["NtSetInformationThread"]
				body = check.Must(row(nt.NtTable.Find("NtSetInformationThread")).AppendCall(nil, revert, false))
			}
			check.That(t, f.Thread == 7 && f.Service == service && bytes.Equal(f.Body, body), "frame %+v, want body % x", f,
				body)
			if st == ntstatus.Success || st == ntstatus.InvalidCid {
				s.checkAlive()
			} else {
				s.checkLost(st.Err())
			}
		}
	}
	s := newScripted(t)
	s.once(wire.Call, ntstatus.InsufficientResources, nil, func() { // begins an impersonation
		nt.NewRemoteThread(s.carrier(), "").NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 8)
	})
	s.checkAlive()
}

// A waiting call is one frame with its wait before the call, and does not request a reason. A lost connection ends it
// (W-9, W-20).
func TestWaitIsOneFrame(t *testing.T) {
	s := newScripted(t)
	want := check.Must(row(closing).AppendCall(wire.AppendWait(nil, 12, ntstatus.PipeEmpty), nt.CloseIn{Handle: 4}, false))
	wait := func() ntstatus.Status {
		_, st := s.carrier().CallWhenReady(closing, nt.CloseIn{Handle: 4},
			nt.Wait{Handle: 12, NotYet: ntstatus.PipeEmpty})
		return st
	}
	f := s.once(wire.Wait, ntstatus.InvalidHandle, nil, func() {
		check.Equal(t, wait(), ntstatus.InvalidHandle, "CallWhenReady")
	})
	check.That(t, bytes.Equal(f.Body, want) && f.Thread == 1 && f.Service == s.services["NtClose"],
		"frame of the wait: thread %d, service %d, body % x; want thread 1, body % x", f.Thread, f.Service, f.Body, want)
	s.concurrently(func() {
		s.next(wire.Wait)
		_ = s.end.Close()
	}, func() {
		check.Equal(t, wait(), ntstatus.PortDisconnected, "CallWhenReady when the connection is lost")
	})
	check.That(t, s.Err() != nil, "Err of the lost connection = nil, want an error")
}

// A nil thread and a thread of another connection are rejected, and nothing is sent.
func TestForeignThreadIsRejected(t *testing.T) {
	s, other := newScripted(t), newScripted(t)
	for _, th := range []*nt.Thread{nil, other.Thread()} {
		check.Equal(t, s.Refill(th, 4, 8), ntstatus.InvalidCid, "Refill with a foreign thread")
		check.Equal(t, check.Status(s.ReadFileAs(th, 4, nt.CreateFileIn{}, 1, nil)), ntstatus.InvalidCid,
			"ReadFileAs with a foreign thread")
		if o, st := s.OpenFileAs(th, 4, nt.CreateFileIn{}); st != ntstatus.InvalidCid || !o.Reverted {
			t.Errorf("OpenFileAs with a foreign thread: %+v, %v; want %v, reverted", o, st, ntstatus.InvalidCid)
		}
		if _, f, st := s.OpenFile(th, nt.CreateFileIn{}); st != ntstatus.InvalidCid || f != nil {
			t.Errorf("OpenFile with a foreign thread: %v, %v; want nil, %v", f, st, ntstatus.InvalidCid)
		}
		if f, err := s.File(th, 4); f != nil || err == nil {
			t.Errorf("File with a foreign thread: %v, %v; want nil, an error", f, err)
		}
		b, err := s.InspectAs(th, nil)
		check.That(t, b == nil && err != nil, "InspectAs with a foreign thread: %q, %v; want nil, an error", b, err)
	}
	s.checkAlive()
	other.checkAlive()
}

// Cancel has the number of the waiting call, not of a later one. A waiting call stops reading after its answer
// (W-20).
func TestCancelNamesItsCall(t *testing.T) {
	for _, closes := range []bool{false, true} {
		s := newScripted(t)
		s.checkAlive() // afterwards no caller reads for a while
		end, begun := make(chan struct{}), make(chan struct{})
		w := nt.Wait{Handle: 4, Due: end}
		if closes {
			w = nt.Wait{Handle: 4, Closed: end}
		}
		s.concurrently(func() {
			call := s.next(wire.Wait)
			close(begun)
			s.reply(s.next(wire.Save), 0, wire.AppendTicket(nil, 1))
			cancel := s.next(wire.Cancel)
			want := wire.AppendCancel(nil, call.Request)
			check.That(t, string(cancel.Body) == string(want), "Cancel with body % x, want % x", cancel.Body, want)
			s.reply(call, ntstatus.Cancelled, nil)
			s.reply(cancel, 0, nil)
		}, func() {
			over := make(chan ntstatus.Status)
			go func() {
				_, st := s.carrier().CallWhenReady(closing, nt.CloseIn{}, w)
				over <- st
			}()
			<-begun
			if _, st := (&thread{s.Conn, 2}).SaveImpersonation(); st != 0 {
				t.Errorf("SaveImpersonation during the wait: %v, want %v", st, ntstatus.Success)
			}
			close(end)
			check.Equal(t, <-over, ntstatus.Cancelled, "the cancelled call")
		})
	}
}
