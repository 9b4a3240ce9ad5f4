package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refill replaces what is in a file of a tree by what is in another one: owner, descriptor,
// number, links and attributes stay the file's own. It is no service: who serves a program
// asks.
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
	c.use(from, src.File, winnt.FILE_READ_DATA)
	c.use(v, to.File, winnt.FILE_WRITE_DATA)
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
