package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The services that work on handles and objects of any type.

var _ = define(setup[*nt.QueryObjectIn]{
	names: []string{"NtQueryObject", "ZwQueryObject"},
	base: func(w *world) *nt.QueryObjectIn {
		return &nt.QueryObjectIn{Handle: w.handle(w.existing(2), 0), ObjectInformationClass: nt.ObjectBasicInformation,
			ObjectInformationLength: 56}
	},
	refusals: []refusal[*nt.QueryObjectIn]{
		{rule: "O-60", want: ntstatus.InvalidInfoClass, name: "class 9", takes: "class",
			inject: func(_ *world, in *nt.QueryObjectIn) { in.ObjectInformationClass = 9 }},
		{rule: "O-3", want: ntstatus.AccessViolation, name: "ReturnLength cannot be written", takes: "ReturnLength",
			needs: pointers, inject: func(_ *world, in *nt.QueryObjectIn) { in.FaultReturnLength = ntstatus.AccessViolation }},
		{rule: "O-60", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.QueryObjectIn) { in.Handle = noHandle }},
		{rule: "O-61", want: ntstatus.InfoLengthMismatch, name: "a length that is not that of the class", takes: "length",
			inject: func(_ *world, in *nt.QueryObjectIn) { in.ObjectInformationLength = 3 }},
		{rule: "O-61", want: ntstatus.InfoLengthMismatch, name: "a name that does not fit", takes: "class length Handle",
			inject: func(w *world, in *nt.QueryObjectIn) {
				w.event()
				in.ObjectInformationClass, in.ObjectInformationLength, in.Handle = nt.ObjectNameInformation, 16, w.handle(w.named,
					0)
			}},
	},
})

var _ = define(setup[*nt.SetInformationObjectIn]{
	names: []string{"NtSetInformationObject", "ZwSetInformationObject"},
	base: func(w *world) *nt.SetInformationObjectIn {
		return &nt.SetInformationObjectIn{Handle: w.handle(w.existing(2), 0),
			ObjectInformationClass: nt.ObjectHandleFlagInformation, ObjectInformationLength: 2}
	},
	refusals: []refusal[*nt.SetInformationObjectIn]{
		{rule: "O-63", want: ntstatus.InvalidInfoClass, name: "another class", takes: "class",
			inject: func(_ *world, in *nt.SetInformationObjectIn) { in.ObjectInformationClass = 0 }},
		{rule: "O-63", want: ntstatus.InfoLengthMismatch, name: "length 4", takes: "length",
			inject: func(_ *world, in *nt.SetInformationObjectIn) { in.ObjectInformationLength = 4 }},
		{rule: "O-3", want: ntstatus.AccessViolation, name: "the information unreadable", takes: "value", needs: pointers,
			inject: func(_ *world, in *nt.SetInformationObjectIn) { unreadable(&in.ObjectInformation) }},
		{rule: "O-63", want: ntstatus.InvalidHandle, name: "a pseudo handle", takes: "Handle",
			inject: func(_ *world, in *nt.SetInformationObjectIn) { in.Handle = winnt.NtCurrentProcess }},
	},
})

var _ = define(setup[*nt.CompareObjectsIn]{
	names: []string{"NtCompareObjects", "ZwCompareObjects"},
	base: func(w *world) *nt.CompareObjectsIn {
		return &nt.CompareObjectsIn{FirstObjectHandle: winnt.NtCurrentThread,
			SecondObjectHandle: w.handle(w.sys.ThreadObject(w.thread), 0)}
	},
	refusals: []refusal[*nt.CompareObjectsIn]{
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "FirstObjectHandle names nothing", takes: "first",
			inject: func(_ *world, in *nt.CompareObjectsIn) { in.FirstObjectHandle = noHandle }},
		{rule: "O-31", want: ntstatus.NotSameObject, name: "another object", takes: "second",
			inject: func(w *world, in *nt.CompareObjectsIn) { in.SecondObjectHandle = w.handle(w.other, 0) }},
	},
})

var _ = define(setup[*nt.MakeTemporaryObjectIn]{
	names: []string{"NtMakeTemporaryObject", "ZwMakeTemporaryObject"},
	base: func(w *world) *nt.MakeTemporaryObjectIn {
		return &nt.MakeTemporaryObjectIn{Handle: w.handle(w.existing(2), winnt.DELETE)}
	},
	refusals: []refusal[*nt.MakeTemporaryObjectIn]{
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.MakeTemporaryObjectIn) { in.Handle = noHandle }},
		{rule: "O-46", want: ntstatus.AccessDenied, of: ofHandle, name: "Handle without DELETE", takes: "Handle",
			needs: userOnly, inject: func(w *world, in *nt.MakeTemporaryObjectIn) {
				in.Handle = w.handle(w.existing(2), winnt.TOKEN_QUERY)
			}},
	},
})

var _ = define(setup[*nt.MakePermanentObjectIn]{
	names: []string{"NtMakePermanentObject", "ZwMakePermanentObject"},
	base: func(w *world) *nt.MakePermanentObjectIn {
		w.holding(winnt.SeCreatePermanentPrivilege)
		return &nt.MakePermanentObjectIn{Handle: w.handle(w.existing(2), 0)}
	},
	refusals: []refusal[*nt.MakePermanentObjectIn]{
		{rule: "O-46", want: ntstatus.PrivilegeNotHeld, name: "no SeCreatePermanentPrivilege", takes: "privilege",
			needs: userOnly, inject: func(w *world, _ *nt.MakePermanentObjectIn) { w.stranger() }},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.MakePermanentObjectIn) { in.Handle = noHandle }},
	},
})

var _ = define(setup[*nt.QuerySecurityObjectIn]{
	names: []string{"NtQuerySecurityObject", "ZwQuerySecurityObject"},
	base: func(w *world) *nt.QuerySecurityObjectIn {
		return &nt.QuerySecurityObjectIn{Handle: w.handle(w.existing(2), winnt.READ_CONTROL), SecurityInformation: 7,
			Length: 4096}
	},
	refusals: []refusal[*nt.QuerySecurityObjectIn]{
		{rule: "O-3", want: ntstatus.AccessViolation, name: "LengthNeeded cannot be written", takes: "needed",
			needs: pointers, inject: func(_ *world, in *nt.QuerySecurityObjectIn) {
				in.FaultLengthNeeded = ntstatus.AccessViolation
			}},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.QuerySecurityObjectIn) { in.Handle = noHandle }},
		{rule: "O-64", want: ntstatus.AccessDenied, of: ofHandle, name: "Handle without READ_CONTROL", takes: "Handle",
			needs: userOnly, inject: func(w *world, in *nt.QuerySecurityObjectIn) {
				in.Handle = w.handle(w.existing(2), winnt.TOKEN_QUERY)
			}},
		{rule: "O-64", want: ntstatus.BufferTooSmall, name: "Length 4", takes: "length",
			inject: func(_ *world, in *nt.QuerySecurityObjectIn) { in.Length = 4 }},
	},
	absent: []absence{{"I-130", "", "what a pipe answers depends on the conversation: transcript 30-pipes"}},
})

var _ = define(setup[*nt.SetSecurityObjectIn]{
	names: []string{"NtSetSecurityObject", "ZwSetSecurityObject"},
	base: func(w *world) *nt.SetSecurityObjectIn {
		return &nt.SetSecurityObjectIn{Handle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS), SecurityInformation: 4,
			SecurityDescriptor: nt.Cap(open())}
	},
	refusals: []refusal[*nt.SetSecurityObjectIn]{
		{rule: "O-65", want: ntstatus.AccessViolation, name: "SecurityDescriptor NULL", takes: "sd", needs: pointers,
			inject: func(_ *world, in *nt.SetSecurityObjectIn) { in.SecurityDescriptor.V = nil }},
		{rule: "O-65", want: ntstatus.InvalidSecurityDescr, when: "malformed", name: "a malformed descriptor", takes: "sd",
			inject: func(_ *world, in *nt.SetSecurityObjectIn) {
				in.SecurityDescriptor.Status = ntstatus.InvalidSecurityDescr
			}},
		{rule: "O-65", want: ntstatus.UnknownRevision, name: "another revision", takes: "sd",
			inject: func(_ *world, in *nt.SetSecurityObjectIn) { in.SecurityDescriptor.Status = ntstatus.UnknownRevision }},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.SetSecurityObjectIn) { in.Handle = noHandle }},
		{rule: "O-65", want: ntstatus.AccessDenied, of: ofHandle, when: "Handle does not grant",
			name:  "Handle without WRITE_DAC",
			takes: "Handle", needs: userOnly, inject: func(w *world, in *nt.SetSecurityObjectIn) {
				in.Handle = w.handle(w.existing(2), winnt.TOKEN_QUERY)
			}},
		{rule: "O-65", want: ntstatus.InvalidSecurityDescr, when: "has no owner or group, which",
			name:  "an owner to set and none given",
			takes: "sd info", inject: func(_ *world, in *nt.SetSecurityObjectIn) {
				in.SecurityInformation |= 1
				in.SecurityDescriptor.V = sd.New(sd.Parts{Control: sd.DACLPresent, Group: sid.Users, DACL: fullFor(sid.Everyone)})
			}},
		{rule: "O-65", want: ntstatus.NoSecurityOnObject, name: "an object without a descriptor", takes: "object",
			inject: func(w *world, _ *nt.SetSecurityObjectIn) {
				w.naked = true
				for _, t := range w.owned {
					t.SetSecurity(nil)
				}
			}},
		{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
			inject: func(w *world, _ *nt.SetSecurityObjectIn) { w.failing["se: descriptor"] = true }},
		{rule: "S-75", want: ntstatus.InvalidParameter, name: "a list protected and unprotected", takes: "info",
			inject: func(_ *world, in *nt.SetSecurityObjectIn) { in.SecurityInformation |= 0xA0000000 }},
		{rule: "S-61", want: ntstatus.InvalidOwner, name: "a foreign owner", takes: "sd info", needs: userOnly,
			inject: func(_ *world, in *nt.SetSecurityObjectIn) { in.SecurityInformation |= 1 }},
		{rule: "S-73", want: ntstatus.InvalidPrimaryGroup, name: "a backup without a group", takes: "Handle sd info",
			inject: func(w *world, in *nt.SetSecurityObjectIn) {
				in.Handle = w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY)
				in.SecurityInformation = nt.SecurityInformation(winnt.BACKUP_SECURITY_INFORMATION)
				in.SecurityDescriptor.V = sd.New(sd.Parts{Control: sd.DACLPresent, Owner: svcSID,
					DACL: fullFor(sid.Everyone)})
			}},
	},
	absent: []absence{{"O-81", "", "memory runs out between two looks at the object: internal/ntos/services"},
		{"I-130", "", "what a pipe answers depends on the conversation: transcript 30-pipes"},
		{"O-65", "a label", "a matter of the descriptor alone: transcript 40-security"}, {"O-65", "trust label",
			"a matter of the descriptor alone: transcript 40-security"},
		{"S-17", "", "a matter of the descriptor alone"},
		{"F-199", "", "it takes a file of a tree: tests of package hostfs"},
		{"U-64", "", "the log of these kernels keeps every record"}},
})

var _ = define(setup[*nt.DuplicateObjectIn]{
	names: []string{"NtDuplicateObject", "ZwDuplicateObject"},
	base: func(w *world) *nt.DuplicateObjectIn {
		self := w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS)
		return &nt.DuplicateObjectIn{SourceProcessHandle: self, SourceHandle: w.handle(w.existing(2), winnt.TOKEN_DUPLICATE),
			TargetProcessHandle: self, DesiredAccess: winnt.TOKEN_QUERY}
	},
	refusals: join(
		handles("O-31", "SourceProcessHandle", "SourceProcessHandle",
			func(in *nt.DuplicateObjectIn) *winnt.Handle { return &in.SourceProcessHandle }, func(w *world) winnt.Handle {
				return w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_DUP_HANDLE)
			}),
		handles("O-31", "TargetProcessHandle", "TargetProcessHandle",
			func(in *nt.DuplicateObjectIn) *winnt.Handle { return &in.TargetProcessHandle }, func(w *world) winnt.Handle {
				return w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_DUP_HANDLE)
			}),
		[]refusal[*nt.DuplicateObjectIn]{
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "no memory for the handle", takes: "memory",
				inject: func(w *world, _ *nt.DuplicateObjectIn) { w.failing["ob: handle"] = true }},
			{rule: "O-50", want: ntstatus.InvalidHandle, name: "SourceHandle names nothing", takes: "SourceHandle",
				inject: func(_ *world, in *nt.DuplicateObjectIn) { in.SourceHandle = noHandle }},
			{rule: "O-51", want: ntstatus.InvalidParameter, name: "no target", takes: "TargetProcessHandle",
				inject: func(_ *world, in *nt.DuplicateObjectIn) { in.TargetProcessHandle = 0 }},
			exclusiveInherited("attributes", func(in *nt.DuplicateObjectIn) *uint32 { return &in.HandleAttributes }),
			{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
				inject: func(_ *world, in *nt.DuplicateObjectIn) { in.DesiredAccess |= 0x00400000 }},
			{rule: "O-56", want: ntstatus.AccessDenied, of: ofHandle, when: "not checked again", name: "more rights on a file",
				takes: "SourceHandle", needs: userOnly, inject: func(w *world, in *nt.DuplicateObjectIn) {
					w.file("source", open())
					out, st := w.k.Zw().Services().NtOpenFile(nt.OpenFileIn{DesiredAccess: winnt.FILE_WRITE_DATA,
						ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: "source"})})
					if !st.IsSuccess() {
						panic("refusals: source: " + st.String())
					}
					in.SourceHandle = out.FileHandle
				}},
			{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
				takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.DuplicateObjectIn) {
					in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			caller[*nt.DuplicateObjectIn]("I-1"),
			{rule: "O-56", want: ntstatus.AccessDenied, of: ofCheck, when: "the access check refuses",
				name: "more rights than the token's DACL grants", takes: "sd", needs: userOnly, inject: func(w *world,
					_ *nt.DuplicateObjectIn) {
					for _, t := range w.owned {
						t.SetSecurity(closed())
					}
				}},
		}),
	absent: []absence{
		{"O-51", "protected", "closing the source is not a refusal of the duplication"},
		{"O-27", "not the target", "it takes an object that is exclusive to a second process"},
		{"O-47", "", "it takes a second process that has ended: transcript 10-duplicate"},
		{"O-82", "", "the limit of a table is millions of handles"},
	},
})
