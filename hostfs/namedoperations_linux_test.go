package hostfs

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// parts are the parts of a descriptor that are asked for and set, one by one and together.
var parts = []uint32{0, winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION, winnt.LABEL_SECURITY_INFORMATION,
	winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION | winnt.PROTECTED_DACL_SECURITY_INFORMATION}

// operatesAlike does what both kinds of files have to a handle of each: security is told and changed with the same
// status and the same outcome, and handles are duplicated to the same rights (adr 36).
func (w *world) operatesAlike(th *nt.Thread, tree, named winnt.Handle, next *sd.Descriptor,
	counts map[ntstatus.Status]int) {
	w.Helper()
	alike := func(what string, f func(winnt.Handle) (string, ntstatus.Status)) {
		w.Helper()
		x, got := f(tree)
		y, want := f(named)
		if counts[want]++; got != want || x != y {
			w.Errorf("adr 36: %s: the file of the tree says %v %q, the named file %v %q", what, got, x, want, y)
		}
	}
	tell := func(part uint32) {
		w.Helper()
		alike("query", func(h winnt.Handle) (string, ntstatus.Status) {
			d, st := th.NtQuerySecurityObject(h, part)
			if st != ntstatus.Success {
				return "", st
			}
			return string(d.Append(nil)), st
		})
	}
	for _, part := range parts {
		tell(part)
	}
	for _, part := range parts {
		alike("set", func(h winnt.Handle) (string, ntstatus.Status) { return "", th.NtSetSecurityObject(h, part, next) })
		tell(winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION)
		tell(winnt.SACL_SECURITY_INFORMATION)
	}
	for _, desired := range []winnt.AccessMask{0, winnt.FILE_READ_DATA, winnt.GENERIC_ALL, winnt.WRITE_DAC} {
		alike("duplicate", func(h winnt.Handle) (string, ntstatus.Status) {
			copied, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, desired, 0, 0)
			if st != ntstatus.Success {
				return "", st
			}
			defer th.NtClose(copied)
			return granted(th, copied).String(), st
		})
	}
}

// What a file outside the trees has not is refused with one status whatever its handle grants, and never
// done (F-110, adr 36).
func TestNamedFilesHaveNoContents(t *testing.T) {
	w := newWorld(t)
	w.must(w.sys.CreateFile("named", sddl.MustParse("D:(A;;FA;;;WD)")))
	th := w.as(alice)
	for _, rights := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA,
		winnt.FILE_WRITE_ATTRIBUTES, winnt.DELETE, winnt.READ_CONTROL} {
		h, st := th.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: "named"}, shareAll, 0)
		w.want(st, ntstatus.Success)
		for class, v := range map[nt.FileInfoClass]any{nt.FileBasicInformation: nt.FileBasic{},
			nt.FileRenameInformation: nt.FileRename{FileName: "x"}, nt.FileLinkInformation: nt.FileRename{FileName: "x"},
			nt.FileDispositionInformation: nt.FileDisposition{DeleteFile: true},
			nt.FilePositionInformation:    nt.FilePosition{}, nt.FileEndOfFileInformation: nt.FileEndOfFile{}} {
			w.want(th.NtSetInformationFile(h, class, v), ntstatus.InvalidParameter)
		}
		for _, class := range []nt.FileInfoClass{nt.FileBasicInformation, nt.FileStandardInformation,
			nt.FilePositionInformation} {
			_, st = th.NtQueryInformationFile(h, class)
			w.want(st, ntstatus.InvalidInfoClass)
		}
		_, st = th.NtQueryDirectoryFile(h, "", true)
		w.want(st, ntstatus.InvalidParameter)
		// It is empty for who may read it, and keeps nothing of who may write it.
		reading, writing := ntstatus.AccessDenied, ntstatus.AccessDenied
		if rights == winnt.MAXIMUM_ALLOWED || rights == winnt.FILE_READ_DATA {
			reading = ntstatus.EndOfFile
		}
		if rights == winnt.MAXIMUM_ALLOWED || rights == winnt.FILE_WRITE_DATA {
			writing = ntstatus.Success
		}
		_, st = th.NtWriteFile(h, []byte("x"))
		w.want(st, writing)
		_, st = th.NtReadFile(h, 1)
		w.want(st, reading)
		w.want(th.NtFlushBuffersFile(h), ntstatus.Success)
		_, st = th.NtQueryVolumeInformationFile(h, nt.FileFsSizeInformation)
		w.want(st, ntstatus.InvalidParameter)
		w.want(th.NtClose(h), ntstatus.Success)
	}
	_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: "named"}, shareAll, 0)
	w.want(st, ntstatus.Success)
}
