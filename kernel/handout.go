package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// HandedOut is a descriptor of the host that a program gets: the file, its name in the
// kernel, and the rights that its use needs. The zero value has no file.
type HandedOut = services.HandedOut

// HandOut returns a descriptor of the host for the file of a tree behind a handle of
// the thread's process: a program of that uid gets it. It is read-only unless no
// program can make more of one for writing than the handle was granted, and each one is
// a record. Errors: those of the handle, STATUS_NOT_SUPPORTED where the tree hands
// nothing out, STATUS_ACCESS_DENIED where the receiver could make more of it, and
// STATUS_AUDIT_FAILED. The caller closes the file.
func (s *System) HandOut(th *nt.Thread, h winnt.Handle, uid uint32) (HandedOut, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return HandedOut{}, ntstatus.InvalidParameter
	}
	return c.HandOut(h, uid)
}

// Contents returns facts of the file of a tree behind a handle of the thread's process,
// and reads what is in it where there is room for all of it, EndOfFile bytes; whole is false
// where there is not, and for a directory. It is a record as a hand-out is. Errors: those of the handle,
// STATUS_ACCESS_DENIED without FILE_READ_ATTRIBUTES, STATUS_NOT_SUPPORTED for what is in
// no tree, and STATUS_AUDIT_FAILED.
func (s *System) Contents(th *nt.Thread, h winnt.Handle, room []byte) (facts nt.FileFacts, whole bool,
	st ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return facts, false, ntstatus.InvalidParameter
	}
	return c.Contents(h, room)
}

// Refill replaces what is in a file of a tree by what is in another one, both behind handles
// of the thread's process. STATUS_INVALID_PARAMETER is the status
// of a thread of another system.
func (s *System) Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidParameter
	}
	return c.Refill(file, from)
}
