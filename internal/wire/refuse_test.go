package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// A refused client reads one frame, an answer to request 0 with only the status, and then the end.
func TestRefusedClientReadsOnlyStatus(t *testing.T) {
	for _, st := range []ntstatus.Status{ntstatus.AccessDenied, ntstatus.InsufficientResources, ntstatus.NotSupported} {
		ours, theirs := net.Pipe()
		over := make(chan error, 1)
		go func() { over <- Refuse(theirs, st) }()
		b, err := io.ReadAll(ours)
		want := []byte{20, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(st), byte(st >> 8), byte(st >> 16),
			byte(st >> 24), 0}
		if done := <-over; err != nil || done != nil || !bytes.Equal(b, want) {
			t.Errorf("refusal with %v: % x, %v, %v, want % x", st, b, err, done, want)
		}
	}
	ours, theirs := net.Pipe()
	_ = ours.Close()
	check.That(t, Refuse(theirs, ntstatus.AccessDenied) != nil,
		"Refuse for a disconnected client returns no error, want one")
	check.ErrorIs(t, check.Err(theirs.Write([]byte{1})), io.ErrClosedPipe, "write after a failed refusal")
	synctest.Test(t, func(t *testing.T) {
		_, theirs := net.Pipe() // and the client does not read
		begun := time.Now()
		check.ErrorIs(t, Refuse(theirs, ntstatus.AccessDenied), os.ErrDeadlineExceeded, "refusal that is not read")
		check.Equal(t, time.Since(begun), StopTimeout, "duration of a refusal that is not read")
	})
}

// without is a process that cannot create a thread.
type without struct {
	Process
	err    error
	exited int
}

func (w *without) NewThread() (*nt.Thread, error) { return nil, w.err }

func (w *without) Exit() { w.exited++ }

// TestProcessWithoutThreadIsRefused checks that a process without a thread serves no client. Instead of a hello the
// client reads the reason, STATUS_INSUFFICIENT_RESOURCES if the error has no status, and the process exits (W-12,
// W-17).
func TestProcessWithoutThreadIsRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{{ntstatus.QuotaExceeded.Err(), ntstatus.QuotaExceeded}, {errors.New("no room"), ntstatus.InsufficientResources}} {
		ours, theirs := net.Pipe()
		p, over := &without{err: c.err}, make(chan error, 1)
		go func() { over <- Serve(theirs, p) }()
		f := check.Must(ReadFrame(ours))
		h, rest, err := DecodeAnswer(f.Body)
		if f.Kind != Answer || f.Request != 0 || err != nil || h.Status != c.want || h.Why != nil || len(rest) != 0 {
			t.Errorf("error %v: frame %+v, reply %+v, %v, want request 0 with status %v", c.err, f, h, err, c.want)
		}
		if err := <-over; !errors.Is(err, c.err) || p.exited != 1 {
			t.Errorf("error %v: server ended with %v, process exited %d times, want %v, 1",
				c.err, err, p.exited, c.err)
		}
	}
}
