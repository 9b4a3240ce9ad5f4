package wire_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

const alice = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`

var toEveryone = nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")}

// TestWaitsEndWithTheirConnection ends calls that wait: by a deadline, by closing the pipe, by
// closing the listener, and with the connection (W-20, W-12).
func TestWaitsEndWithTheirConnection(t *testing.T) {
	s := serve(t)
	server := s.connect()
	l := check.Must(server.Thread().ListenPipe("orders", toEveryone))
	other := s.join(alice)
	c := check.Must(other.Thread().DialPipe("orders", nil))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	check.ErrorIs(t, check.Err(c.Read(make([]byte, 1))), os.ErrDeadlineExceeded, "read with a deadline")
	_ = c.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
	check.NoError(t, check.Err(c.Write([]byte("beside a read that waits"))))
	_ = c.Close()
	check.ErrorIs(t, <-ended, net.ErrClosed, "read of a closed pipe")
	check.NoError(t, check.Err(l.AcceptPipe()))
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	_ = l.Close()
	check.ErrorIs(t, <-ended, net.ErrClosed, "accept on a closed listener")
	l = check.Must(server.Thread().ListenPipe("more", toEveryone))
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	_ = server.Close()
	if err := <-ended; !errors.Is(err, ntstatus.PortDisconnected.Err()) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a lost connection: %v, want STATUS_PORT_DISCONNECTED or a closed connection", err)
	}
}

// does calls a row by its name and fails the test unless the call succeeds.
func does[O any](t *testing.T, th *nt.Thread, row string, in any) O {
	t.Helper()
	out, st := th.CallRow(nt.NtTable.Find(row), in)
	check.RequireThat(t, st.IsSuccess(), "calling %s: %s, want success", row, st)
	return out.(O)
}

// A client of a port waits until the server has completed the connection, and gets its data or the refusal (W-41).
func TestPortClientWaitsForCompletion(t *testing.T) {
	s := serve(t)
	c := s.connect()
	th := c.Thread()
	tr := check.Must(c.NewTransport())
	joining := check.Must(c.NewThread())
	serving := check.Must(c.NewTransport())
	waiter := tr.(interface {
		PortConnected(winnt.Handle) ([]byte, uint32, ntstatus.Status)
	})
	port := does[nt.PortOut](t, th, "NtCreatePort", nt.CreatePortIn{MaxMessageLength: 100,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\orders`})}).PortHandle
	for want, refuse := range map[string]bool{
		"STATUS_SUCCESS: welcome 100 STATUS_SUCCESS":        false,
		"STATUS_SUCCESS:  0 STATUS_PORT_CONNECTION_REFUSED": true,
	} {
		result := make(chan string)
		go func() {
			out, st := joining.CallRow(nt.NtTable.Find("NtConnectPort"), nt.ConnectPortIn{PortName: `\orders`,
				SecurityQos: nt.Cap(&nt.SecurityQualityOfService{})})
			said, longest, connected := waiter.PortConnected(out.(nt.PortOut).PortHandle)
			result <- fmt.Sprintf("%s: %s %d %s", st, said, longest, connected)
		}()
		// The wait continues although STATUS_TIMEOUT, which means that the port has no message, is not a failure
		// (W-20).
		out, st := serving.CallWhenReady(nt.NtTable.Find("NtListenPort"), nt.ListenPortIn{PortHandle: port},
			nt.Wait{Handle: port, NotYet: ntstatus.Timeout})
		m := out.(nt.ReplyWaitReceivePortOut)
		check.RequireThat(t, st == ntstatus.Success && m.Connecting,
			"received %+v, %s, want a request to connect and %s", m, st, ntstatus.Success)
		accepted := does[nt.PortOut](t, th, "NtAcceptConnectPort", nt.AcceptConnectPortIn{ConnectionPortHandle: port,
			ClientID: nt.Cap(&m.ClientID), MessageID: m.MessageID, Refuse: refuse,
			ConnectionInformation: nt.Cap([]byte("welcome"))}).PortHandle
		if !refuse {
			does[nt.CompleteConnectPortOut](t, th, "NtCompleteConnectPort", nt.CompleteConnectPortIn{PortHandle: accepted})
		}
		check.Equal(t, <-result, want, "client")
	}
	if _, _, st := waiter.PortConnected(4000); st != ntstatus.InvalidHandle {
		t.Errorf("waiting for an invalid port: %s, want %s", st, ntstatus.InvalidHandle)
	}
}

// A successful call has ended, even if the client lists success as a reason to wait; otherwise its result would be
// lost (W-20).
func TestSuccessEndsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		conn := check.Must(client.New(ours))
		tr := check.Must(conn.NewTransport())
		h := check.Result(conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, true))
		wait := func(notYet ntstatus.Status) ntstatus.Status {
			due := make(chan struct{})
			defer time.AfterFunc(time.Second, func() { close(due) }).Stop()
			_, st := tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
				nt.Wait{Handle: h, NotYet: notYet, Due: due})
			return st
		}
		check.Equal(t, wait(ntstatus.Success), ntstatus.Success, "first wait for the signalled event")
		check.Success(t, check.Status(conn.Thread().NtSetEvent(h)))
		check.Equal(t, wait(ntstatus.Timeout), ntstatus.Success, "second wait, whose signal the first one must leave")
		check.Equal(t, wait(ntstatus.Timeout), ntstatus.Cancelled, "third wait, after the signal was consumed")
		_ = conn.Close()
	})
}

// TestTwoCancelsEndWaitOnce checks that a wait that two calls cancel concurrently ends once, and that both calls get
// a reply (W-20).
func TestTwoCancelsEndWaitOnce(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	check.Success(t, s.status(call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{})})))
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
			check.NoError(t, err)
			got[f.Request] = head.Status
		}
		check.RequireThat(t, len(got) == 3 && got[wait.Request] == ntstatus.Cancelled,
			"round %d: statuses %v, want 3 with %v for the wait", i, got, ntstatus.Cancelled)
	}
}

// TestThreadEndCancelsWaitingCall checks that the end of a thread ends its waiting call with STATUS_CANCELLED, and
// leaves that of another thread (W-20).
func TestThreadEndCancelsWaitingCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		conn := check.Must(client.New(ours))
		h := check.Result(conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false))
		var threads [2]nt.Transport
		waited := [2]chan ntstatus.Status{make(chan ntstatus.Status, 1), make(chan ntstatus.Status, 1)}
		for i := range threads {
			threads[i] = check.Must(conn.NewTransport())
			go func() {
				_, st := threads[i].CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"),
					nt.WaitForSingleObjectIn{Handle: h}, nt.Wait{Handle: h, NotYet: ntstatus.Timeout})
				waited[i] <- st
			}()
		}
		synctest.Wait()
		threads[0].EndThread()
		synctest.Wait()
		select {
		case st := <-waited[0]:
			check.Equal(t, st, ntstatus.Cancelled, "wait of the ended thread")
		default:
			t.Error("the wait of the ended thread has not ended, want STATUS_CANCELLED")
		}
		check.That(t, len(waited[1]) == 0, "%d waits of the other thread ended, want 0", len(waited[1]))
		check.Success(t, check.Status(conn.Thread().NtSetEvent(h)))
		check.Equal(t, <-waited[1], ntstatus.Success, "wait of the other thread")
		_ = conn.Close()
	})
}

// signals is a process in which an object is signalled while a call checks it.
type signals struct {
	process
	event winnt.Handle
	done  bool // used by the calls of one thread
}

// Wants is called between the call and the wait.
func (s *signals) Wants(st ntstatus.Status) bool {
	if st != ntstatus.Timeout || s.done {
		return false
	}
	s.done = true
	if th, err := s.NewThread(); err == nil {
		_, _ = th.NtSetEvent(s.event)
		th.Close()
	}
	return false
}

func (s *signals) Called(*nt.Thread, *nt.Call, int) {}

// TestChangeAfterPendingReplyEndsWait checks that a change right after a call returned "pending" ends the wait (W-20).
func TestChangeAfterPendingReplyEndsWait(t *testing.T) {
	var p *signals
	s := serveAs(t, func(inner process) wire.Process { p = &signals{process: inner}; return p })
	c := s.connect()
	defer c.Close()
	tr := check.Must(c.NewTransport())
	h, st := c.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
	check.Success(t, st)
	p.event = h
	due := make(chan struct{})
	defer time.AfterFunc(30*time.Second, func() { close(due) }).Stop()
	_, st = tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
		nt.Wait{Handle: h, NotYet: ntstatus.Timeout, Due: due})
	check.Equal(t, st, ntstatus.Success, "a wait for an object that is signalled during its check")
}

// TestLargeWriteWaits checks that a write of more than the quota waits at the server until the rest fits, and that,
// if cancelled, it returns how much the other end has read (I-152, W-20). The watcher gets each write at its end
// (W-28).
func TestLargeWriteWaits(t *testing.T) {
	n := &noting{wants: func(ntstatus.Status) bool { return true }}
	s := serveAs(t, func(p process) wire.Process { n.process = p; return n })
	l := check.Must(s.join(`{"user":"SY","groups":["WD"]}`).Thread().ListenPipe("orders", toEveryone))
	defer l.Close()
	writer := s.connect()
	c := check.Must(writer.Thread().DialPipe("orders", nil))
	r := check.Must(l.AcceptPipe())
	defer r.Close()
	const size = 100_000
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Write(make([]byte, size)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write without a reader = %d bytes, %v, want 0 and a deadline error", n, err)
	}
	type ended struct {
		n   int
		err error
	}
	done := make(chan ended, 1)
	_ = c.SetWriteDeadline(time.Time{})
	write := func() {
		n, err := c.Write(make([]byte, size))
		done <- ended{n, err}
	}
	go write()
	check.NoError(t, check.Err(io.ReadFull(r, make([]byte, size))))
	if e := <-done; e.n != size || e.err != nil {
		t.Errorf("write after the reader took everything = %+v, want %d bytes, no error", e, size)
	}
	go write()
	check.NoError(t, check.Err(io.ReadFull(r, make([]byte, 7))))
	_ = c.SetWriteDeadline(time.Unix(1, 0))
	if e := <-done; e.n != 7 || !errors.Is(e.err, os.ErrDeadlineExceeded) {
		t.Errorf("write with a deadline after 7 bytes were read = %+v, want 7 bytes, %v", e, os.ErrDeadlineExceeded)
	}
	_, _ = c.Close(), writer.Close()
	check.NoError(t, s.awaitEnd())
	var got []string
	for i, call := range n.calls {
		if in, ok := call.In.(nt.WriteFileIn); ok {
			got = append(got, fmt.Sprint(call.Thread, " ", call.Row.Info().Name, " ", len(in.Buffer.V), " ", call.Out, " ",
				call.Status, " ", n.sizes[i]-len(in.Buffer.V)))
		}
	}
	// The sizes are those of the wait, the call without its data, and the output: 12+25+4 bytes.
	check.SlicesEqual(t, got, []string{"client/2 NtWriteFile 100000 {0} STATUS_CANCELLED 41",
		"client/2 NtWriteFile 100000 {100000} STATUS_SUCCESS 41", "client/2 NtWriteFile 100000 {7} STATUS_CANCELLED 41"},
		"W-28: writes that the watcher got")
}
