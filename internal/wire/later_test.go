package wire_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// laterCaller makes calls that may end later, as the thread of a client does besides its services.
type laterCaller interface {
	CallLater(*nt.Row, any, *nt.Later) (any, ntstatus.Status)
}

// overlapped is a pipe with one end that does not wait, and an event.
type overlapped struct {
	*testing.T
	c             *client.Conn
	tr            nt.Transport
	server, event winnt.Handle
	end           winnt.Handle
}

func overlap(t *testing.T, s *served) *overlapped {
	t.Helper()
	o := &overlapped{T: t, c: s.connect()}
	th := o.c.Thread()
	var st ntstatus.Status
	if o.event, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{Unnamed: true}, nt.NotificationEvent,
		false); st != ntstatus.Success {
		t.Fatal(st)
	}
	pipe := &nt.ObjectAttributes{ObjectName: `\??\pipe\later`}
	if o.server, st = th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{ObjectAttributes: nt.Cap(pipe),
		DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE, NamedPipeType: winnt.FILE_PIPE_MESSAGE_TYPE,
		ReadMode: 1, MaximumInstances: 1, InboundQuota: 100, OutboundQuota: 100}); !st.IsSuccess() {
		t.Fatal(st)
	}
	if o.end, st = th.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE, pipe, 0, 0); st != ntstatus.Success {
		t.Fatal(st)
	}
	var err error
	if o.tr, err = o.c.NewTransport(); err != nil {
		t.Fatal(err)
	}
	return o
}

// read begins a read that may end later.
func (o *overlapped) read(block uint64, done func(nt.IOResult)) ntstatus.Status {
	_, st := o.tr.(laterCaller).CallLater(nt.NtTable.Find("NtReadFile"), nt.ReadFileIn{FileHandle: o.server, Length: 16},
		&nt.Later{Event: o.event, IoStatusBlock: block, Done: done})
	return st
}

// TestLater: an operation ends after its call, and its event is seen to be signalled
// after its result has come; it can be cancelled by its name (W-55, I-135, I-136).
func TestLater(t *testing.T) {
	o := overlap(t, serve(t))
	results := make(chan nt.IOResult, 1)
	keep := func(r nt.IOResult) { results <- r }
	for range 20 {
		if st := o.read(1, keep); st != ntstatus.Pending {
			t.Fatal(st)
		}
		waited := make(chan int)
		go func() {
			waiter, err := o.c.NewTransport()
			if err != nil {
				t.Error(err)
			} else if st := waiter.(anyWaiter).WaitAny([]winnt.Handle{o.event}, false, nil); st != 0 {
				t.Error(st)
			}
			waited <- len(results)
		}()
		if _, st := o.c.Thread().NtWriteFile(o.end, []byte("hello")); st != ntstatus.Success {
			t.Fatal(st)
		}
		if n := <-waited; n != 1 {
			t.Fatal("the event was seen before the result")
		}
		if r := <-results; r.Status != ntstatus.Success || string(r.Data) != "hello" || r.Information != 5 {
			t.Fatalf("%+v", r)
		}
	}
	// what is there already is read at once, and told the same way
	if _, st := o.c.Thread().NtWriteFile(o.end, []byte("there")); st != ntstatus.Success {
		t.Fatal(st)
	}
	if st := o.read(1, keep); st != ntstatus.Success || len(results) != 1 {
		t.Fatalf("%s, %d results", st, len(results))
	}
	<-results
	if st := o.read(7, keep); st != ntstatus.Pending {
		t.Fatal(st)
	}
	cancel := nt.NtTable.Find("NtCancelIoFileEx")
	for block, want := range map[uint64]ntstatus.Status{8: ntstatus.NotFound, 7: ntstatus.Success} {
		_, st, _ := o.tr.Call(cancel, nt.CancelIoFileExIn{FileHandle: o.server, IoRequestToCancel: block}, false)
		if st != want {
			t.Errorf("cancel %d: %s, want %s", block, st, want)
		}
	}
	if r := <-results; r.Status != ntstatus.Cancelled {
		t.Errorf("cancelled: %+v", r)
	}
	event := o.event
	o.event = 4000
	if st := o.read(1, keep); st != ntstatus.InvalidHandle {
		t.Errorf("no event: %s", st)
	}
	o.event = event
	// one that is under way when the connection ends goes with it: serve looks for what is left
	if st := o.read(9, keep); st != ntstatus.Pending {
		t.Fatal(st)
	}
}

// TestLaterUnread: who ends an operation of a client does not wait for the client to
// read of it; the client still reads it later (W-55).
func TestLaterUnread(t *testing.T) {
	s := serve(t)
	s.greet()
	call := func(kind wire.Kind, head []byte, row string, in any) ntstatus.Status {
		t.Helper()
		r := wire.Rows()[nt.NtTable.Find(row).Info().Number]
		body, err := r.AppendCall(head, in, false)
		if err != nil {
			t.Fatal(err)
		}
		return s.status(&wire.Frame{Kind: kind, Request: 7, Thread: 1, Service: r.Service, Body: body})
	}
	pipe := nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\unread`, SecurityDescriptor: toEveryone.SecurityDescriptor})
	if st := call(wire.Call, nil, "NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{ObjectAttributes: pipe,
		DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE, NamedPipeType: winnt.FILE_PIPE_MESSAGE_TYPE,
		MaximumInstances: 1}); !st.IsSuccess() {
		t.Fatal(st)
	}
	other := s.join(alice).Thread()
	end, st := other.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE, pipe.V, 0, 0)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	if st := call(wire.Later, wire.AppendLater(nil, &nt.Later{}), "NtReadFile",
		nt.ReadFileIn{FileHandle: 4, Length: 16}); st != ntstatus.Pending {
		t.Fatal(st)
	}
	if _, st := other.NtWriteFile(end, []byte("hello")); st != ntstatus.Success {
		t.Fatal(st)
	}
	f := s.receive() // it fails where the write above waited until the connection was given up
	b, err := wire.DecodeEnded(f.Body)
	if f.Kind != wire.Ended || f.Request != 7 || err != nil || string(b.Data) != "hello" {
		t.Errorf("%+v, %+v, %v", f, b, err)
	}
}

// TestLaterRefused: a broken body, and a service that never ends later, end the
// connection (W-6).
func TestLaterRefused(t *testing.T) {
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body, err := row.AppendCall(wire.AppendLater(nil, &nt.Later{}), nt.CloseIn{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body []byte
		want error
	}{{[]byte{1}, wire.ErrValue}, {body, wire.ErrFrame}} {
		s := serve(t)
		s.greet()
		s.send(&wire.Frame{Kind: wire.Later, Request: 1, Thread: 1, Service: row.Service, Body: c.body})
		if err := s.ended(); !errors.Is(err, c.want) {
			t.Errorf("%x: %v, want %v", c.body, err, c.want)
		}
	}
}
