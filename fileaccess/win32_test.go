package fileaccess_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

func ExampleCreateFile() {
	r, _ := fileaccess.CreateFile(user(), "f", winnt.GENERIC_READ, fileaccess.ShareRead, fileaccess.OpenExisting, 0)
	f := fileaccess.Facts{}
	d := fileaccess.Open(&r, &f)
	fmt.Println(d.Status(), fileaccess.LastError(d.Status(), false))
	// Output: STATUS_OBJECT_NAME_NOT_FOUND 2
}

// CreateFile adds rights and maps its dispositions and flags to native ones (F-90). LastError maps statuses to Win32
// error numbers (F-91).
func TestCreateFileMapsFlagsAndLastErrorStatuses(t *testing.T) {
	const del, backupFlag = fileaccess.FlagDeleteOnClose, fileaccess.FlagBackupSemantics
	for _, c := range []struct {
		creation fileaccess.Creation
		flags    fileaccess.FileFlags
		want     fileaccess.Disposition
		options  fileaccess.CreateOptions
		desired  winnt.AccessMask
	}{
		{fileaccess.CreateNew, 0, fileaccess.FileCreate, fileaccess.NonDirectoryFile, 0x100080},
		{fileaccess.OpenExisting, 0x8027, fileaccess.FileOpen, fileaccess.NonDirectoryFile, 0x100080}, // 0x8000: ignored
		{fileaccess.CreateAlways, 0x80 | del, fileaccess.FileOverwriteIf,
			fileaccess.NonDirectoryFile | fileaccess.DeleteOnClose, 0x110080},
		{fileaccess.OpenExisting, backupFlag, fileaccess.FileOpen, fileaccess.OpenForBackupIntent, 0x100080},
		{fileaccess.OpenAlways, backupFlag | fileaccess.FlagOpenReparsePoint, fileaccess.FileOpenIf,
			fileaccess.OpenForBackupIntent | fileaccess.OpenReparsePoint, 0x100080},
		{fileaccess.TruncateExisting, fileaccess.FlagNoBuffering | fileaccess.FlagWriteThrough, fileaccess.FileOverwrite,
			fileaccess.NonDirectoryFile | fileaccess.NoIntermediateBuffering | fileaccess.WriteThrough, 0x100080},
	} {
		r, ok := fileaccess.CreateFile(access.Subject{}, "f", 0, 0, c.creation, c.flags)
		check.That(t, ok && r.Disposition == c.want && r.Options == c.options && r.Desired == c.desired &&
			r.Attributes == fileaccess.Attributes(c.flags&0x7FFF),
			"F-90: CreateFile %d with flags %#x: %+v, want disposition %d, options %#x, desired %v", c.creation,
			c.flags, r, c.want, c.options, c.desired)
	}
	_, ok := fileaccess.CreateFile(access.Subject{}, "f", 0, 0, 0, 0)
	check.That(t, !ok, "F-90: CreateFile with the disposition 0 returned a request, want false")
	// CreateFile adds SYNCHRONIZE and FILE_READ_ATTRIBUTES, and with delete on close DELETE (F-90).
	d, _ := open(t, 0, func(s *situation) { s.r.Face = fileaccess.Win32; deleteOnClose(s) })
	check.That(t, d.Granted == 0x110080, "F-90: delete on close: granted %v, want 0x110080", d.Granted)
	for st, want := range map[ntstatus.Status]uint32{
		denied: 5, cannot: 5, ntstatus.FileIsADirectory: 5, ntstatus.DeletePending: 5, notFound: 2,
		ntstatus.ObjectPathNotFound: 3,
		ntstatus.NotADirectory:      267, notHeld: 1314, protected: 19, ntstatus.SharingViolation: 32, invalid: 87,
		0: 0,
	} {
		for _, creating := range []bool{false, true} {
			check.Equal(t, fileaccess.LastError(st, creating), want, "F-91: LastError(%v, %t)", st, creating)
		}
	}
	check.That(t, fileaccess.LastError(collision, true) == 80 && fileaccess.LastError(collision, false) == 183,
		"F-91: LastError of a collision = %d when creating, %d otherwise; want 80, 183",
		fileaccess.LastError(collision, true), fileaccess.LastError(collision, false))
}
