package hostfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// With access-based enumeration a listing contains the entries that the user may read, by their own descriptors. A
// known name can still be opened (F-71, F-72). Without it the listing contains all entries.
func TestAccessBasedListingHidesUnreadableEntries(t *testing.T) {
	for _, c := range []struct {
		name       string
		based      bool
		share      string
		alice, bob string
	}{
		{"access-based", true, "D:(A;;FA;;;WD)", "all,d,hers", "all,his"},
		{"a share without attributes", true, "D:(A;;0x120009;;;WD)", "", ""},
		{"not access-based", false, "D:(A;;FA;;;WD)", "all,d,hers,his,nothing", "all,d,hers,his,nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(cfg *Config) { cfg.AccessBased, cfg.Share = c.based, sddl.MustParse(c.share) })
			w.file("all", "", "D:P(A;;FR;;;WD)")
			w.file("hers", "", "D:P(A;;FR;;;"+alice+")")
			w.file("his", "", "D:P(D;;FR;;;"+staff+")(A;;FR;;;WD)")
			w.dir("d", "D:P(A;;FR;;;"+staff+")(A;;0x100020;;;WD)")
			w.file("nothing", "", "D:P(A;;0x100002;;;WD)")
			for user, want := range map[string]string{alice: c.alice, bob: c.bob} {
				th := w.as(user)
				h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
				var names []string
				for restart, st := true, ntstatus.Success; st == ntstatus.Success; restart = false {
					list, next := th.NtQueryDirectoryFile(h, "", restart)
					for _, e := range list {
						names = append(names, e.FileName)
					}
					st = next
				}
				check.Equal(t, sorted(names), want, "listing as %s", user)
				if c.name == "access-based" {
					w.want(closeAny(th, w.open(th, "nothing", winnt.FILE_WRITE_DATA, ntstatus.Success)), ntstatus.Success)
				}
				w.want(th.NtClose(h), ntstatus.Success)
			}
		})
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ",")
}

// A listing removes private names that a crash left behind, if they are old and nothing is lost. No client sees
// private names (F-129).
func TestListingRemovesOldPrivateNames(t *testing.T) {
	w := newWorld(t)
	const gone, kept = privatePrefix + "gone", privatePrefix + "kept"
	w.file("f", "contents", "D:P(A;;FR;;;WD)")
	w.must(errors.Join(os.WriteFile(w.path(gone+"1"), nil, 0o600), os.Mkdir(w.path(gone+"2"), 0o700),
		os.Link(w.path("f"), w.path(gone+"3")), os.WriteFile(w.path(kept+"1"), []byte("x"), 0o600),
		os.MkdirAll(w.path(kept+"2/x"), 0o700), os.Symlink("f", w.path(kept+"3"))))
	list := func() (names, left []string) {
		t.Helper()
		th := w.as(bob)
		h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
		entries := check.Result(th.NtQueryDirectoryFile(h, "", true))
		w.want(th.NtClose(h), ntstatus.Success)
		for _, e := range entries {
			names = append(names, e.FileName)
		}
		all := check.Must(os.ReadDir(w.root))
		for _, e := range all {
			left = append(left, e.Name())
		}
		return names, left
	}
	if names, left := list(); !slices.Equal(names, []string{"f"}) || len(left) != 7 {
		t.Errorf("listing while private names may be in use: %q, left %q, want [f] listed and 7 names left", names,
			left)
	}
	w.tree.abandoned = 0
	want := []string{kept + "1", kept + "2", kept + "3", "f"}
	for start := time.Now(); ; { // The clock of files ticks behind the system's clock.
		names, left := list()
		if !slices.Equal(names, []string{"f"}) || len(left) != len(want) && time.Since(start) > 10*time.Second {
			t.Fatalf("listing %q, left %q, want [f] listed, left %q", names, left, want)
		}
		if len(left) == len(want) {
			check.SlicesEqual(t, left, want, "names left")
			return
		}
	}
}

// Listings leave out the names of unfinished uploads. They remove those that no one has open, also not another server,
// and that were left a while ago (G-49).
func TestUploadsLeftBehindAreRemoved(t *testing.T) {
	w := newWorld(t)
	const open, left, folder = nt.UploadPrefix + "open", nt.UploadPrefix + "left", nt.UploadPrefix + "folder"
	elsewhere := map[string]int{nt.UploadPrefix + "written": os.O_WRONLY, nt.UploadPrefix + "read": os.O_RDONLY}
	for name, flag := range elsewhere {
		w.file(name, "a part", wide)
		upload := check.Must(os.OpenFile(w.path(name), flag, 0))
		defer upload.Close()
	}
	w.file("f", "f", wide)
	w.file(open, "a part", wide)
	w.file(left, "a part", wide)
	w.dir(folder, wide)
	w.dir(folder+`\kept`, wide)
	_ = w.opened(open, fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	th := w.as(bob)
	for _, old := range []bool{false, true} {
		if old {
			w.tree.abandoned = -time.Hour // every name is old
		}
		h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
		entries, st := th.NtQueryDirectoryFile(h, "", true)
		for _, e := range entries {
			check.That(t, !strings.HasPrefix(e.FileName, nt.UploadPrefix),
				"G-49: a listing has %s, want no unfinished upload", e.FileName)
		}
		w.want(st, ntstatus.Success)
		names, st := w.opened("", fileaccess.Request{}, winnt.FILE_LIST_DIRECTORY).ListNames(0)
		for _, e := range names {
			check.That(t, !strings.HasPrefix(e.Name, nt.UploadPrefix),
				"G-49: the names have %s, want no unfinished upload", e.Name)
		}
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		w.exists(open, true)
		for name := range elsewhere {
			w.exists(name, true)
		}
		w.exists(left, !old)
		w.exists(folder+`\kept`, true)
	}
}

// A file whose removal is interrupted before any call keeps its name, or is removed by a listing (F-129). Another file
// with the private name of a removal stays.
func TestListingRemovesInterruptedRemoval(t *testing.T) {
	for n := 1; n <= 3; n++ {
		k := &killer{n: 1 << 30}
		w := crashable(t, k)
		th := w.as(bob)
		h := w.open(th, "f", winnt.DELETE, ntstatus.Success)
		var s unix.Stat_t
		w.must(unix.Stat(w.path("f"), &s))
		other := privatePrefix + "other" + removedSuffix(s.Ino)
		w.must(os.WriteFile(w.path(other), []byte("x"), 0o600))
		w.deletes(th, h, ntstatus.Success)
		k.calls, k.n = 0, n
		w.want(th.NtClose(h), ntstatus.Success)
		k.n = 1 << 30
		w.tree.abandoned = -time.Hour // every name is old
		_, st := w.opened("", fileaccess.Request{}, winnt.FILE_LIST_DIRECTORY).List("", true, 100, nil)
		w.want(st, ntstatus.Success)
		all := check.Must(filepath.Glob(w.path(privatePrefix + "*")))
		check.That(t, len(all) == 1 && filepath.Base(all[0]) == other,
			"F-129: killed before call %d, after %q: private names %q, want %s", n, k.trace, all, other)
		w.exists("f", n == 1)
	}
}

// A private second name of an open file stays until the file is closed, because an open may be about to rename it
// (F-129).
func TestPrivateNameOfOpenFileStays(t *testing.T) {
	w := newWorld(t)
	w.file("f", "contents", "D:P(A;;FR;;;WD)")
	const left = privatePrefix + "left"
	w.must(os.Link(w.path("f"), w.path(left)))
	w.tree.abandoned = -time.Hour // every name is old
	th := w.as(bob)
	f := w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	for _, open := range []bool{true, false} {
		h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
		w.want(check.Status(th.NtQueryDirectoryFile(h, "", true)), ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		w.exists(left, open)
		if open {
			w.want(th.NtClose(f), ntstatus.Success)
		}
	}
	w.exists("f", true)
}

// An entry has the same facts as an open of its file. The entries "." and ".." are the directory and its parent
// (F-120, F-130, F-175).
func TestListingEntriesMatchOpens(t *testing.T) {
	w := newShapedTree(t)
	basic := func(name string) nt.FileBasic {
		f := w.opened(name, fileaccess.Request{}, winnt.FILE_READ_ATTRIBUTES)
		facts := check.Result(f.Facts())
		w.mustShut(f)
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
				t.Fatalf("List: %d entries, want 1 or 2", len(list))
			}
		}
		check.That(t, len(got) == len(want), "F-120: listing of %q: %v, want %v", dir, got, want)
		for _, e := range want {
			var s unix.Stat_t
			w.must(unix.Stat(w.path(e.of), &s))
			expected := nt.FileEntry{FileBasic: basic(e.of), FileName: e.name}
			if e.file {
				expected.EndOfFile, expected.AllocationSize = s.Size, s.Blocks*512
			}
			check.That(t, got[e.name] == expected,
				"F-120: entry %s in %q:\n%+v, want\n%+v", e.name, dir, got[e.name], expected)
		}
	}
	// If a directory was opened without its parent, both entries are the directory itself (F-175).
	r := fileaccess.Request{Name: "empty", Subject: traverser(t, true), Disposition: fileaccess.FileOpen, Share: 7,
		Desired: winnt.FILE_READ_DATA}
	p, ok := w.tree.FindDirect(&r, nil)
	check.RequireThat(t, ok, "FindDirect of an empty directory fails, want success")
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
		Action: fileaccess.Opened}
	f, _, st := p.Open(&r, &d)
	p.Release()
	w.want(st, ntstatus.Success)
	defer f.Close()
	list, st := f.List("*", true, 1, nil)
	if w.want(st, ntstatus.Success); len(list) != 1 || list[0].FileName != "." {
		t.Errorf(`F-175: first entry %+v, want only "."`, list)
	}
	more, st := f.List("..", true, 5, nil)
	if w.want(st, ntstatus.Success); len(more) != 1 || more[0].FileName != ".." || more[0].FileBasic != list[0].FileBasic {
		t.Errorf("F-175: next entry %+v, want .. with the facts of . in %+v", more, list)
	}
}

// The age of a private name counts from its change time, not from its access and write times (F-129).
func TestPrivateNameAgeIsChangeTime(t *testing.T) {
	w := newWorld(t)
	w.file(privatePrefix+"x", "", wide)
	w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(privatePrefix+"x"), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	w.tree.sweep(w.tree.root, privatePrefix+"x")
	w.exists(privatePrefix+"x", true)
}

// One open can start, continue, end and restart listings with different patterns (F-120).
func TestListingsRestartAndContinue(t *testing.T) {
	w := newShapedTree(t)
	f := w.opened("", fileaccess.Request{}, winnt.FILE_READ_DATA)
	small := w.opened("small", fileaccess.Request{}, winnt.FILE_READ_DATA)
	longest := string(make([]byte, 255))
	hidden := func(d *sd.Descriptor) bool { return formatted(d) == aliceOnly }
	for i, c := range []struct {
		of      *file
		pattern string
		restart bool
		most    int
		see     func(*sd.Descriptor) bool
		names   int
		st      ntstatus.Status
	}{
		{small, "", true, 9, nil, 0, ntstatus.InvalidParameter}, {small, "", false, 9, nil, 0, ntstatus.InvalidParameter},
		{f, "none", false, 9, nil, 0, ntstatus.NoSuchFile},  // the first call starts a listing
		{f, "hole", false, 9, nil, 0, ntstatus.NoSuchFile},  // its pattern stays
		{f, "hole", true, 9, nil, 1, 0},                     // until a restart
		{f, "none", false, 9, nil, 0, ntstatus.NoMoreFiles}, // after a name was returned
		{f, "none", false, 9, nil, 0, ntstatus.NoMoreFiles}, // each time
		{f, "none", true, 9, nil, 0, ntstatus.NoSuchFile},   // no name was returned
		{f, "?l*", true, 9, nil, 0, ntstatus.NoSuchFile},    // the pattern matches whole names
		{f, "*l*", true, 1, nil, 1, 0},                      // hole and small match
		{f, "*l*", false, 1, nil, 1, 0},                     // the second name
		{f, "*l*", false, 1, nil, 0, ntstatus.NoMoreFiles},  // there is no third name
		{f, "*l*", true, 2, nil, 2, 0}, {f, "", true, 9, hidden, 3, 0},
		{f, "", false, 9, nil, 0, ntstatus.NoMoreFiles}, {f, "*.*", true, 9, nil, 5, 0}, {f, "*", true, 9, nil, 5, 0},
		{f, longest, true, 9, nil, 0, ntstatus.NoSuchFile}, {f, longest + "x", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, `a\b`, true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a:b", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, "a<", true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a>", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, `a"`, true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a|", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
	} {
		list, st := c.of.List(c.pattern, c.restart, c.most, c.see)
		check.That(t, len(list) == c.names && st == c.st,
			"F-120: case %d: List(%.20q): %d names, %v, want %d, %v", i, c.pattern, len(list), st, c.names, c.st)
	}
	check.Equal(t, len(check.Result(f.List("", true, 1, nil))), 1, "the first name")
	f.listing.Lock()
	w.must(f.scan.Close()) // four names were read already
	// A file has no entries, so reading on fails with ENOTDIR.
	f.scan = check.Must(os.Open(w.path("small")))
	f.listing.Unlock()
	check.Equal(t, len(check.Result(f.List("", false, 9, nil))), 4, "names before a failed read")
	check.Equal(t, check.Status(f.List("", false, 9, nil)), ntstatus.ObjectPathNotFound, "F-124: a failed read")
	w.dir("gone", wide)
	gone := w.opened("gone", fileaccess.Request{}, winnt.FILE_READ_DATA)
	check.Equal(t, check.Status(gone.List("x", true, 9, nil)), ntstatus.NoSuchFile, "List of an empty directory")
	w.must(os.Remove(w.path("gone")))
	check.Equal(t, check.Status(gone.List("x", false, 9, nil)), ntstatus.ObjectNameNotFound, "List after removal")
}

// In a pattern * matches any text, and ? one character of any length in bytes. Case does not matter (F-120).
func TestPatternMatchesIgnoringCase(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "x", true}, {"*", "x", true}, {"*.*", "x", true}, {"*.**", "x", false}, {"x", "x", true}, {"x", "X", true},
		{"X", "x", true}, {"x", "xx", false}, {"xx", "x", false}, {"?", "x", true}, {"?", "é", true}, {"?", "", false},
		{"??", "é", false}, {"É", "é", true}, {"ς", "Σ", true}, {"σ", "ς", true}, {"a*c", "ac", true},
		{"a*c", "abc", true},
		{"a*c", "abcc", true}, {"a*c", "abcd", false}, {"*ab", "aab", true}, {"*ab*", "xabab", true}, {"*ab", "aba", false},
		{"a*b*c", "axbxbxc", true}, {"a*b*c", "axcxb", false}, {"a**c", "abc", true}, {"a*", "a", true}, {"a**", "a", true},
		{"a*?", "a", false}, {"a*?", "ab", true}, {"*?*", "", false}, {"*a?b", "aaxb", true}, {"*a?b", "axxb", false},
		{"a.*", "a", false}, {"*.txt", "a.TXT", true},
	} {
		check.Equal(t, matches(c.pattern, c.name), c.want, "F-120: matches(%q, %q)", c.pattern, c.name)
	}
}

// A listing returns the accessible entries, in parts, to users with the right to list (F-70, F-120, F-123).
func TestListingReturnsAccessibleEntriesOnly(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;"+alice+")(A;;0x100080;;;"+bob+")")
	var want []string
	for i := range 700 {
		name := fmt.Sprintf("file %03d.txt", i)
		want = append(want, name)
		w.must(os.WriteFile(w.path(`d\`+name), nil, 0o600))
	}
	w.must(os.Mkdir(w.path(`d\Sub`), 0o700))
	for _, name := range []string{"a:b", `back\slash`, "bad\xff", privatePrefix + "1", "star*"} {
		w.must(os.WriteFile(w.root+"/d/"+name, nil, 0o600))
	}
	w.must(os.Symlink("/etc/passwd", w.path(`d\link`)))
	w.must(mkfifo(w.path(`d\fifo`)))
	one, two := w.as(alice), w.as(bob)
	_, st := two.NtQueryDirectoryFile(w.open(two, "d", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success), "", true)
	w.want(st, ntstatus.AccessDenied)
	h := w.open(one, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	list := func(pattern string) (names []string) {
		entries, st := one.NtQueryDirectoryFile(h, pattern, true)
		for ; st == ntstatus.Success; entries, st = one.NtQueryDirectoryFile(h, "ignored", false) {
			check.That(t, len(entries) <= 1024, "one query returned %d entries, want at most 1024", len(entries))
			for _, e := range entries {
				names = append(names, e.FileName)
			}
		}
		end := ntstatus.NoMoreFiles
		if names == nil {
			end = ntstatus.NoSuchFile
		}
		check.Equal(t, st, end, "end of the listing %q", pattern)
		slices.Sort(names)
		return names
	}
	for pattern, names := range map[string][]string{"": append([]string{".", "..", "Sub"}, want...), ".": {"."},
		"..": {".."}, "FILE 00?.*": want[:10],
		"none*": nil, "su?": {"Sub"}} {
		if got := list(pattern); !slices.Equal(got, names) {
			t.Errorf("listing %q: %d names, want %d: %.20q...", pattern, len(got), len(names), fmt.Sprint(got))
		}
	}
}
