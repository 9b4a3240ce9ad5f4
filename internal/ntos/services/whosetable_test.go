package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// O-51: without a target process the source is closed in its own process, and the handle of that value in the
// caller's stays; where closing is not asked for both stay.
func TestClosedInItsOwnProcess(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("caller"))
	from := w.process("from")
	owner, _ := w.thread(from)
	source := openProcess(t, k, from)
	theirs, st := owner.NtCreateEvent(1, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	if source != theirs {
		t.Fatalf("the values are %v and %v: the test wants one", source, theirs)
	}
	_, st = th.NtDuplicateObject(source, theirs, 0, 0, 0, 0)
	want(t, "nothing is asked for", st, ntstatus.InvalidParameter)
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.InvalidHandle} {
		_, st = th.NtDuplicateObject(source, theirs, 0, 0, 0, winnt.DUPLICATE_CLOSE_SOURCE)
		want(t, "close the source", st, wanted)
		if len(handles(t, owner)) != 0 || len(handles(t, th)) != 1 {
			t.Errorf("the handles are %v and %v", handles(t, owner), handles(t, th))
		}
	}
}

// U-95: the next process is the one that follows the process named, so that a walk meets each one once.
func TestWalkOfProcesses(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p", winnt.SeDebugPrivilege))
	for range 4 {
		w.process("q")
	}
	seen := map[winnt.Handle]bool{}
	var after winnt.Handle
	for n := range 20 {
		out, st := th.Services().NtGetNextProcess(nt.GetNextProcessIn{ProcessHandle: after,
			DesiredAccess: winnt.PROCESS_QUERY_LIMITED_INFORMATION})
		if st == ntstatus.NoMoreEntries {
			if n != 6 { // five and the System process
				t.Errorf("%d processes", n)
			}
			return
		}
		want(t, "next", st, ntstatus.Success)
		after = out.NewProcessHandle
		v, st := th.NtQueryInformationProcess(after, nt.ProcessBasicInformation)
		want(t, "query", st, ntstatus.Success)
		id := v.(nt.ProcessBasic).UniqueProcessID
		if seen[id] {
			t.Fatalf("process %v comes twice", id)
		}
		seen[id] = true
	}
	t.Error("the walk does not end")
}

// I-21: the token of another's thread is opened as self by the caller's own process, be the caller's client
// admitted or not, and never by the process of that thread.
func TestOpenedAsSelf(t *testing.T) {
	for _, c := range []struct {
		admits       string
		self, client ntstatus.Status
	}{{svc, 0, ntstatus.AccessDenied}, {client, ntstatus.AccessDenied, 0},
		{acting, ntstatus.AccessDenied, ntstatus.AccessDenied}} {
		w := newWorld(t, kernel.Config{})
		th, k := w.thread(w.process("caller", winnt.SeImpersonatePrivilege))
		other, err := w.sys.NewProcess("other", value(t, acting, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege))
		if err != nil {
			t.Fatal(err)
		}
		_, served := w.thread(other)
		tok := k.NewTokenProtected(value(t, svc, winnt.TokenImpersonation, winnt.SecurityImpersonation),
			sddl.MustParse("O:SYG:SYD:(A;;0x8;;;"+c.admits+")"))
		want(t, "the other acts", served.PsImpersonateClient(served.Thread(), tok, false, false,
			winnt.SecurityImpersonation), ntstatus.Success)
		k.PsDereferencePrimaryToken(tok)
		h, st := k.ObOpenObjectByPointer(served.Thread(), 0, winnt.THREAD_ALL_ACCESS, winnt.ThreadObject, kernel.KernelMode)
		want(t, "open its thread", st, ntstatus.Success)
		mine := w.token(k, client, winnt.SecurityImpersonation)
		want(t, "act", k.PsImpersonateClient(k.Thread(), mine, false, false, winnt.SecurityImpersonation), ntstatus.Success)
		for self, wanted := range map[bool]ntstatus.Status{true: c.self, false: c.client} {
			_, st := th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, self)
			want(t, c.admits, st, wanted)
		}
		k.PsRevertToSelf()
		served.PsRevertToSelf()
	}
}

// O-146: an event that was signalled is not after a reset, nor after it was cleared, and each tells what it was.
func TestEventsAreReset(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	s := th.Services()
	for _, before := range []bool{false, true} {
		for name, call := range map[string]func() (nt.SetEventOut, ntstatus.Status){
			"reset": func() (nt.SetEventOut, ntstatus.Status) { return s.NtResetEvent(nt.SetEventIn{EventHandle: event}) },
			"set":   func() (nt.SetEventOut, ntstatus.Status) { return s.NtSetEvent(nt.SetEventIn{EventHandle: event}) },
			"clear": func() (out nt.SetEventOut, st ntstatus.Status) {
				_, st = s.NtClearEvent(nt.ClearEventIn{EventHandle: event})
				return out, st
			},
		} {
			wanted := ntstatus.Timeout
			if _, st := s.NtResetEvent(nt.SetEventIn{EventHandle: event}); before {
				want(t, "reset", st, ntstatus.Success)
				_, st = s.NtSetEvent(nt.SetEventIn{EventHandle: event})
				want(t, "set", st, ntstatus.Success)
			}
			out, st := call()
			if want(t, name, st, ntstatus.Success); (out.PreviousState == 1) != (before && name != "clear") {
				t.Errorf("%s: it was %d, signalled before: %v", name, out.PreviousState, before)
			}
			if name == "set" {
				wanted = ntstatus.Success
			}
			_, st = th.NtWaitForSingleObject(event, false)
			want(t, "wait after "+name, st, wanted)
		}
	}
}

// T-75, T-131, I-89: what an adjustment of groups tells are the attributes of before; a package's token lets its
// package do all; limits of a job have exactly their length.
func TestWhatWasBeforeAndWhoIsAdmitted(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	extra := token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1200"), Attributes: winnt.SE_GROUP_ENABLED |
		winnt.SE_GROUP_ENABLED_BY_DEFAULT}
	spec.Groups = append(spec.Groups, extra)
	th, _ := w.thread(w.of("p", spec))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	out, st := th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own, WantPrevious: true,
		BufferLength: 1000, NewState: nt.Cap([]token.Group{{SID: extra.SID}})})
	if want(t, "adjust", st, ntstatus.Success); len(out.PreviousState) != 1 || out.PreviousState[0] != extra {
		t.Errorf("before it was %+v, want %+v", out.PreviousState, extra)
	}
	const pkg = "S-1-15-2-1-2-3-4-5-6-7"
	boxed, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: own,
		DesiredAccess: winnt.READ_CONTROL, PackageSID: nt.Cap(sid.MustParse(pkg))})
	want(t, "make a package's token", st, ntstatus.Success)
	if got := shown(t, th, boxed.TokenHandle); !strings.Contains(got, "(A;;"+full+";;;"+pkg+")") {
		t.Errorf("the package's token is protected by %s", got)
	}
	job, st := th.Services().NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS})
	want(t, "make a job", st, ntstatus.Success)
	for by, wanted := range map[uint32]ntstatus.Status{nt.JobSecurityLimitSize - 1: ntstatus.InfoLengthMismatch,
		nt.JobSecurityLimitSize: 0, nt.JobSecurityLimitSize + 1: ntstatus.InfoLengthMismatch} {
		_, st := th.Services().NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job.JobHandle,
			JobObjectInformationClass:  nt.JobObjectSecurityLimitInformation,
			JobObjectInformation:       nt.Cap(&nt.JobSecurityLimitInformation{}),
			JobObjectInformationLength: by})
		want(t, "limits", st, wanted)
	}
}
