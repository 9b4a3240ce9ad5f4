package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Later lets an operation on a file end after its call, as a program with memory of
// its own asks for it: the call then returns STATUS_PENDING. Who gives none, such as a script,
// gets the status of the moment.
type Later struct {
	Event         winnt.Handle // signalled at the end; 0 for the file itself
	ApcRoutine    uint64       // called at the end by the thread that asks; 0 for none
	ApcContext    uint64       // given to the routine, or to the file's completion port
	IoStatusBlock uint64       // names the operation when it is cancelled
	Waits         bool         // the caller waits on any handle
	// Done is given the result before anybody is told of the end. An operation that
	// fails in its call does not get that far. It runs on any goroutine, with no
	// lock held, and must not call services.
	Done func(IOResult)
	// Apart takes the place of Done for a program whose memory is elsewhere: who waits for the
	// end is told once told is called, from any goroutine and once, with no lock held.
	Apart func(r IOResult, told func())

	// What the service says of an operation that ends later: Over is closed when it
	// has ended, Cancel ends it, and the caller of a synchronous handle waits for
	// it, alertably where the handle says so.
	Over                   chan struct{}
	Cancel                 func() bool
	Synchronous, Alertable bool
	Failure                ntstatus.Status // of one that failed while its caller waited: Done is not called
}

// IOResult tells how an operation on a file ended.
type IOResult struct {
	Status      ntstatus.Status
	Data        []byte // the bytes that were read
	Information uint64
}
