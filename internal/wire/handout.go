package wire

import (
	"net"
	"os"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Lender may be implemented by a Process whose server hands out descriptors of files of
// the host. It decides whether, and what can be done with one.
type Lender interface {
	// HandOut returns a descriptor of the file behind a handle of the thread's process,
	// for the program at the other end of the connection.
	HandOut(th *nt.Thread, file winnt.Handle) (*os.File, ntstatus.Status)
}

// lend asks for a descriptor. The status says why there is not one (W-60, W-62).
func (w *worker) lend(h winnt.Handle) reply {
	by, ok := w.s.process.(Lender)
	if _, carries := w.s.conn.(*net.UnixConn); !ok || !carries {
		return refusal(ntstatus.NotSupported)
	}
	if !w.s.reserve() {
		// A client that takes no descriptors gets no further ones (W-62).
		return refusal(ntstatus.InsufficientResources)
	}
	return w.passes(by.HandOut(w.th, h))
}

// passes returns the reply that brings a descriptor, for which there is a reservation.
func (w *worker) passes(file *os.File, st ntstatus.Status) (a reply) {
	if a.head.Status = st; file == nil {
		w.s.unreserve()
		return a
	}
	a.files = []*os.File{file}
	return a
}

// handOut answers with a descriptor of a file that is open (W-60).
func (w *worker) handOut(f *Frame) (a reply, err error) {
	b, err := handleBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, err
	}
	return w.lend(winnt.Handle(b.Handle)), nil
}

// callWith makes a call that opens a file. Its answer brings a descriptor where one is
// handed out; else it is that of a call, and the file is used by calls (W-61).
func (w *worker) callWith(f *Frame) (a reply, err error) {
	q, err := w.s.request(f)
	if err != nil {
		return a, err
	}
	if _, opens := openedBy(q.in); q.known && !opens {
		return refusal(ntstatus.InvalidParameter), nil
	}
	var opened winnt.Handle
	a = w.callAnd(q, f, func(out any) bool {
		opened, _ = openedBy(out)
		return true
	})
	w.failed = !a.head.Status.IsSuccess()
	if !w.failed && opened != 0 {
		a.files = w.lend(opened).files
	}
	return a, nil
}

// openedBy returns the handle that a call which opens a file gave back; ok says that
// the parameters are those of such a call.
func openedBy(parameters any) (h winnt.Handle, ok bool) {
	switch p := parameters.(type) {
	case nt.CreateFileIn, nt.OpenFileIn:
		return 0, true
	case nt.CreateFileOut:
		return p.FileHandle, true
	case nt.OpenFileOut:
		return p.FileHandle, true
	}
	return 0, false
}

// reserve makes room for a descriptor unless the client has left too many where they
// were: those are held by the host's kernel, for this program (W-62).
func (s *Server) reserve() bool {
	s.write.Lock()
	defer s.write.Unlock()
	if s.reserved+s.passed >= MaxPassed && len(s.parcels) == 0 && s.raw != nil && allTaken(s.raw) {
		s.passed = 0
	}
	if s.reserved+s.passed >= MaxPassed {
		return false
	}
	s.reserved++
	return true
}

// unreserve ends a reservation: the descriptor was sent, or there is not one.
func (s *Server) unreserve() {
	s.write.Lock()
	defer s.write.Unlock()
	s.reserved--
}
