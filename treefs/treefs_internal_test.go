package treefs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Each combination of open flags requests the right access and disposition (F-190). Reading requests the attributes
// too, writing does not, and appending does not request the right to overwrite.
func TestOpenFlagsRequestRights(t *testing.T) {
	const reads, overwrites, appends = winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES, winnt.FILE_WRITE_DATA,
		winnt.FILE_APPEND_DATA
	const file = fileaccess.NonDirectoryFile
	rights := map[int]winnt.AccessMask{os.O_RDONLY: reads, os.O_WRONLY: overwrites | appends,
		os.O_RDWR: reads | overwrites | appends, os.O_WRONLY | os.O_APPEND: appends, os.O_RDWR | os.O_APPEND: reads | appends}
	dispositions := map[int]fileaccess.Disposition{0: fileaccess.FileOpen, os.O_EXCL: fileaccess.FileOpen,
		os.O_TRUNC: fileaccess.FileOverwrite, os.O_TRUNC | os.O_EXCL: fileaccess.FileOverwrite,
		os.O_CREATE: fileaccess.FileOpenIf, os.O_CREATE | os.O_TRUNC: fileaccess.FileOverwriteIf,
		os.O_CREATE | os.O_EXCL: fileaccess.FileCreate, os.O_CREATE | os.O_EXCL | os.O_TRUNC: fileaccess.FileCreate}
	for access, desired := range rights {
		for making, how := range dispositions {
			options := file
			if access == os.O_RDONLY {
				options = 0 // it may be a directory
			}
			gotDesired, gotHow, gotOptions := wanted(access | making)
			check.That(t, gotDesired == desired && gotHow == how && gotOptions == options,
				"F-190: wanted(%#x) = %v, disposition %d, options %#x; want %v, %d, %#x", access|making, gotDesired, gotHow,
				gotOptions, desired, how, options)
		}
	}
	want := uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)
	check.That(t, sharing == want, "F-190: sharing = %#x, want %#x", sharing, want)
}
