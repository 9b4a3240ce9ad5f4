package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// openProcess returns a handle of a process, with all rights, that a thread of another one has.
func openProcess(t *testing.T, k *kernel.KernelThread, p *kernel.Process) winnt.Handle {
	t.Helper()
	h, st := k.ObOpenObjectByPointer(p.Object(), 0, winnt.PROCESS_ALL_ACCESS, winnt.ProcessObject, kernel.KernelMode)
	want(t, "open a process", st, ntstatus.Success)
	return h
}

// handles returns the handles of a process with their rights and attributes.
func handles(t *testing.T, th *nt.Thread) map[winnt.Handle]string {
	t.Helper()
	v, st := th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleInformation)
	want(t, "query the handles", st, ntstatus.Success)
	out := map[winnt.Handle]string{}
	for _, e := range v.([]nt.ProcessHandle) {
		out[e.HandleValue] = fmt.Sprintf("%v %#x", e.GrantedAccess, e.HandleAttributes)
	}
	return out
}

// O-53, O-58, U-20, U-73: a duplication that one process makes from a second into a third is
// recorded with both, and the handle is as without the record: its rights, its attributes, of
// an object of a handle or of a pseudo handle. From kernel mode it leaves no record.
func TestDuplicatesBetweenOthers(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	caller := w.process("caller")
	th, k := w.thread(caller)
	from, to := w.process("from"), w.process("to")
	owner, _ := w.thread(from)
	taker, _ := w.thread(to)
	source, target := openProcess(t, k, from), openProcess(t, k, to)
	event, st := owner.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	want(t, "let it be inherited", owner.NtSetInformationObject(event, nt.HandleFlagInformation{Inherit: true}),
		ntstatus.Success)
	in := nt.DuplicateObjectIn{SourceProcessHandle: source, SourceHandle: event, TargetProcessHandle: target,
		DesiredAccess: winnt.EVENT_QUERY_STATE, HandleAttributes: winnt.OBJ_PROTECT_CLOSE}
	said(m)
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
		out, st := c.of.NtDuplicateObject(changed)
		want(t, c.name, st, ntstatus.Success)
		after := handles(t, taker)
		if after[out.TargetHandle] != c.want || before[out.TargetHandle] != "" || len(after) != len(before)+1 {
			t.Errorf("%s: the handle %v is %q, want %q", c.name, out.TargetHandle, after[out.TargetHandle], c.want)
		}
		var records []string
		if c.record {
			records = []string{fmt.Sprintf("4690 SubjectUserSid=%s SourceHandleId=%#x SourceProcessId=%#x "+
				"TargetHandleId=%#x TargetProcessId=%#x", svc, uint64(changed.SourceHandle), uint64(from.ID()),
				uint64(out.TargetHandle), uint64(to.ID()))}
		}
		if got := said(m); !slices.Equal(got, records) {
			t.Errorf("%s: the records\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(records, "\n"))
		}
	}
}

// O-58: kernel mode that does not ask for a kernel handle gets one of the System process's own
// table, and none of the kernel's where another process is the target.
func TestKernelDuplicates(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("p")
	th, k := w.thread(p)
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	system, st := k.Zw().NtOpenProcess(winnt.PROCESS_ALL_ACCESS, &nt.ObjectAttributes{}, &nt.ClientID{UniqueProcess: 4})
	want(t, "open the System process", st, ntstatus.Success)
	for _, c := range []struct {
		target     winnt.Handle
		attributes uint32
		kernel     bool
	}{{system, 0, false}, {system, winnt.OBJ_KERNEL_HANDLE, true},
		{winnt.NtCurrentProcess, winnt.OBJ_KERNEL_HANDLE, false}} {
		h, st := k.Zw().NtDuplicateObject(winnt.NtCurrentProcess, event, c.target, 0, c.attributes,
			winnt.DUPLICATE_SAME_ACCESS)
		if want(t, "duplicate", st, ntstatus.Success); st == ntstatus.Success && (h < 0) != c.kernel {
			t.Errorf("target %v, attributes %#x: handle %#x", c.target, c.attributes, int64(h))
		}
	}
}

// O-28, T-47: a token that kernel mode duplicates has a kernel handle where that is asked for,
// with a descriptor and without.
func TestKernelHandlesOfTokens(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p"))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	for _, d := range []*sd.Descriptor{nil, sddl.MustParse("D:(A;;GA;;;WD)")} {
		for attributes, kernel := range map[uint32]bool{0: false, winnt.OBJ_KERNEL_HANDLE: true,
			winnt.OBJ_INHERIT: false} {
			h, st := k.Zw().NtDuplicateToken(own, 0, &nt.ObjectAttributes{Attributes: attributes, SecurityDescriptor: d},
				false, winnt.TokenPrimary)
			want(t, "duplicate", st, ntstatus.Success)
			if (h < 0) != kernel {
				t.Errorf("attributes %#x, descriptor %v: handle %#x", attributes, d, int64(h))
			}
			want(t, "close", k.ZwClose(h), ntstatus.Success)
		}
	}
}

// U-20: whether a duplication is recorded is said by the policy of the user that the thread acts
// as, not by that of its process's user.
func TestWhosePolicyRecordsADuplicate(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{},
		Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			sid.MustParse(client): {audit.HandleManipulation: audit.UserSetting{Include: audit.OnBoth}}}})
	if err != nil {
		t.Fatal(err)
	}
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	w.sys.Audit().Policy.Store(p)
	tok := w.token(k, client, winnt.SecurityImpersonation)
	for _, records := range []int{0, 1} {
		said(m)
		_, st := th.NtDuplicateObject(winnt.NtCurrentProcess, event, winnt.NtCurrentProcess, 1, 0, 0)
		want(t, "duplicate", st, ntstatus.Success)
		if got := said(m); len(got) != records {
			t.Errorf("%d records, want %d: %q", len(got), records, got)
		}
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	}
	k.PsRevertToSelf()
}

// I-48, I-99, U-20: the record of an unsafe elevation is about the process of the thread that
// got the token, not of the one whose thread called, and says how it was impersonated.
func TestWhoIsElevated(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	w.sys.Audit().Names = everyName{}
	_, k := w.thread(w.process("caller"))
	p, err := w.sys.NewProcess("server", value(t, acting, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege))
	if err != nil {
		t.Fatal(err)
	}
	_, served := w.thread(p)
	said(m)
	for _, c := range []struct {
		copyOnOpen, effectiveOnly bool
		level                     winnt.SecurityImpersonationLevel
		want                      string
	}{
		{false, true, winnt.SecurityIdentification, "%%1832 %%1843 %%1842 SeDebugPrivilege Privilege, Level"},
		{true, false, winnt.SecurityImpersonation, "%%1833 %%1842 %%1843 SeDebugPrivilege Privilege"},
	} {
		tok := w.token(k, client, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
		want(t, "impersonate", k.PsImpersonateClient(served.Thread(), tok, c.copyOnOpen, c.effectiveOnly, c.level),
			ntstatus.Success)
		var got []string
		for _, e := range m.Drain() {
			var fields []string
			for _, f := range []string{"SubjectUserSid", "SubjectUserName", "TargetUserSid", "ProcessId", "ProcessName",
				"ThreadId", "ImpersonationLevel", "CopyOnOpen", "EffectiveOnly", "PrivilegeList", "Cause"} {
				text, _ := e.Field(f)
				fields = append(fields, text)
			}
			got = append(got, strings.Join(fields, " "))
		}
		wanted := fmt.Sprintf("%s name of %s %s %#x server %#x %s", acting, acting, client, uint64(p.ID()),
			uint64(served.Thread().ID()), c.want)
		if !slices.Equal(got, []string{wanted}) {
			t.Errorf("the records\n%s\nwant\n%s", strings.Join(got, "\n"), wanted)
		}
	}
	served.PsRevertToSelf()
}

// everyName knows every account.
type everyName struct{}

func (everyName) Account(s sid.SID) (name, domain string, ok bool) {
	return "name of " + s.String(), "d", true
}
