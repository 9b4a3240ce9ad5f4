package services

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// irp is one I/O request on a file, from its call to its completion, like an I/O request packet of NT. It references
// the requesting thread, the file and the event.
type irp struct {
	later   *nt.Later
	thread  *ps.Thread
	file    ob.Object
	signal  *ke.Signal // of the file
	cancel  atomic.Pointer[func() bool]
	event   *Event // nil for none
	request npfs.Request
	paid    quota.Receipt // for the operation, then for the APC of its completion
}

// irpSize is the number of bytes that an operation is charged for.
const irpSize = 1 << 10

// begin creates an I/O request on a pipe end. l describes how its caller learns of the completion. It resets the event
// and the file's signal (I-137). With a failure nothing was begun.
func (c *Context) begin(e *npfs.End, l *nt.Later) (*irp, ntstatus.Status) {
	synchronous, alertable := e.Waits()
	i, st := c.beginOn(e, &e.File, l)
	if st == ntstatus.Success {
		l.Synchronous, l.Alertable = synchronous || l.Waits, alertable
		i.request.End, i.request.Thread, i.request.Finish = e, c.self, func(r npfs.Result) { i.over(r, true) }
	}
	return i, st
}

// beginOn creates an I/O request like newIRP, and resets its event and the file's signal. A failure resets no signal.
func (c *Context) beginOn(file ob.Object, signal *ke.Signal, l *nt.Later) (*irp, ntstatus.Status) {
	i, st := c.newIRP(file, signal, l)
	if st != ntstatus.Success {
		return nil, st
	}
	if i.event != nil {
		i.event.signal.Reset()
	}
	signal.Reset()
	return i, ntstatus.Success
}

// beginAtOnce creates an I/O request on a file whose operations complete within their calls and that has no signal. l
// describes the completion. The caller ends the request with over. If l has neither an event nor a routine, the request
// is nil, which over accepts. Failures are those of newIRP.
func (c *Context) beginAtOnce(file ob.Object, l *nt.Later) (*irp, ntstatus.Status) {
	if l == nil || l.Event == 0 && l.ApcRoutine == 0 {
		return nil, ntstatus.Success
	}
	return c.newIRP(file, new(ke.Signal), l)
}

// newIRP creates an I/O request on a file with the given signal. l describes the completion; l.Waits makes the request
// synchronous. Failures are:
//   - a used-up quota: the status of the charge
//   - an l.Event that is no event handle: the status of the lookup
//   - a full APC queue: STATUS_INSUFFICIENT_RESOURCES
func (c *Context) newIRP(file ob.Object, signal *ke.Signal, l *nt.Later) (*irp, ntstatus.Status) {
	i := &irp{later: l, thread: c.self, file: file, signal: signal}
	var st ntstatus.Status
	if i.paid, st = c.self.Payer().Charge(irpSize); st != ntstatus.Success {
		// An operation that may wait is the caller's to pay for.
		return nil, c.Fail("Q-2", st)
	}
	if l.Event != 0 {
		if i.event, st = c.event(l.Event); st != ntstatus.Success {
			i.drop()
			return nil, st
		}
	}
	if l.ApcRoutine != 0 && c.self.CallsFull() {
		i.drop()
		// The queue of the thread's calls has a bound (O-147).
		return nil, c.Fail("O-147", ntstatus.InsufficientResources)
	}
	l.Over = make(chan struct{})
	l.Synchronous = l.Waits
	i.thread.Ref(ob.TagLink)
	file.Head().Ref(ob.TagLink)
	l.Cancel = i.stop
	return i, ntstatus.Success
}

// drop releases the request's event and returns its quota charge.
func (i *irp) drop() {
	i.paid.Return()
	if i.event != nil {
		i.event.Deref(ob.TagCall)
		i.event = nil
	}
}

// over completes the request with result r. The result is written to the program's memory, then waiting threads are
// signaled (I-136). pended means that the call had returned STATUS_PENDING. A failure without pended, or of a
// synchronous request, writes and signals nothing. A nil request does nothing.
func (i *irp) over(r npfs.Result, pended bool) {
	if i == nil {
		return
	}
	i.thread.RemoveIO(i)
	// A failed call signals no event and queues no completion, even after a wait. Its status is the only
	// result (I-136).
	const failed = 0xC0000000 // a warning, such as STATUS_BUFFER_OVERFLOW, is not a failure
	pended = pended && !i.later.Synchronous
	if !pended && uint32(r.Status)&failed == failed {
		i.gone(r)
		return
	}
	complete := func() {
		i.notify()
		i.gone(r)
	}
	result := nt.IOResult{Status: r.Status, Data: r.Data, Information: uint64(r.Count)}
	if i.later.Apart != nil {
		// Remote memory is written before the completion is signalled (W-90).
		i.later.Apart(result, complete)
		return
	}
	i.later.Done(result)
	complete()
}

// gone ends the request after its completion: it stores status and byte count for the caller, releases every reference,
// and closes later.Over. It must be called once.
func (i *irp) gone(r npfs.Result) {
	i.later.Failure, i.later.FailureCount = r.Status, uint64(r.Count)
	i.drop()
	i.thread.Deref(ob.TagLink)
	i.file.Head().Deref(ob.TagLink)
	close(i.later.Over) // last, because the waiting caller may end the system
}

// notify notifies the requester of the completion: it signals the event, or the file if there is no event, and queues
// the caller's APC. The file of a synchronous request is signaled in any case.
func (i *irp) notify() {
	if i.event != nil {
		i.event.signal.Set()
	}
	if i.event == nil || i.later.Synchronous {
		// Without an event the call signals the file. It always signals the file of a synchronous handle (I-137).
		i.signal.Set()
	}
	if i.later.ApcRoutine != 0 {
		i.thread.QueueIOCall(nt.UserAPC{ApcRoutine: i.later.ApcRoutine, ApcArgument1: i.later.ApcContext,
			ApcArgument2: i.later.IoStatusBlock}, i.paid)
		i.paid = quota.Receipt{}
	}
}

// start starts the pipe operation of an I/O request. STATUS_PENDING means that it completes later. Any other status
// means that it is complete, with r as its result.
func (c *Context) start(i *irp) (r npfs.Result, st ntstatus.Status) {
	st = c.startOn(i, func() (npfs.Result, func() bool) {
		r = i.request.Start()
		return r, i.request.Cancel
	})
	return r, st
}

// startOn starts an I/O request on a file. do begins the operation, and returns its first result and a cancel
// function. STATUS_PENDING means that the request completes later. Without a call of do, a thread that has ended is
// STATUS_THREAD_IS_TERMINATING, and too many requests are STATUS_INSUFFICIENT_RESOURCES.
func (c *Context) startOn(i *irp, do func() (npfs.Result, func() bool)) ntstatus.Status {
	if st := i.thread.AddIO(i); st != ntstatus.Success {
		i.over(npfs.Result{Status: st}, false)
		// A process has a bounded number of operations under way, a thread that ends none (I-141).
		return c.Fail("I-141", st)
	}
	r, cancel := do()
	if r.Status != ntstatus.Pending {
		i.over(r, false)
		return r.Status
	}
	i.cancel.Store(&cancel)
	if i.thread.Exited() { // the thread ended before i.cancel was set, so cancel now
		cancel()
	}
	return r.Status
}

// stop cancels the request and reports whether it was still pending. A request that completed at once has nothing to
// cancel: false.
func (i *irp) stop() bool {
	cancel := i.cancel.Load()
	return cancel != nil && (*cancel)()
}

// CancelIO cancels the operation and reports whether it was still pending. It returns false for an operation with
// another status block, unless block is 0. It implements ps.Pending.
func (i *irp) CancelIO(block uint64, synchronous bool) bool {
	if block != 0 && block != i.later.IoStatusBlock || synchronous && !i.later.Synchronous {
		return false
	}
	return i.stop()
}

// File returns the file of the operation, without a reference. It implements ps.Pending.
func (i *irp) File() ob.Object { return i.file }

// later runs a pipe operation that may complete after its call returns (I-135). op, length and data are its kind,
// buffer size and input. STATUS_PENDING means that l gets the result later. After a failure the request has ended.
func (c *Context) later(e *npfs.End, l *nt.Later, op npfs.Op, length int, data []byte) (npfs.Result, ntstatus.Status) {
	i, st := c.begin(e, l)
	if st != ntstatus.Success {
		return npfs.Result{}, st
	}
	i.request.Op, i.request.Length, i.request.Data = op, length, data
	return c.start(i)
}

// NtCancelIoFile cancels the operations that the calling thread has pending on a file. It succeeds if there are none.
// It does not wait until they have ended.
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

// NtCancelIoFileEx cancels the operations that all threads of the process have pending on a file. With
// IoRequestToCancel it cancels only the operation with that status block. It returns STATUS_NOT_FOUND if it cancelled
// none.
func (c *Context) NtCancelIoFileEx(in nt.CancelIoFileExIn) (out nt.CancelIoFileOut, st ntstatus.Status) {
	// reference
	obj, st := c.file(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	if c.self.Process().CancelIO(obj, in.IoRequestToCancel) == 0 {
		// The operation does not exist.
		return out, c.Fail("I-138", ntstatus.NotFound)
	}
	return out, ntstatus.Success
}

// NtCancelSynchronousIoFile cancels the synchronous operations on which a thread waits. It returns STATUS_NOT_FOUND if
// there are none. The handle must grant THREAD_TERMINATE. With IoRequestToCancel it cancels only that operation.
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
		// The thread has no such operation pending.
		return out, c.Fail("I-138", ntstatus.NotFound)
	}
	return out, ntstatus.Success
}

// NtFlushBuffersFile writes the cached data of a tree's file to disk, or waits until the other end of a pipe has read
// all data. For other files it succeeds and has no effect. The handle needs no right for a pipe. With in.Later the
// flush may be STATUS_PENDING.
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
		return out, ntstatus.Success // a file without contents has nothing to flush
	}
	if in.Later != nil {
		_, st = c.later(e, in.Later, npfs.OpFlush, 0, nil)
	} else {
		st = e.Flush()
	}
	if st != ntstatus.Success {
		// A disconnected client has no data to flush, and unread data is flushed later.
		return out, c.Fail("I-140", st)
	}
	return out, st
}
