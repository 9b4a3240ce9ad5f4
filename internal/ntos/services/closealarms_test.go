package services_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The alarms for the end of a handle and of an object check nothing if the open alarm requested no record. Otherwise
// they check the privilege and the name, and their record names the client that the thread impersonates (U-32, U-36,
// U-40, U-41).
func TestEndAlarmIsRecordedOnRequest(t *testing.T) {
	for event, call := range map[string]func(nt.Services, nt.CloseObjectAuditAlarmIn) ntstatus.Status{
		"4658": func(s nt.Services, in nt.CloseObjectAuditAlarmIn) ntstatus.Status {
			return check.Status(s.NtCloseObjectAuditAlarm(in))
		},
		"4660": func(s nt.Services, in nt.CloseObjectAuditAlarmIn) ntstatus.Status {
			return check.Status(s.NtDeleteObjectAuditAlarm(in))
		},
	} {
		testEndAlarm(t, event, call)
	}
}

func testEndAlarm(t *testing.T, event string, call func(nt.Services, nt.CloseObjectAuditAlarmIn) ntstatus.Status) {
	t.Helper()
	s, mute := alarmWorld(t)
	by := map[bool]nt.Services{false: s, true: mute}
	type ending struct {
		nt.CloseObjectAuditAlarmIn
		mute bool
	}
	in := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x4c, GenerateOnClose: true}
	checkOrder(t, event, ending{in, false}, func(in ending) ntstatus.Status {
		return call(by[in.mute], in.CloseObjectAuditAlarmIn)
	}, []rung[ending]{
		{"the privilege", ntstatus.PrivilegeNotHeld, func(in *ending) { in.mute = true }},
		{"the subsystem", unread(1), func(in *ending) { in.SubsystemName.Status = unread(1) }},
	})
	in.GenerateOnClose, in.SubsystemName.Status = false, unread(1)
	want(t, "U-40: no record was requested", call(mute, in), ntstatus.Success)

	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	s = w.auditServer(t, winnt.SecurityImpersonation)
	drain(m)
	want(t, "without GenerateOnClose", call(s, in), ntstatus.Success)
	got := drain(m)
	check.That(t, len(got) == 0, "U-40: records without GenerateOnClose: %q, want none", got)
	in.GenerateOnClose, in.SubsystemName.Status = true, ntstatus.Success
	want(t, "with GenerateOnClose", call(s, in), ntstatus.Success)
	record := event + " SubjectUserSid=" + acting + " ObjectServer=sub HandleId=0x4c" + s.by + " PrimaryUserSid=" + svc
	got = drain(m)
	check.That(t, slices.Equal(got, []string{record}), "records of the alarm: %q, want %q", got, record)
}
