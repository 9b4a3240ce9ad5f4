package kernel_test

import (
	"fmt"
	"math/bits"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A rightCase is a service that takes a handle, and the rights that it documents for the handle.
type rightCase struct {
	service string
	field   string // the input's field for the handle; "" if with sets it
	in      any
	with    func(h winnt.Handle) any
	object  string // the name of the object in rightsWorld.all
	need    winnt.AccessMask
}

// A rightsWorld is a system with a handle of each type of object, with all rights.
type rightsWorld struct {
	*testing.T
	system *kernel.System
	th     *nt.Thread
	all    map[string]winnt.Handle
	full   bool        // allocations fail
	id     nt.ClientID // of the process and thread of the handles
}

// implying maps a right to the one that implies it (O-36).
var implying = map[winnt.AccessMask]winnt.AccessMask{
	winnt.PROCESS_QUERY_LIMITED_INFORMATION: winnt.PROCESS_QUERY_INFORMATION,
	winnt.THREAD_QUERY_LIMITED_INFORMATION:  winnt.THREAD_QUERY_INFORMATION,
}

// A service accepts a handle that has only the documented rights, and rejects one that misses any of them (O-31).
func TestServiceRejectsHandleWithoutRight(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range newRightsWorld(t).cases() {
		covered[c.service] = true
		for left := c.need; left != 0; left &= left - 1 {
			bit := winnt.AccessMask(1) << bits.TrailingZeros32(uint32(left))
			w := newRightsWorld(t)
			h := w.limited(c.object, func(all winnt.AccessMask) winnt.AccessMask { return all &^ bit &^ implying[bit] })
			check.Equal(t, check.Status(w.ask(&c, h)), ntstatus.AccessDenied,
				"%s with a handle to %s without %#x", c.service, c.object, uint32(bit))
		}
		w := newRightsWorld(t)
		h := w.limited(c.object, func(winnt.AccessMask) winnt.AccessMask { return c.need })
		_, st := w.ask(&c, h)
		check.That(t, st != ntstatus.AccessDenied, "%s with a handle to %s with %#x only: %v, want anything but %v",
			c.service, c.object, uint32(c.need), st, ntstatus.AccessDenied)
	}
	// Each service that documents a right needs a case here. Services on files of trees are tested in hostfs.
	documents := regexp.MustCompile(`lacks [A-Z]+_[A-Z]`)
	for row := range nt.NtTable.All {
		name := row.Info().Name
		if !covered[name] && !slices.Contains(elsewhere, name) && documents.MatchString(fmt.Sprint(row.Info().Conditions)) {
			t.Errorf("%s documents a right of its handle but has no case in this test", name)
		}
	}
}

func newRightsWorld(t *testing.T) *rightsWorld {
	t.Helper()
	w := &rightsWorld{T: t, all: map[string]winnt.Handle{}}
	w.system, w.th = threadOf(t, kernel.Config{Faults: func(string) bool { return w.full }}, token.LocalSystem())
	th := w.th
	call := func(name, service string, in any, field string) {
		t.Helper()
		out, st := th.CallRow(nt.NtTable.Find(service), in)
		check.RequireThat(t, st == ntstatus.Success, "%s for %s: %v, want success", service, name, st)
		w.all[name] = winnt.Handle(reflect.ValueOf(out).FieldByName(field).Int())
	}
	w.all["token"] = check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.MAXIMUM_ALLOWED))
	var all []nt.LUIDAndAttributes
	for p := winnt.SeCreateTokenPrivilege; p <= winnt.LastPrivilege; p++ {
		all = append(all, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED})
	}
	th.NtAdjustPrivilegesToken(w.all["token"], false, all, false)
	for name, typ := range map[string]winnt.TokenType{"primary": winnt.TokenPrimary, "client": winnt.TokenImpersonation} {
		call(name, "NtDuplicateToken", nt.DuplicateTokenIn{ExistingTokenHandle: w.all["token"], TokenType: typ,
			DesiredAccess: winnt.TOKEN_ALL_ACCESS, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
				SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}})},
			"NewTokenHandle")
	}
	made := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED}))
	w.all["process"], w.all["thread"], w.id = made.ProcessHandle, made.ThreadHandle, made.ClientID
	w.all["event"] = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, true))
	w.all["named"] = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\named`},
		nt.NotificationEvent, true))
	w.all["mutant"] = check.Result(th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, nil, true))
	call("semaphore", "NtCreateSemaphore", nt.CreateSemaphoreIn{DesiredAccess: winnt.SEMAPHORE_ALL_ACCESS,
		MaximumCount: 9}, "SemaphoreHandle")
	w.all["timer"] = check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.SynchronizationTimer))
	w.all["directory"] = check.Result(th.NtOpenDirectoryObject(winnt.DIRECTORY_ALL_ACCESS,
		&nt.ObjectAttributes{ObjectName: `\`}))
	w.all["link"] = check.Result(th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS,
		&nt.ObjectAttributes{ObjectName: `\link`}, `\named`))
	call("policy", "LsaOpenPolicy", nt.LsaOpenPolicyIn{DesiredAccess: winnt.POLICY_ALL_ACCESS}, "PolicyHandle")
	call("job", "NtCreateJobObject", nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS}, "JobHandle")
	call("pipe", "NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		NamedPipeType: 1, ReadMode: 1, CreateDisposition: winnt.FILE_CREATE,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\rights`})}, "FileHandle")
	return w
}

// limited duplicates the handle of an object. The function of maps the granted rights to the rights of the duplicate.
func (w *rightsWorld) limited(object string, of func(all winnt.AccessMask) winnt.AccessMask) winnt.Handle {
	w.Helper()
	h := w.all[object]
	info := check.Result(w.th.NtQueryObject(h, nt.ObjectBasicInformation))
	want := of(info.(nt.BasicInformation).GrantedAccess)
	return check.Result(w.th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, want, 0, 0))
}

func (w *rightsWorld) ask(c *rightCase, h winnt.Handle) (any, ntstatus.Status) {
	if c.with != nil {
		return w.th.CallRow(nt.NtTable.Find(c.service), c.with(h))
	}
	in := reflect.New(reflect.TypeOf(c.in)).Elem()
	in.Set(reflect.ValueOf(c.in))
	in.FieldByName(c.field).Set(reflect.ValueOf(h))
	return w.th.CallRow(nt.NtTable.Find(c.service), in.Interface())
}

// cases returns a case for each handle of a service that documents rights. The handle values are the same in every
// world.
func (w *rightsWorld) cases() []rightCase {
	descriptor := nt.Cap(sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)"))
	mapping := nt.Cap(winnt.FileObject.Mapping)
	set := nt.Cap(&nt.PrivilegeSet{})
	const length = ^uint32(0)
	var all []rightCase
	add := func(service, field, object string, need winnt.AccessMask, in any) {
		all = append(all, rightCase{service: service, field: field, in: in, object: object, need: need})
	}
	const groups, query = winnt.TOKEN_ADJUST_GROUPS, winnt.TOKEN_QUERY
	add("NtAdjustGroupsToken", "TokenHandle", "token", groups, nt.AdjustGroupsTokenIn{ResetToDefault: true})
	add("NtAdjustGroupsToken", "TokenHandle", "token", groups|query,
		nt.AdjustGroupsTokenIn{ResetToDefault: true, WantPrevious: true, BufferLength: length})
	const claims = "NtAdjustTokenClaimsAndDeviceGroups"
	add(claims, "TokenHandle", "token", groups, nt.AdjustTokenClaimsIn{})
	add(claims, "TokenHandle", "token", groups|query, nt.AdjustTokenClaimsIn{WantPreviousUser: true})
	add(claims, "TokenHandle", "token", groups|query, nt.AdjustTokenClaimsIn{WantPreviousDevice: true})
	add(claims, "TokenHandle", "token", groups|query, nt.AdjustTokenClaimsIn{WantPreviousDeviceGroups: true})
	add("NtAdjustPrivilegesToken", "TokenHandle", "token", winnt.TOKEN_ADJUST_PRIVILEGES,
		nt.AdjustPrivilegesTokenIn{DisableAllPrivileges: true})
	add("NtAdjustPrivilegesToken", "TokenHandle", "token", winnt.TOKEN_ADJUST_PRIVILEGES|query,
		nt.AdjustPrivilegesTokenIn{DisableAllPrivileges: true, WantPrevious: true, BufferLength: length})
	add("NtOpenObjectAuditAlarm", "ClientToken", "client", query,
		nt.OpenObjectAuditAlarmIn{SecurityDescriptor: descriptor})
	add("NtPrivilegeObjectAuditAlarm", "ClientToken", "client", query, nt.PrivilegeObjectAuditAlarmIn{})
	add("NtPrivilegedServiceAuditAlarm", "ClientToken", "client", query, nt.PrivilegedServiceAuditAlarmIn{})
	add("NtAccessCheckByTypeResultListAndAuditAlarmByHandle", "ClientToken", "client", query,
		nt.AccessCheckAndAuditAlarmByHandleIn{SecurityDescriptor: descriptor, GenericMapping: mapping, DesiredAccess: 1,
			ObjectTypeList: nt.Cap([]access.ObjectTypeEntry{{}})})
	check := nt.AccessCheckByTypeIn{SecurityDescriptor: descriptor, GenericMapping: mapping, DesiredAccess: 1,
		PrivilegeSetLength: length, ObjectTypeList: nt.Cap([]access.ObjectTypeEntry{{}})}
	add("NtAccessCheck", "ClientToken", "client", query, nt.AccessCheckIn{SecurityDescriptor: descriptor,
		GenericMapping: mapping, DesiredAccess: 1, PrivilegeSetLength: length})
	add("NtAccessCheckByType", "ClientToken", "client", query, check)
	add("NtAccessCheckByTypeResultList", "ClientToken", "client", query, check)
	add("NtPrivilegeCheck", "ClientToken", "client", query, nt.PrivilegeCheckIn{RequiredPrivileges: set})
	add("NtCreateLowBoxToken", "ExistingTokenHandle", "token", winnt.TOKEN_DUPLICATE,
		nt.CreateLowBoxTokenIn{PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))})
	add("NtDuplicateToken", "ExistingTokenHandle", "token", winnt.TOKEN_DUPLICATE,
		nt.DuplicateTokenIn{TokenType: winnt.TokenPrimary})
	add("NtFilterToken", "ExistingTokenHandle", "token", winnt.TOKEN_DUPLICATE, nt.FilterTokenIn{})
	add("NtFilterTokenEx", "ExistingTokenHandle", "token", winnt.TOKEN_DUPLICATE, nt.FilterTokenExIn{})
	add("NtCompareTokens", "FirstTokenHandle", "token", query, nt.CompareTokensIn{SecondTokenHandle: w.all["client"]})
	add("NtCompareTokens", "SecondTokenHandle", "token", query, nt.CompareTokensIn{FirstTokenHandle: w.all["client"]})
	for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
		if _, st := w.th.NtQueryInformationToken(w.all["primary"], class); st == ntstatus.Success {
			need := query
			if class == winnt.TokenSource {
				need = winnt.TOKEN_QUERY_SOURCE
			}
			add("NtQueryInformationToken", "TokenHandle", "primary", need,
				nt.QueryInformationTokenIn{TokenInformationClass: class, TokenInformationLength: length})
		}
	}
	add("NtQuerySecurityAttributesToken", "TokenHandle", "token", query, nt.QuerySecurityAttributesTokenIn{Length: length})
	const adjust = winnt.TOKEN_ADJUST_DEFAULT
	add("NtSetInformationToken", "TokenHandle", "primary", adjust, nt.SetInformationTokenIn{
		TokenInformationClass: winnt.TokenOwner, TokenInformation: nt.Cap[any](sid.LocalSystem),
		TokenInformationLength: length})
	add("NtSetInformationToken", "TokenHandle", "primary", adjust|winnt.TOKEN_ADJUST_SESSIONID,
		nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenSessionId, TokenInformation: nt.Cap[any](uint32(1)),
			TokenInformationLength: length})
	for _, s := range []string{"NtSetEvent", "NtResetEvent"} {
		add(s, "EventHandle", "event", winnt.EVENT_MODIFY_STATE, nt.SetEventIn{})
	}
	add("NtClearEvent", "EventHandle", "event", winnt.EVENT_MODIFY_STATE, nt.ClearEventIn{})
	add("NtWaitForSingleObject", "Handle", "event", winnt.SYNCHRONIZE, nt.WaitForSingleObjectIn{})
	add("NtMakeTemporaryObject", "Handle", "named", winnt.DELETE, nt.MakeTemporaryObjectIn{})
	add("NtQueryMutant", "MutantHandle", "mutant", winnt.MUTANT_QUERY_STATE, nt.QueryMutantIn{MutantInformationLength: 8})
	add("NtQuerySemaphore", "SemaphoreHandle", "semaphore", winnt.SEMAPHORE_QUERY_STATE,
		nt.QuerySemaphoreIn{SemaphoreInformationLength: 8})
	add("NtReleaseSemaphore", "SemaphoreHandle", "semaphore", winnt.SEMAPHORE_MODIFY_STATE,
		nt.ReleaseSemaphoreIn{ReleaseCount: 1})
	add("NtQueryTimer", "TimerHandle", "timer", winnt.TIMER_QUERY_STATE, nt.QueryTimerIn{TimerInformationLength: 16})
	add("NtSetTimer", "TimerHandle", "timer", winnt.TIMER_MODIFY_STATE, nt.SetTimerIn{})
	add("NtCancelTimer", "TimerHandle", "timer", winnt.TIMER_MODIFY_STATE, nt.CancelTimerIn{})
	add("NtQueryDirectoryObject", "DirectoryHandle", "directory", winnt.DIRECTORY_QUERY,
		nt.QueryDirectoryObjectIn{Length: length})
	add("NtQuerySymbolicLinkObject", "LinkHandle", "link", winnt.SYMBOLIC_LINK_QUERY,
		nt.QuerySymbolicLinkObjectIn{MaximumLength: 100})
	add("LsaQueryInformationPolicy", "PolicyHandle", "policy", winnt.POLICY_VIEW_LOCAL_INFORMATION,
		nt.LsaQueryInformationPolicyIn{InformationClass: winnt.PolicyAccountDomainInformation})
	add("LsaQueryInformationPolicy", "PolicyHandle", "policy", winnt.POLICY_VIEW_AUDIT_INFORMATION,
		nt.LsaQueryInformationPolicyIn{InformationClass: winnt.PolicyAuditEventsInformation})
	add("LsaLookupNames2", "PolicyHandle", "policy", winnt.POLICY_LOOKUP_NAMES, nt.LsaLookupNames2In{Names: []string{"x"}})
	add("LsaLookupSids", "PolicyHandle", "policy", winnt.POLICY_LOOKUP_NAMES,
		nt.LsaLookupSidsIn{SIDs: []sid.SID{sid.LocalSystem}})
	add("LsaEnumerateAccountRights", "PolicyHandle", "policy", winnt.POLICY_LOOKUP_NAMES,
		nt.LsaEnumerateAccountRightsIn{AccountSID: nt.Cap(sid.Administrators)})
	all = append(all, w.processCases()...)
	return append(all, w.securityCases()...)
}

// processCases returns the cases of services on processes, threads, jobs and pipes.
func (w *rightsWorld) processCases() (all []rightCase) {
	add := func(service, field, object string, need winnt.AccessMask, in any) {
		all = append(all, rightCase{service: service, field: field, in: in, object: object, need: need})
	}
	const length = ^uint32(0)
	add("NtOpenProcessToken", "ProcessHandle", "process", winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.OpenProcessTokenIn{DesiredAccess: winnt.TOKEN_QUERY})
	add("NtOpenProcessTokenEx", "ProcessHandle", "process", winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.OpenProcessTokenExIn{DesiredAccess: winnt.TOKEN_QUERY})
	add("NtOpenThreadToken", "ThreadHandle", "thread", winnt.THREAD_QUERY_INFORMATION,
		nt.OpenThreadTokenIn{DesiredAccess: winnt.TOKEN_QUERY})
	add("NtOpenThreadTokenEx", "ThreadHandle", "thread", winnt.THREAD_QUERY_INFORMATION,
		nt.OpenThreadTokenExIn{DesiredAccess: winnt.TOKEN_QUERY})
	self := nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess, SourceHandle: w.all["event"],
		TargetProcessHandle: winnt.NtCurrentProcess, Options: nt.DuplicateOptions(winnt.DUPLICATE_SAME_ACCESS)}
	add("NtDuplicateObject", "TargetProcessHandle", "process", winnt.PROCESS_DUP_HANDLE, self)
	self.SourceHandle = winnt.NtCurrentProcess
	add("NtDuplicateObject", "SourceProcessHandle", "process", winnt.PROCESS_DUP_HANDLE, self)
	for class, need := range map[nt.ProcessInfoClass]winnt.AccessMask{
		nt.ProcessBasicInformation:  winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.ProcessTimes:             winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.ProcessHandleCount:       winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.ProcessImageFileName:     winnt.PROCESS_QUERY_LIMITED_INFORMATION,
		nt.ProcessHandleInformation: winnt.PROCESS_QUERY_INFORMATION} {
		add("NtQueryInformationProcess", "ProcessHandle", "process", need,
			nt.QueryInformationProcessIn{ProcessInformationClass: class, ProcessInformationLength: length})
	}
	for _, class := range []nt.ThreadInfoClass{nt.ThreadBasicInformation, nt.ThreadTimes, nt.ThreadNameInformation} {
		add("NtQueryInformationThread", "ThreadHandle", "thread", winnt.THREAD_QUERY_LIMITED_INFORMATION,
			nt.QueryInformationThreadIn{ThreadInformationClass: class, ThreadInformationLength: length})
	}
	add("NtGetNextThread", "ProcessHandle", "process", winnt.PROCESS_QUERY_INFORMATION,
		nt.GetNextThreadIn{DesiredAccess: winnt.THREAD_TERMINATE})
	add("NtSuspendThread", "ThreadHandle", "thread", winnt.THREAD_SUSPEND_RESUME, nt.SuspendThreadIn{})
	add("NtResumeThread", "ThreadHandle", "thread", winnt.THREAD_SUSPEND_RESUME, nt.ResumeThreadIn{})
	add("NtQueueApcThread", "ThreadHandle", "thread", winnt.THREAD_SET_CONTEXT, nt.QueueApcThreadIn{})
	add("NtCancelSynchronousIoFile", "ThreadHandle", "thread", winnt.THREAD_TERMINATE, nt.CancelSynchronousIoFileIn{})
	add("NtTerminateProcess", "ProcessHandle", "process", winnt.PROCESS_TERMINATE, nt.TerminateProcessIn{})
	qos := nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation})
	add("NtImpersonateThread", "ServerThreadHandle", "thread", winnt.THREAD_DIRECT_IMPERSONATION,
		nt.ImpersonateThreadIn{ClientThreadHandle: winnt.NtCurrentThread, SecurityQos: qos})
	add("NtImpersonateThread", "ClientThreadHandle", "thread", winnt.THREAD_IMPERSONATE,
		nt.ImpersonateThreadIn{ServerThreadHandle: w.all["thread"], SecurityQos: qos})
	add("NtImpersonateAnonymousToken", "ThreadHandle", "thread", winnt.THREAD_IMPERSONATE,
		nt.ImpersonateAnonymousTokenIn{})
	token := nt.SetInformationThreadIn{ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformationLength: 8,
		ThreadInformation: nt.Cap(w.all["client"]), ThreadHandle: w.all["thread"]}
	add("NtSetInformationThread", "ThreadHandle", "thread", winnt.THREAD_SET_THREAD_TOKEN, token)
	primary := nt.SetInformationProcessIn{ProcessInformationClass: nt.ProcessAccessToken, ProcessInformationLength: 16,
		ProcessInformation: nt.Cap(w.all["primary"]), ProcessHandle: w.all["process"]}
	add("NtSetInformationProcess", "ProcessHandle", "process", winnt.PROCESS_SET_INFORMATION, primary)
	limit := func(h winnt.Handle) nt.SetInformationJobObjectIn {
		in := nt.SetInformationJobObjectIn{JobHandle: w.all["job"], JobObjectInformationLength: nt.JobSecurityLimitSize,
			JobObjectInformationClass: nt.JobObjectSecurityLimitInformation}
		in.JobObjectInformation = nt.Cap(&nt.JobSecurityLimitInformation{JobToken: h,
			SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN})
		return in
	}
	add("NtSetInformationJobObject", "JobHandle", "job", winnt.JOB_OBJECT_SET_SECURITY_ATTRIBUTES, limit(w.all["primary"]))
	all = append(all, []rightCase{
		{service: "NtSetInformationThread", with: func(h winnt.Handle) any {
			in := token
			in.ThreadInformation = nt.Cap(h)
			return in
		}, object: "client", need: winnt.TOKEN_IMPERSONATE},
		{service: "NtSetInformationProcess", with: func(h winnt.Handle) any {
			in := primary
			in.ProcessInformation = nt.Cap(h)
			return in
		}, object: "primary", need: winnt.TOKEN_ASSIGN_PRIMARY},
		{service: "NtSetInformationJobObject", with: func(h winnt.Handle) any { return limit(h) }, object: "primary",
			need: winnt.TOKEN_ASSIGN_PRIMARY},
	}...)
	add("NtAssignProcessToJobObject", "JobHandle", "job", winnt.JOB_OBJECT_ASSIGN_PROCESS,
		nt.AssignProcessToJobObjectIn{ProcessHandle: w.all["process"]})
	add("NtAssignProcessToJobObject", "ProcessHandle", "process", winnt.PROCESS_SET_QUOTA|winnt.PROCESS_TERMINATE,
		nt.AssignProcessToJobObjectIn{JobHandle: w.all["job"]})
	add("NtCreateUserProcess", "ParentProcess", "process", winnt.PROCESS_CREATE_PROCESS, nt.CreateUserProcessIn{})
	add("NtCreateUserProcess", "Token", "primary", winnt.TOKEN_ASSIGN_PRIMARY, nt.CreateUserProcessIn{})
	for _, class := range []nt.FileInfoClass{nt.FilePipeInformation, nt.FilePipeLocalInformation} {
		add("NtQueryInformationFile", "FileHandle", "pipe", winnt.FILE_READ_ATTRIBUTES,
			nt.QueryInformationFileIn{FileInformationClass: class, Length: 1000})
	}
	add("NtSetInformationFile", "FileHandle", "pipe", winnt.FILE_WRITE_ATTRIBUTES, nt.SetInformationFileIn{
		FileInformationClass: nt.FilePipeInformation, FileInformation: nt.Cap[any](nt.PipeInformation{})})
	add("NtReadFile", "FileHandle", "pipe", winnt.FILE_READ_DATA, nt.ReadFileIn{Length: 1})
	add("NtWriteFile", "FileHandle", "pipe", winnt.FILE_WRITE_DATA, nt.WriteFileIn{Buffer: nt.Cap([]byte{1})})
	add("NtFsControlFile", "FileHandle", "pipe", winnt.FILE_READ_DATA,
		nt.FsControlFileIn{FsControlCode: winnt.FSCTL_PIPE_PEEK, OutputBufferLength: 100})
	add("NtFsControlFile", "FileHandle", "pipe", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA,
		nt.FsControlFileIn{FsControlCode: winnt.FSCTL_PIPE_TRANSCEIVE, OutputBufferLength: 100, Later: &nt.Later{}})
	return all
}

// securityCases returns the cases of security descriptors, one for each part that can be queried or set (O-64, O-65).
func (w *rightsWorld) securityCases() (all []rightCase) {
	d := nt.Cap(sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, Control: sd.DACLPresent}))
	for part, need := range map[uint32][2]winnt.AccessMask{
		winnt.OWNER_SECURITY_INFORMATION: {winnt.READ_CONTROL, winnt.WRITE_OWNER},
		winnt.GROUP_SECURITY_INFORMATION: {winnt.READ_CONTROL, winnt.WRITE_OWNER},
		winnt.DACL_SECURITY_INFORMATION:  {winnt.READ_CONTROL, winnt.WRITE_DAC},
		winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION: {winnt.READ_CONTROL,
			winnt.WRITE_OWNER | winnt.WRITE_DAC},
		winnt.LABEL_SECURITY_INFORMATION: {winnt.READ_CONTROL, winnt.WRITE_OWNER},
	} {
		all = append(all, rightCase{service: "NtQuerySecurityObject", field: "Handle", object: "named", need: need[0],
			in: nt.QuerySecurityObjectIn{SecurityInformation: nt.SecurityInformation(part), Length: ^uint32(0)}},
			rightCase{service: "NtSetSecurityObject", field: "Handle", object: "named", need: need[1],
				in: nt.SetSecurityObjectIn{SecurityInformation: nt.SecurityInformation(part), SecurityDescriptor: d}})
	}
	return all
}

// elsewhere lists services on files of trees, which this kernel does not have.
var elsewhere = []string{"NtQueryDirectoryFile"}
