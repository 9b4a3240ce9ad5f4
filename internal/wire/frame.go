package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/refmon/refmon/internal/quota"
)

// Version is the protocol version. Other versions are refused (W-1).
const Version = 1

// Limits of a connection (W-2, W-3).
const (
	MaxFrame   = 4 << 20  // bytes of a frame after its length
	MaxHello   = 32 << 10 // bytes of a client's hello after its length
	MaxPending = 256      // calls of a connection that have no answer yet
	MaxBytes   = 16 << 20 // bytes of these calls
	MaxWaits   = 1024     // calls of a connection that wait
	MaxThreads = 1024     // threads of a connection
	MaxTickets = 64       // saved impersonations of a thread
	MaxEnding  = 64       // Restores, reverts and EndThreads beyond the other limits

	MaxDescriptors = 16 // that one answer brings
	MaxObjects     = 64 // that one WaitAny waits for (MAXIMUM_WAIT_OBJECTS)
	MaxPassed      = 64 // descriptors that a client was sent and may not have taken yet
)

// Kind is the type of a frame. 0 is not a valid kind.
type Kind uint8

// Kinds of frames. A client sends a Hello first. Each of its other frames is answered by one Answer or AnswerWith
// with the same request number.
const (
	Hello           Kind = 1 + iota // both ways: version and rows
	Call                            // a service of a thread
	Answer                          // the answer to any frame but Hello
	NewThread                       // makes a thread
	EndThread                       // ends a thread
	Save                            // saves a thread's impersonation, which continues, as a ticket
	Restore                         // restores the impersonation of a ticket
	Wait                            // a call that is made again as long as it cannot be done
	Cancel                          // ends the waiting of a call
	Then                            // a call that is made if the one before it succeeded
	Connected                       // waits until the server has completed the connection of a port
	Attach                          // requests a connection of a process, for a program to inherit
	AnswerWith                      // an Answer that brings descriptors
	WaitAny                         // waits for the first of several objects
	HandOut                         // requests a descriptor of an open file
	CallWith                        // a call that opens a file, and a descriptor of it
	ReadAs                          // a call that opens a file as a client, and the file's contents
	ReplaceContents                 // replaces a file's contents by those of another file
	Begin                           // a call on a file that may end later
	Collect                         // waits until that has ended, and takes the result
	Confirm                         // confirms that the client has written the collected output to memory
	AttachAs                        // Attach for a process of another account, which root starts under its uid
	ThenWith                        // a CallWith that is made if the call before it succeeded
	// Inspect (65) is in inspect.go.
)

// Frame is one message.
//
//	offset size field
//	0      4    length of the rest, little-endian like all numbers
//	4      1    kind
//	5      8    request: chosen by the client, repeated in the answer
//	13     4    thread, 0 for Hello and NewThread
//	17     2    service: the position of the row in the server's hello
//	19          body
type Frame struct {
	Kind    Kind
	Request uint64
	Thread  uint32
	Service uint16
	Body    []byte
	Files   []*os.File // that come with an AnswerWith; the sender's are closed once they are sent

	paid     quota.Receipt // the charge for it while it has no answer
	admitted bool          // it is counted until it is done
	reserved bool          // it is counted in Server.ending, not in Server.pending

	afterRefusal bool // the call before it on its thread was refused at a limit
}

// MaxBody is the largest body of a frame.
const MaxBody = MaxFrame - headSize

const headSize = 15 // of the length's own bytes on: kind, request, thread, service

// ErrFrame is wrapped by every error about a frame that breaks a rule.
var ErrFrame = errors.New("malformed frame")

// AppendFrame appends the bytes of a frame to b and returns the longer slice. It does not check MaxFrame and ignores
// Files.
func AppendFrame(b []byte, f *Frame) []byte {
	return append(appendFrameHead(b, f, len(f.Body)), f.Body...)
}

// appendFrameHead appends the frame's bytes before a body of n bytes. It appends no part of f.Body.
func appendFrameHead(b []byte, f *Frame, n int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(headSize+n))
	b = append(b, byte(f.Kind))
	b = binary.LittleEndian.AppendUint64(b, f.Request)
	b = binary.LittleEndian.AppendUint32(b, f.Thread)
	return binary.LittleEndian.AppendUint16(b, f.Service)
}

// ReadFrame reads one frame and blocks until it is complete. It returns io.EOF if the stream ends between two frames,
// io.ErrUnexpectedEOF if it ends within one, and ErrFrame for a bad length. It does not check the kind. The caller
// owns the frame.
func ReadFrame(r io.Reader) (*Frame, error) { return readFrame(r, nil) }

// room provides the memory for the body of a received answer: n bytes for a request number. It returns nil to let the
// reader allocate.
type room func(request uint64, n int) []byte

// readFrame reads a frame like ReadFrame. given may be nil, or provides memory for the body. A wrong length is an
// error before the rest is read. io.EOF means that the stream ended before the first byte. A truncated body returns
// the frame and an error.
func readFrame(r io.Reader, given room) (*Frame, error) {
	if b, ok := r.(*bufio.Reader); ok && b.Buffered() >= 4+headSize {
		return begun(b, given)
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	// The length is compared before memory is taken, and before more is read (W-2).
	if n < headSize || n > MaxFrame {
		return nil, fmt.Errorf("%w: a length of %d, want %d to %d", ErrFrame, n, headSize, MaxFrame)
	}
	b, err := readBody(r, headSize)
	if err != nil {
		return nil, err
	}
	f := head(b)
	f.Body, err = readBody(r, int(n-headSize))
	return &f, err
}

// begun reads a frame whose head has already arrived in r. given may be nil, or provides memory for a larger body. A
// wrong length is ErrFrame. A truncated body returns the frame and an error.
func begun(r *bufio.Reader, given room) (*Frame, error) {
	const most = 128
	b, err := r.Peek(4 + headSize)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(b)
	// The length is compared before memory is taken (W-2).
	if n < headSize || n > MaxFrame {
		return nil, fmt.Errorf("%w: a length of %d, want %d to %d", ErrFrame, n, headSize, MaxFrame)
	}
	n -= headSize
	if n > most || r.Buffered() < 4+headSize+int(n) {
		f := head(b[4:])
		_, _ = r.Discard(4 + headSize) // it is buffered
		if given != nil {
			if f.Body = given(f.Request, int(n)); f.Body != nil {
				return &f, readInto(r, f.Body)
			}
		}
		f.Body, err = readBody(r, int(n))
		return &f, err
	}
	f := new(struct {
		Frame
		body [most]byte
	})
	f.Frame = head(b[4:])
	f.Body = f.body[:n:n]
	_, _ = r.Discard(4 + headSize) // both are buffered
	_, _ = io.ReadFull(r, f.Body)
	return &f.Frame, nil
}

// head decodes the head of a frame. b starts after the length and has at least headSize bytes.
func head(b []byte) Frame {
	return Frame{
		Kind:    Kind(b[0]),
		Request: binary.LittleEndian.Uint64(b[1:]),
		Thread:  binary.LittleEndian.Uint32(b[9:]),
		Service: binary.LittleEndian.Uint16(b[13:]),
	}
}

// readBody reads exactly n bytes. It allocates memory as bytes arrive, at most eight times what has arrived. So a
// length alone costs nothing. An end within the n bytes is an error.
func readBody(r io.Reader, n int) ([]byte, error) {
	const step = 64 << 10
	body := make([]byte, 0, min(n, step))
	for at := 0; at < n; at = len(body) {
		if at == cap(body) {
			next := 4 * at
			if n <= 2*next {
				next = n
			}
			body = append(make([]byte, 0, next), body...)
		}
		body = body[:cap(body)]
		if err := readInto(r, body[at:]); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// readInto fills b from a frame. An early end is io.ErrUnexpectedEOF.
func readInto(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
