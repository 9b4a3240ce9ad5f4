package hostfs

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A directory on which another file system is mounted is no entry, nor can it be opened
// (F-112, F-120).
func TestMountBelow(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.dir(`d\m`, "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file(`d\f`, "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	h := w.open(th, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	listed := func(want ...string) {
		t.Helper()
		var names []string
		list, st := th.NtQueryDirectoryFile(h, "?", true)
		w.want(st, ntstatus.Success)
		for _, e := range list {
			names = append(names, e.FileName)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("the directory has %q, want %q", names, want)
		}
	}
	listed(".", "f", "m")
	if err := unix.Mount("none", w.path(`d\m`), "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	defer func() { w.must(unix.Unmount(w.path(`d\m`), unix.MNT_DETACH)) }()
	listed(".", "f")
	w.open(th, `d\m`, winnt.FILE_READ_ATTRIBUTES, ntstatus.AccessDenied)
	w.want(th.NtClose(h), ntstatus.Success)
}

// A rename over another name of the same file leaves both: removing what is replaced would
// remove the file's own name (F-118).
func TestRenameOverOwnName(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Link(w.path("f"), w.path("g")))
	th := w.as(alice)
	h := w.open(th, "f", winnt.DELETE|winnt.FILE_READ_DATA, ntstatus.Success)
	w.want(w.sys.RenamePosix(th, h, `\??\share\g`, true), ntstatus.ObjectNameCollision)
	w.exists("f", true)
	w.exists("g", true)
	w.want(th.NtClose(h), ntstatus.Success)
}

// A file of which the system tells nothing has no facts: zeros are not told in their place
// (F-124).
func TestNoFacts(t *testing.T) {
	w := newWorld(t)
	f := &file{t: w.tree, fd: -1}
	facts, st := f.Facts()
	if w.want(st, ntstatus.AccessDenied); facts != (nt.FileFacts{}) {
		t.Errorf("%+v", facts)
	}
	if _, st := f.Volume(); st != ntstatus.AccessDenied {
		t.Error(st)
	}
	if _, st := f.Descriptor(); st != ntstatus.AccessDenied {
		t.Error(st)
	}
}

// What the system below refuses has the status of Windows for it: no room is a full disk, what others hold a sharing
// violation, and what is not known no success (F-124).
func TestStatuses(t *testing.T) {
	for st, all := range map[ntstatus.Status][]unix.Errno{
		ntstatus.DiskFull:           {unix.ENOSPC, unix.EDQUOT, unix.EFBIG, unix.E2BIG},
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
			if got := statusOf(&os.PathError{Op: "open", Path: "f", Err: e}); got != st {
				t.Errorf("F-124: %v is %v, want %v", e, got, st)
			}
		}
	}
	if got := statusOf(errors.New("of no system call")); got != ntstatus.Unsuccessful {
		t.Errorf("F-124: %v", got)
	}
	if got := statusOf(nil); got != ntstatus.Success {
		t.Errorf("F-124: no error is %v", got)
	}
}

// A name that is to be deleted goes with its own last open, whatever opens the file has by
// another name; that one opens the file all the while, and one that is spared stays (F-117).
func TestDeleteTwoNames(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	remove := func(h winnt.Handle, yes bool) {
		t.Helper()
		w.want(th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: yes}),
			ntstatus.Success)
	}
	for _, spared := range []bool{false, true} {
		w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
		w.must(os.Link(w.path("f"), w.path("g")))
		one := w.open(th, "f", winnt.DELETE, ntstatus.Success)
		two := w.open(th, "g", winnt.DELETE, ntstatus.Success)
		remove(one, true)
		remove(two, true)
		remove(one, true)
		if spared {
			remove(one, false)
		}
		w.open(th, "g", winnt.FILE_READ_DATA, ntstatus.DeletePending)
		if spared {
			w.want(th.NtClose(w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
		}
		w.want(th.NtClose(one), ntstatus.Success)
		w.exists("f", spared)
		w.exists("g", true)
		w.want(th.NtClose(two), ntstatus.Success)
		w.exists("f", spared)
		w.exists("g", false)
	}
}

// pends expects that an open says of its name that it goes away, or that it does not.
func (w *world) pends(th *nt.Thread, h winnt.Handle, want bool) {
	w.Helper()
	about, st := th.NtQueryInformationFile(h, nt.FileStandardInformation)
	w.want(st, ntstatus.Success)
	if s := about.(nt.FileStandard); s.DeletePending != want {
		w.Errorf("F-117: DeletePending is %v", s.DeletePending)
	}
}

// What is said and done of one name of a file leaves its other names alone (F-117).
func TestDeleteOneName(t *testing.T) {
	w := newWorld(t)
	const full = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.describe("", full)
	th := w.as(alice)
	w.file("f", "text", full)
	w.file("other", "", full)
	w.must(os.Link(w.path("f"), w.path("g")))
	kept := w.open(th, "g", winnt.FILE_READ_DATA|winnt.DELETE, ntstatus.Success)
	first := w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	gone := w.create(th, "f", call{desired: winnt.DELETE, disposition: fileaccess.FileOpen,
		options: fileaccess.DeleteOnClose}, ntstatus.Success)
	w.want(th.NtClose(gone), ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.DeletePending)
	w.exists("f", true)
	w.pends(th, first, true)
	w.pends(th, kept, false)
	// Nothing replaces a name that goes, and the other name can be changed.
	h := w.open(th, "other", winnt.DELETE, ntstatus.Success)
	if st := th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "f",
		ReplaceIfExists: true}); st == ntstatus.Success {
		t.Error("F-117: a name that goes away was replaced")
	}
	w.want(th.NtClose(h), ntstatus.Success)
	w.want(th.NtSetInformationFile(kept, nt.FileRenameInformation, nt.FileRename{FileName: "k"}), ntstatus.Success)
	w.want(th.NtClose(w.open(th, "k", winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	w.want(th.NtClose(first), ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound)
	w.want(th.NtClose(kept), ntstatus.Success)
	w.exists("k", true)
	w.exists("f", false)
}
