package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestIdsOfThreads: a thread is opened by its id and that of its own process or of no
// process; the two lowest bits of each count for nothing (O-37).
func TestIdsOfThreads(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	defer func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}()
	var threads [2]*nt.Thread
	var ids [2]nt.ClientID
	for i, name := range []string{"p", "q"} {
		p, err := sys.NewProcess(name, benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenPrimary))
		if err != nil {
			t.Fatal(err)
		}
		if threads[i], err = p.NewThread(); err != nil {
			t.Fatal(err)
		}
		x, st := threads[i].NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		ids[i] = x.(nt.ThreadBasic).ClientID
	}
	th := threads[0]
	for _, low := range []winnt.Handle{0, 1, 2, 3} {
		for _, c := range []struct {
			process, thread winnt.Handle
			want            ntstatus.Status
		}{
			{low, ids[0].UniqueThread, ntstatus.Success}, // no process is named
			{ids[0].UniqueProcess + low, ids[0].UniqueThread, ntstatus.Success},
			{ids[0].UniqueProcess, ids[0].UniqueThread + low, ntstatus.Success},
			{ids[1].UniqueProcess + low, ids[1].UniqueThread + low, ntstatus.Success},
			{ids[1].UniqueProcess + low, ids[0].UniqueThread, ntstatus.InvalidCid},
			{ids[0].UniqueProcess + low, ids[1].UniqueThread, ntstatus.InvalidCid},
			{ids[0].UniqueProcess, ids[0].UniqueProcess + low, ntstatus.InvalidCid}, // of no thread
			{low, low, ntstatus.InvalidCid},
		} {
			h, st := th.NtOpenThread(winnt.THREAD_QUERY_LIMITED_INFORMATION, &nt.ObjectAttributes{},
				&nt.ClientID{UniqueProcess: c.process, UniqueThread: c.thread})
			if st != c.want {
				t.Errorf("O-37: process %#x, thread %#x: %v, want %v", c.process, c.thread, st, c.want)
				continue
			}
			if st != ntstatus.Success {
				continue
			}
			if x, st := th.NtQueryInformationThread(h, nt.ThreadBasicInformation); st != ntstatus.Success ||
				x.(nt.ThreadBasic).ClientID.UniqueThread != c.thread&^3 {
				t.Errorf("O-37: thread %#x is %+v, %v", c.thread, x, st)
			}
			th.NtClose(h)
		}
		if h, st := th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, &nt.ObjectAttributes{},
			&nt.ClientID{UniqueProcess: ids[1].UniqueProcess + low}); st != ntstatus.Success {
			t.Errorf("O-37: process %#x: %v", ids[1].UniqueProcess+low, st)
		} else {
			th.NtClose(h)
		}
	}
}
