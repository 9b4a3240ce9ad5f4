package services_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A POSIX rename replaces an open target, but a directory only by a directory and a file only by a file. It moves
// directories with opens below them (M-20).
func TestPosixRenameReplacesOpenTarget(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	h := w.open(`\??\T\dir\file`, winnt.DELETE, 0)
	for _, c := range []struct {
		moved, there bool // directories
		refused      bool
	}{{false, false, false}, {true, true, false}, {false, true, true}, {true, false, true}} {
		w.tree.move = fileaccess.Move{Directory: c.moved, OpensBelow: true, ReplaceIfExists: true,
			Existing: &fileaccess.Existing{IsDirectory: c.there, Open: true, Descriptor: w.tree.descriptor},
			Target: fileaccess.Facts{Object: fileaccess.Object{Exists: true, IsDirectory: true,
				Descriptor: w.tree.descriptor}, Parent: &fileaccess.Directory{Descriptor: w.tree.descriptor}}}
		want(t, "rename", w.sys.RenamePosix(w.Thread, h, `\??\T\new`, true, false), ntstatus.Success)
		if got := w.tree.decision.Status() != ntstatus.Success; got != c.refused {
			t.Errorf("source is a directory %v, target is a directory %v: decision %v, want refused = %v",
				c.moved, c.there, w.tree.decision.Status(), c.refused)
		}
		check.Equal(t, w.tree.took(), "Move new root - replace true link false", "tree calls")
	}
	null := check.Result(w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	want(t, "another file", w.sys.RenamePosix(w.Thread, null, `\??\T\new`, true, false), ntstatus.ObjectTypeMismatch)
	want(t, "no file", w.sys.RenamePosix(w.Thread, 0x7770, `\??\T\new`, true, false), ntstatus.InvalidHandle)
}
