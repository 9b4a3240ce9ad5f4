package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The source process decides what a source handle means. -1 is that process. -2 is the calling thread in the caller's
// own process, and invalid in another process. In kernel mode, kernel handles are valid in every process. The pseudo
// handles of tokens are invalid (O-13, O-16, O-50, O-57).
func TestSourceHandleBelongsToSourceProcess(t *testing.T) {
	w, th, k := newProcess(t)
	other := w.process("other")
	source := openProcess(t, k, other)
	event := check.Result(k.Zw().NtCreateEvent(winnt.EVENT_ALL_ACCESS,
		&nt.ObjectAttributes{Attributes: winnt.OBJ_KERNEL_HANDLE}, nt.NotificationEvent, false))
	check.RequireThat(t, event < 0, "event handle = %#x, want a kernel handle (less than 0)", int64(event))
	const none = ntstatus.InvalidHandle
	for _, c := range []struct {
		name                 string
		process, handle      winnt.Handle
		inUserMode, inKernel ntstatus.Status
		same                 winnt.Handle // what the duplicate names, to kernel mode
	}{
		{"itself", winnt.NtCurrentProcess, winnt.NtCurrentProcess, 0, 0, winnt.NtCurrentProcess},
		{"its thread", winnt.NtCurrentProcess, winnt.NtCurrentThread, 0, 0, winnt.NtCurrentThread},
		{"a kernel handle", winnt.NtCurrentProcess, event, none, 0, event},
		{"the other process", source, winnt.NtCurrentProcess, 0, 0, source},
		{"a thread of the other", source, winnt.NtCurrentThread, none, none, 0},
		{"a kernel handle through the other", source, event, none, 0, event},
		{"0", winnt.NtCurrentProcess, 0, none, none, 0},
		{"0 of the other", source, 0, none, none, 0},
		{"the token of the process", winnt.NtCurrentProcess, winnt.NtCurrentProcessToken, none, none, 0},
		{"the token of the thread", winnt.NtCurrentProcess, winnt.NtCurrentThreadToken, none, none, 0},
		{"the effective token", source, winnt.NtCurrentEffectiveToken, none, none, 0},
		{"a reserved value", winnt.NtCurrentProcess, -3, none, none, 0},
	} {
		for by, wanted := range map[*nt.Thread]ntstatus.Status{th: c.inUserMode, k.Zw(): c.inKernel} {
			h, st := by.NtDuplicateObject(c.process, c.handle, winnt.NtCurrentProcess, 0, 0,
				winnt.DUPLICATE_SAME_ACCESS)
			if want(t, c.name, st, wanted); st != ntstatus.Success {
				continue
			}
			check.Equal(t, k.Zw().NtCompareObjects(h, c.same), ntstatus.Success,
				"%s: NtCompareObjects(duplicate, source)", c.name)
			check.Success(t, by.NtClose(h))
		}
	}
	check.Success(t, k.ZwClose(event))
}

// NtCompareObjects compares the objects of two handles of any types, and checks the first handle first (O-31).
func TestHandlesCompareByTheirObjects(t *testing.T) {
	th := newThread(t)
	all := map[string]winnt.Handle{"process": winnt.NtCurrentProcess, "thread": winnt.NtCurrentThread}
	for _, name := range []string{"event", "another event"} {
		all[name] = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	}
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	again := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	all["token"] = own
	for a, x := range all {
		for b, y := range all {
			wanted := ntstatus.NotSameObject
			if a == b {
				wanted = ntstatus.Success
			}
			want(t, a+" and "+b, th.NtCompareObjects(x, y), wanted)
		}
		want(t, a+" and nothing", th.NtCompareObjects(x, 0x7770), ntstatus.InvalidHandle)
		want(t, "nothing and "+a, th.NtCompareObjects(0x7770, x), ntstatus.InvalidHandle)
	}
	want(t, "one token", th.NtCompareObjects(own, again), ntstatus.Success)
}

// If one process duplicates a handle from a second process into a third, the record names both. The new handle has
// the same rights and attributes as without the record, for a handle and a pseudo handle. In kernel mode no record is
// written (O-53, O-58, U-20, U-73).
func TestDuplicationRecordNamesBothProcesses(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	caller := w.process("caller")
	th, k := w.thread(caller)
	from, to := w.process("from"), w.process("to")
	owner, _ := w.thread(from)
	taker, _ := w.thread(to)
	source, target := openProcess(t, k, from), openProcess(t, k, to)
	event := check.Result(owner.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	check.Success(t, owner.NtSetInformationObject(event, nt.HandleFlagInformation{Inherit: true}))
	in := nt.DuplicateObjectIn{SourceProcessHandle: source, SourceHandle: event, TargetProcessHandle: target,
		DesiredAccess: winnt.EVENT_QUERY_STATE, HandleAttributes: winnt.OBJ_PROTECT_CLOSE}
	drain(m)
	for _, c := range []struct {
		name   string
		of     nt.Services
		change func(*nt.DuplicateObjectIn)
		want   string // the handle in the target
		record bool
	}{
		{"asked for", th.Services(), func(*nt.DuplicateObjectIn) {}, "0x1 0x1", true},
		{"as the source", th.Services(), func(in *nt.DuplicateObjectIn) {
			in.Options = nt.DuplicateOptions(winnt.DUPLICATE_SAME_ACCESS | winnt.DUPLICATE_SAME_ATTRIBUTES)
		}, "0x1f0003 0x2", true},
		{"the process itself", th.Services(), func(in *nt.DuplicateObjectIn) {
			in.SourceHandle, in.DesiredAccess, in.HandleAttributes = winnt.NtCurrentProcess, winnt.PROCESS_TERMINATE, 0
		}, "0x1 0x0", true},
		{"from kernel mode", k.Zw().Services(), func(*nt.DuplicateObjectIn) {}, "0x1 0x1", false},
	} {
		changed := in
		c.change(&changed)
		before := handles(t, taker)
		out := check.Result(c.of.NtDuplicateObject(changed))
		after := handles(t, taker)
		check.That(t, after[out.TargetHandle] == c.want && before[out.TargetHandle] == "" &&
			len(after) == len(before)+1, "%s: new handle %v is %q, want %q and no other change", c.name,
			out.TargetHandle, after[out.TargetHandle], c.want)
		var records []string
		if c.record {
			records = []string{fmt.Sprintf("4690 SubjectUserSid=%s SourceHandleId=%#x SourceProcessId=%#x "+
				"TargetHandleId=%#x TargetProcessId=%#x", svc, uint64(changed.SourceHandle), uint64(from.ID()),
				uint64(out.TargetHandle), uint64(to.ID()))}
		}
		if got := drain(m); !slices.Equal(got, records) {
			t.Errorf("%s: records\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(records, "\n"))
		}
	}
	w.sys.Audit().Policy.Store(check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{},
		Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			sid.MustParse(client): {audit.HandleManipulation: audit.UserSetting{Include: audit.OnSuccess}}}})))
	check.Result(th.Services().NtDuplicateObject(in))
	w.impersonate(k, client, winnt.SecurityImpersonation)
	check.Result(th.Services().NtDuplicateObject(in))
	check.Equal(t, len(m.Drain()), 1, "records by the policy of the client")
}

// If kernel mode requests no kernel handle, it gets a handle in the System process's own table. If another process is
// the target, the new handle is never a kernel handle. A program never gets one (O-58).
func TestKernelModeDuplicatesIntoSystemTable(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.of("p", token.LocalSystem()))
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	system := check.Result(th.NtOpenProcess(winnt.PROCESS_DUP_HANDLE, &nt.ObjectAttributes{},
		&nt.ClientID{UniqueProcess: 4}))
	for _, c := range []struct {
		by         *nt.Thread
		target     winnt.Handle
		attributes uint32
		kernel     bool
	}{{k.Zw(), system, 0, false}, {k.Zw(), system, winnt.OBJ_KERNEL_HANDLE, true},
		{k.Zw(), winnt.NtCurrentProcess, winnt.OBJ_KERNEL_HANDLE, false},
		{th, system, winnt.OBJ_KERNEL_HANDLE, false}} {
		h, st := c.by.NtDuplicateObject(winnt.NtCurrentProcess, event, c.target, 0, c.attributes,
			winnt.DUPLICATE_SAME_ACCESS)
		if want(t, "duplicate", st, ntstatus.Success); st == ntstatus.Success && (h < 0) != c.kernel {
			t.Errorf("target %v, attributes %#x: handle %#x, want kernel handle = %v",
				c.target, c.attributes, int64(h), c.kernel)
		}
	}
}

// O-46: making a name permanent needs the privilege enabled, not only present.
func TestMakePermanentNeedsThePrivilege(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("system")
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, named(`\BaseNamedObjects\ev`), nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES))
	for _, attributes := range []uint32{winnt.SE_PRIVILEGE_ENABLED, 0, winnt.SE_PRIVILEGE_ENABLED} {
		check.Success(t, check.Status(th.Services().NtAdjustPrivilegesToken(nt.AdjustPrivilegesTokenIn{TokenHandle: own,
			NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeCreatePermanentPrivilege.LUID(),
				Attributes: attributes}})})))
		wanted := ntstatus.Success
		if attributes == 0 {
			wanted = ntstatus.PrivilegeNotHeld
		}
		want(t, "make permanent", th.NtMakePermanentObject(event), wanted)
	}
	check.Success(t, th.NtMakeTemporaryObject(event))
}

// O-51: without a target process the source handle is closed in its own process, and the caller's handle with the
// same value stays. Without DUPLICATE_CLOSE_SOURCE both stay. With a target the handle moves (O-52).
func TestCloseSourceClosesHandleOfSourceProcess(t *testing.T) {
	w, th, k := newProcess(t)
	from := w.process("from")
	owner, _ := w.thread(from)
	source := openProcess(t, k, from)
	theirs := check.Result(owner.NtCreateEvent(1, nil, nt.NotificationEvent, false))
	check.RequireThat(t, source == theirs,
		"handle values in the two processes: %v and %v, want equal values for this test", source, theirs)
	_, st := th.NtDuplicateObject(source, theirs, 0, 0, 0, 0)
	want(t, "no access requested", st, ntstatus.InvalidParameter)
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.InvalidHandle} {
		_, st = th.NtDuplicateObject(source, theirs, 0, 0, 0, winnt.DUPLICATE_CLOSE_SOURCE)
		want(t, "close the source", st, wanted)
		check.That(t, len(handles(t, owner)) == 0 && len(handles(t, th)) == 1,
			"handles of owner and caller: %v and %v, want none and one", handles(t, owner), handles(t, th))
	}
	theirs = check.Result(owner.NtCreateEvent(1, nil, nt.NotificationEvent, false))
	_, st = th.NtDuplicateObject(source, theirs, 0x7770, 0, 0, winnt.DUPLICATE_CLOSE_SOURCE)
	want(t, "an invalid target", st, ntstatus.InvalidHandle)
	check.Equal(t, len(handles(t, owner)), 0, "O-52: handles of the owner after an invalid target")
	theirs = check.Result(owner.NtCreateEvent(1, nil, nt.NotificationEvent, false))
	check.Success(t, owner.NtSetInformationObject(theirs, nt.HandleFlagInformation{ProtectFromClose: true}))
	_, st = th.NtDuplicateObject(source, theirs, 0, 0, 0, winnt.DUPLICATE_CLOSE_SOURCE)
	want(t, "close a protected source", st, ntstatus.HandleNotClosable)
	check.Success(t, owner.NtSetInformationObject(theirs, nt.HandleFlagInformation{}))
	_, st = th.NtDuplicateObject(source, theirs, winnt.NtCurrentProcess, 0, 0,
		winnt.DUPLICATE_CLOSE_SOURCE|winnt.DUPLICATE_SAME_ACCESS)
	check.That(t, st == ntstatus.Success && len(handles(t, owner)) == 0 && len(handles(t, th)) == 2,
		"O-52: move: %v, handles of owner and caller: %v and %v, want none and two", st, handles(t, owner),
		handles(t, th))
}
