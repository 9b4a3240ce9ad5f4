package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Later says how a caller learns of the end of a file operation that is not over when its call returns: by an event,
// an APC or a function. The call then returns STATUS_PENDING. A caller without a Later, such as a script, gets the
// current status instead.
type Later struct {
	Event         winnt.Handle // signalled at the end; 0 for the file itself
	ApcRoutine    uint64       // called at the end on the requesting thread; 0 for none
	ApcContext    uint64       // given to the routine, or to the file's completion port
	IoStatusBlock uint64       // names the operation when it is cancelled
	Waits         bool         // the caller waits on any handle
	// Done is called with the result before the end is signalled. It is not called
	// for an operation that fails in its call. It runs on any goroutine, without a
	// lock held, and must not call services.
	Done func(IOResult)
	// Apart replaces Done for a program whose memory is in another process. A call of notify signals the
	// completion. Call notify once, from any goroutine, without a lock held.
	Apart func(r IOResult, notify func())

	// The service sets these fields for an operation that ends later. Over is
	// closed when the operation has ended, and Cancel ends it. The caller of a
	// synchronous handle waits for it, alertably if the handle was opened so.
	Over                   chan struct{}
	Cancel                 func() bool
	Synchronous, Alertable bool
	Failure                ntstatus.Status // of one that failed while its caller waited: Done is not called
	FailureCount           uint64          // how many bytes of a failed write the other end has read

	result IOResult // of a NewWait, as is done: written before Over is closed, read after it
	done   bool     // there is a result
}

// IOResult is the result of an operation on a file.
type IOResult struct {
	Status      ntstatus.Status
	Data        []byte // the bytes that were read
	Information uint64
}

// NewWait returns a Later for a caller that waits for the end itself and then calls
// [Later.Result].
func NewWait() *Later {
	l := &Later{Waits: true}
	l.Done = func(r IOResult) { l.result, l.done = r, true }
	return l
}

// Result returns the result of an operation after Over is closed. For a failed write,
// Information is the number of bytes that the other end has read. The Later must come from
// [NewWait].
func (l *Later) Result() IOResult {
	if l.done {
		return l.result
	}
	return IOResult{Status: l.Failure, Information: l.FailureCount}
}
