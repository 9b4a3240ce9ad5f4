package client

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// reading is the service of the calls that may complete later.
var reading = nt.NtTable.Find("NtReadFile")

// pack encodes the state of an operation: four flags, the status, the data and the information.
func pack(ended, notified, synchronous, alertable byte, st ntstatus.Status, data string, information byte) []byte {
	b := append([]byte{ended, notified, synchronous, alertable}, status(st)[:4]...)
	b = append(append(b, byte(len(data)), 0, 0, 0), data...)
	return append(b, information, 0, 0, 0, 0, 0, 0, 0)
}

// results collects the arguments of Done.
type results []nt.IOResult

func (r *results) later() *nt.Later {
	return &nt.Later{Event: 4, ApcRoutine: 5, ApcContext: 6, IoStatusBlock: 7, Waits: true,
		Done: func(x nt.IOResult) { *r = append(*r, x) }}
}

// An operation that completes immediately calls Done first and then reports this to the daemon, unless the answer
// says that it was signalled already (W-90). Otherwise its outputs are in the answer.
func TestImmediateOperationCallsDone(t *testing.T) {
	done := nt.IOResult{Status: ntstatus.EndOfFile, Data: []byte("ab"), Information: 2}
	const output = "\x03\x00\x00\x00xyz" // three bytes
	for name, c := range map[string]struct {
		rest                   []byte
		notified               bool // the client sends Confirm
		out                    string
		done                   results
		synchronous, alertable bool
	}{
		"empty":       {rest: nil},
		"outputs":     {rest: append(pack(0, 0, 0, 0, 0, "", 0), output...), out: "xyz"},
		"synchronous": {rest: append(pack(0, 0, 1, 0, 0, "", 0), output...), out: "xyz", synchronous: true},
		"alertable":   {rest: append(pack(0, 0, 0, 1, 0, "", 0), output...), out: "xyz", alertable: true},
		"ended":       {rest: pack(1, 0, 0, 0, ntstatus.EndOfFile, "ab", 2), notified: true, done: results{done}},
		"confirmed":   {rest: pack(1, 1, 1, 0, ntstatus.EndOfFile, "ab", 2), done: results{done}, synchronous: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			var got results
			l := got.later()
			want := check.Must(row(reading).AppendCall(wire.AppendLater(nil, l), nt.ReadFileIn{FileHandle: 8}, false))
			s.concurrently(func() {
				f := s.next(wire.Begin)
				if !bytes.Equal(f.Body, want) || f.Thread != 1 || f.Service != s.services["NtReadFile"] {
					t.Errorf("frame of the call: thread %d, service %d, body % x; want thread 1, service %d, "+
						"body % x", f.Thread, f.Service, f.Body, s.services["NtReadFile"], want)
				}
				s.reply(f, ntstatus.BufferOverflow, c.rest)
				if c.notified {
					frame := s.next(wire.Confirm)
					check.That(t, bytes.Equal(frame.Body, wire.AppendOperation(nil, f.Request)) && len(got) == 1,
						"Confirm: body % x after %d results, want the operation's number after one", frame.Body, len(got))
					s.reply(frame, 0, nil)
				}
			}, func() {
				out, st := s.carrier().CallLater(reading, nt.ReadFileIn{FileHandle: 8}, l)
				check.That(t, st == ntstatus.BufferOverflow && string(out.(nt.ReadFileOut).Buffer) == c.out,
					"CallLater: %+v, %v; want data %q, %v", out, st, c.out, ntstatus.BufferOverflow)
			})
			if !reflect.DeepEqual(got, c.done) || l.Over != nil || l.Synchronous != c.synchronous ||
				l.Alertable != c.alertable {
				t.Errorf("results %+v, synchronous %t, alertable %t; want %+v, %t, %t", got, l.Synchronous,
					l.Alertable, c.done, c.synchronous, c.alertable)
			}
			s.checkAlive()
		})
	}
}

// The client collects a pending operation by its number. It calls Done before it sends Confirm. If the collection
// fails, Done gets the status, except for a synchronous operation, whose caller reads Failure (W-90).
func TestPendingOperationIsCollected(t *testing.T) {
	for name, c := range map[string]struct {
		synchronous    byte
		head           ntstatus.Status
		rest           []byte
		failure        ntstatus.Status
		done           results
		notified, lost bool
	}{
		"ended": {rest: pack(1, 0, 0, 0, ntstatus.EndOfFile, "ab", 2), failure: ntstatus.EndOfFile, notified: true,
			done: results{{Status: ntstatus.EndOfFile, Data: []byte("ab"), Information: 2}}},
		"ended synchronously": {synchronous: 1, rest: pack(1, 1, 0, 0, ntstatus.EndOfFile, "ab", 2),
			failure: ntstatus.EndOfFile, done: results{{Status: ntstatus.EndOfFile, Data: []byte("ab"), Information: 2}}},
		"refused": {head: ntstatus.Cancelled, failure: ntstatus.Cancelled,
			done: results{{Status: ntstatus.Cancelled}}},
		"refused synchronously":   {synchronous: 1, head: ntstatus.Cancelled, failure: ntstatus.Cancelled},
		"confirmed by the daemon": {head: ntstatus.Cancelled, rest: pack(0, 1, 0, 0, 0, "", 0), failure: ntstatus.Cancelled},
		"malformed": {rest: []byte{1, 2}, failure: ntstatus.PortDisconnected, lost: true,
			done: results{{Status: ntstatus.PortDisconnected}}},
		"malformed synchronously": {synchronous: 1, rest: []byte{1, 2}, failure: ntstatus.PortDisconnected, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			var got results
			l := got.later()
			s.concurrently(func() {
				f := s.next(wire.Begin)
				s.reply(f, ntstatus.Pending, pack(0, 0, c.synchronous, 0, 0, "", 0))
				collect := s.next(wire.Collect)
				check.That(t, bytes.Equal(collect.Body, wire.AppendOperation(nil, f.Request)),
					"Collect: body % x, want the number of the operation", collect.Body)
				s.reply(collect, c.head, c.rest)
				if c.notified {
					frame := s.next(wire.Confirm)
					check.That(t, bytes.Equal(frame.Body, wire.AppendOperation(nil, f.Request)),
						"Confirm: body % x, want the number of the operation", frame.Body)
					s.reply(frame, 0, nil)
				}
			}, func() {
				out, st := s.carrier().CallLater(reading, nt.ReadFileIn{FileHandle: 8}, l)
				check.That(t, st == ntstatus.Pending && out.(nt.ReadFileOut).Buffer == nil,
					"CallLater: %+v, %v; want no data, %v", out, st, ntstatus.Pending)
				<-l.Over
			})
			check.That(t, reflect.DeepEqual(got, c.done) && l.Failure == c.failure && l.Synchronous == (c.synchronous == 1),
				"results %+v, failure %v, synchronous %t; want %+v, %v, %t", got, l.Failure, l.Synchronous, c.done, c.failure,
				c.synchronous == 1)
			if c.lost {
				s.checkLost(wire.ErrValue)
			} else {
				s.checkAlive()
			}
		})
	}
}

// The client rejects a call that is too long and a service that the daemon does not have. A malformed answer ends the
// connection. None of them calls Done.
func TestInvalidLaterCallsNeverCallDone(t *testing.T) {
	s := newScripted(t)
	var got results
	long := nt.WriteFileIn{Buffer: nt.Cap(make([]byte, wire.MaxBody))}
	if _, st := s.carrier().CallLater(nt.NtTable.Find("NtWriteFile"), long, got.later()); st != ntstatus.InvalidParameter {
		t.Errorf("CallLater with a body that is too long: %v, want %v", st, ntstatus.InvalidParameter)
	}
	number := s.services["NtReadFile"]
	delete(s.services, "NtReadFile")
	check.Equal(t, check.Status(s.carrier().CallLater(reading, nt.ReadFileIn{}, got.later())), ntstatus.NotSupported,
		"CallLater of a service that the daemon does not have")
	s.services["NtReadFile"] = number
	s.checkAlive()
	s.once(wire.Begin, 0, append(pack(0, 0, 1, 1, 0, "", 0), 1, 2), func() { // two bytes of a longer field
		l := got.later()
		out, st := s.carrier().CallLater(reading, nt.ReadFileIn{}, l)
		if st != ntstatus.PortDisconnected || out.(nt.ReadFileOut).Buffer != nil || l.Synchronous || l.Alertable {
			t.Errorf("CallLater with a truncated output: %+v, %v, synchronous %t, alertable %t; want no data, "+
				"%v, false, false", out, st, l.Synchronous, l.Alertable, ntstatus.PortDisconnected)
		}
	})
	if s.checkLost(wire.ErrValue); len(got) != 0 {
		t.Errorf("Done was called with %+v, want no call", got)
	}
}
