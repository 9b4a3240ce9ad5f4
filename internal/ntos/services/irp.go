package services

import (
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// irp is one operation on the end of a pipe, from its call to its end. It holds
// references on the thread that asked, on the end and on the event.
type irp struct {
	later   *nt.Later
	thread  *ps.Thread
	end     *npfs.End
	event   *Event // nil for none
	request npfs.Request
}

// begin prepares an operation: its event and the file lose their signals (I-137).
func (c *Context) begin(e *npfs.End, l *nt.Later) (*irp, ntstatus.Status) {
	i := &irp{later: l, thread: c.self, end: e}
	if l.Event != 0 {
		var st ntstatus.Status
		if i.event, st = c.event(l.Event); st != ntstatus.Success {
			return nil, st
		}
		i.event.signal.Reset()
	}
	if l.ApcRoutine != 0 && c.self.CallsFull() {
		i.drop()
		// The queue of the thread's calls has a bound. O-147
		return nil, c.Fail("O-147", ntstatus.InsufficientResources)
	}
	e.File.Reset()
	l.Over = make(chan struct{})
	l.Synchronous, l.Alertable = e.Waits()
	l.Synchronous = l.Synchronous || l.Waits
	i.thread.Ref(ob.TagLink)
	i.end.Ref(ob.TagLink)
	i.request.End, i.request.Thread, i.request.Finish = e, c.self, func(r npfs.Result) { i.over(r, true) }
	l.Cancel = i.request.Cancel
	return i, ntstatus.Success
}

// drop gives the event back.
func (i *irp) drop() {
	if i.event != nil {
		i.event.Deref(ob.TagCall)
		i.event = nil
	}
}

// over ends the operation: the program's memory first, then all who wait for it
// (I-136).
func (i *irp) over(r npfs.Result, pended bool) {
	i.thread.RemoveIO(i)
	// A call that fails, at once or after a wait, has told all by its status. I-136
	const failed = 0xC0000000 // a warning, such as STATUS_BUFFER_OVERFLOW, is no failure
	pended = pended && !i.later.Synchronous
	if !pended && uint32(r.Status)&failed == failed {
		i.gone(r)
		return
	}
	told := func() {
		i.tell()
		i.gone(r)
	}
	result := nt.IOResult{Status: r.Status, Data: r.Data, Information: uint64(r.Count)}
	if i.later.Apart != nil {
		// Memory that is elsewhere is written before any other is told (W-90).
		i.later.Apart(result, told)
		return
	}
	i.later.Done(result)
	told()
}

// gone gives back what the operation held.
func (i *irp) gone(r npfs.Result) {
	i.later.Failure = r.Status
	close(i.later.Over)
	i.drop()
	i.thread.Deref(ob.TagLink)
	i.end.Deref(ob.TagLink)
}

// tell signals the event or the file, and queues the call.
func (i *irp) tell() {
	if i.event != nil {
		i.event.signal.Set()
	}
	if i.event == nil || i.later.Synchronous {
		// Without an event the file itself is signalled, and that of a synchronous handle always. I-137
		i.end.File.Set()
	}
	if i.later.ApcRoutine != 0 {
		i.thread.QueueIOCall(nt.UserAPC{ApcRoutine: i.later.ApcRoutine, ApcArgument1: i.later.ApcContext,
			ApcArgument2: i.later.IoStatusBlock})
	}
}

// start runs the operation: its status, STATUS_PENDING where it ends later.
func (c *Context) start(i *irp) (npfs.Result, ntstatus.Status) {
	if st := i.thread.AddIO(i); st != ntstatus.Success {
		i.over(npfs.Result{Status: st}, false)
		// A process has a bounded number of operations under way, a thread that ends none. I-141
		return npfs.Result{}, c.Fail("I-141", st)
	}
	r := i.request.Start()
	switch {
	case r.Status != ntstatus.Pending:
		i.over(r, false)
	case i.thread.Exited(): // it ended meanwhile, and did not see the request
		i.request.Cancel()
	}
	return r, r.Status
}

// CancelIO implements ps.Pending: block 0 stands for any.
func (i *irp) CancelIO(block uint64, synchronous bool) bool {
	if block != 0 && block != i.later.IoStatusBlock || synchronous && !i.later.Synchronous {
		return false
	}
	return i.request.Cancel()
}

// File implements ps.Pending.
func (i *irp) File() ob.Object { return i.end }

// later runs an operation on an end that may end after its call (I-135).
func (c *Context) later(e *npfs.End, l *nt.Later, op npfs.Op, length int, data []byte) (npfs.Result, ntstatus.Status) {
	i, st := c.begin(e, l)
	if st != ntstatus.Success {
		return npfs.Result{}, st
	}
	i.request.Op, i.request.Length, i.request.Data = op, length, data
	return c.start(i)
}

// NtCancelIoFile cancels what the calling thread has under way on a file.
func (c *Context) NtCancelIoFile(in nt.CancelIoFileIn) (out nt.CancelIoFileOut, st ntstatus.Status) {
	// reference
	obj, st := c.file(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	c.self.CancelIO(obj, 0, false)
	return out, ntstatus.Success
}

// NtCancelIoFileEx cancels what any thread of the process has under way on a file: one
// operation, or all.
func (c *Context) NtCancelIoFileEx(in nt.CancelIoFileExIn) (out nt.CancelIoFileOut, st ntstatus.Status) {
	// reference
	obj, st := c.file(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	if c.self.Process().CancelIO(obj, in.IoRequestToCancel) == 0 {
		// There is no such operation.
		return out, c.Fail("I-138", ntstatus.NotFound)
	}
	return out, ntstatus.Success
}

// NtCancelSynchronousIoFile cancels what a thread waits for in a call.
func (c *Context) NtCancelSynchronousIoFile(in nt.CancelSynchronousIoFileIn) (out nt.CancelIoFileOut,
	st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_TERMINATE, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// commit
	if t.CancelIO(nil, in.IoRequestToCancel, true) == 0 {
		// The thread waits for no such operation.
		return out, c.Fail("I-138", ntstatus.NotFound)
	}
	return out, ntstatus.Success
}

// NtFlushBuffersFile ends when the other end of a pipe has read everything.
func (c *Context) NtFlushBuffersFile(in nt.FlushBuffersFileIn) (out nt.FlushBuffersFileOut, st ntstatus.Status) {
	// reference
	obj, granted, st := c.fileGranted(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if f, ok := obj.(*File); ok && f.open != nil {
		return out, c.flushTree(treeHandle{f, granted})
	}
	e, ok := obj.(*npfs.End)
	if !ok {
		return out, ntstatus.Success // a file that keeps nothing
	}
	if in.Later != nil {
		_, st = c.later(e, in.Later, npfs.OpFlush, 0, nil)
	} else {
		st = e.Flush()
	}
	if st != ntstatus.Success {
		// A client that was sent away has nothing to flush, and what is not read yet is flushed later.
		return out, c.Fail("I-140", st)
	}
	return out, st
}
