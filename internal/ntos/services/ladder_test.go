package services_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A rung is one thing wrong with a call and the status by which it is refused.
type rung[In any] struct {
	name  string
	want  ntstatus.Status
	spoil func(*In)
}

// ladder calls with all that is wrong, then without the first of it, then without the first
// two: each time the first that is left is told. In the end nothing is wrong.
func ladder[In any](t *testing.T, name string, in In, call func(In) ntstatus.Status, rungs []rung[In]) {
	t.Helper()
	for i := range len(rungs) + 1 {
		spoilt, wanted, what := in, ntstatus.Success, "nothing"
		for _, r := range rungs[i:] {
			r.spoil(&spoilt)
		}
		if i < len(rungs) {
			wanted, what = rungs[i].want, rungs[i].name
		}
		if got := call(spoilt); got != wanted {
			t.Errorf("%s, %s is wrong: %v, want %v", name, what, got, wanted)
		}
	}
	for _, r := range rungs {
		spoilt := in
		r.spoil(&spoilt)
		if got := call(spoilt); got != r.want {
			t.Errorf("%s, only %s is wrong: %v, want %v", name, r.name, got, r.want)
		}
	}
}

// unread returns a status that only a capture of that number has.
func unread(n uint32) ntstatus.Status { return ntstatus.Status(0xE0000000 + n) }

// many is a set of so many privileges, each SeTcbPrivilege.
func many(n int) nt.Captured[*nt.PrivilegeSet] {
	set := &nt.PrivilegeSet{Privilege: make([]nt.LUIDAndAttributes, n)}
	for i := range set.Privilege {
		set.Privilege[i].LUID = winnt.SeTcbPrivilege.LUID()
	}
	return nt.Cap(set)
}

// alarmWorld has handles of clients and a server that may audit, with one that may not.
func alarmWorld(t *testing.T) (s *auditServer, mute nt.Services) {
	t.Helper()
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("mute", winnt.SeImpersonatePrivilege))
	tok := w.token(k, client, winnt.SecurityImpersonation, winnt.SeAuditPrivilege)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	t.Cleanup(k.PsRevertToSelf)
	return w.auditServer(t, winnt.SecurityIdentification), th.Services()
}

// TestOrderOfAlarms: the alarms look at the client's token, its level and SeAuditPrivilege of
// the process; opening then at the descriptor, the privileges, the handle and the names in
// their order; the others at their names, then at the privileges (U-30 to U-36, U-42, U-43).
func TestOrderOfAlarms(t *testing.T) {
	s, mute := alarmWorld(t)
	by := map[bool]nt.Services{false: s, true: mute}
	type opening struct {
		nt.OpenObjectAuditAlarmIn
		mute bool
	}
	open := nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("t"),
		ObjectName: nt.Cap("o"), HandleID: nt.Cap(winnt.Handle(4)), Privileges: many(60),
		SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:"))}
	ladder(t, "NtOpenObjectAuditAlarm", opening{open, false}, func(in opening) ntstatus.Status {
		if in.mute && in.ClientToken == s.client {
			var st ntstatus.Status
			in.ClientToken, st = nt.NewThread(mute, "").NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
			want(t, "open", st, ntstatus.Success)
		}
		_, st := by[in.mute].NtOpenObjectAuditAlarm(in.OpenObjectAuditAlarmIn)
		return st
	}, []rung[opening]{
		{"the token", ntstatus.InvalidHandle, func(in *opening) { in.ClientToken = 0x7770 }},
		{"the privilege", ntstatus.PrivilegeNotHeld, func(in *opening) { in.mute = true }},
		{"the descriptor", unread(1), func(in *opening) { in.SecurityDescriptor.Status = unread(1) }},
		{"the privileges", ntstatus.InvalidParameter, func(in *opening) { in.Privileges = many(61) }},
		{"the handle", unread(2), func(in *opening) { in.HandleID.Status = unread(2) }},
		{"the subsystem", unread(3), func(in *opening) { in.SubsystemName.Status = unread(3) }},
		{"the type", unread(4), func(in *opening) { in.ObjectTypeName.Status = unread(4) }},
		{"the name", unread(5), func(in *opening) { in.ObjectName.Status = unread(5) }},
	})
	open.Privileges.Status = unread(6)
	_, st := s.NtOpenObjectAuditAlarm(open)
	want(t, "U-35: privileges that cannot be read", st, unread(6))
	open.SecurityDescriptor.V = nil
	_, st = s.NtOpenObjectAuditAlarm(open)
	want(t, "U-33: no descriptor", st, ntstatus.Success)

	object := nt.PrivilegeObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"), Privileges: many(60)}
	ladder(t, "NtPrivilegeObjectAuditAlarm", object, func(in nt.PrivilegeObjectAuditAlarmIn) ntstatus.Status {
		_, st := s.NtPrivilegeObjectAuditAlarm(in)
		return st
	}, []rung[nt.PrivilegeObjectAuditAlarmIn]{
		{"the token", ntstatus.InvalidHandle, func(in *nt.PrivilegeObjectAuditAlarmIn) { in.ClientToken = 0x7770 }},
		{"the subsystem", unread(1), func(in *nt.PrivilegeObjectAuditAlarmIn) { in.SubsystemName.Status = unread(1) }},
		{"the privileges", unread(2), func(in *nt.PrivilegeObjectAuditAlarmIn) { in.Privileges.Status = unread(2) }},
	})
	service := nt.PrivilegedServiceAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"),
		ServiceName: nt.Cap("t"), Privileges: many(1)}
	ladder(t, "NtPrivilegedServiceAuditAlarm", service, func(in nt.PrivilegedServiceAuditAlarmIn) ntstatus.Status {
		_, st := s.NtPrivilegedServiceAuditAlarm(in)
		return st
	}, []rung[nt.PrivilegedServiceAuditAlarmIn]{
		{"the token", ntstatus.InvalidHandle, func(in *nt.PrivilegedServiceAuditAlarmIn) { in.ClientToken = 0x7770 }},
		{"the subsystem", unread(1), func(in *nt.PrivilegedServiceAuditAlarmIn) { in.SubsystemName.Status = unread(1) }},
		{"the service", unread(2), func(in *nt.PrivilegedServiceAuditAlarmIn) { in.ServiceName.Status = unread(2) }},
		{"the privileges", ntstatus.InvalidParameter,
			func(in *nt.PrivilegedServiceAuditAlarmIn) { in.Privileges = many(61) }},
	})
	for name, call := range map[string]func(nt.Services, nt.CloseObjectAuditAlarmIn) ntstatus.Status{
		"close": func(s nt.Services, in nt.CloseObjectAuditAlarmIn) ntstatus.Status {
			_, st := s.NtCloseObjectAuditAlarm(in)
			return st
		},
		"delete": func(s nt.Services, in nt.CloseObjectAuditAlarmIn) ntstatus.Status {
			_, st := s.NtDeleteObjectAuditAlarm(in)
			return st
		},
	} {
		in := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("s"), GenerateOnClose: true}
		in.SubsystemName.Status = unread(1)
		want(t, name+" by one who may not", call(mute, in), ntstatus.PrivilegeNotHeld)
		want(t, name+" without a name", call(s, in), unread(1))
		in.GenerateOnClose = false
		want(t, name+" that is not asked for", call(mute, in), ntstatus.Success)
	}
}

// TestOrderOfRecordedChecks: a check that records looks at its type, the client of the thread,
// the size of the list, the mapping, the outputs, then at the token, the privilege, the generic
// rights, the descriptor, the names, the SID of the object itself and the list (U-45 to U-53).
func TestOrderOfRecordedChecks(t *testing.T) {
	s, mute := alarmWorld(t)
	type checking struct {
		nt.AccessCheckAndAuditAlarmByHandleIn
		mute bool
	}
	in := checking{AccessCheckAndAuditAlarmByHandleIn: nt.AccessCheckAndAuditAlarmByHandleIn{
		SubsystemName: nt.Cap("s"), ClientToken: s.client, ObjectTypeName: nt.Cap("t"), ObjectName: nt.Cap("o"),
		SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:")), DesiredAccess: 1,
		PrincipalSelfSid: nt.Cap(sid.SID{}),
		AuditType:        nt.AuditEventDirectoryServiceAccess,
		ObjectTypeList:   nt.Cap(make([]access.ObjectTypeEntry, 1)), GenericMapping: nt.Cap(winnt.GenericMapping{})}}
	typeRung := rung[checking]{"the audit type", ntstatus.InvalidParameter,
		func(in *checking) { in.AuditType = nt.AuditEventDirectoryServiceAccess + 1 }}
	sizeRung := rung[checking]{"the size of the list", ntstatus.InvalidParameter,
		func(in *checking) { in.ObjectTypeList.V = nil }}
	tokenRung := rung[checking]{"the token", ntstatus.InvalidHandle, func(in *checking) { in.ClientToken = 0x7770 }}
	rungs := []rung[checking]{
		{"the mapping", unread(1), func(in *checking) { in.GenericMapping.Status = unread(1) }},
		{"an output", unread(2), func(in *checking) { in.FaultOutputs = unread(2) }},
		{"the privilege", ntstatus.PrivilegeNotHeld, func(in *checking) { in.mute = true }},
		{"a generic right", ntstatus.GenericNotMapped, func(in *checking) { in.DesiredAccess |= winnt.GENERIC_READ }},
		{"the descriptor", unread(3), func(in *checking) { in.SecurityDescriptor.Status = unread(3) }},
		{"the subsystem", unread(4), func(in *checking) { in.SubsystemName.Status = unread(4) }},
		{"the type's name", unread(5), func(in *checking) { in.ObjectTypeName.Status = unread(5) }},
		{"the name", unread(6), func(in *checking) { in.ObjectName.Status = unread(6) }},
	}
	selfRung := rung[checking]{"the SID", unread(7), func(in *checking) { in.PrincipalSelfSid.Status = unread(7) }}
	listRung := rung[checking]{"the list", unread(8), func(in *checking) { in.ObjectTypeList.Status = unread(8) }}
	who := func(in *checking) nt.Services {
		if in.mute {
			return mute
		}
		return s
	}
	typed := func(in *checking) nt.AccessCheckByTypeAndAuditAlarmIn {
		return nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: in.SubsystemName, ObjectTypeName: in.ObjectTypeName,
			ObjectName: in.ObjectName, SecurityDescriptor: in.SecurityDescriptor, PrincipalSelfSid: in.PrincipalSelfSid,
			DesiredAccess: in.DesiredAccess, AuditType: in.AuditType, ObjectTypeList: in.ObjectTypeList,
			GenericMapping: in.GenericMapping, FaultOutputs: in.FaultOutputs}
	}
	ladder(t, "NtAccessCheckAndAuditAlarm", in, func(in checking) ntstatus.Status {
		_, st := who(&in).NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: in.SubsystemName,
			ObjectTypeName: in.ObjectTypeName, ObjectName: in.ObjectName, SecurityDescriptor: in.SecurityDescriptor,
			DesiredAccess: in.DesiredAccess, GenericMapping: in.GenericMapping, FaultOutputs: in.FaultOutputs})
		return st
	}, rungs)
	with := func(all ...[]rung[checking]) (out []rung[checking]) {
		for _, l := range all {
			out = append(out, l...)
		}
		return out
	}
	last := []rung[checking]{selfRung, listRung}
	ladder(t, "NtAccessCheckByTypeAndAuditAlarm", in, func(in checking) ntstatus.Status {
		_, st := who(&in).NtAccessCheckByTypeAndAuditAlarm(typed(&in))
		return st
	}, with([]rung[checking]{typeRung}, rungs, last))
	ladder(t, "NtAccessCheckByTypeResultListAndAuditAlarm", in, func(in checking) ntstatus.Status {
		_, st := who(&in).NtAccessCheckByTypeResultListAndAuditAlarm(typed(&in))
		return st
	}, with([]rung[checking]{typeRung}, rungs, last))
	ladder(t, "NtAccessCheckByTypeResultListAndAuditAlarmByHandle", in, func(in checking) ntstatus.Status {
		if in.mute && in.ClientToken == s.client {
			var st ntstatus.Status
			in.ClientToken, st = nt.NewThread(mute, "").NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
			want(t, "open", st, ntstatus.Success)
		}
		_, st := who(&in).NtAccessCheckByTypeResultListAndAuditAlarmByHandle(in.AccessCheckAndAuditAlarmByHandleIn)
		return st
	}, with([]rung[checking]{typeRung}, rungs[:2], []rung[checking]{tokenRung}, rungs[2:], last))

	for n, wanted := range map[int]ntstatus.Status{0: ntstatus.InvalidParameter, 1: unread(1),
		access.MaxObjectTypes: unread(1), access.MaxObjectTypes + 1: ntstatus.InvalidParameter} {
		sized := in
		sized.ObjectTypeList.V, sized.GenericMapping.Status = make([]access.ObjectTypeEntry, n), unread(1)
		_, st := s.NtAccessCheckByTypeResultListAndAuditAlarm(typed(&sized))
		want(t, "U-47: the size of the list", st, wanted)
		sizeRung.spoil(&sized)
		sized.ObjectTypeList.Status = unread(8)
		_, st = s.NtAccessCheckByTypeResultListAndAuditAlarm(typed(&sized))
		want(t, "U-47: a list that cannot be read has no size", st, unread(1))
	}
}
