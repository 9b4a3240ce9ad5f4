package services

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// treeFile is the part of a file object that only an open file of a tree has. It is zero for other files.
type treeFile struct {
	path        string             // immutable; below the root of the tree
	profile     fileaccess.Profile // immutable
	synchronous bool               // immutable; the file has a position
	created     bool               // immutable; the open created it
	based       *accessBased       // immutable; nil: a listing shows every entry
	listed      atomic.Bool        // its scan was charged
	admitted    admission          // immutable after complete: its part of the user's share
	complete    atomic.Bool        // the open has succeeded, and admitted is set
	revoked     atomic.Bool        // an administrator ended its use

	mu sync.Mutex
	// +checklocks:mu
	position int64 // guarded by mu
	// +checklocks:mu
	named quota.Receipt // guarded by mu; of a name that is longer than path
}

// rename stores the charge for the file's new name in exchange for that of the previous one.
func (f *treeFile) rename(paid quota.Receipt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named.Return()
	f.named = paid
}

// accessBased decides which entries a listing shows where the share has access-based
// enumeration.
type accessBased struct {
	share  *fileaccess.Share
	policy fileaccess.Policy
}

// see returns the filter of a listing with access-based enumeration: a function that reports whether subject s may see
// an entry with a descriptor. For a nil receiver, a share without this enumeration, it returns nil: every entry is
// visible.
func (a *accessBased) see(s access.Subject) func(*sd.Descriptor) bool {
	if a == nil {
		return nil
	}
	// A client that may no longer connect gets no entries.
	tree, _ := fileaccess.Connect(&s, a.share, &a.policy)
	return func(d *sd.Descriptor) bool { return fileaccess.Visible(&s, d, tree.Maximal, &a.policy) }
}

// treeHandle is a handle of an open file in a tree, with its rights. The file is referenced for one call.
type treeHandle struct {
	*File
	granted ob.Granted
}

// may checks that the rights of a handle allow an operation on its file. It returns success or the status of the
// refusal (F-55). facts may be nil: the file then counts as a plain file without attributes.
func (c *Context) may(h treeHandle, op fileaccess.Operation, facts *nt.FileFacts) ntstatus.Status {
	subject := c.self.Subject()
	q := fileaccess.Handle{Granted: h.granted.Access, Profile: h.profile, Subject: &subject}
	if facts != nil {
		q.Directory, q.NotEmpty, q.Attributes = facts.Directory, facts.NotEmpty, facts.FileAttributes
	}
	if st := q.May(op); st != ntstatus.Success {
		// The handle decides, not the current caller.
		return c.Fail("F-55", st)
	}
	return ntstatus.Success
}

// treeHandle references the file of a handle for a call on files of trees. For a file outside the trees ok is false and
// the status is success. With ok true the caller releases h.
func (c *Context) treeHandle(v winnt.Handle) (h treeHandle, ok bool, st ntstatus.Status) {
	obj, granted, st := c.fileGranted(v, 0)
	if st != ntstatus.Success {
		return h, false, st
	}
	if f, tree := obj.(*File); tree && f.open != nil {
		return treeHandle{f, granted}, true, ntstatus.Success
	}
	obj.Head().Deref(ob.TagCall)
	return h, false, ntstatus.Success
}

// use writes audit event 4663 for the first use of a right through a handle, which g describes. Without a request of
// the open, for a repeated use, or for a handle without a table, no event is written, and the result is success. The
// caller calls use before the operation, which must not continue after a failure.
func (c *Context) use(v winnt.Handle, obj ob.Object, g ob.Granted, right winnt.AccessMask) ntstatus.Status {
	t := c.TableOf(v)
	if t == nil || g.Pending&right == 0 {
		return ntstatus.Success
	}
	// Under a policy that fails closed, the right is marked as used only after the record is
	// stored, so that no other call continues earlier. Such a handle was opened under another
	// policy (U-91).
	closed := c.Sys.Log.Policy.FailsClosed()
	take := t.TakeAudit
	if closed {
		take = t.PendingAudit
	}
	now := take(v, obj, g.Pending&right)
	if now == 0 {
		return ntstatus.Success
	}
	o := audit.Object{Type: obj.Head().Type().Name, Name: obj.Head().Path(), Handle: v}
	_, st := c.Sys.Log.Used(c.origin(), o, audit.HandleAudit{Audited: now, Pending: now}, now, obj.Head().Security())
	if st != ntstatus.Success {
		return c.Fail("U-64", st)
	}
	if closed {
		t.TakeAudit(v, obj, now)
	}
	return ntstatus.Success
}

// maxTransfer is the largest number of bytes of one read.
const maxTransfer = 16 << 20

// at returns the offset of a read or write in bytes: the given one, or the file's current position. It fails with
// STATUS_INVALID_PARAMETER for a negative offset, and for the position of a handle without synchronous operations.
func (f *File) at(offset uint64) (at int64, st ntstatus.Status) {
	switch {
	case offset == winnt.FILE_USE_FILE_POINTER_POSITION && !f.synchronous:
		// Only a handle with synchronous operations has a position.
		return 0, ntstatus.InvalidParameter
	case offset == winnt.FILE_USE_FILE_POINTER_POSITION:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.position, ntstatus.Success
	case int64(offset) < 0:
		return 0, ntstatus.InvalidParameter
	}
	return int64(offset), ntstatus.Success
}

// moved sets the file position after a read or write. Only handles with synchronous operations have one; for others it
// does nothing.
func (f *File) moved(to int64) {
	if f.synchronous {
		f.mu.Lock()
		f.position = to
		f.mu.Unlock()
	}
}

// readTree reads from a file of a tree and advances the file position. The handle must grant reading. A read of 0
// bytes succeeds. The end of the file is STATUS_END_OF_FILE. A directory is STATUS_INVALID_PARAMETER. A failed read
// leaves the position.
func (c *Context) readTree(h treeHandle, in *nt.ReadFileIn) (out nt.ReadFileOut, st ntstatus.Status) {
	if st := c.may(h, fileaccess.Read, nil); st != ntstatus.Success {
		return out, st
	}
	at, st := h.at(in.ByteOffset)
	if st != ntstatus.Success {
		return out, c.Fail("F-119", st)
	}
	if st := c.use(in.FileHandle, h.File, h.granted, winnt.FILE_READ_DATA); st != ntstatus.Success {
		return out, st
	}
	i, st := c.beginAtOnce(h.File, in.Later)
	if st != ntstatus.Success {
		return out, st
	}
	defer func() { i.over(npfs.Result{Status: st, Data: out.Buffer, Count: len(out.Buffer)}, false) }()
	room, st := c.readingRoom(h, in, at)
	if st != ntstatus.Success {
		return out, st
	}
	n, st := h.open.ReadAt(room, at)
	if st != ntstatus.Success || n < len(room) || n == 0 {
		// A directory is listed, not read, and no read of one fills the caller's memory (F-119).
		if facts, failed := h.open.Facts(); failed == ntstatus.Success && facts.Directory {
			return out, c.Fail("F-119", ntstatus.InvalidParameter)
		}
	}
	switch {
	case st != ntstatus.Success:
		return out, c.Fail("F-124", st)
	case n == 0 && in.Length > 0:
		return out, c.Fail("O-31", ntstatus.EndOfFile)
	}
	h.moved(at + int64(n))
	return nt.ReadFileOut{Buffer: room[:n]}, ntstatus.Success
}

// readingRoom returns the buffer into which a read at an offset copies the file's bytes: the caller's, or a new one
// that is no larger than the rest of the file (F-123). At most maxTransfer bytes are read.
func (c *Context) readingRoom(h treeHandle, in *nt.ReadFileIn, at int64) ([]byte, ntstatus.Status) {
	want := min(int64(in.Length), maxTransfer)
	if in.Room != nil && int64(len(in.Room)) >= want {
		// A caller in this process gets the bytes in its own memory (F-203).
		return in.Room[:want], ntstatus.Success
	}
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return nil, c.Fail("F-124", st)
	}
	return make([]byte, min(want, max(facts.EndOfFile-at, 0))), ntstatus.Success
}

// writeTree writes to a file of a tree and advances the position of a synchronous handle. A handle that may only
// append writes at the end of the file. A write beyond the end also requires the right to extend. After a failed
// write Information has the number of bytes written.
func (c *Context) writeTree(h treeHandle, in *nt.WriteFileIn) (out nt.WriteFileOut, st ntstatus.Status) {
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return out, c.Fail("F-124", st)
	}
	offset := in.ByteOffset
	switch h.granted.Access & (winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA) {
	case 0:
		// A write of no bytes needs a right to write too.
		return out, c.Fail("F-55", ntstatus.AccessDenied)
	case winnt.FILE_APPEND_DATA:
		offset = winnt.FILE_WRITE_TO_END_OF_FILE
	}
	at, right := facts.EndOfFile, h.granted.Access&winnt.FILE_APPEND_DATA
	if right == 0 || offset != winnt.FILE_WRITE_TO_END_OF_FILE {
		right = winnt.FILE_WRITE_DATA // which also appends under the observed profile (F-55)
	}
	if offset != winnt.FILE_WRITE_TO_END_OF_FILE {
		if at, st = h.at(offset); st != ntstatus.Success {
			return out, c.Fail("F-119", st)
		}
		if st := c.may(h, fileaccess.Write, nil); st != ntstatus.Success {
			return out, st
		}
	}
	if at > 1<<62 || at+int64(len(in.Buffer.V)) > facts.EndOfFile {
		if st := c.may(h, fileaccess.Extend, nil); st != ntstatus.Success {
			return out, st
		}
	}
	if st := c.use(in.FileHandle, h.File, h.granted, right); st != ntstatus.Success {
		return out, st
	}
	i, st := c.beginAtOnce(h.File, in.Later)
	if st != ntstatus.Success {
		return out, st
	}
	defer func() { i.over(npfs.Result{Status: st, Count: int(out.Information)}, false) }()
	if offset == winnt.FILE_WRITE_TO_END_OF_FILE {
		at = -1
	}
	n, end, st := h.open.WriteAt(in.Buffer.V, at)
	out.Information = uint32(n)
	if st != ntstatus.Success {
		return out, c.Fail("F-124", st)
	}
	h.moved(end)
	return out, ntstatus.Success
}

// treeFact returns the information of a tree's file for the classes that need the file system. A class of pipes is
// STATUS_INVALID_PARAMETER. Only FileBasicInformation needs a right of the handle.
func (c *Context) treeFact(h treeHandle, class nt.FileInfoClass) (out nt.QueryInformationFileOut,
	st ntstatus.Status) {
	op := fileaccess.QueryOther
	if class == nt.FileBasicInformation {
		op = fileaccess.QueryBasic
	}
	if st := c.may(h, op, nil); st != ntstatus.Success {
		return out, st
	}
	facts, st := h.open.Facts()
	if st != ntstatus.Success {
		return out, c.Fail("F-124", st)
	}
	switch class {
	case nt.FileBasicInformation:
		out.FileInformation = facts.FileBasic
	case nt.FileStandardInformation:
		out.FileInformation = nt.FileStandard{AllocationSize: facts.AllocationSize, EndOfFile: facts.EndOfFile,
			NumberOfLinks: facts.Links, DeletePending: facts.DeletePending, Directory: facts.Directory}
	case nt.FileInternalInformation:
		out.FileInformation = nt.FileInternal{IndexNumber: facts.FileID}
	case nt.FilePositionInformation:
		h.mu.Lock()
		out.FileInformation = nt.FilePosition{CurrentByteOffset: h.position}
		h.mu.Unlock()
	default:
		// This class belongs to pipes.
		return out, c.Fail("I-133", ntstatus.InvalidParameter)
	}
	return out, ntstatus.Success
}

// flushTree writes the cached data of a file to its disk, if the handle may. An error of the disk is the status of the
// tree.
func (c *Context) flushTree(h treeHandle) ntstatus.Status {
	if st := c.may(h, fileaccess.Flush, nil); st != ntstatus.Success {
		return st
	}
	if st := h.open.Flush(); st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}
