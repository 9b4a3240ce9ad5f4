package hostfs

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Each error of the host becomes a status of Windows, for example a full disk or a sharing violation. An unknown
// error is never a success (F-124).
func TestErrnosBecomeStatuses(t *testing.T) {
	for st, all := range map[ntstatus.Status][]unix.Errno{
		ntstatus.DiskFull: {unix.ENOSPC, unix.EDQUOT, unix.E2BIG}, ntstatus.FileTooLarge: {unix.EFBIG},
		ntstatus.SharingViolation:   {unix.EAGAIN, unix.EBUSY, unix.ETXTBSY},
		ntstatus.AccessDenied:       {unix.EACCES, unix.EPERM, unix.ELOOP, unix.EXDEV, unix.EBADF},
		ntstatus.ObjectNameNotFound: {unix.ENOENT, unix.ESTALE}, ntstatus.ObjectPathNotFound: {unix.ENOTDIR},
		ntstatus.ObjectNameInvalid: {unix.ENAMETOOLONG, unix.EILSEQ}, ntstatus.InvalidParameter: {unix.EINVAL},
		ntstatus.ObjectNameCollision: {unix.EEXIST}, ntstatus.DirectoryNotEmpty: {unix.ENOTEMPTY},
		ntstatus.FileIsADirectory: {unix.EISDIR}, ntstatus.MediaWriteProtected: {unix.EROFS},
		ntstatus.TooManyOpenedFiles: {unix.EMFILE, unix.ENFILE}, ntstatus.InsufficientResources: {unix.ENOMEM},
		ntstatus.TooManyLinks: {unix.EMLINK}, ntstatus.IODeviceError: {unix.EIO},
		ntstatus.NotSupported: {unix.ENOTSUP, unix.ENOSYS}, ntstatus.Unsuccessful: {unix.ECHILD, unix.EPROTO},
	} {
		for _, e := range all {
			check.Equal(t, statusOf(&os.PathError{Op: "open", Path: "f", Err: e}), st, "F-124: statusOf(%v)", e)
		}
	}
	check.Equal(t, statusOf(errors.New("of no system call")), ntstatus.Unsuccessful, "F-124: statusOf an unknown error")
	check.Equal(t, statusOf(nil), ntstatus.Success, "F-124: statusOf(nil)")
}

// A tree's link and device keep their names after their last handle is closed (F-110).
func TestTreeNamesOutliveHandles(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	for range 2 {
		link, st := th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, &nt.ObjectAttributes{ObjectName: `\??\share`})
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(link), ntstatus.Success)
		for _, name := range []string{`\??\share\f`, `\Device\share\f`, `\Device\share`} {
			h, st := th.NtOpenFile(winnt.FILE_READ_ATTRIBUTES, &nt.ObjectAttributes{ObjectName: name}, shareAll, 0)
			if st != ntstatus.Success {
				t.Errorf("F-110: open of %s: %v, want %v", name, st, ntstatus.Success)
				continue
			}
			w.want(th.NtClose(h), ntstatus.Success)
		}
	}
}
