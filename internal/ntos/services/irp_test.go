package services_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ends holds all effects of an operation, before or after it completes.
type ends struct {
	done         int // how often the program got its result
	status       ntstatus.Status
	data         string
	information  uint64
	event, file  bool // signalled
	calls        int  // APCs queued to the requesting thread
	over         bool
	failure      ntstatus.Status
	events, held int64 // references more, on the event and on the end
}

// operations is a message pipe with a quota of 4 bytes, an event, and the results of its operations.
type operations struct {
	*world
	t              *testing.T
	th             *nt.Thread
	server, client winnt.Handle
	event          winnt.Handle
	own            [2]int64 // references on the event and on the server's end
	later          *nt.Later
	got            ends
	signal         func()
}

func newOperations(t *testing.T) *operations {
	w, th, _ := newProcess(t)
	o := &operations{world: w, t: t, th: th}
	o.server = check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1,
		InboundQuota: 4, OutboundQuota: 4, DesiredAccess: both | winnt.SYNCHRONIZE,
		ObjectAttributes: nt.Cap(named(`\??\pipe\later`))}))
	o.client = check.Result(th.NtOpenFile(both, named(`\??\pipe\later`), 0, 0))
	o.event = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, true))
	o.own = [2]int64{o.references(o.event), o.references(o.server)}
	return o
}

func (o *operations) references(h winnt.Handle) int64 {
	o.t.Helper()
	return int64(check.Result(o.th.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation).PointerCount)
}

// begin prepares an operation; apart delays its completion.
func (o *operations) begin(event, call, waits, apart bool) *nt.Later {
	l := &nt.Later{Waits: waits}
	finished := func(r nt.IOResult) {
		o.got.done++
		o.got.status, o.got.data, o.got.information = r.Status, string(r.Data), r.Information
	}
	if l.Done = finished; apart {
		l.Done = func(nt.IOResult) { o.t.Error("W-90: Done was called in addition to Apart, want Apart alone") }
		l.Apart = func(r nt.IOResult, signal func()) { finished(r); o.signal = signal }
	}
	if event {
		l.Event = o.event
	}
	if call {
		l.ApcRoutine, l.ApcContext, l.IoStatusBlock = 7, 8, 9
	}
	o.later, o.got, o.signal = l, ends{}, nil
	return l
}

// soFar returns the effects so far.
func (o *operations) soFar() ends {
	o.t.Helper()
	signalled := func(h winnt.Handle) bool {
		_, st := o.th.NtWaitForSingleObject(h, false)
		return st == ntstatus.Success
	}
	e := o.got
	e.event, e.file = signalled(o.event), signalled(o.server)
	select {
	case <-o.later.Over:
		e.over = true
	default:
	}
	e.failure = o.later.Failure
	e.events, e.held = o.references(o.event)-o.own[0], o.references(o.server)-o.own[1]
	calls, _ := o.th.NtTestAlert()
	for _, c := range calls {
		check.That(o.t, c == (nt.UserAPC{ApcRoutine: 7, ApcArgument1: 8, ApcArgument2: 9}),
			"user APC %+v, want routine 7 with arguments 8 and 9", c)
	}
	e.calls = len(calls)
	return e
}

// For each result of an operation and each kind of completion, the memory, event, file, APC and references are
// correct before and after it completes (I-135, I-136, I-137, I-140, W-90).
func TestEachOperationCompletesInOrder(t *testing.T) {
	write := func(o *operations, h winnt.Handle, text string) {
		want(o.t, "write", check.Status(o.th.NtWriteFile(h, []byte(text))), ntstatus.Success)
	}
	read := func(o *operations, l *nt.Later) ntstatus.Status {
		return check.Status(o.th.Services().NtReadFile(nt.ReadFileIn{FileHandle: o.server, Length: 3, Later: l}))
	}
	control := func(code uint32) func(o *operations, l *nt.Later) ntstatus.Status {
		return func(o *operations, l *nt.Later) ntstatus.Status {
			return check.Status(o.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: o.server,
				FsControlCode: code, OutputBufferLength: 64, InputBuffer: nt.Cap([]byte("ask")), Later: l}))
		}
	}
	for _, c := range []struct {
		name   string
		before func(*operations)
		ask    func(*operations, *nt.Later) ntstatus.Status
		st     ntstatus.Status
		end    func(*operations) // of one that waits
		status ntstatus.Status
		data   string
		count  uint64
	}{
		{"immediate read", func(o *operations) { write(o, o.client, "ab") }, read, 0, nil, 0, "ab", 2},
		{"immediate partial read", func(o *operations) { write(o, o.client, "abcd") }, read, ntstatus.BufferOverflow,
			nil, ntstatus.BufferOverflow, "abc", 3},
		{"immediate write", nil, func(o *operations, l *nt.Later) ntstatus.Status {
			in := nt.WriteFileIn{FileHandle: o.server, Buffer: nt.Cap([]byte("ab")), Later: l}
			out, st := o.th.Services().NtWriteFile(in)
			check.Equal(o.t, out.Information, 2, "bytes written")
			return st
		}, 0, nil, 0, "", 2},
		{"read after the end", func(o *operations) { o.th.NtClose(o.client) }, read, ntstatus.PipeBroken, nil,
			ntstatus.PipeBroken, "", 0},
		{"waiting read", nil, read, ntstatus.Pending, func(o *operations) { write(o, o.client, "xy") }, 0, "xy", 2},
		{"waiting read of part of a message", nil, read, ntstatus.Pending,
			func(o *operations) { write(o, o.client, "wxyz") }, ntstatus.BufferOverflow, "wxy", 3},
		{"waiting read of a broken pipe", nil, read, ntstatus.Pending, func(o *operations) { o.th.NtClose(o.client) },
			ntstatus.PipeBroken, "", 0},
		{"cancelled read", nil, read, ntstatus.Pending, func(o *operations) { o.later.Cancel() }, ntstatus.Cancelled,
			"", 0},
		{"waiting write", func(o *operations) { write(o, o.server, "1234") },
			func(o *operations, l *nt.Later) ntstatus.Status {
				return check.Status(o.th.Services().NtWriteFile(nt.WriteFileIn{FileHandle: o.server,
					Buffer: nt.Cap([]byte("567")), Later: l}))
			}, ntstatus.Pending, func(o *operations) { o.th.NtReadFile(o.client, 9) }, 0, "", 3},
		{"waiting flush", func(o *operations) { write(o, o.server, "1234") },
			func(o *operations, l *nt.Later) ntstatus.Status {
				_, st := o.th.Services().NtFlushBuffersFile(nt.FlushBuffersFileIn{FileHandle: o.server, Later: l})
				return st
			}, ntstatus.Pending, func(o *operations) { o.th.NtReadFile(o.client, 9) }, 0, "", 0},
		{"flush of nothing", nil, func(o *operations, l *nt.Later) ntstatus.Status {
			return check.Status(o.th.Services().NtFlushBuffersFile(nt.FlushBuffersFileIn{FileHandle: o.server,
				Later: l}))
		}, 0, nil, 0, "", 0},
		{"waiting listen", func(o *operations) { o.th.NtFsControlFile(o.server, winnt.FSCTL_PIPE_DISCONNECT) },
			control(winnt.FSCTL_PIPE_LISTEN), ntstatus.Pending, func(o *operations) {
				o.th.NtOpenFile(both, named(`\??\pipe\later`), 0, 0)
			}, 0, "", 0},
		{"transceive", nil, control(winnt.FSCTL_PIPE_TRANSCEIVE), ntstatus.Pending,
			func(o *operations) { write(o, o.client, "yes") }, 0, "yes", 3},
		{"listen with a client", nil, control(winnt.FSCTL_PIPE_LISTEN), ntstatus.PipeConnected, nil,
			ntstatus.PipeConnected, "", 0},
		{"disconnect", nil, control(winnt.FSCTL_PIPE_DISCONNECT), 0, nil, 0, "", 0},
		{"unknown control code", nil, control(0x11FFFC), ntstatus.NotSupported, nil, ntstatus.NotSupported, "", 0},
	} {
		for i := range 16 {
			event, call, waits, apart := i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0
			t.Run(fmt.Sprintf("%s/event %t, call %t, waits %t, apart %t", c.name, event, call, waits, apart),
				func(t *testing.T) {
					o := newOperations(t)
					if c.before != nil {
						c.before(o)
					}
					l := o.begin(event, call, waits, apart)
					want(t, "ask", c.ask(o, l), c.st)
					if c.st == ntstatus.Pending {
						w := ends{event: !event, held: 2} // the operation's reference, and the request's
						if event {
							w.events = 1
						}
						got := o.soFar()
						check.That(t, got == w, "state while the operation waits\n%+v, want\n%+v", got, w)
						c.end(o)
					}
					w := ends{event: !event, over: true, failure: c.status}
					failed := c.status>>30 == 3
					if !failed || c.st == ntstatus.Pending && !waits {
						w.done, w.status, w.data, w.information = 1, c.status, c.data, c.count
						if apart {
							before := w
							if before.over, before.failure, before.held = false, 0, 1; event {
								before.events = 1
							}
							got := o.soFar()
							check.That(t, got == before, "W-90: state before the memory is written\n%+v, want\n%+v",
								got, before)
							o.signal()
						}
						w.event, w.file = true, !event || waits
						if call {
							w.calls = 1
						}
					}
					got := o.soFar()
					check.That(t, got == w, "state after the operation\n%+v, want\n%+v", got, w)
				})
		}
	}
}

// A waiting operation is cancelled once: by its thread, by the process, by the end of its thread, or by closing the
// last handle (I-138).
func TestPendingOperationIsCancelledOnce(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	other := check.Must(w.p.NewThread())
	l := nt.NewWait()
	check.Require(t, w.write(other, w.server, "1234567890abcdef", l), ntstatus.Pending, "synchronous write")
	check.Equal(t, string(check.Result(w.th.NtReadFile(w.client, 5))), "12345", "the read part of the write")
	w.must(w.th.NtCancelIoFileEx(w.server, 0))
	<-l.Over
	check.DeepEqual(t, l.Result(), nt.IOResult{Status: ntstatus.Cancelled, Information: 5}, "another thread's write")
	var ends atomic.Int32
	var got nt.IOResult
	for i, end := range []func() ntstatus.Status{
		func() ntstatus.Status { return other.NtCancelIoFile(w.server) },
		func() ntstatus.Status { return w.th.NtCancelIoFileEx(w.server, 5) },
		func() ntstatus.Status { return w.th.NtCancelIoFileEx(w.server, 0) },
		func() ntstatus.Status { other.Close(); return ntstatus.Success },
		func() ntstatus.Status { return w.th.NtClose(w.server) },
	} {
		th := other
		if i == 4 {
			th = w.th
		}
		l := later(&ends, &got)
		l.IoStatusBlock = 5
		check.Require(t, w.read(th, w.server, l), ntstatus.Pending, "way %d: read", i)
		w.must(w.th.NtCancelIoFile(w.client))
		if th != w.th { // NtCancelIoFile cancels only the caller's own operations
			w.must(w.th.NtCancelIoFile(w.server))
		}
		check.Equal(t, w.th.NtCancelIoFileEx(w.server, 6), ntstatus.NotFound,
			"way %d: cancelling another IoStatusBlock", i)
		check.Equal(t, w.th.NtCancelIoFileEx(w.client, 5), ntstatus.NotFound, "way %d: cancelling on another file", i)
		// None of these operations makes its thread wait inside the call.
		check.Equal(t, th.NtCancelSynchronousIoFile(winnt.NtCurrentThread, 0), ntstatus.NotFound,
			"way %d: NtCancelSynchronousIoFile", i)
		st := end()
		check.That(t, st == ntstatus.Success && ends.Load() == int32(i+1) && got.Status == ntstatus.Cancelled,
			"way %d: %s, %d completions, %+v, want success, %d completions and STATUS_CANCELLED", i, st, ends.Load(),
			got, i+1)
		<-l.Over
	}
	if b, st := w.th.NtReadFile(w.client, 1); st != ntstatus.PipeBroken {
		t.Errorf("client's read after the cancels = %q, %s, want %s", b, st, ntstatus.PipeBroken)
	}
}

// Reads, writes, cancels, closes and thread exits run concurrently. Each pending operation completes once, and
// nothing remains (I-138, I-141).
func TestConcurrentCancelsCompleteEachOperationOnce(t *testing.T) {
	for range 20 {
		w := newPendingWorld(t, 8)
		w.connect()
		var begun, ended atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		run := func(act func(*nt.Thread, int)) {
			th := check.Must(w.p.NewThread())
			all.Go(func() {
				<-start
				for i := range 50 {
					act(th, i)
				}
				th.Close()
			})
		}
		op := func() *nt.Later { return &nt.Later{Done: func(nt.IOResult) { ended.Add(1) }} }
		count := func(st ntstatus.Status) {
			if st == ntstatus.Pending || st == ntstatus.Success || st == ntstatus.BufferOverflow {
				begun.Add(1) // these call Done, now or later
			}
		}
		for _, h := range []winnt.Handle{w.server, w.client} {
			run(func(th *nt.Thread, _ int) { count(w.read(th, h, op())) })
			run(func(th *nt.Thread, _ int) { count(w.write(th, h, "12345", op())) })
			run(func(th *nt.Thread, _ int) { th.NtCancelIoFileEx(h, 0) })
		}
		run(func(th *nt.Thread, i int) {
			if i == 40 {
				th.NtClose(w.client)
				th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_DISCONNECT)
			}
		})
		close(start)
		all.Wait()
		w.th.NtClose(w.server)
		b, e := begun.Load(), ended.Load()
		check.RequireThat(t, b == e, "%d operations started and %d completed, want equal numbers", b, e)
	}
}

// TestCancelledWriteLeavesNothingToRead checks that a cancelled write that waited for quota leaves nothing to read,
// and that no other write is cancelled (I-138).
func TestCancelledWriteLeavesNothingToRead(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	var ends, kept atomic.Int32
	var got, fits nt.IOResult
	w.must(w.write(w.th, w.client, "1234567", nil))
	first := later(&ends, &got)
	first.IoStatusBlock = 5
	check.Require(t, w.write(w.th, w.client, "gone", first), ntstatus.Pending, "write")
	check.Require(t, w.write(w.th, w.client, "stays", later(&kept, &fits)), ntstatus.Pending, "write")
	w.must(w.th.NtCancelIoFileEx(w.client, 5))
	check.That(t, ends.Load() == 1 && got.Status == ntstatus.Cancelled && kept.Load() == 0,
		"I-138: cancelled write: %d completions, %+v; other write: %d completions, want 1, %v and 0", ends.Load(), got,
		kept.Load(), ntstatus.Cancelled)
	for _, want := range []string{"1234567", "stays"} {
		b, st := w.th.NtReadFile(w.server, 64)
		check.That(t, st == ntstatus.Success && string(b) == want, "I-138: message read = %q, %v, want %q", b, st, want)
	}
	check.Equal(t, check.Status(w.th.NtReadFile(w.server, 64)), ntstatus.PipeEmpty,
		"I-138: read after the two messages")
	check.That(t, kept.Load() == 1 && fits.Status == ntstatus.Success,
		"I-138: the write that was not cancelled: %d completions, %+v, want 1, %v", kept.Load(), fits, ntstatus.Success)
}

// listensAgain disconnects the pipe's client, so that the instance can serve another one.
func (w *pendingWorld) listensAgain() {
	w.must(w.th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_DISCONNECT))
	_ = w.th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_LISTEN)
}

// A waiting call can be cancelled through its thread. An asynchronous operation is not found that way (I-138).
func TestWaitingCallIsCancelledThroughItsThread(t *testing.T) {
	w := newPendingWorld(t, 8)
	for options, want := range map[uint32]ntstatus.Status{0: ntstatus.NotFound,
		winnt.FILE_SYNCHRONOUS_IO_NONALERT: ntstatus.Success, winnt.FILE_SYNCHRONOUS_IO_ALERT: ntstatus.Success} {
		h, _, st := w.th.NtCreateFile(nt.CreateFileIn{DesiredAccess: both | winnt.SYNCHRONIZE, CreateOptions: options,
			CreateDisposition: winnt.FILE_OPEN, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: pendingPipe})})
		w.must(st)
		l := &nt.Later{IoStatusBlock: 0x1000, Done: func(nt.IOResult) {}}
		check.Require(t, w.read(w.th, h, l), ntstatus.Pending, "options %#x: read", options)
		check.Equal(t, l.Alertable, options == winnt.FILE_SYNCHRONOUS_IO_ALERT, "options %#x: alertable", options)
		cancel := func(block uint64) ntstatus.Status {
			return check.Status(w.th.Services().NtCancelSynchronousIoFile(nt.CancelSynchronousIoFileIn{
				ThreadHandle: winnt.NtCurrentThread, IoRequestToCancel: block}))
		}
		check.Equal(t, cancel(0x2000), ntstatus.NotFound, "I-138: options %#x: cancelling another IoStatusBlock",
			options)
		check.Equal(t, cancel(0x1000), want, "I-138: options %#x: cancelling the read through its thread", options)
		w.must(w.th.NtClose(h))
		<-l.Over
		w.listensAgain()
	}
}

// pendingWorld is a process that has both ends of a message pipe.
type pendingWorld struct {
	*testing.T
	p              *kernel.Process
	th             *nt.Thread
	server, client winnt.Handle
}

func (w *pendingWorld) connect() {
	w.client = check.Result(w.th.NtOpenFile(both, &nt.ObjectAttributes{ObjectName: pendingPipe}, 0, 0))
}

func (w *pendingWorld) must(st ntstatus.Status) {
	w.Helper()
	check.Success(w, st)
}

func (w *pendingWorld) read(th *nt.Thread, h winnt.Handle, l *nt.Later) ntstatus.Status {
	return check.Status(th.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 64, Later: l}))
}

func (w *pendingWorld) write(th *nt.Thread, h winnt.Handle, b string, l *nt.Later) ntstatus.Status {
	return check.Status(th.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte(b)), Later: l}))
}
