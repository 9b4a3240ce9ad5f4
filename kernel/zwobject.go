package kernel

import "github.com/refmon/refmon/nt"

// Kernel-mode forms of the services on handles, names and security (O-2).
var (
	_ = zw("ZwDuplicateObject", nt.Services.NtDuplicateObject)
	_ = zw("ZwCompareObjects", nt.Services.NtCompareObjects)
	_ = zw("ZwQueryObject", nt.Services.NtQueryObject)
	_ = zw("ZwSetInformationObject", nt.Services.NtSetInformationObject)
	_ = zw("ZwMakeTemporaryObject", nt.Services.NtMakeTemporaryObject)
	_ = zw("ZwMakePermanentObject", nt.Services.NtMakePermanentObject)
	_ = zw("ZwQuerySecurityObject", nt.Services.NtQuerySecurityObject)
	_ = zw("ZwSetSecurityObject", nt.Services.NtSetSecurityObject)
	_ = zw("ZwCreateDirectoryObject", nt.Services.NtCreateDirectoryObject)
	_ = zw("ZwOpenDirectoryObject", nt.Services.NtOpenDirectoryObject)
	_ = zw("ZwCreateSymbolicLinkObject", nt.Services.NtCreateSymbolicLinkObject)
	_ = zw("ZwOpenSymbolicLinkObject", nt.Services.NtOpenSymbolicLinkObject)
	_ = zw("ZwCreateEvent", nt.Services.NtCreateEvent)
	_ = zw("ZwOpenEvent", nt.Services.NtOpenEvent)
	_ = zw("ZwGetNextThread", nt.Services.NtGetNextThread)
	_ = zw("ZwImpersonateThread", nt.Services.NtImpersonateThread)
	_ = zw("ZwImpersonateAnonymousToken", nt.Services.NtImpersonateAnonymousToken)
)
