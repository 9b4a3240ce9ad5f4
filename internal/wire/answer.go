package wire

import (
	"encoding/binary"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// AnswerHead is the start of an answer's body. The output of the call, a new thread, or a ticket follows.
type AnswerHead struct {
	Status ntstatus.Status
	Why    *WhyBody // nil unless it was wanted and there is one
}

// WhyBody is the reason of a failed call, an [nt.Why], in the head of an answer.
type WhyBody struct {
	Rule, Because, Object string
	Explanation           *access.ExplanationRecord
}

// ThreadBody is the body of the answer to NewThread: the new thread's number and name.
type ThreadBody struct {
	Thread uint32
	Name   string
}

// TicketBody names a saved impersonation. It is the body of the answer to Save, and of Restore.
type TicketBody struct{ Ticket uint64 }

var (
	answerHead = valueOf[AnswerHead]()
	threadBody = valueOf[ThreadBody]()
	ticketBody = valueOf[TicketBody]()
)

// whyBody converts the reason of a failed call to its wire form, for the head of an answer. The zero reason becomes
// nil.
func whyBody(w nt.Why) *WhyBody {
	if w == (nt.Why{}) {
		return nil
	}
	b := &WhyBody{Rule: w.Rule, Because: w.Because, Object: w.Object}
	if w.Explanation != nil {
		b.Explanation = w.Explanation.Record()
	}
	return b
}

// Reason returns the reason in the answer, or the zero value for an answer without one.
func (h *AnswerHead) Reason() nt.Why {
	if h.Why == nil {
		return nt.Why{}
	}
	w := nt.Why{Rule: h.Why.Rule, Because: h.Why.Because, Object: h.Why.Object}
	if h.Why.Explanation != nil {
		w.Explanation = h.Why.Explanation.Explanation()
	}
	return w
}

// DecodeAnswer decodes the head of an answer and returns the bytes after it: the output of the call. rest refers to
// b. An error wraps ErrValue.
func DecodeAnswer(b []byte) (h AnswerHead, rest []byte, err error) {
	if len(b) > 4 && b[4] == 0 {
		// Almost every head is a status alone.
		return AnswerHead{Status: ntstatus.Status(binary.LittleEndian.Uint32(b))}, b[5:], nil
	}
	return prefix(answerHead, b)
}

// appendHead appends the head of an answer.
func appendHead(b []byte, h *AnswerHead) []byte {
	if h.Why == nil {
		return append(binary.LittleEndian.AppendUint32(b, uint32(h.Status)), 0)
	}
	return answerHead.append(inBinary, b, *h)
}

// DecodeThread decodes the answer to NewThread after its head. Trailing bytes are an error. An error wraps ErrValue.
func DecodeThread(b []byte) (ThreadBody, error) { return threadBody.decode(inBinary, b) }

// DecodeTicket decodes a ticket: the body of Restore, or of the answer to Save after its head. Trailing bytes are an
// error. An error wraps ErrValue.
func DecodeTicket(b []byte) (TicketBody, error) { return ticketBody.decode(inBinary, b) }

// AppendTicket appends the body of a Restore frame, which names the saved impersonation k, to b.
func AppendTicket(b []byte, k nt.Ticket) []byte {
	return ticketBody.append(inBinary, b, TicketBody{uint64(k)})
}
