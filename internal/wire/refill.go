package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refiller may be implemented by a Process whose server puts what is in one file into
// another one.
type Refiller interface {
	// Refill replaces what is in a file by what is in another one, both behind handles of
	// the thread's process.
	Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status
}

// RefillBody is the body of a Refill.
type RefillBody struct{ File, From uint64 }

var refillBody = valueOf[RefillBody]()

// AppendRefill appends the body of a Refill.
func AppendRefill(b []byte, file, from winnt.Handle) []byte {
	return refillBody.append(inBinary, b, RefillBody{uint64(file), uint64(from)})
}

// refill replaces what is in a file. It is one call: once it has begun it is done, whether
// the client is there or not (W-83).
func (w *worker) refill(f *Frame) (a reply, err error) {
	b, err := refillBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, err
	}
	by, ok := w.s.process.(Refiller)
	if !ok {
		return refusal(ntstatus.NotSupported), nil
	}
	return refusal(by.Refill(w.th, winnt.Handle(b.File), winnt.Handle(b.From))), nil
}
