package mount

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// TestOdd: names and attributes of any size, and files of other kinds, are refused with
// an error that names the fault (M-9, M-21).
func TestOdd(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.must(unix.Mkfifo(filepath.Join(w.root, "d/pipe"), 0o666))
	w.must(os.Symlink("/etc/passwd", filepath.Join(w.root, "d/link")))
	w.must(unix.Mknod(filepath.Join(w.root, "d/null"), syscall.S_IFCHR|0o666, 1<<8|3))
	w.sees(alice, "", "ls", "d")
	for _, name := range []string{"d/pipe", "d/link", "d/null"} {
		w.refused(alice, "Permission denied", "cat", name)
		w.refused(alice, "Permission denied", "rm", "-f", name)
	}
	long := strings.Repeat("x", 1<<16)
	var out fuse.EntryOut
	for name, want := range map[string]syscall.Errno{long: syscall.ENAMETOOLONG, "\xff": syscall.EINVAL,
		`a\b`: syscall.EINVAL, "a:b": syscall.EINVAL, "a*": syscall.EINVAL, ".refmon-x": syscall.EINVAL} {
		in := &fuse.MkdirIn{InHeader: header(alice, w.known(alice, "d"))}
		if s := w.m.Mkdir(nil, in, name, &out); s != fuse.Status(want) {
			t.Errorf("M-9: %.20q: %v, want %v", name, s, want)
		}
	}
	w.file("d/f", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	for _, value := range [][]byte{nil, []byte("x"), make([]byte, 1<<16), []byte(long)} {
		in := &fuse.SetXAttrIn{InHeader: header(alice, w.known(alice, "d/f"))}
		if s := w.m.SetXAttr(nil, in, ntfsACL, value); s != fuse.EINVAL {
			t.Errorf("M-16: %d bytes for a descriptor: %v", len(value), s)
		}
	}
	for _, fh := range []uint64{0, 1 << 40} {
		if _, s := w.m.Read(nil, &fuse.ReadIn{Fh: fh}, make([]byte, 1)); s != fuse.EBADF {
			t.Errorf("M-4: handle %d: %v", fh, s)
		}
	}
}

// TestManyUsers: what is kept of users is bounded (M-2).
func TestManyUsers(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FR;;;WD)")
	var out fuse.EntryOut
	for i := range uint32(maxAccounts + 50) {
		h := header(100000+i, rootID)
		if s := w.m.Lookup(nil, &h, "f", &out); s != fuse.OK {
			t.Fatalf("M-2: user %d: %v", i, s)
		}
	}
	w.m.accounts.mu.Lock()
	n := len(w.m.accounts.known)
	w.m.accounts.mu.Unlock()
	if n > maxAccounts {
		t.Errorf("M-2: %d accounts are kept, want at most %d", n, maxAccounts)
	}
}
