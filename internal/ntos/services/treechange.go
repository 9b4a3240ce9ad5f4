package services

import (
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtSetInformationFile changes, renames, links or deletes a file of a tree, or sets the modes of a pipe's end. A file
// outside the trees is STATUS_INVALID_PARAMETER. A structure of another class is STATUS_INFO_LENGTH_MISMATCH. A class
// that is not implemented is STATUS_INVALID_INFO_CLASS, decided before the input and the handle are looked at.
func (c *Context) NtSetInformationFile(in nt.SetInformationFileIn) (out nt.SetInformationFileOut, st ntstatus.Status) {
	// capture
	switch in.FileInformationClass {
	case nt.FileBasicInformation, nt.FileRenameInformation, nt.FileLinkInformation, nt.FileDispositionInformation,
		nt.FilePositionInformation, nt.FileEndOfFileInformation, nt.FilePipeInformation:
	default:
		// The class is not implemented.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if in.FileInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.FileInformation.Status)
	}
	if in.FileInformationClass == nt.FilePipeInformation {
		return out, c.setPipeModes(&in)
	}
	// reference
	h, ok, st := c.treeHandle(in.FileHandle)
	if st != ntstatus.Success {
		return out, st
	}
	if !ok {
		// Files outside the trees have no attributes to change.
		return out, c.Fail("F-110", ntstatus.InvalidParameter)
	}
	defer h.Deref(ob.TagCall)
	// decide and commit
	switch v := in.FileInformation.V.(type) {
	case nt.FileBasic:
		if in.FileInformationClass == nt.FileBasicInformation {
			return out, c.setBasic(h, v)
		}
	case nt.FileDisposition:
		if in.FileInformationClass == nt.FileDispositionInformation {
			return out, c.setDisposition(h, v.DeleteFile)
		}
	case nt.FilePosition:
		if in.FileInformationClass == nt.FilePositionInformation {
			return out, c.setPosition(h, v.CurrentByteOffset)
		}
	case nt.FileEndOfFile:
		if in.FileInformationClass == nt.FileEndOfFileInformation {
			return out, c.setSize(in.FileHandle, h, v.EndOfFile)
		}
	case nt.FileRename:
		if c := in.FileInformationClass; c == nt.FileRenameInformation || c == nt.FileLinkInformation {
			break
		}
		return out, c.Fail("I-133", ntstatus.InfoLengthMismatch)
	}
	if v, ok := in.FileInformation.V.(nt.FileRename); ok {
		return out, c.moveFile(h, &v, in.FileInformationClass == nt.FileLinkInformation)
	}
	// The structure belongs to another class.
	return out, c.Fail("I-133", ntstatus.InfoLengthMismatch)
}

// setBasic sets times and attributes of a file, if the handle grants it (F-174). Attributes that do not fit the file
// are STATUS_INVALID_PARAMETER, those that the tree cannot store STATUS_NOT_SUPPORTED. The right comes first.
func (c *Context) setBasic(h treeHandle, v nt.FileBasic) ntstatus.Status {
	if st := c.may(h, fileaccess.SetBasic, nil); st != ntstatus.Success {
		return st
	}
	if st := h.open.SetBasic(v); st != ntstatus.Success {
		if st == ntstatus.InvalidParameter {
			// A file is to be a directory, or a directory temporary.
			return c.Fail("F-174", st)
		}
		// The tree cannot store the change.
		return c.Fail("F-122", st)
	}
	return ntstatus.Success
}

// setDisposition marks a file for deletion, or with remove false takes the mark back. For the latter, neither the
// contents nor the attributes of the file matter. A failure of the host is a status, and then nothing changed.
func (c *Context) setDisposition(h treeHandle, remove bool) ntstatus.Status {
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	if !remove { // the deletion was revoked
		facts.NotEmpty, facts.FileAttributes = false, 0
	}
	if st := c.may(h, fileaccess.SetDisposition, &facts); st != ntstatus.Success {
		return st
	}
	if st := h.open.SetDelete(remove); st != ntstatus.Success {
		return c.Fail("F-117", st)
	}
	return ntstatus.Success
}

// setPosition sets the file position. A negative one, and a handle without synchronous operations, give
// STATUS_INVALID_PARAMETER (F-119).
func (c *Context) setPosition(h treeHandle, to int64) ntstatus.Status {
	if !h.synchronous || to < 0 {
		// Only a handle with synchronous operations has a position.
		return c.Fail("F-119", ntstatus.InvalidParameter)
	}
	h.moved(to)
	return ntstatus.Success
}

// setSize sets the size of a file in bytes, and records the use of FILE_WRITE_DATA if the open requested that. After a
// failure the size is unchanged. A handle without the right, and a directory, are refused before the use is recorded.
func (c *Context) setSize(v winnt.Handle, h treeHandle, size int64) ntstatus.Status {
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	if st := c.may(h, fileaccess.SetEndOfFile, &facts); st != ntstatus.Success {
		return st
	}
	if st := c.use(v, h.File, h.granted, winnt.FILE_WRITE_DATA); st != ntstatus.Success {
		return st
	}
	if st := h.open.SetSize(size); st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}

// moveFile renames a file, or with link adds a hard link to it. The new name is in the file's own directory, below an
// open directory, or an absolute name in the same tree.
func (c *Context) moveFile(h treeHandle, v *nt.FileRename, link bool) ntstatus.Status {
	decide := fileaccess.DecideRename
	if link {
		decide = fileaccess.DecideLink
	}
	return c.moveBy(h, v, link, decide, nil)
}

// moveBy renames a file or, if link is true, adds a hard link to it. decide checks the change; a refusal moves no
// file, and the tracer gets its rule. The new name is relative to RootDirectory, absolute, or a name in the file's
// present directory. Another tree, and a root outside the trees, are STATUS_NOT_SAME_DEVICE. With within, a directory
// of the new name with another identity is STATUS_NOT_SAME_OBJECT.
func (c *Context) moveBy(h treeHandle, v *nt.FileRename, link bool,
	decide func(*fileaccess.Move) fileaccess.MoveDecision, within *nt.FileIdentity) ntstatus.Status {
	m, above := nt.FileMove{Name: v.FileName, Within: within, Replace: v.ReplaceIfExists, Link: link}, 0
	switch {
	case v.RootDirectory != 0:
		root, ok, st := c.treeHandle(v.RootDirectory)
		if st != ntstatus.Success {
			return st
		}
		if !ok {
			return c.Fail("F-118", ntstatus.NotSameDevice)
		}
		defer root.Deref(ob.TagCall)
		if root.device != h.device {
			// A different tree is treated as a different device.
			return c.Fail("F-118", ntstatus.NotSameDevice)
		}
		m.Root, above = root.open, len(root.presentPath())
	case strings.HasPrefix(v.FileName, `\`):
		n, ok, st := c.inTree(&nt.ObjectAttributes{ObjectName: v.FileName, Attributes: winnt.OBJ_CASE_INSENSITIVE})
		if st != ntstatus.Success {
			return st
		}
		if ok {
			n.held.Head().Deref(ob.TagCall)
		}
		if !ok || n.device != h.device {
			// A different tree is treated as a different device.
			return c.Fail("F-118", ntstatus.NotSameDevice)
		}
		m.Name = n.name
	default:
		// A plain name stays in the file's present directory, also after a rename into it (F-57).
		path := h.presentPath()
		m.Name = path[:strings.LastIndexByte(path, '\\')+1] + v.FileName
	}
	paid, st := c.payName(h, above+len(m.Name), link)
	if st != ntstatus.Success {
		return c.Fail("Q-2", st)
	}
	rule := "F-57"
	m.Decide = c.deciding(h, decide, &rule)
	if st := h.open.Move(&m); st != ntstatus.Success {
		paid.Return()
		return c.Fail(rule, st)
	}
	if !link {
		h.rename(paid)
	}
	return ntstatus.Success
}

// payName charges the caller for a file's new path of n bytes, as far as it is longer than the path that the open was
// charged for. A link charges nothing, because the open keeps its name.
func (c *Context) payName(h treeHandle, n int, link bool) (paid quota.Receipt, st ntstatus.Status) {
	if n <= len(h.path) || link {
		return paid, ntstatus.Success
	}
	return c.self.Payer().Charge(pathCopies * (n - len(h.path)))
}

// deciding wraps decide for the move of the file of h: the returned function adds the caller and the handle's rights to
// the request. If it refuses, it stores the rule in *rule; otherwise *rule stays unchanged.
func (c *Context) deciding(h treeHandle, decide func(*fileaccess.Move) fileaccess.MoveDecision,
	rule *string) func(*fileaccess.Move) fileaccess.MoveDecision {
	return func(q *fileaccess.Move) fileaccess.MoveDecision {
		q.Subject, q.Granted = c.self.Subject(), h.granted.Access
		d := decide(q)
		if !d.Allowed() {
			*rule = d.Rule
		}
		return d
	}
}

// NtQueryDirectoryFile lists a directory of a tree, one entry for each 64 bytes of the buffer, at least 1 and at most
// maxEntries. The listing continues with the next call unless RestartScan is set, and ends with STATUS_NO_MORE_FILES.
// An entry that access-based enumeration hides is left out (F-71). Another class is STATUS_INVALID_INFO_CLASS, a handle
// outside the trees STATUS_INVALID_PARAMETER.
func (c *Context) NtQueryDirectoryFile(in nt.QueryDirectoryFileIn) (out nt.QueryDirectoryFileOut, st ntstatus.Status) {
	// capture
	if in.FileInformationClass != nt.FileDirectoryInformation && in.FileInformationClass != nt.FileNamesInformation {
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	// reference
	h, ok, st := c.treeHandle(in.FileHandle)
	if st != ntstatus.Success {
		return out, st
	}
	if !ok {
		return out, c.Fail("F-110", ntstatus.InvalidParameter)
	}
	defer h.Deref(ob.TagCall)
	// decide
	if st := c.mayList(in.FileHandle, h); st != ntstatus.Success {
		return out, st
	}
	most := min(int(in.Length/64), maxEntries)
	if in.ReturnSingleEntry || most < 1 {
		most = 1
	}
	// With access-based enumeration an entry is listed only for clients that can read it (F-71).
	out.FileInformation, st = h.open.List(in.FileName, in.RestartScan, most, h.based.see(c.self.Subject()))
	if st != ntstatus.Success {
		return out, c.Fail("F-120", st)
	}
	if in.FileInformationClass == nt.FileNamesInformation {
		for i, e := range out.FileInformation {
			out.FileInformation[i] = nt.FileEntry{FileName: e.FileName}
		}
	}
	return out, ntstatus.Success
}

// mayList checks that a handle may list its directory, and records the use of the right. A handle without
// FILE_LIST_DIRECTORY is STATUS_ACCESS_DENIED. The first listing through a file charges the caller for the scan. A
// failed charge returns its status, and the use stays recorded.
func (c *Context) mayList(v winnt.Handle, h treeHandle) ntstatus.Status {
	if h.granted.Access&winnt.FILE_LIST_DIRECTORY == 0 {
		// Without the right to list no name is returned.
		return c.Fail("F-70", ntstatus.AccessDenied)
	}
	if st := c.use(v, h.File, h.granted, winnt.FILE_LIST_DIRECTORY); st != ntstatus.Success {
		return st
	}
	if !h.listed.Load() {
		if st := h.PayMore(c.self.Payer(), scanSize); st != ntstatus.Success {
			// A scan keeps names between its calls, which the caller pays for.
			return c.Fail("Q-2", st)
		}
		h.listed.Store(true)
	}
	return ntstatus.Success
}

// ListsSameNames reports whether ListNames returns the same entries, with positions, to everybody who may list the
// directory of a handle. It returns false for an unknown handle, and for a pipe or a file outside the trees.
func (c *Context) ListsSameNames(v winnt.Handle) bool {
	h, ok, st := c.treeHandle(v)
	if st != ntstatus.Success || !ok {
		return false
	}
	defer h.Deref(ob.TagCall)
	_, ok = h.open.(nt.NameLister)
	return ok && h.based == nil
}

// ListNames returns the next part of a listing, with "." and "..", for kernel.System.ListNames. The decision is that of
// NtQueryDirectoryFile. after is 0 for the start, or a position. A handle outside the trees is
// STATUS_INVALID_PARAMETER. At the end it returns STATUS_NO_MORE_FILES. With access-based enumeration it lists only
// entries that the client can read.
func (c *Context) ListNames(v winnt.Handle, after uint64) (list []nt.DirectoryName, st ntstatus.Status) {
	// reference
	h, ok, st := c.treeHandle(v)
	if st != ntstatus.Success {
		return nil, st
	}
	if !ok {
		return nil, c.Fail("F-110", ntstatus.InvalidParameter)
	}
	defer h.Deref(ob.TagCall)
	// decide
	if st := c.mayList(v, h); st != ntstatus.Success {
		return nil, st
	}
	if fast, ok := h.open.(nt.NameLister); ok && h.based == nil {
		return fast.ListNames(after)
	}
	// With access-based enumeration an entry is listed only for clients that can read it (F-71).
	entries, st := h.open.List("", after == 0, maxEntries, h.based.see(c.self.Subject()))
	if after == 0 && st == ntstatus.Success {
		list = append(list, nt.DirectoryName{Name: ".", Directory: true}, nt.DirectoryName{Name: "..", Directory: true})
	}
	for _, e := range entries {
		if e.FileName != "." && e.FileName != ".." {
			list = append(list, nt.DirectoryName{Name: e.FileName,
				Directory: e.FileAttributes&fileaccess.AttributeDirectory != 0,
				Link:      e.FileAttributes&fileaccess.AttributeReparsePoint != 0})
		}
	}
	return list, st
}

// scanSize is the number of bytes that the scan of a directory keeps between calls: the names of one read, in this
// package's form and in the host's.
const scanSize = 64 << 10

// maxEntries bounds the entries of one call (F-123).
const maxEntries = 1024
