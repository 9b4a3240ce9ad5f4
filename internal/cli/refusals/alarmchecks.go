package refusals

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The access checks that write audit records, and the alarms of closes and deletions.

type auditChecks interface {
	*nt.AccessCheckAndAuditAlarmIn | *nt.AccessCheckByTypeAndAuditAlarmIn | *nt.AccessCheckAndAuditAlarmByHandleIn
}

// auditCheckParts gives access to the parameters that all access checks with an audit record have. Each function
// returns a pointer into an input.
type auditCheckParts[I auditChecks] struct {
	d       func(I) *nt.Captured[*sd.Descriptor]
	name    func(I) *nt.Captured[string]
	mask    func(I) *winnt.AccessMask
	mapping func(I) *nt.Captured[winnt.GenericMapping]
	refusal func(I) *ntstatus.Status
}

// auditCheckRefusals returns the failures to inject into any access check with an audit record. p locates its
// parameters.
func auditCheckRefusals[I auditChecks](p auditCheckParts[I]) []refusal[I] {
	return []refusal[I]{
		{rule: "U-48", want: ntstatus.AccessViolation, name: "GenericMapping unreadable", takes: "mapping", needs: pointers,
			inject: func(_ *world, in I) { unreadable(p.mapping(in)) }},
		{rule: "U-48", want: ntstatus.AccessViolation, name: "an output unwritable", takes: "outputs", needs: pointers,
			inject: func(_ *world, in I) { *p.refusal(in) = ntstatus.AccessViolation }},
		{rule: "U-50", want: ntstatus.PrivilegeNotHeld, name: "no SeAuditPrivilege", takes: "privilege",
			inject: func(w *world, _ I) { w.stranger() }},
		{rule: "U-51", want: ntstatus.GenericNotMapped, name: "GENERIC_READ", takes: "desired.generic",
			inject: func(_ *world, in I) { *p.mask(in) |= winnt.GENERIC_READ }},
		{rule: "U-52", want: ntstatus.InvalidSecurityDescr, name: "no descriptor", takes: "sd",
			inject: func(_ *world, in I) { p.d(in).V = nil }},
		{rule: "U-36", want: ntstatus.AccessViolation, name: "a name that cannot be read", takes: "name", needs: pointers,
			inject: func(_ *world, in I) { unreadable(p.name(in)) }},
	}
}

// asClient returns the failures to inject that concern the impersonation of the thread, whose client is checked.
func asClient[I auditChecks]() []refusal[I] {
	return []refusal[I]{
		{rule: "U-46", want: ntstatus.NoImpersonationToken, name: "the thread does not impersonate", takes: "caller",
			inject: func(w *world, _ I) {
				w.late = append(w.late, func() { w.sys.KernelMode(w.thread).PsRevertToSelf() })
			}},
		{rule: "U-46", want: ntstatus.BadImpersonationLevel, name: "the thread impersonates at SecurityAnonymous",
			takes: "caller", inject: func(w *world, _ I) { w.callerAt(winnt.SecurityAnonymous) }},
	}
}

// auditTyped returns the failures to inject into an audited check with an object type list. The functions return
// pointers to its parameters. With list, the service returns a list of results, and an empty type list is one more
// failure.
func auditTyped[I auditChecks](typ func(I) *nt.AuditEventType, self func(I) *nt.Captured[sid.SID],
	types func(I) *nt.Captured[[]access.ObjectTypeEntry], list bool) []refusal[I] {
	f := []refusal[I]{
		{rule: "U-45", want: ntstatus.InvalidParameter, name: "AuditType 2", takes: "audit",
			inject: func(_ *world, in I) { *typ(in) = 2 }},
		{rule: "U-53", want: ntstatus.InvalidSID, name: "PrincipalSelfSid malformed", takes: "self",
			inject: func(_ *world, in I) { self(in).Status = ntstatus.InvalidSID }},
		{rule: "U-53", want: ntstatus.InvalidParameter, name: "two roots in the type list", takes: "types",
			inject: func(_ *world, in I) { *types(in) = badTypes() }},
	}
	if list {
		f = append(f,
			refusal[I]{rule: "U-47", want: ntstatus.InvalidParameter, name: "an empty type list", takes: "types",
				inject: func(_ *world, in I) {
					types(in).V = nil
				}})
	}
	return f
}

// auditClient gives the server SeAuditPrivilege and lets its thread impersonate a client.
func (w *world) auditClient() {
	w.auditor()
	w.callerAt(winnt.SecurityImpersonation)
}

var _ = define(setup[*nt.AccessCheckAndAuditAlarmIn]{
	names: []string{"NtAccessCheckAndAuditAlarm"},
	base: func(w *world) *nt.AccessCheckAndAuditAlarmIn {
		w.auditClient()
		return &nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("Storage"), HandleID: 4, ObjectTypeName: nt.Cap("File"),
			ObjectName:         nt.Cap("report"),
			SecurityDescriptor: nt.Cap(open()), DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: fileMapping()}
	},
	refusals: join(asClient[*nt.AccessCheckAndAuditAlarmIn](),
		auditCheckRefusals(auditCheckParts[*nt.AccessCheckAndAuditAlarmIn]{
			func(in *nt.AccessCheckAndAuditAlarmIn) *nt.Captured[*sd.Descriptor] { return &in.SecurityDescriptor },
			func(in *nt.AccessCheckAndAuditAlarmIn) *nt.Captured[string] { return &in.ObjectName },
			func(in *nt.AccessCheckAndAuditAlarmIn) *winnt.AccessMask { return &in.DesiredAccess },
			func(in *nt.AccessCheckAndAuditAlarmIn) *nt.Captured[winnt.GenericMapping] { return &in.GenericMapping },
			func(in *nt.AccessCheckAndAuditAlarmIn) *ntstatus.Status { return &in.FaultOutputs },
		})),
	absent: noLog,
})

var auditTypedParts = auditCheckParts[*nt.AccessCheckByTypeAndAuditAlarmIn]{
	func(in *nt.AccessCheckByTypeAndAuditAlarmIn) *nt.Captured[*sd.Descriptor] {
		return &in.SecurityDescriptor
	},
	func(in *nt.AccessCheckByTypeAndAuditAlarmIn) *nt.Captured[string] { return &in.SubsystemName },
	func(in *nt.AccessCheckByTypeAndAuditAlarmIn) *winnt.AccessMask { return &in.DesiredAccess },
	func(in *nt.AccessCheckByTypeAndAuditAlarmIn) *nt.Captured[winnt.GenericMapping] {
		return &in.GenericMapping
	},
	func(in *nt.AccessCheckByTypeAndAuditAlarmIn) *ntstatus.Status { return &in.FaultOutputs },
}

// defineAuditTyped registers a check with object types and an audit record. list says whether its result is a list. It
// returns what define returns.
func defineAuditTyped(name string, list bool) bool {
	type I = *nt.AccessCheckByTypeAndAuditAlarmIn
	return define(setup[I]{
		names: []string{name},
		base: func(w *world) I {
			w.auditClient()
			return &nt.AccessCheckByTypeAndAuditAlarmIn{
				SubsystemName: nt.Cap("Storage"), HandleID: 4, ObjectTypeName: nt.Cap("File"), ObjectName: nt.Cap("report"),
				SecurityDescriptor: nt.Cap(open()), DesiredAccess: winnt.FILE_READ_DATA, ObjectTypeList: goodTypes(),
				GenericMapping: fileMapping()}
		},
		refusals: join(asClient[I](), auditCheckRefusals(auditTypedParts),
			auditTyped(func(in I) *nt.AuditEventType { return &in.AuditType },
				func(in I) *nt.Captured[sid.SID] { return &in.PrincipalSelfSid },
				func(in I) *nt.Captured[[]access.ObjectTypeEntry] { return &in.ObjectTypeList }, list)),
		absent: noLog,
	})
}

var (
	_ = defineAuditTyped("NtAccessCheckByTypeAndAuditAlarm", false)
	_ = defineAuditTyped("NtAccessCheckByTypeResultListAndAuditAlarm", true)
)

var _ = define(setup[*nt.AccessCheckAndAuditAlarmByHandleIn]{
	names: []string{"NtAccessCheckByTypeResultListAndAuditAlarmByHandle"},
	base: func(w *world) *nt.AccessCheckAndAuditAlarmByHandleIn {
		w.auditor()
		return &nt.AccessCheckAndAuditAlarmByHandleIn{SubsystemName: nt.Cap("Storage"), HandleID: 4,
			ClientToken: w.handle(w.existing(2), winnt.TOKEN_QUERY), ObjectTypeName: nt.Cap("File"),
			ObjectName: nt.Cap("report"), SecurityDescriptor: nt.Cap(open()), DesiredAccess: winnt.FILE_READ_DATA,
			ObjectTypeList: goodTypes(), GenericMapping: fileMapping()}
	},
	refusals: join(
		handles("U-30", "ClientToken", "ClientToken",
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *winnt.Handle { return &in.ClientToken },
			func(w *world) winnt.Handle { return w.handle(w.existing(2), winnt.TOKEN_DUPLICATE) }),
		[]refusal[*nt.AccessCheckAndAuditAlarmByHandleIn]{
			{rule: "U-31", want: ntstatus.BadImpersonationLevel, name: "a token at SecurityAnonymous", takes: "ClientToken",
				inject: func(w *world, in *nt.AccessCheckAndAuditAlarmByHandleIn) {
					in.ClientToken = w.handle(w.existing(winnt.SecurityAnonymous), winnt.TOKEN_QUERY)
				}},
			{rule: "A-14", want: ntstatus.NoImpersonationToken, name: "a primary token", takes: "ClientToken",
				inject: func(w *world, in *nt.AccessCheckAndAuditAlarmByHandleIn) {
					in.ClientToken = w.handle(w.server.Object().PrimaryToken(), winnt.TOKEN_QUERY)
				}},
		},
		auditCheckRefusals(auditCheckParts[*nt.AccessCheckAndAuditAlarmByHandleIn]{
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.Captured[*sd.Descriptor] {
				return &in.SecurityDescriptor
			},
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.Captured[string] { return &in.ObjectTypeName },
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *winnt.AccessMask { return &in.DesiredAccess },
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.Captured[winnt.GenericMapping] {
				return &in.GenericMapping
			},
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *ntstatus.Status { return &in.FaultOutputs },
		}),
		auditTyped(func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.AuditEventType { return &in.AuditType },
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.Captured[sid.SID] { return &in.PrincipalSelfSid },
			func(in *nt.AccessCheckAndAuditAlarmByHandleIn) *nt.Captured[[]access.ObjectTypeEntry] {
				return &in.ObjectTypeList
			}, true)),
	absent: noLog,
})

var _ = define(setup[*nt.CloseObjectAuditAlarmIn]{
	names: []string{"NtCloseObjectAuditAlarm", "NtDeleteObjectAuditAlarm"},
	base: func(w *world) *nt.CloseObjectAuditAlarmIn {
		w.auditor()
		return &nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("Storage"), HandleID: 4, GenerateOnClose: true}
	},
	refusals: []refusal[*nt.CloseObjectAuditAlarmIn]{
		{rule: "U-40", want: ntstatus.Success, name: "GenerateOnClose FALSE", takes: "generate",
			inject: func(_ *world, in *nt.CloseObjectAuditAlarmIn) { in.GenerateOnClose = false }},
		{rule: "U-32", want: ntstatus.PrivilegeNotHeld, name: "no SeAuditPrivilege", takes: "privilege", needs: userOnly,
			inject: func(w *world, _ *nt.CloseObjectAuditAlarmIn) { w.stranger() }},
		{rule: "U-36", want: ntstatus.AccessViolation, name: "a name that cannot be read", takes: "name", needs: pointers,
			inject: func(_ *world, in *nt.CloseObjectAuditAlarmIn) { unreadable(&in.SubsystemName) }},
	},
	absent: noLog,
})
