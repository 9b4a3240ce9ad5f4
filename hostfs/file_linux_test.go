package hostfs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// The size of a volume is that of stat(1). Less is free, and users have no more free space than root (F-128).
func TestVolumeSizeMatchesStat(t *testing.T) {
	w := newWorld(t)
	text, err := exec.Command("stat", "-f", "-c", "%b %S", w.root).Output()
	if err != nil {
		t.Skipf("stat: %v", err)
	}
	var blocks, size int64
	check.NoError(t, check.Err(fmt.Sscan(string(text), &blocks, &size)))
	th := w.as(bob)
	h := w.open(th, "", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	v, st := th.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
	full, ok := v.(nt.FsFullSizeInformation)
	if w.want(st, ntstatus.Success); !ok || full.TotalAllocationUnits != blocks || full.BytesPerSector != 512 ||
		int64(full.SectorsPerAllocationUnit)*512 != size || full.CallerAvailableAllocationUnits <= 0 ||
		full.CallerAvailableAllocationUnits > full.ActualAvailableAllocationUnits ||
		full.ActualAvailableAllocationUnits >= full.TotalAllocationUnits {
		t.Errorf("full size information: %+v, want %d units of %d bytes, and less free", v, blocks, size)
	}
	w.want(th.NtClose(h), ntstatus.Success)
}

// The caller's free space is that of ordinary users, without root's reserve. A unit is a fragment, or a block where
// the file system reports no fragments, and at least a sector (F-128).
func TestVolumeSizesExcludeReserve(t *testing.T) {
	for sectors, s := range map[uint32]unix.Statfs_t{2: {Frsize: 1024}, 8: {}, 1: {Frsize: 100}} {
		s.Blocks, s.Bfree, s.Bavail, s.Bsize, s.Flags = 1000, 30, 20, 4096, 99_999
		want := nt.FsFullSizeInformation{TotalAllocationUnits: 1000, CallerAvailableAllocationUnits: 20,
			ActualAvailableAllocationUnits: 30, SectorsPerAllocationUnit: sectors, BytesPerSector: 512}
		check.Equal(t, volumeOf(&s), want, "F-128: fragments of %d bytes", s.Frsize)
	}
}

// Each way to change the contents of a file clears the set-uid and set-gid bits, and no other bits (F-125).
func TestContentChangeClearsSpecialBits(t *testing.T) {
	w := newWorld(t)
	th := w.as(alice)
	ways := map[string]func(){
		"write": func() {
			_, st := th.NtWriteFileAt(w.open(th, "s", winnt.FILE_WRITE_DATA, ntstatus.Success), []byte("C"), 0)
			w.want(st, ntstatus.Success)
		},
		"append": func() {
			_, st := th.NtWriteFileAt(w.open(th, "s", winnt.FILE_APPEND_DATA, ntstatus.Success), []byte("C"), 0)
			w.want(st, ntstatus.Success)
		},
		"set the size": func() {
			h := w.open(th, "s", winnt.FILE_WRITE_DATA, ntstatus.Success)
			w.want(th.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 3}), ntstatus.Success)
		},
		"overwrite": func() {
			w.create(th, "s", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOverwrite}, ntstatus.Success)
		},
	}
	for name, change := range ways {
		for _, special := range []os.FileMode{os.ModeSetuid, os.ModeSetgid, os.ModeSetuid | os.ModeSetgid} {
			w.file("s", "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
			w.must(os.Chmod(w.path("s"), 0o755|special|os.ModeSticky))
			change()
			var s unix.Stat_t
			w.must(unix.Stat(w.path("s"), &s))
			check.That(t, s.Mode&0o7777 == 0o1755,
				"%s of a file with %v: mode %o, want %o", name, special, s.Mode&0o7777, 0o1755)
			w.must(os.Remove(w.path("s")))
		}
	}
}

// since1601 returns a time of stat(2) in units of 100 ns since 1601.
func since1601(t unix.Timespec) int64 { return (t.Sec+11_644_473_600)*10_000_000 + t.Nsec/100 }

// statFacts returns the facts of a file by stat(2), independently of the tested code.
func (w *world) statFacts(name string, attributes fileaccess.Attributes) nt.FileFacts {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(w.path(name), &s))
	f := nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: since1601(s.Atim), LastWriteTime: since1601(s.Mtim),
		ChangeTime: since1601(s.Ctim), FileAttributes: attributes}, EndOfFile: s.Size, AllocationSize: s.Blocks * 512,
		Links: uint32(s.Nlink), FileID: s.Ino, Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR}
	if f.Directory { // It has one name and no contents.
		f.EndOfFile, f.AllocationSize, f.Links = 0, 0, 1
	}
	return f
}

// stamp sets distinct times with fractions of a second. The access time is in the future, so that reading does not
// change it (relatime).
func (w *world) stamp(name string) {
	w.Helper()
	w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(name), []unix.Timespec{{Sec: 4_102_444_800, Nsec: 123_456_700},
		{Sec: 946_868_645, Nsec: 765_432_100}}, unix.AT_SYMLINK_NOFOLLOW))
}

// newShapedTree returns a tree with files of each kind: one with a hole and two names, one with attributes, directories
// with and without entries.
func newShapedTree(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.describe("", wide)
	w.file("hole", "x", aliceOnly)
	w.must(os.Truncate(w.path("hole"), 100_000))
	w.must(os.Link(w.path("hole"), w.path("other")))
	w.file("small", "12345", wide)
	w.setHidden(t, "small", false)
	w.dir("empty", narrow)
	w.dir("d", aliceOnly)
	w.dir(`d\e`, aliceOnly)
	w.setHidden(t, "d", true)
	w.file(`d\f`, "", wide)
	for _, name := range []string{"hole", "small", "empty", `d\e`, "d"} {
		w.stamp(name)
	}
	return w
}

// An open returns each fact as the system does: for a file, a hidden file and directories, for Windows, for a mount,
// and as of the open (F-124, F-130).
func TestFileFactsMatchSystem(t *testing.T) {
	w := newShapedTree(t)
	// A directory of tmpfs has no blocks, those of other file systems do.
	check.Equal(t, factsOf(&unix.Statx_t{Mode: unix.S_IFDIR, Blocks: 8}).AllocationSize, 0, "allocation of a directory")
	for name, c := range map[string]struct {
		attributes fileaccess.Attributes
		kept       bool // its creation time is stored in user.DOSATTRIB
		full       bool
		descriptor string
	}{
		"hole":  {fileaccess.AttributeNormal, false, false, aliceOnly},
		"small": {fileaccess.AttributeHidden, true, false, wide},
		"empty": {fileaccess.AttributeDirectory, false, false, narrow},
		`d\e`:   {fileaccess.AttributeDirectory, false, false, aliceOnly},
		"d":     {fileaccess.AttributeDirectory | fileaccess.AttributeHidden, true, true, aliceOnly},
	} {
		f := w.opened(name, fileaccess.Request{}, winnt.FILE_READ_ATTRIBUTES|winnt.DELETE)
		for _, pending := range []bool{false, true, false} {
			w.want(f.SetDelete(pending), ntstatus.Success)
			want := w.statFacts(name, c.attributes)
			want.NotEmpty, want.DeletePending = c.full, pending
			got := check.Result(f.Facts())
			var s unix.Statx_t
			w.must(unix.Statx(unix.AT_FDCWD, w.path(name), 0, unix.STATX_BTIME, &s))
			want.CreationTime = (s.Btime.Sec+11_644_473_600)*10_000_000 + int64(s.Btime.Nsec)/100
			if c.kept {
				want.CreationTime = 0x01dd79c50631be1a
			}
			check.That(t, got == want,
				"F-124: Facts of %s, deletion pending %t:\n%+v, want\n%+v", name, pending, got, want)
		}
		// A mount gets neither attributes nor the creation time, nor whether a directory is empty.
		want := w.statFacts(name, 0)
		for how, ask := range map[string]func() (nt.FileFacts, *sd.Descriptor, ntstatus.Status){"shown": f.Shown,
			"found": f.Found} {
			got, d, st := ask()
			if got != want || formatted(d) != c.descriptor || st != ntstatus.Success {
				t.Errorf("M-20: %s, %s:\n%+v, %s, %v, want\n%+v, %s", name, how, got, formatted(d), st, want,
					c.descriptor)
			}
		}
		// A later change is visible in a query, but not in the facts of the open.
		before := want
		w.must(os.Chmod(w.path(name), 0o751)) //nolint:gosec // the test asks about the change
		w.describe(name, narrow)
		w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(name), []unix.Timespec{{Sec: 1}, {Sec: 2}}, 0))
		if got, d, st := f.Found(); got != before || formatted(d) != c.descriptor || st != ntstatus.Success {
			t.Errorf("Found of %s after a change: %+v, %s, %v; want %+v, %s as at the open", name, got, formatted(d),
				st, before, c.descriptor)
		}
		if got, d, st := f.Shown(); got != w.statFacts(name, 0) || formatted(d) != narrow || st != ntstatus.Success {
			t.Errorf("Shown of %s after a change: %+v, %s, %v; want the new facts and %s", name, got, formatted(d),
				st, narrow)
		}
		if name == "empty" { // another program removes it
			w.must(os.Remove(w.path(name)))
			check.That(t, !check.Result(f.Facts()).NotEmpty, "F-124: a removed directory is not empty, want it empty")
		}
	}
}

// unixTime converts Windows times, also those whose nanoseconds since 1970 exceed 64 bits (F-122).
func TestUnixTimeIsExact(t *testing.T) {
	for _, c := range []struct {
		at   int64
		want unix.Timespec
	}{
		{116444736000000000, unix.Timespec{}}, {116444736000000001, unix.Timespec{Nsec: 100}},
		{125912558456000000, unix.Timespec{Sec: 946_782_245, Nsec: 600_000_000}},
		{1<<63 - 1, unix.Timespec{Sec: 910_692_730_085, Nsec: 477_580_700}},
		{1, unix.Timespec{Sec: -11_644_473_600, Nsec: 100}},
	} {
		check.Equal(t, unixTime(c.at), c.want, "F-122: unixTime(%d)", c.at)
	}
	for at, want := range map[int64]bool{-1: false, 0: false, 1: true} {
		check.Equal(t, given(at), want, "F-122: given(%d)", at)
	}
}

// SetSize fails for a negative size and for a directory, and sets any other size. Extent finds data and holes (F-124).
func TestSetSizeNeedsFileAndSize(t *testing.T) {
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
	for _, st := range []ntstatus.Status{d.Flush(), f.Flush(), d.Sync(), f.Sync()} {
		w.want(st, ntstatus.Success)
	}
	// An append writes at the current end, and returns the new one, which counts what another program appended (F-119).
	other, err := os.OpenFile(w.path("f"), os.O_APPEND|os.O_WRONLY, 0)
	w.must(err)
	defer other.Close()
	for _, c := range []struct {
		text    string
		at, end int64
	}{{"ab", -1, 4}, {"ab", 0, 2}, {"ab", 4, 6}, {"ab", -1, 9}, {"", -1, 10}, {"", 3, 3}} {
		w.must(check.Err(other.WriteString("c")))
		w.want(second(f.Extent(0, false)), ntstatus.Success) // it moves the offset of the file descriptor
		n, end, st := f.WriteAt([]byte(c.text), c.at)
		if w.want(st, ntstatus.Success); n != len(c.text) || end != c.end {
			t.Errorf("WriteAt %d: %d bytes up to %d, want %d up to %d", c.at, n, end, len(c.text), c.end)
		}
	}
	w.holds(map[string]string{"f": "abababcabcc"})
	w.want(third(f.WriteAt([]byte("data"), 1<<20)), ntstatus.Success)
	w.want(f.SetSize(2<<20), ntstatus.Success)
	for _, c := range []struct {
		at   int64
		hole bool
		want int64
	}{{1 << 16, false, 1 << 20}, {1 << 16, true, 1 << 16}, {1 << 20, true, 1<<20 + 4096}, {1<<20 + 4096, false, -1}} {
		at, st := f.Extent(c.at, c.hole)
		check.That(t, st == ntstatus.Success && at == c.want,
			"Extent(%d, %t) = %d, %v, want %d", c.at, c.hole, at, st, c.want)
	}
}

// A read at an offset returns the bytes up to the end of the file.
func TestReadStopsAtEnd(t *testing.T) {
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
			t.Errorf("ReadAt of %d bytes at %d: %q, %v, want %q", c.most, c.at, b[:n], st, c.want)
		}
	}
}

// Both options for synchronous operations give a handle a position (F-119).
func TestSynchronousHandleHasPosition(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	for options, want := range map[fileaccess.CreateOptions]ntstatus.Status{0: ntstatus.InvalidParameter,
		fileaccess.SynchronousIOAlert: ntstatus.Success, fileaccess.SynchronousIONonalert: ntstatus.Success} {
		h := w.create(th, "f", call{desired: winnt.FILE_READ_DATA | winnt.SYNCHRONIZE, disposition: fileaccess.FileOpen,
			options: options}, ntstatus.Success)
		for _, text := range []string{"0123", "4567"} {
			if b, st := th.NtReadFile(h, 4); st != want || st == ntstatus.Success && string(b) != text {
				t.Errorf("F-119: read with the options %#x: %q, %v; want %q, %v", options, b, st, text, want)
			}
		}
		w.want(th.NtClose(h), ntstatus.Success)
	}
}
