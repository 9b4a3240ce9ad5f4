package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// TreeFile returns the open file behind a handle and the handle's rights, for kernel.System.TreeFile. The caller must
// call done, which is never nil, when it no longer uses the file. A file outside the trees gives
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) TreeFile(v winnt.Handle) (f nt.OpenFile, granted winnt.AccessMask, done func(), st ntstatus.Status) {
	h, ok, st := c.treeHandle(v)
	switch {
	case st != ntstatus.Success:
		return nil, 0, func() {}, st
	case !ok:
		return nil, 0, func() {}, ntstatus.ObjectTypeMismatch
	}
	return h.open, h.granted.Access, func() { h.Deref(ob.TagCall) }, ntstatus.Success
}

// MakeLink creates a symbolic link in a tree and opens it, for kernel.System.MakeLink. The decision is that of a new
// file (F-192). An empty target, or a name outside the trees, gives STATUS_NOT_SUPPORTED.
func (c *Context) MakeLink(oa nt.ObjectAttributes, target string, within *nt.FileIdentity) (winnt.Handle,
	ntstatus.Status) {
	return c.makeSpecial(oa, winnt.FILE_READ_ATTRIBUTES|winnt.SYNCHRONIZE,
		fileaccess.NonDirectoryFile|fileaccess.OpenReparsePoint,
		&openRequest{target: target, within: within})
}

// MakeNameless creates a file without a name in a directory of a tree and opens it, for kernel.System.MakeNameless.
// The decision is that of a new file with the given name, but the name stays free (F-197).
func (c *Context) MakeNameless(oa nt.ObjectAttributes, desired winnt.AccessMask,
	shape func(*sd.Descriptor) *sd.Descriptor, within *nt.FileIdentity) (winnt.Handle, ntstatus.Status) {
	return c.makeSpecial(oa, desired, fileaccess.NonDirectoryFile,
		&openRequest{nameless: true, shape: shape, within: within})
}

// CreateShaped opens or creates a file of a tree, for kernel.System.CreateShaped. A new file gets the descriptor that
// shape returns; a nil shape changes nothing. With within, the name must be in the directory with that identity. A name
// outside the trees gives STATUS_NOT_SUPPORTED.
func (c *Context) CreateShaped(in nt.CreateFileIn, shape func(*sd.Descriptor) *sd.Descriptor,
	within *nt.FileIdentity) (out nt.CreateFileOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	n, ok, st := c.inTree(&oa)
	switch {
	case st != ntstatus.Success:
		return out, st
	case !ok:
		return out, ntstatus.NotSupported
	}
	defer n.held.Head().Deref(ob.TagCall)
	return c.openAsked(&n, &openRequest{Request: c.requestOf(&in, &oa, n.name), shape: shape, within: within}, &oa)
}

// makeSpecial atomically creates and opens a symbolic link or an unnamed file in a tree. q says which. A path
// outside the trees, and a link without a target, are STATUS_NOT_SUPPORTED. An existing name is
// STATUS_OBJECT_NAME_COLLISION. After a failure h is 0.
func (c *Context) makeSpecial(oa nt.ObjectAttributes, desired winnt.AccessMask, options fileaccess.CreateOptions,
	q *openRequest) (h winnt.Handle, st ntstatus.Status) {
	// capture
	oa, st = c.captureAttributes(nt.Cap(&oa))
	if st != ntstatus.Success {
		return 0, st
	}
	n, ok, st := c.inTree(&oa)
	switch {
	case st != ntstatus.Success:
		return 0, st
	case !ok || !q.nameless && q.target == "":
		return 0, ntstatus.NotSupported
	}
	defer n.held.Head().Deref(ob.TagCall)
	in := nt.CreateFileIn{DesiredAccess: desired,
		ShareAccess:       uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete),
		CreateDisposition: uint32(fileaccess.FileCreate), CreateOptions: uint32(options)}
	q.Request = c.requestOf(&in, &oa, n.name)
	out, st := c.openAsked(&n, q, &oa)
	return out.FileHandle, st
}

// RenamePosix renames a tree's file with the semantics of FILE_RENAME_POSIX_SEMANTICS, for kernel.System.RenamePosix.
// Open handles do not prevent the rename. With intent, the restore privilege counts as in an open for backup (F-209).
// With within, the new name must be in the directory with that identity. A handle of another object is
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) RenamePosix(v winnt.Handle, name string, within *nt.FileIdentity,
	replace, intent bool) ntstatus.Status {
	decide := func(q *fileaccess.Move) fileaccess.MoveDecision {
		// Open handles do not prevent the move: those of a replaced file continue without a name, those of
		// descendants under the new path. A directory may replace an empty directory (M-20).
		q.Intent = intent
		if q.OpensBelow = false; q.Existing != nil {
			q.Existing.Open, q.Existing.IsDirectory = false, q.Existing.IsDirectory != q.Directory
		}
		return fileaccess.DecideRename(q)
	}
	return c.moveWithin(v, &nt.FileRename{FileName: name, ReplaceIfExists: replace}, false, decide, within)
}

// LinkWithin adds a hard link to a tree's file, for kernel.System.LinkWithin. The decision is that of
// NtSetInformationFile. With within, the new name must be in the directory with that identity. A handle of another
// object is STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) LinkWithin(v winnt.Handle, name string, within *nt.FileIdentity) ntstatus.Status {
	return c.moveWithin(v, &nt.FileRename{FileName: name}, true, fileaccess.DecideLink, within)
}

// moveWithin renames or links the file of a handle as moveBy does. A handle of an object that is no file of a tree is
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) moveWithin(v winnt.Handle, to *nt.FileRename, link bool,
	decide func(*fileaccess.Move) fileaccess.MoveDecision, within *nt.FileIdentity) ntstatus.Status {
	h, ok, st := c.treeHandle(v)
	switch {
	case st != ntstatus.Success:
		return st
	case !ok:
		return ntstatus.ObjectTypeMismatch
	}
	defer h.Deref(ob.TagCall)
	return c.moveBy(h, to, link, decide, within)
}
