package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Classes of NtQueryInformationProcess. Only NtSetInformationProcess accepts
// [ProcessAccessToken].
const (
	ProcessBasicInformation  ProcessInfoClass = 0
	ProcessTimes             ProcessInfoClass = 4
	ProcessHandleCount       ProcessInfoClass = 20
	ProcessImageFileName     ProcessInfoClass = 27
	ProcessHandleInformation ProcessInfoClass = 51
)

// ProcessBasic has the supported members of PROCESS_BASIC_INFORMATION, 48 bytes in
// C.
type ProcessBasic struct {
	ExitStatus                   ntstatus.Status // STATUS_PENDING until the process ends
	UniqueProcessID              winnt.Handle    `param:"UniqueProcessId"`
	InheritedFromUniqueProcessID winnt.Handle    `param:"InheritedFromUniqueProcessId"` // 0: no process made it
}

// KernelUserTimes is KERNEL_USER_TIMES, 32 bytes in C. CreateTime is in 100-ns units since 1601-01-01 UTC, or 0 if the
// system has no clock. The other times are always 0.
type KernelUserTimes struct {
	CreateTime, ExitTime, KernelTime, UserTime int64
}

// ProcessHandle is one entry of PROCESS_HANDLE_SNAPSHOT_INFORMATION, 40 bytes in C.
type ProcessHandle struct {
	HandleValue      winnt.Handle
	HandleCount      uint32 // of the object
	PointerCount     uint32 // of the object
	GrantedAccess    winnt.AccessMask
	ObjectTypeIndex  uint32 // from 2 on, in the order of ObjectTypesInformation
	HandleAttributes uint32
}

// Parameters of NtGetNextProcess and NtQueryInformationProcess. ProcessHandle 0 of the first means the first process.
// ProcessInformation holds [ProcessBasic], [KernelUserTimes], a uint32, the name as a string, or a list of
// [ProcessHandle], by class. ProcessInformationLength is in bytes; 0xFFFFFFFF means the required size.
type (
	GetNextProcessIn struct {
		ProcessHandle    winnt.Handle
		DesiredAccess    winnt.AccessMask `object:"process"`
		HandleAttributes uint32
		Flags            uint32
	}
	GetNextProcessOut struct{ NewProcessHandle winnt.Handle }

	QueryInformationProcessIn struct {
		ProcessHandle            winnt.Handle
		ProcessInformationClass  ProcessInfoClass
		ProcessInformationLength uint32 `default:"4294967295"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryInformationProcessOut struct {
		ProcessInformation any
		ReturnLength       uint32
	}
)

var (
	rowGetNextProcess = Add(&NtTable, Entry[Services, GetNextProcessIn, GetNextProcessOut]{
		Meta: Meta{
			Name:    "NtGetNextProcess",
			Summary: "opens the process that follows another",
			Source:  "ntdll; decided",
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "O-22", "Flags is not 0, or HandleAttributes has unknown bits"},
				exclusiveInherited(),
				{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
				{ntstatus.InvalidParameter, "O-33", "an attribute that the type does not support"},
				{ntstatus.NoMoreEntries, "U-95", "there is no further process that the caller may open"},
			},
		},
		Call:    Services.NtGetNextProcess,
		Scalars: byValue(func(in GetNextProcessIn) bool { return in.Flags == 0 }),
	})
	rowQueryInformationProcess = Add(&NtTable, Entry[Services, QueryInformationProcessIn, QueryInformationProcessOut]{
		Meta: Meta{
			Name:    "NtQueryInformationProcess",
			Summary: "returns information about a process",
			Source:  "NtQueryInformationProcess; ntdll",
			Missing: "ProcessBasicInformation, ProcessTimes, ProcessHandleCount, ProcessImageFileName and " +
				"ProcessHandleInformation only; the name is the one the process was made with",
			Conditions: queryConditions("U-96", "ProcessHandle is not a process",
				"ProcessHandle does not grant PROCESS_QUERY_LIMITED_INFORMATION, or PROCESS_QUERY_INFORMATION for "+
					"ProcessHandleInformation", "ProcessHandle is not a valid handle"),
		},
		Call: Services.NtQueryInformationProcess,
		Scalars: byValue(func(in QueryInformationProcessIn) bool {
			switch in.ProcessInformationClass {
			case ProcessBasicInformation, ProcessTimes, ProcessHandleCount, ProcessImageFileName, ProcessHandleInformation:
				return true
			}
			return false
		}),
	})
)

// queryConditions returns the conditions, for the table of services, of a query about a process or thread. rule is
// the id of its rule. The other texts are for a wrong handle type, a missing right and an invalid handle.
func queryConditions(rule, mismatch, denied, none string) []Condition {
	return []Condition{
		{ntstatus.InvalidInfoClass, rule, "any other information class"},
		{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
		{ntstatus.InvalidHandle, "O-31", none},
		{ntstatus.ObjectTypeMismatch, "O-31", mismatch},
		{ntstatus.AccessDenied, "O-31", denied},
		{ntstatus.InfoLengthMismatch, rule,
			"the length differs from the structure's; for a name and for handles, it is too short for all of them"},
	}
}

// NtGetNextProcess opens the process after another one, or the first for 0. It
// skips processes that the caller may not open. STATUS_NO_MORE_ENTRIES ends the
// list.
func (t *Thread) NtGetNextProcess(
	process winnt.Handle, desired winnt.AccessMask, attributes, flags uint32,
) (winnt.Handle, ntstatus.Status) {
	in := GetNextProcessIn{process, desired, attributes, flags}
	out, st := call(t, rowGetNextProcess, in)
	return out.NewProcessHandle, st
}

// NtQueryInformationProcess returns the information of a class as a Go value, so the caller needs no size. It needs
// PROCESS_QUERY_LIMITED_INFORMATION, or PROCESS_QUERY_INFORMATION for ProcessHandleInformation.
func (t *Thread) NtQueryInformationProcess(process winnt.Handle, class ProcessInfoClass) (any, ntstatus.Status) {
	in := QueryInformationProcessIn{ProcessHandle: process, ProcessInformationClass: class,
		ProcessInformationLength: ^uint32(0)}
	out, st := call(t, rowQueryInformationProcess, in)
	return out.ProcessInformation, st
}
