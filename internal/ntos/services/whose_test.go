package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// U-95: processes that may not be opened are passed over; any other refusal is told at
// once.
func TestNextProcessRefuses(t *testing.T) {
	full := false
	w := newWorld(t, kernel.Config{Faults: func(point string) bool { return full && point == "ob: handle" }})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
	next := func() ntstatus.Status {
		out, st := th.Services().NtGetNextProcess(nt.GetNextProcessIn{DesiredAccess: winnt.PROCESS_QUERY_LIMITED_INFORMATION})
		if st == ntstatus.Success {
			st = th.NtClose(out.NewProcessHandle)
		}
		return st
	}
	want(t, "the next process", next(), ntstatus.Success)
	full = true
	want(t, "without memory", next(), ntstatus.InsufficientResources)
	full = false
	tok := w.token(k, svc, winnt.SecurityIdentification)
	want(t, "impersonate", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityIdentification),
		ntstatus.Success)
	want(t, "as a client that is only identified", next(), ntstatus.BadImpersonationLevel)
	k.PsRevertToSelf()
}

// O-58: a program that asks for a kernel handle in the System process gets one of that
// process's own table.
func TestDuplicateIntoTheSystem(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("system")
	system, st := th.NtOpenProcess(winnt.PROCESS_DUP_HANDLE, &nt.ObjectAttributes{}, &nt.ClientID{UniqueProcess: 4})
	want(t, "open the System process", st, ntstatus.Success)
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	h, st := th.NtDuplicateObject(winnt.NtCurrentProcess, event, system, 0, winnt.OBJ_KERNEL_HANDLE,
		winnt.DUPLICATE_SAME_ACCESS)
	want(t, "duplicate", st, ntstatus.Success)
	if h <= 0 {
		t.Errorf("the handle is %#x, one of the kernel", int64(h))
	}
}

// O-46: to make a name permanent the privilege must be enabled, not only held.
func TestMakePermanentNeedsThePrivilege(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("system")
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, named(`\BaseNamedObjects\ev`), nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	want(t, "open the token", st, ntstatus.Success)
	for _, attributes := range []uint32{winnt.SE_PRIVILEGE_ENABLED, 0, winnt.SE_PRIVILEGE_ENABLED} {
		_, st = th.Services().NtAdjustPrivilegesToken(nt.AdjustPrivilegesTokenIn{TokenHandle: own,
			NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeCreatePermanentPrivilege.LUID(), Attributes: attributes}})})
		want(t, "adjust", st, ntstatus.Success)
		wanted := ntstatus.Success
		if attributes == 0 {
			wanted = ntstatus.PrivilegeNotHeld
		}
		want(t, "make permanent", th.NtMakePermanentObject(event), wanted)
	}
	want(t, "make temporary", th.NtMakeTemporaryObject(event), ntstatus.Success)
}

// U-96: each handle of a process is told with its own attributes.
func TestHandlesOfAProcess(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	attributes := map[winnt.Handle]uint32{}
	for _, a := range []uint32{0, winnt.OBJ_INHERIT, winnt.OBJ_PROTECT_CLOSE,
		winnt.OBJ_INHERIT | winnt.OBJ_PROTECT_CLOSE} {
		h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
		want(t, "set its attributes", th.NtSetInformationObject(h, nt.HandleFlagInformation{
			Inherit: a&winnt.OBJ_INHERIT != 0, ProtectFromClose: a&winnt.OBJ_PROTECT_CLOSE != 0}), ntstatus.Success)
		attributes[h] = a
	}
	list, st := th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleInformation)
	want(t, "query", st, ntstatus.Success)
	for _, e := range list.([]nt.ProcessHandle) {
		a, known := attributes[e.HandleValue]
		if delete(attributes, e.HandleValue); !known || e.HandleAttributes != a || e.HandleCount != 1 ||
			e.GrantedAccess != winnt.EVENT_ALL_ACCESS {
			t.Errorf("handle %v: %+v, want attributes %#x", e.HandleValue, e, a)
		}
	}
	if len(attributes) != 0 {
		t.Errorf("handles %v are not told", attributes)
	}
}

// O-27: an exclusive object, named or not, gives handles to the process that made it and
// to no other.
func TestExclusive(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	child, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
	want(t, "make a child", st, ntstatus.Success)
	for name, attributes := range map[string]uint32{"": 0, `\BaseNamedObjects\shared`: 0, " ": winnt.OBJ_EXCLUSIVE,
		`\BaseNamedObjects\own`: winnt.OBJ_EXCLUSIVE} {
		event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: strings.TrimSpace(name),
			Attributes: attributes}, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
		_, st = th.NtDuplicateObject(winnt.NtCurrentProcess, event, winnt.NtCurrentProcess, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS)
		want(t, "a second handle", st, ntstatus.Success)
		wanted := ntstatus.Success
		if attributes != 0 {
			wanted = ntstatus.AccessDenied
		}
		_, st = th.NtDuplicateObject(winnt.NtCurrentProcess, event, child.ProcessHandle, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS)
		want(t, "a handle of another process", st, wanted)
	}
}
