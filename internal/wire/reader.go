package wire

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
)

// Reader reads the frames of a server with their descriptors (W-50). It is not safe for concurrent use. Its zero
// value is not usable.
type Reader struct {
	from *bufio.Reader
	came []*os.File // received with bytes that are not all read
	room room       // nil: every body has memory of its own
}

// Into sets the function that provides memory for long bodies, by request number and length in bytes. If room
// returns nil, the reader allocates. Call it before the first Frame. The answer owns the memory.
func (r *Reader) Into(room func(request uint64, n int) []byte) { r.room = room }

// NewReader returns a reader of a client's connection. It does not take ownership of conn. Descriptors are received
// only from a Unix socket. A closed socket gives a reader whose reads fail.
func NewReader(conn net.Conn) *Reader {
	r := new(Reader)
	if socket, ok := conn.(*net.UnixConn); ok {
		if from, err := newReceiver(socket, r); err == nil {
			r.from = bufio.NewReaderSize(from, atOnce)
			return r
		}
	}
	r.from = bufio.NewReader(conn) // conn cannot carry descriptors, or is closed
	return r
}

// atOnce is the size of a client's read buffer, in bytes: enough for an answer with a small file.
const atOnce = 16 << 10

// Frame reads a frame and blocks until it is complete. The caller closes its Files. The error is io.EOF if the
// connection ends between two frames. After an error the reader holds no descriptor, and the caller must not use it
// again: it does not know where the next frame begins.
func (r *Reader) Frame() (*Frame, error) {
	// Usually the received bytes are a whole frame.
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

// give attaches the received descriptors that belong to a frame. Descriptors arrive with the first byte of their
// frame, in frame order. Descriptors of later frames stay. Fewer descriptors than an answer announces, and
// descriptors without an answer, are errors.
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
	// Descriptors of an answer that should have none are closed at once (W-50).
	if uninvited := len(r.came); uninvited > 0 && r.from.Buffered() == 0 {
		return fmt.Errorf("%w: %d descriptors that belong to no answer", ErrFrame, uninvited)
	}
	return nil
}

// take stores received descriptors, which the reader then owns. It fails if there are more than a server may send;
// the reader owns them anyway.
func (r *Reader) take(files []*os.File) error {
	r.came = append(r.came, files...)
	if len(r.came) > 2*MaxDescriptors {
		return fmt.Errorf("%w: %d descriptors at once", ErrFrame, len(r.came))
	}
	return nil
}

// errTruncated is the error if the host's kernel dropped descriptors (W-50).
var errTruncated = errors.New("descriptors were lost: is the program's table of descriptors full?")

// closeAll closes files and ignores errors.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
