package hostfs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// formatPlace formats the result of a lookup: the path's directories, the parent directory and the target.
func formatPlace(p *place) string {
	var words []string
	for _, c := range p.facts.Path {
		text := c.Name
		for _, k := range []struct {
			yes  bool
			what string
		}{{!c.Exists, " missing"}, {c.Exists && !c.IsDirectory, " file"}, {c.DeletePending, " pending"},
			{c.Descriptor != nil, " " + formatted(c.Descriptor)}} {
			if k.yes {
				text += k.what
			}
		}
		words = append(words, text)
	}
	whole := len(p.facts.Path) == 0 || p.facts.Path[len(p.facts.Path)-1].IsDirectory
	if above := p.facts.Parent; above != nil && whole { // If the path breaks off, no parent counts.
		words = append(words, "in "+above.Name+" "+formatted(above.Descriptor))
	}
	if o := &p.facts.Object; o.Exists {
		text := "file"
		for _, k := range []struct {
			yes  bool
			what string
		}{{o.IsDirectory, "directory"}, {o.VolumeRoot, "root"}, {o.Attributes&fileaccess.AttributeHidden != 0, "hidden"},
			{o.OtherOpens, "open"}, {o.ReparseTag == fileaccess.SymbolicLinkTag, "link"}, {true, formatted(o.Descriptor)}} {
			if k.yes {
				text += " " + k.what
			}
		}
		words = append(words, strings.TrimPrefix(text, "file directory"))
	}
	return strings.Join(words, "; ") + " as " + p.Path()
}

// A lookup that checks each directory returns the facts about the path, the parent directory and the target (F-21 to
// F-23, F-48, F-112).
func TestLookupReturnsFactsOfEachDirectory(t *testing.T) {
	w := newMoveTree(t)
	other := newWorld(t)
	walker := traverser(t, false)
	wideName := strings.Repeat("é", 200)
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	e := w.opened(`d\e`, fileaccess.Request{}, winnt.DELETE)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	theirs := other.opened("", fileaccess.Request{}, winnt.FILE_READ_DATA)
	inD, inE := "; in d "+aliceOnly, `; in d\e `+narrow
	for _, c := range []struct {
		name string
		from *file
		want string
		st   ntstatus.Status
	}{
		{"", nil, " root " + wide + " as ", 0}, {`\`, nil, "", ntstatus.ObjectPathSyntaxBad},
		{"f", nil, "in  " + wide + "; file " + wide + " as f", 0},
		{"none", nil, "in  " + wide + " as none", 0},
		{"d", nil, "in  " + wide + ";  open " + aliceOnly + " as d", 0},
		{`d\`, nil, "in  " + wide + ";  open " + aliceOnly + " as d", 0},
		{"dx", nil, "in  " + wide + ";  hidden " + wide + " as dx", 0},
		{`d\f`, nil, "d " + aliceOnly + inD + "; file " + narrow + ` as d\f`, 0},
		{`d\hidden`, nil, "d " + aliceOnly + inD + "; file hidden " + narrow + ` as d\hidden`, 0},
		{`d\e\f`, nil, "d " + aliceOnly + `; d\e ` + narrow + inE + "; file " + aliceOnly + ` as d\e\f`, 0},
		{`d\e\none`, nil, "d " + aliceOnly + `; d\e ` + narrow + inE + ` as d\e\none`, 0},
		{`d\none\f`, nil, "d " + aliceOnly + `; d\none missing as `, 0},
		{`none\f`, nil, "none missing as ", 0}, {`f\f`, nil, "f file as ", 0},
		{`none\f\g`, nil, "none missing as ", 0}, {`d\f\g\h`, nil, "d " + aliceOnly + `; d\f file as `, 0},
		// A name that is too long for the host, and invalid on Windows, does not exist.
		{wideName + `\f`, nil, wideName + " missing as ", 0},
		{`d\` + wideName + `\f`, nil, "d " + aliceOnly + `; d\` + wideName + " missing as ", 0},
		{"", d, " open " + aliceOnly + " as d", 0},
		{"f", d, "in d " + aliceOnly + "; file " + narrow + ` as d\f`, 0},
		{`e\f`, d, `d\e ` + narrow + inE + "; file " + aliceOnly + ` as d\e\f`, 0},
		{`e\none\x`, d, `d\e ` + narrow + `; d\e\none missing as `, 0},
		{"f", e, `in d\e ` + narrow + "; file " + aliceOnly + ` as d\e\f`, 0},
		{"f", f, "", ntstatus.ObjectPathNotFound}, {"", f, "", ntstatus.ObjectPathNotFound},
		{"f", theirs, "", ntstatus.InvalidParameter}, {"", theirs, "", ntstatus.InvalidParameter},
		{`d\f\`, nil, "", ntstatus.ObjectNameInvalid}, {`d\none\`, nil, "", ntstatus.ObjectNameInvalid},
		{`none\none\`, nil, "", ntstatus.ObjectNameInvalid},
		{strings.Repeat(`d\`, maxPath/2-1) + "dd", nil, "d " + aliceOnly + `; d\d missing as `, 0},
		{strings.Repeat(`d\`, maxPath/2-1) + "ddd", nil, "", ntstatus.ObjectNameInvalid},
		{`d\` + privatePrefix, nil, "", ntstatus.ObjectNameInvalid}, {privatePrefix, nil, "", ntstatus.ObjectNameInvalid},
		{privatePrefix + `\f`, nil, "", ntstatus.ObjectNameInvalid},
		{"x" + privatePrefix, nil, "in  " + wide + " as x" + privatePrefix, 0},
		{"f:", nil, " as ", 0}, {"f:s", nil, "", ntstatus.ObjectNameInvalid}, {"\xff", nil, "", ntstatus.ObjectNameInvalid},
	} {
		if c.name == `\` {
			continue // The decision rejects it (F-13).
		}
		var from nt.OpenFile
		if c.from != nil {
			from = c.from
		}
		r := fileaccess.Request{Name: c.name, Subject: walker, Share: 7}
		found, st := w.tree.Find(&r, from)
		got := ""
		if st == ntstatus.Success {
			got = formatPlace(found.(*place))
			found.Release()
		}
		check.That(t, got == c.want && st == c.st, "Find(%.40q): %q, %v, want %q, %v", c.name, got, st, c.want, c.st)
		r.Subject = traverser(t, true) // the directories are not walked, unless one is missing
		if found, st = w.tree.Find(&r, from); st == ntstatus.Success {
			found.Release()
		}
		check.Equal(t, st, c.st, "Find(%.40q) without the traverse check", c.name)
	}
	// A directory to create may be named with a trailing backslash, an existing file may not.
	r := fileaccess.Request{Name: `d\none\`, Subject: w.subject(bob), Options: fileaccess.DirectoryFile}
	found, st := w.tree.Find(&r, nil)
	if w.want(st, ntstatus.Success); st == ntstatus.Success {
		found.Release()
	}
	r.Name = `d\f\`
	_, st = w.tree.Find(&r, nil)
	w.want(st, ntstatus.ObjectNameInvalid)
	// A directory on the path with a pending deletion is found, whether it is the parent or the target.
	w.want(e.SetDelete(true), ntstatus.Success)
	for name, want := range map[string]string{
		`d\e\f`: "d " + aliceOnly + `; d\e pending ` + narrow + inE + "; file " + aliceOnly + ` as d\e\f`,
		`d\e`:   "d " + aliceOnly + inD + ";  open " + narrow + ` as d\e`} {
		found, st := w.tree.Find(&fileaccess.Request{Name: name, Subject: walker}, nil)
		if w.want(st, ntstatus.Success); formatPlace(found.(*place)) != want {
			t.Errorf("F-22: Find(%s) with a pending deletion: %q, want %q", name, formatPlace(found.(*place)), want)
		}
		found.Release()
	}
	w.want(e.SetDelete(false), ntstatus.Success)
}

// traverser returns bob with or without the privilege to pass directories unchecked.
func traverser(t *testing.T, passes bool) access.Subject {
	t.Helper()
	spec := userSpec(bob)
	spec.Privileges, spec.EnabledPrivileges, spec.DefaultPrivileges = 0, 0, 0
	if passes {
		spec.Privileges = winnt.SeChangeNotifyPrivilege.Bit()
		spec.EnabledPrivileges = spec.Privileges
	}
	tok := check.Must(token.New(spec))
	return access.Subject{Primary: tok}
}

// Directories on the path are checked if the policy requires it, or if the privilege is missing or disabled.
// Otherwise they are skipped (F-23).
func TestTraverseChecksByPolicy(t *testing.T) {
	for _, c := range []struct {
		how  fileaccess.Traverse
		who  access.Subject
		want bool
	}{
		{fileaccess.TraverseNever, access.Subject{}, false}, {fileaccess.TraverseNever, traverser(t, false), false},
		{fileaccess.TraverseAlways, traverser(t, true), true}, {fileaccess.TraverseAlways, access.Subject{}, true},
		{fileaccess.TraversePrivilege, traverser(t, true), false},
		{fileaccess.TraversePrivilege, traverser(t, false), true},
		{fileaccess.TraversePrivilege, access.Subject{}, true},
		{fileaccess.TraversePrivilege, access.Subject{Primary: traverser(t, true).Primary,
			Client: traverser(t, false).Primary}, true},
	} {
		check.Equal(t, walks(&fileaccess.Policy{Traverse: c.how}, &fileaccess.Request{Subject: c.who}), c.want,
			"F-23: walks with policy %d", c.how)
	}
	w := newMoveTree(t)
	found := check.Result(w.tree.Find(&fileaccess.Request{Name: `d\e\f`, Subject: traverser(t, true)}, nil))
	want := `d\e; in d\e ` + narrow + "; file " + aliceOnly + ` as d\e\f`
	check.Equal(t, formatPlace(found.(*place)), want, "F-23: Find with the privilege")
	found.Release()
}

// Each lookup returns the facts of the tree: policy, share, and whether it is read-only (F-26, F-111). The zero tree
// finds nothing.
func TestLookupHasTreeFacts(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Share, c.AccessBased, c.Policy.HideDenied = sddl.MustParse("D:(A;;FA;;;WD)"), true, true
	})
	w.file("f", "", wide)
	w.tree.readOnly = true
	for _, direct := range []bool{false, true} {
		r := fileaccess.Request{Name: "f", Subject: w.subject(bob), Disposition: fileaccess.FileOpen, Share: 7}
		var p nt.FilePlace
		st, ok := ntstatus.Success, true
		if direct {
			r.Subject = traverser(t, true)
			p, ok = w.tree.FindDirect(&r, nil)
		} else {
			p, st = w.tree.Find(&r, nil)
		}
		check.RequireThat(t, ok && st == ntstatus.Success,
			"lookup, deferred %t: found %t, %v, want success", direct, ok, st)
		facts := p.Facts()
		if r.Face != fileaccess.SMB || !facts.ReadOnlyVolume || !facts.Policy.HideDenied || facts.Share == nil ||
			!facts.Share.ABE || facts.Share.Path != w.root || formatted(facts.Share.Descriptor) != "D:(A;;FA;;;WD)" {
			t.Errorf("F-111: lookup, deferred %t: face %d, facts %+v; want SMB and the facts of the tree", direct,
				r.Face, facts)
		}
		p.Release()
	}
	w.tree.readOnly = false
	check.Equal(t, check.Status((&Tree{}).Find(&fileaccess.Request{Name: "f"}, nil)), ntstatus.AccessDenied,
		"Find of the zero tree")
	if _, ok := (&Tree{}).FindDirect(&fileaccess.Request{Name: "f", Disposition: fileaccess.FileOpen, Share: 7}, nil); ok {
		t.Error("FindDirect of the zero tree finds a file, want none")
	}
	check.Equal(t, (&Tree{}).Close(), nil, "Close of the zero tree")
}

// A directory on which another file system is mounted is not listed and cannot be opened (F-112, F-120).
func TestMountedDirectoryIsHidden(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.dir(`d\m`, "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file(`d\f`, "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	h := w.open(th, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	listed := func(want ...string) {
		t.Helper()
		var names []string
		list := check.Result(th.NtQueryDirectoryFile(h, "?", true))
		for _, e := range list {
			names = append(names, e.FileName)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("listing of the directory: %q, want %q", names, want)
		}
	}
	listed(".", "f", "m")
	if err := unix.Mount("none", w.path(`d\m`), "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("cannot mount here: ", err)
	}
	defer func() { w.must(unix.Unmount(w.path(`d\m`), unix.MNT_DETACH)) }()
	listed(".", "f")
	dir := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	check.SlicesEqual(t, listNames(t, dir), listEntries(t, dir), "names and entries of the directory")
	w.mustShut(dir)
	w.open(th, `d\m`, winnt.FILE_READ_ATTRIBUTES, ntstatus.AccessDenied)
	w.want(th.NtClose(h), ntstatus.Success)
}

// A file on another device is not part of the tree. Find and a replacing rename fail with STATUS_ACCESS_DENIED, and
// List neither returns nor removes it (F-112, F-120, F-129).
func TestOtherDeviceIsNotPartOfTree(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	w.dir("d", wide)
	w.file(`d\`+privatePrefix+"x", "", wide)
	w.file(`d\f`, "", wide)
	w.tree.abandoned = -1 << 40
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	w.tree.device.minor++
	_, st := w.tree.Find(&fileaccess.Request{Name: "f", Subject: w.subject(bob)}, nil)
	w.want(st, ntstatus.AccessDenied)
	if list, st := d.List("", true, 9, nil); st != ntstatus.Success || len(list) != 2 {
		t.Errorf("F-120: listing without entries on another device: %v, %v, want only . and ..", list, st)
	}
	fd, status := w.openPlace("f")
	g := target{directory: &place{}, name: "f", existing: fd, status: status}
	w.want(f.describeExisting(&g, &fileaccess.Move{}), ntstatus.AccessDenied)
	w.exists(`d\`+privatePrefix+"x", true)
	w.tree.device.minor--
	w.want(f.describeExisting(&g, &fileaccess.Move{}), ntstatus.Success)
	_, _ = d.List("", true, 9, nil)
	w.exists(`d\`+privatePrefix+"x", false)
}

// A place has its name in the tree's spelling, whatever the request's case was.
func TestPathHasTreeSpelling(t *testing.T) {
	for _, c := range []struct{ path, name, request, want string }{
		{"d", "f", `d\f`, `d\f`}, {"d", "f", "", `d\f`}, {"d", "f", `D\f`, `d\f`}, {"d", "f", `d\F`, `d\f`},
		{"", "f", "f", "f"}, {"", "f", "F", "f"}, {"d", "", "d", "d"},
		{`d\e`, "f", `d\e\f`, `d\e\f`}, {"d", "f", `d\ef`, `d\f`},
		{"d", "ff", `d\f`, `d\ff`}, {"", "", "", ""}, {"dd", "f", `d\f`, `dd\f`},
	} {
		p := &place{path: c.path, name: c.name, request: c.request}
		check.Equal(t, p.Path(), c.want, "Path of %+v", c)
	}
}

// In a case-insensitive tree a name is found in another case, returned in the tree's spelling and not created twice.
// Other trees distinguish case.
func TestCaseInsensitiveTreeFindsOtherCase(t *testing.T) {
	var unread error
	w := newWorld(t, func(c *Config) {
		c.CaseInsensitive = true
		c.Faults = func(call, _ string) error {
			if call == "list" {
				return unread
			}
			return nil
		}
	})
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	w.dir("Sub", all)
	w.file(`Sub\File`, "x", all)
	th := w.as(bob)
	h := w.open(th, `sUB\fILE`, winnt.FILE_READ_DATA|winnt.DELETE, ntstatus.Success)
	v, _ := th.NtQueryInformationFile(h, nt.FileNameInformation)
	check.Equal(t, v.(nt.NameInformation).FileName, `\Sub\File`, "the name of a file that was opened in another case")
	w.file(`Sub\`+privatePrefix+"x", "", all)
	w.open(th, `Sub\`+strings.ToUpper(privatePrefix+"x"), winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound)
	// FindDirect leaves a name in another case to Find.
	w.want(th.NtClose(w.open(th, `Sub\fILE`, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	w.create(th, `SUB\FILE`, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate},
		ntstatus.ObjectNameCollision)
	unread = unix.EMFILE // one of the names may differ in case alone (F-113)
	for _, name := range []string{`Sub\FILE`, `SUB\x`} {
		w.create(th, name, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpenIf},
			ntstatus.TooManyOpenedFiles)
	}
	w.renames(th, h, nt.FileRename{FileName: "FILE"}, ntstatus.TooManyOpenedFiles)
	unread = nil
	w.renames(th, h, nt.FileRename{FileName: "FILE"}, ntstatus.Success)
	w.exists(`Sub\FILE`, true)
	for i := range 300 { // more names than one read returns
		w.must(os.Mkdir(w.path(fmt.Sprintf("many-%d", i)), 0o700))
	}
	for i := range 300 {
		spelled, err := (&place{t: w.tree}).fold(w.tree.root, fmt.Sprintf("Many-%d", i))
		check.That(t, err == nil && spelled == fmt.Sprintf("many-%d", i), "Many-%d in another case: %q, %v", i, spelled,
			err)
	}
	exact := newWorld(t)
	exact.describe("", all)
	exact.file("File", "", all)
	exact.open(exact.as(bob), "fILE", winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound)
}

// A subvolume is not entered: a new file there could have the inode number of a file in the tree, and its share access
// would block opens of that file (F-112).
func TestSubvolumeIsNotEntered(t *testing.T) {
	_, at := newFileSystem(t, "btrfs", 256<<20)
	sub := filepath.Join(at, "sub")
	if out, err := exec.Command("btrfs", "subvolume", "create", sub).CombinedOutput(); err != nil {
		t.Skipf("btrfs subvolume create: %v: %s", err, out)
	}
	w := newWorld(t, func(c *Config) { c.Path = at })
	w.describe("sub", wide)
	w.create(w.as(bob), `sub\new`, call{desired: winnt.DELETE, disposition: fileaccess.FileCreate}, ntstatus.AccessDenied)
	w.exists(`sub\new`, false)
}
