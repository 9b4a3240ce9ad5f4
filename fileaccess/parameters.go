package fileaccess

import (
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// neverGranted are bits that no open may request (F-11): 0x04000000, 0x08000000
// and the reserved ones.
const neverGranted winnt.AccessMask = 0x0CE0FE00

// parameters checks the parameters of the request (step 1). Errors are:
//   - unknown bits or contradictory options: STATUS_INVALID_PARAMETER (F-10, F-12)
//   - no rights, or a bit that no file has: STATUS_ACCESS_DENIED (F-11)
//   - a malformed name: STATUS_OBJECT_NAME_INVALID (F-13)
//
// A file id has no name to check.
func (o *opening) parameters() ntstatus.Status {
	switch {
	case o.invalid():
		// The request has unknown bits, or options that contradict each other or the rights.
		return o.fail("F-10", ntstatus.InvalidParameter)
	case o.desired == 0 || o.desired&neverGranted != 0:
		// The request has no right, or a bit that no file has.
		return o.fail("F-11", ntstatus.AccessDenied)
	case o.options&DirectoryFile != 0 && o.options&NonDirectoryFile != 0:
		// The request wants a directory and no directory at once.
		return o.fail("F-12", ntstatus.InvalidParameter)
	case o.options&OpenByFileID != 0: // its name is a number
		return ntstatus.Success
	case !ValidName(o.r.Name), o.options&NonDirectoryFile != 0 && strings.HasSuffix(o.r.Name, `\`):
		// The name is malformed, or ends in a backslash where no directory is wanted.
		return o.fail("F-13", ntstatus.ObjectNameInvalid)
	}
	return ntstatus.Success
}

// invalid reports whether the request has unknown bits or contradictory options (F-10). These are contradictions:
//   - both synchronous options, or one of them without SYNCHRONIZE
//   - DeleteOnClose without DELETE
//   - DirectoryFile with NoIntermediateBuffering, or with a disposition other than FileCreate, FileOpen and
//     FileOpenIf
//   - NoIntermediateBuffering with FILE_APPEND_DATA
func (o *opening) invalid() bool {
	r, opt := o.r, o.options
	switch {
	case opt&^validOptions != 0, r.Attributes&^validAttributes != 0, r.Disposition > FileOverwriteIf,
		r.Share&^(ShareRead|ShareWrite|ShareDelete) != 0:
		return true
	case opt&synchronous != 0 && o.desired&winnt.SYNCHRONIZE == 0, opt&synchronous == synchronous:
		return true
	case opt&DeleteOnClose != 0 && o.desired&winnt.DELETE == 0:
		return true
	case opt&(DirectoryFile|NonDirectoryFile) == DirectoryFile:
		if r.Disposition != FileCreate && r.Disposition != FileOpen && r.Disposition != FileOpenIf {
			return true
		}
		if opt&NoIntermediateBuffering != 0 { // the one option here that a directory does not take
			return true
		}
	}
	return opt&NoIntermediateBuffering != 0 && o.desired&winnt.FILE_APPEND_DATA != 0
}
