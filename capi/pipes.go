//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// waiting repeats a call on a pipe as long as it says blocked, after each
// change of the pipe: the services never wait, a synchronous handle does.
func (c *call) waiting(h winnt.Handle, blocked ntstatus.Status, try func() ntstatus.Status) (st ntstatus.Status,
	waited bool) {
	if r := c.remote(); r != nil {
		return r.until(h, blocked, try)
	}
	for {
		changed, ok := c.sys.PipeChanged(h) // before the call, so that no change is missed
		if st = try(); st != blocked || !ok {
			return st, waited
		}
		<-changed
		c.Forget() // the program may have taken outputs away meanwhile
		waited = true
	}
}

// What FILE_OPEN and relatives leave in the IO_STATUS_BLOCK.
const (
	fileOpened  = 1
	fileCreated = 2
)

// probeOpen probes what the services write, beside a file handle, that give one.
func (c *call) probeOpen() ntstatus.Status { return c.Probe(c.ptr(3), 16, 4) }

// openedFile ends them.
func (c *call) openedFile(h winnt.Handle, information uint64, st ntstatus.Status) uint64 {
	if st.IsSuccess() {
		if fault := c.putIOStatus(c.ptr(3), st, information); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return c.opened(h, st)
}

func ntOpenFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	o, st := c.sys.NtOpenFile(openFileIn(c))
	return c.openedFile(o.FileHandle, fileOpened, st)
}

// ntCreateFile opens what is there: nothing makes files here.
func ntCreateFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	const fileOpen, fileOpenIf, fileOverwriteIf = 1, 3, 5
	disposition := c.u32(7)
	switch {
	case disposition > fileOverwriteIf:
		return c.opened(0, ntstatus.InvalidParameter)
	case disposition != fileOpen && disposition != fileOpenIf:
		return c.opened(0, ntstatus.NotSupported)
	}
	o, st := c.sys.NtOpenFile(nt.OpenFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		ShareAccess: c.u32(6), OpenOptions: c.u32(8)})
	return c.openedFile(o.FileHandle, fileOpened, st)
}

// ntCreateNamedPipeFile makes an instance, whose handle waits if it is asked to.
func ntCreateNamedPipeFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	if p := c.ptr(13); p != 0 { // how long NtFsControlFile(FSCTL_PIPE_WAIT) waits
		if _, st := c.ReadU64(p); st != ntstatus.Success {
			return status(st)
		}
	}
	in := nt.CreateNamedPipeFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2), ShareAccess: c.u32(4),
		CreateDisposition: c.u32(5),
		NamedPipeType:     c.u32(7) & winnt.FILE_PIPE_MESSAGE_TYPE, MaximumInstances: c.u32(10), InboundQuota: c.u32(11),
		OutboundQuota: c.u32(12), CompletionMode: c.u32(9)}
	if in.ObjectAttributes.Status == ntstatus.Success && (in.ShareAccess&^3 != 0 || in.ShareAccess == 0) {
		// A pipe has one direction at least (T-132); bad pointers come first (O-3).
		return c.opened(0, ntstatus.InvalidParameter)
	}
	if c.u32(6)&synchronous == 0 {
		// Nothing is ever pending: a handle that does not wait tells at once what cannot be done yet (T-135).
		in.CompletionMode = winnt.FILE_PIPE_COMPLETE_OPERATION
	}
	if st := pipeParameters(in.CreateDisposition, c.u32(7), c.u32(8), c.u32(9)); st != ntstatus.Success {
		return c.opened(0, st)
	}
	switch in.MaximumInstances {
	case 0:
		return c.opened(0, ntstatus.InvalidParameter)
	case ^uint32(0): // as many as there may be
		in.MaximumInstances = 0
	}
	o, st := c.sys.NtCreateNamedPipeFile(in)
	return c.openedFile(o.FileHandle, fileCreated, st)
}

// synchronous are the options of a handle that waits: FILE_SYNCHRONOUS_IO_ALERT, _NONALERT.
const synchronous = 0x10 | 0x20

// pipeParameters refuses what no pipe can be.
func pipeParameters(disposition, typ, read, completion uint32) ntstatus.Status {
	const (
		fileOpen, fileOpenIf = 1, 3
		rejectRemote         = 2 // FILE_PIPE_REJECT_REMOTE_CLIENTS: no client is remote
	)
	message := typ & winnt.FILE_PIPE_MESSAGE_TYPE
	switch {
	case disposition < fileOpen || disposition > fileOpenIf, typ&^(winnt.FILE_PIPE_MESSAGE_TYPE|rejectRemote) != 0,
		read > 1, completion > 1, read > message:
		return ntstatus.InvalidParameter
	}
	return ntstatus.Success
}

// putIOStatus writes an IO_STATUS_BLOCK.
func (c *call) putIOStatus(p user, st ntstatus.Status, information uint64) ntstatus.Status {
	var e marshal.Encoder
	e.U64(uint64(st))
	e.U64(information)
	return c.Write(p, e.Bytes)
}

// ioCall is one call on a file under way: where its result goes.
type ioCall struct {
	*call
	block user
}

// io checks what the services on files share: events, routines and contexts
// belong to calls that do not wait, and every handle here does.
func (c *call) io(event, routine, block int) (ioCall, ntstatus.Status) {
	x := ioCall{c, c.ptr(block)}
	if st := c.Probe(x.block, 16, 4); st != ntstatus.Success {
		// The status block cannot be written: every pointer is looked at before any handle (O-3).
		return x, st
	}
	if c.handle(event) != 0 || c.ptr(routine) != 0 {
		return x, ntstatus.NotSupported
	}
	return x, ntstatus.Success
}

// optional reads parameters that pipes and files without contents do not use,
// a ByteOffset and a Key, as far as to tell a bad pointer.
func (c *call) optional(offset, key int) ntstatus.Status {
	if p := c.ptr(offset); p != 0 {
		if _, st := c.ReadU64(p); st != ntstatus.Success {
			return st
		}
	}
	if p := c.ptr(key); p != 0 {
		if _, st := c.ReadU32(p); st != ntstatus.Success {
			return st
		}
	}
	return ntstatus.Success
}

// finish writes the IO_STATUS_BLOCK, which a failure leaves alone.
func (x ioCall) finish(st ntstatus.Status, information int) uint64 {
	const failed = 0xC0000000 // a warning, such as STATUS_BUFFER_OVERFLOW, is no failure
	if uint32(st)&failed != failed {
		if fault := x.putIOStatus(x.block, st, uint64(information)); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

func ntReadFile(c *call) uint64 {
	h, buffer, length := c.handle(0), c.ptr(5), c.u32(6)
	x, st := c.io(1, 2, 4)
	if st == ntstatus.Success {
		st = c.Probe(buffer, uintptr(length), 1)
	}
	if st == ntstatus.Success {
		st = c.optional(7, 8)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	var b []byte
	st, _ = c.waiting(h, ntstatus.PipeEmpty, func() ntstatus.Status {
		out, st := c.sys.NtReadFile(nt.ReadFileIn{FileHandle: h, Length: length})
		b = out.Buffer
		return st
	})
	if fault := c.Write(buffer, b); fault != ntstatus.Success {
		return status(fault)
	}
	return x.finish(st, len(b))
}

func ntWriteFile(c *call) uint64 {
	h := c.handle(0)
	x, st := c.io(1, 2, 4)
	if st == ntstatus.Success {
		st = c.optional(7, 8)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	b, st := c.Block(c.ptr(5), int(c.u32(6)), 1)
	if st != ntstatus.Success {
		return status(st)
	}
	var n int
	st, _ = c.waiting(h, ntstatus.PipeBusy, func() ntstatus.Status {
		out, st := c.sys.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap(b)})
		n = int(out.Information)
		return st
	})
	return x.finish(st, n)
}

func ntFsControlFile(c *call) uint64 {
	in := fsControlFileIn(c)
	control := func() ntstatus.Status {
		_, st := c.sys.NtFsControlFile(in)
		return st
	}
	x, st := c.io(1, 2, 4)
	if st == ntstatus.Success {
		st = c.Probe(c.ptr(8), uintptr(c.u32(9)), 1)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	switch in.FsControlCode {
	case winnt.FSCTL_PIPE_LISTEN:
	case winnt.FSCTL_PIPE_PEEK:
		return x.peek(in, c.ptr(8))
	default:
		return x.finish(control(), 0)
	}
	st, waited := c.waiting(in.FileHandle, ntstatus.PipeListening, control)
	if waited && st == ntstatus.PipeConnected {
		st = ntstatus.Success // it came while this call waited
	}
	return x.finish(st, 0)
}
