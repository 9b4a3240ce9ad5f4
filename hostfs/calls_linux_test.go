package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// No name leads out of its directory, along a link, into a mount or past a zero byte, neither alone nor as the end of
// a path. The descriptor is opened with O_PATH and O_CLOEXEC (F-112).
func TestNamesStayInDirectory(t *testing.T) {
	root := t.TempDir()
	for _, err := range []error{os.MkdirAll(filepath.Join(root, "d", "e"), 0o700),
		os.WriteFile(filepath.Join(root, "d", "f"), nil, 0o600), os.WriteFile(filepath.Join(root, "out"), nil, 0o600),
		os.Symlink("f", filepath.Join(root, "d", "l")), os.Symlink("e", filepath.Join(root, "d", "le")),
		os.Symlink("/", filepath.Join(root, "d", "la"))} {
		check.NoError(t, err)
	}
	in := func(dir string) int {
		fd := check.Must(unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0))
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	d, top, proc := in(filepath.Join(root, "d")), in("/"), in("/proc")
	for _, c := range []struct {
		dir  int
		path string
		want []error // the accepted errors; nil: success
	}{
		{d, "f", nil}, {d, ".", nil}, {d, "e", nil}, {d, `e\..\f`, nil}, {d, `e/..\f`, nil},
		{d, "..", []error{unix.EXDEV}}, {d, `..\out`, []error{unix.EXDEV}}, {d, `e\..\..\out`, []error{unix.EXDEV}},
		{d, "/", []error{unix.EXDEV}}, {d, filepath.Join(root, "d", "f"), []error{unix.EXDEV}},
		{d, "l", nil}, // the link itself
		{d, `le\x`, []error{unix.ELOOP}}, {d, `la\etc`, []error{unix.ELOOP, unix.EXDEV}},
		{top, `proc\version`, []error{unix.EXDEV}}, {proc, `self\fd\0`, []error{unix.ELOOP, unix.EXDEV}},
		{d, "none", []error{unix.ENOENT}}, {d, `f\x`, []error{unix.ENOTDIR}}, {d, "", []error{unix.ENOENT}},
		{d, "f\x00", []error{unix.EINVAL}}, {d, "f\x00/..", []error{unix.EINVAL}},
		{d, strings.Repeat("x", 255), []error{unix.ENOENT}}, {d, strings.Repeat("x", 256), []error{unix.ENAMETOOLONG}},
		{d, strings.Repeat("./", 127) + "f", nil}, {d, strings.Repeat("./", 128) + "f", nil},
		{d, strings.Repeat(`.\`, 1000) + "f", nil},
	} {
		fd, err := below(c.dir, c.path, 0)
		if c.want == nil && err == nil {
			status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			if own, err2 := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || err2 != nil ||
				status&unix.O_PATH == 0 || own != unix.FD_CLOEXEC {
				t.Errorf("F-112: below(%.40q): status flags %#o, descriptor flags %#o; want O_PATH and FD_CLOEXEC",
					c.path, status, own)
			}
			_ = unix.Close(fd)
			continue
		}
		known := false
		for _, want := range c.want {
			known = known || errors.Is(err, want)
		}
		check.That(t, known && fd == -1, "F-112: below(%.40q) = %d, %v, want -1 and one of %v", c.path, fd, err, c.want)
	}
	if fd, err := resolve(d, "l", unix.O_RDONLY); !errors.Is(err, unix.ELOOP) {
		t.Errorf("F-112: resolve of a link to read it = %d, %v, want -1, %v", fd, err, unix.ELOOP)
	}
	lease := check.Must(os.Open(filepath.Join(root, "d", "f")))
	defer func() { check.NoError(t, lease.Close()) }()
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err == nil {
		fd, err := resolve(d, "f", unix.O_WRONLY|unix.O_NONBLOCK)
		check.That(t, fd == -1 && errors.Is(err, unix.EAGAIN), "resolve of a leased file = %d, %v, want -1, %v", fd,
			err, unix.EAGAIN)
		check.NoError(t, check.Err(unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_UNLCK)))
	}
	fd := check.Must(resolve(d, "f", unix.O_RDONLY))
	again := check.Must(openAgain(fd, unix.O_RDONLY))
	copied := check.Must((&Tree{}).duplicate(fd))
	for what, fd := range map[string]int{"resolve to read": fd, "openAgain": again, "duplicate": copied} {
		own, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		check.That(t, err == nil && own == unix.FD_CLOEXEC, "%s: descriptor flags %#o, %v; want %#o, no error", what, own,
			err, unix.FD_CLOEXEC)
		check.NoError(t, unix.Close(fd))
	}
}

// parentOf splits a path into directory and name.
func TestParentOfSplitsPath(t *testing.T) {
	for _, c := range [][3]string{{"f", "", "f"}, {`\f`, "", "f"}, {`d\f`, "d", "f"}, {`d\e\f`, `d\e`,
		"f"}, {`d\`, "d", ""},
		{"", "", ""}} {
		if dir, last := parentOf(c[0]); dir != c[1] || last != c[2] {
			t.Errorf("parentOf(%q) = %q, %q, want %q, %q", c[0], dir, last, c[1], c[2])
		}
	}
}

// A path that was removed, or that contains a file or a link in place of a directory, opens nothing and is not an
// error.
func TestResolveMissingPathOpensNothing(t *testing.T) {
	w := newWorld(t)
	if who, err := w.tree.reached(shown{path: os.TempDir()}, nil); who == "" || err != nil {
		t.Skipf("the folder of temporary files is closed to others: %q, %v", who, err)
	}
	// The directory for temporary files is not changed, because other users need it.
	for _, name := range []string{w.root, filepath.Dir(w.root)} {
		w.must(os.Chmod(name, 0o755)) //nolint:gosec // the test checks who can reach it
	}
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Chmod(w.path("d"), 0o755)) //nolint:gosec // likewise
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Chmod(w.path("f"), 0o755)) //nolint:gosec // likewise
	w.must(os.Symlink(w.path("d"), w.path("l")))
	if who, err := w.tree.reached(shown{path: w.path("d")}, nil); who == "" || err != nil {
		t.Errorf("reached of a directory open to everybody = %q, %v, want a description, no error", who, err)
	}
	for _, name := range []string{"gone", `gone\below`, `f\below`, `l\below`, `d\gone`} {
		if who, err := w.tree.reached(shown{path: w.path(name)}, nil); who != "" || err != nil {
			t.Errorf(`reached(%s) = %q, %v, want "", no error`, name, who, err)
		}
	}
}

// contents opens a file of the tree and returns the tree's value of it.
func (w *world) contents(name string) *file {
	w.Helper()
	th := w.as(alice)
	h := w.create(th, name, call{desired: winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen,
		options: fileaccess.OpenReparsePoint}, ntstatus.Success)
	f, _, done, st := w.sys.TreeFile(th, h)
	w.want(st, ntstatus.Success)
	w.Cleanup(done)
	return f.(*file)
}

// Refill takes only a file, from another file. Only files have descriptors for the host's kernel and for locks. A
// rejected call changes nothing (G-33).
func TestRefillTakesOnlyFiles(t *testing.T) {
	linksHere(t)
	w := newWorld(t)
	const all = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.file("f", "contents", all)
	w.file("g", "others", all)
	w.dir("d", all)
	w.link("l", "f", all)
	w.must(os.Link(w.path("f"), w.path("same")))
	f, g, d, l, same := w.contents("f"), w.contents("g"), w.contents("d"), w.contents("l"), w.contents("same")
	for what, st := range map[string]ntstatus.Status{"from a directory": f.Refill(d), "of a directory": d.Refill(f),
		"from a link": f.Refill(l), "of a link": l.Refill(f), "of itself": f.Refill(f), "of another name": f.Refill(same)} {
		check.Equal(t, st, ntstatus.InvalidParameter, "G-33: Refill %s", what)
	}
	for name, of := range map[string]*file{"d": d, "l": l} {
		for _, write := range []bool{false, true} {
			if fd, st := of.Backing(write); fd != -1 || st != ntstatus.InvalidParameter {
				t.Errorf("Backing of %s = %d, %v, want %d, %v", name, fd, st, -1, ntstatus.InvalidParameter)
			}
		}
		if at, st := of.Extent(0, false); at != -1 || st != ntstatus.InvalidParameter {
			t.Errorf("Extent of %s = %d, %v, want %d, %v", name, at, st, -1, ntstatus.InvalidParameter)
		}
		if fd, st := of.Locking(); fd != -1 || st != ntstatus.InvalidParameter {
			t.Errorf("Locking of %s = %d, %v, want %d, %v", name, fd, st, -1, ntstatus.InvalidParameter)
		}
	}
	w.holds(map[string]string{"f": "contents"})
	// A file opened for writing loses both bits; one opened for reading keeps them (F-125).
	w.must(os.Chmod(w.path("g"), 0o755|os.ModeSetuid|os.ModeSetgid)) //nolint:gosec // the test asks about these bits
	for _, c := range []struct {
		write bool
		mode  os.FileMode
	}{{false, 0o755 | os.ModeSetuid | os.ModeSetgid}, {true, 0o755}} {
		fd, st := g.Backing(c.write)
		info := check.Must(os.Stat(w.path("g")))
		if fd != g.fd || st != ntstatus.Success || info.Mode() != c.mode {
			t.Errorf("F-125: Backing for writing %t = %d, %v, then mode %v; want %d, %v, %v", c.write, fd, st,
				info.Mode(), g.fd, ntstatus.Success, c.mode)
		}
	}
	fd := check.Result(g.Locking())
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	check.That(t, err == nil && fd != g.fd && flags&unix.O_ACCMODE == unix.O_RDWR && flags&unix.O_NONBLOCK != 0,
		"Locking = %d, status flags %#o, %v; want a new descriptor with O_RDWR and O_NONBLOCK", fd, flags, err)
	w.must(unix.Close(fd))
}

// A tree detects a read-only medium, so that writes get a status of their own (F-26).
func TestReadOnlyVolumeIsDetected(t *testing.T) {
	root := t.TempDir()
	attribute := attributeHere(t)
	check.NoError(t, os.WriteFile(filepath.Join(root, "f"), []byte("contents"), 0o600))
	w := &world{TB: t, root: root}
	for _, name := range []string{"", "f"} {
		w.must(unix.Setxattr(w.path(name), attribute, w.accepted("O:BAG:SYD:P(A;OICI;FA;;;WD)"), 0))
	}
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		t.Skip("cannot mount here: ", err)
	}
	defer func() { w.must(unix.Unmount(root, unix.MNT_DETACH)) }()
	if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip("cannot mount read-only here: ", err)
	}
	tree := check.Must(Open(Config{Path: root, Attribute: attribute}))
	defer func() { w.must(tree.Close()) }()
	check.That(t, tree.readOnly, "F-26: a tree on a read-only mount: readOnly is false, want true")
}

// Lookups by name and by descriptor return all fields of the host's kernel, and the time of birth if there is one. A
// lookup by name returns a link itself.
func TestStatReturnsEveryField(t *testing.T) {
	w := newWorld(t)
	w.file("f", "12345", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Symlink("f", w.path("l")))
	for _, name := range []string{"f", "l", "."} {
		var want unix.Statx_t
		w.must(unix.Statx(w.tree.root, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &want))
		got, err := statAt(w.tree.root, name, 0)
		check.That(t, err == nil && got == want, "statAt(%s) = %+v, %v, want %+v", name, got, err, want)
		fd := check.Must(below(w.tree.root, name, 0))
		if got, err = stat(fd); err != nil || got != want {
			t.Errorf("stat of an open %s = %+v, %v, want %+v", name, got, err, want)
		}
		shut(fd)
	}
	if _, err := statAt(w.tree.root, "none", 0); !errors.Is(err, unix.ENOENT) {
		t.Errorf("statAt of a missing name: %v, want %v", err, unix.ENOENT)
	}
	if _, err := stat(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("stat(-1): %v, want %v", err, unix.EBADF)
	}
}
