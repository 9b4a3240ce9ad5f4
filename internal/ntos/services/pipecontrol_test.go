package services_test

import (
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

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
			t.Errorf("buffer of %d bytes: asynchronous %v, %+v, %d completions, want the synchronous %v, % x", room,
				then, got, ends.Load(), st, want)
		}
	}
}
