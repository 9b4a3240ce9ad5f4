package hostfs

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzDecodeMove checks that each stored record reads back as it was, that no bytes make the decoder panic, and that it
// accepts no name that leads out of the recorded directory (F-212).
func FuzzDecodeMove(f *testing.F) {
	m := moveRecord{1, 2, recordedName{3, "", "f"}, recordedName{4, "a/b", `c\d`}, ""}
	whole := m.encode()
	f.Add(whole)
	m.aside = "old"
	f.Add(m.encode())
	f.Add(whole[:len(whole)-1])
	f.Add(string(make([]byte, len(whole)))) // a torn write: zeros
	f.Add("")
	for _, name := range []string{"", ".", "..", "a/b"} {
		bad := m
		bad.from.name = name
		f.Add(bad.encode())
		bad = m
		bad.aside = name
		f.Add(bad.encode())
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := decodeMove(s)
		if err != nil {
			check.That(t, m == (moveRecord{}),
				"F-212: decodeMove(%q) = %v with the error %v, want the zero record", s, m, err)
			return
		}
		if again := m.encode(); again != s {
			t.Errorf("F-212: %q is read as %q", s, again)
		}
		for _, name := range []string{m.from.name, m.to.name, cmp.Or(m.aside, "-")} {
			check.That(t, !strings.Contains(name, "/") && name != "" && name != "." && name != "..",
				"F-212: %q names %q", s, name)
		}
	})
}

// A directory has a path in the tree only below its root (F-211).
func TestPathOfEndsAtTheRoot(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	outside := w.root + "-outside"
	w.must(os.Mkdir(outside, 0o700))
	for path, want := range map[string]string{w.root: "", w.path("d"): "d", outside: unix.ENOENT.Error()} {
		f := check.Must(os.Open(path))
		got, err := w.tree.pathOf(int(f.Fd()))
		if _ = f.Close(); err != nil {
			got = err.Error()
		}
		check.Equal(t, got, want, "F-211: path of %s", path)
	}
	top := check.Must(os.Open("/"))
	got, err := (&Tree{root: int(top.Fd())}).pathOf(w.tree.root)
	want := check.Must(os.Readlink(placeOf(w.tree.root)))
	check.That(t, err == nil && "/"+got == want, "path of %s in a tree at /: %s, %v", want, got, err)
	w.must(top.Close())
	w.must(os.Remove(outside))
}

// A record of a move is completed after a crash. Files that another program has put under its names since keep their
// contents, and an exchange with them is undone (F-118, F-211, F-212).
func TestRecordedMoveSparesOtherFiles(t *testing.T) {
	const none = 1 << 40
	unchanged := map[string]string{"f": "f", `d\f`: `d\f`, `d\taken`: `d\taken`}
	undone := map[string]string{"f": `d\f`, `d\f`: "f", `d\taken`: `d\taken`}
	to := func(directory, name string) func(*world, *moveRecord) {
		return func(_ *world, m *moveRecord) { m.to.directory, m.to.name = directory, name }
	}
	for why, c := range map[string]struct {
		change func(*world, *moveRecord)
		want   map[string]string
	}{
		"complete": {func(*world, *moveRecord) {}, map[string]string{"f": "-", `d\f`: `d\f`}},
		"put aside": {func(_ *world, m *moveRecord) { m.aside = "old" },
			map[string]string{"f": "-", `d\old`: "f"}},
		"aside is taken":                 {func(_ *world, m *moveRecord) { m.aside = "taken" }, undone},
		"another file has the new name":  {func(_ *world, m *moveRecord) { m.moved = none }, undone},
		"another file has the old name":  {func(_ *world, m *moveRecord) { m.replaced = none }, unchanged},
		"another directory has the path": {func(_ *world, m *moveRecord) { m.to.inode = none }, unchanged},
		"no directory has the path":      {to("none", "f"), unchanged},
		"a file has the path":            {to("f", "f"), unchanged},
		"the path leaves the tree":       {to("../d", "f"), unchanged},
		"no file has the new name":       {to("d", "none"), unchanged},
		"no directory has the old path":  {func(_ *world, m *moveRecord) { m.from.directory = "none" }, unchanged},
		"a link has the path": {func(w *world, m *moveRecord) {
			w.must(os.Symlink("d", w.path("l")))
			m.to.directory = "l"
		}, unchanged},
		"the replaced directory has entries": {func(w *world, m *moveRecord) {
			w.dir("full", wide)
			w.file(`full\in`, "in", wide)
			m.replaced, m.from.name = w.inode("full"), "full"
		}, map[string]string{"full": `d\f`, `d\f\in`: "in"}},
		"another file waits for deletion": {func(w *world, m *moveRecord) {
			w.must(os.Rename(w.path("f"), w.path(redoDirectory+`\a`+redoGone)))
			m.replaced = none
		}, unchanged},
	} {
		t.Run(why, func(t *testing.T) {
			w := newWorld(t)
			w.dir("d", wide)
			for name := range unchanged {
				w.file(name, name, wide)
			}
			w.must(os.Mkdir(w.path(redoDirectory), 0o700))
			m := moveRecord{w.inode(`d\f`), w.inode("f"), recordedName{w.inode(""), "", "f"},
				recordedName{w.inode("d"), "d", "f"}, ""}
			c.change(w, &m)
			w.must(os.WriteFile(w.path(redoDirectory+`\a`+redoMove), []byte(m.encode()), 0o600))
			w.must(w.reopened())
			w.holds(c.want)
			w.exists(redoDirectory, false)
		})
	}
}

// If a directory of a recorded move is missing, the replaced directory is removed, and a file of another program stays
// (F-118, F-212).
func TestMoveWithoutDirectoryKeepsOtherFiles(t *testing.T) {
	for i := range 4 {
		w := newWorld(t)
		m := moveRecord{1 << 40, 1 << 40, recordedName{1 << 40, "none", "d"}, recordedName{1 << 40, "none", "f"}, ""}
		other := i%2 == 1
		if i >= 2 { // only the directory of the new name is missing
			m.from.inode, m.from.directory = w.inode(""), ""
		}
		if i == 1 {
			w.file("d", "contents", wide)
		} else if w.dir("d", wide); !other {
			m.replaced = w.inode("d")
		}
		w.must(os.Mkdir(w.path(redoDirectory), 0o700))
		kept := w.path(redoDirectory + `\a` + redoGone)
		w.must(os.Rename(w.path("d"), kept))
		w.must(os.WriteFile(w.path(redoDirectory+`\a`+redoMove), []byte(m.encode()), 0o600))
		err := w.reopened()
		_, missing := os.Stat(kept)
		check.That(t, (err != nil) == other && (missing == nil) == other,
			"another program's: %t: %v, and it is there: %t", other, err, missing == nil)
	}
}
