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

// newLendServer starts a server of lending. It sends the client's hello, unless hello is nil.
func newLendServer(t *testing.T, hello []byte) *lender {
	t.Helper()
	l := newLender(t, func(l *lender, p process) wire.Process {
		return lending{p, func() *os.File {
			r, w, err := os.Pipe()
			check.That(t, err == nil, "%v", err)
			l.out = append(l.out, w)
			return r
		}, l.done}
	})
	if hello != nil {
		l.exchange(hello)
	}
	return l
}

// newLender starts a server over a socket. Its process is built from a kernel's.
func newLender(t *testing.T, made func(*lender, process) wire.Process) *lender {
	t.Helper()
	server, conn := sockets(t)
	user := check.Must(token.New(token.LocalSystem()))
	sys := kernel.Boot(kernel.Config{})
	p := check.Must(sys.NewProcess("client", user))
	l := &lender{T: t, conn: conn, over: make(chan error, 1), done: make(chan struct{}, 1)}
	go func() { l.over <- wire.Serve(server, made(l, process{p, nt.Documented})) }()
	t.Cleanup(func() {
		l.close()
		check.NoError(t, sys.Close())
	})
	return l
}

// close closes the connection and checks that the server has closed its descriptors. A second call does nothing.
func (l *lender) close() {
	l.Helper()
	if l.over == nil {
		return
	}
	_ = l.conn.Close()
	<-l.over
	l.over = nil
	for i, w := range l.out {
		check.That(l, closed(w), "descriptor %d of %d is still open in the server, want it closed", i, len(l.out))
		_ = w.Close()
	}
}

// ask sends a frame and returns its answer with the number of descriptors.
func (l *lender) ask(f *wire.Frame) (*wire.Frame, int) {
	l.Helper()
	return l.exchange(wire.AppendFrame(nil, f))
}

// exchange sends the bytes of a frame and returns its answer with the number of descriptors.
func (l *lender) exchange(frame []byte) (*wire.Frame, int) {
	l.Helper()
	check.NoError(l, check.Err(l.conn.Write(frame)))
	b, oob := make([]byte, 1<<20), make([]byte, unix.CmsgSpace(4*wire.MaxDescriptors))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(b, oob)
	check.NoError(l, err)
	answer, fds := check.Must(wire.ReadFrame(bytes.NewReader(b[:n]))), 0
	for _, m := range check.Must(unix.ParseSocketControlMessage(oob[:oobn])) {
		for _, fd := range check.Must(unix.ParseUnixRights(&m)) {
			_ = unix.Close(fd)
			fds++
		}
	}
	return answer, fds
}

// handOut is a request for a descriptor of a handle.
func handOut(h winnt.Handle) *wire.Frame {
	return &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, h)}
}

// ofDescriptors is the conversation of a client that requests descriptors: of handles, with an open, with an open
// that fails, and with a call that opens nothing.
var ofDescriptors = []said{
	{kind: wire.HandOut, thread: 1, body: wire.AppendHandle(nil, 4)},
	{kind: wire.HandOut, thread: 1, body: wire.AppendHandle(nil, 400)},
	{wire.CallWith, 1, "NtCreateFile", openDevice(), nil},
	{wire.ThenWith, 1, "NtCreateFile", openDevice(), nil},
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
	l := newLendServer(t, helloFrame)
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
		answer, fds := l.ask(f)
		fmt.Fprintf(&text, "<- %s\n", line(answer, m.row))
		if fds > 0 {
			fmt.Fprintf(&text, "   with %d descriptor\n", fds)
		}
	}
	sameText(t, filepath.Join("testdata", "bytes", "descriptors.txt"), text.String())
}

// TestDescriptorsArePassedInJSON checks the replies of both frames in JSON (W-60, W-61).
func TestDescriptorsArePassedInJSON(t *testing.T) {
	l := newLendServer(t, jsonHello)
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
		f, fds := l.ask(&wire.Frame{Kind: c.kind, Thread: 1, Service: c.service, Body: []byte(c.body)})
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
	s.exchangeHello()
	check.Equal(t, s.status(handOut(8)), ntstatus.NotSupported, "descriptor over a stream that cannot carry one")
	check.Equal(t, s.status(said{wire.CallWith, 1, "NtCreateFile", openDevice(), nil}.frame(t, 2)), ntstatus.Success,
		"open over a stream that cannot carry descriptors")
}

// TestUnreadRepliesLimitDescriptors checks that a client that reads no replies gets 64 descriptors, and more once it
// has read them. Denied descriptors do not count (W-62).
func TestUnreadRepliesLimitDescriptors(t *testing.T) {
	l := newLendServer(t, helloFrame)
	l.ask(&wire.Frame{Kind: wire.NewThread}) // thread 2, for a request after the end of thread 1
	const refused = 50
	for i := range 2*wire.MaxPassed + refused {
		h := winnt.Handle(8)
		if i < wire.MaxPassed {
			h = 400 // is denied
		}
		check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, handOut(h)))))
	}
	// The thread ends after all its calls.
	check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.EndThread, Thread: 1}))))
	select {
	case <-l.done:
	case <-time.After(time.Minute):
		t.Fatal("the thread has not ended after a minute")
	}
	r, got := wire.NewReader(l.conn), map[ntstatus.Status]int{}
	answer := func(files int) ntstatus.Status {
		t.Helper()
		f := check.Must(r.Frame())
		head, _, err := wire.DecodeAnswer(f.Body)
		check.NoError(t, err)
		if len(f.Files) != files && head.Status == ntstatus.Success || len(f.Files) > 0 && head.Status != ntstatus.Success {
			t.Fatalf("reply %+v with %d descriptors, want one with success", head, len(f.Files))
		}
		for _, file := range f.Files {
			_ = file.Close()
		}
		return head.Status
	}
	for range 2*wire.MaxPassed + refused {
		got[answer(1)]++
	}
	check.DeepEqual(t, got, map[ntstatus.Status]int{ntstatus.AccessDenied: wire.MaxPassed,
		ntstatus.Success: wire.MaxPassed, ntstatus.InsufficientResources: refused}, "replies that were not read")
	check.Equal(t, answer(0), ntstatus.Success, "end of the thread")
	again := handOut(8)
	again.Thread = 2
	check.NoError(t, check.Err(l.conn.Write(wire.AppendFrame(nil, again))))
	check.Equal(t, answer(1), ntstatus.Success, "descriptor after all were read")
}

// FuzzHandOut sends any bytes after a hello, in either form, to a server that passes descriptors. The server ends and
// closes every descriptor.
func FuzzHandOut(f *testing.F) {
	open := ofDescriptors[2].frame(f, 3)
	for _, asked := range [][]byte{
		wire.AppendFrame(nil, handOut(4)),
		wire.AppendFrame(nil, open), []byte(`{"Handle":"4"}`),
	} {
		f.Add(asked, true)
		f.Add(asked, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, inJSON bool) {
		hello := helloFrame
		if inJSON {
			hello = jsonHello
		}
		l := newLendServer(t, hello)
		go func() { _, _ = io.Copy(io.Discard, l.conn) }()
		_, _ = l.conn.Write(b)
		_, _ = l.conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: b[:min(len(b), 64)]}))
		l.close()
	})
}
