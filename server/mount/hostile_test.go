package mount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// swapped makes a tree that is changed below while users look: what bob may read says
// "granted", everything else does not.
func swapped(w *world, outside string) (change []func()) {
	const hers, his = "O:BAG:SYD:P(A;;FA;;;S-1-22-1-61001)", "O:BAG:SYD:P(A;;FR;;;S-1-22-1-61002)"
	for _, dir := range []string{"a", "b", "m", "spare"} {
		w.dir(dir, everybody)
		w.file(dir+"/f", "granted", his)
		w.file(dir+"/g", "secret", hers)
	}
	w.file("secret", "secret", hers)
	w.must(os.Mkdir(outside, 0o755))
	for _, name := range []string{"f", "g"} {
		w.must(os.WriteFile(filepath.Join(outside, name), []byte("outside"), 0o666))
	}
	at := func(name string) string { return filepath.Join(w.root, name) }
	try := func(errs ...error) { _ = errors.Join(errs...) } // the others change the same names
	return []func(){
		func() { try(unix.Renameat2(unix.AT_FDCWD, at("a"), unix.AT_FDCWD, at("b"), unix.RENAME_EXCHANGE)) },
		func() {
			try(os.Symlink(outside+"/f", at("link")), os.Rename(at("link"), at("a/f")),
				os.Symlink(outside, at("spare/x")), os.Rename(at("spare/x"), at("spare/d")))
			w.replace("a/f", "granted", his)
		},
		func() {
			try(os.Link(at("secret"), at("hard")), os.Rename(at("hard"), at("b/f")))
			w.replace("b/f", "granted", his)
			w.replace("b/g", "secret", hers)
		},
		func() {
			try(unix.Mount(outside, at("m"), "", unix.MS_BIND, ""))
			try(unix.Unmount(at("m"), unix.MNT_DETACH))
		},
	}
}

// replace puts a new file with a descriptor in the place of another one.
func (w *world) replace(name, contents, text string) {
	temp := name + ".new"
	if os.WriteFile(filepath.Join(w.root, temp), []byte(contents), 0o600) == nil &&
		unix.Setxattr(filepath.Join(w.root, temp), ntACL, attribute(text), 0) == nil {
		_ = os.Rename(filepath.Join(w.root, temp), filepath.Join(w.root, name)) // the directory may have moved
	}
}

// looks opens and reads a name as a user, as the kernel would.
func (w *world) looks(uid uint32, path string) (string, fuse.Status) {
	id := uint64(rootID)
	for part := range strings.SplitSeq(path, "/") {
		var out fuse.EntryOut
		h := header(uid, id)
		if s := w.m.Lookup(nil, &h, part, &out); s != fuse.OK {
			return "", s
		}
		id = out.NodeId
	}
	var out fuse.OpenOut
	if s := w.m.Open(nil, &fuse.OpenIn{InHeader: header(uid, id)}, &out); s != fuse.OK {
		return "", s
	}
	defer w.m.Release(nil, &fuse.ReleaseIn{Fh: out.Fh})
	buf := make([]byte, 64)
	r, s := w.m.Read(nil, &fuse.ReadIn{Fh: out.Fh, Size: 64}, buf)
	if s != fuse.OK {
		return "", s
	}
	b, s := r.Bytes(buf)
	return string(b), s
}

// TestChangedBelow: however names, links and mounts change below, no user is shown
// what is outside the tree or what no descriptor gave (M-1, M-11).
func TestChangedBelow(t *testing.T) {
	w := newWorld(t)
	outside := filepath.Join(filepath.Dir(w.root), "outside")
	changes := swapped(w, outside)
	long := 700 * time.Millisecond
	if os.Getenv("REFMON_SOAK") != "" {
		long = time.Minute
	}
	var over atomic.Bool
	var work sync.WaitGroup
	for _, change := range changes {
		work.Go(func() {
			for !over.Load() {
				change()
			}
		})
	}
	var seen, denied atomic.Int64
	for range 2 {
		work.Go(func() {
			for !over.Load() {
				for _, name := range []string{"a/f", "b/f", "a/g", "b/g", "m/f", "m/g", "spare/f", "spare/d/f"} {
					switch text, s := w.looks(bob, name); {
					case s != fuse.OK:
						denied.Add(1)
					case text != "granted" && text != "": // empty while it is made anew
						t.Errorf("M-1: bob reads %q in %s", text, name)
					default:
						seen.Add(1)
					}
				}
			}
		})
	}
	end := time.Now().Add(long)
	for time.Now().Before(end) || seen.Load() == 0 && time.Now().Before(end.Add(20*time.Second)) {
		const reads = "for i in 1 2 3 4 5; do cat a/f b/f a/g b/g m/f m/g spare/d/f; echo; done 2>/dev/null"
		got, _ := w.run(bob, "sh", "-c", reads)
		if strings.Contains(got, "secret") || strings.Contains(got, "outside") {
			t.Errorf("M-1: bob's programs read %q", got)
		}
	}
	over.Store(true)
	work.Wait()
	for unix.Unmount(filepath.Join(w.root, "m"), unix.MNT_DETACH) == nil {
	}
	t.Logf("%d reads, %d refusals", seen.Load(), denied.Load())
	if seen.Load() == 0 || denied.Load() == 0 {
		t.Errorf("%d reads, %d refusals: nothing was tried", seen.Load(), denied.Load())
	}
}

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
