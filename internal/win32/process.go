package win32

import (
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the functions that make processes. What only a loaded program
// would look at (environment, directory, start-up information) is absent.
type (
	CreateProcessIn struct {
		ApplicationName   string              `param:"lpApplicationName"` // "" is NULL: the first word of the command line
		CommandLine       string              `param:"lpCommandLine"`
		ProcessAttributes *SecurityAttributes `param:"lpProcessAttributes"`
		ThreadAttributes  *SecurityAttributes `param:"lpThreadAttributes"`
		InheritHandles    bool                `param:"bInheritHandles"`
		CreationFlags     uint32              `param:"dwCreationFlags"`
	}
	CreateProcessAsUserIn struct {
		Token             winnt.Handle        `param:"hToken"` // 0 is NULL: as CreateProcess
		ApplicationName   string              `param:"lpApplicationName"`
		CommandLine       string              `param:"lpCommandLine"`
		ProcessAttributes *SecurityAttributes `param:"lpProcessAttributes"`
		ThreadAttributes  *SecurityAttributes `param:"lpThreadAttributes"`
		InheritHandles    bool                `param:"bInheritHandles"`
		CreationFlags     uint32              `param:"dwCreationFlags"`
	}
	// CreateProcessOut is PROCESS_INFORMATION.
	CreateProcessOut struct {
		Process   winnt.Handle `param:"hProcess"`
		Thread    winnt.Handle `param:"hThread"`
		ProcessID uint32       `param:"dwProcessId"`
		ThreadID  uint32       `param:"dwThreadId"`
	}
)

const noProgram = "no program is loaded; of the creation flags only CREATE_SUSPENDED"

var (
	rowCreateProcess = function(nt.Meta{Name: "CreateProcess", Summary: "makes a process with a copy of the caller's primary token", Missing: noProgram, Conditions: of("NtCreateUserProcess")},
		func(t *Thread, in CreateProcessIn) (CreateProcessOut, ntstatus.Status) {
			return t.createProcess(&in, 0)
		})
	rowCreateProcessAsUser = function(nt.Meta{Name: "CreateProcessAsUser", Summary: "makes a process with the token of a user", Missing: noProgram,
		Conditions: append([]nt.Condition{
			{Status: ntstatus.Success, Rule: "I-96", When: "hToken is NULL: as CreateProcess"},
			{Status: ntstatus.InvalidHandle, Rule: "I-96", When: "hToken names no handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "I-96", When: "hToken is no token"},
			{Status: ntstatus.AccessDenied, Rule: "I-96", When: "hToken lacks TOKEN_QUERY, TOKEN_ASSIGN_PRIMARY or (profile documented) TOKEN_DUPLICATE"},
			{Status: ntstatus.BadTokenType, Rule: "I-96", When: "hToken is an impersonation token (profile documented)"},
			{Status: ntstatus.PrivilegeNotHeld, Rule: "I-96", When: "the caller's process lacks SeIncreaseQuotaPrivilege"},
		}, of("NtCreateUserProcess")...)},
		func(t *Thread, in CreateProcessAsUserIn) (out CreateProcessOut, st ntstatus.Status) {
			if in.Token != 0 {
				if st := t.mayCreateAs(in.Token); !st.IsSuccess() {
					return out, st
				}
			}
			return t.createProcess(&CreateProcessIn{in.ApplicationName, in.CommandLine, in.ProcessAttributes, in.ThreadAttributes, in.InheritHandles, in.CreationFlags}, in.Token)
		})
)

// mayCreateAs is what CreateProcessAsUser asks for before it makes a process
// (I-96): rights of the handle, the type of the token, and the quota privilege
// of the caller's process. The service asks for the rest.
func (t *Thread) mayCreateAs(token winnt.Handle) ntstatus.Status {
	typ, st := t.tokenType(token)
	if !st.IsSuccess() {
		return st
	}
	info, st := t.nt.NtQueryObject(token, nt.ObjectBasicInformation)
	if !st.IsSuccess() {
		return st
	}
	want := winnt.TOKEN_QUERY | winnt.TOKEN_ASSIGN_PRIMARY
	documented := t.nt.Services().Profile() == nt.Documented
	if documented {
		want |= winnt.TOKEN_DUPLICATE // I-96: Observed does not ask for it
	}
	if basic, _ := info.(nt.BasicInformation); want&^basic.GrantedAccess != 0 {
		return ntstatus.AccessDenied // I-96
	}
	if typ != winnt.TokenPrimary && documented {
		return ntstatus.BadTokenType // I-96: Observed duplicates it
	}
	held, st := t.processHolds(winnt.SeIncreaseQuotaPrivilege)
	if st.IsSuccess() && !held {
		return ntstatus.PrivilegeNotHeld // I-96, I-7
	}
	return st
}

// processHolds tells whether a privilege is enabled in the caller's process
// token, whoever the thread impersonates (I-7).
func (t *Thread) processHolds(p winnt.Privilege) (bool, ntstatus.Status) {
	v, st := t.nt.NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenPrivileges)
	list, _ := v.([]nt.LUIDAndAttributes)
	for _, l := range list {
		if l.LUID == p.LUID() && l.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
			return true, st
		}
	}
	return false, st
}

func (t *Thread) createProcess(in *CreateProcessIn, token winnt.Handle) (out CreateProcessOut, st ntstatus.Status) {
	if in.CreationFlags&^winnt.CREATE_SUSPENDED != 0 {
		return out, ntstatus.InvalidParameter
	}
	n := nt.CreateUserProcessIn{
		ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS, ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS,
		ProcessObjectAttributes: nt.Cap(in.ProcessAttributes.objectAttributes(nil)),
		ThreadObjectAttributes:  nt.Cap(in.ThreadAttributes.objectAttributes(nil)),
		Token:                   token, ImageName: program(in.ApplicationName, in.CommandLine), OfProcess: true,
	}
	if in.InheritHandles {
		n.ProcessFlags = winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES // I-95, O-59
	}
	if in.CreationFlags&winnt.CREATE_SUSPENDED != 0 {
		n.ThreadFlags = winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED
	}
	o, st := t.nt.NtCreateUserProcess(n)
	return CreateProcessOut{o.ProcessHandle, o.ThreadHandle, uint32(o.ClientID.UniqueProcess), uint32(o.ClientID.UniqueThread)}, st
}

// program is the name of the program: the application name, else the first
// word of the command line, which quotes may hold together.
func program(application, command string) string {
	if application != "" {
		return application
	}
	command = strings.TrimLeft(command, " \t")
	if rest, quoted := strings.CutPrefix(command, `"`); quoted {
		name, _, _ := strings.Cut(rest, `"`)
		return name
	}
	if i := strings.IndexAny(command, " \t"); i >= 0 {
		return command[:i]
	}
	return command
}

// CreateProcess makes a process with a copy of the caller's primary token, also
// while the thread impersonates.
func (t *Thread) CreateProcess(in CreateProcessIn) (CreateProcessOut, bool) {
	return call(t, rowCreateProcess, in)
}

// CreateProcessAsUser makes a process that runs as the user of a token.
func (t *Thread) CreateProcessAsUser(in CreateProcessAsUserIn) (CreateProcessOut, bool) {
	return call(t, rowCreateProcessAsUser, in)
}
