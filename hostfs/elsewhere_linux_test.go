package hostfs

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

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

// Two names of one file that are both to be deleted both go with its last open; one that is
// spared stays (F-117).
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
		w.want(th.NtClose(one), ntstatus.Success)
		w.exists("g", true)
		w.want(th.NtClose(two), ntstatus.Success)
		w.exists("f", spared)
		w.exists("g", false)
	}
}
