package hostfs

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// If another program changes a name between decision and rename, only the decided file is renamed or replaced. All
// other files get their names back, and no private name remains (F-118).
func TestMoveSurvivesConcurrentChanges(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		link           bool
		meanwhile      func(w *world)
		want           ntstatus.Status
		holds          map[string]string
	}{
		{"no change", "f", "t", false, nil, 0, map[string]string{"f": "-", "t": "f"}},
		{"no change, hard link", "f", "t", true, nil, 0, map[string]string{"f": "f", "t": "f"}},
		{"the target became another file", "f", "t", false, func(w *world) { w.swapped("t", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "new", "away": "t"}},
		{"the target became another file, hard link", "f", "t", true, func(w *world) { w.swapped("t", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "new", "away": "t"}},
		{"the source became another file", "f", "t", false, func(w *world) { w.swapped("f", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "new", "t": "t", "away": "f"}},
		{"the source became another file, hard link", "f", "t", true, func(w *world) { w.swapped("f", "new") },
			0, map[string]string{"f": "new", "t": "f", "away": "f"}},
		{"the source became another file, to a free name", "f", "free", false, func(w *world) { w.swapped("f", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "new", "free": "-", "away": "f"}},
		{"the target was removed", "f", "t", false, func(w *world) { w.must(os.Remove(w.path("t"))) },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "-"}},
		{"the target was removed, hard link", "f", "t", true, func(w *world) { w.must(os.Remove(w.path("t"))) },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "-"}},
		{"the name was taken", "f", "free", false, func(w *world) { w.file("free", "new", wide) },
			ntstatus.ObjectNameCollision, map[string]string{"f": "f", "free": "new"}},
		{"the name was taken, hard link", "f", "free", true, func(w *world) { w.file("free", "new", wide) },
			ntstatus.ObjectNameCollision, map[string]string{"f": "f", "free": "new"}},
		{"a directory got entries", "d", "e", false, func(w *world) { w.file(`e\x`, "x", wide) },
			ntstatus.DirectoryNotEmpty, map[string]string{`d\in`: "in", `e\x`: "x", "d": "", "e": ""}},
		{"a directory over an empty directory", "d", "e", false, nil, 0, map[string]string{"d": "-", `e\in`: "in"}},
		{"a file over an empty directory", "f", "e", false, nil, 0, map[string]string{"f": "-", "e": "f"}},
		{"a file over a directory with entries", "f", "d", false, nil, ntstatus.DirectoryNotEmpty,
			map[string]string{"f": "f", "d": "", `d\in`: "in"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.file("f", "f", wide)
			w.file("t", "t", wide)
			w.dir("d", wide)
			w.file(`d\in`, "in", wide)
			w.dir("e", wide)
			f := w.opened(c.from, fileaccess.Request{}, winnt.DELETE)
			meanwhile := c.meanwhile
			w.want(f.Move(&nt.FileMove{Name: c.to, Link: c.link, Replace: true, Decide: agree(func() {
				if meanwhile != nil {
					meanwhile(w)
				}
			})}), c.want)
			w.holds(c.holds)
			w.nothingPrivate("")
			l, want := f.linkNow(), c.from
			if c.want == ntstatus.Success && !c.link {
				want = c.to
			}
			check.That(t, l.name == want && l.path == want && l.directory == w.tree.rootInode && l.users == 1,
				"F-118: link of the open: %+v, want %s", l, want)
		})
	}
}

// A directory with entries never gives up its name, not even for the moment of an attempt. If it gets its first entry
// during the exchange, the exchange is undone (M-20).
func TestMoveOverFullDirectoryRenamesNothing(t *testing.T) {
	var renames atomic.Int32
	var atRename atomic.Pointer[func()]
	w := newWorld(t, func(c *Config) {
		c.Faults = func(call, _ string) error {
			if call != "rename" {
				return nil
			}
			renames.Add(1)
			if f := atRename.Swap(nil); f != nil {
				(*f)()
			}
			return nil
		}
	})
	for _, d := range []string{"d", "e", "late"} {
		w.dir(d, wide)
	}
	w.file(`d\in`, "in", wide)
	w.file(`e\x`, "x", wide)
	f := w.opened("d", fileaccess.Request{}, winnt.DELETE)
	renames.Store(0)
	w.want(f.Move(&nt.FileMove{Name: "e", Replace: true, Decide: agree(nil)}), ntstatus.DirectoryNotEmpty)
	check.Equal(t, renames.Load(), 0, "M-20: renames of a move over a directory with entries")
	// The first rename is that of the record, the second one the exchange.
	exchange := func() { w.file(`late\y`, "y", wide) }
	record := func() { atRename.Store(&exchange) }
	atRename.Store(&record)
	w.want(f.Move(&nt.FileMove{Name: "late", Replace: true, Decide: agree(nil)}), ntstatus.DirectoryNotEmpty)
	check.That(t, renames.Load() > 2, "M-20: %d renames, want an exchange that is undone", renames.Load())
	w.holds(map[string]string{`d\in`: "in", `e\x`: "x", `late\y`: "y"})
	w.nothingPrivate("", "d", "e", "late")
}

// A name is removed only if it is still the file's, and a failure leaves it in place (F-117).
func TestRemoveOwnRemovesOnlyOwnName(t *testing.T) {
	var atUnlink func() error
	w := newWorld(t, func(c *Config) {
		c.Faults = func(call, _ string) error {
			if call == "unlink" && atUnlink != nil {
				return atUnlink()
			}
			return nil
		}
	})
	w.file("f", "f", wide)
	w.dir("d", wide)
	w.dir("empty", wide)
	w.file(`d\in`, "in", wide)
	for _, c := range []struct {
		name, of  string
		directory bool
		want      error
	}{{"f", "d", false, unix.ENOENT}, {"d", "d", true, unix.ENOTEMPTY}, {"f", "f", true, unix.ENOTDIR},
		{"empty", "empty", false, unix.EISDIR}, {"none", "f", false, unix.ENOENT}, {"empty", "empty", true, nil},
		{"f", "f", false, nil}} {
		if err := w.tree.removeOwn(w.inode(c.of), c.directory, w.tree.root, c.name); !errors.Is(err, c.want) {
			t.Errorf("F-117: removeOwn(%s) as the name of %s: %v, want %v", c.name, c.of, err, c.want)
		}
		w.exists(c.name, c.want != nil && c.name != "none")
		w.nothingPrivate("")
	}
	w.file("f", "f", wide)
	atUnlink = func() error { w.file("f", "new", wide); return unix.EIO }
	check.ErrorIs(t, w.tree.removeOwn(w.inode("f"), false, w.tree.root, "f"), unix.EEXIST, "removeOwn with a new file")
	w.holds(map[string]string{`d\in`: "in", "f": "new"})
}

// A removal that waits for a rename removes the new name (F-117, F-118).
func TestRemovalFollowsConcurrentRename(t *testing.T) {
	removed := make(chan ntstatus.Status)
	var two *file
	w := newWorld(t, func(c *Config) {
		c.Faults = func(call, name string) error {
			if call == "rename" && name == "g" {
				go func() { removed <- two.RemoveName() }()
				time.Sleep(10 * time.Millisecond) // a removal that reads the name too early does so now
			}
			return nil
		}
	})
	w.file("f", "f", wide)
	one := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	two = w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(two.SetDelete(true), ntstatus.Success)
	w.want(one.Move(&nt.FileMove{Name: "g", Decide: agree(nil)}), ntstatus.Success)
	w.want(<-removed, ntstatus.Success)
	w.holds(map[string]string{"f": "-", "g": "-"})
}

// A file is open until its marked name is removed (F-48, F-117).
func TestFileIsOpenDuringItsRemoval(t *testing.T) {
	var w *world
	var renames, open int
	var inode uint64
	w = newWorld(t, func(c *Config) {
		c.Faults = func(call, _ string) error {
			if call == "rename" {
				if renames++; w.tree.isOpen(inode) {
					open++
				}
			}
			return nil
		}
	})
	w.file("f", "f", wide)
	inode = w.inode("f")
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(f.SetDelete(true), ntstatus.Success)
	w.mustShut(f)
	check.That(t, renames == 1 && open == 1, "%d renames of a removal, %d with an open file", renames, open)
}
