package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The file's descriptor decides an open by the thread's user, whatever its mode is, and the handle allows what was
// granted (F-110, F-114).
func TestDescriptorDecidesOpen(t *testing.T) {
	w := newWorld(t)
	w.dir("plans", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file(`plans\plan`, "the plan", "O:BAG:SYD:P(A;;FR;;;"+staff+")")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, `plans\plan`, winnt.GENERIC_READ, ntstatus.Success)
	if b, st := one.NtReadFileAt(h, 100, 0); string(b) != "the plan" || st != ntstatus.Success {
		t.Errorf(`read as alice: %q, %v, want "the plan", %v`, b, st, ntstatus.Success)
	}
	if b, st := one.NtReadFileAt(h, 3, 4); string(b) != "pla" || st != ntstatus.Success {
		t.Errorf(`read as alice at 4: %q, %v, want "pla", %v`, b, st, ntstatus.Success)
	}
	_, st := one.NtReadFileAt(h, 3, 8)
	w.want(st, ntstatus.EndOfFile)
	_, st = one.NtWriteFileAt(h, []byte("x"), 0)
	w.want(st, ntstatus.AccessDenied)
	w.open(one, `plans\plan`, winnt.GENERIC_WRITE, ntstatus.AccessDenied)
	w.open(two, `plans\plan`, winnt.GENERIC_READ, ntstatus.AccessDenied)
	w.open(two, `plans\none`, winnt.GENERIC_READ, ntstatus.ObjectNameNotFound)
	w.open(two, `none\plan`, winnt.GENERIC_READ, ntstatus.ObjectPathNotFound)
	w.open(two, `plans\plan\x`, winnt.GENERIC_READ, ntstatus.ObjectPathNotFound)
	// Files can also be opened by NtOpenFile, by the tree's name in another case, and below a directory's handle.
	h, st = one.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\DosDevices\SHARE\plans\plan`,
		Attributes: winnt.OBJ_CASE_INSENSITIVE}, shareAll, 0)
	w.want(st, ntstatus.Success)
	w.want(one.NtClose(h), ntstatus.Success)
	d := w.open(one, `plans\`, winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	in := &nt.ObjectAttributes{RootDirectory: d, ObjectName: `plan`}
	h, st = one.NtOpenFile(winnt.FILE_READ_DATA, in, shareAll, 0)
	w.want(st, ntstatus.Success)
	if v, st := one.NtQueryInformationFile(h, nt.FileNameInformation); st != ntstatus.Success ||
		v.(nt.NameInformation).FileName != `\plans\plan` {
		t.Errorf(`name of the file: %v, %v, want \plans\plan`, v, st)
	}
	in.ObjectName = `\plan`
	_, st = one.NtOpenFile(winnt.FILE_READ_DATA, in, shareAll, 0)
	w.want(st, ntstatus.ObjectPathSyntaxBad)
}

// Special files, links and names that lead out of the tree are rejected (F-112, F-113).
func TestNamesCannotLeaveTree(t *testing.T) {
	w := newWorld(t)
	const everybody = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", everybody)
	w.dir("d", everybody)
	w.file(`d\f`, "inside", everybody)
	outside := t.TempDir()
	w.must(os.WriteFile(outside+"/secret", []byte("secret"), 0o666))
	for name, to := range map[string]string{"out": outside + "/secret", "outdir": outside, "loop": "loop", "in": "d/f",
		"dot": ".", "self": "/proc/self/fd"} {
		w.must(os.Symlink(to, w.path(name)))
	}
	w.must(mkfifo(w.path("fifo")))
	th := w.as(alice)
	for _, name := range []string{"out", "outdir", "loop", "in", "dot", "self", "fifo"} {
		for d := fileaccess.FileSupersede; d <= fileaccess.FileOverwriteIf; d++ {
			w.create(th, name, call{desired: winnt.GENERIC_READ, disposition: d}, ntstatus.AccessDenied)
		}
	}
	for _, name := range []string{`outdir\secret`, `self\0`, `dot\d\f`} {
		w.open(th, name, winnt.GENERIC_READ, ntstatus.AccessDenied)
	}
	for _, name := range []string{`..\x`, `d\..\d\f`, `.`, `d\.\f`, `d/f`, `d\f:stream`, `d\f::$DATA`, "d\\f\x00", `d\f*`,
		`d\` + privatePrefix + "1", string(make([]byte, 1<<16)), `d\` + long, "d\\\xff\xfe"} {
		w.open(th, name, winnt.GENERIC_READ, ntstatus.ObjectNameInvalid)
	}
	w.open(th, `d\f\`, winnt.GENERIC_READ, ntstatus.ObjectNameInvalid)
	w.open(th, `d\`, winnt.GENERIC_READ, ntstatus.Success)
}

// A file without the attribute grants nothing, or what its mode grants. One with a malformed attribute never grants
// anything (F-115).
func TestPolicyDecidesMissingAttribute(t *testing.T) {
	for missing, want := range map[Missing]ntstatus.Status{RefuseMissing: ntstatus.AccessDenied,
		SynthesiseMissing: ntstatus.Success} {
		w := newWorld(t, func(c *Config) { c.Missing = missing })
		w.must(os.WriteFile(w.path("f"), nil, 0o644))
		w.must(os.Chmod(w.path("f"), 0o644))
		th := w.as(bob)
		w.open(th, "f", winnt.GENERIC_READ, want)
		w.open(th, "f", winnt.GENERIC_WRITE, ntstatus.AccessDenied)
		w.must(os.WriteFile(w.path("g"), nil, 0o644))
		for _, malformed := range []string{"nonsense", ""} {
			w.must(setAttribute(w.path("g"), w.tree.cfg.Attribute, []byte(malformed)))
			w.open(th, "g", winnt.GENERIC_READ, ntstatus.AccessDenied)
		}
		// The permissions of the root decide like those of a file.
		w.must(unix.Removexattr(w.root, w.tree.cfg.Attribute))
		w.must(os.Chmod(w.root, 0o777)) //nolint:gosec // so that the descriptor alone decides
		w.create(th, "new", call{desired: winnt.DELETE, disposition: fileaccess.FileCreate}, want)
	}
}

// The host descriptor of an open allows exactly what was granted: reading, writing, both, or neither (F-114).
func TestDescriptorAllowsGrantedAccessOnly(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(bob)
	for granted, want := range map[winnt.AccessMask]int{winnt.FILE_READ_DATA: unix.O_RDONLY,
		winnt.FILE_WRITE_DATA: unix.O_WRONLY, winnt.FILE_APPEND_DATA: unix.O_WRONLY,
		winnt.FILE_READ_DATA | winnt.FILE_APPEND_DATA: unix.O_RDWR, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA: unix.O_RDWR,
		winnt.FILE_READ_ATTRIBUTES | winnt.DELETE: unix.O_PATH, winnt.WRITE_DAC | winnt.WRITE_OWNER: unix.O_PATH} {
		h := w.open(th, "f", granted, ntstatus.Success)
		w.tree.mu.Lock()
		for _, n := range w.tree.nodes {
			flags, err := unix.FcntlInt(uintptr(n.opens[0].fd), unix.F_GETFL, 0)
			if got := flags & (unix.O_ACCMODE | unix.O_PATH); err != nil || got != want {
				t.Errorf("F-114: open for %v: access mode of the host descriptor %#x, want %#x (%v)", granted, got,
					want, err)
			}
		}
		w.tree.mu.Unlock()
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// If another program takes a name between lookup and creation, the name is looked up again (F-114). No trace of the
// intended file remains.
func TestCreateRetriesTakenName(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	tok := check.Must(token.New(userSpec(bob)))
	for _, kind := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile} {
		r := &fileaccess.Request{Subject: access.SubjectOf(tok), Name: "new", Desired: winnt.FILE_READ_DATA,
			Disposition: fileaccess.FileOpenIf, Options: kind, Share: 7}
		found := check.Result(w.tree.Find(r, nil))
		d := fileaccess.Open(r, found.Facts())
		check.RequireThat(t, d.Allowed(), "decision to create: %+v, want success", d)
		w.must(os.WriteFile(w.path("new"), []byte("another's"), 0o600))
		if _, again, st := found.Open(r, &d); !again {
			t.Errorf("F-114: Open did not request another lookup of the name: status %v", st)
		}
		found.Release()
		w.holds(map[string]string{"new": "another's"})
		w.must(os.Remove(w.path("new")))
		w.nothingPrivate("")
	}
}

// A failed open with delete-on-close removes nothing. A successful one does not remove the file's other name in a
// directory that replaced the first one (F-117).
func TestFailedDeleteOnCloseRemovesNothing(t *testing.T) {
	w := newWorld(t)
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	th := w.as(bob)
	w.file("leased", "", all)
	lease := check.Must(os.Open(w.path("leased")))
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	onClose := call{desired: winnt.DELETE | winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen,
		options: fileaccess.DeleteOnClose}
	w.create(th, "leased", onClose, ntstatus.SharingViolation)
	w.must(lease.Close())
	w.exists("leased", true)
	w.dir("d", all)
	w.file(`d\f`, "", all)
	h := w.create(th, `d\f`, onClose, ntstatus.Success)
	w.must(os.Rename(w.path("d"), w.path("e")))
	w.dir("d", all)
	w.must(os.Link(w.path(`e\f`), w.path(`d\f`)))
	w.deletes(th, h, ntstatus.Success)
	w.want(closeAny(th, w.open(th, `d\f`, winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)), ntstatus.Success)
	w.want(th.NtClose(h), ntstatus.Success)
	w.exists(`e\f`, false)
	w.exists(`d\f`, true)
}

// A user with the right to add files creates one with the directory's inheritable entries, in the directory's version
// of the attribute. Without the right nothing is created (F-31, F-32).
func TestCreateInheritsDescriptor(t *testing.T) {
	w := newWorld(t)
	w.dir("in", "O:BAG:SYD:PAI(A;OICI;FA;;;"+alice+")(A;OICI;FR;;;WD)(A;OICIIO;FA;;;CO)")
	one, two := w.as(alice), w.as(bob)
	q := call{desired: winnt.FILE_ALL_ACCESS, disposition: fileaccess.FileCreate}
	w.create(two, `in\f`, q, ntstatus.AccessDenied)
	check.That(t, check.Err(os.Lstat(w.path("in/f"))) != nil, "bob's denied creation left a file, want none")
	h, action, st := one.NtCreateFile(q.at(`in\f`))
	check.RequireThat(t, st == ntstatus.Success && action == fileaccess.Created,
		"create as alice: %v, %v, want %v, %v", action, st, fileaccess.Created, ntstatus.Success)
	if n, st := one.NtWriteFileAt(h, []byte("hello"), 0); n != 5 || st != ntstatus.Success {
		t.Errorf("write as alice: %d bytes, %v, want 5, %v", n, st, ntstatus.Success)
	}
	want := sddl.MustParse("O:" + alice + "D:AI(A;ID;FA;;;" + alice + ")(A;ID;FR;;;WD)(A;ID;FA;;;" + alice + ")")
	got := w.readBack(`in\f`)
	if !got.Descriptor.DACL().Equal(want.DACL()) || got.Descriptor.Owner() != want.Owner() || got.Version != 3 {
		text, _ := sddl.Format(got.Descriptor, sddl.Options{})
		t.Errorf("new file: version %d, descriptor %s; want version 3 and the inherited entries", got.Version, text)
	}
	w.create(one, `in\f`, q, ntstatus.ObjectNameCollision)
	w.want(one.NtClose(h), ntstatus.Success)
	w.nothingPrivate("", "in")
}

// New files have the configured permissions, whatever the umask is. So does a nameless file, which also has the
// requested attributes (F-172, F-197).
func TestNewFileHasConfiguredMode(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.FileMode, c.DirectoryMode = 0o666, 0o777 })
	w.setHidden(t, "", true)
	fd, root := w.openPlace(".")
	w.must(w.tree.write(fd, &root, &ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(aliceOnly)}))
	for name, c := range map[string]struct {
		options  fileaccess.CreateOptions
		nameless bool
		mode     uint16
		want     fileaccess.Attributes
	}{
		"f":    {0, false, unix.S_IFREG | 0o666, fileaccess.AttributeHidden | fileaccess.AttributeArchive},
		"d":    {fileaccess.DirectoryFile, false, unix.S_IFDIR | 0o777, fileaccess.AttributeHidden},
		"none": {0, true, unix.S_IFREG | 0o666, fileaccess.AttributeHidden | fileaccess.AttributeArchive},
	} {
		r := &fileaccess.Request{Name: name, Subject: w.subject(bob), Options: c.options, Disposition: fileaccess.FileCreate,
			Attributes: fileaccess.AttributeHidden, Share: 7}
		p := check.Result(w.tree.Find(r, nil))
		if c.nameless {
			w.want(p.(*place).MakesNameless(), ntstatus.Success)
		}
		d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
			Action: fileaccess.Created, NewSD: sddl.MustParse(aliceOnly)}
		made, _, st := p.Open(r, &d)
		p.Release()
		w.want(st, ntstatus.Success)
		f := made.(*file)
		s := check.Must(f.stat())
		got := w.dosOf(placeOf(f.fd))
		check.That(t, s.Mode == c.mode && got.attributes == c.want && got.there && got.created == fileTime(s.Btime),
			"F-172: %s: mode %o, attributes %+v; want %o, %#x and the birth time", name, s.Mode, got, c.mode, c.want)
		desc, st := f.Descriptor()
		if w.want(st, ntstatus.Success); formatted(desc) != aliceOnly {
			t.Errorf("F-121: descriptor of %s: %s, want %s", name, formatted(desc), aliceOnly)
		}
		k := check.Must(w.tree.readAttribute(&held{fd: f.fd}, &s))
		check.Equal(t, k.verdict, ntacl.Intact, "F-121: %s: the hash of the stored descriptor", name)
		wantName := name
		if c.nameless {
			wantName = ""
		}
		if l := f.linkNow(); l.name != wantName || l.path != wantName || f.nameless != c.nameless ||
			f.directory != (c.options != 0) || f.Directory() != f.directory {
			t.Errorf("F-197: %s: link %+v, nameless %t; want %q, %t", name, l, f.nameless, wantName, c.nameless)
		}
		w.exists(name, !c.nameless)
		f.Close()
		w.exists(name, !c.nameless)
	}
	if c := defaulted(t); c.FileMode != 0o600 || c.DirectoryMode != 0o700 || c.Opens != 16384 || c.Descriptors != 16384 {
		t.Errorf("F-123: default configuration: %+v, want modes 600 and 700, 16384 opens and descriptors", c)
	}
}

// defaulted returns the configuration of a tree without settings.
func defaulted(t *testing.T) Config {
	t.Helper()
	tree := check.Must(Open(Config{Path: t.TempDir()}))
	defer func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}()
	return tree.cfg
}
