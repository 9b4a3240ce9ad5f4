package wire

import (
	"net"
	"os"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DescriptorPasser is an optional interface of a Process whose server passes descriptors of host files. It decides
// when, and with which access.
type DescriptorPasser interface {
	// HandOut returns a descriptor for the file of a handle of the thread's process. The caller sends and closes it.
	HandOut(th *nt.Thread, file winnt.Handle) (*os.File, ntstatus.Status)
}

// passDescriptor answers a call with a host file descriptor for the open file h, or with the status of the failure
// (W-60, W-62). It returns STATUS_NOT_SUPPORTED unless the connection is a Unix socket. A client with too many unread
// descriptors gets STATUS_INSUFFICIENT_RESOURCES.
func (w *worker) passDescriptor(h winnt.Handle) reply {
	by, ok := w.s.process.(DescriptorPasser)
	if st := w.s.mayPass(ok); st != ntstatus.Success {
		return refusal(st)
	}
	return w.passes(by.HandOut(w.th, h))
}

// mayPass reserves a descriptor for the client. It returns the status with which that is refused: STATUS_NOT_SUPPORTED
// if the process passes none or the connection cannot carry one, and STATUS_INSUFFICIENT_RESOURCES for too many.
func (s *Server) mayPass(supported bool) ntstatus.Status {
	if _, carries := s.conn.(*net.UnixConn); !supported || !carries {
		return ntstatus.NotSupported
	}
	if !s.reserve() {
		// A client that takes no descriptors gets no further ones (W-62).
		return ntstatus.InsufficientResources
	}
	return ntstatus.Success
}

// passes returns a reply with status st that passes a descriptor, for which the caller holds a reservation. The reply
// then owns file. A nil file ends the reservation instead.
func (w *worker) passes(file *os.File, st ntstatus.Status) (a reply) {
	if a.head.Status = st; file == nil {
		w.s.unreserve()
		return a
	}
	a.files = []*os.File{file}
	return a
}

// handOut handles a HandOut frame: it answers with a host file descriptor of an open file (W-60). A refusal is a
// status. An error is a malformed body and ends the connection.
func (w *worker) handOut(f *Frame) (a reply, err error) {
	b, err := handleBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, err
	}
	return w.passDescriptor(winnt.Handle(b.Handle)), nil
}

// callWith handles a CallWith or ThenWith frame: a call that opens a file and answers with its host file descriptor
// (W-61). A service that cannot open a file is STATUS_INVALID_PARAMETER. An unknown service is answered as by callAnd.
// If the descriptor cannot be passed, the call still succeeds. A malformed request is an error.
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
	if a.head.Status.IsSuccess() && opened != 0 {
		a.files = w.passDescriptor(opened).files
	}
	return a, nil
}

// openedBy finds the file handle in the parameters of NtCreateFile or NtOpenFile. parameters is an input or output; an
// input gives handle 0. ok is false for other calls.
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

// reserve counts a descriptor about to be sent, until unreserve. It returns false if the client has too many unread
// ones, which the host's kernel must hold (W-62). Before it refuses, it checks whether the client has read all of them.
func (s *Server) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved+s.passed >= MaxPassed && s.allRead() {
		s.passed = 0
	}
	if s.reserved+s.passed >= MaxPassed {
		return false
	}
	s.reserved++
	return true
}

// allRead reports whether the client has read all descriptors. It does not wait for a goroutine that is sending (W-44),
// and returns false then.
func (s *Server) allRead() bool {
	if !s.write.TryLock() {
		return false
	}
	defer s.write.Unlock()                                           // +checklocksforce
	return len(s.fdMessages) == 0 && s.raw != nil && allTaken(s.raw) // +checklocksforce
}

// unreserve ends one reservation of reserve, because the descriptor was sent or there is none.
func (s *Server) unreserve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved--
}
