package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TreeFile returns the open file behind a handle of a thread's process, and what the
// handle grants, for a component of the server that is trusted with both: the file
// itself decides nothing. The caller calls done when it needs the file no more. The
// status is STATUS_INVALID_HANDLE for another number, or STATUS_OBJECT_TYPE_MISMATCH for
// a file in no tree.
func (s *System) TreeFile(th *nt.Thread, h winnt.Handle) (f nt.OpenFile, granted winnt.AccessMask, done func(),
	st ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return nil, 0, func() {}, ntstatus.InvalidHandle
	}
	return c.TreeFile(h)
}

// RenamePosix renames the file of a handle to a full name in its tree, as
// FILE_RENAME_POSIX_SEMANTICS has it: what has the name may be open, and an empty
// directory (M-20). It is decided otherwise as NtSetInformationFile decides.
func (s *System) RenamePosix(th *nt.Thread, h winnt.Handle, name string, replace bool) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidHandle
	}
	return c.RenamePosix(h, name, replace)
}

// MakeLink makes a symbolic link in a tree and opens it, with FILE_READ_ATTRIBUTES, for a
// component that shows trees to programs of the host. It is decided as
// NtCreateFile decides about a new file (F-192); no service follows it. The status is
// STATUS_NOT_SUPPORTED for a tree that keeps no links, or a name in no tree.
func (s *System) MakeLink(th *nt.Thread, name nt.ObjectAttributes, target string) (winnt.Handle, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return 0, ntstatus.InvalidHandle
	}
	return c.MakeLink(name, target)
}

// MakeNameless makes a file in a directory of a tree that has no name, and opens it for what
// is desired, for a component that shows trees to programs of the host. It is decided as
// NtCreateFile decides about a new file of the name, which nothing may have (F-197). The file ends with its last
// open, or is linked by NtSetInformationFile. The status is STATUS_NOT_SUPPORTED for a tree
// without such files, or a name in no tree.
func (s *System) MakeNameless(th *nt.Thread, name nt.ObjectAttributes, desired winnt.AccessMask) (winnt.Handle,
	ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return 0, ntstatus.InvalidHandle
	}
	return c.MakeNameless(name, desired)
}
