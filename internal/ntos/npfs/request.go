package npfs

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Op is the kind of a pipe request: read, write, listen and so on. The zero value is invalid.
type Op uint8

// The operations that may end later than they begin.
const (
	OpRead Op = iota + 1
	OpWrite
	OpTransceive // writes a message and reads the answer
	OpListen
	OpFlush // waits until the other end has read everything
)

// Limits of the waiting requests at one end.
const (
	MaxPending = 256          // requests
	maxStalled = 2 * MaxQuota // bytes queued, with those beyond the quota
)

// Request is an operation on a pipe end that may have to wait for the other end. It holds a reference on its end while
// it waits. End is required. Op 0 fails with STATUS_INVALID_PARAMETER.
type Request struct {
	End    *End       // immutable
	Op     Op         // immutable
	Length int        // immutable: bytes that a read takes at most
	Data   []byte     // the bytes that a write writes; Start copies them and sets it to nil
	Thread *ps.Thread // immutable: the requester; its context goes with the data that it writes (I-85)
	// Finish is called once if Start returns STATUS_PENDING, with no lock held, and
	// possibly before Start has returned.
	Finish func(Result) // immutable

	message *message // guarded by the instance's mu: the data of a write; nil for other requests
	queued  bool     // guarded by the instance's mu
}

// Result is the outcome of a pipe request: its status, and the data or the number of bytes.
type Result struct {
	Status ntstatus.Status
	Data   []byte // the bytes that were read
	Count  int    // how many were read or written; of a write that failed, how many the other end has read
}

// finished collects the requests to complete and the client contexts to release once the instance's lock is released.
type finished struct {
	requests []*Request
	results  []Result
	contexts []*ps.ClientContext
}

// add appends a request with its result. Its Finish is called by complete, not here.
func (f *finished) add(r *Request, res Result) {
	f.requests, f.results = append(f.requests, r), append(f.results, res)
}

// complete releases the contexts, then completes the requests and releases their ends. The caller must hold no lock. It
// must be called once.
func (f *finished) complete() {
	for _, c := range f.contexts {
		c.Delete()
	}
	for i, r := range f.requests {
		r.Finish(f.results[i])
		r.End.Deref(ob.TagLink)
	}
}

// Start begins the operation and returns its result, or STATUS_PENDING if it waits; Finish then gets the result. On
// an end that completes operations at once only a flush waits (T-135, I-140). Beyond MaxPending waiting requests it
// returns STATUS_INSUFFICIENT_RESOURCES.
func (r *Request) Start() Result {
	e := r.End
	var m *message
	if r.Op == OpWrite || r.Op == OpTransceive {
		var st ntstatus.Status
		if m, st = e.newMessage(r.Thread, r.Data); st != ntstatus.Success {
			return Result{Status: st}
		}
		r.Data = nil // m has a copy of the data
	}
	var f finished
	in := e.instance
	in.mu.Lock()
	res := e.beginLocked(r, m, &f)
	if res.Status == ntstatus.Pending {
		r.queued = true
		e.pending++
		e.Ref(ob.TagLink)
		in.waiting = append(in.waiting, r)
	}
	in.settleLocked(&f)
	in.mu.Unlock()
	f.complete()
	if r.Op == OpListen {
		in.pipe.wake()
	}
	return res
}

// beginLocked tries the operation of a new request. m is the message of a write or transceive, and nil for other
// operations. A request that must wait returns STATUS_PENDING, or STATUS_INSUFFICIENT_RESOURCES beyond MaxPending. A
// nonblocking end returns the operation's status instead of waiting. An unknown operation is
// STATUS_INVALID_PARAMETER.
//
// +checklocks:e.instance.mu
func (e *End) beginLocked(r *Request, m *message, f *finished) (res Result) {
	full := e.pending >= MaxPending
	r.message = m
	switch r.Op {
	case OpRead:
		res = e.readLocked(r.Length, f)
	case OpWrite:
		if res.Count, res.Status = e.writeLocked(m, !full, f); full && res.Status == ntstatus.PipeBusy {
			// The write would have to wait, and as many operations wait at the end as may (I-141).
			res.Status = ntstatus.InsufficientResources
		}
	case OpTransceive:
		if res.Status = e.askLocked(m, full, f); res.Status == ntstatus.Success || res.Status == ntstatus.Pending {
			res.Status = ntstatus.PipeEmpty
		}
	case OpListen:
		res.Status = e.listenLocked()
	case OpFlush:
		res.Status = e.flushLocked()
	default:
		res.Status = ntstatus.InvalidParameter
	}
	switch {
	case !r.Op.waits(res.Status) || e.complete.Load():
	case full:
		// As many operations wait at an end as may (I-141).
		res.Status = ntstatus.InsufficientResources
	default:
		res.Status = ntstatus.Pending
	}
	return res
}

// waits reports whether st means that an operation of this kind is not possible yet, so that its request waits and is
// tried again.
func (op Op) waits(st ntstatus.Status) bool {
	switch op {
	case OpRead, OpTransceive:
		return st == ntstatus.PipeEmpty
	case OpListen:
		return st == ntstatus.PipeListening
	}
	return st == ntstatus.Pending
}

// againLocked tries the operation of a waiting request again. It returns STATUS_PENDING and no count if the request
// must go on waiting. A client that has connected makes a listen succeed. For a write that ends, res.Count is the
// number of bytes taken.
//
// +checklocks:e.instance.mu
func (e *End) againLocked(r *Request, f *finished) (res Result) {
	switch r.Op {
	case OpRead, OpTransceive:
		res = e.readLocked(r.Length, f)
	case OpWrite:
		res = Result{Status: e.stalledLocked(r.message), Count: r.message.taken()}
		if res.Status == ntstatus.Success {
			res.Count = r.message.length
		}
	case OpListen:
		if res.Status = e.listenLocked(); res.Status == ntstatus.PipeConnected || res.Status == ntstatus.PipeClosing {
			res.Status = ntstatus.Success // the client connected while the request waited
		}
	default:
		res.Status = e.flushLocked()
	}
	if r.Op.waits(res.Status) {
		return Result{Status: ntstatus.Pending}
	}
	return res
}

// settleLocked completes the waiting requests that a change of the instance made possible, in order. It adds them to f,
// and the caller completes f without the lock. It also wakes all who wait for Changed.
// +checklocks:in.mu
func (in *Instance) settleLocked(f *finished) {
	// One pass is enough: a read waits only while its queue is empty, so each write or flush that it completes is later
	// in the list.
	for _, r := range slices.Clone(in.waiting) {
		// Each waiting request belongs to an end of this instance, so in.mu is its lock.
		if res := r.End.againLocked(r, f); res.Status != ntstatus.Pending { // +checklocksforce
			in.endLocked(r, res, f)
		}
	}
	close(in.changed)
	in.changed = make(chan struct{})
}

// endLocked ends a request with a result: it removes the request from the waiting ones, counts it as no longer pending
// at its end, and adds it to f.
//
// +checklocks:in.mu
func (in *Instance) endLocked(r *Request, res Result, f *finished) {
	r.queued = false
	r.End.pending--
	in.waiting = slices.DeleteFunc(in.waiting, func(x *Request) bool { return x == r })
	f.add(r, res)
}

// Cancel ends a waiting request with STATUS_CANCELLED and reports whether it did. It drops the unread bytes of a write;
// the write's count is the number of bytes read (I-138). Before it returns, it calls the completion functions of this
// request and of the requests that can continue now, so the caller must hold no lock that these take.
func (r *Request) Cancel() bool {
	var f finished
	in := r.End.instance
	in.mu.Lock()
	was := r.queued
	if was {
		in.cancelLocked(r, &f)
		in.settleLocked(&f)
	}
	in.mu.Unlock()
	f.complete()
	return was
}

// cancelLocked ends a waiting request with STATUS_CANCELLED and adds it to f. It drops the unread bytes of a write; the
// result says how many were read.
//
// +checklocks:in.mu
func (in *Instance) cancelLocked(r *Request, f *finished) {
	res := Result{Status: ntstatus.Cancelled}
	if r.Op == OpWrite {
		res.Count = r.message.taken()
	}
	f.contexts = append(f.contexts, r.End.outbox().drop(r.message)...)
	in.endLocked(r, res, f)
}

// closeLocked ends the requests of an end whose last handle is closed (I-138). It drops the unread parts of waiting
// writes. Requests of the other end stay.
//
// +checklocks:in.mu
func (in *Instance) closeLocked(e *End, f *finished) {
	own := slices.DeleteFunc(slices.Clone(in.waiting), func(r *Request) bool { return r.End != e })
	// The last write goes first. In the other order, dropping one write would make room for the next.
	for _, r := range slices.Backward(own) {
		f.contexts = append(f.contexts, e.outbox().drop(r.message)...)
	}
	for _, r := range own {
		in.cancelLocked(r, f)
	}
}

// Waits reports whether operations on this end are synchronous, and whether their callers wait alertably.
func (e *End) Waits() (synchronous, alertable bool) {
	alertable = e.Options&winnt.FILE_SYNCHRONOUS_IO_ALERT != 0
	return alertable || e.Options&winnt.FILE_SYNCHRONOUS_IO_NONALERT != 0, alertable
}

// Flush returns STATUS_PENDING while a connected other end has unread data (I-140), STATUS_PIPE_DISCONNECTED for a
// disconnected client, and success otherwise.
func (e *End) Flush() ntstatus.Status {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	return e.flushLocked()
}
