package hostfs

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// agree is a decision that lets a move happen, after a look at the tree.
func agree(look func()) func(*fileaccess.Move) fileaccess.MoveDecision {
	return func(*fileaccess.Move) fileaccess.MoveDecision {
		if look != nil {
			look()
		}
		return fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success), Replaces: true}
	}
}

// holds expects contents of files; "" is a directory, "-" nothing.
func (w *world) holds(want map[string]string) {
	w.Helper()
	for name, contents := range want {
		b, err := os.ReadFile(w.path(name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			b = []byte("-")
		case errors.Is(err, unix.EISDIR):
			b = nil
		default:
			w.must(err)
		}
		if string(b) != contents {
			w.Errorf("%s holds %q, want %q", name, b, contents)
		}
	}
}

// TestMoveAndOthers: what another program does to a name between the decision and the move: nothing but what was
// decided about is moved or replaced, everything else has its name back, and no private name is left (F-118).
func TestMoveAndOthers(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		link           bool
		meanwhile      func(w *world)
		want           ntstatus.Status
		holds          map[string]string
	}{
		{"nothing", "f", "t", false, nil, 0, map[string]string{"f": "-", "t": "f"}},
		{"nothing, a link", "f", "t", true, nil, 0, map[string]string{"f": "f", "t": "f"}},
		{"the target became another file", "f", "t", false, func(w *world) { w.swapped("t", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "new", "away": "t"}},
		{"the target became another file, a link", "f", "t", true, func(w *world) { w.swapped("t", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "new", "away": "t"}},
		{"the source became another file", "f", "t", false, func(w *world) { w.swapped("f", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "new", "t": "t", "away": "f"}},
		{"the source became another file, a link", "f", "t", true, func(w *world) { w.swapped("f", "new") },
			0, map[string]string{"f": "new", "t": "f", "away": "f"}},
		{"the source became another file, to a free name", "f", "free", false, func(w *world) { w.swapped("f", "new") },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "new", "free": "-", "away": "f"}},
		{"the target went", "f", "t", false, func(w *world) { w.must(os.Remove(w.path("t"))) },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "-"}},
		{"the target went, a link", "f", "t", true, func(w *world) { w.must(os.Remove(w.path("t"))) },
			ntstatus.ObjectNameNotFound, map[string]string{"f": "f", "t": "-"}},
		{"the name was taken", "f", "free", false, func(w *world) { w.file("free", "new", wide) },
			ntstatus.ObjectNameCollision, map[string]string{"f": "f", "free": "new"}},
		{"the name was taken, a link", "f", "free", true, func(w *world) { w.file("free", "new", wide) },
			ntstatus.ObjectNameCollision, map[string]string{"f": "f", "free": "new"}},
		{"a directory got entries", "d", "e", false, func(w *world) { w.file(`e\x`, "x", wide) },
			ntstatus.DirectoryNotEmpty, map[string]string{`d\in`: "in", `e\x`: "x", "d": "", "e": ""}},
		{"a directory for an empty one", "d", "e", false, nil, 0, map[string]string{"d": "-", `e\in`: "in"}},
		{"a file for a directory", "f", "e", false, nil, 0, map[string]string{"f": "-", "e": "f"}},
		{"a file for a directory with entries", "f", "d", false, nil, ntstatus.DirectoryNotEmpty,
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
			if l.name != want || l.path != want || l.directory != w.tree.rootInode || l.users != 1 {
				t.Errorf("F-118: the open is by %+v, want %s", l, want)
			}
		})
	}
}

// swapped gives a name to another file.
func (w *world) swapped(name, contents string) {
	w.Helper()
	w.must(os.Rename(w.path(name), w.path("away")))
	w.file(name, contents, wide)
}

// TestRemoveOwn: a name is removed if it is still the file's; what fails leaves it where it was (F-117).
func TestRemoveOwn(t *testing.T) {
	w := newWorld(t)
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
		if err := removeOwn(w.inode(c.of), c.directory, w.tree.root, c.name); !errors.Is(err, c.want) {
			t.Errorf("F-117: %s as %s: %v, want %v", c.name, c.of, err, c.want)
		}
		w.exists(c.name, c.want != nil && c.name != "none")
		w.nothingPrivate("")
	}
	w.holds(map[string]string{`d\in`: "in"})
}

// TestWhereARenameLeads: after a rename the opens of a name are by the new one: where it stands, in which directory,
// and what goes with the last of them; each other name of the file stays as it was (F-117, F-118, F-181).
func TestWhereARenameLeads(t *testing.T) {
	w := newWorld(t)
	w.describe("", wide)
	w.dir("d", wide)
	w.dir(`d\e`, wide)
	w.file("f", "f", wide)
	w.must(os.Link(w.path("f"), w.path("other")))
	one := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	two := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	other := w.opened("other", fileaccess.Request{}, winnt.FILE_READ_DATA)
	root := w.opened(`d\e`, fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		by       *file
		to       string
		from     nt.OpenFile
		path, in string
		name     string
	}{
		{one, `d\e\f`, nil, `d\e\f`, `d\e`, "f"}, {two, `d\g`, nil, `d\g`, "d", "g"}, {one, "h", root, `d\e\h`, `d\e`, "h"},
		{two, "f", nil, "f", "", "f"}, {one, `d\last`, nil, `d\last`, "d", "last"},
	} {
		w.want(c.by.Move(&nt.FileMove{Name: c.to, Root: c.from, Decide: agree(nil)}), ntstatus.Success)
		for _, f := range []*file{one, two} {
			l := f.linkNow()
			s, err := stat(l.dir)
			w.must(err)
			if f.link != one.link || l.path != c.path || l.name != c.name || l.directory != w.inode(c.in) ||
				s.Ino != l.directory || !l.owned || l.users != 2 {
				t.Errorf("F-118: %+v, want %s in %q", l, c.path, c.in)
			}
		}
		if l := other.linkNow(); l.name != "other" || l.path != "other" || l.users != 1 {
			t.Errorf("F-117: the other name is %+v", l)
		}
		w.holds(map[string]string{c.path: "f", "other": "f"})
	}
	w.want(two.SetDelete(true), ntstatus.Success)
	w.shut(two)
	w.holds(map[string]string{`d\last`: "f"})
	w.shut(one)
	w.holds(map[string]string{`d\last`: "-", "other": "f"})
}

// TestMoveInAnotherCase: a tree that finds names in another case replaces what it finds, and gives a file another
// case of its own name (F-118).
func TestMoveInAnotherCase(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.CaseInsensitive = true })
	w.dir("Sub", wide)
	w.file("f", "f", wide)
	w.file(`Sub\His`, "his", narrow)
	f := w.opened("F", fileaccess.Request{}, winnt.DELETE)
	told := ""
	look := func(q *fileaccess.Move) fileaccess.MoveDecision {
		told = toldOf(q) + "/" + toldOfExisting(q.Existing)
		return fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success), Replaces: true}
	}
	for _, c := range []struct {
		to, told string
		holds    map[string]string
	}{
		{"F", "same directory/", map[string]string{"F": "f", "f": "-"}},
		{`sUB\hIS`, "below " + wide + "/" + narrow, map[string]string{`Sub\His`: "f", "F": "-", `Sub\hIS`: "-"}},
		{`SUB\HIS`, "same directory, below " + wide + "/", map[string]string{`Sub\HIS`: "f", `Sub\His`: "-"}},
	} {
		w.want(f.Move(&nt.FileMove{Name: c.to, Decide: look}), ntstatus.Success)
		if told != c.told {
			t.Errorf("F-118: %s: told %q, want %q", c.to, told, c.told)
		}
		w.holds(c.holds)
		w.nothingPrivate("", "Sub")
	}
}

// failing makes a file by the tree itself, under a decision of the test, and expects that nothing of it stays.
func (w *world) failing(name string, options fileaccess.CreateOptions, change func(*place, *fileaccess.Decision),
	again bool, want ntstatus.Status) {
	w.Helper()
	before := len(descriptors(w))
	r := &fileaccess.Request{Name: name, Subject: w.subject(bob), Options: options, Disposition: fileaccess.FileCreate}
	found, st := w.tree.Find(r, nil)
	w.want(st, ntstatus.Success)
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
		Action: fileaccess.Created, NewSD: sddl.MustParse(wide)}
	change(found.(*place), &d)
	f, more, st := found.Open(r, &d)
	found.Release()
	if f != nil || more != again || st != want {
		w.Errorf("%s: %v, again %t, %v, want %t, %v", name, f, more, st, again, want)
	}
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	if len(w.tree.nodes) != 0 || w.tree.opens != 0 || w.tree.dooms != 0 || len(descriptors(w)) != before {
		w.Errorf("%s: %d nodes, %d opens, %d to go, %d descriptors, was %d", name, len(w.tree.nodes), w.tree.opens,
			w.tree.dooms, len(descriptors(w)), before)
	}
}

// TestNothingOfWhatFails: what cannot be made is nowhere afterwards: no name, no open, no descriptor of the host, for
// a file, a directory and a file to be deleted on close, whichever step fails (F-114, F-123).
func TestNothingOfWhatFails(t *testing.T) {
	for _, kind := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile, fileaccess.DeleteOnClose,
		fileaccess.DirectoryFile | fileaccess.DeleteOnClose} {
		w := newWorld(t)
		w.dir("d", wide)
		leave := func(*place, *fileaccess.Decision) {}
		w.failing(`d\f`, kind, func(_ *place, d *fileaccess.Decision) { *d = fileaccess.Decision{} }, false,
			ntstatus.AccessDenied)
		w.failing(`none\f`, kind, leave, false, ntstatus.AccessDenied) // there is no place for it
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.file(`d\f`, "new", wide) }, true,
			ntstatus.ObjectNameCollision)
		w.holds(map[string]string{`d\f`: "new"})
		w.must(os.Remove(w.path(`d\f`)))
		w.failing(`d\f`, kind, func(_ *place, d *fileaccess.Decision) { d.NewSD = nil }, false, ntstatus.Unsuccessful)
		was := w.tree.cfg.Opens
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.tree.cfg.Opens = 0 }, false,
			ntstatus.TooManyOpenedFiles)
		w.tree.cfg.Opens = was
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.must(os.Remove(w.path("d"))) }, true,
			ntstatus.ObjectNameNotFound)
		w.dir("d", wide)
		if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 0 {
			t.Errorf("F-114: %v stand there, %v", left, err)
		}
		w.nothingPrivate("")
	}
}
