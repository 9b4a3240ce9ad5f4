package kernel

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// zwForm returns the row of an Nt service and the metadata for its Zw form, which differs only in previous mode (O-2,
// T-51). name is that of the Zw form. It panics for an unknown service.
func zwForm(name string) (of *nt.Row, meta nt.Meta) {
	of = nt.NtTable.Find("Nt" + name[2:])
	meta = *of.Info()
	meta.Source, meta.Name = meta.Document(), name
	return of, meta
}

// zw adds the Zw form of an Nt service to [Table]: the same code with previous mode kernel (O-2, T-51). f calls the
// service. It panics for an unknown service.
func zw[I, O any](name string, f func(nt.Services, I) (O, ntstatus.Status)) *nt.Entry[*KernelThread, I, O] {
	_, meta := zwForm(name)
	return nt.Add(&Table,
		nt.Entry[*KernelThread, I, O]{
			Meta: meta,
			Call: func(k *KernelThread, in I) (O, ntstatus.Status) { return f(k.ctx, in) },
		},
	)
}

// derived adds Zw forms to [Table] that have no Go method; callers use the rows that it returns. It panics for an
// unknown service.
func derived(names ...string) []*nt.Row {
	rows := make([]*nt.Row, 0, len(names))
	for _, name := range names {
		of, meta := zwForm(name)
		rows = append(rows, Table.Derive(of, meta, func(own any) any { return own.(*KernelThread).ctx }))
	}
	return rows
}

// The Zw forms, in the order of their services (O-2).
var (
	rowZwOpenThreadTokenEx  = zw("ZwOpenThreadTokenEx", nt.Services.NtOpenThreadTokenEx)
	rowZwOpenProcessTokenEx = zw("ZwOpenProcessTokenEx", nt.Services.NtOpenProcessTokenEx)
	rowZwClose              = zw("ZwClose", nt.Services.NtClose)

	_ = derived(
		"ZwOpenThreadToken", "ZwOpenProcessToken", "ZwDuplicateToken", "ZwQueryInformationToken",
		"ZwAdjustPrivilegesToken", "ZwPrivilegeCheck", "ZwAccessCheck", "ZwAccessCheckByType",
		"ZwAccessCheckByTypeResultList", "ZwSetInformationThread", "ZwOpenThread", "ZwOpenProcess",
		"ZwOpenFile", "ZwCreateToken", "ZwCreateTokenEx", "ZwCreateLowBoxToken", "ZwFilterToken",
		"ZwFilterTokenEx", "ZwAdjustGroupsToken", "ZwAdjustTokenClaimsAndDeviceGroups", "ZwCompareTokens",
		"ZwSetInformationToken", "ZwQuerySecurityAttributesToken", "ZwAllocateLocallyUniqueId",
		"ZwDuplicateObject", "ZwCompareObjects", "ZwQueryObject", "ZwSetInformationObject",
		"ZwMakeTemporaryObject", "ZwMakePermanentObject", "ZwQuerySecurityObject", "ZwSetSecurityObject",
		"ZwCreateDirectoryObject", "ZwOpenDirectoryObject", "ZwQueryDirectoryObject", "ZwCreateSymbolicLinkObject",
		"ZwOpenSymbolicLinkObject", "ZwQuerySymbolicLinkObject", "ZwCreateEvent", "ZwOpenEvent",
		"ZwCreateMutant", "ZwOpenMutant", "ZwReleaseMutant", "ZwQueryMutant", "ZwCreateSemaphore",
		"ZwOpenSemaphore", "ZwReleaseSemaphore", "ZwQuerySemaphore", "ZwCreateTimer", "ZwOpenTimer",
		"ZwSetTimer", "ZwCancelTimer", "ZwQueryTimer", "ZwSetEvent", "ZwResetEvent", "ZwClearEvent",
		"ZwWaitForSingleObject", "ZwGetNextProcess", "ZwGetNextThread",
		"ZwQueryInformationProcess", "ZwQueryInformationThread", "ZwImpersonateThread",
		"ZwImpersonateAnonymousToken", "ZwCreateNamedPipeFile", "ZwFsControlFile", "ZwQueryInformationFile",
		"ZwQueryVolumeInformationFile", "ZwReadFile", "ZwWriteFile", "ZwFlushBuffersFile",
		"ZwCreateFile", "ZwDeleteFile", "ZwSetInformationFile", "ZwQueryDirectoryFile",
		"ZwCreateJobObject", "ZwOpenJobObject",
		"ZwAssignProcessToJobObject", "ZwSetInformationJobObject", "ZwCreateUserProcess", "ZwSuspendThread",
		"ZwResumeThread", "ZwTerminateProcess", "ZwSetInformationProcess",
	)
)

// ZwOpenThreadTokenEx opens the impersonation token of a thread in kernel mode (ZwOpenThreadTokenEx). Outside the
// System process the attributes must include OBJ_KERNEL_HANDLE (O-29). The handle is 0 unless the status is a
// success.
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

// ZwOpenProcessTokenEx opens the primary token of a process in kernel mode. The handle is 0 unless the status is a
// success.
func (k *KernelThread) ZwOpenProcessTokenEx(
	process winnt.Handle, desired winnt.AccessMask, attributes uint32,
) (winnt.Handle, ntstatus.Status) {
	out, st := call(
		k, rowZwOpenProcessTokenEx,
		nt.OpenProcessTokenExIn{ProcessHandle: process, DesiredAccess: desired, HandleAttributes: attributes})
	return out.TokenHandle, st
}

// ZwClose closes a handle, which may be a kernel handle. Its statuses are those of NtClose.
func (k *KernelThread) ZwClose(h winnt.Handle) ntstatus.Status {
	_, st := call(k, rowZwClose, nt.CloseIn{Handle: h})
	return st
}
