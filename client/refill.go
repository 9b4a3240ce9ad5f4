package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Refill replaces what is in a file by what is in another one; owner, descriptor, number,
// links and attributes stay the file's own. It is one exchange: once the daemon has it, the
// whole of it is done, whether this program is there or not, and it leaves the old contents or
// the new as long as the daemon lives. The file's handle has FILE_WRITE_DATA and
// FILE_APPEND_DATA, the other one FILE_READ_DATA, else the status is STATUS_ACCESS_DENIED.
// STATUS_DISK_FULL: nothing has changed. STATUS_NOT_SUPPORTED: one of them is no file of a
// tree. STATUS_INVALID_PARAMETER: one is a directory, or both are the same file. A daemon that
// does not know this ends the connection.
func (c *Conn) Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	t, err := c.own(th)
	if err != nil {
		return ntstatus.InvalidCid
	}
	head, _, err := c.ask(&wire.Frame{Kind: wire.Refill, Thread: t.number, Body: wire.AppendRefill(nil, file, from)})
	if err != nil {
		return ntstatus.PortDisconnected
	}
	return head.Status
}
