package services_test

import (
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

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
		check.Equal(t, p.server.NtFsControlFile(all[i], winnt.FSCTL_PIPE_LISTEN), ntstatus.PipeListening,
			"listening on instance %d", i)
	}
	takes := func(want int) {
		t.Helper()
		var before []uint32
		for _, h := range all {
			before = append(before, p.state(p.server, h))
		}
		p.open(both)
		for i, h := range all {
			st := p.state(p.server, h)
			check.That(t, (st != before[i]) == (i == want),
				"instance %d went from state %d to %d, want only instance %d connected", i, before[i], st, want)
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
