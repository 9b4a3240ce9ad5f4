package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// CreateJobObjectIn and relatives are the parameters of the services that make
// and open jobs, and put processes into them.
type (
	CreateJobObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"job"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	CreateJobObjectOut struct{ JobHandle winnt.Handle }

	OpenJobObjectIn struct {
		DesiredAccess    winnt.AccessMask `object:"job"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	OpenJobObjectOut struct{ JobHandle winnt.Handle }

	AssignProcessToJobObjectIn  struct{ JobHandle, ProcessHandle winnt.Handle }
	AssignProcessToJobObjectOut struct{}
)

// JobObjectInfoClass is JOBOBJECTINFOCLASS.
type JobObjectInfoClass uint32

// JobObjectSecurityLimitInformation is the class for setting a job's security
// limits.
const JobObjectSecurityLimitInformation JobObjectInfoClass = 5

// String prints the documented name.
func (c JobObjectInfoClass) String() string {
	if c == JobObjectSecurityLimitInformation {
		return "JobObjectSecurityLimitInformation"
	}
	return "JOBOBJECTINFOCLASS(" + winnt.Handle(c).String() + ")"
}

// JobSecurityLimitInformation is JOBOBJECT_SECURITY_LIMIT_INFORMATION (40 bytes
// on 64-bit Windows). The zero value limits nothing. An empty list means no
// list.
type JobSecurityLimitInformation struct {
	SecurityLimitFlags uint32       // JOB_OBJECT_SECURITY_*
	JobToken           winnt.Handle // for ONLY_TOKEN
	SidsToDisable      []token.Group
	PrivilegesToDelete []LUIDAndAttributes
	RestrictedSids     []token.Group
}

// JobSecurityLimitSize is the length of the structure, in bytes.
const JobSecurityLimitSize = 40

// SetInformationJobObjectIn and SetInformationJobObjectOut are the parameters
// of NtSetInformationJobObject.
type (
	SetInformationJobObjectIn struct {
		JobHandle                  winnt.Handle
		JobObjectInformationClass  JobObjectInfoClass
		JobObjectInformation       Captured[*JobSecurityLimitInformation]
		JobObjectInformationLength uint32 `default:"40"`
	}
	SetInformationJobObjectOut struct{}
)

var (
	rowCreateJobObject = Add(&NtTable, Entry[Services, CreateJobObjectIn, CreateJobObjectOut]{
		Meta: Meta{
			Name:       "NtCreateJobObject",
			Summary:    "creates a job, with or without a name",
			Source:     "CreateJobObject",
			Conditions: createByNameConditions(),
		},
		Call: Services.NtCreateJobObject,
	})
	rowOpenJobObject = Add(&NtTable, Entry[Services, OpenJobObjectIn, OpenJobObjectOut]{
		Meta: Meta{
			Name:       "NtOpenJobObject",
			Summary:    "opens a job by its name",
			Source:     "OpenJobObject",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenJobObject,
	})
	rowAssignProcessToJobObject = Add(&NtTable,
		Entry[Services, AssignProcessToJobObjectIn, AssignProcessToJobObjectOut]{
			Meta: Meta{
				Name:    "NtAssignProcessToJobObject",
				Summary: "puts a process into a job",
				Source:  "AssignProcessToJobObject",
				Conditions: []Condition{
					{ntstatus.InvalidHandle, "O-31", "JobHandle is not a valid handle"},
					{ntstatus.ObjectTypeMismatch, "O-31", "JobHandle is not a job"},
					{ntstatus.AccessDenied, "O-31", "JobHandle does not grant JOB_OBJECT_ASSIGN_PROCESS"},
					{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
					{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
					{ntstatus.AccessDenied, "O-31", "ProcessHandle does not grant PROCESS_SET_QUOTA or PROCESS_TERMINATE"},
					{ntstatus.AccessDenied, "I-91",
						"the process is in a job that this one is not nested in, and this one is not empty, or it would " +
							"be in more than 32 jobs"},
					{ntstatus.AccessDenied, "I-90",
						"a limit refuses the token of the process, the job's own token, or a token that a " +
							"thread impersonates with"},
					{ntstatus.InsufficientResources, "O-81", "the job's token could not be copied"},
					{ntstatus.ProcessIsTerminating, "O-47", "the process has ended"},
				},
			},
			Call: Services.NtAssignProcessToJobObject,
		},
	)
	rowSetInformationJobObject = Add(&NtTable, Entry[Services, SetInformationJobObjectIn, SetInformationJobObjectOut]{
		Meta: Meta{
			Name:    "NtSetInformationJobObject",
			Summary: "sets the security limits of a job",
			Source:  "SetInformationJobObject; JOBOBJECT_SECURITY_LIMIT_INFORMATION",
			Missing: "only JobObjectSecurityLimitInformation",
			Conditions: []Condition{
				{ntstatus.InvalidInfoClass, "I-89", "any other information class"},
				{ntstatus.InfoLengthMismatch, "I-89", "the length is not the size of the structure"},
				{ntstatus.AccessViolation, "O-3", "the information is not readable"},
				{ntstatus.InvalidHandle, "O-31", "JobHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "JobHandle is not a job"},
				{ntstatus.AccessDenied, "O-31", "JobHandle does not grant JOB_OBJECT_SET_SECURITY_ATTRIBUTES"},
				{ntstatus.InvalidParameter, "I-89", "flags outside 0xF"},
				{ntstatus.InvalidParameter, "I-89", "ONLY_TOKEN and JobToken is NULL"},
				{ntstatus.InvalidHandle, "T-111", "JobToken is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "T-111", "JobToken is not a token"},
				{ntstatus.AccessDenied, "T-111", "JobToken does not grant TOKEN_ASSIGN_PRIMARY"},
				{ntstatus.BadTokenType, "I-89", "JobToken is an impersonation token"},
				{ntstatus.PrivilegeNotHeld, "T-111",
					"JobToken is neither child nor sibling of the caller's process token, and " +
						"SeAssignPrimaryTokenPrivilege is not enabled"},
				{ntstatus.InvalidParameter, "I-89", "FILTER_TOKENS without any list"},
				{ntstatus.AccessDenied, "I-89", "a limit in force would be removed or replaced"},
			},
		},
		Call: Services.NtSetInformationJobObject,
		Scalars: byValue(func(in SetInformationJobObjectIn) bool {
			return in.JobObjectInformationClass == JobObjectSecurityLimitInformation
		}),
	})
)

// NtCreateJobObject creates a job. If the attributes have a name, others can
// open it. The creator is granted the requested rights (NtCreateJobObject).
func (t *Thread) NtCreateJobObject(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := CreateJobObjectIn{desired, Cap(attributes)}
	out, st := call(t, rowCreateJobObject, in)
	return out.JobHandle, st
}

// NtOpenJobObject opens a job by its name (NtOpenJobObject). The handle is 0 unless the status is a success.
func (t *Thread) NtOpenJobObject(
	desired winnt.AccessMask, attributes *ObjectAttributes,
) (winnt.Handle, ntstatus.Status) {
	in := OpenJobObjectIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenJobObject, in)
	return out.JobHandle, st
}

// NtAssignProcessToJobObject puts a process into a job. It returns STATUS_ACCESS_DENIED if the limits of the job refuse
// a token of the process, or the process is in a job in which this one cannot be nested (AssignProcessToJobObject).
func (t *Thread) NtAssignProcessToJobObject(job, process winnt.Handle) ntstatus.Status {
	in := AssignProcessToJobObjectIn{job, process}
	_, st := call(t, rowAssignProcessToJobObject, in)
	return st
}

// NtSetInformationJobObject sets the security limits of a job. A limit in force can be neither removed nor replaced:
// STATUS_ACCESS_DENIED (SetInformationJobObject, class 5).
func (t *Thread) NtSetInformationJobObject(job winnt.Handle, limits JobSecurityLimitInformation) ntstatus.Status {
	in := SetInformationJobObjectIn{job, JobObjectSecurityLimitInformation, Cap(&limits), JobSecurityLimitSize}
	_, st := call(t, rowSetInformationJobObject, in)
	return st
}
