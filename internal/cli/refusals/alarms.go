package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The audit alarms.

// auditor enables SeAuditPrivilege for the server's process, as an audited check requires.
func (w *world) auditor() { w.holding(winnt.SeAuditPrivilege) }

// tooMany returns a privilege set with more entries than an alarm accepts.
func tooMany() nt.Captured[*nt.PrivilegeSet] {
	return nt.Cap(&nt.PrivilegeSet{Privilege: make([]nt.LUIDAndAttributes, 61)})
}

// alarmRefusals returns the failures to inject that all alarm services share. The functions return pointers to the
// parameters of an input.
func alarmRefusals[I any](h func(I) *winnt.Handle, name func(I) *nt.Captured[string],
	set func(I) *nt.Captured[*nt.PrivilegeSet]) []refusal[I] {
	return join(
		handles("U-30", "ClientToken", "ClientToken", h,
			func(w *world) winnt.Handle { return w.handle(w.existing(2), winnt.TOKEN_DUPLICATE) }),
		[]refusal[I]{
			{rule: "U-30", want: ntstatus.InvalidHandle, name: "a pseudo handle, which only queries take (O-15)",
				takes: "ClientToken", inject: func(_ *world, in I) { *h(in) = winnt.NtCurrentProcessToken }},
			{rule: "U-31", want: ntstatus.BadImpersonationLevel, name: "a token at SecurityAnonymous", takes: "ClientToken",
				inject: func(w *world, in I) {
					*h(in) = w.handle(w.existing(winnt.SecurityAnonymous), winnt.TOKEN_QUERY)
				}},
			{rule: "U-32", want: ntstatus.PrivilegeNotHeld, name: "no SeAuditPrivilege", takes: "privilege", needs: userOnly,
				inject: func(w *world, _ I) { w.stranger() }},
			{rule: "U-35", want: ntstatus.InvalidParameter, name: "61 privileges", takes: "set",
				inject: func(_ *world, in I) { *set(in) = tooMany() }},
			{rule: "U-36", want: ntstatus.AccessViolation, name: "a name that cannot be read", takes: "name", needs: pointers,
				inject: func(_ *world, in I) { unreadable(name(in)) }},
		})
}

var noLog = []absence{{"U-64", "", "the log of these kernels keeps every record"}}

var _ = define(setup[*nt.PrivilegedServiceAuditAlarmIn]{
	names: []string{"NtPrivilegedServiceAuditAlarm"},
	base: func(w *world) *nt.PrivilegedServiceAuditAlarmIn {
		w.auditor()
		return &nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("Security"), ServiceName: nt.Cap("service"),
			ClientToken: w.handle(w.existing(2), winnt.TOKEN_QUERY),
			Privileges:  nt.Cap(&nt.PrivilegeSet{Privilege: privileges(winnt.SeTcbPrivilege)}), AccessGranted: true}
	},
	refusals: alarmRefusals(
		func(in *nt.PrivilegedServiceAuditAlarmIn) *winnt.Handle { return &in.ClientToken },
		func(in *nt.PrivilegedServiceAuditAlarmIn) *nt.Captured[string] { return &in.ServiceName },
		func(in *nt.PrivilegedServiceAuditAlarmIn) *nt.Captured[*nt.PrivilegeSet] { return &in.Privileges }),
	absent: noLog,
})

var _ = define(setup[*nt.PrivilegeObjectAuditAlarmIn]{
	names: []string{"NtPrivilegeObjectAuditAlarm"},
	base: func(w *world) *nt.PrivilegeObjectAuditAlarmIn {
		w.auditor()
		return &nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("Storage"), HandleID: 4,
			ClientToken: w.handle(w.existing(2), winnt.TOKEN_QUERY), DesiredAccess: winnt.ACCESS_SYSTEM_SECURITY,
			Privileges: nt.Cap(&nt.PrivilegeSet{Privilege: privileges(winnt.SeSecurityPrivilege)}), AccessGranted: true}
	},
	refusals: alarmRefusals(
		func(in *nt.PrivilegeObjectAuditAlarmIn) *winnt.Handle { return &in.ClientToken },
		func(in *nt.PrivilegeObjectAuditAlarmIn) *nt.Captured[string] { return &in.SubsystemName },
		func(in *nt.PrivilegeObjectAuditAlarmIn) *nt.Captured[*nt.PrivilegeSet] { return &in.Privileges }),
	absent: noLog,
})

var _ = define(setup[*nt.OpenObjectAuditAlarmIn]{
	names: []string{"NtOpenObjectAuditAlarm"},
	base: func(w *world) *nt.OpenObjectAuditAlarmIn {
		w.auditor()
		return &nt.OpenObjectAuditAlarmIn{SubsystemName: nt.Cap("Storage"), HandleID: nt.Cap(winnt.Handle(4)),
			ObjectTypeName: nt.Cap("File"), ObjectName: nt.Cap("report"),
			SecurityDescriptor: nt.Cap(open()), ClientToken: w.handle(w.existing(2),
				winnt.TOKEN_QUERY), DesiredAccess: winnt.FILE_READ_DATA, GrantedAccess: winnt.FILE_READ_DATA,
			Privileges: nt.Cap(&nt.PrivilegeSet{}), AccessGranted: true}
	},
	refusals: join(alarmRefusals(
		func(in *nt.OpenObjectAuditAlarmIn) *winnt.Handle { return &in.ClientToken },
		func(in *nt.OpenObjectAuditAlarmIn) *nt.Captured[string] { return &in.ObjectTypeName },
		func(in *nt.OpenObjectAuditAlarmIn) *nt.Captured[*nt.PrivilegeSet] { return &in.Privileges }),
		[]refusal[*nt.OpenObjectAuditAlarmIn]{
			{rule: "U-33", want: ntstatus.Success, name: "SecurityDescriptor NULL", takes: "sd",
				inject: func(_ *world, in *nt.OpenObjectAuditAlarmIn) { in.SecurityDescriptor.V = nil }},
			{rule: "U-34", want: ntstatus.InvalidSecurityDescr, name: "a malformed descriptor", takes: "sd",
				inject: func(_ *world, in *nt.OpenObjectAuditAlarmIn) {
					in.SecurityDescriptor.Status = ntstatus.InvalidSecurityDescr
				}},
		}),
	absent: noLog,
})
