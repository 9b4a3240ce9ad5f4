package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// lending is a process whose server passes the reading end of a pipe for each handle except 400, and calls the test
// first.
type lending struct {
	process
	handed func() *os.File
	given  chan struct{} // receives when a thread is over
}

func (l lending) GiveBack(th *nt.Thread) {
	l.process.GiveBack(th)
	select {
	case l.given <- struct{}{}:
	default:
	}
}

func (l lending) HandOut(_ *nt.Thread, h winnt.Handle) (*os.File, ntstatus.Status) {
	if h == 400 {
		return nil, ntstatus.AccessDenied
	}
	return l.handed(), ntstatus.Success
}

// lender is a server that passes descriptors. The test is its client.
type lender struct {
	*testing.T
	conn *net.UnixConn
	over chan error
	done chan struct{} // receives when a thread is over
	out  []*os.File    // the other ends of passed descriptors; owned by the server's goroutine until it ends
}

func lend(t *testing.T) *lender {
	t.Helper()
	server, conn := sockets(t)
	user := check.Must(token.New(token.LocalSystem()))
	sys := kernel.Boot(kernel.Config{})
	p := check.Must(sys.NewProcess("client", user))
	l := &lender{T: t, conn: conn, over: make(chan error, 1), done: make(chan struct{}, 1)}
	go func() {
		l.over <- wire.Serve(server, lending{process{p, nt.Documented}, func() *os.File {
			r, w, err := os.Pipe()
			if err != nil {
				t.Error(err)
			}
			l.out = append(l.out, w)
			return r
		}, l.done})
	}()
	t.Cleanup(func() {
		l.ends()
		check.NoError(t, sys.Close())
	})
	return l
}

// ends closes the connection and checks that the server has closed its descriptors. A second call does nothing.
func (l *lender) ends() {
	l.Helper()
	if l.over == nil {
		return
	}
	_ = l.conn.Close()
	<-l.over
	l.over = nil
	for i, w := range l.out {
		if !closed(w) {
			l.Errorf("descriptor %d of %d is still open in the server, want it closed", i, len(l.out))
		}
		_ = w.Close()
	}
}

// exchange sends a frame and returns its answer with the number of descriptors.
func (l *lender) exchange(f *wire.Frame) (*wire.Frame, int) {
	l.Helper()
	if _, err := l.conn.Write(wire.AppendFrame(nil, f)); err != nil {
		l.Fatal(err)
	}
	return l.next()
}

func (l *lender) next() (*wire.Frame, int) {
	l.Helper()
	b, oob := make([]byte, 1<<20), make([]byte, unix.CmsgSpace(4*wire.MaxDescriptors))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(b, oob)
	if err != nil {
		l.Fatal(err)
	}
	answer, err := wire.ReadFrame(bytes.NewReader(b[:n]))
	if err != nil {
		l.Fatal(err)
	}
	fds := 0
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		l.Fatal(err)
	}
	for i := range messages {
		list, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			l.Fatal(err)
		}
		for _, fd := range list {
			_ = unix.Close(fd)
		}
		fds += len(list)
	}
	return answer, fds
}

func openDevice() nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: winnt.FILE_OPEN,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
}

// ofDescriptors is the conversation of a client that requests descriptors: of handles, with an open, with an open
// that fails, and with a call that opens nothing.
var ofDescriptors = []said{
	{kind: wire.HandOut, thread: 1, body: wire.AppendHandle(nil, 4)},
	{kind: wire.HandOut, thread: 1, body: wire.AppendHandle(nil, 400)},
	{wire.CallWith, 1, "NtCreateFile", openDevice(), nil},
	{wire.CallWith, 1, "NtOpenFile", nt.OpenFileIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
		ObjectName: `\??\nothing`})}, nil},
	{wire.Then, 1, "NtClose", nt.CloseIn{Handle: 4}, nil},
	{wire.CallWith, 1, "NtClose", nt.CloseIn{Handle: 4}, nil},
	{kind: wire.CallWith, thread: 1, row: "NtMadeUp", body: []byte("its parameters")},
	{kind: wire.HandOut, thread: 1, body: []byte{4}},
}

// TestDescriptorRepliesMatchCommittedBytes compares the bytes of replies with descriptors with the committed ones
// (W-60, W-61). -write writes them.
func TestDescriptorRepliesMatchCommittedBytes(t *testing.T) {
	l := lend(t)
	l.exchange(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	var text strings.Builder
	for i, m := range ofDescriptors {
		f := m.frame(t, uint64(i+1))
		fmt.Fprintf(&text, "-> %s\n", line(f, m.row))
		if i == len(ofDescriptors)-1 {
			check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, f))))
			fmt.Fprintf(&text, "<- the connection ends: %v\n", <-l.over)
			l.over <- nil
			break
		}
		answer, fds := l.exchange(f)
		fmt.Fprintf(&text, "<- %s\n", line(answer, m.row))
		if fds > 0 {
			fmt.Fprintf(&text, "   with %d descriptor\n", fds)
		}
	}
	sameText(t, filepath.Join("testdata", "bytes", "descriptors.txt"), text.String())
}

// TestDescriptorsArePassedInJSON checks the replies of both frames in JSON (W-60, W-61).
func TestDescriptorsArePassedInJSON(t *testing.T) {
	l := lend(t)
	l.exchange(&wire.Frame{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)})
	open := uint16(nt.NtTable.Find("NtOpenFile").Info().Number)
	for _, c := range []struct {
		kind    wire.Kind
		service uint16
		body    string
		want    string
		fds     int
	}{
		{wire.HandOut, 0, `{"Handle":"8"}`, `{"Status":0,"Why":null,"Descriptors":1}`, 1},
		{wire.HandOut, 0, `{"Handle":"400"}`, `{"Status":3221225506,"Why":null}`, 0},
		{wire.CallWith, open, `{"In":{"DesiredAccess":1,"ObjectAttributes":{"V":{"ObjectName":"\\??\\NUL"}}}}`,
			`{"Status":0,"Why":null,"Descriptors":1,"Out":{"FileHandle":"4"}}`, 1},
		{wire.CallWith, open, `{"In":{}}`, "", 0},
	} {
		f, fds := l.exchange(&wire.Frame{Kind: c.kind, Thread: 1, Service: c.service, Body: []byte(c.body)})
		if fds != c.fds || (f.Kind == wire.AnswerWith) != (fds > 0) || !json.Valid(f.Body) ||
			c.want != "" && string(f.Body) != c.want {
			t.Errorf("%s: reply of kind %d, %s with %d descriptors, want %s with %d",
				c.body, f.Kind, f.Body, fds, c.want, c.fds)
		}
	}
}

// TestPipeCannotPassDescriptors checks that a stream that cannot carry descriptors reports that, and that an open
// succeeds without one (W-60, W-61).
func TestPipeCannotPassDescriptors(t *testing.T) {
	s := serveAs(t, func(p process) wire.Process { return lending{p, nil, nil} })
	s.greet()
	f := &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, 8)}
	check.Equal(t, s.status(f), ntstatus.NotSupported, "descriptor over a stream that cannot carry one")
	check.Equal(t, s.status(said{wire.CallWith, 1, "NtCreateFile", openDevice(), nil}.frame(t, 2)), ntstatus.Success,
		"open over a stream that cannot carry descriptors")
}

// TestUnreadRepliesLimitDescriptors checks that a client that reads no replies gets at most 64 descriptors, and more
// once it has read them (W-62).
func TestUnreadRepliesLimitDescriptors(t *testing.T) {
	l := lend(t)
	l.exchange(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	const asked = 3 * wire.MaxPassed
	ask := func(n int) {
		var b []byte
		for range n {
			b = wire.AppendFrame(b, &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, 8)})
		}
		if _, err := l.conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	ask(asked)
	got, refused := 0, 0
	r := wire.NewReader(l.conn)
	for range asked {
		f := check.Must(r.Frame())
		head, _, err := wire.DecodeAnswer(f.Body)
		switch {
		case err != nil:
			t.Fatal(err)
		case head.Status == ntstatus.Success && len(f.Files) == 1:
			got++
			_ = f.Files[0].Close()
		case head.Status == ntstatus.InsufficientResources && len(f.Files) == 0:
			refused++
		default:
			t.Fatalf("reply %+v with %d descriptors, want success with 1 or STATUS_INSUFFICIENT_RESOURCES with none",
				head, len(f.Files))
		}
	}
	if got < wire.MaxPassed {
		t.Errorf("%d of %d descriptors passed, %d refused, want at least %d", got, asked, refused, wire.MaxPassed)
	}
	ask(1)
	if f, err := r.Frame(); err != nil || len(f.Files) != 1 {
		t.Errorf("reply after all descriptors were read: %+v, %v, want one descriptor", f, err)
	} else {
		_ = f.Files[0].Close()
	}
}

// TestUnreadDescriptorsAreBounded checks that the server keeps a bounded number of unread descriptors.
func TestUnreadDescriptorsAreBounded(t *testing.T) {
	l := lend(t)
	l.exchange(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	for i := range uint64(wire.MaxPassed + 50) {
		f := &wire.Frame{Kind: wire.HandOut, Request: i, Thread: 1, Body: wire.AppendHandle(nil, 8)}
		check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, f))))
	}
	// The thread ends after all its calls.
	check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.EndThread, Thread: 1}))))
	select {
	case <-l.done:
	case <-time.After(time.Minute):
		t.Fatal("the thread has not ended after a minute")
	}
	if len(l.out) != wire.MaxPassed {
		t.Errorf("%d descriptors were passed while the client read none, want %d", len(l.out), wire.MaxPassed)
	}
}

// TestClientReceivesDescriptors checks that the Go client receives descriptors by a handle and with an open, and
// closes only its own (W-60, W-61).
func TestClientReceivesDescriptors(t *testing.T) {
	l := lend(t)
	c, err := client.New(l.conn)
	check.NoError(t, err)
	defer c.Close()
	th := c.Thread()
	out, f, st := c.OpenFile(th, openDevice())
	if st != ntstatus.Success || out.FileHandle == 0 || f == nil {
		t.Fatalf("OpenFile = %+v, %v, %s, want a handle, a file and success", out, f, st)
	}
	check.NoError(t, f.Close())
	if f, err = c.File(th, out.FileHandle); err != nil {
		t.Fatal(err)
	}
	check.NoError(t, f.Close())
	if f, err := c.File(th, 400); f != nil || err == nil || !strings.Contains(err.Error(), "ACCESS_DENIED") {
		t.Error(f, err)
	}
	in := openDevice()
	in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\nothing`})
	if out, f, st := c.OpenFile(th, in); f != nil || out.FileHandle != 0 || st != ntstatus.ObjectNameNotFound {
		t.Errorf("OpenFile of a missing file = %+v, %v, %s, want no handle, no file and %s",
			out, f, st, ntstatus.ObjectNameNotFound)
	}
	check.NoError(t, c.Err())
}

// FuzzHandOut sends any bytes after a hello, in either form, to a server that passes descriptors. The server ends and
// closes every descriptor.
func FuzzHandOut(f *testing.F) {
	open := ofDescriptors[2].frame(f, 3)
	for _, asked := range [][]byte{
		wire.AppendFrame(nil, &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, 4)}),
		wire.AppendFrame(nil, open), []byte(`{"Handle":"4"}`),
	} {
		f.Add(asked, true)
		f.Add(asked, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, inJSON bool) {
		l := lend(t)
		hello := wire.AppendHello(nil, wire.HelloBody{})
		if inJSON {
			hello = []byte(`{"Magic":"refmon","Version":1}`)
		}
		l.exchange(&wire.Frame{Kind: wire.Hello, Body: hello})
		go func() { _, _ = io.Copy(io.Discard, l.conn) }()
		_, _ = l.conn.Write(b)
		_, _ = l.conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: b[:min(len(b), 64)]}))
		l.ends()
	})
}

// TestDeniedDescriptorsDoNotCount checks that a denied descriptor does not count against the limit of passed
// descriptors (W-62).
func TestDeniedDescriptorsDoNotCount(t *testing.T) {
	l := lend(t)
	l.exchange(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	ask := func(h winnt.Handle) (ntstatus.Status, int) {
		f, n := l.exchange(&wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, h)})
		b := f.Body
		if f.Kind == wire.AnswerWith {
			b = b[1:] // how many it brings
		}
		head, _, err := wire.DecodeAnswer(b)
		if err != nil {
			t.Fatal(err)
		}
		return head.Status, n
	}
	first, _ := ask(400)
	for i := range 2 * wire.MaxPassed {
		if st, n := ask(400); st != first || st == ntstatus.InsufficientResources || n != 0 {
			t.Fatalf("denied descriptor %d: %s, %d descriptors, want the first denial's status and none", i, st, n)
		}
	}
	if st, n := ask(8); st != ntstatus.Success || n != 1 {
		t.Errorf("permitted descriptor: %s, %d descriptors, want %s, 1", st, n, ntstatus.Success)
	}
}

// TestUnexpectedReplyEndsConnection checks that a reply without a request ends the connection, and that the client
// keeps no descriptor of it (W-50).
func TestUnexpectedReplyEndsConnection(t *testing.T) {
	server, conn := sockets(t)
	made := make(chan *client.Conn)
	go func() {
		c, err := client.New(conn)
		if err != nil {
			t.Error(err)
		}
		made <- c
	}()
	check.NoError(t, check.Err(wire.ReadFrame(server)))
	hello := wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{Process: 8})})
	check.NoError(t, check.Err(server.Write(hello)))
	c := <-made
	if c == nil {
		t.FailNow()
	}
	r, w, err := os.Pipe()
	check.NoError(t, err)
	defer w.Close()
	answer := wire.AppendFrame(nil, &wire.Frame{Kind: wire.AnswerWith, Request: 999, Body: make([]byte, 20)})
	answer[4+15] = 1 // descriptors
	if _, _, err := server.WriteMsgUnix(answer, unix.UnixRights(int(r.Fd())), nil); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	for end := time.Now().Add(time.Minute); c.Err() == nil || !closed(w); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("connection after a minute: error %v, descriptor closed %t, want an error and true",
				c.Err(), closed(w))
		}
	}
	_ = c.Close()
}
