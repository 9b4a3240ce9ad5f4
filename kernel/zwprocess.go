package kernel

import "github.com/refmon/refmon/nt"

// Kernel-mode forms of the services for processes and jobs (O-2).
var (
	_ = zw("ZwCreateJobObject", nt.Services.NtCreateJobObject)
	_ = zw("ZwOpenJobObject", nt.Services.NtOpenJobObject)
	_ = zw("ZwAssignProcessToJobObject", nt.Services.NtAssignProcessToJobObject)
	_ = zw("ZwSetInformationJobObject", nt.Services.NtSetInformationJobObject)
	_ = zw("ZwCreateUserProcess", nt.Services.NtCreateUserProcess)
	_ = zw("ZwResumeThread", nt.Services.NtResumeThread)
	_ = zw("ZwSetInformationProcess", nt.Services.NtSetInformationProcess)
)
