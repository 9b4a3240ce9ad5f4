package mount

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestSymlinkCreationNeedsAddFileRight checks that creating a link needs the right to add a file, and the link inherits
// the directory's descriptor. Reading it needs FILE_READ_DATA, removing and moving it DELETE. No program follows it,
// inside the tree or out of it (M-33, M-34, F-192, F-193).
func TestSymlinkCreationNeedsAddFileRight(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+user(alice)+")(A;;0x1200a9;;;"+user(bob)+")")
	w.file("d/f", "inside", everybody)
	outside := filepath.Join(filepath.Dir(w.root), "outside")
	w.must(os.WriteFile(outside, []byte("outside"), 0o644)) //nolint:gosec // for all
	w.sees(alice, "", "ln", "-s", "f", "d/in")
	w.sees(alice, "", "ln", "-s", outside, "d/out")
	w.refused(bob, "Permission denied", "ln", "-s", "f", "d/his")
	w.refused(alice, "File exists", "ln", "-s", "f", "d/f")
	w.sees(alice, "f", "readlink", "d/in")
	w.sees(alice, "symbolic link 777 1", "stat", "-c", "%F %a %s", "d/in")
	w.sees(alice, "lrwxrwxrwx", "sh", "-c", "ls -ld d/out | cut -c1-10")
	w.sees(bob, "f\nin\nout", "ls", "d")
	w.refused(bob, "", "readlink", "d/in") // bob inherits no entry
	for _, name := range []string{"d/in", "d/out"} {
		w.refused(alice, "Too many levels of symbolic links", "cat", name)
		w.refused(alice, "Too many levels of symbolic links", "ls", name+"/")
		w.refused(bob, "Too many levels", "cat", name)
	}
	want := fmt.Sprintf("O:%[1]sG:%[1]sD:(A;;FA;;;%[1]s)", user(alice))
	check.Equal(t, w.descriptorOf("d/in"), want, "F-192: its descriptor")
	w.sees(alice, "", "touch", "-h", "-d", "@1000000000", "d/in")
	w.sees(alice, "1000000000", "stat", "-c", "%Y", "d/in")
	w.refused(bob, "Permission denied", "rm", "-f", "d/in")
	w.refused(bob, "Permission denied", "mv", "d/in", "d/moved")
	w.sees(alice, "", "ln", "d/in", "d/hard")
	w.sees(alice, "", "mv", "-T", "d/out", "d/hard")
	w.sees(alice, "", "rm", "d/in")
	w.sees(alice, "f\nhard", "ls", "d")
	w.sees(alice, "", "cp", "-P", "d/hard", "d/copy")
	w.sees(alice, "", "rm", "d/copy", "d/hard")
	w.sees(alice, "inside", "cat", "d/f")
}

// TestFollowLinksUsesRightsOfProgram checks that, if configured, the host's kernel follows the tree's links for
// programs, each with its own rights (M-34).
func TestFollowLinksUsesRightsOfProgram(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.FollowLinks = true })
	w.dir("d", fullAll)
	w.file("d/hers", "hers", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	outside := filepath.Join(filepath.Dir(w.root), "outside")
	w.must(os.WriteFile(outside, []byte("root's"), 0o600))
	w.sees(bob, "", "ln", "-s", "hers", "d/in")
	w.sees(bob, "", "ln", "-s", outside, "d/out")
	w.sees(alice, "hers", "cat", "d/in")
	w.refused(bob, "Permission denied", "cat", "d/in")
	w.refused(bob, "Permission denied", "cat", "d/out")
	w.sees(0, "root's", "cat", "d/out") // as on every file system of this host
	var s unix.Statfs_t
	w.must(unix.Statfs(w.at, &s))
	const nosuidNodev = unix.MS_NOSUID | unix.MS_NODEV // statfs(2) has the numbers of mount(2)
	check.Equal(t, s.Flags&(nosuidNodev|statNoFollow), int64(nosuidNodev), "the flags of the mount")
}

// TestNameChangesLeaveNoHandle checks that a request that creates, renames or removes a name leaves no handle open, and
// that a tree without links refuses one as symlink(2) says.
func TestNameChangesLeaveNoHandle(t *testing.T) {
	w := newWorld(t)
	w.dir("d", fullAll)
	dir, entry := w.known(alice, "d"), &fuse.EntryOut{}
	h := header(alice, dir)
	for i, f := range []func() fuse.Status{
		func() fuse.Status { return w.m.Symlink(nil, &h, "f", "link", entry) },
		func() fuse.Status { return w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: h, Mode: 0o755}, "sub", entry) },
		func() fuse.Status { return w.m.Mknod(nil, &fuse.MknodIn{InHeader: h, Mode: unix.S_IFREG}, "f", entry) },
		func() fuse.Status {
			return w.m.Link(nil, &fuse.LinkIn{InHeader: h, Oldnodeid: entry.NodeId}, "g", entry)
		},
		func() fuse.Status { return w.m.Rename(nil, &fuse.RenameIn{InHeader: h, Newdir: dir}, "f", "k") },
		func() fuse.Status { return w.m.Unlink(nil, &h, "k") },
		func() fuse.Status { return w.m.Rmdir(nil, &h, "sub") },
	} {
		w.leavesNoHandle(fmt.Sprint("request ", i), fuse.OK, f)
	}
	var r reported
	w, h = newWorld(t, func(c *hostfs.Config, m *Config) {
		c.Attribute, m.Denied = "user.NTACL", r.add
	}), header(0, rootID)
	check.Equal(t, w.m.Symlink(nil, &h, "f", "new", entry), fuse.EPERM, "F-192: a tree without links")
	list := r.take()
	check.That(t, len(list) == 1 && strings.HasPrefix(list[0].Reasons[0], "because F-192: "),
		"M-46: denials in a tree without links: %+v", list)
}

// leavesNoHandle checks the status of a request, and that it leaves no handle open.
func (w *world) leavesNoHandle(what string, want fuse.Status, f func() fuse.Status) {
	w.Helper()
	_, before, _ := w.sys.Counts()
	check.Equal(w, f(), want, "%s", what)
	_, after, _ := w.sys.Counts()
	check.Equal(w, after, before, "handles after %s", what)
}

// TestPlantedSymlinkIsNeitherListedNorOpened checks that a symbolic link created directly in the backing tree is not a
// file of the tree: it is neither listed nor opened, removed or replaced (F-191).
func TestPlantedSymlinkIsNeitherListedNorOpened(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "inside", full)
	w.must(os.Symlink("f", filepath.Join(w.root, "d/planted")))
	w.link("d/ours", "f", full)
	w.sees(alice, "f\nours", "ls", "d")
	w.refused(alice, "Permission denied", "readlink", "-v", "d/planted")
	w.refused(alice, "Permission denied", "rm", "-f", "d/planted")
	w.refused(alice, "Permission denied", "mv", "-fT", "d/f", "d/planted")
}

// TestForbiddenLinksCannotBeRead checks that links are unreadable, and so not followed, where the host's kernel would
// follow links that the configuration forbids (M-34).
func TestForbiddenLinksCannotBeRead(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.FollowLinks = true })
	w.file("f", "", full)
	w.link("l", "f", full)
	w.sees(alice, "f", "readlink", "l")
	h := header(alice, w.known(alice, "f"))
	_, s := w.m.Readlink(nil, &h)
	w.want("M-33: readlink of a file", s, unix.EINVAL)
	w.m.readLinks(false) // this mount follows links
	h = header(alice, w.known(alice, "l"))
	if text, s := w.m.Readlink(nil, &h); s != fuse.EPERM || text != nil {
		t.Errorf("M-34: %q, %v, want nil, %v", text, s, fuse.EPERM)
	}
}
