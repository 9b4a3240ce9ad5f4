package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// I-136: an operation writes its memory before its event is signalled; a warning is told as a
// success is, and a failure of a synchronous handle by the call alone, also after it waited.
func TestWhatIsTold(t *testing.T) {
	for _, c := range []struct {
		name         string
		waits, early bool
		length       uint32
		closes       bool // the other end, in place of a write
		told         bool
		status       ntstatus.Status
	}{
		{"a read that waits", false, false, 64, false, true, ntstatus.Success},
		{"one that does not have to", false, true, 64, false, true, ntstatus.Success},
		{"one with too little room, at once", false, true, 2, false, true, ntstatus.BufferOverflow},
		{"one with too little room, later", false, false, 2, false, true, ntstatus.BufferOverflow},
		{"one with too little room, synchronous", true, false, 2, false, true, ntstatus.BufferOverflow},
		{"one that fails later", false, false, 64, true, true, ntstatus.PipeBroken},
		{"one that fails later, synchronous", true, false, 64, true, false, ntstatus.PipeBroken},
	} {
		w := newPendingWorld(t, 8)
		w.connect()
		event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
		w.must(st)
		signalled := func() bool {
			_, st := w.th.NtWaitForSingleObject(event, false)
			return st == ntstatus.Success
		}
		var got []nt.IOResult
		l := &nt.Later{Event: event, Waits: c.waits, Done: func(r nt.IOResult) {
			if got = append(got, r); signalled() {
				t.Errorf("%s: the event is signalled before the memory is written", c.name)
			}
		}}
		change := func() {
			if c.closes {
				w.must(w.th.NtClose(w.client))
			} else {
				w.must(w.write(w.th, w.client, "hello", nil))
			}
		}
		if c.early {
			change()
		}
		_, st = w.th.Services().NtReadFile(nt.ReadFileIn{FileHandle: w.server, Length: c.length, Later: l})
		if wanted := c.status; !c.early {
			if wanted = ntstatus.Pending; st == wanted {
				change()
			}
			if st != wanted {
				t.Errorf("%s: %s", c.name, st)
			}
		} else if st != wanted {
			t.Errorf("%s: %s, want %s", c.name, st, wanted)
		}
		<-l.Over
		if (len(got) == 1) != c.told || c.told && got[0].Status != c.status || l.Failure != c.status {
			t.Errorf("%s: told %+v, failure %s, want %s", c.name, got, l.Failure, c.status)
		}
		if signalled() != c.told {
			t.Errorf("%s: the event is signalled %t", c.name, !c.told)
		}
	}
}

// I-135: a handle says how its calls wait: not at all, or until the end, alertably where it
// says so.
func TestHowAHandleWaits(t *testing.T) {
	w := newPendingWorld(t, 8)
	for options, want := range map[uint32][2]bool{0: {false, false}, winnt.FILE_SYNCHRONOUS_IO_NONALERT: {true, false},
		winnt.FILE_SYNCHRONOUS_IO_ALERT: {true, true}} {
		h, st := w.th.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE|winnt.SYNCHRONIZE,
			&nt.ObjectAttributes{ObjectName: pendingPipe}, 0, options)
		w.must(st)
		l := &nt.Later{Done: func(nt.IOResult) {}}
		if st := w.read(w.th, h, l); st != ntstatus.Pending {
			t.Fatalf("options %#x: %s", options, st)
		}
		if got := [2]bool{l.Synchronous, l.Alertable}; got != want {
			t.Errorf("options %#x: synchronous and alertable %v, want %v", options, got, want)
		}
		w.must(w.th.NtClose(h))
		<-l.Over
		w.listensAgain()
	}
}

// listensAgain frees the pipe's instance of its client, for another one.
func (w *pendingWorld) listensAgain() {
	_, st := w.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: w.server,
		FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})
	w.must(st)
	_, _ = w.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: w.server,
		FsControlCode: winnt.FSCTL_PIPE_LISTEN})
}

// I-138: what a thread waits for in a call is cancelled by its thread, and what it began
// without waiting is not found so.
func TestCancelledByItsThread(t *testing.T) {
	w := newPendingWorld(t, 8)
	for options, want := range map[uint32]ntstatus.Status{0: ntstatus.NotFound,
		winnt.FILE_SYNCHRONOUS_IO_NONALERT: ntstatus.Success, winnt.FILE_SYNCHRONOUS_IO_ALERT: ntstatus.Success} {
		h, st := w.th.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE|winnt.SYNCHRONIZE,
			&nt.ObjectAttributes{ObjectName: pendingPipe}, 0, options)
		w.must(st)
		l := &nt.Later{IoStatusBlock: 0x1000, Done: func(nt.IOResult) {}}
		if st := w.read(w.th, h, l); st != ntstatus.Pending {
			t.Fatalf("options %#x: %s", options, st)
		}
		cancel := func(block uint64) ntstatus.Status {
			_, st := w.th.Services().NtCancelSynchronousIoFile(nt.CancelSynchronousIoFileIn{
				ThreadHandle: winnt.NtCurrentThread, IoRequestToCancel: block})
			return st
		}
		if st := cancel(0x2000); st != ntstatus.NotFound {
			t.Errorf("I-138: options %#x, another operation: %s", options, st)
		}
		if st := cancel(0x1000); st != want {
			t.Errorf("I-138: options %#x: %s, want %s", options, st, want)
		}
		w.must(w.th.NtClose(h))
		<-l.Over
		w.listensAgain()
	}
}
