package services

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refill replaces the contents of the tree file v by the contents of the file from. v keeps its owner, descriptor,
// number, links and attributes. If from or v is a directory, Refill instead replaces the object: from gets the name of
// v (F-215). It is not a service: a server calls it for its client.
//
// With from 0 it starts to collect the writes of v. With from equal to v it replaces the contents of v by the collected
// writes (F-214). v needs the rights to replace contents, from the right to read. A tree that cannot replace contents
// at once is STATUS_NOT_SUPPORTED.
func (c *Context) Refill(v, from winnt.Handle) ntstatus.Status {
	if from == 0 || from == v {
		return c.stage(v, from == v)
	}
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
	facts, st := to.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	other, st := src.open.Facts()
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	if facts.Directory || other.Directory {
		return c.replaceObject(to, src, facts.FileID)
	}
	if st := c.mayReplace(to); st != ntstatus.Success {
		return st
	}
	if st := c.may(src, fileaccess.Read, nil); st != ntstatus.Success {
		return st
	}
	file, ok := to.open.(nt.Refillable)
	if !ok {
		// The tree cannot replace contents in one step.
		return c.Fail("W-83", ntstatus.NotSupported)
	}
	// commit
	if st := c.use(from, src.File, src.granted, winnt.FILE_READ_DATA); st != ntstatus.Success {
		return st
	}
	if st := c.use(v, to.File, to.granted, winnt.FILE_WRITE_DATA); st != ntstatus.Success {
		return st
	}
	if st := file.Refill(src.open); st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}

// replaceObject replaces the file or directory to by src: it renames src to the path of to, and to to [nt.AsideName] of
// number in the same directory, in one step. Each rename is decided separately (F-215). Files of two trees are
// STATUS_NOT_SAME_DEVICE.
func (c *Context) replaceObject(to, src treeHandle, number uint64) ntstatus.Status {
	if to.device != src.device {
		return c.Fail("F-118", ntstatus.NotSameDevice)
	}
	rule := "F-215"
	st := src.open.Move(&nt.FileMove{Name: to.path, Decide: c.deciding(src, fileaccess.DecideRename, &rule),
		Aside: to.open, AsideName: nt.AsideName(number), DecideAside: c.deciding(to, fileaccess.DecideRename, &rule)})
	if st != ntstatus.Success {
		return c.Fail(rule, st)
	}
	return ntstatus.Success
}

// mayReplace checks that a handle may replace the contents of its file: it must grant to write, extend and set the end.
// It returns success or the status of the refusal.
func (c *Context) mayReplace(h treeHandle) ntstatus.Status {
	for _, op := range []fileaccess.Operation{fileaccess.Write, fileaccess.Extend, fileaccess.SetEndOfFile} {
		if st := c.may(h, op, nil); st != ntstatus.Success {
			return st
		}
	}
	return ntstatus.Success
}

// stage starts the atomic replacement of a file's contents, or finishes it if ended is true. Writes of the handle
// are collected from the start, and replace the contents at the end. Both calls need the rights to replace the
// contents (F-214). A file outside the trees, or in a tree that cannot collect writes, is STATUS_NOT_SUPPORTED.
func (c *Context) stage(v winnt.Handle, ended bool) ntstatus.Status {
	// reference
	h, st := c.withContents(v)
	if st != ntstatus.Success {
		return st
	}
	defer h.Deref(ob.TagCall)
	// decide
	if st := c.mayReplace(h); st != ntstatus.Success {
		return st
	}
	file, ok := h.open.(nt.StagedFile)
	if !ok {
		// The tree cannot collect writes.
		return c.Fail("W-83", ntstatus.NotSupported)
	}
	// commit
	if st := c.use(v, h.File, h.granted, winnt.FILE_WRITE_DATA); st != ntstatus.Success {
		return st
	}
	if ended {
		st = file.ReplaceByStaged()
	} else {
		st = file.Stage()
	}
	if st != ntstatus.Success {
		return c.Fail("F-124", st)
	}
	return ntstatus.Success
}

// withContents references the handle of a file in a tree. Any other file gives STATUS_NOT_SUPPORTED. The caller
// releases it after a success.
func (c *Context) withContents(v winnt.Handle) (treeHandle, ntstatus.Status) {
	h, ok, st := c.treeHandle(v)
	if st == ntstatus.Success && !ok {
		// Files outside the trees have no contents.
		st = c.Fail("W-83", ntstatus.NotSupported)
	}
	return h, st
}
