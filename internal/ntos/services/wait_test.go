package services_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A pipe without an operation and a notification event stay signaled: each wait succeeds (I-137, O-146).
func TestWaitKeepsLastingSignal(t *testing.T) {
	p := newPipeSide(t)
	for kind, h := range map[string]winnt.Handle{"pipe": p.made(nil),
		"notification event": check.Result(p.server.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent,
			true)),
	} {
		for range 2 {
			want(t, "wait for a "+kind, check.Status(p.server.NtWaitForSingleObject(h, false)), ntstatus.Success)
		}
	}
}

// A query of an object's signal does not consume the signal. The wait that follows does. A timer has no signal to wait
// for (O-145, O-146).
func TestSignalQueryKeepsSignal(t *testing.T) {
	th := newThread(t)
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, true))
	for range 2 {
		w, ok := th.Services().ObjectSignaled(event)
		check.That(t, ok, "ObjectSignaled(event) reports that an event cannot be waited for, want that it can")
		w.End(false)
	}
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.Timeout} {
		want(t, "wait", check.Status(th.NtWaitForSingleObject(event, false)), wanted)
	}
	semaphore := check.Result(th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, nil, 0, 2))
	for h, signal := range map[winnt.Handle]func() ntstatus.Status{
		event:     func() ntstatus.Status { return check.Status(th.NtSetEvent(event)) },
		semaphore: func() ntstatus.Status { return check.Status(th.NtReleaseSemaphore(semaphore, 2)) },
	} {
		first, _ := th.Services().ObjectSignaled(h)
		second, _ := th.Services().ObjectSignaled(h)
		check.Success(t, signal())
		woken := func(w nt.Waiter) bool {
			select {
			case <-w.Signaled():
				return true
			default:
				return false
			}
		}
		check.Equal(t, [2]bool{woken(first), woken(second)}, [2]bool{true, h == semaphore}, "O-149: woken waits")
		second.End(false)
		check.Equal(t, first.End(true), h == event, "O-149: the wait has acquired its object")
	}
	timer := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	want(t, "wait for a timer", check.Status(th.NtWaitForSingleObject(timer, false)), ntstatus.ObjectTypeMismatch)
	_, ok := th.Services().ObjectSignaled(timer)
	check.That(t, !ok, "ObjectSignaled(timer) reports that a timer can be waited for, want that it cannot")
}

// An alertable wait takes a signal before it delivers queued APCs, which stay queued (O-145, O-147).
func TestSignalPrecedesQueuedAPC(t *testing.T) {
	th := newThread(t)
	own := check.Result(th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.THREAD_SET_CONTEXT, 0, 0))
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, true))
	apc := nt.UserAPC{ApcRoutine: 1, ApcArgument1: 2, ApcArgument2: 3, ApcArgument3: 4}
	want(t, "queue", th.NtQueueApcThread(own, apc), ntstatus.Success)
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.UserAPC, ntstatus.Timeout} {
		calls, st := th.NtWaitForSingleObject(event, true)
		if want(t, "wait", st, wanted); slices.Equal(calls, []nt.UserAPC{apc}) != (wanted == ntstatus.UserAPC) {
			t.Errorf("wait with %v returned the calls %v, want one only with %v", st, calls, ntstatus.UserAPC)
		}
	}
}

// The account of the caller pays for a queued call until the thread makes it (O-147).
func TestCallerPaysForQueuedCall(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	p := w.process("other")
	p.SetQuota(nil)
	th, k := w.thread(p)
	h := check.Result(w.sys.KernelMode(w.Thread).ObOpenObjectByPointer(k.Thread(), 0, winnt.THREAD_SET_CONTEXT,
		winnt.ThreadObject, kernel.KernelMode))
	before := w.quota.Used()
	want(t, "queue", w.NtQueueApcThread(h, nt.UserAPC{}), ntstatus.Success)
	check.That(t, w.quota.Used() > before, "no bytes are charged for the call")
	check.Success(t, check.Status(th.NtTestAlert()))
	check.Equal(t, w.quota.Used(), before, "bytes charged after the call")
}

// An operation is refused if its completion would not fit into the thread's queue of APCs, and if its event handle is
// not an event. It keeps no reference to the event (O-147) and no charge. Cancelling a thread's synchronous call
// requires THREAD_TERMINATE (I-138).
func TestRefusedOperationKeepsNothing(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	w.must(st)
	threads := map[winnt.AccessMask]winnt.Handle{}
	own := check.Result(w.th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.THREAD_ALL_ACCESS, 0, 0))
	for _, right := range []winnt.AccessMask{winnt.THREAD_ALL_ACCESS &^ winnt.THREAD_TERMINATE, winnt.THREAD_TERMINATE} {
		threads[right], st = w.th.NtDuplicateObject(winnt.NtCurrentProcess, own, winnt.NtCurrentProcess, right, 0, 0)
		w.must(st)
	}
	for right, want := range map[winnt.AccessMask]ntstatus.Status{winnt.THREAD_TERMINATE: ntstatus.NotFound,
		winnt.THREAD_ALL_ACCESS &^ winnt.THREAD_TERMINATE: ntstatus.AccessDenied} {
		check.Equal(t, w.th.NtCancelSynchronousIoFile(threads[right], 0), want,
			"I-138: NtCancelSynchronousIoFile by a handle with %#x", uint32(right))
	}
	var ends atomic.Int32
	var got nt.IOResult
	refused := 0
	queue := func() ntstatus.Status {
		return check.Status(w.th.Services().NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: own, ApcRoutine: 1}))
	}
	for i := range 4096 {
		check.Require(t, queue(), ntstatus.Success, "queuing APC %d", i)
	}
	check.Equal(t, queue(), ntstatus.InsufficientResources, "O-147: one APC more")
	w.must(check.Status(w.th.NtSetEvent(event)))
	l := later(&ends, &got)
	l.Event, l.ApcRoutine, l.IoStatusBlock = event, 7, 9
	for range 3 {
		if st := w.read(w.th, w.server, l); st == ntstatus.InsufficientResources {
			refused++
		}
	}
	check.That(t, refused == 3 && ends.Load() == 0,
		"O-147: %d reads refused, %d completed, want 3, 0", refused, ends.Load())
	if was, st := w.th.NtSetEvent(event); st != ntstatus.Success || was != 1 {
		t.Errorf("P-7: the state of the event after the refused reads is %d, %v, want 1, as before", was, st)
	}
	for _, right := range []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA} {
		h, st := w.th.NtDuplicateObject(winnt.NtCurrentProcess, w.server, winnt.NtCurrentProcess, right, 0, 0)
		w.must(st)
		st = check.Status(w.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: h,
			FsControlCode: winnt.FSCTL_PIPE_TRANSCEIVE, Later: l}))
		check.Equal(t, st, ntstatus.AccessDenied, "I-142: transceive with %v", right)
		w.must(w.th.NtClose(h))
	}
	l.Event = w.server
	check.Equal(t, w.read(w.th, w.server, l), ntstatus.ObjectTypeMismatch, "read with a pipe as event")
	calls, st := w.th.NtTestAlert()
	check.That(t, st == ntstatus.Success && len(calls) == 4096, "NtTestAlert: %v, %d APCs, want 4096", st, len(calls))
	check.Equal(t, queue(), ntstatus.Success, "queuing after the APCs have run")
	w.must(w.th.NtClose(event))
	ended := check.Must(w.p.NewThread())
	ended.Services().(*services.Context).Thread().Exit()
	check.Equal(t, w.read(ended, w.server, later(&ends, &got)), ntstatus.ThreadIsTerminating, "I-141: an ended thread")
}
