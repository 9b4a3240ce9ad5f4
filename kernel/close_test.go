package kernel

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestCloseProcess: a system keeps nothing of a process that its owner closed,
// nor of the children that it made (W-13).
func TestCloseProcess(t *testing.T) {
	s := Boot(Config{})
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	o0, h0, r0 := s.Counts()
	for range 3 {
		p, err := s.NewProcess("p", tok)
		if err != nil {
			t.Fatal(err)
		}
		th, err := p.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		if _, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.Success {
			t.Fatal(st)
		}
		_, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		th.Close()
		p.Close()
		p.Close() // does nothing
	}
	s.mu.Lock()
	left := len(s.processes) + len(s.modes) + len(s.threads) + len(s.contexts)
	s.mu.Unlock()
	if o, h, r := s.Counts(); o != o0 || h != h0 || r != r0 || left != 0 {
		t.Errorf("left: %d objects, %d handles, %d references, %d entries, want %d, %d, %d, 0", o, h, r, left, o0, h0, r0)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
