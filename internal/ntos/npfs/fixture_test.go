package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// world is a system with pipes.
type world struct{ *bare.World }

// open tracks an end and gives it a handle, which DropOpen closes.
func (w *world) open(e *npfs.End) {
	w.Sys.Security.Objects.Track(e)
	check.That(w.T, e.File.Take(false), "I-137: a new end is not signalled")
	e.HoldOpen()
}

func want(t *testing.T, what string, got, st ntstatus.Status) {
	t.Helper()
	check.Equal(t, got, st, "%s", what)
}

// wantRead checks the bytes and the status of one read of an end.
func (w *world) wantRead(e *npfs.End, n int, data string, st ntstatus.Status) {
	w.T.Helper()
	got, s := e.Read(n)
	check.That(w.T, string(got) == data && s == st, "read = %q, %v, want %q, %v", got, s, data, st)
}

// send writes without waiting.
func send(e *npfs.End, t *ps.Thread, data []byte) ntstatus.Status {
	return check.Status(e.Write(t, data))
}
