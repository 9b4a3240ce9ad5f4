package services_test

import (
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// An end in byte mode reads across messages and cannot transceive. An end in message mode sends a message and
// receives the reply (I-139, I-142).
func TestTransceiveNeedsMessageMode(t *testing.T) {
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
		t.Errorf(`client's read = %q, %s, want "ask"`, b, st)
	}
	w.must(w.write(w.th, w.client, "answer", nil))
	if ends.Load() != 1 || string(got.Data) != "answer" {
		t.Errorf(`transceive: %d completions, %+v, want 1 completion with data "answer"`, ends.Load(), got)
	}
	w.must(w.write(w.th, w.client, "more", nil))
	if st := ask(); st != ntstatus.PipeBusy {
		t.Errorf("transceive with unread data: %s, want %s", st, ntstatus.PipeBusy)
	}
	w.must(w.th.NtClose(w.client))
	if st := ask(); st != ntstatus.InvalidPipeState {
		t.Errorf("transceive after the other end closed: %s, want %s", st, ntstatus.InvalidPipeState)
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
		t.Errorf(`I-139: server's read in byte mode = %q, %s, want "ab"`, b, st)
	}
	if st := ask(); st != ntstatus.InvalidReadMode {
		t.Errorf("transceive in byte mode: %s, want %s", st, ntstatus.InvalidReadMode)
	}
}

// A client gets the instance whose server has listened longest. Instances without a listening server come last,
// oldest first (I-156).
func TestClientGetsLongestListeningInstance(t *testing.T) {
	p := newPipeSide(t)
	var all []winnt.Handle
	for range 4 {
		all = append(all, p.made(nil))
	}
	listen := func(i int) {
		t.Helper()
		if st := p.server.NtFsControlFile(all[i], winnt.FSCTL_PIPE_LISTEN); st != ntstatus.PipeListening {
			t.Errorf("listening on instance %d: %v, want %v", i, st, ntstatus.PipeListening)
		}
	}
	takes := func(want int) {
		t.Helper()
		var before []uint32
		for _, h := range all {
			before = append(before, p.state(p.server, h))
		}
		p.open(both)
		for i, h := range all {
			if st := p.state(p.server, h); (st != before[i]) != (i == want) {
				t.Errorf("instance %d went from state %d to %d, want only instance %d connected",
					i, before[i], st, want)
			}
		}
	}
	listen(2)
	listen(1)
	listen(2) // again: it began before
	takes(2)
	takes(1)
	takes(0)
	for _, i := range []int{1, 2} {
		p.must(p.server.NtFsControlFile(all[i], winnt.FSCTL_PIPE_DISCONNECT))
		listen(i)
	}
	listen(3)
	takes(1)
	takes(2)
	takes(3)
}

// An asynchronous pipe control returns the same as a synchronous one, and Information counts its bytes (I-135).
func TestAsynchronousPeekEqualsSynchronous(t *testing.T) {
	w := newPendingWorld(t, 100)
	w.connect()
	w.must(w.write(w.th, w.client, "hello", nil))
	for _, room := range []uint32{16, 18, 100} {
		in := nt.FsControlFileIn{FileHandle: w.server, FsControlCode: winnt.FSCTL_PIPE_PEEK, OutputBufferLength: room}
		at, st := w.th.Services().NtFsControlFile(in)
		var ends atomic.Int32
		var got nt.IOResult
		in.Later = later(&ends, &got)
		out, then := w.th.Services().NtFsControlFile(in)
		want := at.OutputBuffer.Bytes()
		if then != st || ends.Load() != 1 || got.Status != st || string(got.Data) != string(want) ||
			int(got.Information) != len(want) || string(out.OutputBuffer.Bytes()) != string(want) ||
			len(want) != int(min(room, 21)) {
			t.Errorf("buffer of %d bytes: asynchronous %v, %+v, %d completions, want the synchronous %v, % x",
				room, then, got,
				ends.Load(), st, want)
		}
	}
}
