package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TreeFile returns the open file of a handle of a thread's process, and the rights of
// the handle. It is for a trusted component of the server, because the file itself makes
// no access decision. The caller must call done when it no longer needs the file. The
// status is STATUS_INVALID_HANDLE for an unknown handle, and STATUS_OBJECT_TYPE_MISMATCH
// for a file in no tree.
func (s *System) TreeFile(th *nt.Thread, h winnt.Handle) (f nt.OpenFile, granted winnt.AccessMask, done func(),
	st ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return nil, 0, func() {}, ntstatus.InvalidHandle
	}
	return c.TreeFile(h)
}

// CountOpensFor makes files that are opened with token t count in the share that user has of a tree, until forget
// is called. It is for a component whose process has no quota and serves many accounts of one user.
func (s *System) CountOpensFor(t *token.Token, user sid.SID) (forget func()) {
	s.sys.Openers.Store(t, user)
	return func() { s.sys.Openers.Delete(t) }
}

// ListNames returns the next names in the directory of a handle, with . and .., for a component that shows trees to
// programs of the host. It starts at the first entry if after is 0, otherwise after the entry with that Position. If
// the entries have no positions (all are 0), it continues after its last call for the handle for every after but 0.
// The decision and the entries are those of NtQueryDirectoryFile. The status at the end is STATUS_NO_MORE_FILES or
// STATUS_NO_SUCH_FILE. For a thread of another system it is STATUS_INVALID_HANDLE.
func (s *System) ListNames(th *nt.Thread, h winnt.Handle, after uint64) ([]nt.DirectoryName, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return nil, ntstatus.InvalidHandle
	}
	return c.ListNames(h, after)
}

// ListsSameNames reports whether ListNames returns the same entries, with positions, to everybody who may list the
// directory of a handle. It returns false for an unknown handle, and for a thread of another system.
func (s *System) ListsSameNames(th *nt.Thread, h winnt.Handle) bool {
	c, ok := th.Services().(*services.Context)
	return ok && c.Sys == s.sys && c.ListsSameNames(h)
}

// RenamePosix renames the file of a handle to a full name in its tree, with FILE_RENAME_POSIX_SEMANTICS. The file
// that has the name may be open, or an empty directory (M-20). With intent, the restore privilege counts as in an
// open for backup (F-209). within is that of [System.CreateShaped], for the new name. Otherwise the decision is that of
// NtSetInformationFile. For a thread of another system the status is STATUS_INVALID_HANDLE.
func (s *System) RenamePosix(th *nt.Thread, h winnt.Handle, name string, within *nt.FileIdentity,
	replace, intent bool) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidHandle
	}
	return c.RenamePosix(h, name, within, replace, intent)
}

// LinkWithin gives the file of a handle another full name in its tree, like NtSetInformationFile with
// FileLinkInformation. within is that of [System.CreateShaped]. For a thread of another system the status is
// STATUS_INVALID_HANDLE.
func (s *System) LinkWithin(th *nt.Thread, h winnt.Handle, name string, within *nt.FileIdentity) ntstatus.Status {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return ntstatus.InvalidHandle
	}
	return c.LinkWithin(h, name, within)
}

// MakeLink creates a symbolic link in a tree and opens it with FILE_READ_ATTRIBUTES, for a component that shows trees
// to programs of the host. The decision is that of NtCreateFile for a new file (F-192). No service follows the link.
// The status is STATUS_NOT_SUPPORTED for a tree without links, or a name in no tree, and STATUS_INVALID_HANDLE for a
// thread of another system. within is that of [System.CreateShaped].
func (s *System) MakeLink(th *nt.Thread, name nt.ObjectAttributes, target string,
	within *nt.FileIdentity) (winnt.Handle, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return 0, ntstatus.InvalidHandle
	}
	return c.MakeLink(name, target, within)
}

// MakeNameless creates a file without a name in a directory of a tree and opens it with the desired rights, for a
// component that shows trees to programs of the host. The decision is that of NtCreateFile for a new file with the
// given name, which must not exist (F-197). The file is deleted with its last open unless NtSetInformationFile links
// it. The status is STATUS_NOT_SUPPORTED for a tree without such files, or a name in no tree, and
// STATUS_INVALID_HANDLE for a thread of another system. shape and within are those of [System.CreateShaped].
func (s *System) MakeNameless(th *nt.Thread, name nt.ObjectAttributes, desired winnt.AccessMask,
	shape func(*sd.Descriptor) *sd.Descriptor, within *nt.FileIdentity) (winnt.Handle, ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return 0, ntstatus.InvalidHandle
	}
	return c.MakeNameless(name, desired, shape, within)
}

// CreateShaped opens or creates a file of a tree like NtCreateFile. It passes the descriptor that a new file would
// get to shape, which returns the one that it does get. It calls shape for each attempt, without a lock, but not for
// an existing file. A nil shape changes nothing. The result of shape is trusted. With within, the name must be in the
// directory with that identity: if another directory has its path, the status is STATUS_NOT_SAME_OBJECT and nothing
// changes. The status is STATUS_NOT_SUPPORTED for a name outside of trees, and for a tree that cannot identify
// directories. It is STATUS_INVALID_HANDLE for a thread of another system.
func (s *System) CreateShaped(th *nt.Thread, in nt.CreateFileIn, shape func(*sd.Descriptor) *sd.Descriptor,
	within *nt.FileIdentity) (out nt.CreateFileOut, st ntstatus.Status) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return out, ntstatus.InvalidHandle
	}
	return c.CreateShaped(in, shape, within)
}
