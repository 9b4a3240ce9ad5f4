package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refill replaces the contents of a file with those of another one, and blocks until that is done. The file keeps its
// owner, descriptor, number, links and attributes. It is one exchange. Once the daemon has received it, it completes
// the call even if this program is gone. If the daemon is killed during the call, the file has the old contents or
// the new once the tree is served again. The file's handle needs FILE_WRITE_DATA and FILE_APPEND_DATA, and the other
// one FILE_READ_DATA, else the status is STATUS_ACCESS_DENIED. After STATUS_DISK_FULL nothing has changed, unless the
// daemon's file system has no fallocate(2); then the file can have a part of the new contents. STATUS_NOT_SUPPORTED
// means that one of them is in no tree. STATUS_INVALID_PARAMETER means that the handles differ and belong to the same
// file. A daemon without this call ends the connection.
//
// If one of both is a directory, the second takes the name of the first in one step, and the first gets the name
// nt.AsideName of its file number there. Both handles need DELETE, and the rights of two renames decide.
func (c *Conn) Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	t, err := c.own(th)
	if err != nil {
		return ntstatus.InvalidCid
	}
	head, _, err := c.ask(&wire.Frame{Kind: wire.ReplaceContents, Thread: t.number,
		Body: wire.AppendReplaceContents(nil, file, from)})
	if err != nil {
		return ntstatus.PortDisconnected
	}
	return head.Status
}

// Stage lets all later writes by a handle go to a temporary file that only the handle reaches. Refill with the
// handle as both files then replaces the contents of its file with them. Without that call, closing the handle
// discards them. The rights and errors are those of Refill. A second call returns STATUS_INVALID_PARAMETER. A
// file system without files that have no name returns STATUS_NOT_SUPPORTED.
func (c *Conn) Stage(th *nt.Thread, file winnt.Handle) ntstatus.Status { return c.Refill(th, file, 0) }
