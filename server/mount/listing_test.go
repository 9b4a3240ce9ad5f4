package mount

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// reader returns how a user reads an open directory: the names from a place on, and the place behind them.
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

// TestLongDirectory: a directory that the tree tells in several parts has each name once, at one place, however it is
// read: in pieces, from any place forwards and backwards, and by two who read it at once (M-14, F-175).
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
			t.Fatalf("M-14: %d names from %d end at %d", len(names), at, next)
		}
		whole, at = append(whole, names...), next
		if at%3 == 0 { // another open of it has a place of its own
			if names, _ := beside(0, 64); len(names) == 0 || names[0] != "./" {
				t.Fatalf("M-14: beside it %q", names)
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
			t.Errorf("M-14: from %d %q, want what stands there: %q", at, names, most[:min(4, len(most))])
		}
	}
	if names, _ := read(files+500, 128); len(names) != 0 {
		t.Errorf("M-14: behind the end %q", names)
	}
}

// TestListWithoutAttributes: a directory is listed by who may list it and nothing else of it, and by no one who may
// not, whatever else (M-1).
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
