package kernel

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// After Process.Close the system keeps neither the process nor the children that it created (W-13).
func TestCloseProcessRemovesItsChildren(t *testing.T) {
	s := Boot(Config{})
	tok := must(token.New(token.LocalSystem()))
	o0, h0, r0 := s.Counts()
	for range 3 {
		p := must(s.NewProcess("p", tok))
		th := must(p.NewThread())
		if _, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.Success {
			t.Fatalf("NtOpenProcessToken: %v, want success", st)
		}
		_, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		check.Require(t, st, ntstatus.Success, "NtCreateUserProcess")
		th.Close()
		p.Close()
		p.Close() // does nothing
	}
	s.mu.Lock()
	left := len(s.processes) + len(s.modes) + len(s.threads) + len(s.contexts)
	s.mu.Unlock()
	if o, h, r := s.Counts(); o != o0 || h != h0 || r != r0 || left != 0 {
		t.Errorf("after Close of 3 processes: %d objects, %d handles, %d references, %d table entries; want %d, "+
			"%d, %d, 0", o, h, r, left, o0, h0, r0)
	}
	check.NoError(t, s.Close())
}

// A process forgets a child once the child is closed (W-13).
func TestParentForgetsClosedChild(t *testing.T) {
	s := Boot(Config{})
	p, th := worker(t, s)
	for range 3 {
		out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		check.Require(t, st, ntstatus.Success, "NtCreateUserProcess")
		s.Process(out.ClientID.UniqueProcess).Close()
		s.mu.Lock()
		if len(p.children) != 0 || len(s.processes) != 1 {
			t.Errorf("after Close of a child: the parent lists %d children, and the system %d processes; want 0 "+
				"and 1", len(p.children), len(s.processes))
		}
		s.mu.Unlock()
	}
	check.NoError(t, s.Close())
}
