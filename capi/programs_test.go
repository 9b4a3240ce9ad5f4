//go:build cgo && linux

package main

import (
	"os/exec"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A program that has been started is forgotten, and so is one whose process ended before.
// Process ids are not used again, so it would stay for ever.
func TestStartedProgramIsForgotten(t *testing.T) {
	conn := check.Must(client.Dial(daemonSocket(t, logOnAdministrator)))
	defer conn.Close()
	own := daemon
	daemon = func() *attached { return &attached{Conn: conn} }
	defer func() { daemon = own }()
	th := win32.On(conn.Thread())
	made, ok := th.CreateProcess(win32.CreateProcessIn{})
	check.That(t, ok, "CreateProcess: %v, want a process", th.LastError())
	p := &program{cmd: exec.Command("/bin/true"), process: winnt.Handle(made.ProcessID)}
	programs.Store(p.process, p) // as with CREATE_SUSPENDED
	check.Equal(t, p.start(made.Process), 0, "status of the start")
	_, kept := programs.Load(p.process)
	check.That(t, !kept, "the started program is in the table, want it forgotten")
	for _, other := range []bool{true, false} { // another process, then that of the program
		made, ok = th.CreateProcess(win32.CreateProcessIn{})
		check.That(t, ok, "CreateProcess: %v, want a process", th.LastError())
		if other {
			p.process = winnt.Handle(made.ProcessID)
			programs.Store(p.process, p)
			continue
		}
		forget(conn.Thread(), made.Process)
		_, kept = programs.Load(p.process)
		check.That(t, kept, "the program is not in the table after the end of another process")
		h := check.Result(conn.Thread().NtOpenProcess(winnt.PROCESS_TERMINATE|winnt.PROCESS_QUERY_INFORMATION, nil,
			&nt.ClientID{UniqueProcess: p.process}))
		check.Success(t, conn.Thread().NtTerminateProcess(h, ntstatus.Cancelled))
		forget(conn.Thread(), h)
		_, kept = programs.Load(p.process)
		check.That(t, !kept, "the program whose process ended is in the table, want it forgotten")
	}
}
