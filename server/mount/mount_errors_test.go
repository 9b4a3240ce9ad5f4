package mount

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// extraNames returns the unexpected names in a directory of the backing tree.
func (w *world) extraNames(dir string, meant ...string) (rest []string) {
	w.Helper()
	entries := check.Must(os.ReadDir(filepath.Join(w.root, dir)))
	for _, e := range entries {
		if !strings.Contains(" "+strings.Join(meant, " ")+" ", " "+e.Name()+" ") {
			rest = append(rest, e.Name())
		}
	}
	return rest
}

// TestFullDiskIsENOSPC checks that on a full disk a program gets ENOSPC, and the log names the user, operation and
// path. No partial file and no descriptor stays behind, and writing works again once there is space (M-6, M-48).
func TestFullDiskIsENOSPC(t *testing.T) {
	needs(t)
	disk := filepath.Join(folder(t), "disk")
	check.NoError(t, os.Mkdir(disk, 0o700))
	if err := unix.Mount("refmon", disk, "tmpfs", 0, "size=64k,nr_inodes=24,mode=700"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	log := &lines{}
	w := newWorld(t, func(h *hostfs.Config, c *Config) {
		h.Path, c.Log = disk, slog.New(slog.NewTextHandler(log, nil))
	})
	w.dir("d", full)
	w.file("d/kept", "kept", full)
	w.refused(alice, "No space left", "sh", "-c", "dd if=/dev/zero of=d/big bs=4k count=1000")
	w.refused(alice, "No space left", "dd", "if=/dev/zero", "of=d/kept", "bs=4k", "seek=4", "count=1", "conv=notrunc")
	w.sees(alice, "kept", "cat", "d/kept")
	w.sees(alice, "", "rm", "d/big")
	w.sees(alice, "kept\nmore", "sh", "-c", "echo >> d/kept; echo more >> d/kept; cat d/kept")
	// The file system has 24 inodes.
	w.refused(alice, "No space left", "sh", "-c", "for i in $(seq 30); do mkdir d/made$i || exit 1; done")
	w.refused(alice, "No space left", "touch", "d/new")
	check.That(t, log.count(`msg="no room: `) != 0 && log.count("uid=61001 operation=CREATE path="+w.at+"/d") != 0,
		"M-48: the log does not name the request:\n%s", log)
	for _, name := range w.extraNames("d", "kept") {
		check.That(t, strings.HasPrefix(name, "made"), `M-6: %s is left, want text starting with "made"`, name)
	}
	w.sees(alice, "kept\nmore", "cat", "d/kept")
	w.refused(bob, "Permission denied", "sh", "-c", "echo >> d/kept")
	w.sees(alice, "", "sh", "-c", "rmdir d/made* && touch d/new")
	// Of a write that fits in part, the program learns how many bytes the file took, whoever serves the handle (M-6).
	w.describe("d/kept", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120084;;;"+user(bob)+")")
	for _, uid := range []uint32{alice, bob} {
		w.must(os.Truncate(filepath.Join(disk, "d/kept"), 0))
		w.refused(uid, "65536 bytes", "sh", "-c", "dd if=/dev/zero bs=40000 count=4 >>d/kept")
		info := check.Must(os.Stat(filepath.Join(disk, "d/kept")))
		check.Equal(t, info.Size(), 65536, "M-6: size of the file that uid %d filled the disk with", uid)
	}
	// For dirty pages the host's kernel ignores the number.
	w.must(os.Truncate(filepath.Join(disk, "d/kept"), 4096))
	fh := w.opens(alice, "d/kept", unix.O_RDWR)
	_, s := w.m.Write(nil, &fuse.WriteIn{Fh: fh, WriteFlags: fuse.WRITE_CACHE}, make([]byte, 1<<17))
	w.want("M-6: dirty pages of which some fit", s, unix.ENOSPC)
	w.m.leave(fh)
}

// faulty is a file system that fails requests of one kind.
type faulty struct {
	fuse.RawFileSystem
	fails atomic.Pointer[string]
	met   atomic.Int32 // number of failed requests
}

func (f *faulty) fault(kind string) bool {
	if p := f.fails.Load(); p == nil || *p != kind {
		return false
	}
	f.met.Add(1)
	return true
}

func (f *faulty) Lookup(c <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if f.fault("look up") {
		return fuse.EIO
	}
	return f.RawFileSystem.Lookup(c, in, name, out)
}

func (f *faulty) GetXAttr(c <-chan struct{}, in *fuse.InHeader, name string, out []byte) (uint32, fuse.Status) {
	if f.fault("read the descriptor") {
		return 0, fuse.EIO
	}
	return f.RawFileSystem.GetXAttr(c, in, name, out)
}

func (f *faulty) SetXAttr(c <-chan struct{}, in *fuse.SetXAttrIn, name string, data []byte) fuse.Status {
	if f.fault("write the descriptor") {
		return fuse.EIO
	}
	return f.RawFileSystem.SetXAttr(c, in, name, data)
}

func (f *faulty) Read(c <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	if f.fault("read") {
		return nil, fuse.EIO
	}
	return f.RawFileSystem.Read(c, in, buf)
}

func (f *faulty) ReadDir(c <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	if f.fault("list") {
		return fuse.EIO
	}
	return f.RawFileSystem.ReadDir(c, in, out)
}

// newFaulty mounts a disk that fails on demand.
func newFaulty(t *testing.T) (f *faulty, disk string) {
	t.Helper()
	dir := folder(t)
	disk = filepath.Join(dir, "disk")
	check.NoError(t, errors.Join(os.Mkdir(disk, 0o700), os.Mkdir(dir+"/below", 0o700)))
	root := check.Must(fs.NewLoopbackRoot(dir + "/below"))
	none := time.Duration(0)
	f = &faulty{RawFileSystem: fs.NewNodeFS(root, &fs.Options{EntryTimeout: &none, AttrTimeout: &none})}
	server, err := fuse.NewServer(f, disk, &fuse.MountOptions{DirectMountStrict: true, AllowOther: true,
		DisabledCapabilities: fuse.CAP_PASSTHROUGH, DisableReadDirPlus: true})
	check.NoError(t, err)
	go server.Serve()
	t.Cleanup(func() {
		// Unmount waits for copies of the mount in other namespaces.
		if err := unix.Unmount(disk, unix.MNT_FORCE|unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		server.Wait()
	})
	check.NoError(t, server.WaitMount())
	return f, disk
}

// TestDiskErrorIsEIOAndGrantsNothing checks that an error of the disk is EIO and grants nothing. No partial file stays
// behind, and requests work again after the disk does (M-6, F-124).
func TestDiskErrorIsEIOAndGrantsNothing(t *testing.T) {
	needs(t)
	disk, path := newFaulty(t)
	w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Path = path })
	w.dir("d", full)
	const text = "hers alone"
	for _, c := range []struct{ fails, line string }{
		{"look up", "cat d/f"}, {"read the descriptor", "cat d/f"}, {"read", "cat d/f"},
		{"write the descriptor", "touch d/new"}, {"write the descriptor", "mkdir d/new"}, {"list", "ls d"},
	} {
		w.file("d/f", text, "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
		disk.met.Store(0)
		disk.fails.Store(&c.fails)
		w.refused(alice, "Input/output error", "sh", "-c", c.line)
		if got, err := w.run(bob, "cat", "d/f"); err == nil || strings.Contains(got, text) {
			t.Errorf("F-124: %s fails: bob reads %q, %v, want text without %q, an error", c.fails, got, err, text)
		}
		disk.fails.Store(nil)
		check.That(t, disk.met.Load() != 0, "%s: no disk error was injected", c.line)
		w.sees(alice, text, "cat", "d/f")
		w.refused(bob, "Permission denied", "cat", "d/f")
		if rest := w.extraNames("d", "f"); len(rest) != 0 {
			t.Errorf("F-124: %s fails: %s leaves the files %q, want none", c.fails, c.line, rest)
		}
	}
	w.sees(alice, "", "sh", "-c", "echo more >> d/f; touch d/new; mv d/new d/g; rm d/g")
}
