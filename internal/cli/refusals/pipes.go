package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The services of pipes, and the Se* routines that can fail.

const pipeName = `\??\pipe\p`

// pipe creates a pipe with a connected client and returns its two ends. With sent, a message waits to be read. It
// panics if a call fails. The handles belong to the world.
func (w *world) pipe(sent bool) (server, client winnt.Handle) {
	z := w.k.Zw().Services()
	out, st := z.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
		ObjectAttributes: oaNamed(pipeName, open()), NamedPipeType: 1, ReadMode: 1, MaximumInstances: 2})
	check(st, "pipe")
	f, st := z.NtOpenFile(nt.OpenFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
		ObjectAttributes: oaNamed(pipeName, nil)})
	check(st, "client end")
	if sent {
		_, st = z.NtWriteFile(nt.WriteFileIn{FileHandle: f.FileHandle, Buffer: nt.Cap([]byte("hello"))})
		check(st, "message")
	}
	return out.FileHandle, f.FileHandle
}

// check panics if a step of the preparation failed. what names the step.
func check(st ntstatus.Status, what string) {
	if !st.IsSuccess() {
		panic("refusals: " + what + ": " + st.String())
	}
}

// device returns a handle to the device of pipes. It panics if that fails.
func (w *world) device() winnt.Handle {
	out, st := w.zw().NtOpenFile(nt.OpenFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		ObjectAttributes: oaNamed(`\Device\NamedPipe`, nil)})
	check(st, "the device of pipes")
	return out.FileHandle
}

// end returns another handle with the given rights to an end of a pipe. It panics for an invalid handle.
func (w *world) end(h winnt.Handle, rights winnt.AccessMask) winnt.Handle {
	head, _, st := w.server.Object().Table().Lookup(h, ob.TagCall)
	check(st, "end of the pipe")
	defer head.Deref(ob.TagCall)
	return w.handle(head.Object(), rights)
}

// fileHandles returns the failures to inject into a FileHandle parameter. h returns a pointer to it. lacks is the
// right that the service requires; with 0 there is no failure for a missing right.
func fileHandles[I any](h func(I) *winnt.Handle, lacks winnt.AccessMask) []refusal[I] {
	list := handles("O-31", "FileHandle", "FileHandle", h, func(*world) winnt.Handle { return 0 })
	if lacks == 0 {
		return list[:2]
	}
	list[2].inject = func(w *world, in I) { *h(in) = w.end(*h(in), winnt.FILE_ALL_ACCESS&^lacks) }
	return list
}

var conversation = []absence{
	{"I-85", "", "what a pipe answers depends on the conversation: transcript 30-pipes"},
	{"I-86", "", "what a pipe answers depends on the conversation: transcript 30-pipes"},
	{"I-153", "", "it takes a pipe without room: transcript 30-pipes"},
	{"I-162", "", "it takes the device of pipes and a buffer: TestWaitForPipeEndsForEachReason"},
	{"I-163", "", "it takes the device of pipes and a buffer: TestWaitForPipeEndsForEachReason"},
	{"I-141", "", "it takes a pipe without room, and a caller that waits: tests of package npfs"},
	{"O-31", "a file has no contents", "it takes a file that is not a pipe: transcript 30-pipes"},
	{"F-119", "", "it takes a file of a tree: tests of package hostfs"},
	{"F-124", "", "it takes a file of a tree: tests of package hostfs"},
}

var _ = define(setup[*nt.ReadFileIn]{
	names: []string{"NtReadFile", "ZwReadFile"},
	base: func(w *world) *nt.ReadFileIn {
		server, _ := w.pipe(true)
		return &nt.ReadFileIn{FileHandle: server, Length: 64}
	},
	refusals: join(fileHandles(func(in *nt.ReadFileIn) *winnt.Handle { return &in.FileHandle }, winnt.FILE_READ_DATA),
		[]refusal[*nt.ReadFileIn]{
			{rule: "T-141", want: ntstatus.InvalidParameter, name: "the device of pipes", takes: "FileHandle",
				inject: func(w *world, in *nt.ReadFileIn) { in.FileHandle = w.device() }},
			{rule: "I-85", want: ntstatus.PipeEmpty, name: "nothing to read", takes: "FileHandle",
				inject: func(w *world, in *nt.ReadFileIn) {
					w.k.Zw().Services().NtReadFile(nt.ReadFileIn{FileHandle: in.FileHandle, Length: 64})
				}},
			{rule: "I-85", want: ntstatus.BufferOverflow, name: "a longer message", takes: "FileHandle length",
				inject: func(_ *world, in *nt.ReadFileIn) { in.Length = 1 }},
		}),
	absent: conversation,
})

var _ = define(setup[*nt.WriteFileIn]{
	names: []string{"NtWriteFile", "ZwWriteFile"},
	base: func(w *world) *nt.WriteFileIn {
		_, client := w.pipe(false)
		return &nt.WriteFileIn{FileHandle: client, Buffer: nt.Cap([]byte("hello"))}
	},
	refusals: append(fileHandles(func(in *nt.WriteFileIn) *winnt.Handle { return &in.FileHandle }, winnt.FILE_WRITE_DATA),
		refusal[*nt.WriteFileIn]{rule: "T-141", want: ntstatus.InvalidParameter, name: "the device of pipes",
			takes: "FileHandle", inject: func(w *world, in *nt.WriteFileIn) { in.FileHandle = w.device() }},
		refusal[*nt.WriteFileIn]{rule: "O-3", want: ntstatus.AccessViolation, name: "Buffer unreadable", takes: "Buffer",
			needs: pointers, inject: func(_ *world, in *nt.WriteFileIn) { unreadable(&in.Buffer) }}),
	absent: conversation,
})

var _ = define(setup[*nt.FsControlFileIn]{
	names: []string{"NtFsControlFile", "ZwFsControlFile"},
	base: func(w *world) *nt.FsControlFileIn {
		server, _ := w.pipe(true)
		w.k.Zw().Services().NtReadFile(nt.ReadFileIn{FileHandle: server, Length: 64})
		return &nt.FsControlFileIn{FileHandle: server, FsControlCode: winnt.FSCTL_PIPE_IMPERSONATE}
	},
	refusals: append(fileHandles(func(in *nt.FsControlFileIn) *winnt.Handle { return &in.FileHandle }, 0),
		[]refusal[*nt.FsControlFileIn]{
			{rule: "T-141", want: ntstatus.IllegalFunction, name: "the device of pipes",
				takes:  "FileHandle code job",
				inject: func(w *world, in *nt.FsControlFileIn) { in.FileHandle = w.device() }},
			{rule: "I-85", want: ntstatus.NotSupported, name: "another control code", takes: "code",
				inject: func(_ *world, in *nt.FsControlFileIn) { in.FsControlCode = 0x110000 }},
			{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the token", takes: "job",
				inject: func(w *world, _ *nt.FsControlFileIn) { w.job() }},
		}...),
	absent: append(conversation, absence{"I-132", "", "another control code: transcript 30-pipe-info"},
		absence{"T-141", "", "another control code: transcript 30-devices"},
		absence{"I-80", "", "it takes a client that impersonates: transcript 30-pipes"},
		absence{"T-133", "", "it takes a pipe without a client: transcript 30-pipes"}),
})

var _ = define(setup[*nt.CreateNamedPipeFileIn]{
	names: []string{"NtCreateNamedPipeFile", "ZwCreateNamedPipeFile"},
	base: func(w *world) *nt.CreateNamedPipeFileIn {
		return &nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
			ObjectAttributes: oaNamed(pipeName, own()), NamedPipeType: 1, MaximumInstances: 1}
	},
	refusals: []refusal[*nt.CreateNamedPipeFileIn]{
		{rule: "O-22", want: ntstatus.InvalidParameter, name: "unknown attribute bits", takes: "oa.attributes.unknown",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.ObjectAttributes.V.Attributes |= 0x8000 }},
		exclusiveInherited("oa.attributes", func(in *nt.CreateNamedPipeFileIn) *uint32 {
			return &oaOf(&in.ObjectAttributes).Attributes
		}),
		{rule: "O-23", want: ntstatus.ObjectNameInvalid, name: "a name that is not a pipe's", takes: "oa.name",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.ObjectAttributes.V.ObjectName = `\nowhere\p` }},
		{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.DesiredAccess |= 0x00400000 }},
		{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
			takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.CreateNamedPipeFileIn) {
				in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
			}},
		{rule: "S-61", want: ntstatus.InvalidOwner, name: "an owner it may not assign", takes: "sd", needs: userOnly,
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { oaOf(&in.ObjectAttributes).SecurityDescriptor = open() }},
		{rule: "S-71", want: ntstatus.PrivilegeNotHeld, name: "a SACL without privilege", takes: "sd", needs: userOnly,
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) {
				oaOf(&in.ObjectAttributes).SecurityDescriptor = withSACL()
			}},
		{rule: "I-155", want: ntstatus.AccessDenied, name: "no access asked for", takes: "desired.reserved desired.security",
			needs: userOnly, inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = 0 }},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "RootDirectory names no handle", takes: "oa.root oa.name",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.ObjectAttributes.V.RootDirectory = 0x4444 }},
		{rule: "O-31", want: ntstatus.ObjectTypeMismatch, name: "RootDirectory is a thread", takes: "oa.root oa.name",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) {
				in.ObjectAttributes.V.RootDirectory = winnt.NtCurrentThread
			}},
		{rule: "O-23", want: ntstatus.ObjectPathSyntaxBad, name: "an absolute name below the device",
			takes:  "oa.root oa.name",
			inject: func(w *world, in *nt.CreateNamedPipeFileIn) { in.ObjectAttributes.V.RootDirectory = w.device() }},
		{rule: "O-23", want: ntstatus.ObjectNameNotFound, name: "FILE_OPEN of no pipe", takes: "disposition",
			inject: func(_ *world, in *nt.CreateNamedPipeFileIn) { in.CreateDisposition = winnt.FILE_OPEN }},
	},
	absent: append(conversation, absence{"O-33", "", "it takes an instance made before: transcript 30-pipes"},
		absence{"T-132", "", "it takes an instance made before: transcript 30-pipes"},
		absence{"T-136", "", "it takes an instance made before: transcript 30-pipes"}, longSACL),
})

var _ = define(setup[*kernel.SeFilterTokenIn]{
	names: []string{"SeFilterToken"},
	base:  func(w *world) *kernel.SeFilterTokenIn { return &kernel.SeFilterTokenIn{ExistingToken: w.existing(2)} },
	settle: func(w *world, out any) {
		if t := out.(kernel.SeFilterTokenOut).FilteredToken; t != nil {
			t.Deref(ob.TagContext)
		}
	},
	refusals: []refusal[*kernel.SeFilterTokenIn]{
		{rule: "T-60", want: ntstatus.InvalidParameter, name: "flags 0x10", takes: "flags",
			inject: func(_ *world, in *kernel.SeFilterTokenIn) { in.Flags = 0x10 }},
		{rule: "T-60", want: ntstatus.AccessViolation, name: "a list unreadable", takes: "disable",
			inject: func(_ *world, in *kernel.SeFilterTokenIn) { unreadable(&in.SIDsToDisable) }},
		{rule: "T-60", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "disable",
			inject: func(_ *world, in *kernel.SeFilterTokenIn) {
				in.SIDsToDisable = malformed[[]token.Group]()
			}},
		{rule: "T-63", want: ntstatus.InvalidParameter, name: "a restricting SID with attributes", takes: "restrict",
			inject: func(_ *world, in *kernel.SeFilterTokenIn) {
				in.RestrictedSIDs = nt.Cap([]token.Group{{SID: userSID, Attributes: winnt.SE_GROUP_ENABLED}})
			}},
		{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
			inject: func(w *world, _ *kernel.SeFilterTokenIn) { w.failing["*"] = true }},
	},
})

var _ = define(setup[*kernel.SeQueryInformationTokenIn]{
	names: []string{"SeQueryInformationToken"},
	base: func(w *world) *kernel.SeQueryInformationTokenIn {
		return &kernel.SeQueryInformationTokenIn{Token: w.existing(2), TokenInformationClass: winnt.TokenUser}
	},
	refusals: []refusal[*kernel.SeQueryInformationTokenIn]{
		{rule: "T-80", want: ntstatus.InvalidInfoClass, name: "class 51", takes: "class",
			inject: func(_ *world, in *kernel.SeQueryInformationTokenIn) { in.TokenInformationClass = 51 }},
		{rule: "T-80", want: ntstatus.NotFound, name: "the logon SID of a token that has none", takes: "class",
			inject: func(_ *world, in *kernel.SeQueryInformationTokenIn) { in.TokenInformationClass = winnt.TokenLogonSid }},
	},
})

var _ = define(setup[*kernel.SeUpdateClientSecurityIn]{
	names: []string{"SeUpdateClientSecurity"},
	base: func(w *world) *kernel.SeUpdateClientSecurityIn {
		w.impersonating()
		c, o := w.other.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
			ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}, false, w.other.Process())
		check(o.Status, "client context")
		w.drop = append(w.drop, c.Delete)
		return &kernel.SeUpdateClientSecurityIn{ClientThread: w.other, ClientContext: c}
	},
	refusals: []refusal[*kernel.SeUpdateClientSecurityIn]{
		{rule: "I-80", want: ntstatus.BadImpersonationLevel, name: "the client now at SecurityIdentification",
			takes: "client", inject: func(w *world, _ *kernel.SeUpdateClientSecurityIn) {
				w.impersonate(w.other, w.existing(winnt.SecurityIdentification), false, winnt.SecurityIdentification)
			}},
	},
	absent: []absence{{"I-82", "", notARefusal}},
})

var _ = define(setup[*kernel.SeMarkLogonSessionIn]{
	names: []string{"SeMarkLogonSessionForTerminationNotification"},
	base: func(*world) *kernel.SeMarkLogonSessionIn {
		return &kernel.SeMarkLogonSessionIn{LogonID: winnt.SYSTEM_LUID}
	},
	refusals: []refusal[*kernel.SeMarkLogonSessionIn]{
		{rule: "T-5", want: ntstatus.NotFound, name: "no such session", takes: "logon",
			inject: func(_ *world, in *kernel.SeMarkLogonSessionIn) { in.LogonID = 0x999999 }},
	},
})

var _ = define(setup[*nt.CancelIoFileIn]{
	names: []string{"NtCancelIoFile"},
	base: func(w *world) *nt.CancelIoFileIn {
		server, _ := w.pipe(false)
		return &nt.CancelIoFileIn{FileHandle: server}
	},
	refusals: fileHandles(func(in *nt.CancelIoFileIn) *winnt.Handle { return &in.FileHandle }, 0),
})

var _ = define(setup[*nt.FlushBuffersFileIn]{
	names: []string{"NtFlushBuffersFile", "ZwFlushBuffersFile"},
	base: func(w *world) *nt.FlushBuffersFileIn {
		server, _ := w.pipe(false)
		return &nt.FlushBuffersFileIn{FileHandle: server}
	},
	refusals: fileHandles(func(in *nt.FlushBuffersFileIn) *winnt.Handle { return &in.FileHandle }, 0),
	absent:   []absence{{"I-140", "", "what a pipe answers depends: TestPendingOperationsCompleteInOrder"}},
})
