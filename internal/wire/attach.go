package wire

import (
	"os"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Attacher is an optional interface of a Process whose server connects programs to processes that a client created.
type Attacher interface {
	// Attach returns a connection that acts as a process of the client, for a program that the client starts.
	// program is the displayed name of that program, "" for none. It decides nothing (W-79). The caller closes the
	// file.
	Attach(th *nt.Thread, process winnt.Handle, program string) (*os.File, ntstatus.Status)
}

// AttacherAs is an optional interface of an Attacher whose server lets the host's superuser start programs in
// processes of other accounts.
type AttacherAs interface {
	// AttachAs is Attach for a process of another account. It also returns the uid that the program must run under.
	// The connection ends if another uid sends the hello.
	AttachAs(th *nt.Thread, process winnt.Handle, program string) (f *os.File, uid uint32, st ntstatus.Status)
}

// HostBody follows the head of the answer to AttachAs. It has the uid of the program.
type HostBody struct{ UID uint32 }

var hostBody = valueOf[HostBody]()

// DecodeHost decodes the answer to AttachAs after its head. Trailing bytes are an error. An error wraps ErrValue.
func DecodeHost(b []byte) (HostBody, error) { return hostBody.decode(inBinary, b) }

// AttachBody is the body of Attach and AttachAs: a process handle and the name of the program to start, cut to
// MaxProgram bytes of whole characters. An older client sends the handle alone.
type AttachBody struct {
	Handle  uint64
	Program string
}

// MaxProgram is the longest name of a program, in bytes.
const MaxProgram = 64

var attachBody = valueOf[AttachBody]()

// AppendAttach appends the body of Attach or AttachAs. program is for display and may be empty; the server cuts it to
// MaxProgram bytes.
func AppendAttach(b []byte, process winnt.Handle, program string) []byte {
	return attachBody.append(inBinary, b, AttachBody{uint64(process), program})
}

// attachOf decodes the body of Attach or AttachAs. It cuts a long program name. In binary, a body of 8 bytes is the
// handle alone, as older clients send it.
func (s *Server) attachOf(b []byte) (AttachBody, error) {
	if s.form == inBinary && len(b) == 8 {
		h, err := handleBody.decode(s.form, b)
		return AttachBody{Handle: h.Handle}, err
	}
	a, err := attachBody.decode(s.form, b)
	if len(a.Program) > MaxProgram {
		// A part of the name would keep the whole one in memory as long as the connection exists.
		a.Program = strings.Clone(strings.ToValidUTF8(a.Program[:MaxProgram], ""))
	}
	return a, err
}

// attach answers an Attach or AttachAs frame with a new connection for another program. The program will run in the
// process of the frame's handle. Refusals are:
//   - a connection that cannot pass descriptors: STATUS_NOT_SUPPORTED (W-52)
//   - a process that cannot attach programs, or not as another user: STATUS_NOT_SUPPORTED
//   - a client with too many unread descriptors: STATUS_INSUFFICIENT_RESOURCES
//
// A malformed body returns an error, which ends the connection.
func (w *worker) attach(f *Frame) (a reply, err error) {
	b, err := w.s.attachOf(f.Body)
	if err != nil {
		return a, err
	}
	by, ok := w.s.process.(Attacher)
	as, others := w.s.process.(AttacherAs)
	if st := w.s.mayPass(ok && (f.Kind == Attach || others)); st != ntstatus.Success {
		return refusal(st), nil
	}
	if f.Kind == Attach {
		return w.passes(by.Attach(w.th, winnt.Handle(b.Handle), b.Program)), nil
	}
	file, uid, st := as.AttachAs(w.th, winnt.Handle(b.Handle), b.Program)
	a = w.passes(file, st)
	if file != nil {
		a.rest = hostBody.append(w.s.form, nil, HostBody{uid})
	}
	return a, nil
}
