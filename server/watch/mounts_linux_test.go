package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestMountPointsCoverTheirDescendants checks which paths a mount hides.
func TestMountPointsCoverTheirDescendants(t *testing.T) {
	m := &mountTable{points: map[string]struct{}{"/t/m": {}}}
	for path, want := range map[string][2]bool{"/t/m": {true, true}, "/t/m/a": {true, false}, "/t/m/a/b": {true, false},
		"/t/mm": {}, "/t": {}} {
		covered, point := m.covers(path)
		check.Equal(t, [2]bool{covered, point}, want, "%s is covered, is a mount point", path)
	}
	w := &watch{mounts: m, links: newLinkTable()}
	for path, want := range map[string]error{"/t/m": errForeign, "/t/mm": nil} {
		d := sddl.MustParse("O:SYG:SYD:")
		s, ours := w.newSeen(&objects.Item{Path: path, Descriptor: d, Search: d})
		check.That(t, ours && s.Err == want && (s.Descriptor == nil) == (want != nil) && s.Search == s.Descriptor,
			"%s: %+v, want %v", path, s, want)
	}
}

// TestLeftFolderBelowMountIsNotReported checks that a folder that was removed below a mount point is not reported as
// gone: another tree can have a document of that name (N-90, N-143). After the unmount, the folder is read again.
func TestLeftFolderBelowMountIsNotReported(t *testing.T) {
	root, out := t.TempDir(), make(chan Batch, 2)
	w := &watch{Watcher: &Watcher{Root: root}, ctx: t.Context(), out: out, changes: silent{}, pending: newNews(),
		links: newLinkTable(), mounts: &mountTable{points: map[string]struct{}{root + "/m": {}}}}
	for _, path := range []string{root + "/m/a", root + "/b"} {
		w.pending.paths[path], w.pending.left[path] = struct{}{}, struct{}{}
	}
	check.NoError(t, w.sendPending())
	b := <-out
	check.That(t, len(b.Seen) == 1 && b.Seen[0].Path == root+"/b" && b.Seen[0].Gone, "reported: %+v", b.Seen)
	w.mounts.root, w.mounts.fd = root, 1<<30 // poll(2) always reports an event of a descriptor that is not open
	check.NoError(t, w.reportMounts())
	_, again := w.pending.paths[root+"/m/"]
	check.That(t, again, "N-90: after the unmount only %v is read", w.pending.paths)
	mounted := make(chan Batch, 1)
	w.mounts, w.out = &mountTable{fd: 1 << 30, root: "/"}, mounted
	check.NoError(t, w.reportMounts())
	b = <-mounted
	check.That(t, b.Seen[0].Gone && b.Seen[1].Path == b.Seen[0].Path && b.Seen[1].Err == errForeign,
		"N-90: a mount is reported as %+v", b.Seen[:2])
}

// TestMountDuringReadIsReadAgain checks that paths are read again if mounts changed while they were read, because a
// mount that has come and gone is in no table (N-90). One heartbeat is left out, and not all, however often mounts
// change. A folder is read again only once. A walk reads again what an unknown mount has hidden.
func TestMountDuringReadIsReadAgain(t *testing.T) {
	root, out := t.TempDir(), make(chan Batch, 64)
	w := &watch{Watcher: &Watcher{Root: root}, ctx: t.Context(), out: out, changes: silent{}, pending: newNews(),
		links: newLinkTable(), mounts: &mountTable{root: root, fd: 1 << 30}} // poll(2) always reports an event
	at := root + "/f"
	check.NoError(t, os.WriteFile(at, nil, 0o600))
	w.pending.paths[at], w.pending.paths[root+"/d/"] = struct{}{}, struct{}{}
	for i, want := range []int{0, 1, 1} {
		check.NoError(t, w.poll())
		_, again := w.pending.paths[at]
		_, folder := w.pending.paths[root+"/d/"]
		check.That(t, folder == (i == 0), "read %d: the folder is read again: %t, want only after the first", i+1, folder)
		beats := 0
		for len(out) > 0 {
			if b := <-out; !b.Heartbeat.Time.IsZero() {
				beats++
			}
		}
		check.That(t, again && beats == want, "read again: %t, %d heartbeats, want %d", again, beats, want)
	}
	w.newSeen(&objects.Item{Path: at, Err: &fs.PathError{Op: "open", Path: at, Err: beneath.ErrMount}})
	check.That(t, slices.Equal(w.crossed, []string{at + "/"}), "an unknown mount has hidden %q", w.crossed)
	check.NoError(t, w.readAgain(nil))
	_, again := w.pending.paths[at+"/"]
	check.That(t, again, "what an unknown mount has hidden is not read again: %v", w.pending.paths)
}

// TestInodesAreThoseOfRegularFiles checks that a link, a folder and a missing file have no inode number in the table of
// names, and that a watcher rejects a root that is no directory.
func TestInodesAreThoseOfRegularFiles(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "f"), filepath.Join(dir, "l")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	check.NoError(t, os.Symlink(file, link))
	var s unix.Stat_t
	check.NoError(t, unix.Lstat(file, &s))
	for path, want := range map[string]uint64{file: s.Ino, link: 0, dir: 0, filepath.Join(dir, "x"): 0} {
		check.Equal(t, inodeAt(path), want, "the inode of %s", path)
	}
	if f, err := listen(file); !errors.Is(err, unix.EPERM) { // fanotify needs CAP_SYS_ADMIN
		check.ErrorIs(t, err, unix.ENOTDIR, "a file as the root: %v", f)
	}
}

// TestNamesOfAnInodeAreRecordedOnce checks that the first and a further name of an inode count once each.
func TestNamesOfAnInodeAreRecordedOnce(t *testing.T) {
	l := newLinkTable()
	for _, path := range []string{"/a", "/a", "/b", "/b", "/a"} {
		l.add(7, path)
	}
	names := map[string]struct{}{}
	l.of(7, names)
	check.Equal(t, len(names), 2, "names of the inode")
	check.That(t, l.names == 2 && l.first[7] == "/a" && len(l.more[7]) == 1, "%d names, %v, %v, want /a and /b once",
		l.names, l.first, l.more)
	l.add(7, "/other")
	l.most = 3
	l.settle(func(path string) uint64 { return map[string]uint64{"/a": 7, "/b": 7, "/other": 8}[path] })
	check.Equal(t, l.names, 2, "names without the stale one")
}
