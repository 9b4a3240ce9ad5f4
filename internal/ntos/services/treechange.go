package services

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// NtSetInformationFile changes a file of a tree.
func (c *Context) NtSetInformationFile(in nt.SetInformationFileIn) (out nt.SetInformationFileOut, st ntstatus.Status) {
	// capture
	switch in.FileInformationClass {
	case nt.FileBasicInformation, nt.FileRenameInformation, nt.FileLinkInformation, nt.FileDispositionInformation,
		nt.FilePositionInformation, nt.FileEndOfFileInformation:
	default:
		// The class is not built.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if in.FileInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.FileInformation.Status)
	}
	// reference
	h, ok, st := c.treeHandle(in.FileHandle)
	if st != ntstatus.Success {
		return out, st
	}
	if !ok {
		// Files outside the trees have nothing to change.
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
	// The structure is that of another class.
	return out, c.Fail("I-133", ntstatus.InfoLengthMismatch)
}

func (c *Context) setBasic(h treeHandle, v nt.FileBasic) ntstatus.Status {
	if st := c.may(h, fileaccess.SetBasic, nil); st != ntstatus.Success {
		return st
	}
	if st := h.open.SetBasic(v); st != ntstatus.Success {
		if st == ntstatus.InvalidParameter {
			// A file is to be a directory, or a directory temporary.
			return c.Fail("F-174", st)
		}
		// The tree does not keep what is to be set.
		return c.Fail("F-122", st)
	}
	return ntstatus.Success
}

func (c *Context) setDisposition(h treeHandle, remove bool) ntstatus.Status {
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	if !remove { // what was to be deleted stays
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

func (c *Context) setPosition(h treeHandle, to int64) ntstatus.Status {
	if !h.synchronous || to < 0 {
		// Only a handle with synchronous operations has a position.
		return c.Fail("F-119", ntstatus.InvalidParameter)
	}
	h.moved(to)
	return ntstatus.Success
}

func (c *Context) setSize(v winnt.Handle, h treeHandle, size int64) ntstatus.Status {
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	if st := c.may(h, fileaccess.SetEndOfFile, &facts); st != ntstatus.Success {
		return st
	}
	c.use(v, h.File, winnt.FILE_WRITE_DATA)
	if st := h.open.SetSize(size); st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}

// moveFile renames or links a file: within its directory, below a directory that is
// open, or to a full name in the same tree.
func (c *Context) moveFile(h treeHandle, v *nt.FileRename, link bool) ntstatus.Status {
	decide := fileaccess.DecideRename
	if link {
		decide = fileaccess.DecideLink
	}
	return c.moveBy(h, v, link, decide)
}

// moveBy renames or links a file if decide says so.
func (c *Context) moveBy(h treeHandle, v *nt.FileRename, link bool,
	decide func(*fileaccess.Move) fileaccess.MoveDecision) ntstatus.Status {
	m := nt.FileMove{Name: v.FileName, Replace: v.ReplaceIfExists, Link: link}
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
			// Another tree is another device.
			return c.Fail("F-118", ntstatus.NotSameDevice)
		}
		m.Root = root.open
	case strings.HasPrefix(v.FileName, `\`):
		n, ok, st := c.inTree(&nt.ObjectAttributes{ObjectName: v.FileName, Attributes: winnt.OBJ_CASE_INSENSITIVE})
		if st != ntstatus.Success {
			return st
		}
		if ok {
			n.held.Head().Deref(ob.TagCall)
		}
		if !ok || n.device != h.device {
			// Another tree is another device.
			return c.Fail("F-118", ntstatus.NotSameDevice)
		}
		m.Name = n.name
	default:
		if i := strings.LastIndexByte(h.path, '\\'); i >= 0 {
			m.Name = h.path[:i+1] + v.FileName
		}
	}
	rule := "F-57"
	m.Decide = func(q *fileaccess.Move) fileaccess.MoveDecision {
		q.Subject, q.Granted = c.self.Subject(), h.granted
		d := decide(q)
		if !d.Allowed() {
			rule = d.Rule
		}
		return d
	}
	if st := h.open.Move(&m); st != ntstatus.Success {
		return c.Fail(rule, st)
	}
	return ntstatus.Success
}

// NtQueryDirectoryFile lists a directory of a tree.
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
	if h.granted&winnt.FILE_LIST_DIRECTORY == 0 {
		// Who may not list sees no name.
		return out, c.Fail("F-70", ntstatus.AccessDenied)
	}
	c.use(in.FileHandle, h.File, winnt.FILE_LIST_DIRECTORY)
	most := min(int(in.Length/64), maxEntries)
	if in.ReturnSingleEntry || most < 1 {
		most = 1
	}
	// With access-based enumeration an entry is shown to who may read it (F-71).
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

// maxEntries bounds the entries of one call. F-123
const maxEntries = 1024

// securityOf returns the descriptor of the moment of an object; that of a file in a tree
// is read there.
func (c *Context) securityOf(obj ob.Object) (*sd.Descriptor, ntstatus.Status) {
	f, ok := obj.(*File)
	if !ok || f.open == nil {
		return obj.Head().Security(), ntstatus.Success
	}
	d, st := f.open.Descriptor()
	if st != ntstatus.Success {
		return nil, c.Fail("F-121", st)
	}
	return d, ntstatus.Success
}

// setTreeSecurity puts parts of a descriptor into that of a file in a tree; it starts
// again where another program changed the descriptor meanwhile.
func (c *Context) setTreeSecurity(f *File, handle winnt.Handle, info uint32, given *sd.Descriptor) ntstatus.Status {
	recorded := false
	for range attempts {
		// decide
		old, st := f.open.Descriptor()
		if st != ntstatus.Success {
			return c.Fail("F-121", st)
		}
		d, rule, st := c.changed(f.Type(), info, old, given)
		if st != ntstatus.Success {
			return c.Fail(rule, st)
		}
		if !recorded && c.Mode == access.User {
			recorded = true
			if st := c.recordSecurity(f.Head(), handle, info, old, d); st != ntstatus.Success {
				return c.Fail("U-64", st) // nothing is changed
			}
		}
		// commit
		swapped, st := f.open.SwapDescriptor(old, d)
		if st != ntstatus.Success {
			// The attribute cannot be written so that a file server believes it.
			return c.Fail("F-121", st)
		}
		if swapped {
			f.SetSecurity(d)
			return ntstatus.Success
		}
	}
	return c.Fail("F-114", ntstatus.SharingViolation)
}
