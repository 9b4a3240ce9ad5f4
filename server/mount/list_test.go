package mount

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// reader returns a function that reads an open directory as a user. It returns the names after an offset, and their
// offsets.
func (w *world) reader(uid uint32, path string) func(after uint64, size int) ([]string, []uint64) {
	w.Helper()
	var out fuse.OpenOut
	h := header(uid, w.known(uid, path))
	w.want("opendir "+path, w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out), 0)
	w.Cleanup(func() { w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh}) })
	return func(after uint64, size int) ([]string, []uint64) {
		w.Helper()
		buf := make([]byte, size)
		w.want("readdir "+path, w.m.ReadDir(nil, &fuse.ReadIn{InHeader: h, Fh: out.Fh, Offset: after},
			fuse.NewDirEntryList(buf, after)), 0)
		return entriesOf(buf)
	}
}

// accessBased configures a share with access-based enumeration.
func accessBased(h *hostfs.Config, _ *Config) { h.Share, h.AccessBased = sddl.MustParse(full), true }

// TestLongDirectoryListsEachNameOnce checks that a directory that the tree returns in several batches lists each name
// once, and continues after each of them, forwards and backwards, with two readers at once (M-14, M-71). With
// access-based enumeration the tree gives the names no positions, and their numbers are used.
func TestLongDirectoryListsEachNameOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		with []func(*hostfs.Config, *Config)
	}{{name: "all"}, {name: "access-based", with: []func(*hostfs.Config, *Config){accessBased}}} {
		t.Run(c.name, func(t *testing.T) { longDirectory(newWorld(t, c.with...)) })
	}
}

func longDirectory(w *world) {
	w.dir("d", full)
	const files = 2600
	want := []string{"./", "../"}
	for i := range files {
		name := fmt.Sprintf("f%04d", i)
		if want = append(want, name); i == 0 {
			w.file("d/"+name, "", full)
		} else { // a link takes less time than a file
			w.must(os.Link(filepath.Join(w.root, "d/f0000"), filepath.Join(w.root, "d", name)))
		}
	}
	read, beside := w.reader(bob, "d"), w.reader(alice, "d")
	var whole []string
	offsets := []uint64{0} // offsets[i] is before whole[i]
	for size := 256; ; size = size%4096 + 512 {
		names, places := read(offsets[len(offsets)-1], size)
		if len(names) == 0 {
			break
		}
		whole, offsets = append(whole, names...), append(offsets, places...)
		if len(whole)%3 == 0 { // another open of it has a position of its own
			if names, _ := beside(0, 64); len(names) == 0 || names[0] != whole[0] {
				w.Fatalf("M-14: a second reader sees %q, want %q first", names, whole[0])
			}
		}
	}
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(whole)); !slices.Equal(sorted, want) {
		w.Fatalf("M-14: %d names, %d of them different, want %d", len(whole), len(slices.Compact(sorted)), len(want))
	}
	for _, at := range []int{files + 1, 1, 1025, 1026, 1024, 1027, 2, 2050, 2049, 2048, 1023, 0, files, 3, files + 2} {
		for _, read := range []func(uint64, int) ([]string, []uint64){read, beside} {
			names, _ := read(offsets[at], 128)
			if most := whole[at:]; len(names) > len(most) || !slices.Equal(names, most[:len(names)]) ||
				(len(names) == 0) != (len(most) == 0) {
				w.Errorf("M-71: after %d names: %q, want %q", at, names, most[:min(4, len(most))])
			}
		}
	}
}

// TestKernelCachesListings checks that the kernel serves a second listing of an unchanged directory, for every user
// who may list it. A change by another program, a refused user, and access-based enumeration reach the mount (M-70).
func TestKernelCachesListings(t *testing.T) {
	const most = 30
	var offset atomic.Int64 // nanoseconds
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	})
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+user(alice)+")(A;OICI;FR;;;"+user(bob)+")")
	for i := range most {
		w.must(os.WriteFile(filepath.Join(w.root, "d", fmt.Sprint("f", i)), nil, 0o600))
	}
	lists := func(uid, names int, asks bool, why string) {
		t.Helper()
		// The kernel sends the uid of the thread that lists.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		w.must(unix.Setfsuid(uid))
		defer func() { w.must(unix.Setfsuid(0)) }()
		f := check.Must(os.Open(filepath.Join(w.at, "d")))
		got := check.Must(f.Readdirnames(-1))
		check.That(t, len(got) == names, "M-70: %s: %d names, want %d", why, len(got), names)
		w.m.mu.Lock()
		o := w.m.opens[w.m.next-1] // of f
		w.m.mu.Unlock()
		o.list.mu.Lock()
		listed := o.list.at != 0
		o.list.mu.Unlock()
		check.Equal(t, listed, asks, "M-70: %s: the mount listed the directory", why)
		w.must(f.Close())
	}
	lists(alice, most, true, "the first listing")
	lists(alice, most, true, "a directory that changed just before the first listing")
	offset.Store(int64(time.Hour))
	lists(alice, most, true, "the first listing of a directory that is old enough")
	lists(alice, most, false, "the second listing")
	lists(bob, most, false, "another user's listing")
	if out, err := w.run(carol, "ls", "-f", "d"); err == nil {
		t.Errorf("M-70: a user who may not list gets %q from the cache, want an error", out)
	}
	w.file("d/new", "", full)
	lists(bob, most+1, true, "after a change by another program")
	w.sees(alice, "", "rm", "d/new")
	lists(bob, most, true, "after a change through the mount")
	lists(bob, most, false, "once more")
	offset.Add(int64(time.Hour))
	lists(bob, most, true, "an hour later")
	lists(alice, most, false, "right after that")
	offset.Add(int64(attributeLife))
	lists(alice, most, true, "after the life of attributes")
}

// TestPerUserListingIsNotCached checks that a listing that differs between users is never cached, nor one by a user who
// may not read the directory's attributes (M-70).
func TestPerUserListingIsNotCached(t *testing.T) {
	hidden := func(_ *hostfs.Config, c *Config) { c.HideUnreadable = true }
	for _, c := range []struct {
		name, sddl string
		with       []func(*hostfs.Config, *Config)
		cached     bool
	}{
		{name: "the same for all", sddl: full, cached: true},
		{name: "no attributes", sddl: "O:BAG:SYD:P(A;;0x100001;;;WD)"},
		{name: "access-based", sddl: full, with: []func(*hostfs.Config, *Config){accessBased}},
		{name: "hidden", sddl: full, with: []func(*hostfs.Config, *Config){hidden}},
	} {
		later := func(_ *hostfs.Config, c *Config) { c.now = func() time.Time { return time.Now().Add(time.Hour) } }
		w := newWorld(t, append(c.with, later)...)
		w.dir("way", "O:BAG:SYD:P(A;;0x1200a0;;;WD)") // may not be listed, which would show the attributes of its entries
		w.dir("way/d", c.sddl)
		w.must(os.Chtimes(filepath.Join(w.root, "way/d"), time.Time{}, time.Now().Add(2*time.Hour))) // ignored
		var out fuse.OpenOut
		h := header(bob, w.known(bob, "way/d"))
		w.want("opendir", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out), 0)
		check.Equal(t, out.OpenFlags&(fuse.FOPEN_CACHE_DIR|fuse.FOPEN_KEEP_CACHE) != 0, c.cached,
			"M-70: %s: cached", c.name)
		w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh})
		check.That(t, w.m.open(out.Fh) == nil, "the handle of a closed directory is still open")
	}
}

// TestListingIsCachedOnceSettled covers the times at which a listing is cached and kept.
func TestListingIsCachedOnceSettled(t *testing.T) {
	n := newNodes(identity{dir: true})
	x := n.get(rootID)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		change, now time.Duration // since start
		cache, keep bool
	}{
		{change: 0, now: settled - 1}, // too soon after the change
		{change: 0, now: settled, cache: true},
		{change: 0, now: settled, cache: true, keep: true},                     // at the same moment
		{change: 0, now: settled + attributeLife - 1, cache: true, keep: true}, // just before its end
		{change: 0, now: settled + attributeLife, cache: true},                 // at its end
		{change: 0, now: settled, cache: true},                                 // the clock went back
		{change: 100, now: settled + 99},                                       // a change
		{change: 0, now: settled + 100, cache: true},                           // back: the cache was dropped
		{change: 100, now: settled + 101, cache: true},                         // a change that is old enough
		{change: 100, now: settled + 102, cache: true, keep: true},
		{change: time.Hour, now: settled + 103}, // a time in the future
		{change: time.Hour, now: time.Hour + settled, cache: true},
	} {
		if cache, keep := n.cachesNames(x, filetime.Of(start.Add(c.change)), start.Add(c.now)); cache != c.cache ||
			keep != c.keep {
			t.Errorf("M-70: step %d: cache %t, keep %t, want %t, %t", i, cache, keep, c.cache, c.keep)
		}
	}
}

// TestListingNeedsOnlyListRight checks that listing needs the right to list the directory and no other (M-1).
func TestListingNeedsOnlyListRight(t *testing.T) {
	w := newWorld(t)
	const way = "O:BAG:SYD:P(A;;0x1200a0;;;WD)(A;;FA;;;BA)" // to traverse it and read its attributes, not to list it
	w.dir("way", way)
	w.dir("way/list", "O:BAG:SYD:P(A;;0x100001;;;WD)")
	w.dir("way/tell", "O:BAG:SYD:P(A;;0x1f01fe;;;WD)")
	w.dir("way/both", "O:BAG:SYD:P(A;;0x100081;;;WD)")
	for name, lists := range map[string]bool{"way/list": true, "way/both": true, "way/tell": false, "way": false} {
		h := header(bob, w.known(bob, name))
		var out fuse.OpenOut
		s := w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out)
		if want := map[bool]fuse.Status{true: fuse.OK, false: fuse.EACCES}[lists]; s != want {
			t.Errorf("M-1: %s is opened for listing: %v, want %v", name, s, want)
		}
		if lists {
			w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh})
			if names, _ := w.reader(bob, name)(0, 256); !slices.Equal(names, []string{"./", "../"}) {
				t.Errorf("M-1: %s has %q", name, names)
			}
		}
	}
}

// entriesOf parses a buffer of directory entries: inode, offset, length, kind, name.
func entriesOf(buf []byte) (names []string, places []uint64) {
	le := binary.LittleEndian
	for len(buf) >= 24 && le.Uint32(buf[16:]) > 0 {
		n := int(le.Uint32(buf[16:]))
		kind := map[uint32]string{unix.DT_DIR: "/", unix.DT_LNK: "@", unix.DT_REG: ""}[le.Uint32(buf[20:])]
		names, places = append(names, string(buf[24:24+n])+kind), append(places, le.Uint64(buf[8:]))
		buf = buf[min((24+n+7)&^7, len(buf)):]
	}
	return names, places
}

// hasNumbers checks that getdents64(2) gives each entry of a mounted directory the inode number of its file (M-71).
// find -inum and ls -i rely on it. names end with the letters of entriesOf.
func (w *world) hasNumbers(dir string, names []string) {
	w.Helper()
	d := check.Must(os.Open(filepath.Join(w.at, dir)))
	defer func() { w.must(d.Close()) }()
	b := make([]byte, 4096)
	b = b[:check.Must(unix.Getdents(int(d.Fd()), b))]
	numbers := map[string]uint64{}
	for ; len(b) > 0; b = b[binary.NativeEndian.Uint16(b[16:]):] {
		numbers[unix.ByteSliceToString(b[19:])] = binary.NativeEndian.Uint64(b)
	}
	for _, name := range names {
		name = strings.TrimRight(name, "/@")
		var s unix.Stat_t
		w.must(unix.Lstat(filepath.Join(w.root, dir, name), &s))
		check.Equal(w, numbers[name], s.Ino, "M-71: inode number of %s", name)
	}
}

// TestReadDirResumesAfterAnyEntry checks that a directory can be read in pieces and after any entry, "." and ".." too.
// If unreadable entries are hidden, the others keep their offsets (M-14, M-71).
func TestReadDirResumesAfterAnyEntry(t *testing.T) {
	for _, hide := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = hide })
		w.dir("d", full)
		want := []string{"./", "../"}
		for _, name := range []string{"a", "b", "c"} {
			w.file("d/"+name, "", full)
		}
		w.dir("d/sub", full)
		w.link("d/to", "a", full)
		w.file("d/hidden", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
		want = append(want, "a", "b", "c", "sub/", "to@")
		if !hide {
			want = append(want, "hidden")
		}
		slices.Sort(want)
		read := w.reader(bob, "d")
		_, before, _ := w.sys.Counts()
		whole, _ := read(0, 4096)
		_, after, _ := w.sys.Counts()
		check.Equal(t, after, before, "handles after a listing")
		check.That(t, slices.Equal(slices.Sorted(slices.Values(whole)), want),
			"M-14: hidden %t: %q, want %q", hide, whole, want)
		w.hasNumbers("d", want)
		hers, _ := w.reader(alice, "d")(0, 4096)
		check.That(t, slices.Contains(hers, "hidden"), "M-14: hidden %t: alice lists %q, want her file", hide, hers)
		// Reads one or two entries at a time, and again from each offset.
		ends := []uint64{0}
		var got []string
		for {
			names, places := read(ends[len(ends)-1], 64)
			if len(names) == 0 {
				break
			}
			got, ends = append(got, names...), append(ends, places[len(places)-1])
		}
		check.That(t, slices.Equal(got, whole), "M-14: in pieces %q, want %q", got, whole)
		if names, _ := read(0, 8); len(names) != 0 {
			t.Errorf("without room %q", names)
		}
		for i := len(ends) - 1; i >= 0; i-- {
			names, _ := read(ends[i], 4096)
			if len(names) > len(whole) || !slices.Equal(names, whole[len(whole)-len(names):]) ||
				(len(names) == 0) != (i == len(ends)-1) {
				t.Errorf("M-71: from %d: %q, want the end of %q", ends[i], names, whole)
			}
		}
	}
}
