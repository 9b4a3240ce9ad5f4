package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Inspect is the kind of a frame that queries the server about its clients, for which there is no documented
// service. Query and answer are JSON in either form of a connection (W-27).
const Inspect Kind = 65

// Inspector is an optional interface of a Process whose server can be inspected. It decides by the thread's
// effective token what to return.
type Inspector interface {
	Inspect(th *nt.Thread, question []byte) ([]byte, ntstatus.Status)
}

// Watcher is an optional interface of a Process whose server records calls.
type Watcher interface {
	// Wants reports whether Called must be called for a call with that status.
	Wants(st ntstatus.Status) bool
	// Called records a call of a thread, with its reason and the size of its frames in bytes. It must not block.
	Called(th *nt.Thread, c *nt.Call, size int)
}

// MaxInspection is the longest answer to an Inspect in bytes. Before it, a frame has room for the head of the answer,
// which is longer in JSON.
const MaxInspection = MaxBody - 64

// inspect handles an Inspect frame: it passes the client's query about the server's state to the process and returns
// its answer. It returns STATUS_NOT_SUPPORTED if the process answers none, and STATUS_BUFFER_OVERFLOW if the answer
// does not fit a frame.
func (w *worker) inspect(f *Frame) reply {
	l, ok := w.s.process.(Inspector)
	if !ok {
		return refusal(ntstatus.NotSupported)
	}
	answer, st := l.Inspect(w.th, f.Body)
	if len(answer) > MaxInspection {
		return refusal(ntstatus.BufferOverflow)
	}
	return reply{head: AnswerHead{Status: st}, rest: answer}
}
