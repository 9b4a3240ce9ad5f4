package kernel

import "github.com/refmon/refmon/nt"

// Kernel-mode forms of the services for pipes (O-2).
var (
	_ = zw("ZwCreateNamedPipeFile", nt.Services.NtCreateNamedPipeFile)
	_ = zw("ZwFsControlFile", nt.Services.NtFsControlFile)
	_ = zw("ZwReadFile", nt.Services.NtReadFile)
	_ = zw("ZwWriteFile", nt.Services.NtWriteFile)
)
