package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// HandedOut is a file descriptor of the host for a program: the file, its name in the
// kernel, and the rights that its use needs. The zero value has no file.
type HandedOut = services.HandedOut

// HandOut returns a file descriptor of the host for a handle of the thread's process to a file of a tree. It is for a
// program with that uid. It is for writing only if no program can get more rights from it than the handle was
// granted, and otherwise read-only. Each one is recorded. Errors: those of the handle, STATUS_NOT_SUPPORTED if the
// tree never passes descriptors, STATUS_ACCESS_DENIED if the receiver could get more rights, STATUS_INVALID_PARAMETER
// for a thread of another system, and STATUS_AUDIT_FAILED. The caller must close the file.
func (s *System) HandOut(th *nt.Thread, h winnt.Handle, uid uint32) (HandedOut, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return HandedOut{}, ntstatus.InvalidParameter
	}
	return c.HandOut(h, uid)
}

// RecordUses records all uses of a file handle that its open marked for recording, before they happen. It is for a
// program whose reads and writes do not pass through the kernel, for example through a mapping. Errors: those of the
// handle, STATUS_INVALID_PARAMETER for a thread of another system, and STATUS_AUDIT_FAILED.
func (s *System) RecordUses(th *nt.Thread, h winnt.Handle) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidParameter
	}
	return c.RecordUses(h)
}

// Contents returns the facts of a file of a tree, for a handle of the thread's process. It also reads the contents,
// and whole is true, if room is large enough for all EndOfFile bytes and the handle grants FILE_READ_DATA. For a
// directory whole is false. The read is audited like NtReadFile. Errors: those of the handle, STATUS_ACCESS_DENIED
// without FILE_READ_ATTRIBUTES, STATUS_NOT_SUPPORTED for an object outside a tree, STATUS_INVALID_PARAMETER for a
// thread of another system, and STATUS_AUDIT_FAILED.
func (s *System) Contents(th *nt.Thread, h winnt.Handle, room []byte) (facts nt.FileFacts, whole bool,
	st ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return facts, false, ntstatus.InvalidParameter
	}
	return c.Contents(h, room)
}

// Refill replaces the contents of a file of a tree with those of another one. Both are
// handles of the thread's process. For a thread of another system it returns
// STATUS_INVALID_PARAMETER.
func (s *System) Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidParameter
	}
	return c.Refill(file, from)
}
