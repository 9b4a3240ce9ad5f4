package nt

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Why is the reason why the last call of a thread failed: the rule, and for an
// access check its explanation. The zero value is no reason.
type Why struct {
	Rule        string
	Because     string              // in words, where the condition of the table does not say it
	Object      string              // the object to open: "Token of alice", "File report"
	Explanation *access.Explanation // nil unless an access check decided
}

// Call describes one finished call of a service, for a [Tracer].
type Call struct {
	Thread string // display name of the calling thread
	Row    *Row
	In     any // of Row.InType
	Out    any // of Row.OutType; fields keep their zero value on failure
	Status ntstatus.Status
	Why    Why // set when Status is a failure, or a check said no
}

// Tracer receives every call of its threads after the call. It runs on the
// calling goroutine without a lock held, and must not call services.
type Tracer interface{ Traced(*Call) }

// Profile selects between the documents and the observed behaviour of Windows
// where the two differ (docs/CAVEATS.md). The zero value is Documented.
type Profile uint8

const (
	Documented Profile = iota
	Observed
)

// String returns "documented" or "observed".
func (p Profile) String() string {
	if p == Observed {
		return "observed"
	}
	return "documented"
}

// Transport sends the calls of a thread to a kernel in another process. One
// goroutine uses it at a time.
type Transport interface {
	// Call makes a call. why also requests the reason for a failure. out is of the
	// row's OutType, even after a failure.
	Call(row *Row, in any, why bool) (out any, st ntstatus.Status, reason Why)
	// CallWhenReady repeats a call until it can be done. It may run concurrently
	// with other calls of the thread.
	CallWhenReady(row *Row, in any, w Wait) (out any, st ntstatus.Status)
	// NewThread creates another thread of the process, as in [Services].
	NewThread() (Transport, string, ntstatus.Status)
	// SaveImpersonation and RestoreImpersonation are those of [Services]. If the
	// state cannot be saved, SaveImpersonation returns an error status and changes
	// nothing.
	SaveImpersonation() (Ticket, ntstatus.Status)
	RestoreImpersonation(Ticket)
	// EndThread ends the thread. A second call does nothing.
	EndThread()
	// Profile returns the conformance profile of the system.
	Profile() Profile
}

// Wait has the channels for repeating a call that cannot be done yet, and for its
// end with STATUS_CANCELLED. A nil channel means never.
type Wait struct {
	Handle      winnt.Handle    // the pipe or port whose changes it waits for
	NotYet      ntstatus.Status // the status of the call while it cannot be done
	Closed, Due <-chan struct{}
}

// Thread is one user-mode thread. A kernel, or a client of one, creates it. One
// goroutine uses it at a time. Do not use the zero value.
type Thread struct {
	sys    Services  // immutable; nil for a thread of a kernel elsewhere
	remote Transport // immutable; nil for a thread of this program's kernel
	name   string    // immutable
	tracer Tracer    // owned by the thread
	direct Services  // owned by the thread: sys while no tracer is set, else nil
}

// NewThread returns a thread whose calls go to the kernel's implementation sys in this program. Kernels call it.
// Programs get their threads from a process.
func NewThread(sys Services, name string) *Thread {
	return &Thread{sys: sys, name: name, direct: sys}
}

// NewRemoteThread returns a thread that sends its calls over a transport.
// Clients of a daemon call it. Programs get their threads from a connection.
func NewRemoteThread(tr Transport, name string) *Thread { return &Thread{remote: tr, name: name} }

// Close ends the thread. The kernel drops its impersonation and keeps no state
// of it. Close changes only the kernel's part, so other goroutines may read the
// Thread at the same time. Do not make calls on the thread afterwards: they act
// neither as the client nor as the process (I-9). Handles belong to the process
// and stay open. A second Close does nothing.
func (t *Thread) Close() {
	if t.remote != nil {
		t.remote.EndThread()
		return
	}
	t.sys.EndThread()
}

// Name returns the display name, such as "fileserver/1".
func (t *Thread) Name() string { return t.name }

// Services returns the implementation of the thread, or nil for a thread of a
// kernel in another process.
func (t *Thread) Services() Services { return t.sys }

// Transport returns the transport of the thread's calls, or nil for a thread of a
// kernel in this program.
func (t *Thread) Transport() Transport { return t.remote }

// Trace sets the tracer, or with nil removes it. With a tracer, denied calls
// also record the reason. Without one, calls take the direct path.
func (t *Thread) Trace(tr Tracer) {
	t.tracer = tr
	if t.direct = t.sys; tr != nil {
		t.direct = nil
	}
	if t.sys != nil {
		t.sys.RecordWhy(tr != nil)
	}
}

// CallRow calls a service that is known only as a row of [NtTable], and reports the call to the tracer. in must be of
// the row's InType.
func (t *Thread) CallRow(r *Row, in any) (any, ntstatus.Status) {
	if t.remote != nil {
		return t.callRemote(r, in)
	}
	out, st := r.Invoke(t.sys, in)
	if t.tracer != nil {
		t.tracer.Traced(&Call{t.name, r, in, out, st, t.sys.TakeWhy()})
	}
	return out, st
}

// call calls the service of entry e for thread t, on a local or remote kernel. An untraced call on this program's
// kernel goes directly to the implementation and allocates no memory. Any other call goes through CallRow.
func call[I, O any](t *Thread, e *Entry[Services, I, O], in I) (O, ntstatus.Status) {
	if t.direct != nil {
		return e.Call(t.direct, in)
	}
	out, st := t.CallRow(e.Row, in)
	return out.(O), st
}

// Profile returns the conformance profile of the system.
func (t *Thread) Profile() Profile {
	if t.remote != nil {
		return t.remote.Profile()
	}
	return t.sys.Profile()
}

// save saves the thread's impersonation, which continues, and returns a ticket for [Thread.restore] (I-60, I-76). It
// can fail for a remote thread.
func (t *Thread) save() (Ticket, ntstatus.Status) {
	if t.remote != nil {
		return t.remote.SaveImpersonation()
	}
	return t.sys.SaveImpersonation(), ntstatus.Success
}

// restore gives the thread the impersonation that save saved with ticket k (I-61, I-76). A second call with the
// ticket does nothing.
func (t *Thread) restore(k Ticket) {
	if t.remote != nil {
		t.remote.RestoreImpersonation(k)
		return
	}
	t.sys.RestoreImpersonation(k)
}

// callRemote sends a call to the server that has the thread, and reports it to the tracer, if any.
func (t *Thread) callRemote(r *Row, in any) (any, ntstatus.Status) {
	out, st, why := t.remote.Call(r, in, t.tracer != nil)
	if t.tracer != nil {
		t.tracer.Traced(&Call{t.name, r, in, out, st, why})
	}
	return out, st
}
