package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Look is the kind of a frame that asks the server what its clients do: what no
// documented service tells. Question and answer are JSON, in either form of a
// connection (W-27).
const Look Kind = 65

// Looker may be implemented by a Process whose server can be looked into. It decides
// by the effective token of the thread what is shown.
type Looker interface {
	Look(th *nt.Thread, question []byte) ([]byte, ntstatus.Status)
}

// Watcher may be implemented by a Process whose server watches calls.
type Watcher interface {
	// Wants reports whether Called is to be told of a call with that status.
	Wants(st ntstatus.Status) bool
	// Called is told of a call that a thread made, with its reason, and of the bytes of
	// its frames. It must not wait.
	Called(th *nt.Thread, c *nt.Call, size int)
}

// look asks the server.
func (w *worker) look(f *Frame) reply {
	l, ok := w.s.process.(Looker)
	if !ok {
		return refusal(ntstatus.NotSupported)
	}
	answer, st := l.Look(w.th, f.Body)
	if len(answer) > MaxBody-headSize {
		return refusal(ntstatus.BufferOverflow)
	}
	return reply{head: AnswerHead{Status: st}, rest: answer}
}
