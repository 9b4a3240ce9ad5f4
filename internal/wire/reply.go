package wire

import (
	"os"

	"github.com/refmon/refmon/ntstatus"
)

// reply is the answer to a frame before it is sent: head, output, and host file descriptors, which are closed after
// sending. Each descriptor has a reservation (see reserve).
type reply struct {
	head  AnswerHead
	rest  []byte
	files []*os.File
	tail  []byte             // follows rest
	room  *[MaxContents]byte // where tail is: given back once it is sent
}

// refusal returns a reply that consists of a status alone, for a call that was refused.
func refusal(st ntstatus.Status) reply { return reply{head: AnswerHead{Status: st}} }

// answer sends the answer to a frame: head, then rest, which may be nil. An error means that the connection is lost.
func (s *Server) answer(f *Frame, head AnswerHead, rest []byte) error {
	return s.reply(nil, f, reply{head: head, rest: rest})
}

// reply sends the answer to a frame with its descriptors. It ends their reservation and returns the buffer of a.room to
// the pool, also after an error. A large answer is sent without being copied, unless it has memory of its own. The
// time slice t, which may be nil, ends before a wait for the client.
func (s *Server) reply(t *timeSlice, f *Frame, a reply) error {
	kind := Answer
	if len(a.files) > 0 {
		kind = AnswerWith
		defer s.unreserve()
	}
	if a.room != nil {
		defer contents.Put(a.room)
	}
	out := &Frame{Kind: kind, Request: f.Request, Thread: f.Thread, Service: f.Service, Files: a.files}
	var apart []byte
	if len(a.rest) >= largeAnswer && a.room == nil && s.form != inJSON {
		apart, a.rest = a.rest, nil
	}
	out.Body = s.answered(a)
	return s.sendWith(t, out, a.tail, apart)
}
