package services_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestAlarmsCheckTheirInputInOrder checks the order of the checks: the client's token, its level, and
// SeAuditPrivilege of the process. The open alarm then checks descriptor, privileges, handle and names. The others
// check their names and then the privileges (U-30 to U-36, U-42, U-43).
func TestAlarmsCheckTheirInputInOrder(t *testing.T) {
	s, mute := alarmWorld(t)
	by := map[bool]nt.Services{false: s, true: mute}
	type opening struct {
		nt.OpenObjectAuditAlarmIn
		mute bool
	}
	open := nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("t"),
		ObjectName: nt.Cap("o"), HandleID: nt.Cap(winnt.Handle(4)), Privileges: tcbSet(60),
		SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:"))}
	checkOrder(t, "NtOpenObjectAuditAlarm", opening{open, false}, func(in opening) ntstatus.Status {
		if in.mute && in.ClientToken == s.client {
			var st ntstatus.Status
			in.ClientToken, st = nt.NewThread(mute, "").NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY,
				true)
			want(t, "open", st, ntstatus.Success)
		}
		return check.Status(by[in.mute].NtOpenObjectAuditAlarm(in.OpenObjectAuditAlarmIn))
	}, []rung[opening]{
		{"the token", ntstatus.InvalidHandle, func(in *opening) { in.ClientToken = 0x7770 }},
		{"the privilege", ntstatus.PrivilegeNotHeld, func(in *opening) { in.mute = true }},
		{"the descriptor", unread(1), func(in *opening) { in.SecurityDescriptor.Status = unread(1) }},
		{"the privileges", ntstatus.InvalidParameter, func(in *opening) { in.Privileges = tcbSet(61) }},
		{"the handle", unread(2), func(in *opening) { in.HandleID.Status = unread(2) }},
		{"the subsystem", unread(3), func(in *opening) { in.SubsystemName.Status = unread(3) }},
		{"the type", unread(4), func(in *opening) { in.ObjectTypeName.Status = unread(4) }},
		{"the name", unread(5), func(in *opening) { in.ObjectName.Status = unread(5) }},
	})
	open.Privileges.Status = unread(6)
	want(t, "U-35: privileges that cannot be read", check.Status(s.NtOpenObjectAuditAlarm(open)), unread(6))
	open.SecurityDescriptor.V = nil
	want(t, "U-33: no descriptor", check.Status(s.NtOpenObjectAuditAlarm(open)), ntstatus.Success)

	object := nt.PrivilegeObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"), Privileges: tcbSet(60)}
	checkOrder(t, "NtPrivilegeObjectAuditAlarm", object, func(in nt.PrivilegeObjectAuditAlarmIn) ntstatus.Status {
		return check.Status(s.NtPrivilegeObjectAuditAlarm(in))
	}, []rung[nt.PrivilegeObjectAuditAlarmIn]{
		{"the token", ntstatus.InvalidHandle, func(in *nt.PrivilegeObjectAuditAlarmIn) { in.ClientToken = 0x7770 }},
		{"the subsystem", unread(1), func(in *nt.PrivilegeObjectAuditAlarmIn) { in.SubsystemName.Status = unread(1) }},
		{"the privileges", unread(2), func(in *nt.PrivilegeObjectAuditAlarmIn) { in.Privileges.Status = unread(2) }},
	})
	service := nt.PrivilegedServiceAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("s"),
		ServiceName: nt.Cap("t"), Privileges: tcbSet(1)}
	checkOrder(t, "NtPrivilegedServiceAuditAlarm", service, func(in nt.PrivilegedServiceAuditAlarmIn) ntstatus.Status {
		return check.Status(s.NtPrivilegedServiceAuditAlarm(in))
	}, []rung[nt.PrivilegedServiceAuditAlarmIn]{
		{"the token", ntstatus.InvalidHandle, func(in *nt.PrivilegedServiceAuditAlarmIn) { in.ClientToken = 0x7770 }},
		{"the subsystem", unread(1), func(in *nt.PrivilegedServiceAuditAlarmIn) { in.SubsystemName.Status = unread(1) }},
		{"the service", unread(2), func(in *nt.PrivilegedServiceAuditAlarmIn) { in.ServiceName.Status = unread(2) }},
		{"the privileges", ntstatus.InvalidParameter,
			func(in *nt.PrivilegedServiceAuditAlarmIn) { in.Privileges = tcbSet(61) }},
	})
}

// The record of an alarm names every valid privilege of its set, each once (U-35, U-42, U-43).
func TestAlarmRecordsEachPrivilegeOnce(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{FullPrivilegeAuditing: true})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	set := &nt.PrivilegeSet{}
	for _, p := range []winnt.Privilege{winnt.SeTcbPrivilege, winnt.FirstPrivilege, winnt.LastPrivilege,
		winnt.LastPrivilege + 1, winnt.SeTcbPrivilege, winnt.SeDebugPrivilege} {
		set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: winnt.LUID(p)})
	}
	set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: 1<<32 + winnt.SeBackupPrivilege.LUID()},
		nt.LUIDAndAttributes{LUID: 256 + winnt.SeBackupPrivilege.LUID()}, nt.LUIDAndAttributes{})
	given := nt.Cap(set)
	drain(m)
	for name, call := range map[string]func() ntstatus.Status{
		"object": func() ntstatus.Status {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ClientToken: s.client, Privileges: given, AccessGranted: true})
			return st
		},
		"service": func() ntstatus.Status {
			_, st := s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ServiceName: nt.Cap("svc"), ClientToken: s.client, Privileges: given, AccessGranted: true})
			return st
		},
		"open": func() ntstatus.Status {
			_, st := s.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("sub"),
				ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), DesiredAccess: 1, GrantedAccess: 1,
				AccessGranted: true, SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:SYD:")), Privileges: given})
			return st
		},
	} {
		want(t, name, call(), ntstatus.Success)
		const all = "SeCreateTokenPrivilege SeTcbPrivilege SeDebugPrivilege SeDelegateSessionUserImpersonatePrivilege"
		for _, text := range fieldsOf(m, "PrivilegeList") {
			check.That(t, sameWords([]string{text[5:]}, all),
				"alarm of kind %s: the record names privileges %s, want %s", name, text[5:], all)
		}
	}
}

// Each field of an alarm's record comes from the server's input, the client of the handle and the server's process.
// It never comes from the account that the thread impersonates (U-20, U-37, U-40, U-41, U-42, U-43).
func TestAlarmRecordsNameClientAndServer(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	primary := " PrimaryUserSid=" + svc
	object := " ObjectServer=sub ObjectType=Event ObjectName=obj"
	open := nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("sub"),
		ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), HandleID: nt.Cap(winnt.Handle(0x44)),
		DesiredAccess: 3, GrantedAccess: 1, AccessGranted: true, SecurityDescriptor: nt.Cap(sddl.MustParse(sample)),
		Privileges: tcb}
	refused := open
	refused.AccessGranted, refused.GrantedAccess, refused.DesiredAccess = false, 0, 1
	unasked := open
	unasked.GrantedAccess = 2
	alarm := func(in nt.OpenObjectAuditAlarmIn) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			out, st := s.NtOpenObjectAuditAlarm(in)
			return out.GenerateOnClose, st
		}
	}
	used := func(granted bool) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				HandleID: 0x48, ClientToken: s.client, DesiredAccess: 0x20, Privileges: tcb, AccessGranted: granted})
			return false, st
		}
	}
	called := func(granted bool) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			_, st := s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ServiceName: nt.Cap("svc"), ClientToken: s.client, Privileges: tcb, AccessGranted: granted})
			return false, st
		}
	}
	for name, c := range map[string]struct {
		do    func() (bool, ntstatus.Status)
		close bool
		want  []string
	}{
		"open": {alarm(open), true, []string{
			"4656" + s.who + object + " HandleId=0x44 AccessMask=0x1 PrivilegeList=SeTcbPrivilege" + s.by + primary,
			"4674" + s.who + object + " HandleId=0x44 AccessMask=%%4384,%%4385 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"open refused": {alarm(refused), false, []string{
			"4656 F" + s.who + object + " HandleId=0x0 AccessMask=0x1 PrivilegeList=SeTcbPrivilege" + s.by + primary,
			"4674 F" + s.who + object + " HandleId=0x0 AccessMask=%%4384 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"open without audit entry": {alarm(unasked), false, []string{
			"4674" + s.who + object + " HandleId=0x44 AccessMask=%%4384,%%4385 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"object": {used(true), false, []string{"4674" + s.who +
			" ObjectServer=sub HandleId=0x48 AccessMask=32 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"object refused": {used(false), false, []string{"4674 F" + s.who +
			" ObjectServer=sub HandleId=0x48 AccessMask=32 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"service": {called(true), false, []string{"4673" + s.who +
			" ObjectServer=sub Service=svc PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"service refused": {called(false), false, []string{"4673 F" + s.who +
			" ObjectServer=sub Service=svc PrivilegeList=SeTcbPrivilege" + s.by + primary}},
	} {
		drain(m)
		close, st := c.do()
		got := drain(m)
		check.That(t, st == ntstatus.Success && close == c.close && slices.Equal(got, c.want),
			"%s: %v, record at close %v, records\n%s\nwant success, record at close %v, records\n%s", name, st, close,
			strings.Join(got, "\n"), c.close, strings.Join(c.want, "\n"))
	}
}
