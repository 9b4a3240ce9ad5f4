package client

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// closing is the service that most tests call.
var closing = nt.NtTable.Find("NtClose")

// row returns the wire encoding of a service.
func row(r *nt.Row) *wire.Row { return wire.Rows()[r.Info().Number] }

// Each request is one frame with its kind, thread and body, and a new request number. The caller gets the status of
// the answer.
func TestEachRequestIsOneFrame(t *testing.T) {
	s := newScripted(t)
	of := &thread{s.Conn, 7} // not the connection's first thread
	th := nt.NewRemoteThread(of, "seventh")
	refused := func(st ntstatus.Status, err error) bool { return errors.Is(err, st.Err()) }
	const st = ntstatus.ObjectTypeMismatch
	last := uint64(0)
	for name, c := range map[string]struct {
		kind   wire.Kind
		thread uint32
		body   []byte
		call   func() bool
	}{
		"thread": {wire.NewThread, 0, nil, func() bool { _, err := s.NewThread(); return refused(st, err) }},
		"transport": {wire.NewThread, 0, nil, func() bool {
			tr, err := s.NewTransport()
			return tr == nil && refused(st, err)
		}},
		"thread of a thread": {wire.NewThread, 0, nil, func() bool {
			tr, name, got := of.NewThread()
			return tr == nil && name == "" && got == st
		}},
		"save":    {wire.Save, 7, nil, func() bool { k, got := of.SaveImpersonation(); return k == 0 && got == st }},
		"inspect": {wire.Inspect, 1, []byte("q"), func() bool { _, err := s.Inspect([]byte("q")); return refused(st, err) }},
		"inspect as": {wire.Inspect, 7, []byte("q"), func() bool {
			_, err := s.InspectAs(th, []byte("q"))
			return refused(st, err)
		}},
		"accounts": {wire.Administer, 0, []byte("who"), func() bool {
			_, err := s.Administer([]byte("who"))
			return refused(st, err)
		}},
		"port": {wire.Connected, 7, wire.AppendHandle(nil, 12), func() bool {
			b, n, got := of.PortConnected(12)
			return b == nil && n == 0 && got == st
		}},
		"any": {wire.WaitAny, 7, wire.AppendAny(nil, []winnt.Handle{4, 8}, true),
			func() bool { return of.WaitAny([]winnt.Handle{4, 8}, true, nil) == st }},
		"any, not alertable": {wire.WaitAny, 7, wire.AppendAny(nil, []winnt.Handle{4}, false),
			func() bool { return of.WaitAny([]winnt.Handle{4}, false, nil) == st }},
		"refill": {wire.ReplaceContents, 7, wire.AppendReplaceContents(nil, 4, 8),
			func() bool { return s.Refill(th, 4, 8) == st }},
		"attach": {wire.Attach, 1, wire.AppendAttach(nil, 4, ""), func() bool {
			f, err := s.Attach(4)
			return f == nil && refused(st, err)
		}},
		"attach as": {wire.AttachAs, 1, wire.AppendAttach(nil, 4, ""), func() bool {
			f, uid, err := s.AttachAs(4)
			return f == nil && uid == 0 && refused(st, err)
		}},
		"descriptor": {wire.HandOut, 7, wire.AppendHandle(nil, 4), func() bool {
			f, err := s.File(th, 4)
			return f == nil && refused(st, err)
		}},
	} {
		f := s.once(c.kind, st, nil, func() {
			check.That(t, c.call(), "%s: the call does not return only the status of the answer, %v", name, st)
		})
		check.That(t, f.Thread == c.thread && f.Service == 0 && bytes.Equal(f.Body, c.body),
			"%s: frame with thread %d, service %d, body % x; want thread %d, service 0, body % x", name, f.Thread, f.Service,
			f.Body, c.thread, c.body)
		check.That(t, f.Request > last, "%s: request number %d, want more than %d", name, f.Request, last)
		last = f.Request
	}
	s.checkAlive()
}

// The caller gets the values of the answer.
func TestCallerGetsAnswersValues(t *testing.T) {
	s := newScripted(t)
	of := s.carrier()
	made := append([]byte{9, 0, 0, 0, 3, 0, 0, 0}, "new"...) // thread 9 and its name
	s.once(wire.NewThread, 0, made, func() {
		if th, err := s.NewThread(); err != nil || th.Name() != "new" || th.Transport().(*thread).number != 9 {
			t.Errorf(`NewThread: %+v, %v; want thread 9 with the name "new", nil`, th, err)
		}
	})
	s.once(wire.NewThread, 0, made, func() {
		if tr, err := s.NewTransport(); err != nil || tr.(*thread).number != 9 {
			t.Errorf("NewTransport: %+v, %v; want thread 9, nil", tr, err)
		}
	})
	s.once(wire.NewThread, 0, made, func() {
		tr, name, st := of.NewThread()
		check.That(t, st == 0 && name == "new" && tr.(*thread).number == 9,
			`thread.NewThread: %+v, %q, %v; want thread 9, "new", %v`, tr, name, st, ntstatus.Success)
	})
	s.once(wire.Inspect, 0, []byte("a"), func() {
		if b, err := s.Inspect(nil); string(b) != "a" || err != nil {
			t.Errorf(`Inspect: %q, %v; want "a", nil`, b, err)
		}
	})
	s.once(wire.Administer, 0, []byte("b"), func() {
		if b, err := s.Administer(nil); string(b) != "b" || err != nil {
			t.Errorf(`Administer: %q, %v; want "b", nil`, b, err)
		}
	})
	s.once(wire.Connected, 0, []byte{2, 0, 0, 0, 'h', 'i', 40, 0, 0, 0}, func() {
		if b, n, st := of.PortConnected(4); string(b) != "hi" || n != 40 || st != 0 {
			t.Errorf(`PortConnected: %q, %d, %v; want "hi", 40, %v`, b, n, st, ntstatus.Success)
		}
	})
	s.once(wire.WaitAny, 3, nil, func() {
		check.Equal(t, of.WaitAny(nil, false, nil), 3, "WaitAny")
	})
	s.checkAlive()
}

// An answer that cannot be decoded ends the connection, because the client can no longer assign later answers to
// requests (W-9).
func TestMalformedAnswerEndsConnection(t *testing.T) {
	for name, c := range map[string]struct {
		kind wire.Kind
		call func(*scripted) bool
	}{
		"thread": {wire.NewThread, func(s *scripted) bool {
			th, err := s.NewThread()
			return th == nil && errors.Is(err, wire.ErrValue)
		}},
		"thread of a thread": {wire.NewThread, func(s *scripted) bool {
			tr, _, st := s.carrier().NewThread()
			return tr == nil && st == ntstatus.PortDisconnected
		}},
		"save": {wire.Save, func(s *scripted) bool {
			k, st := s.carrier().SaveImpersonation()
			return k == 0 && st == ntstatus.PortDisconnected
		}},
		"port": {wire.Connected, func(s *scripted) bool {
			b, n, st := s.carrier().PortConnected(4)
			return b == nil && n == 0 && st == ntstatus.PortDisconnected
		}},
		"call": {wire.Call, func(s *scripted) bool {
			out, st, why := s.carrier().Call(nt.NtTable.Find("NtOpenEvent"), nt.OpenEventIn{}, false)
			return out == nt.EventOut{} && st == ntstatus.PortDisconnected && why.Rule == "W-9"
		}},
		"contents": {wire.ReadAs, func(s *scripted) bool {
			r, st := s.ReadFileAs(s.first, 4, nt.CreateFileIn{}, 10, nil)
			return r.FileHandle == 0 && r.Data == nil && st == ntstatus.PortDisconnected
		}},
		"file": {wire.CallWith, func(s *scripted) bool {
			out, f, st := s.OpenFile(s.first, nt.CreateFileIn{})
			return out == nt.CreateFileOut{} && f == nil && st == ntstatus.PortDisconnected
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.once(c.kind, ntstatus.Success, []byte{1, 2, 3}, func() {
				check.That(t, c.call(s), "the call did not fail for a malformed answer")
			})
			s.checkLost(wire.ErrValue)
		})
	}
}

// A frame that is not an answer, or an answer to an unknown request, ends the connection. All waiting callers get an
// error.
func TestUnexpectedFrameEndsConnection(t *testing.T) {
	for name, c := range map[string]struct {
		f    wire.Frame
		want error
	}{
		"no answer":     {wire.Frame{Kind: wire.Call, Request: 1}, wire.ErrFrame},
		"other request": {wire.Frame{Kind: wire.Answer, Request: 2, Body: status(0)}, wire.ErrFrame},
		"half a head":   {wire.Frame{Kind: wire.Answer, Request: 1, Body: []byte{1}}, wire.ErrValue},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.concurrently(func() {
				s.next(wire.Call)
				s.write(&c.f)
			}, func() {
				out, st, why := s.carrier().Call(closing, nt.CloseIn{Handle: 4}, true)
				check.That(t, out == (nt.CloseOut{}) && st == ntstatus.PortDisconnected && why.Rule == "W-9" && why.Because != "",
					"Call: %v, %v, %+v; want zero outputs, %v and a reason by rule W-9", out, st, why, ntstatus.PortDisconnected)
			})
			s.checkLost(c.want)
		})
	}
}

// A call uses the daemon's number for its service and returns the answer's outputs and reason. A service that the
// daemon does not have is not sent (W-5), nor a parameter without an encoding (W-6).
func TestCallUsesDaemonsServiceNumber(t *testing.T) {
	s := newScripted(t)
	const number = 513 // the daemon's number
	s.services["NtClose"] = number
	for _, why := range []bool{false, true} {
		f := s.once(wire.Call, ntstatus.InvalidHandle, nil, func() {
			out, st, reason := s.carrier().Call(closing, nt.CloseIn{Handle: 4}, why)
			check.That(t, out == (nt.CloseOut{}) && st == ntstatus.InvalidHandle && reason == (nt.Why{}),
				"Call of NtClose: %v, %v, %+v; want zero outputs, %v, no reason", out, st, reason, ntstatus.InvalidHandle)
		})
		want, err := row(closing).AppendCall(nil, nt.CloseIn{Handle: 4}, why)
		check.That(t, err == nil && f.Service == number && f.Thread == 1 && bytes.Equal(f.Body, want),
			"frame of NtClose: service %d, thread %d, body % x, %v; want service %d, thread 1, body % x", f.Service, f.Thread,
			f.Body, err, number, want)
	}
	s.concurrently(func() {
		because := append(status(ntstatus.AccessDenied)[:4], 1, 1, 0, 0, 0, 'R', 0, 0, 0, 0, 0, 0, 0, 0, 0)
		s.write(&wire.Frame{Kind: wire.Answer, Request: s.next(wire.Call).Request, Body: because})
	}, func() {
		out, st, reason := s.carrier().Call(closing, nt.CloseIn{Handle: 4}, true)
		check.That(t, out == (nt.CloseOut{}) && st == ntstatus.AccessDenied && reason == nt.Why{Rule: "R"},
			"Call of NtClose: %v, %v, %+v; want zero outputs, %v, rule R", out, st, reason, ntstatus.AccessDenied)
	})
	open := nt.NtTable.Find("NtOpenEvent")
	s.once(wire.Call, ntstatus.Success, []byte{8, 0, 0, 0, 0, 0, 0, 0}, func() {
		out, st, _ := s.carrier().Call(open, row(open).NothingIn(), false)
		check.That(t, out == (nt.EventOut{EventHandle: 8}) && st == ntstatus.Success,
			"Call of NtOpenEvent: %+v, %v; want handle 8, %v", out, st, ntstatus.Success)
	})
	set := nt.SetInformationTokenIn{TokenInformation: nt.Cap[any](struct{}{})}
	out, st, why := s.carrier().Call(nt.NtTable.Find("NtSetInformationToken"), set, true)
	check.That(t, out == (nt.SetInformationTokenOut{}) && st == ntstatus.InvalidParameter && why.Rule == "W-6",
		"Call with a parameter that has no encoding: %v, %v, %+v; want zero outputs, %v, rule W-6", out, st, why,
		ntstatus.InvalidParameter)
	delete(s.services, "NtClose")
	if out, st, why := s.carrier().Call(closing, nt.CloseIn{}, true); out != (nt.CloseOut{}) ||
		st != ntstatus.NotSupported || why.Rule != "W-5" {
		t.Errorf("Call of a service that the daemon does not have: %v, %v, %+v; want zero outputs, %v, rule W-5", out,
			st, why, ntstatus.NotSupported)
	}
	s.checkAlive()
}

// A request may have the maximal length, but not one byte more (W-2).
func TestRequestBeyondMaximumLengthIsRejected(t *testing.T) {
	s := newScripted(t)
	f := s.once(wire.Administer, 0, nil, func() {
		check.Equal(t, check.Err(s.Administer(make([]byte, MaxRequest))), nil, "Administer with %d bytes", MaxRequest)
	})
	check.That(t, len(f.Body) == MaxRequest, "the daemon received %d bytes, want %d", len(f.Body), MaxRequest)
	b, err := s.Administer(make([]byte, MaxRequest+1))
	check.That(t, b == nil && err != nil, "Administer with %d bytes: %q, %v; want nil, an error", MaxRequest+1, b, err)
	write := nt.NtTable.Find("NtWriteFile")
	in := nt.WriteFileIn{Buffer: nt.Cap([]byte{})}
	short := check.Must(row(write).AppendCall(nil, in, false))
	in.Buffer = nt.Cap(slices.Repeat([]byte{1}, wire.MaxBody-len(short)))
	s.once(wire.Call, ntstatus.EndOfFile, nil, func() {
		if _, st, _ := s.carrier().Call(write, in, false); st != ntstatus.EndOfFile {
			t.Errorf("NtWriteFile with the longest body: %v, want %v", st, ntstatus.EndOfFile)
		}
	})
	in.Buffer = nt.Cap(slices.Repeat([]byte{1}, wire.MaxBody-len(short)+1))
	if _, st, why := s.carrier().Call(write, in, true); st != ntstatus.InvalidParameter || why.Rule != "W-6" {
		t.Errorf("NtWriteFile with a body one byte too long: %v, %+v; want %v, rule W-6", st, why,
			ntstatus.InvalidParameter)
	}
	s.checkAlive()
}

// Every request on a lost connection returns an error and zero values, and none blocks (W-9).
func TestLostConnectionFailsCalls(t *testing.T) {
	s := newScripted(t)
	of := s.carrier()
	_ = s.Close()
	read := nt.NtTable.Find("NtReadFile")
	for name, got := range map[string][]any{
		"port": list(of.PortConnected(4)), "save": list(of.SaveImpersonation()), "thread": list(of.NewThread()),
		"call": list(of.Call(closing, nt.CloseIn{Handle: 4}, true)),
		"any":  list(of.WaitAny(nil, false, make(chan struct{}))),
		"wait": list(of.CallWhenReady(closing, nt.CloseIn{}, nt.Wait{Closed: make(chan struct{})})),
		"file": list(s.OpenFile(s.first, nt.CreateFileIn{})), "refill": list(s.Refill(s.first, 4, 8)),
		"read as": list(s.ReadFileAs(s.first, 4, nt.CreateFileIn{}, 1, nil)),
		"open as": list(s.OpenFileAs(s.first, 4, nt.CreateFileIn{CreateDisposition: winnt.FILE_OPEN})),
		"later":   list(of.CallLater(read, nt.ReadFileIn{}, &nt.Later{})), "inspect": list(s.Inspect(nil)),
		"accounts": list(s.Administer(nil)), "attach": list(s.Attach(4)), "attach as": list(s.AttachAs(4)),
		"transport": list(s.NewTransport()), "descriptor": list(s.File(s.first, 4)),
	} {
		failed := false
		for _, v := range got {
			switch v := v.(type) {
			case ntstatus.Status:
				failed = true
				check.Equal(t, v, ntstatus.PortDisconnected, "%s on a lost connection", name)
			case nt.Why:
				check.That(t, v.Rule == "W-9" && v.Because == ErrClosed.Error() && v.Object == "" && v.Explanation == nil,
					"%s on a lost connection: reason %+v, want rule W-9 because of %v", name, v, ErrClosed)
			case error:
				failed = true
				check.ErrorIs(t, v, ErrClosed, "%s on a lost connection", name)
			default:
				if x := reflect.ValueOf(v); x.IsValid() && !x.IsZero() {
					t.Errorf("%s on a lost connection: result %+v, want the zero value", name, v)
				}
			}
		}
		check.That(t, failed, "%s on a lost connection: no error", name)
	}
	of.EndThread()
	of.RestoreImpersonation(1)
	s.checkLost(ErrClosed)
}

// list returns the results of a call as a list.
func list(v ...any) []any { return v }
