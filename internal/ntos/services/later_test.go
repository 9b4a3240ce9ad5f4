package services_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ends holds all that an operation leaves when it has ended, or has not.
type ends struct {
	done         int // how often the program got its result
	status       ntstatus.Status
	data         string
	information  uint64
	event, file  bool // signalled
	calls        int  // queued to the thread that asked
	over         bool
	failure      ntstatus.Status
	events, held int64 // references more, on the event and on the end
}

// operations is a pipe of messages with room for 4 bytes, an event, and what its
// operations leave.
type operations struct {
	*world
	t              *testing.T
	th             *nt.Thread
	server, client winnt.Handle
	event          winnt.Handle
	own            [2]int64 // references on the event and on the server's end
	later          *nt.Later
	got            ends
	told           func()
}

func newOperations(t *testing.T) *operations {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	o := &operations{world: w, t: t, th: th}
	var st ntstatus.Status
	o.server, st = th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1, InboundQuota: 4,
		OutboundQuota: 4, DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE | winnt.SYNCHRONIZE,
		ObjectAttributes: nt.Cap(named(`\??\pipe\later`))})
	want(t, "create", st, ntstatus.Success)
	o.client, st = th.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE, named(`\??\pipe\later`), 0, 0)
	want(t, "open", st, ntstatus.Success)
	o.event, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, true)
	want(t, "event", st, ntstatus.Success)
	o.own = [2]int64{o.references(o.event), o.references(o.server)}
	return o
}

func (o *operations) references(h winnt.Handle) int64 {
	o.t.Helper()
	info, st := o.th.NtQueryObject(h, nt.ObjectBasicInformation)
	want(o.t, "query", st, ntstatus.Success)
	return int64(info.(nt.BasicInformation).PointerCount)
}

// begin prepares an operation; apart holds back what the program is told.
func (o *operations) begin(event, call, waits, apart bool) *nt.Later {
	l := &nt.Later{Waits: waits}
	finished := func(r nt.IOResult) {
		o.got.done++
		o.got.status, o.got.data, o.got.information = r.Status, string(r.Data), r.Information
	}
	if l.Done = finished; apart {
		l.Done = func(nt.IOResult) { o.t.Error("W-90: Done is called beside Apart") }
		l.Apart = func(r nt.IOResult, told func()) { finished(r); o.told = told }
	}
	if event {
		l.Event = o.event
	}
	if call {
		l.ApcRoutine, l.ApcContext, l.IoStatusBlock = 7, 8, 9
	}
	o.later, o.got, o.told = l, ends{}, nil
	return l
}

// now returns all that there is to see.
func (o *operations) now() ends {
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
		if c != (nt.UserAPC{ApcRoutine: 7, ApcArgument1: 8, ApcArgument2: 9}) {
			o.t.Errorf("a call %+v", c)
		}
	}
	e.calls = len(calls)
	return e
}

// TestHowOperationsEnd: for each way to end, and each way to be told of it, the program's
// memory, the event, the file, the call and the references are as they should be, before the
// end and after it (I-135, I-136, I-137, W-90).
func TestHowOperationsEnd(t *testing.T) {
	write := func(o *operations, h winnt.Handle, text string) {
		_, st := o.th.NtWriteFile(h, []byte(text))
		want(o.t, "write", st, ntstatus.Success)
	}
	read := func(o *operations, l *nt.Later) ntstatus.Status {
		_, st := o.th.Services().NtReadFile(nt.ReadFileIn{FileHandle: o.server, Length: 3, Later: l})
		return st
	}
	control := func(code uint32) func(o *operations, l *nt.Later) ntstatus.Status {
		return func(o *operations, l *nt.Later) ntstatus.Status {
			_, st := o.th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: o.server, FsControlCode: code,
				OutputBufferLength: 64, InputBuffer: nt.Cap([]byte("ask")), Later: l})
			return st
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
		{"a read at once", func(o *operations) { write(o, o.client, "ab") }, read, 0, nil, 0, "ab", 2},
		{"a part of a message", func(o *operations) { write(o, o.client, "abcd") }, read, ntstatus.BufferOverflow, nil,
			ntstatus.BufferOverflow, "abc", 3},
		{"a read of nothing any more", func(o *operations) { o.th.NtClose(o.client) }, read, ntstatus.PipeBroken, nil,
			ntstatus.PipeBroken, "", 0},
		{"a read that waits", nil, read, ntstatus.Pending, func(o *operations) { write(o, o.client, "xy") }, 0, "xy", 2},
		{"a part after a wait", nil, read, ntstatus.Pending, func(o *operations) { write(o, o.client, "wxyz") },
			ntstatus.BufferOverflow, "wxy", 3},
		{"a read that is broken", nil, read, ntstatus.Pending, func(o *operations) { o.th.NtClose(o.client) },
			ntstatus.PipeBroken, "", 0},
		{"a read that is cancelled", nil, read, ntstatus.Pending, func(o *operations) { o.later.Cancel() },
			ntstatus.Cancelled, "", 0},
		{"a write that waits", func(o *operations) { write(o, o.server, "1234") },
			func(o *operations, l *nt.Later) ntstatus.Status {
				_, st := o.th.Services().NtWriteFile(nt.WriteFileIn{FileHandle: o.server, Buffer: nt.Cap([]byte("567")),
					Later: l})
				return st
			}, ntstatus.Pending, func(o *operations) { o.th.NtReadFile(o.client, 9) }, 0, "", 3},
		{"a flush that waits", func(o *operations) { write(o, o.server, "1234") },
			func(o *operations, l *nt.Later) ntstatus.Status {
				_, st := o.th.Services().NtFlushBuffersFile(nt.FlushBuffersFileIn{FileHandle: o.server, Later: l})
				return st
			}, ntstatus.Pending, func(o *operations) { o.th.NtReadFile(o.client, 9) }, 0, "", 0},
		{"a question", nil, control(winnt.FSCTL_PIPE_TRANSCEIVE), ntstatus.Pending,
			func(o *operations) { write(o, o.client, "yes") }, 0, "yes", 3},
		{"a listen with a client", nil, control(winnt.FSCTL_PIPE_LISTEN), ntstatus.PipeConnected, nil,
			ntstatus.PipeConnected, "", 0},
		{"a disconnect", nil, control(winnt.FSCTL_PIPE_DISCONNECT), 0, nil, 0, "", 0},
		{"a code that is unknown", nil, control(0x11FFFC), ntstatus.NotSupported, nil, ntstatus.NotSupported, "", 0},
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
						if got := o.now(); got != w {
							t.Errorf("while it waits\n%+v, want\n%+v", got, w)
						}
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
							if got := o.now(); got != before {
								t.Errorf("W-90: before the memory has it\n%+v, want\n%+v", got, before)
							}
							o.told()
						}
						w.event, w.file = true, !event || waits
						if call {
							w.calls = 1
						}
					}
					if got := o.now(); got != w {
						t.Errorf("at the end\n%+v, want\n%+v", got, w)
					}
				})
		}
	}
}
