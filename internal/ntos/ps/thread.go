package ps

import (
	"fmt"
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Thread is a thread object. It holds the security state of a thread; the caller provides the goroutine that runs it.
type Thread struct {
	ob.Header
	process    *Process         // immutable; one reference
	id         winnt.Handle     // immutable
	name       string           // immutable
	selfAccess winnt.AccessMask // immutable: rights behind the pseudo handle -2
	system     bool             // immutable: runs kernel code only
	created    int64            // immutable

	imp    atomic.Pointer[se.Impersonation] // nil when not impersonating; one reference on its token
	acting atomic.Int64                     // when imp was set last; 0 where the system has no clock
	ended  atomic.Uint64                    // 0: the thread goes on; else hasEnded and its status
	over   ke.Signal                        // signalled when the thread has ended (O-148)
	io     pendingIO
	calls  calls // queued to the thread (O-147)

	suspends atomic.Int32 // how often it is suspended: 0 to MaximumSuspendCount
}

// NewThread makes a thread of p with one reference for the caller. It starts without impersonation, whatever its
// creator does (I-9). Errors: PROCESS_IS_TERMINATING, and the errors of a charge.
func (p *Process) NewThread() (*Thread, ntstatus.Status) { return p.newThread(nil, true, p.isSystem) }

// NewSystemThread creates a thread that runs kernel code only, in any process (PsCreateSystemThread). Otherwise it
// works like NewThread.
func (p *Process) NewSystemThread() (*Thread, ntstatus.Status) { return p.newThread(nil, true, true) }

// newThread creates a thread with descriptor d; nil means the defaults of the process's token. If run is true, the
// thread starts, and so does the process. If run is false, the thread is suspended once. A failed quota charge
// returns its status. A process that has ended is STATUS_PROCESS_IS_TERMINATING.
func (p *Process) newThread(d *sd.Descriptor, run, system bool) (*Thread, ntstatus.Status) {
	creator := p.Token()
	t := &Thread{process: p, system: system, created: p.sys.now()}
	if d == nil {
		d = se.DefaultDescriptor(creator, winnt.ThreadObject)
	}
	t.Init(ThreadType, t, d)
	if st := t.Pay(quota.Payer{Block: p.Quota()}, 0); st != ntstatus.Success {
		return nil, st // t needs no cleanup, because nothing refers to it yet
	}
	t.selfAccess = selfThreadAlways
	if dec, err := access.Check(creator, d, winnt.MAXIMUM_ALLOWED, winnt.ThreadObject); err == nil && dec.Allowed() {
		// A thread may do to itself what its creator is granted on it (O-18).
		t.selfAccess |= dec.Granted
	}
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		t.Unpay()
		return nil, ntstatus.ProcessIsTerminating // t was never an object of the system (O-47)
	}
	p.sys.Security.Objects.Track(t)
	p.count++
	t.name = fmt.Sprintf("%s/%d", p.name, p.count)
	p.threads[t] = struct{}{}
	p.mu.Unlock()
	p.Ref(ob.TagThread)
	t.suspends.Store(1)
	if run {
		t.Resume()
	}
	p.sys.allotID(t, &t.id, &p.threadIDs)
	return t, ntstatus.Success
}

// MaximumSuspendCount is how often a thread can be suspended (winnt.h).
const MaximumSuspendCount = 127

// Suspend increments the suspend count and returns the previous one. The count does not stop a goroutine. Errors:
// STATUS_THREAD_IS_TERMINATING, STATUS_SUSPEND_COUNT_EXCEEDED. A failure leaves the count unchanged.
func (t *Thread) Suspend() (before int32, st ntstatus.Status) {
	for {
		before = t.suspends.Load()
		switch {
		case t.Exited():
			return 0, ntstatus.ThreadIsTerminating
		case before >= MaximumSuspendCount:
			return 0, ntstatus.SuspendCountExceeded
		case t.suspends.CompareAndSwap(before, before+1):
			return before, ntstatus.Success
		}
	}
}

// Resume decrements the suspend count and returns the previous one. At 0 the thread and its process have started. A
// count of 0 stays 0. It also works on a thread that has ended.
func (t *Thread) Resume() (before int32) {
	for {
		before = t.suspends.Load()
		if before == 0 {
			return 0
		}
		if t.suspends.CompareAndSwap(before, before-1) {
			if before == 1 {
				t.process.started.Store(true)
			}
			return before
		}
	}
}

// selfThreadAlways holds what a thread may always do to itself (O-18).
// The full rights include the limited ones (O-36).
const selfThreadAlways = winnt.THREAD_TERMINATE | winnt.THREAD_SET_INFORMATION | winnt.THREAD_QUERY_INFORMATION |
	winnt.THREAD_SET_LIMITED_INFORMATION | winnt.THREAD_QUERY_LIMITED_INFORMATION

// ID returns the thread id.
func (t *Thread) ID() winnt.Handle { return t.id }

// Name returns the display name: the process's and a number.
func (t *Thread) Name() string { return t.name }

// Created returns the thread's creation time in 100-ns units since 1601-01-01 UTC, or 0 if the system has no clock.
func (t *Thread) Created() int64 { return t.created }

// ActingSince returns when the current impersonation was set, in the units of [Thread.Created]. It returns 0 for a
// thread that does not impersonate.
func (t *Thread) ActingSince() int64 {
	if t.imp.Load() == nil {
		return 0
	}
	return t.acting.Load()
}

// stamp notes the current time as the start of the thread's impersonation, for ActingSince.
func (t *Thread) stamp() {
	if t.process.sys.Clock != nil {
		t.acting.Store(t.process.sys.Clock())
	}
}

// Process returns the process of the thread, without a reference.
func (t *Thread) Process() *Process { return t.process }

// IsSystemThread reports whether the thread runs kernel code only, as the
// threads of the System process do.
func (t *Thread) IsSystemThread() bool { return t.system }

// SelfAccess returns the rights that the pseudo handle -2 grants (O-18).
func (t *Thread) SelfAccess() winnt.AccessMask { return t.selfAccess }

// Subject returns a snapshot of the thread's security context: the primary token of the process and, while the thread
// impersonates, the client's token with the level of the thread's state (I-25). The client of a thread that has ended
// is the token of S-1-0-0 at level Anonymous: a call that comes too late must not act as the process (I-9).
func (t *Thread) Subject() access.Subject {
	s := access.Subject{Primary: t.process.Token()}
	if r := t.imp.Load(); r != nil {
		s.Client, s.Level, s.EffectiveOnly = r.Token.Value(), r.Level, r.EffectiveOnly
	} else if t.Exited() { // a thread sets its exit mark before it ends the impersonation
		s.Client, s.Level = se.Powerless, winnt.SecurityAnonymous
	}
	return s
}

// SubjectAsSelf returns the context of the thread's process alone, even if the thread impersonates (I-21).
func (t *Thread) SubjectAsSelf() access.Subject { return access.Subject{Primary: t.process.Token()} }

// hasEnded is the bit of Thread.ended that marks the end, because the status can be 0.
const hasEnded = 1 << 32

// Exit ends the thread with STATUS_SUCCESS. It does nothing if the thread has ended.
func (t *Thread) Exit() { t.terminate(ntstatus.Success) }

// terminate ends the thread with a status, once. It ends the impersonation (I-9), cancels pending I/O, drops queued
// calls and signals Over. A second call does nothing, so the first status counts.
func (t *Thread) terminate(status ntstatus.Status) {
	if !t.ended.CompareAndSwap(0, hasEnded|uint64(status)) {
		return
	}
	t.RevertToSelf()
	t.process.mu.Lock()
	delete(t.process.threads, t)
	t.process.mu.Unlock()
	t.endIO()
	t.calls.end()
	t.over.Set()
}

// Exited reports whether the thread has ended. Once true, it stays true.
func (t *Thread) Exited() bool { return t.ended.Load() != 0 }

// destroy ends the impersonation, frees the id and releases the process. It runs when the last reference is gone.
func (t *Thread) destroy() {
	t.RevertToSelf()
	t.process.sys.freeID(t.id, &t.process.threadIDs)
	t.process.Deref(ob.TagThread)
}
