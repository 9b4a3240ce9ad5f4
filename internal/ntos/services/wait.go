package services

import (
	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A waitable is an object that threads can wait for: it has a signal for its changes, and a function that consumes
// its state.
type waitable struct {
	signal  *ke.Signal
	release ke.Release // of its waiters
	take    func() bool
}

// waitableOf returns how to wait for an object: its signal, and the function that consumes it. ok is false for types
// that threads cannot wait for. Taking a synchronization event resets it, and taking a semaphore decrements it. Other
// objects stay signaled.
func waitableOf(obj ob.Object) (w waitable, ok bool) {
	persistent := func(s *ke.Signal) (waitable, bool) {
		return waitable{s, ke.All, func() bool { return s.Take(false) }}, true
	}
	switch o := obj.(type) {
	case *Event:
		// A synchronization event lets one wait through, a notification event all (O-146).
		release := ke.All
		if o.Kind == nt.SynchronizationEvent {
			release = ke.One
		}
		return waitable{&o.signal, release, func() bool { return o.signal.Take(release == ke.One) }}, true
	case *Semaphore:
		// Each wait counts a semaphore down (O-146).
		return waitable{&o.raised, ke.Wakes, o.take}, true
	case *npfs.End:
		return persistent(&o.File)
	case *ps.Thread:
		return persistent(o.Over())
	case *ps.Process:
		return persistent(o.Over())
	}
	return w, false
}

// referenceWaitable references an object to wait for. The handle must grant SYNCHRONIZE. An object that threads
// cannot wait for gives STATUS_OBJECT_TYPE_MISMATCH (O-145). The caller releases the object.
func (c *Context) referenceWaitable(h winnt.Handle) (ob.Object, waitable, ntstatus.Status) {
	// To wait for an object its handle must grant SYNCHRONIZE (O-145).
	obj, _, st := ob.Reference[ob.Object](&c.Caller, h, winnt.SYNCHRONIZE, nil)
	if st != ntstatus.Success {
		return nil, waitable{}, st
	}
	w, ok := waitableOf(obj)
	if !ok {
		obj.Head().Deref(ob.TagCall)
		// Objects of most types cannot be waited for.
		return nil, w, c.Fail("O-145", ntstatus.ObjectTypeMismatch)
	}
	return obj, w, ntstatus.Success
}

// NtWaitForSingleObject consumes the signal of an object. Without a signal it returns STATUS_USER_APC and the queued
// calls if the wait is alertable and calls are queued, else STATUS_TIMEOUT. It never waits. The handle needs
// SYNCHRONIZE. An object that cannot be waited for is STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtWaitForSingleObject(in nt.WaitForSingleObjectIn) (out nt.WaitForSingleObjectOut,
	st ntstatus.Status) {
	// capture
	if in.Timeout.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.Timeout.Status)
	}
	// reference
	obj, w, st := c.referenceWaitable(in.Handle)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	if w.take() {
		return out, ntstatus.Success
	}
	if in.Alertable {
		// The calls are made where the thread would wait, and in place of the wait (O-147).
		if out.UserApcs = c.self.TakeCalls(); len(out.UserApcs) > 0 {
			return out, ntstatus.UserAPC
		}
	}
	// No other thread waits here (O-145).
	return out, ntstatus.Timeout
}

// ObjectSignaled begins a wait for the object of a handle. ok is false if the handle cannot be waited on. It implements
// nt.Services.
func (c *Context) ObjectSignaled(h winnt.Handle) (wait nt.Waiter, ok bool) {
	obj, w, st := c.referenceWaitable(h)
	if st != ntstatus.Success {
		return nil, false
	}
	defer obj.Head().Deref(ob.TagCall)
	return w.signal.Wait(w.release), true
}

// CallQueued returns a channel that is closed when the next call is queued for the thread. It implements nt.Services.
func (c *Context) CallQueued() <-chan struct{} { return c.self.CallQueued() }

// CallsQueued reports whether calls are queued for the thread. It takes none of them. It implements nt.Services.
func (c *Context) CallsQueued() bool { return c.self.CallsQueued() }

// NtQueueApcThread queues a call to a thread, which makes it at its next alertable wait. The caller's account pays
// for it. A thread that has ended is STATUS_UNSUCCESSFUL, too many queued calls are STATUS_INSUFFICIENT_RESOURCES.
func (c *Context) NtQueueApcThread(in nt.QueueApcThreadIn) (out nt.QueueApcThreadOut, st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_SET_CONTEXT, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// commit
	st = t.QueueCall(c.self.Payer(), nt.UserAPC{ApcRoutine: in.ApcRoutine, ApcArgument1: in.ApcArgument1,
		ApcArgument2: in.ApcArgument2, ApcArgument3: in.ApcArgument3})
	if st != ntstatus.Success {
		// A thread takes a bounded number of calls, and none when it has ended.
		return out, c.Fail("O-147", st)
	}
	return out, st
}

// NtTestAlert removes and returns the calls that are queued to the calling thread. It succeeds if there are none.
func (c *Context) NtTestAlert(nt.TestAlertIn) (out nt.TestAlertOut, st ntstatus.Status) {
	// The calls are made here without a wait (O-147).
	out.UserApcs = c.self.TakeCalls()
	return out, ntstatus.Success
}
