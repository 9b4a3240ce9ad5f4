package kernel_test

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// informed returns a row that sets a class of the second token, which has a new ModifiedId
// then where that is said (T-90).
func informed(class winnt.TokenInfoClass, value any, want ...string) frameRow {
	return frameRow{"token: " + class.String(), func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationToken(f.all["second token"], class, value)
	}, want}
}

// actsAs is the line of a thread that acts as a client.
func actsAs(thread string) []string { return []string{thread + ": acts"} }

// privileges are the classes that tell of a token's privileges.
func privileges(tok string) []string {
	return []string{tok + ": TokenAccessInformation", tok + ": TokenGroupsAndPrivileges", tok + ": TokenPrivileges",
		tok + ": TokenStatistics"}
}

// gone lists what differs when a process has ended with STATUS_ACCESS_DENIED: its handles go, its
// thread ends with it.
func gone() (want []string) {
	for _, name := range []string{"client", "directory", "event", "job", "link", "mutant", "named", "pipe", "policy",
		"primary", "second JobObject", "second Semaphore", "second directory", "second event", "second mutant",
		"second timer", "second token", "semaphore", "timer", "token"} {
		want = append(want, "- process: handle to "+name+", granted 0x20000, attributes 0x2")
	}
	const ended = "{ExitStatus:STATUS_ACCESS_DENIED "
	return append(want,
		"process: process = "+ended+"UniqueProcessID:0x10 InheritedFromUniqueProcessID:0x8} STATUS_SUCCESS",
		"- process: suspended",
		"process: thread = "+ended+"ClientID:{UniqueProcess:0x10 UniqueThread:0x14}} STATUS_SUCCESS")
}

func init() { frameRows = append(frameRows, identityRows...) }

// identityRows are the calls of tokens, threads and processes.
var identityRows = []frameRow{
	informed(winnt.TokenOwner, sid.LocalSystem, "second token: TokenOwner = S-1-5-18 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	informed(winnt.TokenPrimaryGroup, sid.Everyone, "second token: TokenPrimaryGroup = S-1-1-0 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	informed(winnt.TokenDefaultDacl, (*sd.ACL)(nil), "second token: TokenDefaultDacl = <nil> STATUS_SUCCESS",
		"second token: TokenStatistics"),
	informed(winnt.TokenSessionId, uint32(7), "second token: TokenSessionId = 7 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	informed(winnt.TokenUIAccess, uint32(1), "second token: TokenAccessInformation",
		"second token: TokenUIAccess = 1 STATUS_SUCCESS"),
	informed(winnt.TokenIntegrityLevel, token.Group{SID: sid.MediumLevel, Attributes: 0x60},
		"second token: TokenAccessInformation", "second token: TokenElevation = 0 STATUS_SUCCESS",
		"second token: TokenGroups",
		"second token: TokenGroupsAndPrivileges",
		"second token: TokenIntegrityLevel = {SID:S-1-16-8192 Attributes:96} STATUS_SUCCESS",
		"second token: TokenStatistics"),
	{"token: a privilege (T-73)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtAdjustPrivilegesToken(f.all["second token"], false,
			[]nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}, false))
	}, privileges("second token")},
	{"token: the caller's own (T-73)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtAdjustPrivilegesToken(f.all["token"], true, nil, false))
	}, append(privileges("caller's token"), privileges("token")...)},
	{"token: a group (T-75)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtAdjustGroupsToken(f.all["client"], false, []token.Group{{SID: sid.Administrators}}, false))
	}, []string{"client: TokenAccessInformation", "client: TokenGroups", "client: TokenGroupsAndPrivileges",
		"client: TokenStatistics"}},
	{"a duplicate (T-47, T-49)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtDuplicateToken(f.all["second token"], winnt.TOKEN_QUERY,
			&nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}, false, winnt.TokenPrimary))
	}, []string{"+ caller: handle to another of type 4, granted 0x8, attributes 0x0"}},
	{"a filtered token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtFilterToken(f.all["second token"], winnt.DISABLE_MAX_PRIVILEGE,
			[]sid.SID{sid.Administrators}, nil, nil))
	}, []string{"+ caller: handle to another of type 4, granted 0xf01ff, attributes 0x0"}},
	{"the token of another process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtOpenProcessTokenEx(f.all["process"], winnt.TOKEN_QUERY_SOURCE, winnt.OBJ_INHERIT))
	}, []string{"+ caller: handle to another of type 4, granted 0x10, attributes 0x2"}},
	{"the caller's token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	}, []string{"+ caller: handle to token, granted 0x2, attributes 0x0"}},
	{"another thread is given a token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationThread(f.all["process's thread"], nt.ThreadImpersonationToken, f.all["client"])
	}, actsAs("process")},
	{"the caller is given a token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, f.all["client"])
	}, actsAs("caller")},
	{"a thread acts as anonymous", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtImpersonateAnonymousToken(f.all["process's thread"])
	}, actsAs("process")},
	{"a thread acts as another", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtImpersonateThread(f.all["process's thread"], f.all["bystander's thread"],
			&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification})
	}, actsAs("process")},
	{"suspend", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtSuspendThread(f.all["bystander's thread"]))
	},
		[]string{"bystander: suspended = 1 STATUS_SUCCESS"}},
	{"resume", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtResumeThread(f.all["process's thread"]))
	},
		[]string{"process: suspended = 0 STATUS_SUCCESS"}},
	{"a process is given a token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationProcess(f.all["process"], nt.ProcessAccessToken, f.all["second token"])
	}, []string{"process's token: TokenStatistics"}},
	{"a process ends", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtTerminateProcess(f.all["process"], ntstatus.AccessDenied)
	}, gone()},
	{"a new process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_TERMINATE,
			ThreadDesiredAccess: winnt.THREAD_SUSPEND_RESUME, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED}))
	}, []string{"+ caller: handle to another of type 6, granted 0x1, attributes 0x0",
		"+ caller: handle to another of type 7, granted 0x2, attributes 0x0"}},
	{"a process by its id", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtOpenProcess(winnt.PROCESS_DUP_HANDLE, &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT},
			&nt.ClientID{UniqueProcess: f.id.UniqueProcess}))
	}, []string{"+ caller: handle to process, granted 0x40, attributes 0x2"}},
	{"a thread by its id", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtOpenThread(winnt.THREAD_ALERT, nil, &f.id))
	}, []string{"+ caller: handle to process's thread, granted 0x4, attributes 0x0"}},
	{"the first thread of a process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtGetNextThread(f.all["bystander"], 0, winnt.THREAD_TERMINATE, winnt.OBJ_INHERIT, 0))
	}, []string{"+ caller: handle to bystander's thread, granted 0x1, attributes 0x2"}},
}
