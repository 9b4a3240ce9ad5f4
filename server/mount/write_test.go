package mount

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestHandleDecidesRequest checks that the handle decides about a request on an open file, not the sender, because
// read-ahead and write-back have no user (M-4).
func TestHandleDecidesRequest(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120084;;;"+user(bob)+")")
	w.file("other", "other", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	node := w.known(alice, "f")
	fh, other := w.opens(alice, "f", syscall.O_RDWR), w.opens(alice, "other", syscall.O_RDWR)
	appends := w.opens(bob, "f", syscall.O_WRONLY|syscall.O_APPEND)
	buf := make([]byte, 16)
	r, s := w.m.Read(nil, &fuse.ReadIn{InHeader: header(unknown, node), Fh: fh}, buf)
	if w.want("M-4: a read by no user", s, 0); s == fuse.OK {
		if b, _ := r.Bytes(buf); string(b) != "text" {
			t.Errorf(`M-4: %q, want "text"`, b)
		}
	}
	write := func(fh uint64, flags uint32, page string) fuse.Status {
		_, s := w.m.Write(nil, &fuse.WriteIn{InHeader: header(unknown, node), Fh: fh, WriteFlags: flags}, []byte(page))
		return s
	}
	w.want("M-4: a write by no user", write(fh, 0, "TEXT"), 0)
	_, s = w.m.Write(nil, &fuse.WriteIn{InHeader: header(unknown, node), Fh: fh, Flags: syscall.O_APPEND,
		WriteFlags: fuse.WRITE_CACHE}, []byte("Text"))
	w.want("M-13: a page of a file that is open for appending", s, 0)
	_, s = w.attributesOf(unknown, node, fh)
	w.want("M-4: the attributes of a handle", s, 0)
	w.want("M-13: a handle for appending overwrites", write(appends, 0, "over"), unix.EACCES)
	w.want("M-4: a page, with a handle that overwrites", write(appends, fuse.WRITE_CACHE, "page"), 0)
	w.m.leave(fh)
	w.want("M-4: a page that no handle may write", write(appends, fuse.WRITE_CACHE, "lost"), unix.EACCES)
	for _, mode := range []uint32{0, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE} {
		w.want("M-4: space by a handle for appending", w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: header(bob, node),
			Fh: appends, Length: 9, Mode: mode}), unix.EACCES)
	}
	size := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(bob, node), Fh: appends,
		Valid: fuse.FATTR_SIZE | fuse.FATTR_FH}}
	w.want("M-24: a handle for appending cuts off", w.m.SetAttr(nil, size, &fuse.AttrOut{}), unix.EACCES)
	for name, want := range map[string]string{"f": "page", "other": "other"} {
		if b, err := os.ReadFile(filepath.Join(w.root, name)); err != nil || string(b) != want {
			t.Errorf("M-4: %s holds %q, %v, want %q", name, b, err, want)
		}
	}
	w.m.leave(other)
	w.m.leave(appends)
}

// TestWriteClearsSetuidAndSetgid checks that each change of a file's contents through the mount clears the set-uid and
// set-gid bits of the backing file, because the host's kernel leaves that to the mount (F-125).
func TestWriteClearsSetuidAndSetgid(t *testing.T) {
	for name, plain := range map[string]bool{"past the mount": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = plain })
			for name, script := range map[string]string{
				"overwrite": "dd if=/dev/zero of=f count=1 conv=notrunc status=none", "append": "echo x >> f", "empty": ": > f",
				"truncate": "truncate -s 1 f", "reserve": "fallocate -l 4096 f", "give up": "fallocate -p -o 0 -l 4096 f",
				"map": `python3 -c 'import mmap; f = open("f", "r+b"); m = mmap.mmap(f.fileno(), 4); m[0:1] = b"m"; m.flush()'`,
			} {
				if _, err := exec.LookPath("python3"); err != nil && name == "map" {
					t.Log("no python3 to map a file with: ", err)
					continue
				}
				w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
				w.must(unix.Chmod(filepath.Join(w.root, "f"), 0o6755))
				w.sees(bob, "", "sh", "-c", script)
				info := check.Must(os.Stat(filepath.Join(w.root, "f")))
				check.Equal(t, info.Mode()&(os.ModeSetuid|os.ModeSetgid), 0, "F-125: %s leaves", name)
				w.must(os.Remove(filepath.Join(w.root, "f")))
			}
		})
	}
}

// TestMappedPageReachesFileAfterExit checks that a page of a shared mapping reaches the file after its program ended,
// even if only an append-only handle remains (M-4).
func TestMappedPageReachesFileAfterExit(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120084;;;"+user(bob)+")")
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 to map a file with: ", err)
	}
	appends := w.opens(bob, "f", unix.O_WRONLY|unix.O_APPEND)
	w.sees(alice, "", "python3", "-c", `
import mmap, os
fd = os.open("f", os.O_RDWR)
m = mmap.mmap(fd, 10)
m[2:5] = b"abc"
`)
	fd := check.Must(unix.Open(w.at, unix.O_RDONLY|unix.O_DIRECTORY, 0))
	w.must(unix.Syncfs(fd))
	w.must(unix.Close(fd))
	if b, err := os.ReadFile(filepath.Join(w.root, "f")); err != nil || string(b) != "01abc56789" {
		t.Errorf(`M-4: %q, %v, want "01abc56789", no error`, b, err)
	}
	w.m.leave(appends)
}

// volume is a tree with a distinct value in each statfs field.
type volume struct{ *hostfs.Tree }

func (volume) Statfs(s *unix.Statfs_t) error {
	*s = unix.Statfs_t{Blocks: 9, Bfree: 8, Bavail: 7, Files: 6, Ffree: 5, Bsize: 4, Frsize: 3}
	return nil
}

// TestStatFsMapsEachField checks that each figure of the volume's space appears in its field.
func TestStatFsMapsEachField(t *testing.T) {
	var out fuse.StatfsOut
	s := (&Mount{tree: volume{}}).StatFs(nil, nil, &out)
	want := fuse.StatfsOut{Blocks: 9, Bfree: 8, Bavail: 7, Files: 6, Ffree: 5, Bsize: 4, NameLen: 255, Frsize: 3}
	check.That(t, s == fuse.OK && out == want, "%v, %+v, want %+v", s, out, want)
}
