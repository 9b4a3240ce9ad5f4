package hostfs

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// opened opens a name by the tree itself: the test decides. It is closed with the test unless the test does so.
func (w *world) opened(name string, r fileaccess.Request, granted winnt.AccessMask) *file {
	w.Helper()
	r.Name, r.Disposition, r.Share = name, fileaccess.FileOpen, 7
	p, st := w.tree.Find(&r, nil)
	if st != ntstatus.Success {
		w.Fatalf("%s: %v", name, st)
	}
	defer p.Release()
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: granted, Action: fileaccess.Opened}
	f, again, st := p.Open(&r, &d)
	if again || st != ntstatus.Success {
		w.Fatalf("%s: %t, %v", name, again, st)
	}
	w.Cleanup(func() {
		if !w.closed[f.(*file)] {
			f.Close()
		}
	})
	return f.(*file)
}

// shut closes what opened gave.
func (w *world) shut(f *file) {
	if w.closed == nil {
		w.closed = map[*file]bool{}
	}
	w.closed[f] = true
	f.Close()
}

// inode returns the number of a file by its name.
func (w *world) inode(name string) uint64 {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(w.path(name), &s))
	return s.Ino
}

// hide gives a file the hidden attribute as a file server keeps it, or skips the test.
func (w *world) hide(t *testing.T, name string, directory bool) {
	t.Helper()
	value := dos{fileaccess.AttributeHidden, true, 0x01dd79c50631be1a}.append(nil, directory)
	if err := setAttribute(w.path(name), dosName, value); err != nil {
		t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
	}
}

const (
	wide   = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	narrow = "O:BAG:SYD:P(A;;FR;;;WD)"
	hers   = "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")"
)

// movable is a tree whose files can be moved about; each name has a descriptor of its own kind.
func movable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.describe("", wide)
	w.dir("d", hers)
	w.dir(`d\e`, narrow)
	w.dir("dx", wide)
	for name, text := range map[string]string{"f": wide, `d\f`: narrow, `d\e\f`: hers, `dx\f`: wide, `d\hidden`: narrow} {
		w.file(name, name, text)
	}
	w.hide(t, `d\hidden`, false)
	w.hide(t, "dx", true)
	w.must(os.Link(w.path(`d\hidden`), w.path(`d\other`)))
	return w
}

// TestFactsOfAMove: what is told of a rename's source, of where it is to go and of what stands there, each fact by
// itself (F-57, F-58, F-117, F-118).
func TestFactsOfAMove(t *testing.T) {
	w := movable(t)
	for _, c := range []struct {
		from, to string
		also     []string // open, too
		root     string   // open, and the start of the name
		doomed   string   // open, and to be deleted
		want     string   // what is told of source and target
		existing string   // what is told of what stands there
	}{
		{"f", "new", nil, "", "", "same directory", ""},
		{"f", "f", nil, "", "", "same directory, same name", wide + " open"},
		{"f", `d\new`, nil, "", "", "below " + hers, ""},
		{"f", `d\f`, nil, "", "", "below " + hers, narrow},
		{"f", `d\f`, []string{`d\f`}, "", "", "below " + hers, narrow + " open"},
		{"f", `d\f`, nil, "", `d\f`, "below " + hers, narrow + " open pending"},
		{"f", `d\hidden`, nil, "", `d\other`, "below " + hers, narrow + " hidden open"},
		{"f", `d\other`, nil, "", `d\other`, "below " + hers, narrow + " hidden open pending"},
		{"f", `d\hidden`, nil, "", "", "below " + hers, narrow + " hidden"},
		{"f", "dx", nil, "", "", "same directory", wide + " hidden directory"},
		{"f", "d", []string{"d"}, "", "", "same directory", hers + " directory open"},
		{"f", `dx\g`, nil, "", "", "below " + wide + " hidden", ""},
		{`d\f`, `d\e\f`, nil, "", "", "below " + narrow, hers},
		{`d\f`, `d\f`, nil, "", "", "same directory, same name, below " + hers, narrow + " open"},
		{`d\e\f`, "f", nil, "", "", "", wide},
		{`d\f`, "e", nil, "d", "", "same directory, below " + hers, narrow + " directory"},
		{`d\f`, `e\x`, nil, "d", "", "below " + narrow, ""},
		{"f", "f", nil, "d", "", "below " + hers, narrow},
		{"d", "y", nil, "", "", "directory, same directory", ""},
		{"d", "y", []string{`d\f`}, "", "", "directory, opens below, same directory", ""},
		{"d", "y", []string{`d\e\f`}, "", "", "directory, opens below, same directory", ""},
		{"d", "y", []string{`dx\f`, "dx"}, "", "", "directory, same directory", ""},
		{"d", "y", []string{"d"}, "", "", "directory, same directory", ""},
		{"dx", "y", []string{`d\f`}, "", "", "directory, same directory", ""},
		{"f", "new", nil, "", "f", "pending, same directory", ""},
		{`d\hidden`, "new", nil, "", `d\other`, "", ""},
	} {
		t.Run(fmt.Sprint(c.from, " to ", c.root, " ", c.to, c.also, c.doomed), func(t *testing.T) {
			var held []*file
			for _, name := range c.also {
				held = append(held, w.opened(name, fileaccess.Request{}, winnt.FILE_READ_DATA))
			}
			if c.doomed != "" {
				held = append(held, w.opened(c.doomed, fileaccess.Request{}, winnt.DELETE))
				w.want(held[len(held)-1].SetDelete(true), ntstatus.Success)
			}
			m := &nt.FileMove{Name: c.to, Replace: len(c.also) > 0}
			if c.root != "" {
				root := w.opened(c.root, fileaccess.Request{}, winnt.FILE_READ_DATA)
				held, m.Root = append(held, root), root
			}
			f := held0(held, c.doomed == c.from)
			if f == nil {
				f = w.opened(c.from, fileaccess.Request{}, winnt.DELETE)
				held = append(held, f)
			}
			var q fileaccess.Move
			m.Decide = func(of *fileaccess.Move) fileaccess.MoveDecision { q = *of; return fileaccess.MoveDecision{} }
			w.want(f.Move(m), fileaccess.MoveDecision{}.Status())
			if got := toldOf(&q); got != c.want || q.ReplaceIfExists != m.Replace || q.BadName || q.Face != 0 {
				t.Errorf("F-118: told %q of the move, want %q (%+v)", got, c.want, q)
			}
			if got := toldOfExisting(q.Existing); got != c.existing {
				t.Errorf("F-58: told %q of what stands there, want %q", got, c.existing)
			}
			for _, f := range held {
				if c.doomed != "" {
					w.want(f.SetDelete(false), ntstatus.Success)
				}
				w.shut(f)
			}
		})
	}
}

// held0 returns the last open of a list where that is asked for.
func held0(held []*file, wanted bool) *file {
	if !wanted || len(held) == 0 {
		return nil
	}
	return held[len(held)-1]
}

// toldOf says in words what a move is told to be.
func toldOf(q *fileaccess.Move) (text string) {
	add := func(yes bool, what string) {
		if yes && text != "" {
			text += ", "
		}
		if yes {
			text += what
		}
	}
	add(q.Directory, "directory")
	add(q.DeletePending, "pending")
	add(q.OpensBelow, "opens below")
	add(q.SameDirectory, "same directory")
	add(q.SameName, "same name")
	o := &q.Target.Object
	if !o.Exists || !o.IsDirectory || o.Descriptor == nil {
		return text + " nowhere"
	}
	if !o.VolumeRoot { // what the root of the tree grants is the same in all
		name := "below " + formatted(o.Descriptor)
		if o.Attributes&fileaccess.AttributeHidden != 0 {
			name += " hidden"
		}
		add(true, name)
	}
	return text
}

func toldOfExisting(e *fileaccess.Existing) string {
	if e == nil {
		return ""
	}
	text := formatted(e.Descriptor)
	for _, c := range []struct {
		yes  bool
		what string
	}{{e.Attributes&fileaccess.AttributeHidden != 0, " hidden"}, {e.IsDirectory, " directory"}, {e.Open, " open"},
		{e.DeletePending, " pending"}} {
		if c.yes {
			text += c.what
		}
	}
	return text
}

// TestMovesThatAreNone: what a move is not told of, because it is refused before, or has a name that none can have;
// what was decided is not done then, whatever it was (F-113, F-118, F-191).
func TestMovesThatAreNone(t *testing.T) {
	w := movable(t)
	w.must(os.Symlink("f", w.path("planted")))
	w.must(mkfifo(w.path("fifo")))
	allowed := fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success)}
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	for _, c := range []struct {
		to    string
		bad   bool // it is decided about as a name that none can have
		asked bool
		want  ntstatus.Status
	}{
		{`x\`, true, true, ntstatus.ObjectNameInvalid}, {"", true, true, ntstatus.ObjectNameInvalid},
		{"a:b", true, true, ntstatus.ObjectNameInvalid}, {`..\x`, true, true, ntstatus.ObjectNameInvalid},
		{`d\` + privatePrefix + "x", true, true, ntstatus.ObjectNameInvalid},
		{`d\`, true, true, ntstatus.ObjectNameInvalid}, {"\xff", true, true, ntstatus.ObjectNameInvalid},
		{`none\x`, false, false, ntstatus.ObjectPathNotFound}, {`f\x`, false, false, ntstatus.ObjectPathNotFound},
		{`d\f\x`, false, false, ntstatus.ObjectPathNotFound}, {`d\none\x`, false, false, ntstatus.ObjectPathNotFound},
		{"planted", false, false, ntstatus.AccessDenied}, {"fifo", false, false, ntstatus.AccessDenied},
		{`planted\x`, false, false, ntstatus.AccessDenied},
		{`d\f`, false, true, ntstatus.ObjectNameCollision}, // what is there is not to be replaced
		{"f", false, true, ntstatus.ObjectNameCollision},   // nor is the file itself
	} {
		asked, bad := false, false
		st := f.Move(&nt.FileMove{Name: c.to, Decide: func(q *fileaccess.Move) fileaccess.MoveDecision {
			asked, bad = true, q.BadName
			d := allowed
			d.Replaces = c.to == "f"
			return d
		}})
		if st != c.want || asked != c.asked || bad != c.bad {
			t.Errorf("F-118: %q: %v, decided about %t as a bad name %t, want %v, %t, %t", c.to, st, asked, bad, c.want,
				c.asked, c.bad)
		}
	}
	// A decision that refuses is told, one that finds nothing to do does nothing, whatever stands there.
	for want, d := range map[ntstatus.Status]fileaccess.MoveDecision{
		ntstatus.SharingViolation: {Verdict: ntstatus.Decided(ntstatus.SharingViolation), Nothing: true, Replaces: true},
		ntstatus.Success:          {Verdict: ntstatus.Decided(ntstatus.Success), Nothing: true, Replaces: true}} {
		for _, name := range []string{`d\f`, "x", "a:b"} {
			w.want(f.Move(&nt.FileMove{Name: name, Decide: func(*fileaccess.Move) fileaccess.MoveDecision { return d }}), want)
		}
	}
	// The root of the tree has no name to change.
	root := w.opened("", fileaccess.Request{}, winnt.DELETE)
	for _, link := range []bool{false, true} {
		w.want(root.Move(&nt.FileMove{Name: "x", Link: link, Decide: func(*fileaccess.Move) fileaccess.MoveDecision {
			t.Error("F-118: the root is decided about")
			return allowed
		}}), ntstatus.AccessDenied)
	}
	for _, name := range []string{"f", `d\f`} {
		if b, err := os.ReadFile(w.path(name)); err != nil || string(b) != name {
			t.Errorf("F-118: %s holds %q, %v", name, b, err)
		}
	}
	w.exists("x", false)
	w.nothingPrivate("", "d")
}

// TestMoveBehindAShare: a tree with a descriptor of its own is renamed in as behind an SMB server (F-111).
func TestMoveBehindAShare(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("D:(A;;FA;;;WD)") })
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(f.Move(&nt.FileMove{Name: "g", Decide: func(q *fileaccess.Move) fileaccess.MoveDecision {
		if q.Face != fileaccess.SMB || q.Target.Share == nil || q.Target.Share.Path != w.root {
			t.Errorf("F-111: %+v", q)
		}
		return fileaccess.MoveDecision{}
	}}), fileaccess.MoveDecision{}.Status())
}
