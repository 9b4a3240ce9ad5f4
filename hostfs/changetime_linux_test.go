package hostfs

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
)

// If descriptors are cached without a delay, each of many changes in a row is seen immediately: of the attribute, of
// the permissions and of a directory's entries (F-115).
func TestEachConsecutiveChangeIsSeen(t *testing.T) {
	w := newWorld(t)
	if w.tree.settling != 0 {
		t.Skip("this file system gives several changes one time")
	}
	w.dir("d", wide)
	fd, _ := w.openPlace("d")
	texts := []string{wide, narrow}
	for i := range randtest.Size(2000) {
		switch i % 4 {
		case 0:
			w.must(os.WriteFile(w.path(`d\x`), nil, 0o600))
		case 2:
			w.must(os.Remove(w.path(`d\x`)))
		}
		w.describe("d", texts[i%2])
		for range 2 {
			s := check.Must(stat(fd))
			k := check.Must(w.tree.known(held{fd: fd}, &s, sid.SID{}))
			check.Require(t, formatted(k.descriptor), texts[i%2], "F-115: descriptor after change %d", i)
		}
	}
}

// Caching waits for a file system's clock, unless its change times are documented as distinct and a trial confirms it
// (F-115).
func TestUnknownFileSystemWaitsForClock(t *testing.T) {
	w := newWorld(t)
	var fs unix.Statfs_t
	w.must(unix.Fstatfs(w.tree.root, &fs))
	for _, magic := range []int64{unix.NFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, 0} {
		check.Equal(t, settling(w.tree.root, &unix.Statfs_t{Type: magic}), settled,
			"F-115: settling on file system type %x", magic)
	}
	fs.Type = unix.EXT4_SUPER_MAGIC
	missing := check.Must(unix.Open(filepath.Join("/proc", "self"), unix.O_PATH|unix.O_DIRECTORY, 0))
	defer shut(missing)
	check.Equal(t, settling(missing, &fs), settled, "F-115: settling without a file for the trial")
}

// The cached descriptor of a file is never older than its change time, even if another program changes the attribute
// all the time (F-115).
func TestCachedDescriptorIsNeverOld(t *testing.T) {
	w := newWorld(t)
	var fs unix.Statfs_t
	w.must(unix.Fstatfs(w.tree.root, &fs))
	if fs.Type == unix.TMPFS_MAGIC {
		t.Skip("a read can see the value of a setxattr that has not yet changed the time")
	}
	w.file("f", "", wide)
	fd, _ := w.openPlace("f")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := unix.Setxattr(w.path("f"), w.tree.cfg.Attribute, w.accepted([]string{wide, narrow}[i%2]), 0); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 5000 {
		before := check.Must(stat(fd))
		k := check.Must(w.tree.known(held{fd: fd}, &before, sid.SID{}))
		value := check.Must((&held{fd: fd}).attributeOf(w.tree.cfg.Attribute))
		after := check.Must(stat(fd))
		if identityOf(&before) != identityOf(&after) {
			continue // It changed in between.
		}
		a := check.Must(ntacl.Decode(value))
		if !a.Descriptor.Equal(k.descriptor) {
			t.Fatalf("F-115: cached descriptor %s, stored %s", formatted(k.descriptor), formatted(a.Descriptor))
		}
	}
	close(stop)
	w.must(<-stopped)
}
