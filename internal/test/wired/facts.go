package wired

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// The services that tell and set facts of handles and of what they name.

// NtQueryObject calls the service over the connection and returns its output and status.
func (r remote) NtQueryObject(in nt.QueryObjectIn) (nt.QueryObjectOut, ntstatus.Status) {
	return over[nt.QueryObjectOut](r, "NtQueryObject", in)
}

// NtSetInformationObject calls the service over the connection and returns its output and status.
func (r remote) NtSetInformationObject(in nt.SetInformationObjectIn) (nt.SetInformationObjectOut, ntstatus.Status) {
	return over[nt.SetInformationObjectOut](r, "NtSetInformationObject", in)
}

// NtCompareObjects calls the service over the connection and returns its output and status.
func (r remote) NtCompareObjects(in nt.CompareObjectsIn) (nt.CompareObjectsOut, ntstatus.Status) {
	return over[nt.CompareObjectsOut](r, "NtCompareObjects", in)
}

// NtCompareTokens calls the service over the connection and returns its output and status.
func (r remote) NtCompareTokens(in nt.CompareTokensIn) (nt.CompareTokensOut, ntstatus.Status) {
	return over[nt.CompareTokensOut](r, "NtCompareTokens", in)
}

// NtSetInformationToken calls the service over the connection and returns its output and status.
func (r remote) NtSetInformationToken(in nt.SetInformationTokenIn) (nt.SetInformationTokenOut, ntstatus.Status) {
	return over[nt.SetInformationTokenOut](r, "NtSetInformationToken", in)
}

// NtQuerySecurityObject calls the service over the connection and returns its output and status.
func (r remote) NtQuerySecurityObject(in nt.QuerySecurityObjectIn) (nt.QuerySecurityObjectOut, ntstatus.Status) {
	return over[nt.QuerySecurityObjectOut](r, "NtQuerySecurityObject", in)
}

// NtSetSecurityObject calls the service over the connection and returns its output and status.
func (r remote) NtSetSecurityObject(in nt.SetSecurityObjectIn) (nt.SetSecurityObjectOut, ntstatus.Status) {
	return over[nt.SetSecurityObjectOut](r, "NtSetSecurityObject", in)
}

// NtSuspendThread calls the service over the connection and returns its output and status.
func (r remote) NtSuspendThread(in nt.SuspendThreadIn) (nt.SuspendThreadOut, ntstatus.Status) {
	return over[nt.SuspendThreadOut](r, "NtSuspendThread", in)
}

// NtResumeThread calls the service over the connection and returns its output and status.
func (r remote) NtResumeThread(in nt.ResumeThreadIn) (nt.ResumeThreadOut, ntstatus.Status) {
	return over[nt.ResumeThreadOut](r, "NtResumeThread", in)
}

// NtGetNextThread calls the service over the connection and returns its output and status.
func (r remote) NtGetNextThread(in nt.GetNextThreadIn) (nt.GetNextThreadOut, ntstatus.Status) {
	return over[nt.GetNextThreadOut](r, "NtGetNextThread", in)
}

// NtGetNextProcess calls the service over the connection and returns its output and status.
func (r remote) NtGetNextProcess(in nt.GetNextProcessIn) (nt.GetNextProcessOut, ntstatus.Status) {
	return over[nt.GetNextProcessOut](r, "NtGetNextProcess", in)
}

// NtQueryInformationThread calls the service over the connection and returns its output and status.
func (r remote) NtQueryInformationThread(in nt.QueryInformationThreadIn) (nt.QueryInformationThreadOut,
	ntstatus.Status) {
	return over[nt.QueryInformationThreadOut](r, "NtQueryInformationThread", in)
}

// NtQueryInformationProcess calls the service over the connection and returns its output and status.
func (r remote) NtQueryInformationProcess(in nt.QueryInformationProcessIn) (nt.QueryInformationProcessOut,
	ntstatus.Status) {
	return over[nt.QueryInformationProcessOut](r, "NtQueryInformationProcess", in)
}

// NtTerminateProcess calls the service over the connection and returns its output and status.
func (r remote) NtTerminateProcess(in nt.TerminateProcessIn) (nt.TerminateProcessOut, ntstatus.Status) {
	return over[nt.TerminateProcessOut](r, "NtTerminateProcess", in)
}

// NtAccessCheckByType calls the service over the connection and returns its output and status.
func (r remote) NtAccessCheckByType(in nt.AccessCheckByTypeIn) (nt.AccessCheckOut, ntstatus.Status) {
	return over[nt.AccessCheckOut](r, "NtAccessCheckByType", in)
}

// NtSetInformationProcess calls the service over the connection and returns its output and status.
func (r remote) NtSetInformationProcess(in nt.SetInformationProcessIn) (nt.SetInformationProcessOut,
	ntstatus.Status) {
	return over[nt.SetInformationProcessOut](r, "NtSetInformationProcess", in)
}

// NtAccessCheckByTypeResultList calls the service over the connection and returns its output and status.
func (r remote) NtAccessCheckByTypeResultList(in nt.AccessCheckByTypeIn) (nt.AccessCheckByTypeResultListOut,
	ntstatus.Status) {
	return over[nt.AccessCheckByTypeResultListOut](r, "NtAccessCheckByTypeResultList", in)
}

// NtCreateToken calls the service over the connection and returns its output and status.
func (r remote) NtCreateToken(in nt.CreateTokenIn) (nt.CreateTokenOut, ntstatus.Status) {
	return over[nt.CreateTokenOut](r, "NtCreateToken", in)
}

// NtCreateJobObject calls the service over the connection and returns its output and status.
func (r remote) NtCreateJobObject(in nt.CreateJobObjectIn) (nt.CreateJobObjectOut, ntstatus.Status) {
	return over[nt.CreateJobObjectOut](r, "NtCreateJobObject", in)
}

// NtSetInformationJobObject calls the service over the connection and returns its output and status.
func (r remote) NtSetInformationJobObject(in nt.SetInformationJobObjectIn) (nt.SetInformationJobObjectOut,
	ntstatus.Status) {
	return over[nt.SetInformationJobObjectOut](r, "NtSetInformationJobObject", in)
}

// NtAssignProcessToJobObject calls the service over the connection and returns its output and status.
func (r remote) NtAssignProcessToJobObject(in nt.AssignProcessToJobObjectIn) (nt.AssignProcessToJobObjectOut,
	ntstatus.Status) {
	return over[nt.AssignProcessToJobObjectOut](r, "NtAssignProcessToJobObject", in)
}
