package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Contents returns facts of the file of a tree behind a handle, and reads what is in it where
// there is room for all of it; whole is false where there is not, and for a directory. It
// is no service: who serves a program asks.
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
	if facts.Directory || facts.EndOfFile > int64(len(room)) || h.granted&winnt.FILE_READ_DATA == 0 {
		return facts, false, ntstatus.Success
	}
	room = room[:facts.EndOfFile]
	n, st := h.open.ReadAt(room, 0)
	if st != ntstatus.Success {
		return facts, false, c.Fail("F-124", st)
	}
	if n < len(room) {
		// The file became shorter meanwhile: what was read is not all that the facts tell of.
		return facts, false, ntstatus.Success
	}
	// What a program is given at once is recorded as a descriptor is that is handed out (G-31).
	if st := c.recordHandOut(v, h, winnt.FILE_READ_DATA); st != ntstatus.Success {
		return facts, false, c.Fail("G-31", st)
	}
	return facts, true, ntstatus.Success
}
