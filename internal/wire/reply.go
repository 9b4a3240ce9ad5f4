package wire

import (
	"os"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
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

// besideOutput is the room in bytes that an answer keeps for all but the data of a read or peek.
const besideOutput = 1 << 10

// shortened returns the input of a call, with the length of a read, peek or transaction cut to the data that an answer
// has room for. So the rest stays where it is. Any other input is returned as it is.
func (s *Server) shortened(in any) any {
	most := uint32(MaxBody - besideOutput)
	if s.form == inJSON {
		most = most / 4 * 3 // base64
	}
	switch p := in.(type) {
	case nt.ReadFileIn:
		if p.Length > most {
			p.Length = most
			return p
		}
	case nt.FsControlFileIn:
		returns := p.FsControlCode == winnt.FSCTL_PIPE_PEEK || p.FsControlCode == winnt.FSCTL_PIPE_TRANSCEIVE
		if returns && p.OutputBufferLength > most {
			p.OutputBufferLength = most
			return p
		}
	}
	return in
}

// fitting returns a reply that fits a frame: a, or STATUS_INSUFFICIENT_RESOURCES without outputs. An answer with
// descriptors is short and returned as it is.
func (s *Server) fitting(a reply) reply {
	n := len(a.rest) + len(a.tail)
	if len(a.files) > 0 || a.head.Why == nil && n <= MaxBody-besideOutput {
		return a
	}
	if n += len(`,"Out":`) + len(s.answered(reply{head: a.head})); n > MaxBody {
		// The answer would end the connection (W-3).
		return reply{head: AnswerHead{Status: ntstatus.InsufficientResources}, room: a.room}
	}
	return a
}

// answer sends the answer to a frame: head, then rest, which may be nil. An error means that the connection is lost.
func (s *Server) answer(f *Frame, head AnswerHead, rest []byte) error {
	return s.reply(nil, f, reply{head: head, rest: rest})
}

// reply sends the answer to a frame with its descriptors. It ends their reservation and returns the buffer of a.room to
// the pool, also after an error. Outputs that do not fit a frame are STATUS_INSUFFICIENT_RESOURCES. A large answer is
// sent without being copied, unless it has memory of its own. The time slice t, which may be nil, ends before a wait
// for the client.
func (s *Server) reply(t *timeSlice, f *Frame, a reply) error {
	a = s.fitting(a)
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
