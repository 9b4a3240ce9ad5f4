//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// waiting repeats a call on a pipe as long as it says blocked, after each
// change of the pipe: the services never wait, a synchronous handle does.
func (c *call) waiting(h winnt.Handle, blocked ntstatus.Status, try func() ntstatus.Status) (st ntstatus.Status, waited bool) {
	for {
		changed, ok := c.sys.PipeChanged(h) // before the call, so that no change is missed
		if st = try(); st != blocked || !ok {
			return st, waited
		}
		<-changed
		waited = true
	}
}

func ntOpenFile(c *call) uint64 {
	out, block := c.ptr(0), c.ptr(3)
	if st := c.probeHandle(out); st != ntstatus.Success {
		return status(st)
	}
	if st := c.probe(block, 16, 4); st != ntstatus.Success {
		return status(st)
	}
	o, st := c.sys.NtOpenFile(nt.OpenFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2), ShareAccess: c.u32(4), OpenOptions: c.u32(5)})
	if st.IsSuccess() {
		const fileOpened = 1
		if fault := c.putIOStatus(block, st, fileOpened); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return c.opened(out, o.FileHandle, st)
}

// putIOStatus writes an IO_STATUS_BLOCK.
func (c *call) putIOStatus(p user, st ntstatus.Status, information uint64) ntstatus.Status {
	var e encoder
	e.u64(uint64(st))
	e.u64(information)
	return put(p, e.b)
}

func rmCreatePipe(c *call) uint64 {
	out := c.ptr(0)
	if st := c.probeHandle(out); st != ntstatus.Success {
		return status(st)
	}
	o, st := c.sys.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		NamedPipeType: c.u32(3), MaximumInstances: c.u32(4), InboundQuota: c.u32(5)})
	return c.opened(out, o.FileHandle, st)
}

func rmFsControl(c *call) uint64 {
	h, code := c.handle(0), c.u32(1)
	if code != winnt.FSCTL_PIPE_LISTEN {
		return status(c.nt.NtFsControlFile(h, code))
	}
	st, waited := c.waiting(h, ntstatus.PipeListening, func() ntstatus.Status { return c.nt.NtFsControlFile(h, code) })
	if waited && st == ntstatus.PipeConnected {
		return status(ntstatus.Success) // it came while this call waited
	}
	return status(st)
}

func rmRead(c *call) uint64 {
	h, buffer, length := c.handle(0), c.ptr(1), c.u32(2)
	if st := c.probe(buffer, uintptr(length), 1); st != ntstatus.Success {
		return status(st)
	}
	var b []byte
	st, _ := c.waiting(h, ntstatus.PipeEmpty, func() (st ntstatus.Status) {
		b, st = c.nt.NtReadFile(h, length)
		return st
	})
	if fault := put(buffer, b); fault != ntstatus.Success {
		return status(fault)
	}
	if fault := c.putU32(c.ptr(3), uint32(len(b))); fault != ntstatus.Success {
		return status(fault)
	}
	return status(st)
}

func rmWrite(c *call) uint64 {
	h := c.handle(0)
	b, st := block(c.ptr(1), int(c.u32(2)), 1)
	if st != ntstatus.Success {
		return status(st)
	}
	var n int
	st, _ = c.waiting(h, ntstatus.PipeBusy, func() (st ntstatus.Status) {
		n, st = c.nt.NtWriteFile(h, b)
		return st
	})
	if fault := c.putU32(c.ptr(3), uint32(n)); fault != ntstatus.Success {
		return status(fault)
	}
	return status(st)
}
