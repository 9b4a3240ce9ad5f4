package hostfs

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestSpaceOfAFile: space is reserved and given up as fallocate(2) says it: in its mode, at its place, for its length;
// contents change by it, so that bits go and the file is to be archived (F-125, F-173).
func TestSpaceOfAFile(t *testing.T) {
	w, _ := keeper(t)
	w.file("f", "0123456789", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA|winnt.FILE_READ_DATA)
	w.must(os.Chmod(w.path("f"), 0o755|os.ModeSetuid)) //nolint:gosec // the test asks about this bit
	for _, c := range []struct {
		mode       uint32
		at, length int64
		want       string
		st         ntstatus.Status
	}{
		{unix.FALLOC_FL_KEEP_SIZE, 2, 1 << 14, "0123456789", 0},
		{unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE, 2, 3, "01\x00\x00\x0056789", 0},
		{0, 3, 9, "01\x00\x00\x0056789\x00\x00", 0}, {0, 0, 0, "01\x00\x00\x0056789\x00\x00", ntstatus.InvalidParameter},
		{0, -1, 5, "01\x00\x00\x0056789\x00\x00", ntstatus.InvalidParameter},
	} {
		st := f.Allocate(c.mode, c.at, c.length)
		if st == ntstatus.NotSupported {
			t.Skip("the file system reserves nothing")
		}
		w.want(st, c.st)
		w.holds(map[string]string{"f": c.want})
	}
	var s unix.Stat_t
	if w.must(unix.Stat(w.path("f"), &s)); s.Mode&0o7777 != 0o755 || s.Blocks*512 < 1<<14 {
		t.Errorf("F-125: mode %o, %d blocks", s.Mode, s.Blocks)
	}
	if value, _ := w.kept("f"); value != keptArchive {
		t.Errorf("F-173: kept as %q", value)
	}
}

// TestSizes: a size that is negative, or a directory's, is refused; each other becomes the file's (F-124).
func TestSizes(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123", wide)
	w.dir("d", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	for _, size := range []int64{-1, 0, 1} {
		w.want(d.SetSize(size), ntstatus.InvalidParameter)
	}
	w.want(f.SetSize(-1), ntstatus.InvalidParameter)
	w.holds(map[string]string{"f": "0123"})
	for _, want := range []string{"012", "012\x00", "", "\x00"} {
		w.want(f.SetSize(int64(len(want))), ntstatus.Success)
		w.holds(map[string]string{"f": want})
	}
	w.want(d.Flush(), ntstatus.Success)
	w.want(f.Flush(), ntstatus.Success)
	// At the end is at the end of the moment, wherever that is.
	for _, at := range []int64{-1, 0, 4, -1} {
		n, st := f.WriteAt([]byte("ab"), at)
		if w.want(st, ntstatus.Success); n != 2 {
			t.Errorf("%d bytes are written", n)
		}
	}
	w.holds(map[string]string{"f": "abb\x00abab"})
}

// TestRoomForAFile: there is room before anything changes: the length stays meanwhile, and where it is lacking all
// stays as it was (G-34); a file that is filled is to be archived and loses its special bits (F-125, F-173).
func TestRoomForAFile(t *testing.T) {
	w, _ := keeper(t)
	w.file("to", "0123", wide)
	w.file("from", "new contents", wide)
	to := w.opened("to", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	from := w.opened("from", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		size   int64
		ok     bool
		blocks int64 // at least
	}{{0, true, 0}, {3, true, 0}, {4, true, 0}, {1 << 16, true, 1 << 7}, {1 << 62, false, 0}, {-1, true, 0}} {
		err := to.makeRoom(c.size)
		var s unix.Stat_t
		w.must(unix.Stat(w.path("to"), &s))
		if (err == nil) != c.ok || s.Size != 4 || s.Blocks < c.blocks {
			t.Errorf("G-34: room for %d: %v, %d bytes in %d blocks", c.size, err, s.Size, s.Blocks)
		}
	}
	w.holds(map[string]string{"to": "0123"})
	w.must(os.Chmod(w.path("to"), 0o755|os.ModeSetgid)) //nolint:gosec // the test asks about this bit
	w.want(to.Refill(from), ntstatus.Success)
	w.holds(map[string]string{"to": "new contents", "from": "new contents"})
	var s unix.Stat_t
	if w.must(unix.Stat(w.path("to"), &s)); s.Mode&0o7777 != 0o755 {
		t.Errorf("F-125: mode %o", s.Mode)
	}
	if value, _ := w.kept("to"); value != keptArchive {
		t.Errorf("F-173: kept as %q", value)
	}
	if value, _ := w.kept("from"); value != "" {
		t.Errorf("F-173: the other is kept as %q", value)
	}
	// What is only read is not to be archived, what may be written from now on is.
	w.file("lent", "", wide)
	lent := w.opened("lent", fileaccess.Request{}, winnt.FILE_WRITE_DATA|winnt.FILE_READ_DATA)
	for i, want := range []string{"", keptArchive} {
		_, st := lent.Backing(i == 1)
		w.want(st, ntstatus.Success)
		if value, _ := w.kept("lent"); value != want {
			t.Errorf("F-173: to be written %t: kept as %q", i == 1, value)
		}
	}
}

// TestLocksOfWhatIsRead: where a file cannot be opened to be written, as while another program has a lease on it, it
// is locked for reading alone.
func TestLocksOfWhatIsRead(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	lease, err := os.Open(w.path("f"))
	w.must(err)
	defer func() { w.must(lease.Close()) }()
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	fd, st := f.Locking()
	w.want(st, ntstatus.Success)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("locks by %d, flags %#o, %v", fd, flags, err)
	}
	w.must(unix.Close(fd))
}

// TestModesOfWhatIsMade: what is made has the permissions of the configuration, whatever the mask of this program;
// a file without a name has them, too, and the attributes that were asked for (F-172, F-197).
func TestModesOfWhatIsMade(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.FileMode, c.DirectoryMode = 0o666, 0o777 })
	w.hide(t, "", true)
	for name, c := range map[string]struct {
		options  fileaccess.CreateOptions
		nameless bool
		mode     uint16
		want     fileaccess.Attributes
	}{
		"f":    {0, false, unix.S_IFREG | 0o666, fileaccess.AttributeHidden | fileaccess.AttributeArchive},
		"d":    {fileaccess.DirectoryFile, false, unix.S_IFDIR | 0o777, fileaccess.AttributeHidden},
		"none": {0, true, unix.S_IFREG | 0o666, fileaccess.AttributeHidden | fileaccess.AttributeArchive},
	} {
		r := &fileaccess.Request{Name: name, Subject: w.subject(bob), Options: c.options, Disposition: fileaccess.FileCreate,
			Attributes: fileaccess.AttributeHidden, Share: 7}
		p, st := w.tree.Find(r, nil)
		w.want(st, ntstatus.Success)
		if c.nameless {
			w.want(p.(*place).MakesNameless(), ntstatus.Success)
		}
		d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
			Action: fileaccess.Created, NewSD: sddl.MustParse(hers)}
		made, _, st := p.Open(r, &d)
		p.Release()
		w.want(st, ntstatus.Success)
		f := made.(*file)
		s, err := f.stat()
		w.must(err)
		got := dosOf(placeOf(f.fd))
		if s.Mode != c.mode || got.attributes != c.want || !got.there || got.created != fileTime(s.Btime) {
			t.Errorf("F-172: %s: mode %o, kept %+v", name, s.Mode, got)
		}
		desc, st := f.Descriptor()
		if w.want(st, ntstatus.Success); formatted(desc) != hers {
			t.Errorf("F-121: %s has %s", name, formatted(desc))
		}
		wantName := name
		if c.nameless {
			wantName = ""
		}
		if l := f.linkNow(); l.name != wantName || l.path != wantName || f.nameless != c.nameless ||
			f.directory != (c.options != 0) || f.Directory() != f.directory {
			t.Errorf("F-197: %s is open by %+v, nameless %t", name, l, f.nameless)
		}
		w.exists(name, !c.nameless)
		f.Close()
		w.exists(name, !c.nameless)
	}
	if c := defaulted(t); c.FileMode != 0o600 || c.DirectoryMode != 0o700 || c.Opens != 16384 || c.Descriptors != 4096 {
		t.Errorf("F-123: by default %+v", c)
	}
}

// defaulted returns the configuration of a tree for which nothing was said.
func defaulted(t *testing.T) Config {
	t.Helper()
	tree, err := Open(Config{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}()
	return tree.cfg
}

// TestReadsAtTheEnd: a read tells what there is, from where it was asked, and nothing beyond the end.
func TestReadsAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		at   int64
		most int
		want string
	}{{0, 20, "0123456789"}, {3, 20, "3456789"}, {3, 4, "3456"}, {9, 1, "9"}, {10, 1, ""}, {11, 5, ""}, {0, 0, ""}} {
		b := bytes.Repeat([]byte("-"), c.most)
		n, st := f.ReadAt(b, c.at)
		if st != ntstatus.Success || string(b[:n]) != c.want || bytes.Count(b[n:], []byte("-")) != c.most-n {
			t.Errorf("%d from %d: %q, %v, want %q", c.most, c.at, b[:n], st, c.want)
		}
	}
}
