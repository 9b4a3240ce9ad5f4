package wire

import (
	"net"
	"os"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Attacher may be implemented by a Process whose server lets programs run in the
// processes that a client made.
type Attacher interface {
	// Attach returns a connection that is the process of that handle of the thread's
	// process, for the program that the client starts.
	Attach(th *nt.Thread, process winnt.Handle) (*os.File, ntstatus.Status)
}

// attach gives a process's connection to the client that made the process. A stream
// that carries no descriptors cannot (W-52).
func (w *worker) attach(f *Frame) (a reply, err error) {
	b, err := handleBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, err
	}
	by, ok := w.s.process.(Attacher)
	if _, carries := w.s.conn.(*net.UnixConn); !ok || !carries {
		return refusal(ntstatus.NotSupported), nil
	}
	if !w.s.reserve() {
		// A client that takes no descriptors gets no further ones (W-62).
		return refusal(ntstatus.InsufficientResources), nil
	}
	return w.passes(by.Attach(w.th, winnt.Handle(b.Handle))), nil
}
