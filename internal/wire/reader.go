package wire

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
)

// Reader reads the frames of a server, each with the descriptors that belong to it
// (W-50). It is used by one goroutine at a time; its zero value is not usable.
type Reader struct {
	from *bufio.Reader
	came []*os.File // with bytes of which not all are read
	room room       // nil: every body has memory of its own
}

// Into lets the bodies of long answers be read into memory that a function returns for the
// number of a request and a length in bytes, nil for none. It is called before the first
// Frame; the memory is the answer's as soon as the function has returned it.
func (r *Reader) Into(room func(request uint64, n int) []byte) { r.room = room }

// NewReader returns the reader of a client's stream.
func NewReader(conn net.Conn) *Reader {
	r := new(Reader)
	if socket, ok := conn.(*net.UnixConn); ok {
		if from, err := newReceiver(socket, r); err == nil {
			r.from = bufio.NewReaderSize(from, atOnce)
			return r
		}
	}
	r.from = bufio.NewReader(conn) // it carries none, or is closed
	return r
}

// atOnce is how much a client reads of a socket at once, in bytes: an answer with what is
// in a small file.
const atOnce = 16 << 10

// Frame reads a frame. After an error the reader holds no descriptor, and is not to
// be used: what belongs to which answer is not known any more.
func (r *Reader) Frame() (*Frame, error) {
	// What has come is looked at as a whole: a frame is seldom in pieces.
	_, err := r.from.Peek(1)
	var f *Frame
	if err == nil {
		f, err = readFrame(r.from, r.room)
	}
	if err == nil {
		err = r.give(f)
	}
	if err != nil {
		if f != nil {
			closeAll(f.Files)
		}
		closeAll(r.came)
		r.came = nil
		return nil, err
	}
	return f, nil
}

// give gives a frame its descriptors: they come with its first byte, in the order of
// the frames.
func (r *Reader) give(f *Frame) error {
	n := 0
	if f.Kind == AnswerWith {
		if len(f.Body) > 0 {
			n, f.Body = int(f.Body[0]), f.Body[1:]
		}
		if n == 0 || n > len(r.came) {
			return fmt.Errorf("%w: an answer with %d descriptors, %d came", ErrFrame, n, len(r.came))
		}
	}
	f.Files, r.came = r.came[:n:n], r.came[n:]
	// Descriptors with an answer that has none are closed at once (W-50).
	if uninvited := len(r.came); uninvited > 0 && r.from.Buffered() == 0 {
		return fmt.Errorf("%w: %d descriptors that belong to no answer", ErrFrame, uninvited)
	}
	return nil
}

// take takes descriptors that came. A server sends them by their bound, and with one
// answer after the other: more are no answer's.
func (r *Reader) take(files []*os.File) error {
	r.came = append(r.came, files...)
	if len(r.came) > 2*MaxDescriptors {
		return fmt.Errorf("%w: %d descriptors at once", ErrFrame, len(r.came))
	}
	return nil
}

// errTruncated says that the host's kernel dropped descriptors (W-50).
var errTruncated = errors.New("descriptors were lost: is the program's table of descriptors full?")

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
