package wire_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// refills is a process whose files can be refilled. It records the handles.
type refills struct {
	process
	file, from winnt.Handle
}

func (r *refills) ReplaceContents(_ *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	r.file, r.from = file, from
	return ntstatus.DiskFull
}

// TestReplaceContentsPassesBothHandles checks that the first handle of a refill is of the changed file, and that the
// status is the server's (W-83).
func TestReplaceContentsPassesBothHandles(t *testing.T) {
	var p *refills
	s := serveAs(t, func(inner process) wire.Process { p = &refills{process: inner}; return p })
	s.exchangeHello()
	st := s.status(&wire.Frame{Kind: wire.ReplaceContents, Thread: 1, Body: wire.AppendReplaceContents(nil, 8, 12)})
	check.That(t, st == ntstatus.DiskFull && p.file == 8 && p.from == 12,
		"ReplaceContents = %s for file %d from %d, want %s, 8, 12", st, p.file, p.from, ntstatus.DiskFull)
}
