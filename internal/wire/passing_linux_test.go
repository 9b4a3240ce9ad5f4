package wire_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// sockets returns both ends of a connection.
func sockets(t *testing.T) (server, client *net.UnixConn) {
	t.Helper()
	ours, theirs, err := wire.Pair("test")
	check.NoError(t, err)
	conn, err := net.FileConn(theirs)
	_ = theirs.Close()
	check.NoError(t, err)
	t.Cleanup(func() { _, _ = ours.Close(), conn.Close() })
	return ours.(*net.UnixConn), conn.(*net.UnixConn)
}

// TestPairHasOneDescriptorOfEachEnd checks that children inherit no end of a pair, and that closing one ends it.
func TestPairHasOneDescriptorOfEachEnd(t *testing.T) {
	ours, theirs, err := wire.Pair("test")
	check.NoError(t, err)
	check.Equal(t, check.Must(unix.FcntlInt(theirs.Fd(), unix.F_GETFD, 0)), unix.FD_CLOEXEC, "flags of the descriptor")
	check.NoError(t, ours.Close())
	check.ErrorIs(t, check.Err(theirs.Write([]byte("x"))), unix.EPIPE, "write to a closed end")
	check.NoError(t, theirs.Close())
}

// pipes creates n pipes and returns their reading and writing ends.
func pipes(t *testing.T, n int) (in, out []*os.File) {
	t.Helper()
	for range n {
		r, w, err := os.Pipe()
		check.NoError(t, err)
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		in, out = append(in, r), append(out, w)
	}
	return in, out
}

// pass sends bytes with the reading ends of pipes, and closes the sender's copies.
func pass(t *testing.T, c *net.UnixConn, b []byte, files []*os.File) {
	t.Helper()
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if _, _, err := c.WriteMsgUnix(b, unix.UnixRights(fds...), nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_ = f.Close()
	}
}

// closed reports whether no process has the reading end of a pipe open.
func closed(w *os.File) bool {
	_, err := w.Write([]byte("x"))
	return errors.Is(err, unix.EPIPE)
}

func answer(request uint64) []byte {
	return wire.AppendFrame(nil, &wire.Frame{Kind: wire.Answer, Request: request})
}

// answerWith is a reply that announces n descriptors.
func answerWith(request uint64, n byte) []byte {
	return wire.AppendFrame(nil, &wire.Frame{Kind: wire.AnswerWith, Request: request, Body: []byte{n}})
}

// TestEachReplyGetsItsDescriptors checks that each reply gets the descriptors that came with it, also if several
// replies arrive in one read, and that children inherit none of them (W-50).
func TestEachReplyGetsItsDescriptors(t *testing.T) {
	server, conn := sockets(t)
	in, out := pipes(t, 3)
	// The kernel adds another control message before the descriptors.
	check.NoError(t, check.Must(conn.SyscallConn()).Control(func(fd uintptr) {
		check.NoError(t, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
	}))
	check.NoError(t, check.Err(server.Write(answer(1))))
	pass(t, server, answerWith(2, 1), in[:1])
	check.NoError(t, check.Err(server.Write(answer(3))))
	pass(t, server, answerWith(4, 2), in[1:])
	r := wire.NewReader(conn)
	at := 0
	for i, n := range []int{0, 1, 0, 2} {
		f, err := r.Frame()
		check.RequireThat(t, err == nil && f.Request == uint64(i+1) && len(f.Files) == n && len(f.Body) == 0,
			"reply %d: %+v, %v, want %d descriptors", i+1, f, err, n)
		for _, file := range f.Files {
			if flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor flags = %d, %v, want FD_CLOEXEC", flags, err)
			}
			check.That(t, !closed(out[at]), "the descriptor is closed, want it open")
			b := make([]byte, 1)
			if _, err := file.Read(b); err != nil || b[0] != 'x' {
				t.Errorf(`read from the descriptor = %q, %v, want "x", no error`, b, err)
			}
			if _ = file.Close(); !closed(out[at]) {
				t.Error("the descriptor is still open after Close, want no second copy")
			}
			at++
		}
	}
}

// TestUnexpectedDescriptorsAreClosed checks that unexpected descriptors are closed together with expected ones, and
// that the connection is not read any more (W-50).
func TestUnexpectedDescriptorsAreClosed(t *testing.T) {
	for _, c := range []struct {
		name string
		sent []byte
		n    int
		want string
	}{
		{"reply without descriptors", answer(1), 1, "1 descriptors that belong to no answer"},
		{"one descriptor too many", answerWith(1, 1), 2, "1 descriptors that belong to no answer"},
		{"one descriptor too few", answerWith(1, 2), 1, "an answer with 2 descriptors, 1 came"},
		{"announced, none sent", answerWith(1, 0), 1, "an answer with 0 descriptors, 1 came"},
		{"no count", wire.AppendFrame(nil, &wire.Frame{Kind: wire.AnswerWith}), 1, "an answer with 0 descriptors, 1 came"},
		{"more descriptors than allowed", answerWith(1, wire.MaxDescriptors+1), wire.MaxDescriptors + 1,
			"descriptors were lost"},
		{"a broken frame", []byte{1, 0, 0, 0}, 1, "a length of 1"},
	} {
		server, conn := sockets(t)
		in, out := pipes(t, c.n)
		pass(t, server, c.sent, in)
		f, err := wire.NewReader(conn).Frame()
		check.That(t, f == nil && err != nil && strings.Contains(err.Error(), c.want),
			"%s: %+v, %v, want an error with %q", c.name, f, err, c.want)
		for i, w := range out {
			check.That(t, closed(w), "%s: descriptor %d is open, want it closed", c.name, i)
		}
	}
}

// full marks the process that TestFullDescriptorTableEndsConnection starts.
const full = "REFMON_TEST_FULL"

// With a full descriptor table all bytes of the answer arrive without the descriptor and without an error. The reader
// detects this and ends the connection (W-50). The test fills the table of a separate program.
func TestFullDescriptorTableEndsConnection(t *testing.T) {
	if os.Getenv(full) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDescriptorTableEndsConnection$")
		cmd.Env = append(os.Environ(), full+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	server, conn := sockets(t)
	in, out := pipes(t, 2)
	pass(t, server, answerWith(1, 2), in)
	check.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 100, Max: 100}))
	var all []*os.File
	for {
		f, err := os.Open("/dev/null")
		if errors.Is(err, unix.EMFILE) {
			break
		}
		check.RequireThat(t, err == nil && len(all) <= 100, "%v", err)
		all = append(all, f)
	}
	_ = all[0].Close() // room for one of the two
	if f, err := wire.NewReader(conn).Frame(); err == nil || !strings.Contains(err.Error(), "descriptors were lost") {
		t.Errorf("frame = %+v, %v, want an error about lost descriptors", f, err)
	}
	for i, w := range out {
		check.That(t, closed(w), "descriptor %d is open, want it closed", i)
	}
}

// attaching is a process whose server passes a connection for one handle and one program name.
type attaching struct {
	process
	file    *os.File
	program string
}

func (a attaching) Attach(_ *nt.Thread, h winnt.Handle, program string) (*os.File, ntstatus.Status) {
	if h != 8 || program != a.program {
		return nil, ntstatus.InvalidHandle
	}
	return a.file, ntstatus.Success
}

func (a attaching) AttachAs(th *nt.Thread, h winnt.Handle, program string) (*os.File, uint32, ntstatus.Status) {
	f, st := a.Attach(th, h, program)
	return f, 1000, st
}

// TestAttachRepliesInBothForms compares the bytes of replies with a descriptor in both forms. The server keeps no
// descriptor that it sent. A stream that cannot carry descriptors reports that. A name is cut to 64 bytes (W-50,
// W-52, W-79).
func TestAttachRepliesInBothForms(t *testing.T) {
	for _, c := range []struct {
		kind            wire.Kind
		hello           []byte
		good, bad       string
		answer, refusal string
		program         string
	}{
		{wire.Attach, helloFrame, "\b\x00\x00\x00\x00\x00\x00\x00", "\x04\x00\x00\x00\x00\x00\x00\x00",
			"\x01\x00\x00\x00\x00\x00", "\x08\x00\x00\xc0\x00", ""},
		{wire.AttachAs, helloFrame, "\b\x00\x00\x00\x00\x00\x00\x00", "\x04\x00\x00\x00\x00\x00\x00\x00",
			"\x01\x00\x00\x00\x00\x00\xe8\x03\x00\x00", "\x08\x00\x00\xc0\x00", ""},
		{wire.Attach, jsonHello, `{"Handle":"8","Program":"` + strings.Repeat("a", 65) + `"}`, `{"Handle":"4"}`,
			`{"Status":0,"Why":null,"Descriptors":1}`, `{"Status":3221225480,"Why":null}`, strings.Repeat("a", 64)},
	} {
		in, out := pipes(t, 1)
		l := newLender(t, func(_ *lender, p process) wire.Process { return attaching{p, in[0], c.program} })
		l.exchange(c.hello)
		f, fds := l.ask(&wire.Frame{Kind: c.kind, Request: 7, Thread: 1, Body: []byte(c.bad)})
		check.That(t, f.Kind == wire.Answer && string(f.Body) == c.refusal && fds == 0,
			"refused attach: reply of kind %d, %q, %d descriptors, want %q", f.Kind, f.Body, fds, c.refusal)
		f, fds = l.ask(&wire.Frame{Kind: c.kind, Request: 8, Thread: 1, Body: []byte(c.good)})
		check.That(t, f.Kind == wire.AnswerWith && f.Request == 8 && string(f.Body) == c.answer && fds == 1,
			"attach: reply of kind %d to request %d, %q, %d descriptors, want %q and one descriptor", f.Kind, f.Request,
			f.Body, fds, c.answer)
		l.out = out // ends checks that the server has closed the descriptor
		l.close()
	}
	s := serveAs(t, func(p process) wire.Process { return attaching{process: p} })
	s.exchangeHello()
	f := &wire.Frame{Kind: wire.Attach, Thread: 1, Body: wire.AppendHandle(nil, 8)}
	check.Equal(t, s.status(f), ntstatus.NotSupported, "attach over a stream that cannot carry descriptors")
}
