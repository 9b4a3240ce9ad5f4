package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Contents returns facts about the tree file of a handle. It also reads the contents into room, and returns whole
// true, if all of them fit and the handle grants FILE_READ_DATA. For a directory, or a file that shrinks during the
// call, whole is false. The read is audited like NtReadFile. A file outside the trees gives STATUS_NOT_SUPPORTED.
// Contents is not a service: a server calls it for its client.
func (c *Context) Contents(v winnt.Handle, room []byte) (facts nt.FileFacts, whole bool, st ntstatus.Status) {
	// reference
	h, ok, st := c.treeHandle(v)
	if st != ntstatus.Success {
		return facts, false, st
	}
	if !ok {
		// Files outside the trees are read by calls.
		return facts, false, c.Fail("F-119", ntstatus.NotSupported)
	}
	defer h.Deref(ob.TagCall)
	// decide
	if st := c.may(h, fileaccess.QueryBasic, nil); st != ntstatus.Success {
		return facts, false, st
	}
	if facts, st = h.open.Facts(); st != ntstatus.Success {
		return facts, false, c.Fail("F-124", st)
	}
	if facts.Directory || facts.EndOfFile > int64(len(room)) || h.granted.Access&winnt.FILE_READ_DATA == 0 {
		return facts, false, ntstatus.Success
	}
	// The caller reads the file, as by NtReadFile: a use that the file's SACL asks for is recorded
	// before the bytes are returned (G-31).
	if st := c.use(v, h.File, h.granted, winnt.FILE_READ_DATA); st != ntstatus.Success {
		return nt.FileFacts{}, false, c.Fail("G-31", st)
	}
	room = room[:facts.EndOfFile]
	n, st := h.open.ReadAt(room, 0)
	if st != ntstatus.Success {
		return facts, false, c.Fail("F-124", st)
	}
	if n < len(room) {
		// The file has become shorter, so the data does not match the facts.
		return facts, false, ntstatus.Success
	}
	return facts, true, ntstatus.Success
}
