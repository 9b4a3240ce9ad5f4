package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A query of a process or a thread requires exactly its length, or at least the required length if that varies. The
// required length is always returned (O-61, U-96, U-97).
func TestQueryProcessNeedsExactLength(t *testing.T) {
	th := newThread(t)
	for range 3 {
		want(t, "make an event", check.Status(th.NtCreateEvent(1, nil, nt.NotificationEvent, false)), ntstatus.Success)
	}
	held := check.Result(th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleInformation))
	types := check.Result(th.NtQueryObject(0, nt.ObjectTypesInformation)).([]nt.TypeInformation)
	// The first type has the index 2.
	first := held.([]nt.ProcessHandle)[0]
	check.Equal(t, types[first.ObjectTypeIndex-2].TypeName, "Event", "type of a held handle")
	check.Equal(t, [2]uint32{first.HandleCount, first.PointerCount}, [2]uint32{1, 1}, "counts of its object")
	me := check.Result(th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadNameInformation))
	name := uint32(len(me.(string)))
	type answer struct {
		length uint32
		all    bool
		st     ntstatus.Status
	}
	process := func(class, length uint32) answer {
		out, st := th.Services().NtQueryInformationProcess(nt.QueryInformationProcessIn{
			ProcessHandle: winnt.NtCurrentProcess, ProcessInformationClass: nt.ProcessInfoClass(class),
			ProcessInformationLength: length})
		return answer{out.ReturnLength, out.ProcessInformation != nil, st}
	}
	thread := func(class, length uint32) answer {
		out, st := th.Services().NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
			ThreadInformationClass: nt.ThreadInfoClass(class), ThreadInformationLength: length})
		return answer{out.ReturnLength, out.ThreadInformation != nil, st}
	}
	for _, c := range []struct {
		ask         func(class, length uint32) answer
		class, need uint32
		exact       bool
	}{
		{process, uint32(nt.ProcessBasicInformation), 48, true}, {process, uint32(nt.ProcessTimes), 32, true},
		{process, uint32(nt.ProcessHandleCount), 4, true}, {process, uint32(nt.ProcessImageFileName), 16 + 2*2, false},
		{process, uint32(nt.ProcessHandleInformation), 16 + 3*40, false},
		{thread, uint32(nt.ThreadBasicInformation), 48, true}, {thread, uint32(nt.ThreadTimes), 32, true},
		{thread, uint32(nt.ThreadNameInformation), 16 + 2*(name+1), false},
	} {
		for length, enough := range map[uint32]bool{0: false, c.need - 1: false, c.need: true, c.need + 1: !c.exact,
			1 << 20: !c.exact} {
			wanted := answer{c.need, enough, ntstatus.InfoLengthMismatch}
			if enough {
				wanted.st = ntstatus.Success
			}
			check.Equal(t, c.ask(c.class, length), wanted, "class %d with %d bytes", c.class, length)
		}
	}
}

// The handles of a process need PROCESS_QUERY_INFORMATION. The return length is probed before the handle (O-3, U-96).
func TestQueryProcessChecksOutputThenRight(t *testing.T) {
	th := newThread(t)
	limited := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, winnt.NtCurrentProcess, winnt.NtCurrentProcess,
		winnt.PROCESS_QUERY_LIMITED_INFORMATION, 0, 0))
	want(t, "identity", check.Status(th.NtQueryInformationProcess(limited, nt.ProcessBasicInformation)), ntstatus.Success)
	want(t, "handles", check.Status(th.NtQueryInformationProcess(limited, nt.ProcessHandleInformation)),
		ntstatus.AccessDenied)
	_, st := th.Services().NtQueryInformationProcess(nt.QueryInformationProcessIn{ProcessHandle: 0x7770,
		ProcessInformationClass: nt.ProcessBasicInformation, FaultReturnLength: ntstatus.AccessViolation})
	want(t, "O-3: the return length", st, ntstatus.AccessViolation)
}

// The next process is the one after the given process, so that a walk visits each process once (U-95).
func TestNextProcessVisitsEachOnce(t *testing.T) {
	w, th, _ := newProcess(t, winnt.SeDebugPrivilege)
	for range 4 {
		w.process("q")
	}
	seen := map[winnt.Handle]bool{}
	var after winnt.Handle
	for n := range 20 {
		out, st := th.Services().NtGetNextProcess(nt.GetNextProcessIn{ProcessHandle: after,
			DesiredAccess: winnt.PROCESS_QUERY_LIMITED_INFORMATION})
		if st == ntstatus.NoMoreEntries {
			check.That(t, n == 6, "the walk found %d processes, want 6", n) // five and the System process
			return
		}
		want(t, "next", st, ntstatus.Success)
		after = out.NewProcessHandle
		v := check.Result(th.NtQueryInformationProcess(after, nt.ProcessBasicInformation))
		id := v.(nt.ProcessBasic).UniqueProcessID
		check.RequireThat(t, !seen[id], "the walk returned process %v twice", id)
		seen[id] = true
	}
	t.Error("the walk does not end after all processes, want STATUS_NO_MORE_ENTRIES")
}
