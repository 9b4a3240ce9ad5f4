package wire

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
)

// null opens a file that can be told closed.
func null(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestUnsentFiles: the server keeps no descriptor that it sent, nor one that it could not
// send because the client has gone (W-50).
func TestUnsentFiles(t *testing.T) {
	for _, frames := range []int{1, 2, 3} {
		conn, theirs, err := Pair("gone")
		if err != nil {
			t.Fatal(err)
		}
		s := NewServer(conn, nil)
		s.keep()
		var files []*os.File
		for range frames {
			f := null(t)
			files = append(files, f)
			if err := s.send(&Frame{Kind: AnswerWith, Body: []byte{1}, Files: []*os.File{f}}); err != nil {
				t.Fatal(err)
			}
		}
		_ = theirs.Close()
		if err := s.deliver(s.newStint(true)); err == nil {
			t.Errorf("%d answers: sent to a client that has gone", frames)
		}
		for i, f := range files {
			if err := f.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("the file of answer %d of %d is open", i, frames)
			}
		}
		_ = conn.Close()
	}
}

// TestFilesInOrder: descriptors belong to the answers in their order (W-50).
func TestFilesInOrder(t *testing.T) {
	a, b, c := null(t), null(t), null(t)
	r := &Reader{from: bufio.NewReader(strings.NewReader("the next frame")), came: []*os.File{a, b, c}}
	if _, err := r.from.Peek(1); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]*os.File{{a}, {b, c}} {
		f := &Frame{Kind: AnswerWith, Body: []byte{byte(len(want))}}
		if err := r.give(f); err != nil || len(f.Files) != len(want) || f.Files[0] != want[0] {
			t.Errorf("%v, %v, want %v", f.Files, err, want)
		}
	}
}
