package nt

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Why says why the last call of a thread failed: the rule of the branch and,
// where an access check refused, its explanation. The zero value says nothing.
type Why struct {
	Rule        string
	Because     string              // in words, where the condition of the table does not say it
	Object      string              // what was to be opened: "Token of alice", "File report"
	Explanation *access.Explanation // nil unless an access check decided
}

// Call is one finished call, as a [Tracer] sees it.
type Call struct {
	Thread string // display name of the calling thread
	Row    *Row
	In     any // of Row.InType
	Out    any // of Row.OutType; fields keep their zero value on failure
	Status ntstatus.Status
	Why    Why // set when Status is a failure, or a check said no
}

// Tracer receives every call of the threads it is set on, after the call. It
// runs on the calling goroutine with no lock held, and must not call services.
type Tracer interface{ Traced(*Call) }

// Profile selects between the documents and what Windows was seen to do where
// the two differ (docs/CAVEATS.md). The zero value is Documented.
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

// A Transport carries the calls of a thread to a kernel elsewhere. It is used by
// one goroutine at a time.
type Transport interface {
	// Call makes a call; why asks for the reason of a failure, too. Out is of
	// the row's OutType also after a failure.
	Call(row *Row, in any, why bool) (out any, st ntstatus.Status, reason Why)
	// CallWhenReady makes a call again as long as it cannot be done yet. It may
	// run beside other calls of the thread.
	CallWhenReady(row *Row, in any, w Wait) (out any, st ntstatus.Status)
	// NewThread makes another thread of the process, as [Services] does.
	NewThread() (Transport, string, ntstatus.Status)
	// SaveImpersonation and RestoreImpersonation are those of [Services]. A
	// saved state that cannot be had is an error, and nothing is changed.
	SaveImpersonation() (Ticket, ntstatus.Status)
	RestoreImpersonation(Ticket)
	// EndThread ends the thread; doing it again does nothing.
	EndThread()
	// Profile is the conformance profile of the system.
	Profile() Profile
}

// Wait says when a call that cannot be done yet is made again, and until when: it
// then ends with STATUS_CANCELLED. A nil channel stands for never.
type Wait struct {
	Handle      winnt.Handle    // the pipe or port whose changes it waits for
	NotYet      ntstatus.Status // what the call says while it cannot be done
	Closed, Due <-chan struct{}
}

// Thread is one user-mode thread as its program sees it. It is made by a
// kernel, or by a client of one. It is used by one goroutine at a time, and its
// zero value is not usable.
type Thread struct {
	sys    Services  // immutable; nil for a thread of a kernel elsewhere
	remote Transport // immutable; nil for a thread of this program's kernel
	name   string    // immutable
	tracer Tracer    // owned by the thread
	direct Services  // owned by the thread: sys while no tracer is set, else nil
}

// NewThread wraps the implementation of one thread. Kernels call it; programs
// get their threads from a process.
func NewThread(sys Services, name string) *Thread {
	return &Thread{sys: sys, name: name, direct: sys}
}

// NewRemoteThread returns a thread whose calls a transport carries. Clients of a
// daemon call it; programs get their threads from a connection.
func NewRemoteThread(tr Transport, name string) *Thread { return &Thread{remote: tr, name: name} }

// Close ends the thread: its impersonation is dropped, and the kernel keeps
// nothing of it. It changes the kernel's half only, so that other goroutines
// may read the Thread meanwhile; the thread makes no call afterwards. Handles
// belong to the process and stay. Closing again does nothing.
func (t *Thread) Close() {
	if t.remote != nil {
		t.remote.EndThread()
		return
	}
	t.sys.EndThread()
}

// Name returns the display name, such as "fileserver/1".
func (t *Thread) Name() string { return t.name }

// Services returns the implementation behind the thread, nil for a thread of a
// kernel elsewhere.
func (t *Thread) Services() Services { return t.sys }

// Transport returns what carries the thread's calls, nil for a thread of this program's
// kernel.
func (t *Thread) Transport() Transport { return t.remote }

// Trace sets or, with nil, removes the tracer. With a tracer set a denied call
// also records why; without one calls take the direct path.
func (t *Thread) Trace(tr Tracer) {
	t.tracer = tr
	if t.direct = t.sys; tr != nil {
		t.direct = nil
	}
	if t.sys != nil {
		t.sys.RecordWhy(tr != nil)
	}
}

// CallRow calls a row of [NtTable] by name, traced like a method call.
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

// call runs a typed call. A call of this program's kernel that is not traced
// goes straight to the implementation and allocates nothing; all others take the
// path of erased types. The calls that a server makes for each request test direct
// themselves: the two calls through here cost as much as the shortest service.
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

// save sets the thread's impersonation aside (I-60, I-76).
func (t *Thread) save() (Ticket, ntstatus.Status) {
	if t.remote != nil {
		return t.remote.SaveImpersonation()
	}
	return t.sys.SaveImpersonation(), ntstatus.Success
}

// restore puts back what a ticket stands for, once (I-61, I-76).
func (t *Thread) restore(k Ticket) {
	if t.remote != nil {
		t.remote.RestoreImpersonation(k)
		return
	}
	t.sys.RestoreImpersonation(k)
}

func (t *Thread) callRemote(r *Row, in any) (any, ntstatus.Status) {
	out, st, why := t.remote.Call(r, in, t.tracer != nil)
	if t.tracer != nil {
		t.tracer.Traced(&Call{t.name, r, in, out, st, why})
	}
	return out, st
}
