package wire

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// A full socket accepts nothing, with or without descriptors, and that is not an error; a closed one is. When there
// is room, the data arrives with its descriptors (W-3, W-50).
func TestFullSocketAcceptsNothing(t *testing.T) {
	pair := check.Must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	ours, theirs := pair[0], pair[1]
	defer unix.Close(ours)
	if err := unix.SetNonblock(ours, true); err != nil { // as those of package net are
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	check.NoError(t, err)
	defer r.Close()
	defer w.Close()
	fd, files := uintptr(ours), []*os.File{r, w}
	filled := 0
	for block := make([]byte, 4096); ; {
		n := check.Must(writeNow(fd, block))
		if filled += n; n == 0 {
			break
		}
	}
	for range 2 {
		if n, err := writeNowWith(fd, []byte("x"), files); n != 0 || err != nil {
			t.Errorf("write with a descriptor to a full socket = %d bytes, %v, want 0, nil", n, err)
		}
		if n, err := writeNow(fd, []byte("x")); n != 0 || err != nil {
			t.Errorf("write to a full socket = %d bytes, %v, want 0, nil", n, err)
		}
	}
	for b := make([]byte, 65536); filled > 0; {
		n, err := unix.Read(theirs, b)
		check.RequireThat(t, err == nil && n != 0, "%v %v", n, err)
		filled -= n
	}
	if n, err := writeNowWith(fd, []byte("hello"), files); n != 5 || err != nil {
		t.Fatalf("write with a descriptor to a socket with room = %d bytes, %v, want 5, nil", n, err)
	}
	b, oob := make([]byte, 10), make([]byte, 100)
	n, oobn, flags, _, err := unix.Recvmsg(theirs, b, oob, unix.MSG_CMSG_CLOEXEC)
	check.RequireThat(t, err == nil && string(b[:n]) == "hello" && flags&unix.MSG_CTRUNC == 0,
		`received %q with flags %#x, %v, want "hello" with its descriptors`, b[:n], flags, err)
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	check.RequireThat(t, err == nil && len(messages) == 1, "%v %v", len(messages), err)
	fds, err := unix.ParseUnixRights(&messages[0])
	check.RequireThat(t, err == nil && len(fds) == 2, "received %d descriptors, %v, want 2, nil", len(fds), err)
	check.NoError(t, check.Err(unix.Write(fds[1], []byte("through"))))
	_, _ = unix.Close(fds[0]), unix.Close(fds[1])
	if n, err := r.Read(b); err != nil || !bytes.Equal(b[:n], []byte("through")) {
		t.Errorf("the received descriptor reads %q, %v, want %q, nil", b[:n], err, []byte("through"))
	}
	_ = unix.Close(theirs)
	if n, err := writeNowWith(fd, []byte("x"), files); n != 0 || !errors.Is(err, unix.EPIPE) {
		t.Errorf("write with a descriptor to a closed socket = %d, %v, want 0, %v", n, err, unix.EPIPE)
	}
	if n, err := writeNow(fd, []byte("x")); n != 0 || !errors.Is(err, unix.EPIPE) {
		t.Errorf("write to a closed socket = %d, %v, want 0, %v", n, err, unix.EPIPE)
	}
	conn, peer, err := Pair("closed")
	check.NoError(t, err)
	defer peer.Close()
	now := NewNowWriter(conn)
	check.NoError(t, conn.SetWriteDeadline(time.Now().Add(time.Minute))) // reached only by a write that waits
	for n, block := 1, make([]byte, 4096); n > 0; {
		n = check.Must(now.Write(block))
	}
	check.NoError(t, conn.Close())
	check.ErrorIs(t, check.Err(now.Write([]byte("x"))), net.ErrClosed, "write to a connection that this side closed")
}

// openNull opens /dev/null; the test closes the file at its end.
func openNull(t *testing.T) *os.File {
	t.Helper()
	f := check.Must(os.Open(os.DevNull))
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestServerClosesUnsentDescriptors checks that the server closes each descriptor that it sent, or could not send to
// a disconnected client (W-50).
func TestServerClosesUnsentDescriptors(t *testing.T) {
	for _, frames := range []int{1, 2, 3} {
		conn, theirs, err := Pair("gone")
		check.NoError(t, err)
		s := NewServer(conn, nil)
		s.keep(nil)
		var files []*os.File
		for range frames {
			f := openNull(t)
			files = append(files, f)
			check.NoError(t, s.send(&Frame{Kind: AnswerWith, Body: []byte{1}, Files: []*os.File{f}}))
		}
		_ = theirs.Close()
		check.That(t, s.deliver(s.newTimeSlice(nil)) != nil,
			"sending %d replies to a disconnected client succeeded, want an error", frames)
		for i, f := range files {
			if err := f.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("closing the file of reply %d of %d = %v, want %v, because the server closed it",
					i, frames, err, os.ErrClosed)
			}
		}
		_ = conn.Close()
	}
}

// TestServerClosesDescriptorsWithoutQuota checks that the server closes the descriptors of waiting replies that the
// user cannot pay for (Q-6, W-50).
func TestServerClosesDescriptorsWithoutQuota(t *testing.T) {
	conn, theirs, err := Pair("poor")
	check.NoError(t, err)
	defer conn.Close()
	defer theirs.Close()
	s := NewServer(conn, limited{block: quota.NewBlock(nil, 0, false)})
	s.keep(nil)
	files := []*os.File{openNull(t), openNull(t)}
	for _, f := range files {
		check.NoError(t, s.send(&Frame{Kind: AnswerWith, Body: make([]byte, freeBytes), Files: []*os.File{f}}))
	}
	check.ErrorIs(t, s.deliver(s.newTimeSlice(nil)), ntstatus.QuotaExceeded.Err(), "deliver without quota")
	for i, f := range files {
		check.ErrorIs(t, f.Close(), os.ErrClosed, "closing the file of reply %d, which the server closed", i)
	}
}

// TestCollectedRepliesKeepTheirOrder checks that replies that are sent together arrive whole and in order, and each
// descriptor with its reply, also if the socket cannot take all of them at once (W-44, W-50).
func TestCollectedRepliesKeepTheirOrder(t *testing.T) {
	conn, file, err := Pair("collected")
	check.NoError(t, err)
	defer conn.Close()
	theirs := check.Must(net.FileConn(file))
	defer theirs.Close()
	_ = file.Close()
	s := NewServer(conn, nil)
	s.keep(nil)
	large := append([]byte{1}, make([]byte, 1<<20)...) // the number of descriptors, then the body
	for i, f := range []Frame{{Kind: Answer, Body: []byte("first")},
		{Kind: AnswerWith, Body: large, Files: []*os.File{openNull(t)}}, {Kind: Answer, Body: []byte("last")}} {
		f.Request = uint64(i)
		check.NoError(t, s.send(&f))
	}
	sent := make(chan error, 1)
	go func() { sent <- s.deliver(s.newTimeSlice(nil)) }()
	_ = theirs.SetReadDeadline(time.Now().Add(time.Minute))
	r := NewReader(theirs)
	for i, want := range []string{"first", string(large[1:]), "last"} {
		f, err := r.Frame()
		check.RequireThat(t, err == nil && f.Request == uint64(i) && string(f.Body) == want && len(f.Files) == i%2,
			"reply %d: %v, want its body and %d descriptors", i, err, i%2)
		closeAll(f.Files)
	}
	check.NoError(t, <-sent)
}

// TestDescriptorsFollowReplyOrder checks that descriptors belong to the replies in their order (W-50).
func TestDescriptorsFollowReplyOrder(t *testing.T) {
	a, b, c := openNull(t), openNull(t), openNull(t)
	r := &Reader{from: bufio.NewReader(strings.NewReader("the next frame")), came: []*os.File{a, b, c}}
	check.NoError(t, check.Err(r.from.Peek(1)))
	for _, want := range [][]*os.File{{a}, {b, c}} {
		f := &Frame{Kind: AnswerWith, Body: []byte{byte(len(want))}}
		if err := r.give(f); err != nil || len(f.Files) != len(want) || f.Files[0] != want[0] {
			t.Errorf("descriptors of the reply = %v, %v, want %v", f.Files, err, want)
		}
	}
}

// A Reader accepts the descriptors of two messages before frames use them, and no more (W-50).
func TestReaderHoldsTwoMessagesOfDescriptors(t *testing.T) {
	r := new(Reader)
	for range 2 {
		check.NoError(t, r.take(make([]*os.File, MaxDescriptors)))
	}
	check.ErrorIs(t, r.take(make([]*os.File, 1)), ErrFrame, "a descriptor more")
}

// If the kernel does not report the size of the queue, the server assumes that the client has not read everything.
func TestUnknownQueueIsNotEmpty(t *testing.T) {
	raw := check.Must(openNull(t).SyscallConn())
	check.That(t, !allTaken(raw), "allTaken of a file that is not a socket is true, want false")
}

// A client at the limit gets another descriptor once it has read all that the server queued or reserved (W-62).
//
// +checklocksignore: there is one goroutine
func TestClientThatReadAllDescriptorsGetsMore(t *testing.T) {
	ours, theirs, err := Pair("reader")
	check.NoError(t, err)
	defer theirs.Close()
	defer ours.Close()
	s := NewServer(ours, nil)
	s.passed, s.reserved, s.fdMessages = 1, MaxPassed-1, []fdMessage{{}}
	check.That(t, !s.reserve(), "a descriptor behind an unsent one: reserved, want it refused")
	s.fdMessages = nil
	check.That(t, s.reserve(), "a descriptor after the client has read all: refused, want it reserved")
}
