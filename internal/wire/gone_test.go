package wire_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// pair is a server in the bubble of a synctest, prepared before it serves, with the
// client's end of its connection.
func pair(t *testing.T, prepare func(*wire.Server)) (*wire.Server, net.Conn, <-chan error) {
	t.Helper()
	sys := kernel.Boot(kernel.Config{})
	user, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("client", user)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	server, end := wire.NewServer(theirs, process{p, nt.Documented}), make(chan error, 1)
	prepare(server)
	go func() { end <- server.Serve() }()
	t.Cleanup(func() {
		_ = ours.Close()
		synctest.Wait()
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, ours, end
}

// TestEndIsSeen: a client learns at once that its connection is over, without a further
// call, however many it made before and from how many threads (W-9).
func TestEndIsSeen(t *testing.T) {
	for _, c := range []struct{ threads, calls int }{{1, 0}, {1, 1}, {1, 5}, {2, 1}, {3, 20}} {
		synctest.Test(t, func(t *testing.T) {
			server, ours, end := pair(t, func(*wire.Server) {})
			conn, err := client.New(ours)
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for range c.threads {
				th, err := conn.NewThread()
				if err != nil {
					t.Fatal(err)
				}
				all.Go(func() {
					for range c.calls {
						th.NtClose(4)
					}
				})
			}
			all.Wait()
			time.Sleep(time.Second)
			if err := conn.Err(); err != nil {
				t.Errorf("%+v: lost before its end: %v", c, err)
			}
			server.Stop()
			if err := <-end; err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if conn.Err() == nil {
				t.Errorf("%+v: the end of the connection is not seen", c)
			}
			_ = conn.Close()
		})
	}
}

// TestStopIsBounded: a client that does not read its answers holds a server that stops up
// no longer than the bound (W-19).
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, conn, end := pair(t, func(*wire.Server) {})
		for _, f := range []wire.Frame{{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})},
			{Kind: wire.NewThread, Request: 1}} {
			if _, err := conn.Write(wire.AppendFrame(nil, &f)); err != nil {
				t.Fatal(err)
			}
			if f.Kind == wire.Hello {
				if _, err := wire.ReadFrame(conn); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait() // the answer is being written
		begun := time.Now()
		server.Stop()
		if err := <-end; err != nil || time.Since(begun) != wire.StopTimeout {
			t.Errorf("stopped after %s with %v, want %s", time.Since(begun), err, wire.StopTimeout)
		}
		_, _ = io.Copy(io.Discard, conn)
	})
}

// TestSuccessIsTold: a call that succeeds is over, also where a client says that success
// means not yet: what it took would be lost (W-20).
func TestSuccessIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		conn, err := client.New(ours)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := conn.NewTransport()
		if err != nil {
			t.Fatal(err)
		}
		h, st := conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, true)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		wait := func(notYet ntstatus.Status) ntstatus.Status {
			due := make(chan struct{})
			defer time.AfterFunc(time.Second, func() { close(due) }).Stop()
			_, st := tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
				nt.Wait{Handle: h, NotYet: notYet, Due: due})
			return st
		}
		if st := wait(ntstatus.Success); st != ntstatus.Success {
			t.Errorf("an event that is signalled: %s", st)
		}
		if st := wait(ntstatus.Timeout); st != ntstatus.Cancelled {
			t.Errorf("and is not any more: %s", st)
		}
		_ = conn.Close()
	})
}

// TestCancelledTwice: a wait that is cancelled twice at once ends once, and both are answered
// (W-20).
func TestCancelledTwice(t *testing.T) {
	s := serve(t)
	s.greet()
	if st := s.status(call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{})})); st != ntstatus.Success {
		t.Fatal(st)
	}
	const event = 4 // the first handle of a process
	for i := range uint64(50) {
		wait := call(t, "NtWaitForSingleObject", nt.WaitForSingleObjectIn{Handle: event})
		wait.Kind, wait.Request = wire.Wait, 100+3*i
		wait.Body = append(wire.AppendWait(nil, event, ntstatus.Timeout), wait.Body...)
		s.send(wait)
		var twice []byte
		for n := range uint64(2) {
			twice = wire.AppendFrame(twice, &wire.Frame{Kind: wire.Cancel, Request: wait.Request + 1 + n,
				Body: wire.AppendCancel(nil, wait.Request)})
		}
		go func() { _, _ = s.conn.Write(twice) }()
		got := map[uint64]ntstatus.Status{}
		for range 3 {
			f := s.receive()
			head, _, err := wire.DecodeAnswer(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			got[f.Request] = head.Status
		}
		if len(got) != 3 || got[wait.Request] != ntstatus.Cancelled {
			t.Fatalf("round %d: %v", i, got)
		}
	}
}
