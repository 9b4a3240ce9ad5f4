package mount

import (
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestUnmappedStatusBecomesEIO checks that statuses map to the errors of errno(3). A status outside the table is EIO
// (M-6).
func TestUnmappedStatusBecomesEIO(t *testing.T) {
	for st, want := range map[ntstatus.Status]unix.Errno{
		ntstatus.Success: 0, ntstatus.AccessDenied: unix.EACCES, ntstatus.DeletePending: unix.ENOENT,
		ntstatus.ObjectNameNotFound: unix.ENOENT, ntstatus.ObjectPathNotFound: unix.ENOENT,
		ntstatus.ObjectNameCollision: unix.EEXIST, ntstatus.FileIsADirectory: unix.EISDIR,
		ntstatus.NotADirectory: unix.ENOTDIR, ntstatus.DirectoryNotEmpty: unix.ENOTEMPTY,
		ntstatus.NotSameObject: unix.ESTALE, ntstatus.FileTooLarge: unix.EFBIG,
		ntstatus.SharingViolation: unix.EBUSY, ntstatus.DiskFull: unix.ENOSPC, ntstatus.MediaWriteProtected: unix.EROFS,
		ntstatus.PrivilegeNotHeld: unix.EPERM, ntstatus.InvalidOwner: unix.EPERM, ntstatus.CannotDelete: unix.EPERM,
		ntstatus.NotSameDevice: unix.EXDEV, ntstatus.TooManyLinks: unix.EMLINK, ntstatus.Unsuccessful: unix.EIO,
		ntstatus.LogonFailure: unix.EIO, ntstatus.IODeviceError: unix.EIO,
	} {
		check.Equal(t, status(st), fuse.Status(want), "M-6: %v", st)
	}
}
