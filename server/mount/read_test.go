package mount

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// opensFor opens a file for a user, like the host's kernel, and returns the request that reads it.
func (w *world) opensFor(uid uint32, path string, flags uint32) *fuse.ReadIn {
	w.Helper()
	in := fuse.OpenIn{InHeader: header(uid, w.known(uid, path)), Flags: flags}
	var out fuse.OpenOut
	if s := w.m.Open(nil, &in, &out); s != fuse.OK {
		w.Fatalf("open : %v %v %v, want %v", path, ": ", s, fuse.OK)
	}
	return &fuse.ReadIn{InHeader: in.InHeader, Fh: out.Fh}
}

// M-4: a read fills the buffer of its request up to the end of the file, and allocates nothing.
func TestReadFillsTheRequestsBuffer(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	in := w.opensFor(bob, "f", syscall.O_RDONLY)
	buf := make([]byte, 8)
	for _, c := range []struct {
		at   uint64
		want string
	}{{0, "01234567"}, {2, "23456789"}, {7, "789"}, {10, ""}, {100, ""}} {
		in.Offset = c.at
		r, s := w.m.Read(nil, in, buf)
		check.Require(t, s, fuse.OK, "read at : %v %v", c.at, ": ")
		b, s := r.Bytes(buf)
		if s != fuse.OK || string(b) != c.want || r.Size() != len(c.want) || len(b) > 0 && &b[0] != &buf[0] {
			t.Errorf("read at %d: %q of %d bytes, %v; want %q in the buffer of the request",
				c.at, b, r.Size(), s, c.want)
		}
		r.Done()
	}
	in.Offset = 0
	if n := testing.AllocsPerRun(100, func() {
		r, s := w.m.Read(nil, in, buf)
		if s != fuse.OK {
			t.Fatal(s)
		}
		r.Done()
	}); n != 0 {
		t.Errorf("a read makes %v allocations, want 0", n)
	}
	if _, s := w.m.Read(nil, &fuse.ReadIn{Fh: in.Fh + 1}, buf); s != fuse.EBADF {
		t.Errorf("a handle that is not open: %v, want %v", s, fuse.EBADF)
	}
	writes := w.opensFor(bob, "f", syscall.O_WRONLY)
	copy(buf, bytes.Repeat([]byte("x"), len(buf)))
	if _, s := w.m.Read(nil, writes, buf); s != fuse.EACCES || string(buf) != "xxxxxxxx" {
		t.Errorf("a handle that may write only: %v, buffer %q, want %v and the buffer unchanged", s, buf, fuse.EACCES)
	}
}

// TestSeekFindsHoles checks that SEEK_DATA and SEEK_HOLE return the same on the mount as on the backing file, for
// each readable handle (M-60).
func TestSeekFindsHoles(t *testing.T) {
	for _, plain := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = plain })
		w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
		w.file("empty", "", "O:BAG:SYD:P(A;;FA;;;WD)")
		below := check.Must(os.OpenFile(filepath.Join(w.root, "f"), os.O_RDWR, 0))
		for _, at := range []int64{1 << 20, 5 << 20} {
			w.must(check.Err(below.WriteAt([]byte("data"), at)))
		}
		w.must(below.Truncate(8 << 20))
		through := check.Must(os.Open(filepath.Join(w.at, "f")))
		for _, whence := range []int{unix.SEEK_DATA, unix.SEEK_HOLE, 99} {
			for _, at := range []int64{-1, 0, 1, 1 << 20, 1<<20 + 8192, 5<<20 + 1, 5<<20 + 8192, 8<<20 - 1, 8 << 20, 9 << 20} {
				want, wantErr := unix.Seek(int(below.Fd()), at, whence)
				if got, err := unix.Seek(int(through.Fd()), at, whence); got != want || err != wantErr {
					t.Errorf("M-60: whence %d, from %d: %d, %v; below it is %d, %v, want %d, %v", whence, at, got,
						err, want, wantErr, want, wantErr)
				}
			}
		}
		w.must(through.Close())
		w.must(below.Close())
		seek := func(uid uint32, name string, flags, whence uint32) (fuse.Status, uint64) {
			in := w.opensFor(uid, name, flags)
			defer w.m.Release(nil, &fuse.ReleaseIn{InHeader: in.InHeader, Fh: in.Fh})
			var out fuse.LseekOut
			s := w.m.Lseek(nil, &fuse.LseekIn{InHeader: in.InHeader, Fh: in.Fh, Whence: whence}, &out)
			return s, out.Offset
		}
		if s, at := seek(bob, "f", syscall.O_RDWR, unix.SEEK_DATA); s != fuse.OK || at != 1<<20 {
			t.Errorf("M-60: a handle for reading and writing: %v, %d, want %v, %d", s, at, fuse.OK, 1<<20)
		}
		if s, at := seek(bob, "f", syscall.O_WRONLY, unix.SEEK_DATA); s != fuse.EACCES || at != 0 {
			t.Errorf("M-60: a handle for writing: %v, %d, want %v, 0", s, at, fuse.EACCES)
		}
		if s, _ := seek(bob, "empty", syscall.O_RDONLY, unix.SEEK_HOLE); s != fuse.Status(syscall.ENXIO) {
			t.Errorf("M-60: an empty file: %v, want %v", s, fuse.Status(syscall.ENXIO))
		}
		if s, _ := seek(bob, "f", syscall.O_RDONLY, unix.SEEK_CUR); s != fuse.EINVAL {
			t.Errorf("M-60: another whence: %v, want %v", s, fuse.EINVAL)
		}
		check.Equal(t, w.m.Lseek(nil, &fuse.LseekIn{Fh: 1 << 40}, &fuse.LseekOut{}), fuse.EBADF,
			"M-60: an unknown handle")
	}
}
