//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A program whose process ended before it was resumed is forgotten. Process ids are not used again, so it would stay
// for ever.
func TestEndedProgramIsForgotten(t *testing.T) {
	conn := check.Must(client.Dial(daemonSocket(t, logOnAdministrator)))
	defer conn.Close()
	th := win32.On(conn.Thread())
	var id winnt.Handle
	for _, other := range []bool{true, false} { // that of the program, then another process
		made, ok := th.CreateProcess(win32.CreateProcessIn{})
		check.That(t, ok, "CreateProcess: %v, want a process", th.LastError())
		if other {
			id = winnt.Handle(made.ProcessID)
			programs.Store(id, new(program)) // as with CREATE_SUSPENDED
			continue
		}
		forget(conn.Thread(), made.Process)
		_, kept := programs.Load(id)
		check.That(t, kept, "the program is not in the table after the end of another process")
		h := check.Result(conn.Thread().NtOpenProcess(winnt.PROCESS_TERMINATE|winnt.PROCESS_QUERY_INFORMATION, nil,
			&nt.ClientID{UniqueProcess: id}))
		check.Success(t, conn.Thread().NtTerminateProcess(h, ntstatus.Cancelled))
		forget(conn.Thread(), h)
		_, kept = programs.Load(id)
		check.That(t, !kept, "the program whose process ended is in the table, want it forgotten")
	}
}
