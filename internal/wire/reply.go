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
	s.write.Lock()
	defer s.write.Unlock()
	if !s.stopped() {
		_ = s.conn.SetWriteDeadline(time.Now().Add(WriteTimeout))
	}
	return writeWith(s.conn, b, f.Files)
}
