package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntstatus"
)

// errnos maps a status to an errno (M-6).
var errnos = map[ntstatus.Status]syscall.Errno{
	ntstatus.AccessDenied: syscall.EACCES, ntstatus.PrivilegeNotHeld: syscall.EPERM,
	ntstatus.InvalidOwner: syscall.EPERM, ntstatus.CannotDelete: syscall.EPERM,
	ntstatus.ObjectNameNotFound: syscall.ENOENT, ntstatus.ObjectPathNotFound: syscall.ENOENT,
	ntstatus.NoSuchFile: syscall.ENOENT, ntstatus.DeletePending: syscall.ENOENT,
	ntstatus.ObjectNameCollision: syscall.EEXIST, ntstatus.FileIsADirectory: syscall.EISDIR,
	ntstatus.NotADirectory: syscall.ENOTDIR, ntstatus.DirectoryNotEmpty: syscall.ENOTEMPTY,
	ntstatus.ObjectNameInvalid: syscall.EINVAL, ntstatus.InvalidParameter: syscall.EINVAL,
	ntstatus.NameTooLong:      syscall.ENAMETOOLONG,
	ntstatus.SharingViolation: syscall.EBUSY, ntstatus.DiskFull: syscall.ENOSPC,
	ntstatus.MediaWriteProtected: syscall.EROFS, ntstatus.TooManyOpenedFiles: syscall.ENFILE,
	ntstatus.NotSameDevice: syscall.EXDEV, ntstatus.NotSupported: syscall.EOPNOTSUPP,
	ntstatus.NotSameObject: syscall.ESTALE, ntstatus.FileTooLarge: syscall.EFBIG,
	ntstatus.InsufficientResources: syscall.ENOMEM, ntstatus.TooManyLinks: syscall.EMLINK,
	ntstatus.NoSecurityOnObject: syscall.ENODATA, ntstatus.InvalidSecurityDescr: syscall.EINVAL,
	ntstatus.InvalidACL: syscall.EINVAL, ntstatus.InvalidPrimaryGroup: syscall.EINVAL,
}

// status converts an NT status to a FUSE status: OK for Success, the errno of the table, and EIO for every other
// status.
func status(st ntstatus.Status) fuse.Status {
	if st == ntstatus.Success {
		return fuse.OK
	}
	if e, ok := errnos[st]; ok {
		return fuse.Status(e)
	}
	return fuse.EIO
}
