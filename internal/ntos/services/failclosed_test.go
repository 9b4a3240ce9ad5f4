package services_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// brim is a sink that rejects records once it is full.
type brim struct{ full bool }

func (s *brim) Write(audit.Event) error {
	if s.full {
		return errors.New("full")
	}
	return nil
}

// If a required record cannot be written, the call fails, returns no output, and changes no token and no handle
// (U-64, U-73).
func TestServicesFailClosed(t *testing.T) {
	sink := &brim{}
	w := recorded(t, sink, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	th := nt.NewThread(s.Services, "server")
	handle := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
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
			t.Errorf("%s without its record returned %+v, want nil", name, out)
		}
		if after := handles(t, th); !reflect.DeepEqual(before, after) {
			t.Errorf("%s without its record: handles %v, want %v unchanged", name, after, before)
		}
		_, st = call()
		want(t, name+" with its record", st, ntstatus.Success)
	}
}

// zero returns nil for an output without any field set.
func zero(out any, st ntstatus.Status) (any, ntstatus.Status) {
	if reflect.ValueOf(out).IsZero() {
		return nil, st
	}
	return out, st
}

// meeting is a sink that runs a function at its first record.
type meeting struct {
	*audit.Memory
	first func()
}

func (s *meeting) Write(e audit.Event) error {
	if f := s.first; f != nil {
		s.first = nil
		f()
	}
	return s.Memory.Write(e)
}
