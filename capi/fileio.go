//go:build cgo && linux

package main

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ioCall is a call on a file that reports its result in an IO_STATUS_BLOCK. block is that block's address.
type ioCall struct {
	*call
	block user
}

// io starts a call on a file: it probes the IO_STATUS_BLOCK, whose address is parameter block.
func (c *call) io(block int) (ioCall, ntstatus.Status) {
	x := ioCall{call: c, block: c.ptr(block)}
	// Every pointer is checked before any handle (O-3).
	return x, c.Probe(x.block, 16, 4)
}

// optional reads the file offset of a read or write from ByteOffset and Key. Pipes and files without contents ignore
// them. Without an offset, a file in a tree continues at its position. An unreadable pointer gives its status; the key
// is not used.
func (c *call) optional(offset, key int) (at uint64, st ntstatus.Status) {
	at = winnt.FILE_USE_FILE_POINTER_POSITION
	if p := c.ptr(offset); p != 0 {
		if at, st = c.ReadU64(p); st != ntstatus.Success {
			return at, st
		}
	}
	if p := c.ptr(key); p != 0 {
		if _, st := c.ReadU32(p); st != ntstatus.Success {
			return at, st
		}
	}
	return at, ntstatus.Success
}

// finish ends a call on a file: it writes the IO_STATUS_BLOCK and returns the status. If the call failed, it leaves the
// block unchanged. A warning is not a failure.
func (x ioCall) finish(st ntstatus.Status, information int) uint64 {
	const failed = 0xC0000000 // a warning, such as STATUS_BUFFER_OVERFLOW, is not a failure
	if uint32(st)&failed != failed {
		if fault := x.putIOStatus(x.block, st, uint64(information)); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// run executes do, a file operation that may complete after its call. Parameters 1 to 3 are the event, the APC routine
// and its context; buffer receives the data. On a synchronous handle it waits.
func (x ioCall) run(buffer user, do func(*nt.Later) (nt.IOResult, ntstatus.Status)) uint64 {
	return x.runWith(&nt.Later{Event: x.handle(1), ApcRoutine: x.routine(2), ApcContext: uint64(x.ptr(3))}, buffer, do)
}

// runWith runs a file operation and writes its buffer and status block. The call sets Done and IoStatusBlock of l.
// On an asynchronous handle, a pending operation returns STATUS_PENDING, and Done writes the outputs when the
// operation ends. On a synchronous handle, runWith waits for a pending operation.
func (x ioCall) runWith(l *nt.Later, buffer user, do func(*nt.Later) (nt.IOResult, ntstatus.Status)) uint64 {
	var ended atomic.Bool
	var final ntstatus.Status
	block := x.block
	l.IoStatusBlock = uint64(block)
	l.Done = func(r nt.IOResult) {
		// The memory of another thread's call may be known to that thread alone.
		m := new(marshal.Memory)
		final = r.Status
		if m.Write(buffer, r.Data) == ntstatus.Success && m.WriteU64(block+8, r.Information) == ntstatus.Success {
			m.WriteU64(block, uint64(r.Status)) // last, because a program may poll it
		}
		ended.Store(true)
	}
	out, st := do(l)
	if st == ntstatus.Pending && l.Synchronous {
		if st = x.await(l); ended.Load() {
			st = final
		}
	}
	if st == ntstatus.Pending || ended.Load() {
		return status(st)
	}
	if fault := x.Write(buffer, out.Data); fault != ntstatus.Success {
		return status(fault)
	}
	return x.finish(st, int(out.Information))
}

// await waits for the end of an operation on a synchronous handle and returns its status. If the handle waits
// alertably, queued APCs cancel the operation, and await makes them after its end.
func (x ioCall) await(l *nt.Later) ntstatus.Status {
	calls := x.sys.CallQueued()
	if r := x.remote(); r != nil && l.Alertable {
		calls = r.callQueued(l.Over)
		l.Cancel = func() bool {
			_, st := r.NtCancelSynchronousIoFile(nt.CancelSynchronousIoFileIn{ThreadHandle: winnt.NtCurrentThread,
				IoRequestToCancel: l.IoStatusBlock})
			return st.IsSuccess()
		}
	}
	if !l.Alertable {
		calls = nil
	} else if x.sys.CallsQueued() {
		l.Cancel()
	}
	select {
	case <-l.Over:
	case <-calls:
		l.Cancel()
		<-l.Over
	}
	x.Forget() // the program may have unmapped outputs during the wait
	if l.Alertable {
		x.makeCalls()
	}
	return l.Failure
}

// ntReadFile probes the whole buffer before it reads. It continues at the file position without an offset. If the
// probes fail, nothing is read. On an asynchronous handle it may return STATUS_PENDING.
func ntReadFile(c *call) uint64 {
	h, buffer, length := c.handle(0), c.ptr(5), c.u32(6)
	x, st := c.io(4)
	if st == ntstatus.Success {
		st = c.Probe(buffer, uintptr(length), 1)
	}
	var at uint64
	if st == ntstatus.Success {
		at, st = c.optional(7, 8)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	return x.run(buffer, func(l *nt.Later) (nt.IOResult, ntstatus.Status) {
		out, st := c.sys.NtReadFile(nt.ReadFileIn{FileHandle: h, Length: length, ByteOffset: at, Later: l})
		return nt.IOResult{Data: out.Buffer, Information: uint64(len(out.Buffer))}, st
	})
}

// ntWriteFile implements NtWriteFile. It copies the data before it writes. Without an offset it continues at the file
// position. The status block and the offset are checked before the data.
func ntWriteFile(c *call) uint64 {
	h := c.handle(0)
	x, st := c.io(4)
	var at uint64
	if st == ntstatus.Success {
		at, st = c.optional(7, 8)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	b, st := c.Block(c.ptr(5), int(c.u32(6)), 1)
	if st != ntstatus.Success {
		return status(st)
	}
	return x.run(0, func(l *nt.Later) (nt.IOResult, ntstatus.Status) {
		out, st := c.sys.NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap(b), ByteOffset: at, Later: l})
		return nt.IOResult{Information: uint64(out.Information)}, st
	})
}

// ntFlushBuffersFile implements NtFlushBuffersFile. It waits until the data is on disk, also on an asynchronous handle.
// A failed call leaves the status block.
func ntFlushBuffersFile(c *call) uint64 {
	x, st := c.io(1)
	if st != ntstatus.Success {
		return status(st)
	}
	return x.runWith(&nt.Later{Waits: true}, 0, func(l *nt.Later) (nt.IOResult, ntstatus.Status) {
		_, st := c.sys.NtFlushBuffersFile(nt.FlushBuffersFileIn{FileHandle: c.handle(0), Later: l})
		return nt.IOResult{}, st
	})
}

// ntFsControlFile implements NtFsControlFile. It reads the input buffer only for FSCTL_PIPE_TRANSCEIVE and
// FSCTL_PIPE_WAIT. The status block and the output buffer are probed first.
func ntFsControlFile(c *call) uint64 {
	in := fsControlFileIn(c)
	x, st := c.io(4)
	if st == ntstatus.Success {
		st = c.Probe(c.ptr(8), uintptr(c.u32(9)), 1)
	}
	if st != ntstatus.Success {
		return status(st)
	}
	in.OutputBufferLength = c.u32(9)
	if in.FsControlCode == winnt.FSCTL_PIPE_TRANSCEIVE || in.FsControlCode == winnt.FSCTL_PIPE_WAIT {
		in.InputBuffer = captured(c.Block(c.ptr(6), int(c.u32(7)), 1))
	}
	return x.run(c.ptr(8), func(l *nt.Later) (nt.IOResult, ntstatus.Status) {
		in.Later = l
		out, st := c.sys.NtFsControlFile(in)
		output := out.OutputBuffer.Bytes()
		return nt.IOResult{Data: output, Information: uint64(len(output))}, st
	})
}

// cancelled returns the result of a cancelling service. Its own status block has the result of the cancellation.
func (x ioCall) cancelled(st ntstatus.Status) uint64 {
	if st == ntstatus.Success || st == ntstatus.NotFound {
		if fault := x.putIOStatus(x.block, st, 0); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// ntCancelIoFile implements NtCancelIoFile for the operations of the calling thread.
func ntCancelIoFile(c *call) uint64 {
	x, st := c.io(1)
	if st == ntstatus.Success {
		_, st = c.sys.NtCancelIoFile(nt.CancelIoFileIn{FileHandle: c.handle(0)})
	}
	return x.cancelled(st)
}

// ntCancelIoFileEx implements NtCancelIoFileEx. The second parameter names an operation by the address of its status
// block; NULL means all.
func ntCancelIoFileEx(c *call) uint64 {
	x, st := c.io(2)
	if st == ntstatus.Success {
		_, st = c.sys.NtCancelIoFileEx(nt.CancelIoFileExIn{FileHandle: c.handle(0), IoRequestToCancel: uint64(c.ptr(1))})
	}
	return x.cancelled(st)
}

// ntCancelSynchronousIoFile implements NtCancelSynchronousIoFile for the thread of a handle.
func ntCancelSynchronousIoFile(c *call) uint64 {
	x, st := c.io(2)
	if st == ntstatus.Success {
		_, st = c.sys.NtCancelSynchronousIoFile(nt.CancelSynchronousIoFileIn{ThreadHandle: c.handle(0),
			IoRequestToCancel: uint64(c.ptr(1))})
	}
	return x.cancelled(st)
}
