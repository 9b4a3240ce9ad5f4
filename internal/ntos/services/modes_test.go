package services_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// O-1, T-102: from kernel mode no privilege is demanded; from user mode each of these calls
// needs one, and the thread's process has none.
func TestPrivilegesOfKernelMode(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("p")
	th, k := w.thread(p)
	withSACL := nt.Cap(&nt.ObjectAttributes{Attributes: winnt.OBJ_KERNEL_HANDLE,
		SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")})
	v := value(t, svc, winnt.TokenPrimary, 0)
	user := v.User()
	made := nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: winnt.TokenPrimary,
		AuthenticationID: nt.Cap(v.AuthenticationID()), User: nt.Cap(&user), Groups: nt.Cap([]token.Group{}),
		Privileges: nt.Cap([]nt.LUIDAndAttributes{}), PrimaryGroup: nt.Cap(user.SID),
		Source: nt.Cap(&token.Source{})}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	set := func(class winnt.TokenInfoClass, v any) func(nt.Services) ntstatus.Status {
		return func(s nt.Services) ntstatus.Status {
			_, st := s.NtSetInformationToken(nt.SetInformationTokenIn{TokenHandle: own, TokenInformationClass: class,
				TokenInformation: nt.Cap(v), TokenInformationLength: ^uint32(0)})
			return st
		}
	}
	for name, call := range map[string]func(nt.Services) ntstatus.Status{
		"alarm": func(s nt.Services) ntstatus.Status {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ClientToken: own})
			return st
		},
		"end of an alarm": func(s nt.Services) ntstatus.Status {
			_, st := s.NtCloseObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				GenerateOnClose: true})
			return st
		},
		"create a token": func(s nt.Services) ntstatus.Status {
			_, st := s.NtCreateToken(made)
			return st
		},
		"a SACL for a token": func(s nt.Services) ntstatus.Status {
			_, st := s.NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: own, TokenType: winnt.TokenPrimary,
				DesiredAccess: winnt.TOKEN_QUERY, ObjectAttributes: withSACL})
			return st
		},
		"make permanent": func(s nt.Services) ntstatus.Status {
			_, st := s.NtMakePermanentObject(nt.MakePermanentObjectIn{Handle: event})
			return st
		},
		"audit policy": func(s nt.Services) ntstatus.Status {
			_, st := s.NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
				TokenInformationClass: winnt.TokenAuditPolicy, TokenInformationLength: 1000})
			return st
		},
		"set a flag":    set(winnt.TokenUIAccess, uint32(1)),
		"set a session": set(winnt.TokenSessionId, uint32(0)),
		"set a policy":  set(winnt.TokenMandatoryPolicy, uint32(1)),
	} {
		want(t, name+", in user mode", call(th.Services()), ntstatus.PrivilegeNotHeld)
		want(t, name+", in kernel mode", call(k.Zw().Services()), ntstatus.Success)
	}
}

// U-10, O-33: an open of kernel mode leaves no record, also where its access is checked; the
// same open of user mode does.
func TestKernelModeLeavesNoRecord(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	th, k := w.thread(w.process("p"))
	ev := &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\ev`}
	_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, ev, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	h, st := k.Zw().NtOpenEvent(winnt.ACCESS_SYSTEM_SECURITY, ev)
	want(t, "open it", st, ntstatus.Success)
	want(t, "ask for records", k.Zw().NtSetSecurityObject(h, winnt.SACL_SECURITY_INFORMATION,
		sddl.MustParse("S:(AU;SAFA;GA;;;WD)")), ntstatus.Success)
	if got := said(m); len(got) != 0 {
		t.Errorf("a change of kernel mode: %q", got)
	}
	forced := *ev
	forced.Attributes |= winnt.OBJ_FORCE_ACCESS_CHECK
	for _, c := range []struct {
		name    string
		th      *nt.Thread
		records int
	}{{"kernel mode", k.Zw(), 0}, {"user mode", th, 1}} {
		_, st := c.th.NtOpenEvent(winnt.EVENT_QUERY_STATE, &forced)
		want(t, "open", st, ntstatus.Success)
		if got := said(m); len(got) != c.records {
			t.Errorf("%s: %d records, want %d: %q", c.name, len(got), c.records, got)
		}
	}
}
