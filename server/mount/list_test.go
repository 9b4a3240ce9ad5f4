package mount

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
)

// reader returns a function that reads an open directory as a user. It returns the names from an offset on, and the
// next offset.
func (w *world) reader(uid uint32, path string) func(at uint64, size int) ([]string, uint64) {
	w.Helper()
	var out fuse.OpenOut
	h := header(uid, w.known(uid, path))
	w.says("opendir "+path, w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out), 0)
	w.Cleanup(func() { w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh}) })
	return func(at uint64, size int) ([]string, uint64) {
		w.Helper()
		buf := make([]byte, size)
		w.says("readdir "+path, w.m.ReadDir(nil, &fuse.ReadIn{InHeader: h, Fh: out.Fh, Offset: at},
			fuse.NewDirEntryList(buf, at)), 0)
		names, next := entriesOf(buf)
		if len(names) == 0 {
			next = at
		}
		return names, next
	}
}

// TestLongDirectory: a directory that the tree returns in several batches lists each name once and
// at one offset, in pieces, from any offset forwards and backwards, and with two readers at once
// (M-14, F-175).
func TestLongDirectory(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	const files = 2600
	want := []string{"./", "../"}
	for i := range files {
		name := fmt.Sprintf("f%04d", i)
		w.must(os.WriteFile(filepath.Join(w.root, "d", name), nil, 0o600))
		want = append(want, name)
	}
	read, beside := w.reader(bob, "d"), w.reader(alice, "d")
	var whole []string
	for at, size := uint64(0), 256; ; size = size%4096 + 512 {
		names, next := read(at, size)
		if len(names) == 0 {
			break
		}
		if next != at+uint64(len(names)) {
			t.Fatalf("M-14: %d names from %d end at %d, want %d", len(names), at, next, at+uint64(len(names)))
		}
		whole, at = append(whole, names...), next
		if at%3 == 0 { // another open of it has a place of its own
			if names, _ := beside(0, 64); len(names) == 0 || names[0] != "./" {
				t.Fatalf(`M-14: a second reader sees %q, want "./" first`, names)
			}
		}
	}
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(whole)); !slices.Equal(sorted, want) || whole[0] != "./" ||
		whole[1] != "../" {
		t.Fatalf("M-14: %d names, %d of them different, want %d", len(whole), len(slices.Compact(sorted)), len(want))
	}
	for _, at := range []uint64{files + 1, 1, 1025, 1026, 1024, 1027, 2, 2050, 2049, 2048, 1023, 0, files, 3, files + 2} {
		names, _ := read(at, 128)
		if most := whole[at:]; len(names) > len(most) || !slices.Equal(names, most[:len(names)]) ||
			(len(names) == 0) != (len(most) == 0) {
			t.Errorf("M-14: from offset %d: %q, want %q", at, names, most[:min(4, len(most))])
		}
	}
	if names, _ := read(files+500, 128); len(names) != 0 {
		t.Errorf("M-14: beyond the end %q: len(names) = %d, want 0", names, len(names))
	}
}

// TestListWithoutAttributes: listing needs the right to list the directory and no other (M-1).
func TestListWithoutAttributes(t *testing.T) {
	w := newWorld(t)
	const way = "O:BAG:SYD:P(A;;0x1200a0;;;WD)(A;;FA;;;BA)" // to pass, and to know it: nothing that is in it
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

// TestHidden: with HideUnreadable a listing shows each user only the readable entries (M-14).
func TestHidden(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = true })
	w.file("a", "", "O:BAG:SYD:P(A;;FR;;;"+user(alice)+")")
	w.file("b", "", "O:BAG:SYD:P(A;;FR;;;"+user(bob)+")")
	w.file("c", "", "O:BAG:SYD:P(A;;FR;;;WD)")
	for range 2 {
		w.sees(alice, "a\nc", "ls")
		w.sees(bob, "b\nc", "ls")
	}
}

// entriesOf reads a buffer of directory entries as the host's kernel does: number, place, length, kind, name.
func entriesOf(buf []byte) (names []string, next uint64) {
	le := binary.LittleEndian
	for len(buf) >= 24 && le.Uint32(buf[16:]) > 0 {
		n := int(le.Uint32(buf[16:]))
		kind := map[uint32]string{unix.DT_DIR: "/", unix.DT_LNK: "@", unix.DT_REG: ""}[le.Uint32(buf[20:])]
		names, next = append(names, string(buf[24:24+n])+kind), le.Uint64(buf[8:])
		buf = buf[min((24+n+7)&^7, len(buf)):]
	}
	return names, next
}

// TestReadDir checks that a directory can be read in pieces and from any offset, "." and ".." first. If unreadable
// entries are hidden, the others keep their offsets (M-14, F-175).
func TestReadDir(t *testing.T) {
	for _, hide := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = hide })
		w.dir("d", full)
		all := []string{"./", "../"}
		for _, name := range []string{"a", "b", "c"} {
			w.file("d/"+name, "", full)
		}
		w.dir("d/sub", full)
		w.link("d/to", "a", full)
		w.file("d/hidden", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
		all = append(all, "a", "b", "c", "sub/", "to@")
		if !hide {
			all = append(all, "hidden")
		}
		slices.Sort(all)
		var out fuse.OpenOut
		h := header(bob, w.known(bob, "d"))
		w.says("opendir", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: h}, &out), 0)
		read := func(at uint64, size int) (names []string, next uint64) {
			t.Helper()
			buf := make([]byte, size)
			w.says("readdir", w.m.ReadDir(nil, &fuse.ReadIn{InHeader: h, Fh: out.Fh, Offset: at},
				fuse.NewDirEntryList(buf, at)), 0)
			names, next = entriesOf(buf)
			if len(names) == 0 {
				next = at
			}
			return names, next
		}
		whole, _ := read(0, 4096)
		sorted := slices.Sorted(slices.Values(whole))
		if !slices.Equal(sorted, all) || whole[0] != "./" || whole[1] != "../" {
			t.Errorf("M-14: hidden %t: %q, want %q", hide, whole, all)
		}
		// One or two at a time, and again from each place where a piece ended.
		var places []uint64
		var got []string
		for at := uint64(0); ; {
			places = append(places, at)
			names, next := read(at, 64)
			if len(names) == 0 {
				break
			}
			got, at = append(got, names...), next
		}
		if !slices.Equal(got, whole) {
			t.Errorf("M-14: in pieces %q, want %q", got, whole)
		}
		if names, next := read(0, 8); len(names) != 0 || next != 0 {
			t.Errorf("without room %q", names)
		}
		for i := len(places) - 1; i >= 0; i-- {
			names, _ := read(places[i], 4096)
			if len(names) > len(whole) || !slices.Equal(names, whole[len(whole)-len(names):]) ||
				(len(names) == 0) != (i == len(places)-1) {
				t.Errorf("M-14: from %d: %q, want the end of %q", places[i], names, whole)
			}
		}
		w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: h, Fh: out.Fh})
		if w.m.open(out.Fh) != nil {
			t.Error("the handle of a closed directory is still open")
		}
	}
}
