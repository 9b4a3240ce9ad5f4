package win32

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the functions that create processes. Parameters for the loaded program (environment, directory,
// start-up information) are missing.
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
	rowCreateProcess = function(nt.Meta{Name: "CreateProcess",
		Summary: "creates a process with a copy of the caller's primary token", Missing: noProgram,
		Conditions: of("NtCreateUserProcess")},
		func(t *Thread, in CreateProcessIn) (CreateProcessOut, ntstatus.Status) {
			return t.createProcess(&in, 0)
		})
	rowCreateProcessAsUser = function(nt.Meta{Name: "CreateProcessAsUser",
		Summary: "creates a process with the token of a user", Missing: noProgram,
		Conditions: append([]nt.Condition{
			{Status: ntstatus.Success, Rule: "I-96", When: "hToken is NULL: the call does the same as CreateProcess"},
			{Status: ntstatus.InvalidHandle, Rule: "I-96", When: "hToken is not a valid handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "I-96", When: "hToken is not a token"},
			{Status: ntstatus.AccessDenied, Rule: "I-96",
				When: "hToken does not grant TOKEN_QUERY, TOKEN_ASSIGN_PRIMARY or (profile documented) TOKEN_DUPLICATE"},
			{Status: ntstatus.BadTokenType, Rule: "I-96", When: "hToken is an impersonation token (profile documented)"},
			{Status: ntstatus.PrivilegeNotHeld, Rule: "I-96",
				When: "the caller's process does not hold SeIncreaseQuotaPrivilege, and hToken is neither child nor " +
					"sibling of its token"},
		}, of("NtCreateUserProcess")...)},
		func(t *Thread, in CreateProcessAsUserIn) (out CreateProcessOut, st ntstatus.Status) {
			if in.Token != 0 {
				if st := t.mayCreateAs(in.Token); !st.IsSuccess() {
					return out, st
				}
			}
			return t.createProcess(&CreateProcessIn{in.ApplicationName, in.CommandLine, in.ProcessAttributes,
				in.ThreadAttributes, in.InheritHandles, in.CreationFlags}, in.Token)
		})
)

// mayCreateAs checks the rights of the handle and the type of the token before CreateProcessAsUser creates a process.
// The service checks the other conditions. The type counts only in the documented profile. Missing rights are
// STATUS_ACCESS_DENIED, and another type STATUS_BAD_TOKEN_TYPE.
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
	documented := t.nt.Profile() == nt.Documented
	if documented {
		// The documents ask for the right to duplicate; it was not seen to be needed (I-96).
		want |= winnt.TOKEN_DUPLICATE
	}
	// The handle must have each of these rights (I-96).
	if basic, _ := info.(nt.BasicInformation); want&^basic.GrantedAccess != 0 {
		return ntstatus.AccessDenied
	}
	// The documents want a primary token; an impersonation token was seen to be duplicated (I-96).
	if typ != winnt.TokenPrimary && documented {
		return ntstatus.BadTokenType
	}
	return ntstatus.Success
}

// processHolds reports whether the caller's process token has a privilege, enabled or not. The thread's impersonation
// does not matter (I-7).
func (t *Thread) processHolds(p winnt.Privilege) (bool, ntstatus.Status) {
	v, st := t.nt.NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenPrivileges)
	list, _ := v.([]nt.LUIDAndAttributes)
	return slices.ContainsFunc(list, func(l nt.LUIDAndAttributes) bool { return l.LUID == p.LUID() }), st
}

// createProcess creates a process with all rights on its handles. Token 0 means a copy of the caller's primary
// token. If the process does not hold SeIncreaseQuotaPrivilege, any other token must be derived from the caller's. A
// creation flag other than CREATE_SUSPENDED is STATUS_INVALID_PARAMETER.
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
		// The child gets the inheritable handles of its parent (O-59).
		n.ProcessFlags = winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES
	}
	if in.CreationFlags&winnt.CREATE_SUSPENDED != 0 {
		n.ThreadFlags = winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED
	}
	if token != 0 {
		// Without the quota privilege, held if not enabled, only kin of the caller's token will do (I-96).
		held, st := t.processHolds(winnt.SeIncreaseQuotaPrivilege)
		if !st.IsSuccess() {
			return out, st
		}
		n.KinOnly = !held
	}
	o, st := t.nt.NtCreateUserProcess(n)
	return CreateProcessOut{o.ProcessHandle, o.ThreadHandle, uint32(o.ClientID.UniqueProcess),
		uint32(o.ClientID.UniqueThread)}, st
}

// program returns the program name: the application name, or else the first word of the command line, which may be
// quoted. A quote without an end reaches to the end of the line. It returns "" if both are empty.
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

// CreateProcess creates a process with a copy of the caller's primary token, even while the thread impersonates.
func (t *Thread) CreateProcess(in CreateProcessIn) (CreateProcessOut, bool) {
	return call(t, rowCreateProcess, in)
}

// CreateProcessAsUser creates a process that runs as the user of a token. If it fails, it returns false and sets the
// last error.
func (t *Thread) CreateProcessAsUser(in CreateProcessAsUserIn) (CreateProcessOut, bool) {
	return call(t, rowCreateProcessAsUser, in)
}
