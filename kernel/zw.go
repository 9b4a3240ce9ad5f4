package kernel

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// zw makes the kernel-mode form of a service: the same code with previous mode
// kernel (O-2, T-51).
func zw[I, O any](name string, f func(nt.Services, I) (O, ntstatus.Status)) *nt.Entry[*KernelThread, I, O] {
	meta := *nt.NtTable.Find("Nt" + name[2:]).Info()
	meta.Source, meta.Name = meta.Document(), name
	return nt.Add(&Table,
		nt.Entry[*KernelThread, I, O]{
			Meta: meta,
			Call: func(k *KernelThread, in I) (O, ntstatus.Status) { return f(k.ctx, in) },
		},
	)
}

// The Zw forms, in the order of their services (O-2).
var (
	rowZwOpenThreadTokenEx  = zw("ZwOpenThreadTokenEx", nt.Services.NtOpenThreadTokenEx)
	rowZwOpenProcessTokenEx = zw("ZwOpenProcessTokenEx", nt.Services.NtOpenProcessTokenEx)
	rowZwClose              = zw("ZwClose", nt.Services.NtClose)
	_                       = zw("ZwOpenThreadToken", nt.Services.NtOpenThreadToken)
	_                       = zw("ZwOpenProcessToken", nt.Services.NtOpenProcessToken)
	_                       = zw("ZwDuplicateToken", nt.Services.NtDuplicateToken)
	_                       = zw("ZwQueryInformationToken", nt.Services.NtQueryInformationToken)
	_                       = zw("ZwAdjustPrivilegesToken", nt.Services.NtAdjustPrivilegesToken)
	_                       = zw("ZwPrivilegeCheck", nt.Services.NtPrivilegeCheck)
	_                       = zw("ZwAccessCheck", nt.Services.NtAccessCheck)
	_                       = zw("ZwAccessCheckByType", nt.Services.NtAccessCheckByType)
	_                       = zw("ZwAccessCheckByTypeResultList", nt.Services.NtAccessCheckByTypeResultList)
	_                       = zw("ZwSetInformationThread", nt.Services.NtSetInformationThread)
	_                       = zw("ZwOpenThread", nt.Services.NtOpenThread)
	_                       = zw("ZwOpenProcess", nt.Services.NtOpenProcess)
	_                       = zw("ZwOpenFile", nt.Services.NtOpenFile)
	_                       = zw("ZwCreateToken", nt.Services.NtCreateToken)
	_                       = zw("ZwCreateTokenEx", nt.Services.NtCreateTokenEx)
	_                       = zw("ZwCreateLowBoxToken", nt.Services.NtCreateLowBoxToken)
	_                       = zw("ZwFilterToken", nt.Services.NtFilterToken)
	_                       = zw("ZwFilterTokenEx", nt.Services.NtFilterTokenEx)
	_                       = zw("ZwAdjustGroupsToken", nt.Services.NtAdjustGroupsToken)
	_                       = zw("ZwAdjustTokenClaimsAndDeviceGroups", nt.Services.NtAdjustTokenClaimsAndDeviceGroups)
	_                       = zw("ZwCompareTokens", nt.Services.NtCompareTokens)
	_                       = zw("ZwSetInformationToken", nt.Services.NtSetInformationToken)
	_                       = zw("ZwQuerySecurityAttributesToken", nt.Services.NtQuerySecurityAttributesToken)
	_                       = zw("ZwAllocateLocallyUniqueId", nt.Services.NtAllocateLocallyUniqueId)
	_                       = zw("ZwDuplicateObject", nt.Services.NtDuplicateObject)
	_                       = zw("ZwCompareObjects", nt.Services.NtCompareObjects)
	_                       = zw("ZwQueryObject", nt.Services.NtQueryObject)
	_                       = zw("ZwSetInformationObject", nt.Services.NtSetInformationObject)
	_                       = zw("ZwMakeTemporaryObject", nt.Services.NtMakeTemporaryObject)
	_                       = zw("ZwMakePermanentObject", nt.Services.NtMakePermanentObject)
	_                       = zw("ZwQuerySecurityObject", nt.Services.NtQuerySecurityObject)
	_                       = zw("ZwSetSecurityObject", nt.Services.NtSetSecurityObject)
	_                       = zw("ZwCreateDirectoryObject", nt.Services.NtCreateDirectoryObject)
	_                       = zw("ZwOpenDirectoryObject", nt.Services.NtOpenDirectoryObject)
	_                       = zw("ZwCreateSymbolicLinkObject", nt.Services.NtCreateSymbolicLinkObject)
	_                       = zw("ZwOpenSymbolicLinkObject", nt.Services.NtOpenSymbolicLinkObject)
	_                       = zw("ZwQuerySymbolicLinkObject", nt.Services.NtQuerySymbolicLinkObject)
	_                       = zw("ZwCreateEvent", nt.Services.NtCreateEvent)
	_                       = zw("ZwOpenEvent", nt.Services.NtOpenEvent)
	_                       = zw("ZwCreateMutant", nt.Services.NtCreateMutant)
	_                       = zw("ZwOpenMutant", nt.Services.NtOpenMutant)
	_                       = zw("ZwReleaseMutant", nt.Services.NtReleaseMutant)
	_                       = zw("ZwQueryMutant", nt.Services.NtQueryMutant)
	_                       = zw("ZwCreateSemaphore", nt.Services.NtCreateSemaphore)
	_                       = zw("ZwOpenSemaphore", nt.Services.NtOpenSemaphore)
	_                       = zw("ZwReleaseSemaphore", nt.Services.NtReleaseSemaphore)
	_                       = zw("ZwQuerySemaphore", nt.Services.NtQuerySemaphore)
	_                       = zw("ZwCreateTimer", nt.Services.NtCreateTimer)
	_                       = zw("ZwOpenTimer", nt.Services.NtOpenTimer)
	_                       = zw("ZwSetTimer", nt.Services.NtSetTimer)
	_                       = zw("ZwCancelTimer", nt.Services.NtCancelTimer)
	_                       = zw("ZwQueryTimer", nt.Services.NtQueryTimer)
	_                       = zw("ZwSetEvent", nt.Services.NtSetEvent)
	_                       = zw("ZwResetEvent", nt.Services.NtResetEvent)
	_                       = zw("ZwClearEvent", nt.Services.NtClearEvent)
	_                       = zw("ZwWaitForSingleObject", nt.Services.NtWaitForSingleObject)
	_                       = zw("ZwFlushBuffersFile", nt.Services.NtFlushBuffersFile)
	_                       = zw("ZwGetNextThread", nt.Services.NtGetNextThread)
	_                       = zw("ZwImpersonateThread", nt.Services.NtImpersonateThread)
	_                       = zw("ZwImpersonateAnonymousToken", nt.Services.NtImpersonateAnonymousToken)
	_                       = zw("ZwCreateNamedPipeFile", nt.Services.NtCreateNamedPipeFile)
	_                       = zw("ZwFsControlFile", nt.Services.NtFsControlFile)
	_                       = zw("ZwQueryInformationFile", nt.Services.NtQueryInformationFile)
	_                       = zw("ZwQueryVolumeInformationFile", nt.Services.NtQueryVolumeInformationFile)
	_                       = zw("ZwReadFile", nt.Services.NtReadFile)
	_                       = zw("ZwWriteFile", nt.Services.NtWriteFile)
	_                       = zw("ZwCreateJobObject", nt.Services.NtCreateJobObject)
	_                       = zw("ZwOpenJobObject", nt.Services.NtOpenJobObject)
	_                       = zw("ZwAssignProcessToJobObject", nt.Services.NtAssignProcessToJobObject)
	_                       = zw("ZwSetInformationJobObject", nt.Services.NtSetInformationJobObject)
	_                       = zw("ZwCreateUserProcess", nt.Services.NtCreateUserProcess)
	_                       = zw("ZwSuspendThread", nt.Services.NtSuspendThread)
	_                       = zw("ZwResumeThread", nt.Services.NtResumeThread)
	_                       = zw("ZwSetInformationProcess", nt.Services.NtSetInformationProcess)
)

// ZwOpenThreadTokenEx opens the impersonation token of a thread in kernel mode
// (ZwOpenThreadTokenEx). Outside the System process attributes must hold
// OBJ_KERNEL_HANDLE (O-29).
func (k *KernelThread) ZwOpenThreadTokenEx(
	thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool, attributes uint32,
) (winnt.Handle, ntstatus.Status) {
	out, st := call(
		k,
		rowZwOpenThreadTokenEx,
		nt.OpenThreadTokenExIn{
			ThreadHandle:     thread,
			DesiredAccess:    desired,
			OpenAsSelf:       openAsSelf,
			HandleAttributes: attributes,
		},
	)
	return out.TokenHandle, st
}

// ZwOpenProcessTokenEx opens the primary token of a process in kernel mode.
func (k *KernelThread) ZwOpenProcessTokenEx(
	process winnt.Handle, desired winnt.AccessMask, attributes uint32,
) (winnt.Handle, ntstatus.Status) {
	out, st := call(
		k, rowZwOpenProcessTokenEx,
		nt.OpenProcessTokenExIn{ProcessHandle: process, DesiredAccess: desired, HandleAttributes: attributes})
	return out.TokenHandle, st
}

// ZwClose closes a handle, kernel handles included.
func (k *KernelThread) ZwClose(h winnt.Handle) ntstatus.Status {
	_, st := call(k, rowZwClose, nt.CloseIn{Handle: h})
	return st
}
