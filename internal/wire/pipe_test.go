package wire_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const alice = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`

var toEveryone = nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")}

// TestPipes holds a conversation over a named pipe between two connections: the
// server waits, reads, acts as the client, and its other calls go on meanwhile (W-20).
func TestPipes(t *testing.T) {
	s := serve(t)
	server := s.connect()
	l, err := server.Thread().ListenPipe("orders", toEveryone)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() { served <- serveOne(l, server.Thread()) }()
	c, err := s.join(alice).Thread().DialPipe("orders",
		&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	// Larger than the queue of the pipe: the writer waits for the reader (STATUS_PIPE_BUSY).
	question := strings.Repeat("who am I?", 20000)
	go func() {
		for at := 0; at < len(question); at += 4500 {
			_, _ = io.WriteString(c, question[at:at+4500])
		}
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "S-1-5-21-1-2-3-1107 asked 180000 bytes" {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func serveOne(l *nt.PipeListener, th *nt.Thread) error {
	c, err := l.AcceptPipe()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.CopyN(io.Discard, c, 180000); err != nil {
		return err
	}
	revert, err := c.ImpersonateClient(th)
	if err != nil {
		return err
	}
	defer revert()
	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	if st != ntstatus.Success {
		return st.Err()
	}
	user, st := th.NtQueryInformationToken(h, winnt.TokenUser)
	if st != ntstatus.Success {
		return st.Err()
	}
	_, err = io.WriteString(c, user.(token.Group).SID.String()+" asked 180000 bytes")
	return err
}

// TestWaitsEnd ends calls that wait: by a deadline, by closing the pipe, by
// closing the listener, and with the connection (W-20, W-12).
func TestWaitsEnd(t *testing.T) {
	s := serve(t)
	server := s.connect()
	l, err := server.Thread().ListenPipe("orders", toEveryone)
	if err != nil {
		t.Fatal(err)
	}
	other := s.join(alice)
	c, err := other.Thread().DialPipe("orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
	if _, err := c.Write([]byte("beside a read that waits")); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read of a closed pipe: %v", err)
	}
	if _, err := l.AcceptPipe(); err != nil {
		t.Fatal(err)
	}
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept of a closed listener: %v", err)
	}
	l, err = server.Thread().ListenPipe("more", toEveryone)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, err := l.AcceptPipe(); ended <- err }()
	_ = server.Close()
	if err := <-ended; !errors.Is(err, ntstatus.PortDisconnected.Err()) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a lost connection: %v", err)
	}
}

// does calls a row by its name, which must succeed.
func does[O any](t *testing.T, th *nt.Thread, row string, in any) O {
	t.Helper()
	out, st := th.CallRow(nt.NtTable.Find(row), in)
	if !st.IsSuccess() {
		t.Fatalf("%s: %s", row, st)
	}
	return out.(O)
}

// TestPortConnected: a client of a port waits until the server has completed the
// connection, and learns what it said, or that it was refused (W-41).
func TestPortConnected(t *testing.T) {
	s := serve(t)
	c := s.connect()
	th := c.Thread()
	tr, err := c.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	joining, err := c.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	serving, err := c.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	waiter := tr.(interface {
		PortConnected(winnt.Handle) ([]byte, uint32, ntstatus.Status)
	})
	port := does[nt.PortOut](t, th, "NtCreatePort", nt.CreatePortIn{MaxMessageLength: 100,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\orders`})}).PortHandle
	for want, refuse := range map[string]bool{
		"STATUS_SUCCESS: welcome 100 STATUS_SUCCESS":        false,
		"STATUS_SUCCESS:  0 STATUS_PORT_CONNECTION_REFUSED": true,
	} {
		told := make(chan string)
		go func() {
			out, st := joining.CallRow(nt.NtTable.Find("NtConnectPort"), nt.ConnectPortIn{PortName: `\orders`,
				SecurityQos: nt.Cap(&nt.SecurityQualityOfService{})})
			said, longest, connected := waiter.PortConnected(out.(nt.PortOut).PortHandle)
			told <- fmt.Sprintf("%s: %s %d %s", st, said, longest, connected)
		}()
		// A port without a message is waited for, although STATUS_TIMEOUT is no failure (W-20).
		out, st := serving.CallWhenReady(nt.NtTable.Find("NtListenPort"), nt.ListenPortIn{PortHandle: port},
			nt.Wait{Handle: port, NotYet: ntstatus.Timeout})
		m := out.(nt.ReplyWaitReceivePortOut)
		if st != ntstatus.Success || !m.Connecting {
			t.Fatalf("%+v, %s", m, st)
		}
		accepted := does[nt.PortOut](t, th, "NtAcceptConnectPort", nt.AcceptConnectPortIn{ConnectionPortHandle: port,
			ClientID: nt.Cap(&m.ClientID), MessageID: m.MessageID, Refuse: refuse,
			ConnectionInformation: nt.Cap([]byte("welcome"))}).PortHandle
		if !refuse {
			does[nt.CompleteConnectPortOut](t, th, "NtCompleteConnectPort", nt.CompleteConnectPortIn{PortHandle: accepted})
		}
		if got := <-told; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, _, st := waiter.PortConnected(4000); st != ntstatus.InvalidHandle {
		t.Errorf("no port: %s", st)
	}
}
