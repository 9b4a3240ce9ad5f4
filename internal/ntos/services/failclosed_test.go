package services_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// brim keeps nothing once it is full.
type brim struct{ full bool }

func (s *brim) Write(audit.Event) error {
	if s.full {
		return errors.New("full")
	}
	return nil
}

// U-64, U-73: where a record that must be kept cannot be, the call fails, tells nothing else,
// and leaves tokens and handles as they were.
func TestServicesFailClosed(t *testing.T) {
	sink := &brim{}
	w := recorded(t, sink, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	th := nt.NewThread(s.Services, "server")
	handle, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	d := nt.Cap(sddl.MustParse(sample))
	list := nt.Cap(make([]access.ObjectTypeEntry, 1))
	mapping := nt.Cap(winnt.GenericMapping{Read: 1})
	end := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), GenerateOnClose: true}
	typed := nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("Event"),
		ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1, ObjectTypeList: list, GenericMapping: mapping}
	for name, call := range map[string]func() (any, ntstatus.Status){
		"open alarm": func() (any, ntstatus.Status) {
			return zero(s.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{ClientToken: s.client,
				SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("o"), DesiredAccess: 1,
				GrantedAccess: 1, AccessGranted: true, SecurityDescriptor: d}))
		},
		"object alarm": func() (any, ntstatus.Status) {
			return zero(s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{ClientToken: s.client,
				SubsystemName: nt.Cap("s"), Privileges: tcb}))
		},
		"service alarm": func() (any, ntstatus.Status) {
			return zero(s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{ClientToken: s.client,
				SubsystemName: nt.Cap("s"), ServiceName: nt.Cap("t"), Privileges: tcb}))
		},
		"close alarm":  func() (any, ntstatus.Status) { return zero(s.NtCloseObjectAuditAlarm(end)) },
		"delete alarm": func() (any, ntstatus.Status) { return zero(s.NtDeleteObjectAuditAlarm(end)) },
		"check": func() (any, ntstatus.Status) {
			return zero(s.NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("s"),
				ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("o"), SecurityDescriptor: d, DesiredAccess: 1,
				GenericMapping: mapping}))
		},
		"check by type": func() (any, ntstatus.Status) { return zero(s.NtAccessCheckByTypeAndAuditAlarm(typed)) },
		"check of a list": func() (any, ntstatus.Status) {
			return zero(s.NtAccessCheckByTypeResultListAndAuditAlarm(typed))
		},
		"duplicate": func() (any, ntstatus.Status) {
			return zero(s.NtDuplicateObject(nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess,
				SourceHandle: handle, TargetProcessHandle: winnt.NtCurrentProcess, DesiredAccess: 1}))
		},
	} {
		before := handles(t, th)
		sink.full = true
		out, st := call()
		sink.full = false
		if want(t, name, st, ntstatus.AuditFailed); out != nil {
			t.Errorf("%s tells %+v", name, out)
		}
		if after := handles(t, th); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: the handles were %v, now %v", name, before, after)
		}
		_, st = call()
		want(t, name+" with its record", st, ntstatus.Success)
	}
}

// zero returns nil for an output of which nothing is set.
func zero(out any, st ntstatus.Status) (any, ntstatus.Status) {
	if reflect.ValueOf(out).IsZero() {
		return nil, st
	}
	return out, st
}

// U-64, T-70: privileges are not adjusted without the record, and what they were is not told;
// no record is tried where none changes.
func TestAdjustWithoutRecord(t *testing.T) {
	sink := &brim{}
	w := recorded(t, sink, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	th, _ := w.thread(w.process("p", winnt.SeDebugPrivilege, winnt.SeTcbPrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	adjust := func(p winnt.Privilege, on uint32) (nt.AdjustPrivilegesTokenOut, ntstatus.Status) {
		return th.Services().NtAdjustPrivilegesToken(nt.AdjustPrivilegesTokenIn{TokenHandle: own, WantPrevious: true,
			BufferLength: 1000, NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: p.LUID(), Attributes: on}})})
	}
	statistics := func() any {
		v, st := th.NtQueryInformationToken(own, winnt.TokenStatistics)
		want(t, "query", st, ntstatus.Success)
		return v
	}
	before := statistics()
	sink.full = true
	out, st := adjust(winnt.SeDebugPrivilege, 0)
	if want(t, "without the record", st, ntstatus.AuditFailed); !reflect.ValueOf(out).IsZero() {
		t.Errorf("it tells %+v", out)
	}
	_, st = adjust(winnt.SeTcbPrivilege, winnt.SE_PRIVILEGE_ENABLED)
	want(t, "no change", st, ntstatus.Success)
	if after := statistics(); before != after {
		t.Errorf("the token was %+v, is %+v", before, after)
	}
	sink.full = false
	out, st = adjust(winnt.SeDebugPrivilege, 0)
	if want(t, "with the record", st, ntstatus.Success); len(out.PreviousState) != 1 || before == statistics() {
		t.Errorf("it tells %+v", out)
	}
}
