package hostfs

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A rename requires DELETE and the right to add to the target directory. It replaces an existing file only if the
// user may delete it (F-57, F-58, F-118).
func TestRenameNeedsRights(t *testing.T) {
	w := newWorld(t)
	const mine = "O:BAG:SYD:P(A;;FA;;;" + alice + ")(A;;FR;;;WD)"
	w.dir("from", mine)
	w.dir("to", mine)
	w.dir("shut", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file(`from\f`, "f", mine)
	w.file(`to\his`, "his", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
	w.file(`shut\his`, "his", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, `from\f`, winnt.DELETE|winnt.FILE_WRITE_ATTRIBUTES, ntstatus.Success)
	move := func(to string, replace bool) ntstatus.Status {
		return one.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: to, ReplaceIfExists: replace})
	}
	reader := w.open(two, `from\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	w.renames(two, reader, nt.FileRename{FileName: "x"}, ntstatus.AccessDenied)
	for name, want := range map[string]ntstatus.Status{`\??\share\shut\f`: ntstatus.AccessDenied,
		`\??\share\none\f`: ntstatus.ObjectPathNotFound, `\??\share\to\his`: ntstatus.ObjectNameCollision,
		`\??\NUL`: ntstatus.NotSameDevice, `\??\other\f`: ntstatus.NotSameDevice, `a:b`: ntstatus.InvalidParameter,
		`..\f`: ntstatus.InvalidParameter, privatePrefix + "x": ntstatus.InvalidParameter} {
		check.Equal(t, move(name, false), want, "rename to %s", name)
	}
	w.want(move(`\??\share\shut\his`, true), ntstatus.AccessDenied)
	w.want(move("g", false), ntstatus.Success)
	w.exists(`from\f`, false)
	w.want(move("g", false), ntstatus.Success) // its own name
	w.want(move(`\??\share\to\his`, true), ntstatus.Success)
	w.holds(map[string]string{`to\his`: "f"})
	w.exists(`from\g`, false)
	// A target below a directory's handle, and hard links.
	d := w.open(one, "from", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	w.renames(one, h, nt.FileRename{RootDirectory: d, FileName: "k"}, ntstatus.Success)
	link := nt.FileRename{FileName: "l"}
	w.want(two.NtSetInformationFile(reader, nt.FileLinkInformation, link), ntstatus.AccessDenied)
	w.want(one.NtSetInformationFile(h, nt.FileLinkInformation, link), ntstatus.Success)
	w.want(one.NtSetInformationFile(h, nt.FileLinkInformation, link), ntstatus.ObjectNameCollision)
	w.exists(`from\k`, true)
	w.exists(`from\l`, true)
	// A directory with an open file below it cannot be renamed.
	dir := w.open(one, "from", winnt.DELETE, ntstatus.Success)
	w.renames(one, dir, nt.FileRename{FileName: "elsewhere"}, ntstatus.AccessDenied)
	w.nothingPrivate("", "from", "to", "shut")
}

// A file can only be renamed within its tree, whether the other tree is given by name or by an open directory.
// Directories that are opened for this are closed again (F-118).
func TestRenameAcrossTreesFails(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.must(w.sys.AddTree("other", other.tree))
	const all = "O:BAG:SYD:P(A;;FA;;;WD)"
	for _, x := range []*world{w, other} {
		x.describe("", all)
		x.dir("d", all)
	}
	w.file("f", "f", all)
	th := w.as(alice)
	open := func(name string, desired winnt.AccessMask) winnt.Handle {
		t.Helper()
		in := call{desired: desired, disposition: fileaccess.FileOpen}.at("")
		in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: name})
		h, _, st := th.NtCreateFile(in)
		w.want(st, ntstatus.Success)
		return h
	}
	h := open(`\??\share\f`, winnt.DELETE|winnt.FILE_WRITE_ATTRIBUTES)
	here, there := open(`\??\share\d`, winnt.FILE_LIST_DIRECTORY), open(`\??\other\d`, winnt.FILE_LIST_DIRECTORY)
	objects, handles, references := w.sys.Counts()
	for i, c := range []struct {
		root winnt.Handle
		to   string
		want ntstatus.Status
	}{
		{there, "g", ntstatus.NotSameDevice}, {0, `\??\other\g`, ntstatus.NotSameDevice},
		{0, `\??\other\d\g`, ntstatus.NotSameDevice}, {here, "g", ntstatus.Success}, {0, `\??\share\h`, ntstatus.Success},
	} {
		for class, more := range map[nt.FileInfoClass]string{nt.FileLinkInformation: "link", nt.FileRenameInformation: ""} {
			to := nt.FileRename{RootDirectory: c.root, FileName: c.to + more}
			check.Equal(t, th.NtSetInformationFile(h, class, to), c.want, "F-118: case %d, class %v", i, class)
		}
	}
	if o, n, r := w.sys.Counts(); o != objects || n != handles || r != references {
		t.Errorf("system after the renames: %d objects, %d handles, %d references; want %d, %d, %d", o, n, r, objects,
			handles, references)
	}
	w.mustClose(th, h, here, there)
}

// A rename over another name of the same file keeps both names, because removing the target would remove the file's
// own name (F-118).
func TestRenameOverOwnNameKeepsBothNames(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Link(w.path("f"), w.path("g")))
	th := w.as(alice)
	h := w.open(th, "f", winnt.DELETE|winnt.FILE_READ_DATA, ntstatus.Success)
	w.want(w.sys.RenamePosix(th, h, `\??\share\g`, nil, true, false), ntstatus.ObjectNameCollision)
	w.exists("f", true)
	w.exists("g", true)
	w.want(th.NtClose(h), ntstatus.Success)
}

// attributeOf returns the value of a file's attribute.
func (w *world) attributeOf(name string) []byte {
	w.Helper()
	b := make([]byte, 4096)
	n := check.Must(unix.Getxattr(w.path(name), attributeHere(w), b))
	return b[:n]
}

// A rename changes no descriptor, whatever the new directory's inheritable entries are (F-60).
func TestRenameKeepsDescriptor(t *testing.T) {
	w := newWorld(t)
	const all, closed = "O:BAG:SYD:P(A;OICI;FA;;;WD)", "O:" + bob + "G:SYD:AI(A;OICI;FR;;;" + alice + ")(A;;SD;;;WD)"
	w.describe("", all)
	w.dir("from", all)
	w.dir("to", closed+"(A;;0x100006;;;WD)")
	w.dir(`from\d`, all)
	w.file(`from\f`, "", all)
	th := w.as(bob)
	for _, name := range []string{"f", "d"} {
		before := w.attributeOf(`from\` + name)
		h := w.open(th, `from\`+name, winnt.DELETE, ntstatus.Success)
		w.renames(th, h, nt.FileRename{FileName: `\??\share\to\` + name}, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		check.That(t, bytes.Equal(before, w.attributeOf(`to\`+name)),
			"F-60: the rename changed the descriptor of %s, want it unchanged", name)
	}
}

// A rename passes each fact about its source, its target directory and an existing target to the decision (F-57,
// F-58, F-117, F-118).
func TestRenameDecisionGetsAllFacts(t *testing.T) {
	w := newMoveTree(t)
	w.must(os.Link(w.path(`dx\f`), w.path(`d\e\link`)))
	for _, c := range []struct {
		from, to string
		also     []string // files that are open, too
		root     string   // open directory at which the name starts
		doomed   string   // file that is open with a pending deletion
		want     string   // facts about source and target directory
		existing string   // facts about the existing file
	}{
		{"f", "new", nil, "", "", "same directory", ""},
		{"f", "f", nil, "", "", "same directory, same name", wide + " open"},
		{"f", `d\new`, nil, "", "", "below " + aliceOnly, ""},
		{"f", `d\f`, nil, "", "", "below " + aliceOnly, narrow},
		{"f", `d\f`, []string{`d\f`}, "", "", "below " + aliceOnly, narrow + " open"},
		{"f", `d\f`, nil, "", `d\f`, "below " + aliceOnly, narrow + " open pending"},
		{"f", `d\hidden`, nil, "", `d\other`, "below " + aliceOnly, narrow + " hidden open"},
		{"f", `d\other`, nil, "", `d\other`, "below " + aliceOnly, narrow + " hidden open pending"},
		{"f", `d\hidden`, nil, "", "", "below " + aliceOnly, narrow + " hidden"},
		{"f", "dx", nil, "", "", "same directory", wide + " hidden directory"},
		{"f", "d", []string{"d"}, "", "", "same directory", aliceOnly + " directory open"},
		{"f", `dx\g`, nil, "", "", "below " + wide + " hidden", ""},
		{`d\f`, `d\e\f`, nil, "", "", "below " + narrow, aliceOnly},
		{`d\f`, `d\f`, nil, "", "", "same directory, same name, below " + aliceOnly, narrow + " open"},
		{`d\e\f`, "f", nil, "", "", "", wide},
		{`d\f`, "e", nil, "d", "", "same directory, below " + aliceOnly, narrow + " directory"},
		{`d\f`, `e\x`, nil, "d", "", "below " + narrow, ""},
		{"f", "f", nil, "d", "", "below " + aliceOnly, narrow},
		{"d", "y", nil, "", "", "directory, same directory", ""},
		{"d", "y", []string{`d\f`}, "", "", "directory, opens below, same directory", ""},
		{"d", "y", []string{`d\e\f`}, "", "", "directory, opens below, same directory", ""},
		{"d", "y", []string{`dx\f`, "dx"}, "", "", "directory, same directory", ""},
		{"d", "y", []string{`dx\f`, `d\e\link`}, "", "", "directory, opens below, same directory", ""},
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
			if got := formatMove(&q); got != c.want || q.ReplaceIfExists != m.Replace || q.BadName || q.Face != 0 {
				t.Errorf("F-118: facts about the move: %q, want %q (%+v)", got, c.want, q)
			}
			check.Equal(t, formatExisting(q.Existing), c.existing, "F-58: facts about the existing file")
			for _, f := range held {
				if c.doomed != "" {
					w.want(f.SetDelete(false), ntstatus.Success)
				}
				w.mustShut(f)
			}
		})
	}
}

// held0 returns the last open of a list, or nil unless wanted.
func held0(held []*file, wanted bool) *file {
	if !wanted || len(held) == 0 {
		return nil
	}
	return held[len(held)-1]
}

// formatMove returns the facts of a rename as text.
func formatMove(q *fileaccess.Move) (text string) {
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
	if !o.VolumeRoot { // The root of the tree is the target directory of most cases and is left out.
		name := "below " + formatted(o.Descriptor)
		if o.Attributes&fileaccess.AttributeHidden != 0 {
			name += " hidden"
		}
		add(true, name)
	}
	return text
}

func formatExisting(e *fileaccess.Existing) string {
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

// A tree with a share descriptor decides about a rename like an SMB server (F-111).
func TestRenameBehindShareFollowsSMBRules(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("D:(A;;FA;;;WD)") })
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(f.Move(&nt.FileMove{Name: "g", Decide: func(q *fileaccess.Move) fileaccess.MoveDecision {
		check.That(t, q.Face == fileaccess.SMB && q.Target.Share != nil && q.Target.Share.Path == w.root,
			"F-111: facts of the move %+v, want SMB and the share", q)
		return fileaccess.MoveDecision{}
	}}), fileaccess.MoveDecision{}.Status())
}

// After a rename the opens of a name have the new name and directory, and a pending deletion applies to it. Other
// names of the file do not change (F-117, F-118, F-181).
func TestRenameUpdatesOpenFiles(t *testing.T) {
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
			s := check.Must(stat(l.dir))
			if f.link != one.link || l.path != c.path || l.name != c.name || l.directory != w.inode(c.in) ||
				s.Ino != l.directory || !l.owned || l.users != 2 {
				t.Errorf("F-118: link of the opens: %+v, want %s in %q", l, c.path, c.in)
			}
		}
		if l := other.linkNow(); l.name != "other" || l.path != "other" || l.users != 1 {
			t.Errorf("F-117: link of the other name: %+v, want it unchanged, with 1 user", l)
		}
		w.holds(map[string]string{c.path: "f", "other": "f"})
	}
	w.want(two.SetDelete(true), ntstatus.Success)
	w.mustShut(two)
	w.holds(map[string]string{`d\last`: "f"})
	w.mustShut(one)
	w.holds(map[string]string{`d\last`: "-", "other": "f"})
}

// A case-insensitive tree replaces the file that it finds in another case, and can change the case of a file's own
// name (F-118).
func TestMoveCanChangeCase(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.CaseInsensitive = true })
	w.dir("Sub", wide)
	w.file("f", "f", wide)
	w.file(`Sub\His`, "his", narrow)
	f := w.opened("F", fileaccess.Request{}, winnt.DELETE)
	facts := ""
	decide := func(q *fileaccess.Move) fileaccess.MoveDecision {
		facts = formatMove(q) + "/" + formatExisting(q.Existing)
		return fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success), Replaces: true}
	}
	for _, c := range []struct {
		to, facts string
		holds     map[string]string
	}{
		{"F", "same directory/", map[string]string{"F": "f", "f": "-"}},
		{`sUB\hIS`, "below " + wide + "/" + narrow, map[string]string{`Sub\His`: "f", "F": "-", `Sub\hIS`: "-"}},
		{`SUB\HIS`, "same directory, below " + wide + "/", map[string]string{`Sub\HIS`: "f", `Sub\His`: "-"}},
	} {
		w.want(f.Move(&nt.FileMove{Name: c.to, Decide: decide}), ntstatus.Success)
		check.Equal(t, facts, c.facts, "F-118: facts of a move to %s", c.to)
		w.holds(c.holds)
		w.nothingPrivate("", "Sub")
	}
	// Another name of the file is taken in any case, and so is its own name for a link.
	w.must(os.Link(w.path(`Sub\HIS`), w.path(`Sub\other`)))
	for name, link := range map[string]bool{`Sub\OTHER`: false, `Sub\his`: true} {
		w.want(f.Move(&nt.FileMove{Name: name, Link: link, Decide: decide}), ntstatus.ObjectNameCollision)
	}
	w.holds(map[string]string{`Sub\HIS`: "f", `Sub\other`: "f", `Sub\OTHER`: "-", `Sub\his`: "-"})
	w.dir("two", wide)
	w.file(`two\HIS`, "another file", wide)
	w.want(f.Move(&nt.FileMove{Name: `two\his`, Decide: decide}), ntstatus.Success)
	w.holds(map[string]string{`two\HIS`: "f", `two\his`: "-", `Sub\HIS`: "-"})
}
