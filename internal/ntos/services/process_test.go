package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The handles of a new process and of its thread each have their own rights, mapped by their own type, their own
// attributes and their own table (O-21, O-28, O-36, O-91).
func TestChildHandlesHaveTheirOwnRights(t *testing.T) {
	_, th, k := newProcess(t)
	const inherit, inKernel = winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE
	type handle struct {
		kernel     bool
		attributes uint32
		granted    winnt.AccessMask
	}
	of := func(by *nt.Thread, h winnt.Handle) handle {
		b := check.Result(by.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
		return handle{h < 0, b.Attributes, b.GrantedAccess}
	}
	for _, c := range []struct {
		name                    string
		by                      *nt.Thread
		process, thread         uint32
		processAsks, threadAsks winnt.AccessMask
		wantProcess, wantThread handle
	}{
		{"rights by their names", th, 0, 0, winnt.PROCESS_TERMINATE, winnt.THREAD_SUSPEND_RESUME,
			handle{false, 0, 1}, handle{false, 0, 2}},
		{"the process is inherited, and read", th, inherit, 0, winnt.GENERIC_READ, winnt.GENERIC_READ,
			handle{false, inherit, 0x21410}, handle{false, 0, 0x20848}},
		{"the thread is inherited, and written", th, 0, inherit, winnt.GENERIC_WRITE, winnt.GENERIC_WRITE,
			handle{false, 0, 0x20bea | 0x2000}, handle{false, inherit, 0x20437 | 0x400}},
		{"a program has no kernel handles", th, inKernel, inherit | inKernel, winnt.GENERIC_EXECUTE,
			winnt.GENERIC_EXECUTE, handle{false, 0, 0x121001}, handle{false, inherit, 0x121800}},
		{"the process for the kernel", k.Zw(), inKernel, inherit, winnt.GENERIC_ALL, winnt.THREAD_ALERT,
			handle{true, 0, 0x1fffff}, handle{false, inherit, 4}},
		{"the thread for the kernel", k.Zw(), inherit, inKernel, winnt.PROCESS_DUP_HANDLE, winnt.GENERIC_ALL,
			handle{false, inherit, 0x40}, handle{true, 0, 0x1fffff}},
	} {
		out := check.Result(c.by.NtCreateUserProcess(nt.CreateUserProcessIn{
			ProcessDesiredAccess: c.processAsks, ThreadDesiredAccess: c.threadAsks,
			ProcessObjectAttributes: nt.Cap(&nt.ObjectAttributes{Attributes: c.process}),
			ThreadObjectAttributes:  nt.Cap(&nt.ObjectAttributes{Attributes: c.thread})}))
		check.Equal(t, of(c.by, out.ProcessHandle), c.wantProcess, "%s: handle of the process", c.name)
		check.Equal(t, of(c.by, out.ThreadHandle), c.wantThread, "%s: handle of the thread", c.name)
		want(t, "close the process", c.by.NtClose(out.ProcessHandle), ntstatus.Success)
		want(t, "close the thread", c.by.NtClose(out.ThreadHandle), ntstatus.Success)
	}
}

// Errors in the thread's attributes or rights are reported like those of the process, and no handle is created. The
// next handles get the unused values (O-12, O-20, O-22, O-81, I-95).
func TestRefusedChildCreatesNoHandle(t *testing.T) {
	var memory inject.Injector
	w := newWorld(t, kernel.Config{Faults: memory.Point})
	check.NoError(t, w.sys.CreateFile("tool", sddl.MustParse("O:SYG:SYD:(A;;FX;;;WD)")))
	th, _ := w.thread(w.process("maker"))
	system := w.system("system")
	for name, make := range map[string]func(*nt.ObjectAttributes) ntstatus.Status{
		"ev": func(a *nt.ObjectAttributes) ntstatus.Status {
			return check.Status(system.NtCreateEvent(winnt.EVENT_ALL_ACCESS, a, nt.NotificationEvent, false))
		},
		"dir": func(a *nt.ObjectAttributes) ntstatus.Status {
			return check.Status(system.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, a))
		},
	} {
		want(t, "make "+name, make(named(`\Files\`+name)), ntstatus.Success)
	}
	type in = *nt.CreateUserProcessIn
	process := func(a uint32) func(in) {
		return func(i in) { i.ProcessObjectAttributes = nt.Cap(&nt.ObjectAttributes{Attributes: a}) }
	}
	thread := func(a uint32) func(in) {
		return func(i in) { i.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{Attributes: a}) }
	}
	parent := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, winnt.NtCurrentProcess, winnt.NtCurrentProcess,
		winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_CREATE_PROCESS, 0, 0))
	before := handles(t, th)
	for name, c := range map[string]struct {
		change func(in)
		want   ntstatus.Status
	}{
		"the process open if":        {process(0x80), ntstatus.InvalidParameter},
		"the thread open if":         {thread(0x80), ntstatus.InvalidParameter},
		"a permanent process":        {process(0x10), ntstatus.InvalidParameter},
		"a permanent thread":         {thread(0x10), ntstatus.InvalidParameter},
		"an exclusive thread":        {thread(0x20), ntstatus.InvalidParameter},
		"unknown attribute (thread)": {thread(0x2000), ntstatus.InvalidParameter},
		"unread attributes":          {func(i in) { i.ProcessObjectAttributes.Status = unread(1) }, unread(1)},
		"unread attributes (thread)": {func(i in) { i.ThreadObjectAttributes.Status = unread(2) }, unread(2)},
		"reserved, process": {func(i in) { i.ProcessDesiredAccess |= winnt.RESERVED_RIGHTS },
			ntstatus.AccessDenied},
		"reserved, thread": {func(i in) { i.ThreadDesiredAccess |= winnt.RESERVED_RIGHTS }, ntstatus.AccessDenied},
		"the SACL, process": {func(i in) { i.ProcessDesiredAccess = winnt.ACCESS_SYSTEM_SECURITY },
			ntstatus.PrivilegeNotHeld},
		"the SACL, thread": {func(i in) { i.ThreadDesiredAccess = winnt.ACCESS_SYSTEM_SECURITY },
			ntstatus.PrivilegeNotHeld},
		"no memory": {func(in) { memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind("ps: create process")) },
			ntstatus.InsufficientResources},
		"no memory for a handle": {func(in) {
			memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind("ob: handle"))
		}, ntstatus.InsufficientResources},
		"a parent, without the right": {func(i in) { i.ParentProcess = parent }, ntstatus.AccessDenied},
		"no such program":             {func(i in) { i.ImageName = "none" }, ntstatus.ObjectNameNotFound},
		"an event":                    {func(i in) { i.ImageName = "ev" }, ntstatus.ObjectNameNotFound},
		"a directory":                 {func(i in) { i.ImageName = "dir" }, ntstatus.ObjectNameNotFound},
		"a parent, no such":           {func(i in) { i.ParentProcess = 0x7770 }, ntstatus.InvalidHandle},
		"a parent, a thread": {func(i in) { i.ParentProcess = winnt.NtCurrentThread },
			ntstatus.ObjectTypeMismatch},
		"a token, no such":   {func(i in) { i.Token = 0x7770 }, ntstatus.InvalidHandle},
		"a token, a process": {func(i in) { i.Token = winnt.NtCurrentProcess }, ntstatus.ObjectTypeMismatch},
	} {
		asked := children()
		asked.ImageName = "tool"
		c.change(&asked)
		out, st := th.NtCreateUserProcess(asked)
		memory.Fail(nil)
		if want(t, name, st, c.want); out != (nt.CreateUserProcessOut{}) {
			t.Errorf("%s: output %+v, want the zero value", name, out)
		}
		after := handles(t, th)
		check.That(t, len(after) == len(before), "%s: handles %v before, %v after, want no new handle", name, before,
			after)
	}
	var last winnt.Handle
	for range 126 { // the table's first block then has one free value, which is not enough for two handles
		last = check.Result(th.NtCreateEvent(1, nil, nt.NotificationEvent, false))
	}
	check.Equal(t, last, 127*4, "the last handle")
	p := th.Services().(*services.Context).Thread().Process()
	p.SetQuota(kernel.NewQuotaBlock(nil, 1, false))
	th.Services().RecordWhy(true)
	want(t, "quota for one handle", check.Status(th.NtCreateUserProcess(children())), ntstatus.QuotaExceeded)
	check.Equal(t, th.Services().TakeWhy().Rule, "Q-2", "the rule without quota for a handle")
	p.SetQuota(nil)
	check.Equal(t, check.Result(th.NtCreateEvent(1, nil, nt.NotificationEvent, false)), last+4, "the next handle")
}

// An impersonation token that becomes a child's primary token loses its level and keeps its descriptor. The source
// token does not change (I-96, T-54).
func TestImpersonationTokenBecomesPrimary(t *testing.T) {
	w := newWorld(t, kernel.Config{Profile: nt.Observed})
	th, k := w.thread(w.process("maker", winnt.SeAssignPrimaryTokenPrivilege))
	for level, wanted := range map[winnt.SecurityImpersonationLevel]ntstatus.Status{
		winnt.SecurityAnonymous: ntstatus.BadImpersonationLevel, winnt.SecurityIdentification: ntstatus.BadImpersonationLevel,
		winnt.SecurityImpersonation: ntstatus.Success, winnt.SecurityDelegation: ntstatus.Success} {
		d := sddl.MustParse("O:" + client + "G:" + client + "D:(A;;GA;;;" + svc + ")(A;;0x8;;;BG)")
		given := check.Result(k.NewTokenProtected(value(t, client, winnt.TokenImpersonation, level), d))
		defer k.PsDereferencePrimaryToken(given)
		in := children()
		in.Token = check.Result(k.ObOpenObjectByPointer(given, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject,
			kernel.KernelMode))
		before := w.quota.Used()
		out, st := th.NtCreateUserProcess(in)
		if want(t, level.String(), st, wanted); st != ntstatus.Success {
			continue
		}
		v := w.sys.TokenOf(out.ClientID.UniqueProcess)
		check.That(t, v.Type() == winnt.TokenPrimary && v.Level() == 0 && v.User().SID.String() == client,
			"level %v: child has a token of type %v, level %v, user %v, want a primary token of the client", level, v.Type(),
			v.Level(), v.User().SID)
		used := w.quota.Used()
		in.Token = assignable(k, v)
		check.Result(th.NtCreateUserProcess(in))
		check.That(t, used-before >= w.quota.Used()-used+int64(v.HeapSize()), "Q-2: the primary copy is not charged")
		g := given.Value()
		check.That(t, g.Type() == winnt.TokenImpersonation && g.Level() == level,
			"source token is now of type %v, level %v, want %v, %v", g.Type(), g.Level(), winnt.TokenImpersonation, level)
		h, st := th.NtOpenProcessToken(out.ProcessHandle, winnt.READ_CONTROL)
		if want(t, "open the child's token", st, ntstatus.Success); st != ntstatus.Success {
			continue
		}
		source := check.Result(k.ObOpenObjectByPointer(given, 0, winnt.READ_CONTROL, winnt.TokenObject, kernel.KernelMode))
		check.Equal(t, ownerDACL(t, th, h), ownerDACL(t, th, source), "level %v: owner and DACL of the child's token", level)
	}
}

// children returns the parameters of a new process with fully accessible handles.
func children() nt.CreateUserProcessIn {
	return nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}
}

// ownerDACL returns owner and DACL of an object.
func ownerDACL(t *testing.T, th *nt.Thread, h winnt.Handle) string {
	t.Helper()
	d := check.Result(th.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION))
	return check.Must(sddl.Format(d, sddl.Options{}))
}

// A process belongs to the effective user of the creating thread or, if a token is given, to that token's user.
// Process and thread are each protected by their own attributes (O-38, I-96).
func TestChildBelongsToUserOfItsToken(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege, winnt.SeAssignPrimaryTokenPrivilege)
	given := assignable(k, value(t, acting, winnt.TokenPrimary, 0))
	tok := w.token(k, client, winnt.SecurityImpersonation, winnt.SeAssignPrimaryTokenPrivilege)
	for _, c := range []struct {
		name  string
		acts  bool
		token winnt.Handle
		owner string
	}{
		{"plain", false, 0, svc},
		{"acting as a client", true, 0, client},
		{"with a token", false, given, acting},
		{"with a token, acting as a client", true, given, acting},
	} {
		in := children()
		in.Token = c.token
		in.ProcessObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GR;;;BA)")})
		in.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GR;;;BG)")})
		if c.acts {
			check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
		}
		out := check.Result(th.NtCreateUserProcess(in))
		k.PsRevertToSelf()
		v := check.Result(k.Zw().NtQueryInformationProcess(out.ProcessHandle, nt.ProcessBasicInformation)).(nt.ProcessBasic)
		check.Equal(t, v.InheritedFromUniqueProcessID, k.Thread().Process().ID(), "%s: creator of the process", c.name)
		check.Equal(t, ownerDACL(t, th, out.ProcessHandle), "O:"+c.owner+"D:(A;;0x20410;;;BA)",
			"%s: owner and DACL of the process", c.name)
		if got := ownerDACL(t, th, out.ThreadHandle); !strings.HasSuffix(got, "D:(A;;SWDTRC;;;BG)") {
			t.Errorf("%s: owner and DACL of the thread = %s, want D:(A;;SWDTRC;;;BG) at the end", c.name, got)
		}
	}
}

// A token that must not be assigned fails with the status of T-111, whatever its type (I-96, T-111).
func TestUnassignableTokenIsRefused(t *testing.T) {
	_, th, k := newProcess(t)
	for _, typ := range []winnt.TokenType{winnt.TokenPrimary, winnt.TokenImpersonation} {
		in := children()
		in.Token = assignable(k, value(t, client, typ, winnt.SecurityImpersonation))
		want(t, "T-111: "+typ.String(), check.Status(th.NtCreateUserProcess(in)), ntstatus.PrivilegeNotHeld)
	}
}

// The record of a new process names the parent that its creator chose (U-78).
func TestProcessRecordNamesItsParent(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	th, k := w.thread(w.process("maker"))
	in := children()
	in.ParentProcess = openProcess(t, k, w.process("parent"))
	m.Drain()
	check.Result(th.NtCreateUserProcess(in))
	check.SlicesEqual(t, fieldsOf(m, "ParentProcessName"), []string{"4688 parent"}, "records")
}

// If the creator ends while it creates a process, no handle remains, not even in the kernel's table (O-47).
func TestEndedCreatorLeavesNoHandle(t *testing.T) {
	for _, attributes := range [][2]uint32{{winnt.OBJ_KERNEL_HANDLE, 0}, {0, winnt.OBJ_KERNEL_HANDLE}} {
		sink := &hookedSink{Memory: audit.NewMemory(0, 0)}
		w := recorded(t, sink, audit.Options{})
		maker := w.process("maker")
		_, k := w.thread(maker)
		_, other := w.thread(w.process("other"))
		next := func() winnt.Handle {
			h := check.Result(other.Zw().NtCreateEvent(1, &nt.ObjectAttributes{Attributes: winnt.OBJ_KERNEL_HANDLE},
				nt.NotificationEvent, false))
			check.Success(t, other.Zw().NtClose(h))
			return h
		}
		before := next()
		in := children()
		in.ProcessObjectAttributes = nt.Cap(&nt.ObjectAttributes{Attributes: attributes[0]})
		in.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{Attributes: attributes[1]})
		sink.first = func() { maker.Object().Exit() } // at the record, before the handles are published
		want(t, "create", check.Status(k.Zw().NtCreateUserProcess(in)), ntstatus.ProcessIsTerminating)
		check.Equal(t, next(), before, "attributes %#x: next value of the kernel's table", attributes)
	}
}

// CreateProcessAsUser counts the privilege of the caller's process, even if it is disabled. The native call needs it
// enabled in the effective token. A caller without the quota privilege can pass related tokens only (I-7, I-96, T-111).
func TestPrivilegeToAssignTokenMayBeDisabled(t *testing.T) {
	const primary = winnt.SeAssignPrimaryTokenPrivilege
	for _, held := range []winnt.PrivilegeSet{0, primary.Bit()} {
		for _, enabled := range []winnt.PrivilegeSet{0, held} {
			spec := token.StandardUser(sid.MustParse(svc))
			spec.Privileges |= held | winnt.SeImpersonatePrivilege.Bit()
			spec.EnabledPrivileges |= enabled | winnt.SeImpersonatePrivilege.Bit()
			w := newWorld(t, kernel.Config{})
			th, k := w.thread(w.of("maker", spec))
			given := assignable(k, value(t, acting, winnt.TokenPrimary, 0))
			for _, c := range []struct {
				ofProcess, kinOnly, acts, want bool
			}{
				{false, false, false, enabled != 0}, {false, false, true, true},
				{true, false, false, held != 0}, {true, false, true, held != 0},
				{true, true, false, false}, {false, true, true, false},
			} {
				if c.acts {
					w.impersonate(k, client, winnt.SecurityImpersonation, primary)
				}
				in := children()
				in.Token, in.OfProcess, in.KinOnly = given, c.ofProcess, c.kinOnly
				_, st := th.NtCreateUserProcess(in)
				check.Equal(t, st == ntstatus.Success, c.want, "held %v, enabled %v, %+v: created", held, enabled, c)
				check.That(t, c.want || st == ntstatus.PrivilegeNotHeld, "T-111: %+v: %v", c, st)
				k.PsRevertToSelf()
			}
		}
	}
}

// A program is found in any case of its name, and must grant FILE_EXECUTE to the token given or else to the creator's
// effective token. An integrity label that applies to the file itself lowers the integrity of the process (I-95, I-96,
// T-113).
func TestProgramFileLimitsChild(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	for name, text := range map[string]string{
		"tool": "D:(A;;FX;;;" + svc + ")(A;;FX;;;" + client + ")", "read": "D:(A;;FR;;;WD)",
		"mine":  "D:(A;;FX;;;" + svc + ")",
		"hers":  "D:(A;;FX;;;" + client + ")",
		"low":   "D:(A;;FX;;;WD)S:(ML;;NW;;;LW)",
		"heirs": "D:(A;;FX;;;WD)S:(ML;OIIO;NW;;;LW)",
	} {
		check.NoError(t, w.sys.CreateFile(name, sddl.MustParse("O:SYG:SY"+text)))
	}
	th, k := w.thread(w.process("maker", winnt.SeImpersonatePrivilege, winnt.SeAssignPrimaryTokenPrivilege))
	tok := w.token(k, client, winnt.SecurityImpersonation)
	given := assignable(k, value(t, client, winnt.TokenPrimary, 0))
	for _, c := range []struct {
		image     string
		acts      bool
		want      ntstatus.Status
		integrity uint32
	}{
		{"tool", false, ntstatus.Success, 0x2000}, {"TOOL", false, ntstatus.Success, 0x2000},
		{"tools", false, ntstatus.ObjectNameNotFound, 0}, {"read", false, ntstatus.AccessDenied, 0},
		{"mine", false, ntstatus.Success, 0x2000}, {"mine", true, ntstatus.AccessDenied, 0},
		{"tool", true, ntstatus.Success, 0x2000}, {"low", false, ntstatus.Success, 0x1000},
		{"heirs", false, ntstatus.Success, 0x2000},
		{"given: mine", false, ntstatus.AccessDenied, 0}, {"given: hers", false, ntstatus.Success, 0x2000},
		{"hers", false, ntstatus.AccessDenied, 0},
	} {
		if c.acts {
			check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
		}
		in := children()
		var gives bool
		if in.ImageName, gives = strings.CutPrefix(c.image, "given: "); gives {
			in.Token = given
		}
		out, st := th.NtCreateUserProcess(in)
		k.PsRevertToSelf()
		if want(t, c.image, st, c.want); st != ntstatus.Success {
			continue
		}
		check.Equal(t, w.sys.TokenOf(out.ClientID.UniqueProcess).Integrity(), c.integrity,
			"integrity of a process of %s", c.image)
	}
}
