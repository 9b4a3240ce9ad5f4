package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refill replaces a tree file's contents by the contents of another file. The file keeps its owner, descriptor,
// number, links and attributes. It is not a service: a server calls it for its client.
func (c *Context) Refill(v, from winnt.Handle) ntstatus.Status {
	// reference
	to, st := c.withContents(v)
	if st != ntstatus.Success {
		return st
	}
	defer to.Deref(ob.TagCall)
	src, st := c.withContents(from)
	if st != ntstatus.Success {
		return st
	}
	defer src.Deref(ob.TagCall)
	// decide
	for _, op := range []fileaccess.Operation{fileaccess.Write, fileaccess.Extend, fileaccess.SetEndOfFile} {
		if st := c.may(to, op, nil); st != ntstatus.Success {
			return st
		}
	}
	if st := c.may(src, fileaccess.Read, nil); st != ntstatus.Success {
		return st
	}
	file, ok := to.open.(nt.Refillable)
	if !ok {
		// The tree cannot do it at once.
		return c.Fail("W-83", ntstatus.NotSupported)
	}
	// commit
	if st := c.use(from, src.File, winnt.FILE_READ_DATA); st != ntstatus.Success {
		return st
	}
	if st := c.use(v, to.File, winnt.FILE_WRITE_DATA); st != ntstatus.Success {
		return st
	}
	if st := file.Refill(src.open); st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}

// withContents references the handle of a file in a tree.
func (c *Context) withContents(v winnt.Handle) (treeHandle, ntstatus.Status) {
	h, ok, st := c.treeHandle(v)
	if st == ntstatus.Success && !ok {
		// Files outside the trees have no contents.
		st = c.Fail("W-83", ntstatus.NotSupported)
	}
	return h, st
}
