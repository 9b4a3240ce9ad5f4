package kernel_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// recording boots a kernel that records what is done with objects and handles.
func recording(t *testing.T) (*kernel.System, *audit.Memory) {
	t.Helper()
	memory := audit.NewMemory(0, 0)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: memory}})
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.KernelObject: audit.OnBoth, audit.HandleManipulation: audit.OnBoth,
		audit.AuthorizationPolicyChange: audit.OnBoth}})
	if err != nil {
		t.Fatal(err)
	}
	sys.Audit().Policy.Store(p)
	return sys, memory
}

// work opens an audited event, duplicates the handle, changes the event's
// security and closes both handles.
func work(t *testing.T, th *nt.Thread, dacl string) {
	t.Helper()
	audited := base("ev")
	audited.SecurityDescriptor = sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SAFA;GA;;;WD)")
	h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, audited, nt.NotificationEvent, false)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	d, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	if st := th.NtSetSecurityObject(d, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse(dacl)); st != ntstatus.Success {
		t.Fatal(st)
	}
	th.NtClose(d)
	th.NtClose(h)
}

// U-20, U-57: each record of a service names the process that called, by its id and
// name, and the user that it acts as: here two processes of two users.
func TestRecordsNameTheirProcess(t *testing.T) {
	sys, memory := recording(t)
	seen := 0
	for i, rid := range []uint32{1001, 1002} {
		s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3").WithRID(rid))
		s.Privileges |= winnt.SeSecurityPrivilege.Bit()
		s.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit()
		v, err := token.New(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sys.NewProcess(fmt.Sprintf("process %d", i), v)
		if err != nil {
			t.Fatal(err)
		}
		th, err := p.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		work(t, th, fmt.Sprintf("D:(A;;GA;;;WD)(A;;%d;;;BU)", i+1))
		want := map[string]string{"ProcessId": fmt.Sprintf("%#x", uint64(p.ID())),
			"ProcessName": fmt.Sprintf("process %d", i), "SubjectUserSid": v.User().SID.String()}
		n := 0
		for e := range memory.Events() {
			if n++; n <= seen {
				continue
			}
			for name, want := range want {
				if got, ok := e.Field(name); ok && got != want {
					t.Errorf("U-20: event %d of process %d: %s is %q, want %q", e.ID, i, name, got, want)
				}
			}
		}
		if n < seen+5 {
			t.Errorf("%d records for process %d", n-seen, i)
		}
		seen = n
	}
}

// L-45: a look-up of more SIDs or names than the limit is refused before the
// handle is looked at; I-95: so are flags and
// attributes of a process and of a thread that are not supported (O-22).
func TestLimitsBeforeHandles(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	for n, want := range map[int]ntstatus.Status{nt.MaxLookup: ntstatus.InvalidHandle,
		nt.MaxLookup + 1: ntstatus.InvalidParameter} {
		if _, st := th.LsaLookupSids(0x777, make([]sid.SID, n)...); st != want {
			t.Errorf("L-45: %d SIDs: %s, want %s", n, st, want)
		}
		if _, st := th.LsaLookupNames2(0x777, make([]string, n)...); st != want {
			t.Errorf("L-45: %d names: %s, want %s", n, st, want)
		}
	}
	unknown := nt.Cap(&nt.ObjectAttributes{Attributes: 1 << 30})
	for i, in := range []nt.CreateUserProcessIn{{ProcessFlags: 1 << 30}, {ThreadFlags: 1 << 30},
		{ProcessObjectAttributes: unknown}, {ThreadObjectAttributes: unknown}} {
		in.ParentProcess = 0x777
		if _, st := th.NtCreateUserProcess(in); st != ntstatus.InvalidParameter {
			t.Errorf("I-95, O-22: %d: %s", i, st)
		}
	}
}
