package kernel_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A frameRow is a successful call with all its effects. A line with "-" was removed, one with "+" was added. A line
// that changed has its new value, or only its key if the value is random.
type frameRow struct {
	name string
	do   func(f *frame, th *nt.Thread) ntstatus.Status
	want []string
}

// other is a descriptor with an owner, a group, a DACL and a label. A call sets only the parts that its security
// information names.
var other = sddl.MustParse("O:SYG:WDD:(A;;GR;;;WD)S:(ML;;NW;;;LW)")

// frameRows are the calls on handles, on objects other than tokens, threads and processes, and on names.
var frameRows = []frameRow{
	{"close", func(f *frame, th *nt.Thread) ntstatus.Status { return th.NtClose(f.all["second event"]) },
		[]string{"- caller: handle to second event, granted 0x1f0003, attributes 0x0"}},
	{"duplicate out of a process (O-52)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtDuplicateObject(f.all["process"], f.theirs["process: timer"], winnt.NtCurrentProcess, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_SAME_ATTRIBUTES))
	}, []string{"+ caller: handle to timer, granted 0x20000, attributes 0x2"}},
	{"move between two processes (O-52, O-53)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtDuplicateObject(f.all["process"], f.theirs["process: event"], f.all["bystander"], 0,
			winnt.OBJ_PROTECT_CLOSE, winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE))
	}, []string{"- process: handle to event, granted 0x20000, attributes 0x2",
		"+ bystander: handle to event, granted 0x20000, attributes 0x1"}},
	{"close in another process (O-52)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtDuplicateObject(f.all["bystander"], f.theirs["bystander: mutant"], 0, 0, 0,
			winnt.DUPLICATE_CLOSE_SOURCE))
	}, []string{"- bystander: handle to mutant, granted 0x20000, attributes 0x2"}},
	{"duplicate the process itself (O-57)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtDuplicateObject(f.all["bystander"], winnt.NtCurrentProcess, f.all["process"],
			winnt.PROCESS_TERMINATE, winnt.OBJ_INHERIT, 0))
	}, []string{"+ process: handle to bystander, granted 0x1, attributes 0x2"}},
	{"set the flags of a handle (O-63)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationObject(f.all["second timer"],
			nt.HandleFlagInformation{Inherit: true, ProtectFromClose: true})
	}, []string{"- caller: handle to second timer, granted 0x1f0003, attributes 0x0",
		"+ caller: handle to second timer, granted 0x1f0003, attributes 0x3"}},
	{"make an object permanent", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtMakePermanentObject(f.all["link"])
	}, []string{"link: attributes = 0x10"}},
	{"create an event", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtCreateEvent(winnt.EVENT_MODIFY_STATE|winnt.SYNCHRONIZE, &nt.ObjectAttributes{
			RootDirectory: f.all["second directory"], ObjectName: "new", Attributes: winnt.OBJ_INHERIT},
			nt.NotificationEvent, true))
	}, []string{"second directory = [{Name:new TypeName:Event}] STATUS_SUCCESS",
		"+ caller: handle to another of type 8, granted 0x100002, attributes 0x2"}},
	{"create an event whose name exists", func(f *frame, th *nt.Thread) ntstatus.Status {
		_, st := th.NtCreateEvent(winnt.SYNCHRONIZE, &nt.ObjectAttributes{ObjectName: `\named`, Attributes: winnt.OBJ_OPENIF},
			nt.NotificationEvent, false)
		return st &^ ntstatus.ObjectNameExists
	}, []string{"+ caller: handle to named, granted 0x100000, attributes 0x0"}},
	{"open an event through a link", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtOpenEvent(winnt.EVENT_QUERY_STATE, &nt.ObjectAttributes{ObjectName: `\link`}))
	}, []string{"+ caller: handle to named, granted 0x1, attributes 0x0"}},
	{"set an event", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtSetEvent(f.all["second event"]))
	}, []string{"second event = STATUS_SUCCESS"}},
	{"reset an event", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtResetEvent(f.all["named"]))
	}, []string{"named = STATUS_TIMEOUT"}},
	{"clear an event", func(f *frame, th *nt.Thread) ntstatus.Status { return th.NtClearEvent(f.all["event"]) },
		[]string{"event = STATUS_TIMEOUT"}},
	{"release a mutant", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtReleaseMutant(f.all["mutant"]))
	}, []string{"mutant = {CurrentCount:1 OwnedByCaller:false AbandonedState:false} STATUS_SUCCESS"}},
	{"wait for a semaphore", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtWaitForSingleObject(f.all["second Semaphore"], false))
	}, []string{"second Semaphore = {CurrentCount:2 MaximumCount:8} STATUS_SUCCESS"}},
	{"release a semaphore", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtReleaseSemaphore(f.all["second Semaphore"], 4))
	}, []string{"second Semaphore = {CurrentCount:7 MaximumCount:8} STATUS_SUCCESS"}},
	{"set a timer", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtSetTimer(f.all["second timer"], 0, 0))
	}, []string{"second timer = {RemainingTime:0 TimerState:true} STATUS_SUCCESS"}},
	{"set the owner (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["named"], winnt.OWNER_SECURITY_INFORMATION, other)
	}, []string{"named: descriptor = O:SYG:SYD:(A;;0x1f0003;;;SY)(A;;0x120001;;;BA) STATUS_SUCCESS"}},
	{"set the group (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["link"], winnt.GROUP_SECURITY_INFORMATION, other)
	}, []string{"link: descriptor = O:BAG:WDD:(A;;CCSDRCWDWO;;;SY)(A;;CCRC;;;BA) STATUS_SUCCESS"}},
	{"set the DACL (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["second directory"], winnt.DACL_SECURITY_INFORMATION, other)
	}, []string{"second directory: descriptor = O:BAG:SYD:(A;;CCDCRC;;;WD) STATUS_SUCCESS"}},
	{"set the label (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["named"], winnt.LABEL_SECURITY_INFORMATION, other)
	}, []string{"named: descriptor = O:BAG:SYD:(A;;0x1f0003;;;SY)(A;;0x120001;;;BA)S:(ML;;NW;;;LW) STATUS_SUCCESS"}},
}

// Each successful call changes only what its rules describe, in the object and the process that it names.
func TestSuccessChangesOnlyItsTarget(t *testing.T) {
	for _, row := range frameRows {
		t.Run(row.name, func(t *testing.T) {
			f := newFrame(t)
			before := f.snapshot()
			check.Require(t, row.do(f, f.th), ntstatus.Success, "call of the row")
			got := changes(before, f.snapshot())
			for i := range max(len(got), len(row.want)) {
				switch {
				case i >= len(got):
					t.Errorf("the call did not change: %s", row.want[i])
				case i >= len(row.want):
					t.Errorf("unexpected change: %s", got[i])
				case got[i] != row.want[i] && !strings.HasPrefix(got[i], row.want[i]+" = "):
					t.Errorf("change %d: got  %s\nwant %s", i, got[i], row.want[i])
				}
			}
		})
	}
}

// setClass returns a row that sets an information class of the second token. Rows that list TokenStatistics expect a
// new ModifiedId (T-90).
func setClass(class winnt.TokenInfoClass, value any, want ...string) frameRow {
	return frameRow{"token: " + class.String(), func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationToken(f.all["second token"], class, value)
	}, want}
}

// actsAs is the expected change when a thread starts to act as a client.
func actsAs(thread string) []string { return []string{thread + ": acts"} }

// privileges are the information classes that show a token's privileges.
func privileges(tok string) []string {
	return []string{tok + ": TokenAccessInformation", tok + ": TokenGroupsAndPrivileges", tok + ": TokenPrivileges",
		tok + ": TokenStatistics"}
}

// afterExit returns the changes after the second process ended with STATUS_ACCESS_DENIED: its handles are removed and
// its thread has ended.
func afterExit() (want []string) {
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

// identityRows are the calls on tokens, threads and processes.
var identityRows = []frameRow{
	setClass(winnt.TokenOwner, sid.LocalSystem, "second token: TokenOwner = S-1-5-18 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	setClass(winnt.TokenPrimaryGroup, sid.Everyone, "second token: TokenPrimaryGroup = S-1-1-0 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	setClass(winnt.TokenDefaultDacl, (*sd.ACL)(nil), "second token: TokenDefaultDacl = <nil> STATUS_SUCCESS",
		"second token: TokenStatistics"),
	setClass(winnt.TokenSessionId, uint32(7), "second token: TokenSessionId = 7 STATUS_SUCCESS",
		"second token: TokenStatistics"),
	setClass(winnt.TokenUIAccess, uint32(1), "second token: TokenAccessInformation",
		"second token: TokenUIAccess = 1 STATUS_SUCCESS"),
	setClass(winnt.TokenIntegrityLevel, token.Group{SID: sid.MediumLevel, Attributes: 0x60},
		"second token: TokenAccessInformation", "second token: TokenElevation = 0 STATUS_SUCCESS",
		"second token: TokenGroups", "second token: TokenGroupsAndPrivileges",
		"second token: TokenIntegrityLevel = {SID:S-1-16-8192 Attributes:96} STATUS_SUCCESS",
		"second token: TokenStatistics"),
	{"disable a privilege of a token (T-73)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtAdjustPrivilegesToken(f.all["second token"], false,
			[]nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}, false))
	}, privileges("second token")},
	{"disable all privileges of the caller (T-73)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtAdjustPrivilegesToken(f.all["token"], true, nil, false))
	}, append(privileges("caller's token"), privileges("token")...)},
	{"disable a group of a token (T-75)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtAdjustGroupsToken(f.all["client"], false, []token.Group{{SID: sid.Administrators}}, false))
	}, []string{"client: TokenAccessInformation", "client: TokenGroups", "client: TokenGroupsAndPrivileges",
		"client: TokenStatistics"}},
	{"duplicate a token (T-47, T-49)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtDuplicateToken(f.all["second token"], winnt.TOKEN_QUERY,
			&nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}, false, winnt.TokenPrimary))
	}, []string{"+ caller: handle to another of type 4, granted 0x8, attributes 0x0"}},
	{"filter a token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtFilterToken(f.all["second token"], winnt.DISABLE_MAX_PRIVILEGE,
			[]sid.SID{sid.Administrators}, nil, nil))
	}, []string{"+ caller: handle to another of type 4, granted 0xf01ff, attributes 0x0"}},
	{"open the token of another process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtOpenProcessTokenEx(f.all["process"], winnt.TOKEN_QUERY_SOURCE, winnt.OBJ_INHERIT))
	}, []string{"+ caller: handle to another of type 4, granted 0x10, attributes 0x2"}},
	{"open the caller's token", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	}, []string{"+ caller: handle to token, granted 0x2, attributes 0x0"}},
	{"assign a token to another thread", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationThread(f.all["process's thread"], nt.ThreadImpersonationToken, f.all["client"])
	}, actsAs("process")},
	{"assign a token to the caller's thread", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, f.all["client"])
	}, actsAs("caller")},
	{"let a thread impersonate Anonymous", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtImpersonateAnonymousToken(f.all["process's thread"])
	}, actsAs("process")},
	{"let a thread impersonate another thread", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtImpersonateThread(f.all["process's thread"], f.all["bystander's thread"],
			&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification})
	}, actsAs("process")},
	{"suspend a thread", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtSuspendThread(f.all["bystander's thread"]))
	}, []string{"bystander: suspended = 1 STATUS_SUCCESS"}},
	{"resume a thread", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtResumeThread(f.all["process's thread"]))
	}, []string{"process: suspended = 0 STATUS_SUCCESS"}},
	{"assign a token to a process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationProcess(f.all["process"], nt.ProcessAccessToken, f.all["second token"])
	}, []string{"process's token: TokenStatistics"}},
	{"terminate a process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtTerminateProcess(f.all["process"], ntstatus.AccessDenied)
	}, afterExit()},
	{"create a process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_TERMINATE,
			ThreadDesiredAccess: winnt.THREAD_SUSPEND_RESUME, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED}))
	}, []string{"+ caller: handle to another of type 6, granted 0x1, attributes 0x0",
		"+ caller: handle to another of type 7, granted 0x2, attributes 0x0"}},
	{"open a process by its id", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtOpenProcess(winnt.PROCESS_DUP_HANDLE, &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT},
			&nt.ClientID{UniqueProcess: f.id.UniqueProcess}))
	}, []string{"+ caller: handle to process, granted 0x40, attributes 0x2"}},
	{"open a thread by its id", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtOpenThread(winnt.THREAD_ALERT, nil, &f.id))
	}, []string{"+ caller: handle to process's thread, granted 0x4, attributes 0x0"}},
	{"open the first thread of a process", func(f *frame, th *nt.Thread) ntstatus.Status {
		return check.Status(th.NtGetNextThread(f.all["bystander"], 0, winnt.THREAD_TERMINATE, winnt.OBJ_INHERIT, 0))
	}, []string{"+ caller: handle to bystander's thread, granted 0x1, attributes 0x2"}},
}
