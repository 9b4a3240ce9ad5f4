package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// since1601 is a time of stat(2) in units of 100 ns since 1601.
func since1601(t unix.Timespec) int64 { return (t.Sec+11_644_473_600)*10_000_000 + t.Nsec/100 }

// told are the facts of a file by stat(2), which asks the system by itself.
func (w *world) told(name string, attributes fileaccess.Attributes) nt.FileFacts {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(w.path(name), &s))
	f := nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: since1601(s.Atim), LastWriteTime: since1601(s.Mtim),
		ChangeTime: since1601(s.Ctim), FileAttributes: attributes}, EndOfFile: s.Size, AllocationSize: s.Blocks * 512,
		Links: uint32(s.Nlink), FileID: s.Ino, Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR}
	if f.Directory { // it has one name and no contents
		f.EndOfFile, f.AllocationSize, f.Links = 0, 0, 1
	}
	return f
}

// stamp gives a file times of its own: no two are alike, and each has a part of a second. That of access is in the
// future, so that reading does not change it (relatime).
func (w *world) stamp(name string) {
	w.Helper()
	w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(name), []unix.Timespec{{Sec: 4_102_444_800, Nsec: 123_456_700},
		{Sec: 946_868_645, Nsec: 765_432_100}}, unix.AT_SYMLINK_NOFOLLOW))
}

// shaped is a tree with files of each shape: one with a hole and two names, one with attributes, directories with and
// without entries.
func shaped(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.describe("", wide)
	w.file("hole", "x", hers)
	w.must(os.Truncate(w.path("hole"), 100_000))
	w.must(os.Link(w.path("hole"), w.path("other")))
	w.file("small", "12345", wide)
	w.hide(t, "small", false)
	w.dir("empty", narrow)
	w.dir("d", hers)
	w.dir(`d\e`, hers)
	w.hide(t, "d", true)
	w.file(`d\f`, "", wide)
	for _, name := range []string{"hole", "small", "empty", `d\e`, "d"} {
		w.stamp(name)
	}
	return w
}

// TestFactsOfAFile: an open tells of its file as the system does, each fact by itself: of a file, of one that is
// hidden, of directories, for Windows, for a mount, and as it was when it was opened (F-124, F-130).
func TestFactsOfAFile(t *testing.T) {
	w := shaped(t)
	for name, c := range map[string]struct {
		attributes fileaccess.Attributes
		kept       bool // it has a time of creation of its own
		full       bool
		descriptor string
	}{
		"hole": {fileaccess.AttributeNormal, false, false, hers}, "small": {fileaccess.AttributeHidden, true, false, wide},
		"empty": {fileaccess.AttributeDirectory, false, false, narrow},
		`d\e`:   {fileaccess.AttributeDirectory, false, false, hers},
		"d":     {fileaccess.AttributeDirectory | fileaccess.AttributeHidden, true, true, hers},
	} {
		f := w.opened(name, fileaccess.Request{}, winnt.FILE_READ_ATTRIBUTES|winnt.DELETE)
		for _, pending := range []bool{false, true, false} {
			w.want(f.SetDelete(pending), ntstatus.Success)
			want := w.told(name, c.attributes)
			want.NotEmpty, want.DeletePending = c.full, pending
			got, st := f.Facts()
			w.want(st, ntstatus.Success)
			var s unix.Statx_t
			w.must(unix.Statx(unix.AT_FDCWD, w.path(name), 0, unix.STATX_BTIME, &s))
			want.CreationTime = (s.Btime.Sec+11_644_473_600)*10_000_000 + int64(s.Btime.Nsec)/100
			if c.kept {
				want.CreationTime = 0x01dd79c50631be1a
			}
			if got != want {
				t.Errorf("F-124: %s, pending %t:\n%+v, want\n%+v", name, pending, got, want)
			}
		}
		// A mount is told neither attributes nor the time of creation, nor what is in a directory.
		want := w.told(name, 0)
		for how, ask := range map[string]func() (nt.FileFacts, *sd.Descriptor, ntstatus.Status){"shown": f.Shown,
			"found": f.Found} {
			got, d, st := ask()
			if got != want || formatted(d) != c.descriptor || st != ntstatus.Success {
				t.Errorf("M-20: %s %s:\n%+v, %s, %v, want\n%+v, %s", name, how, got, formatted(d), st, want, c.descriptor)
			}
		}
		// A change shows in a look, and not in what was found.
		before := want
		w.must(os.Chmod(w.path(name), 0o751)) //nolint:gosec // the test asks about the change
		w.describe(name, narrow)
		w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(name), []unix.Timespec{{Sec: 1}, {Sec: 2}}, 0))
		if got, d, st := f.Found(); got != before || formatted(d) != c.descriptor || st != ntstatus.Success {
			t.Errorf("%s: found %+v, %s, %v, was %+v, %s", name, got, formatted(d), st, before, c.descriptor)
		}
		if got, d, st := f.Shown(); got != w.told(name, 0) || formatted(d) != narrow || st != ntstatus.Success {
			t.Errorf("%s: shown %+v, %s, %v", name, got, formatted(d), st)
		}
	}
}

// TestEntriesOfAListing: an entry tells of its file what an open of it tells, and the directory's own names tell of
// it and of the one above (F-120, F-130, F-175).
func TestEntriesOfAListing(t *testing.T) {
	w := shaped(t)
	basic := func(name string) nt.FileBasic {
		f := w.opened(name, fileaccess.Request{}, winnt.FILE_READ_ATTRIBUTES)
		facts, st := f.Facts()
		w.want(st, ntstatus.Success)
		w.shut(f)
		return facts.FileBasic
	}
	type entry struct {
		name, of string
		file     bool
	}
	for dir, want := range map[string][]entry{
		"": {{"d", "d", false}, {"empty", "empty", false}, {"hole", "hole", true}, {"other", "hole", true},
			{"small", "small", true}},
		"d":   {{".", "d", false}, {"..", "", false}, {"e", `d\e`, false}, {"f", `d\f`, true}},
		`d\e`: {{".", `d\e`, false}, {"..", "d", false}}} {
		f := w.opened(dir, fileaccess.Request{}, winnt.FILE_READ_DATA)
		got := map[string]nt.FileEntry{}
		for restart := true; ; restart = false {
			list, st := f.List("", restart, 2, nil) // two at a time
			for _, e := range list {
				got[e.FileName] = e
			}
			if st == ntstatus.NoMoreFiles {
				break
			}
			if w.want(st, ntstatus.Success); len(list) == 0 || len(list) > 2 || st != ntstatus.Success {
				t.Fatalf("%d entries at once", len(list))
			}
		}
		if len(got) != len(want) {
			t.Errorf("F-120: %s has %v", dir, got)
		}
		for _, e := range want {
			var s unix.Stat_t
			w.must(unix.Stat(w.path(e.of), &s))
			expected := nt.FileEntry{FileBasic: basic(e.of), FileName: e.name}
			if e.file {
				expected.EndOfFile, expected.AllocationSize = s.Size, s.Blocks*512
			}
			if got[e.name] != expected {
				t.Errorf("F-120: %s in %q:\n%+v, want\n%+v", e.name, dir, got[e.name], expected)
			}
		}
	}
	// Found without its directory, a directory tells of itself for both (F-175).
	r := fileaccess.Request{Name: "empty", Subject: passer(t, true), Disposition: fileaccess.FileOpen, Share: 7,
		Desired: winnt.FILE_READ_DATA}
	p, ok := w.tree.FindDirect(&r, nil)
	if !ok {
		t.Fatal("empty is not found without a look at its directory")
	}
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
		Action: fileaccess.Opened}
	f, _, st := p.Open(&r, &d)
	p.Release()
	w.want(st, ntstatus.Success)
	defer f.Close()
	list, st := f.List("*", true, 1, nil)
	if w.want(st, ntstatus.Success); len(list) != 1 || list[0].FileName != "." {
		t.Errorf("F-175: %+v", list)
	}
	more, st := f.List("..", true, 5, nil)
	if w.want(st, ntstatus.Success); len(more) != 1 || more[0].FileName != ".." || more[0].FileBasic != list[0].FileBasic {
		t.Errorf("F-175: %+v, want what . tells: %+v", more, list)
	}
}
