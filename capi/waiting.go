//go:build cgo && linux

package main

/*
#include "enter.h"
*/
import "C"

import (
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The Go services never wait. The waiting for the C interface happens here: it tries the service, waits until something
// may have changed, and tries again.

// watchEnds starts a goroutine, once, that ends thread objects as soon as their pthreads end, so that waits for them
// return.
var watchEnds = sync.OnceFunc(func() {
	fd := C.rm_watch_ends()
	if fd < 0 {
		return // later calls give them back
	}
	f := os.NewFile(uintptr(fd), "ends of threads")
	go func() {
		var b [8]byte
		for {
			refmonDrain() // first of all those that ended before fd was there
			if _, err := f.Read(b[:]); err != nil {
				return
			}
		}
	}()
})

// A limit is the time until which a call waits. The zero value means no limit.
type limit struct {
	given bool
	until time.Time
}

// limitAt reads a LARGE_INTEGER: a negative value is a duration in 100-ns units, another a time since 1601. NULL
// means no limit.
func (c *call) limitAt(p user) (l limit, st ntstatus.Status) {
	if p == 0 {
		return l, ntstatus.Success
	}
	v, st := c.TimeAt(p)
	return limitOf(v, time.Now(), clock()), st
}

// limitOf converts a LARGE_INTEGER to a limit at time now. A time that is too far away means no limit. A time in the
// past gives a limit that has passed.
func limitOf(v int64, now time.Time, filetime int64) limit {
	const most = int64(1<<63-1) / 100
	span := -v
	if v >= 0 {
		span = max(0, v-filetime)
	}
	if span < 0 || span > most {
		return limit{}
	}
	return limit{true, now.Add(time.Duration(span) * 100)}
}

// waitFor waits until one of the objects is signaled, and returns its index as a status. The wait ends with
// STATUS_TIMEOUT at the limit. An alertable wait ends with STATUS_USER_APC after it has run queued APCs. A handle
// that fails ends the wait with its status.
func (c *call) waitFor(handles []winnt.Handle, alertable bool, l limit) ntstatus.Status {
	watchEnds()
	if r := c.remote(); r != nil {
		defer c.Forget() // the program may have freed its outputs during the call
		if len(handles) == 1 && !alertable {
			return r.waitFor(handles[0], l)
		}
		st := r.waitAny(handles, alertable, l)
		if st == ntstatus.UserAPC {
			c.makeCalls()
		}
		return st
	}
	for {
		st, over := c.waitOnce(handles, alertable, l)
		if over && (st != ntstatus.UserAPC || c.makeCalls()) {
			return st
		}
		c.Forget() // the program may have freed its outputs during the call
	}
}

// waitOnce tests the objects and, if none is signaled, waits until one is, until a call is queued, or until the limit.
// over is false if the caller must test them again. With STATUS_USER_APC calls are queued.
func (c *call) waitOnce(handles []winnt.Handle, alertable bool, l limit) (st ntstatus.Status, over bool) {
	// The waits begin before the objects are tried, so that no change is missed.
	events := []reflect.SelectCase{receive(c.sys.CallQueued())}
	if !alertable {
		events[0].Chan = reflect.Value{}
	}
	var waits []nt.Waiter
	defer func() {
		for i, w := range waits {
			// An object that was signaled for this wait is acquired, even if that was undone since (O-149).
			if w.End(!over) {
				st, over = ntstatus.Status(i), true
			}
		}
	}()
	for i, h := range handles {
		w, ok := c.sys.ObjectSignaled(h)
		for ; !ok; w, ok = c.sys.ObjectSignaled(h) {
			// A handle that cannot be waited for fails the wait, and no object is acquired (W-54).
			if st := c.test(i, h); st != ntstatus.Timeout {
				return st, true
			}
		}
		waits, events = append(waits, w), append(events, receive(w.Signaled()))
	}
	for i, h := range handles {
		if st := c.test(i, h); st != ntstatus.Timeout {
			return st, true
		}
	}
	if alertable && c.sys.CallsQueued() {
		return ntstatus.UserAPC, true // the caller makes them when the waits have ended
	}
	return ntstatus.Timeout, !l.wait(events)
}

// test returns the result of a wait by its handle i: the index of a signaled object, which it acquires, the status of a
// handle that cannot be waited for, or STATUS_TIMEOUT.
func (c *call) test(i int, h winnt.Handle) ntstatus.Status {
	_, st := c.sys.NtWaitForSingleObject(nt.WaitForSingleObjectIn{Handle: h})
	if st == ntstatus.Success {
		return ntstatus.Status(i)
	}
	return st
}

// receive returns the case of a select that receives from ch.
func receive[T any](ch <-chan T) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)}
}

// wait waits for one of the events or for the limit. It returns false only if the limit had already passed when it was
// called. If the limit passes during the wait, it returns true, so that the caller tries once more.
func (l limit) wait(events []reflect.SelectCase) bool {
	if !l.given {
		reflect.Select(events)
		return true
	}
	left := time.Until(l.until)
	if left <= 0 {
		return false
	}
	t := time.NewTimer(left)
	defer t.Stop()
	reflect.Select(append(events, receive(t.C)))
	return true // the caller tries again, also after the timeout
}

// msRoutine is set in the address of a routine that has the calling convention of 64-bit Windows. No address in a
// program has this bit.
const msRoutine = 1 << 63

// routine returns the APC routine that parameter i points to, marked with the calling convention of this call.
func (c *call) routine(i int) uint64 {
	r := uint64(c.ptr(i))
	if c.ms && r != 0 {
		r |= msRoutine
	}
	return r
}

// makeCalls runs the APCs that are queued to the thread. It returns false if there were none.
func (c *call) makeCalls() bool {
	out, _ := c.sys.NtTestAlert(nt.TestAlertIn{})
	for _, a := range out.UserApcs {
		C.rm_make_call(C.int(a.ApcRoutine>>63), C.uintptr_t(a.ApcRoutine&^msRoutine), C.uintptr_t(a.ApcArgument1),
			C.uintptr_t(a.ApcArgument2), C.uintptr_t(a.ApcArgument3))
	}
	c.Forget()
	return len(out.UserApcs) > 0
}

// ntWaitForSingleObject implements NtWaitForSingleObject: it waits for an object until a limit, NULL for none, and for
// queued APCs if the wait is alertable.
func ntWaitForSingleObject(c *call) uint64 {
	l, st := c.limitAt(c.ptr(2))
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.waitFor([]winnt.Handle{c.handle(0)}, c.boolean(1), l))
}

// maxWaits is how many objects a thread can wait for at once (MAXIMUM_WAIT_OBJECTS).
const maxWaits = 64

// ntWaitForMultipleObjects implements NtWaitForMultipleObjects, which waits for one or all of several objects. A
// wait for all acquires one object after another, in list order. A status such as STATUS_TIMEOUT or STATUS_USER_APC
// ends that wait, and objects acquired before stay acquired. A count of 0 or above maxWaits is
// STATUS_INVALID_PARAMETER_1, before the pointers are read.
func ntWaitForMultipleObjects(c *call) uint64 {
	n := c.u32(0)
	if n == 0 || n > maxWaits {
		return status(ntstatus.InvalidParameter1)
	}
	b, st := c.Block(c.ptr(1), int(n)*8, 8)
	l, fault := c.limitAt(c.ptr(4))
	if st = firstFailure(st, fault); st != ntstatus.Success {
		return status(st)
	}
	handles := make([]winnt.Handle, n)
	for i := range handles {
		handles[i] = winnt.Handle(le.Uint64(b[8*i:]))
	}
	if c.boolean(2) { // TRUE is WaitAny, FALSE is WaitAll
		return status(c.waitFor(handles, c.boolean(3), l))
	}
	for i := range handles {
		if st = c.waitFor(handles[i:i+1], c.boolean(3), l); st != ntstatus.Success {
			return status(st)
		}
	}
	return status(st)
}

// ntDelayExecution implements NtDelayExecution: it waits for a time, and for queued APCs if the wait is alertable. A
// NULL time is STATUS_ACCESS_VIOLATION. An APC ends an alertable wait with its status.
func ntDelayExecution(c *call) uint64 {
	l, st := c.limitAt(c.ptr(1))
	if st == ntstatus.Success && c.ptr(1) == 0 {
		st = ntstatus.AccessViolation
	}
	if st != ntstatus.Success {
		return status(st)
	}
	if st = c.waitFor(nil, c.boolean(0), l); st == ntstatus.Timeout {
		st = ntstatus.Success // the caller's time has passed
	}
	return status(st)
}

// ntQueueApcThread implements NtQueueApcThread: it queues a routine with three arguments to a thread.
func ntQueueApcThread(c *call) uint64 {
	_, st := c.sys.NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: c.handle(0), ApcRoutine: c.routine(1),
		ApcArgument1: uint64(c.ptr(2)), ApcArgument2: uint64(c.ptr(3)), ApcArgument3: uint64(c.ptr(4))})
	return status(st)
}

// ntTestAlert implements NtTestAlert: it runs the queued APCs of the thread. It also succeeds with an empty queue.
func ntTestAlert(c *call) uint64 {
	c.makeCalls()
	return status(ntstatus.Success)
}

// setEvent implements the common part of NtSetEvent and NtResetEvent: it changes an event and writes its previous
// state if the caller passes a pointer for it.
func (c *call) setEvent(change func(nt.SetEventIn) (nt.SetEventOut, ntstatus.Status)) uint64 {
	return c.writeOptional(c.ptr(1), 4, func() ([]byte, ntstatus.Status) {
		out, st := change(nt.SetEventIn{EventHandle: c.handle(0)})
		return le.AppendUint32(nil, uint32(out.PreviousState)), st
	})
}

// ntSetEvent implements NtSetEvent: it signals an event. The output of the previous state is optional.
func ntSetEvent(c *call) uint64 { return c.setEvent(c.sys.NtSetEvent) }

// ntResetEvent implements NtResetEvent: it clears an event's signal. The output of the previous state is optional.
func ntResetEvent(c *call) uint64 { return c.setEvent(c.sys.NtResetEvent) }
