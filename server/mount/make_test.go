package mount

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMknodIsDeniedForEveryKind checks that devices, pipes and sockets cannot be created by any call (M-21). rmdir
// refuses a file and unlink a directory, and RENAME_NOREPLACE replaces no name (M-20).
func TestMknodIsDeniedForEveryKind(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "f", full)
	w.file("d/g", "g", full)
	d, f := w.known(alice, "d"), w.known(alice, "d/f")
	in := header(alice, d)
	for _, kind := range []uint32{syscall.S_IFIFO, syscall.S_IFSOCK, syscall.S_IFCHR, syscall.S_IFBLK, syscall.S_IFLNK,
		0} {
		w.want("M-21: mknod", w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: kind | 0o600}, "new", &fuse.EntryOut{}),
			unix.EPERM)
	}
	for flags, want := range map[uint32]unix.Errno{renameNoReplace: unix.EEXIST, renameExchange: unix.EINVAL,
		renameWhiteout: unix.EINVAL, renameExchange | renameNoReplace: unix.EINVAL, 8: unix.EINVAL} {
		w.want("M-20, M-21: rename", w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: d, Flags: flags}, "f", "g"), want)
	}
	w.want("M-20: rmdir of a file", w.m.Rmdir(nil, &in, "f"), unix.ENOTDIR)
	w.want("M-20: unlink of a directory", w.m.Unlink(nil, &fuse.InHeader{NodeId: rootID, Caller: in.Caller}, "d"),
		unix.EISDIR)
	// The file is found by its other name in another directory.
	w.want("M-20: a rename", w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: d}, "f", "h"), 0)
	check.Equal(t, w.m.nodes.path(w.m.nodes.get(f), ""), `d\h`, "M-20: the file's name")
	for _, name := range []string{"g", "h"} {
		if _, err := os.Lstat(filepath.Join(w.root, "d", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestFailedCreateCountsNoLookup checks that a create that finds a file and cannot open it counts no lookup, because
// the kernel will not send FORGET for it. The kernel serves another handle of the file, and this open may only append
// (M-18).
//
// +checklocksignore
func TestFailedCreateCountsNoLookup(t *testing.T) {
	w := newWorld(t)
	w.file("log", "", "O:BAG:SYD:P(A;;0x1200ad;;;WD)")
	n := w.m.nodes.get(w.known(bob, "log"))
	before := n.lookups
	w.m.mu.Lock()
	w.m.backings[n] = &backing{passed: true}
	w.m.mu.Unlock()
	in := &fuse.CreateIn{InHeader: header(bob, rootID), Flags: syscall.O_WRONLY | syscall.O_APPEND, Mode: 0o600}
	w.leavesNoHandle("M-18: create", fuse.Status(unix.EBUSY), func() fuse.Status {
		return w.m.Create(nil, in, "log", &fuse.CreateOut{})
	})
	check.Equal(t, n.lookups, before, "lookups of the file")
}
