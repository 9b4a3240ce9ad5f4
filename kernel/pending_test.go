package kernel_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// pendingWorld is a process with the two ends of a pipe of messages.
type pendingWorld struct {
	*testing.T
	p              *kernel.Process
	th             *nt.Thread
	server, client winnt.Handle
}

const pendingPipe = `\??\pipe\pending`

func newPendingWorld(t *testing.T, quota uint32) *pendingWorld {
	t.Helper()
	sys := kernel.Boot(kernel.Config{})
	p, err := sys.NewProcess("p", benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenPrimary))
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	w := &pendingWorld{T: t, p: p, th: th}
	var st ntstatus.Status
	const rights = winnt.GENERIC_READ | winnt.GENERIC_WRITE | winnt.SYNCHRONIZE
	w.server, st = th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: rights, NamedPipeType: 1, ReadMode: 1,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: pendingPipe}), InboundQuota: quota, OutboundQuota: quota})
	w.must(st)
	t.Cleanup(func() {
		p.Exit()
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *pendingWorld) connect() {
	w.Helper()
	var st ntstatus.Status
	w.client, st = w.th.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE,
		&nt.ObjectAttributes{ObjectName: pendingPipe}, 0, 0)
	w.must(st)
}

func (w *pendingWorld) must(st ntstatus.Status) {
	w.Helper()
	if !st.IsSuccess() {
		w.Fatal(st)
	}
}

// later returns an operation that counts how often it ended, and with what.
func later(ends *atomic.Int32, got *nt.IOResult) *nt.Later {
	return &nt.Later{Done: func(r nt.IOResult) { *got = r; ends.Add(1) }}
}

func (w *pendingWorld) read(th *nt.Thread, h winnt.Handle, l *nt.Later) ntstatus.Status {
	_, st := th.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 64, Later: l})
	return st
}

func (w *pendingWorld) write(th *nt.Thread, h winnt.Handle, b string, l *nt.Later) ntstatus.Status {
	_, st := th.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte(b)), Later: l})
	return st
}

// I-135, I-136, I-137, I-140: operations that wait end with the other end's, the event and
// the call after the data.
func TestPendingPipes(t *testing.T) {
	w := newPendingWorld(t, 8)
	var ends atomic.Int32
	var got nt.IOResult
	same := func(what string, st, want ntstatus.Status) {
		t.Helper()
		if st != want {
			t.Errorf("%s: %s, want %s", what, st, want)
		}
	}
	event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, true)
	w.must(st)
	l := later(&ends, &got)
	l.Event, l.ApcRoutine, l.ApcContext, l.IoStatusBlock = event, 7, 8, 9
	_, st = w.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: w.server,
		FsControlCode: winnt.FSCTL_PIPE_LISTEN, Later: l})
	same("a listen without a client", st, ntstatus.Pending)
	_, st = w.th.NtWaitForSingleObject(event, false)
	same("the event meanwhile", st, ntstatus.Timeout)
	w.connect()
	_, st = w.th.NtWaitForSingleObject(event, true)
	same("the event after it", st, ntstatus.Success)
	calls, st := w.th.NtTestAlert()
	if len(calls) != 1 || calls[0] != (nt.UserAPC{ApcRoutine: 7, ApcArgument1: 8,
		ApcArgument2: 9}) || ends.Load() != 1 || got.Status != ntstatus.Success {
		t.Errorf("the listen: calls %v, %s, %d ends, %+v", calls, st, ends.Load(), got)
	}
	same("a read", w.read(w.th, w.server, later(&ends, &got)), ntstatus.Pending)
	_, st = w.th.NtWaitForSingleObject(w.server, false)
	same("the file meanwhile", st, ntstatus.Timeout)
	same("a write", w.write(w.th, w.client, "hello", nil), ntstatus.Success)
	if ends.Load() != 2 || string(got.Data) != "hello" || got.Information != 5 {
		t.Errorf("the read: %d ends, %+v", ends.Load(), got)
	}
	_, st = w.th.NtWaitForSingleObject(w.server, false)
	same("the file after it", st, ntstatus.Success)
	same("a write that fits", w.write(w.th, w.client, "12345678", nil), ntstatus.Success)
	same("flushing it", w.th.NtFlushBuffersFile(w.client), ntstatus.Pending)
	same("a write without room", w.write(w.th, w.client, "9", later(&ends, &got)), ntstatus.Pending)
	for i, want := range []string{"12345678", "9"} {
		b, st := w.th.NtReadFile(w.server, 64)
		if string(b) != want || st != ntstatus.Success || ends.Load() != 3 || got.Information != 1 {
			t.Errorf("read %d: %q, %s; the write: %d ends, %+v", i, b, st, ends.Load(), got)
		}
	}
	same("flushing nothing", w.th.NtFlushBuffersFile(w.client), ntstatus.Success)
}

// TestStalledWriteEnds: a write that waits for room ends when all of it fits the quota to
// its last byte, and no byte earlier (I-85, I-135).
func TestStalledWriteEnds(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	var ends atomic.Int32
	var got nt.IOResult
	w.must(w.write(w.th, w.client, "123456", nil))
	if st := w.write(w.th, w.client, "78abc", later(&ends, &got)); st != ntstatus.Pending {
		t.Fatal(st)
	}
	for i, c := range []struct {
		bytes uint32
		want  string
		ended int32 // 6+5 bytes are 3 too many
	}{{2, "12", 0}, {1, "3", 1}, {64, "456", 1}, {64, "78abc", 1}} {
		b, st := w.th.NtReadFile(w.server, c.bytes)
		if string(b) != c.want || st != ntstatus.Success && st != ntstatus.BufferOverflow || ends.Load() != c.ended {
			t.Errorf("I-85: read %d: %q, %v, the write has ended %d times, want %q and %d", i, b, st, ends.Load(), c.want,
				c.ended)
		}
	}
	if got.Status != ntstatus.Success || got.Information != 5 {
		t.Errorf("I-85: the write ended as %+v", got)
	}
}

// I-139, I-142: an end that reads bytes reads across messages and cannot ask; one that reads
// messages sends one and gets the answer.
func TestTransceive(t *testing.T) {
	w := newPendingWorld(t, 64)
	w.connect()
	var ends atomic.Int32
	var got nt.IOResult
	ask := func() ntstatus.Status {
		_, st := w.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: w.server, OutputBufferLength: 9,
			FsControlCode: winnt.FSCTL_PIPE_TRANSCEIVE, InputBuffer: nt.Cap([]byte("ask")), Later: later(&ends, &got)})
		return st
	}
	if st := ask(); st != ntstatus.Pending {
		t.Fatal(st)
	}
	if b, st := w.th.NtReadFile(w.client, 64); string(b) != "ask" {
		t.Errorf("the client reads %q, %s", b, st)
	}
	w.must(w.write(w.th, w.client, "answer", nil))
	if ends.Load() != 1 || string(got.Data) != "answer" {
		t.Errorf("%d ends, %+v", ends.Load(), got)
	}
	w.must(w.write(w.th, w.client, "more", nil))
	if st := ask(); st != ntstatus.PipeBusy {
		t.Errorf("asking while there is something to read: %s", st)
	}
	w.must(w.th.NtClose(w.client))
	if st := ask(); st != ntstatus.InvalidPipeState {
		t.Errorf("asking an end that is gone: %s", st)
	}

	w = newPendingWorld(t, 64)
	w.must(w.th.NtClose(w.server))
	var st ntstatus.Status
	w.server, st = w.th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1,
		DesiredAccess:    winnt.GENERIC_READ | winnt.GENERIC_WRITE,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: pendingPipe})})
	w.must(st)
	w.connect()
	w.must(w.write(w.th, w.client, "a", nil))
	w.must(w.write(w.th, w.client, "b", nil))
	if b, st := w.th.NtReadFile(w.server, 64); string(b) != "ab" {
		t.Errorf("I-139: by bytes the server reads %q, %s", b, st)
	}
	if st := ask(); st != ntstatus.InvalidReadMode {
		t.Errorf("asking with an end that reads bytes: %s", st)
	}
}

// I-138: what waits is cancelled by its thread, by the process, by the end of its thread and by
// the last handle, once.
func TestPendingIsCancelled(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	other, err := w.p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
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
		if st := w.read(th, w.server, l); st != ntstatus.Pending {
			t.Fatalf("%d: a read is %s", i, st)
		}
		w.must(w.th.NtCancelIoFile(w.client))
		if th != w.th { // what another thread has under way is not the caller's
			w.must(w.th.NtCancelIoFile(w.server))
		}
		if st := w.th.NtCancelIoFileEx(w.server, 6); st != ntstatus.NotFound {
			t.Errorf("%d: cancelling another operation: %s", i, st)
		}
		// Nothing of it is one that a thread waits for in its call.
		if st := th.NtCancelSynchronousIoFile(winnt.NtCurrentThread, 0); st != ntstatus.NotFound {
			t.Errorf("%d: cancelling what a call waits for: %s", i, st)
		}
		if st := end(); st != ntstatus.Success || ends.Load() != int32(i+1) || got.Status != ntstatus.Cancelled {
			t.Errorf("%d: %s, %d ends, %+v", i, st, ends.Load(), got)
		}
		<-l.Over
	}
	if b, st := w.th.NtReadFile(w.client, 1); st != ntstatus.PipeBroken {
		t.Errorf("the client reads %q, %s", b, st)
	}
}

// I-141: as many operations wait at one end as may.
func TestPendingIsBounded(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	var ends atomic.Int32
	var got nt.IOResult
	pending := 0
	for range 1000 {
		st := w.read(w.th, w.server, later(&ends, &got))
		if st == ntstatus.Pending {
			pending++
		} else if st != ntstatus.InsufficientResources {
			t.Fatal(st)
		}
	}
	if pending != 256 {
		t.Errorf("I-141: %d reads wait at one end", pending)
	}
	w.must(w.th.NtClose(w.server))
	if n := ends.Load(); n != 256 {
		t.Errorf("%d ended", n)
	}
}

// Reads, writes, cancels, closing and the end of threads at once: each operation that
// was pending ends once, and nothing stays behind (I-138, I-141).
func TestPendingUnderAttack(t *testing.T) {
	for range 20 {
		w := newPendingWorld(t, 8)
		w.connect()
		var begun, ended atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		run := func(act func(*nt.Thread, int)) {
			th, err := w.p.NewThread()
			if err != nil {
				t.Fatal(err)
			}
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
				begun.Add(1) // these tell by Done, now or later
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
		if b, e := begun.Load(), ended.Load(); b != e {
			t.Fatalf("%d operations began and %d ended", b, e)
		}
	}
}

// TestCancelledWrite: a write that is cancelled while it waits for room leaves nothing to
// read, and no other is (I-138).
func TestCancelledWrite(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	var ends, kept atomic.Int32
	var got, fits nt.IOResult
	w.must(w.write(w.th, w.client, "1234567", nil))
	first := later(&ends, &got)
	first.IoStatusBlock = 5
	if st := w.write(w.th, w.client, "gone", first); st != ntstatus.Pending {
		t.Fatal(st)
	}
	if st := w.write(w.th, w.client, "stays", later(&kept, &fits)); st != ntstatus.Pending {
		t.Fatal(st)
	}
	w.must(w.th.NtCancelIoFileEx(w.client, 5))
	if ends.Load() != 1 || got.Status != ntstatus.Cancelled || kept.Load() != 0 {
		t.Errorf("I-138: %d ends, %+v; the other one %d", ends.Load(), got, kept.Load())
	}
	for _, want := range []string{"1234567", "stays"} {
		if b, st := w.th.NtReadFile(w.server, 64); st != ntstatus.Success || string(b) != want {
			t.Errorf("I-138: read %q, %v, want %q", b, st, want)
		}
	}
	if _, st := w.th.NtReadFile(w.server, 64); st != ntstatus.PipeEmpty {
		t.Errorf("I-138: a further read: %v", st)
	}
	if kept.Load() != 1 || fits.Status != ntstatus.Success {
		t.Errorf("I-138: the write that stays: %d ends, %+v", kept.Load(), fits)
	}
}

// I-86, I-135: what waits at either end when the server sends its client away ends with that,
// and what is asked of the ends afterwards is refused.
func TestDisconnectEndsWhatWaits(t *testing.T) {
	w := newPendingWorld(t, 4)
	w.connect()
	var reads, writes atomic.Int32
	var read, wrote nt.IOResult
	if st := w.read(w.th, w.client, later(&reads, &read)); st != ntstatus.Pending {
		t.Errorf("the client's read: %s", st)
	}
	w.must(w.write(w.th, w.client, "1234", nil))
	if st := w.write(w.th, w.client, "5", later(&writes, &wrote)); st != ntstatus.Pending {
		t.Errorf("the client's write without room: %s", st)
	}
	w.must(w.th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_DISCONNECT))
	if reads.Load() != 1 || read.Status != ntstatus.PipeDisconnected || writes.Load() != 1 ||
		wrote.Status != ntstatus.PipeDisconnected {
		t.Errorf("I-86: the read ended %d times, %s, the write %d times, %s", reads.Load(), read.Status, writes.Load(),
			wrote.Status)
	}
	if st := w.read(w.th, w.client, later(&reads, &read)); st != ntstatus.PipeDisconnected || reads.Load() != 1 {
		t.Errorf("I-86: a read afterwards: %s, %d ends", st, reads.Load())
	}
}

// I-137: an operation signals its event, and its file too where the caller waits for it; what
// signalled before has lost that when the operation begins.
func TestWhatIsSignalled(t *testing.T) {
	for _, c := range []struct{ event, waits, fileSignalled bool }{
		{true, false, false}, {true, true, true}, {false, false, true}, {false, true, true},
	} {
		w := newPendingWorld(t, 8)
		w.connect()
		event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, true)
		w.must(st)
		var ends atomic.Int32
		var got nt.IOResult
		signalled := func(h winnt.Handle) bool {
			_, st := w.th.NtWaitForSingleObject(h, false)
			return st == ntstatus.Success
		}
		l := later(&ends, &got)
		if l.Waits = c.waits; c.event {
			l.Event = event
		}
		if st := w.read(w.th, w.server, l); st != ntstatus.Pending {
			t.Fatalf("%+v: %s", c, st)
		}
		if signalled(w.server) || signalled(event) == c.event {
			t.Errorf("I-137: %+v: while it waits the file is signalled: %t, the event: %t", c, signalled(w.server),
				signalled(event))
		}
		w.must(w.write(w.th, w.client, "x", nil))
		<-l.Over
		if signalled(w.server) != c.fileSignalled || !signalled(event) {
			t.Errorf("I-137: %+v: at its end the file is signalled: %t, the event: %t", c, signalled(w.server),
				signalled(event))
		}
	}
}

// O-147: an operation whose call would not fit the thread's queue is refused, and keeps neither
// its event nor anything else; I-138: who cancels what a thread waits for may end the thread.
func TestRefusedOperationKeepsNothing(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	w.must(st)
	threads := map[winnt.AccessMask]winnt.Handle{}
	own, st := w.th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.THREAD_ALL_ACCESS, 0, 0)
	w.must(st)
	for _, right := range []winnt.AccessMask{winnt.THREAD_ALL_ACCESS &^ winnt.THREAD_TERMINATE, winnt.THREAD_TERMINATE} {
		threads[right], st = w.th.NtDuplicateObject(winnt.NtCurrentProcess, own, winnt.NtCurrentProcess, right, 0, 0)
		w.must(st)
	}
	for right, want := range map[winnt.AccessMask]ntstatus.Status{winnt.THREAD_TERMINATE: ntstatus.NotFound,
		winnt.THREAD_ALL_ACCESS &^ winnt.THREAD_TERMINATE: ntstatus.AccessDenied} {
		if st := w.th.NtCancelSynchronousIoFile(threads[right], 0); st != want {
			t.Errorf("I-138: cancelling by a handle of %#x: %s, want %s", uint32(right), st, want)
		}
	}
	var ends atomic.Int32
	var got nt.IOResult
	refused := 0
	for range 5000 {
		_, st := w.th.Services().NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: own, ApcRoutine: 1})
		if st != ntstatus.Success {
			break
		}
	}
	l := later(&ends, &got)
	l.Event, l.ApcRoutine, l.IoStatusBlock = event, 7, 9
	for range 3 {
		if st := w.read(w.th, w.server, l); st == ntstatus.InsufficientResources {
			refused++
		}
	}
	if refused != 3 || ends.Load() != 0 {
		t.Errorf("O-147: %d of 3 are refused, %d ended", refused, ends.Load())
	}
	w.must(w.th.NtClose(event))
}
