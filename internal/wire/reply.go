package wire

import (
	"fmt"
	"os"
	"time"

	"github.com/refmon/refmon/ntstatus"
)

// reply says what answers a frame: the head, what follows it, and descriptors, which
// are closed here once they are sent. A call whose outputs carry descriptors puts
// them there.
type reply struct {
	head  AnswerHead
	rest  []byte
	files []*os.File
}

// refusal returns a reply of a status alone.
func refusal(st ntstatus.Status) reply { return reply{head: AnswerHead{Status: st}} }

// answer sends the answer to a frame.
func (s *Server) answer(f *Frame, head AnswerHead, rest []byte) error {
	return s.reply(f, reply{head: head, rest: rest})
}

// reply sends the answer to a frame with all that it brings.
func (s *Server) reply(f *Frame, a reply) error {
	kind := Answer
	if len(a.files) > 0 {
		kind = AnswerWith
	}
	return s.send(&Frame{Kind: kind, Request: f.Request, Thread: f.Thread, Service: f.Service, Body: s.answered(a),
		Files: a.files})
}

// send writes one frame within WriteTimeout. A frame that was not written whole
// ends the connection (W-3).
func (s *Server) send(f *Frame) error {
	defer closeAll(f.Files) // the client has its own
	b := AppendFrame(nil, f)
	if len(b)-4 > MaxFrame {
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, len(b)-4, MaxFrame)
	}
	return s.write(b, f.Files)
}

// write writes the ends of operations that the client was not told of, and then a frame,
// nil for none.
func (s *Server) write(b []byte, files []*os.File) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	if !s.stopped() {
		_ = s.conn.SetWriteDeadline(time.Now().Add(WriteTimeout))
	}
	for _, end := range s.ends.take() {
		if _, err := s.conn.Write(end); err != nil {
			return err
		}
	}
	if b == nil {
		return nil
	}
	return writeWith(s.conn, b, files)
}
