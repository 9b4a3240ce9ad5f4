package wire

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullSocket: a socket that takes nothing more takes nothing, with descriptors or without, and that is no fault;
// one whose other end is gone is. Once there is room, what is written comes with its descriptors (W-3, W-50).
func TestFullSocket(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pair[0], pair[1]
	defer unix.Close(ours)
	if err := unix.SetNonblock(ours, true); err != nil { // as those of package net are
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd, files := uintptr(ours), []*os.File{w}
	filled := 0
	for block := make([]byte, 4096); ; {
		n, err := writeNow(fd, block)
		if err != nil {
			t.Fatal(err)
		}
		if filled += n; n == 0 {
			break
		}
	}
	for range 2 {
		if n, err := writeNowWith(fd, []byte("x"), files); n != 0 || err != nil {
			t.Errorf("a full socket takes %d bytes with a descriptor: %v", n, err)
		}
		if n, err := writeNow(fd, []byte("x")); n != 0 || err != nil {
			t.Errorf("a full socket takes %d bytes: %v", n, err)
		}
	}
	for b := make([]byte, 65536); filled > 0; {
		n, err := unix.Read(theirs, b)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		filled -= n
	}
	if n, err := writeNowWith(fd, []byte("hello"), files); n != 5 || err != nil {
		t.Fatalf("a socket with room takes %d bytes with a descriptor: %v", n, err)
	}
	b, oob := make([]byte, 10), make([]byte, 100)
	n, oobn, flags, _, err := unix.Recvmsg(theirs, b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || string(b[:n]) != "hello" || flags&unix.MSG_CTRUNC != 0 {
		t.Fatalf("%q, flags %#x, %v", b[:n], flags, err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatal(len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%d descriptors came, %v", len(fds), err)
	}
	if _, err := unix.Write(fds[0], []byte("through")); err != nil {
		t.Error(err)
	}
	_ = unix.Close(fds[0])
	if n, err := r.Read(b); err != nil || !bytes.Equal(b[:n], []byte("through")) {
		t.Errorf("%q came through it, %v", b[:n], err)
	}
	_ = unix.Close(theirs)
	if n, err := writeNowWith(fd, []byte("x"), files); n != 0 || !errors.Is(err, unix.EPIPE) {
		t.Errorf("the other end is closed: %d, %v", n, err)
	}
	if n, err := writeNow(fd, []byte("x")); n != 0 || !errors.Is(err, unix.EPIPE) {
		t.Errorf("the other end is closed: %d, %v", n, err)
	}
}
