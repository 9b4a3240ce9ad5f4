package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// The services about handles, processes, threads and files, and the Ob*
// routines.

var _ = define(setup[*nt.CloseIn]{
	names: []string{"NtClose", "ZwClose"},
	base:  func(w *world) *nt.CloseIn { return &nt.CloseIn{Handle: w.handle(w.existing(2), winnt.TOKEN_QUERY)} },
	refusals: []refusal[*nt.CloseIn]{
		{rule: "O-40", want: ntstatus.InvalidHandle, name: "no such handle", takes: "Handle",
			inject: func(_ *world, in *nt.CloseIn) { in.Handle = noHandle }},
		{rule: "O-42", want: ntstatus.HandleNotClosable, name: "protected from close", takes: "Handle",
			inject: func(w *world, in *nt.CloseIn) { in.Handle = w.protected(w.existing(2)) }},
	},
	absent: []absence{{"O-41", "", notARefusal}},
})

// everyBitKnown: every unreserved bit is a right of processes and threads.
var everyBitKnown = []absence{{"O-21", "", "each bit that is not reserved is a right of the type"}}

type byID interface {
	*nt.OpenProcessIn | *nt.OpenThreadIn
}

// openByID returns the failures to inject into NtOpenProcess and NtOpenThread. The functions return pointers to their
// parameters, and unknown is a right that the type does not have.
func openByID[I byID](mask func(I) *winnt.AccessMask, unknown winnt.AccessMask,
	oa func(I) *nt.Captured[*nt.ObjectAttributes], id func(I) *nt.Captured[*nt.ClientID],
	target func(*world) ob.Object) []refusal[I] {
	return join(
		desired(mask, unknown),
		[]refusal[I]{
			{rule: "O-3", want: ntstatus.AccessViolation, name: "ObjectAttributes unreadable", takes: "oa", needs: pointers,
				inject: func(_ *world, in I) { unreadable(oa(in)) }},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "ClientId unreadable", takes: "id", needs: pointers,
				inject: func(_ *world, in I) { unreadable(id(in)) }},
			{rule: "O-37", want: ntstatus.AccessViolation, name: "ObjectAttributes NULL", takes: "oa",
				inject: func(_ *world, in I) { *oa(in) = nt.Captured[*nt.ObjectAttributes]{} }},
			{rule: "O-22", want: ntstatus.InvalidParameter, when: "unknown attribute bits", name: "unknown attribute bits",
				takes: "oa.attributes.unknown", inject: func(_ *world, in I) { oaOf(oa(in)).Attributes |= 0x8000 }},
			{rule: "O-22", want: ntstatus.InvalidParameter, when: "wrong Length", name: "ObjectAttributes of a wrong Length",
				takes: "oa", needs: pointers, inject: func(_ *world, in I) { oa(in).Status = ntstatus.InvalidParameter }},
			exclusiveInherited("oa.attributes", func(in I) *uint32 {
				return &oaOf(oa(in)).Attributes
			}),
			{rule: "O-37", want: ntstatus.InvalidParameterMix, name: "name and id", takes: "oa.name id.given",
				inject: func(_ *world, in I) { oaOf(oa(in)).ObjectName = `\x` }},
			{rule: "O-37", want: ntstatus.InvalidCid, name: "an id that no object has", takes: "id.value",
				inject: func(_ *world, in I) {
					id(in).V = &nt.ClientID{UniqueProcess: 0x7FFC, UniqueThread: 0x7FFC}
				}},
			{rule: "O-22", want: ntstatus.InvalidParameter, when: "the type does not support", name: "OBJ_PERMANENT",
				takes: "oa.attributes.permanent", inject: func(_ *world, in I) { oaOf(oa(in)).Attributes |= winnt.OBJ_PERMANENT }},
			caller[I]("I-1"),
			{rule: "O-33", want: ntstatus.AccessDenied, of: ofCheck, name: "the descriptor refuses", takes: "sd",
				needs: userOnly, inject: func(w *world, _ I) { target(w).Head().SetSecurity(closed()) }},
		})
}

var _ = define(setup[*nt.OpenProcessIn]{
	names: []string{"NtOpenProcess", "ZwOpenProcess"},
	base: func(w *world) *nt.OpenProcessIn {
		w.server.Object().SetSecurity(open())
		return &nt.OpenProcessIn{DesiredAccess: winnt.PROCESS_QUERY_INFORMATION,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ClientID: nt.Cap(&nt.ClientID{UniqueProcess: w.server.ID()})}
	},
	refusals: openByID(
		func(in *nt.OpenProcessIn) *winnt.AccessMask { return &in.DesiredAccess }, 0,
		func(in *nt.OpenProcessIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		func(in *nt.OpenProcessIn) *nt.Captured[*nt.ClientID] { return &in.ClientID },
		func(w *world) ob.Object { return w.server.Object() }),
	absent: everyBitKnown,
})

var _ = define(setup[*nt.OpenThreadIn]{
	names: []string{"NtOpenThread", "ZwOpenThread"},
	base: func(w *world) *nt.OpenThreadIn {
		w.other.SetSecurity(open())
		return &nt.OpenThreadIn{DesiredAccess: winnt.THREAD_QUERY_INFORMATION,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ClientID: nt.Cap(&nt.ClientID{UniqueThread: w.other.ID()})}
	},
	refusals: openByID(
		func(in *nt.OpenThreadIn) *winnt.AccessMask { return &in.DesiredAccess }, 0,
		func(in *nt.OpenThreadIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		func(in *nt.OpenThreadIn) *nt.Captured[*nt.ClientID] { return &in.ClientID },
		func(w *world) ob.Object { return w.other }),
	absent: everyBitKnown,
})

// file creates a file in this world.
func (w *world) file(name string, d *sd.Descriptor) {
	if err := w.sys.CreateFile(name, d); err != nil {
		panic("refusals: " + err.Error())
	}
}

// folder returns a handle to a new directory that has an object of another type, a job, under the name. The world
// removes the directory at its end. It panics if that cannot be made.
func (w *world) folder(name string) winnt.Handle {
	d := ob.NewDirectory(open(), 0)
	if st := d.Insert(name, w.anotherType(), false); !st.IsSuccess() {
		panic("refusals: folder: " + st.String())
	}
	w.drop = append(w.drop, func() {
		d.Clear()
		d.Deref(ob.TagCall)
	})
	return w.handle(d, winnt.DIRECTORY_ALL_ACCESS)
}

var _ = define(setup[*nt.OpenFileIn]{
	names: []string{"NtOpenFile", "ZwOpenFile"},
	base: func(w *world) *nt.OpenFileIn {
		w.file("report", open())
		w.file("payroll", closed())
		return &nt.OpenFileIn{DesiredAccess: winnt.FILE_READ_DATA,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: "report"})}
	},
	refusals: join(
		desired(func(in *nt.OpenFileIn) *winnt.AccessMask { return &in.DesiredAccess }, 0x200),
		[]refusal[*nt.OpenFileIn]{
			{rule: "O-3", want: ntstatus.AccessViolation, name: "ObjectAttributes unreadable", takes: "oa", needs: pointers,
				inject: func(_ *world, in *nt.OpenFileIn) { unreadable(&in.ObjectAttributes) }},
			{rule: "O-22", want: ntstatus.InvalidParameter, when: "unknown attribute bits", name: "unknown attribute bits",
				takes:  "oa.attributes.unknown",
				inject: func(_ *world, in *nt.OpenFileIn) { in.ObjectAttributes.V.Attributes |= 0x8000 }},
			exclusiveInherited("oa.attributes", func(in *nt.OpenFileIn) *uint32 {
				return &oaOf(&in.ObjectAttributes).Attributes
			}),
			{rule: "O-22", want: ntstatus.InvalidHandle, name: "RootDirectory names nothing", takes: "oa.root",
				inject: func(_ *world, in *nt.OpenFileIn) { in.ObjectAttributes.V.RootDirectory = noHandle }},
			{rule: "O-22", want: ntstatus.ObjectTypeMismatch, name: "RootDirectory of another type", takes: "oa.root",
				inject: func(w *world, in *nt.OpenFileIn) {
					in.ObjectAttributes.V.RootDirectory = w.handle(w.anotherType(), 0)
				}},
			{rule: "O-23", want: ntstatus.ObjectNameInvalid, name: "an empty component", takes: "oa.name",
				inject: func(_ *world, in *nt.OpenFileIn) { in.ObjectAttributes.V.ObjectName = "" }},
			{rule: "O-23", want: ntstatus.ObjectNameNotFound, name: "no object of that name", takes: "oa.name",
				inject: func(_ *world, in *nt.OpenFileIn) { in.ObjectAttributes.V.ObjectName = "nothing" }},
			{rule: "O-23", want: ntstatus.ObjectTypeMismatch, name: "the name of another type", takes: "oa.name oa.root",
				inject: func(w *world, in *nt.OpenFileIn) {
					in.ObjectAttributes.V.ObjectName, in.ObjectAttributes.V.RootDirectory = "job", w.folder("job")
				}},
			caller[*nt.OpenFileIn]("I-1"),
			{rule: "O-33", want: ntstatus.AccessDenied, of: ofCheck, name: "the descriptor refuses", takes: "oa.name",
				needs: userOnly, inject: func(_ *world, in *nt.OpenFileIn) { in.ObjectAttributes.V.ObjectName = "payroll" }},
			{rule: "T-142", want: ntstatus.AccessDenied, name: "against the pipe's directions", takes: "oa.name",
				inject: func(w *world, in *nt.OpenFileIn) {
					_, st := w.zw().NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_WRITE_DATA,
						ObjectAttributes: oaNamed(pipeName, open()), ShareAccess: winnt.FILE_SHARE_WRITE})
					check(st, "a pipe to write to")
					in.ObjectAttributes.V.ObjectName = pipeName
				}},
		}),
	absent: []absence{
		{"O-23", "below a RootDirectory",
			"the walk of every open by name: see the services that make and open named objects"},
		{"O-23", "directory on the path", "the walk of every open by name"},
		{"O-24", "", "the walk of every open by name: transcript 10-names"},
	},
})

var _ = define(setup[*nt.SetInformationThreadIn]{
	names: []string{"NtSetInformationThread", "ZwSetInformationThread"},
	base: func(w *world) *nt.SetInformationThreadIn {
		return &nt.SetInformationThreadIn{ThreadHandle: w.handle(w.other, winnt.THREAD_ALL_ACCESS),
			ThreadInformationClass: nt.ThreadImpersonationToken,
			ThreadInformation:      nt.Cap(w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS)), ThreadInformationLength: 8}
	},
	refusals: join(
		handles("O-31", "ThreadHandle", "ThreadHandle",
			func(in *nt.SetInformationThreadIn) *winnt.Handle { return &in.ThreadHandle }, func(w *world) winnt.Handle {
				return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_SET_THREAD_TOKEN)
			}),
		handles("O-31", "token handle", "token",
			func(in *nt.SetInformationThreadIn) *winnt.Handle { return &in.ThreadInformation.V }, func(w *world) winnt.Handle {
				return w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_IMPERSONATE)
			}),
		[]refusal[*nt.SetInformationThreadIn]{
			{rule: "I-70", want: ntstatus.InvalidInfoClass, name: "another class", takes: "class",
				inject: func(_ *world, in *nt.SetInformationThreadIn) { in.ThreadInformationClass = 6 }},
			{rule: "I-70", want: ntstatus.InfoLengthMismatch, name: "length 4", takes: "length",
				inject: func(_ *world, in *nt.SetInformationThreadIn) { in.ThreadInformationLength = 4 }},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "ThreadInformation unreadable", takes: "token", needs: pointers,
				inject: func(_ *world, in *nt.SetInformationThreadIn) { unreadable(&in.ThreadInformation) }},
			{rule: "I-70", want: ntstatus.BadTokenType, name: "a primary token", takes: "token",
				inject: func(w *world, in *nt.SetInformationThreadIn) {
					in.ThreadInformation.V = w.handle(w.server.Object().PrimaryToken(), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "I-41", want: ntstatus.NoMemory, name: "memory runs out", takes: "memory",
				inject: func(w *world, _ *nt.SetInformationThreadIn) { w.failing["ps: impersonation record"] = true }},
			{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the token", takes: "job",
				inject: func(w *world, _ *nt.SetInformationThreadIn) { w.job() }},
			{rule: "I-43", want: ntstatus.InsufficientResources, name: "the copy of a demotion fails", takes: "decision",
				inject: func(w *world, _ *nt.SetInformationThreadIn) {
					w.stranger()
					w.failing["se: copy token"] = true
				}},
			{rule: "I-43", want: ntstatus.Success, when: "may only identify", name: "the server lacks SeImpersonatePrivilege",
				takes: "decision", inject: func(w *world, _ *nt.SetInformationThreadIn) { w.stranger() }},
		}),
})

var _ = define(setup[*kernel.ObReferenceObjectByHandleIn]{
	names: []string{"ObReferenceObjectByHandle"},
	base: func(w *world) *kernel.ObReferenceObjectByHandleIn {
		return &kernel.ObReferenceObjectByHandleIn{Handle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS),
			DesiredAccess: winnt.TOKEN_QUERY, ObjectType: winnt.TokenObject, AccessMode: kernel.UserMode}
	},
	settle: func(w *world, out any) {
		if o := out.(kernel.ObReferenceObjectByHandleOut).Object; o != nil {
			o.Head().Deref(ob.TagContext)
		}
	},
	refusals: []refusal[*kernel.ObReferenceObjectByHandleIn]{
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *kernel.ObReferenceObjectByHandleIn) { in.Handle = noHandle }},
		{rule: "O-31", want: ntstatus.ObjectTypeMismatch, name: "another type", takes: "type",
			inject: func(_ *world, in *kernel.ObReferenceObjectByHandleIn) { in.ObjectType = winnt.ThreadObject }},
		{rule: "O-31", want: ntstatus.AccessDenied, name: "a right the handle lacks", takes: "access",
			inject: func(_ *world, in *kernel.ObReferenceObjectByHandleIn) { in.DesiredAccess |= winnt.SYNCHRONIZE }},
	},
})

var _ = define(setup[*kernel.ObOpenObjectByPointerIn]{
	names: []string{"ObOpenObjectByPointer"},
	base: func(w *world) *kernel.ObOpenObjectByPointerIn {
		return &kernel.ObOpenObjectByPointerIn{Object: w.existing(2), DesiredAccess: winnt.TOKEN_QUERY,
			ObjectType: winnt.TokenObject, AccessMode: kernel.UserMode}
	},
	refusals: func() []refusal[*kernel.ObOpenObjectByPointerIn] {
		list := join(
			desired(func(in *kernel.ObOpenObjectByPointerIn) *winnt.AccessMask { return &in.DesiredAccess }, 0x200),
			[]refusal[*kernel.ObOpenObjectByPointerIn]{
				{rule: "O-33", want: ntstatus.ObjectTypeMismatch, name: "another type", takes: "type",
					inject: func(_ *world, in *kernel.ObOpenObjectByPointerIn) { in.ObjectType = winnt.ThreadObject }},
				{rule: "O-33", want: ntstatus.ObjectTypeMismatch, name: "no type, for UserMode", takes: "type",
					inject: func(_ *world, in *kernel.ObOpenObjectByPointerIn) { in.ObjectType = nil }},
				{rule: "O-33", want: ntstatus.InvalidParameter, name: "OBJ_OPENLINK", takes: "attributes.link",
					inject: func(_ *world, in *kernel.ObOpenObjectByPointerIn) { in.HandleAttributes |= winnt.OBJ_OPENLINK }},
				exclusiveInherited("attributes", func(in *kernel.ObOpenObjectByPointerIn) *uint32 { return &in.HandleAttributes }),
				{rule: "O-33", want: ntstatus.AccessDenied, of: ofCheck, when: "does not grant DesiredAccess",
					name:  "the descriptor refuses",
					takes: "sd", inject: func(_ *world, in *kernel.ObOpenObjectByPointerIn) {
						in.Object.Head().SetSecurity(closed())
					}},
				caller[*kernel.ObOpenObjectByPointerIn]("I-1"),
			})
		for i := range list { // the mode is a parameter here, and it is UserMode
			if list[i].needs == userOnly {
				list[i].needs = anyMode
			}
		}
		return list
	}(),
})
