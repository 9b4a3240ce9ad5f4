package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The users of the tests. alice is a member of staff.
const (
	alice = "S-1-5-21-1-2-3-1107"
	bob   = "S-1-5-21-1-2-3-1108"
	staff = "S-1-5-21-1-2-3-2001"
)

// world is a tree in a system, with helpers for the tests.
type world struct {
	testing.TB
	root string
	tree *Tree
	sys  *kernel.System
	// closed contains the files from opened that the test closed itself.
	closed map[*file]bool
}

// newWorld returns a tree at \??\share. Its root lets everybody list and traverse it.
func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	c := Config{Path: t.TempDir(), Attribute: attributeHere(t)}
	for _, f := range change {
		f(&c)
	}
	w := &world{TB: t, root: c.Path, sys: kernel.Boot(kernel.Config{})}
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;OICI;FA;;;BA)")
	_ = ownDescriptors() // opened by the first tree
	before := check.OpenDescriptors(t)
	tree := check.Must(Open(c))
	w.tree = tree
	w.must(w.sys.AddTree("share", tree))
	t.Cleanup(func() {
		_ = check.OpenDescriptors(t) // children inherit none that the test left open
		w.must(w.sys.Close())
		w.must(tree.Close())
		if after := check.OpenDescriptors(t); after != before && !t.Failed() {
			t.Errorf("%d host descriptors at the end, want %d as at the start", after, before)
		}
	})
	return w
}

// descriptors returns the number of host descriptors without those that the tree caches.
func (w *world) descriptors() int {
	w.tree.held.mu.Lock()
	defer w.tree.held.mu.Unlock()
	n := check.OpenDescriptors(w)
	for _, s := range w.tree.held.entries {
		if s.holder >= 0 {
			n--
		}
	}
	return n
}

// attributeHere returns the name of an attribute that the test can write in its temporary directory. It skips the
// test if there is none.
func attributeHere(t testing.TB) string {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	check.NoError(t, os.WriteFile(probe, nil, 0o600))
	for _, name := range []string{ntacl.Name, ntacl.UserName} {
		if unix.Setxattr(probe, name, []byte{0}, 0) == nil {
			return name
		}
	}
	t.Skipf("no extended attribute can be set in %s", filepath.Dir(probe))
	return ""
}

func (w *world) must(err error) {
	w.Helper()
	check.NoError(w, err)
}

func (w *world) path(name string) string {
	return filepath.Join(w.root, strings.ReplaceAll(name, `\`, "/"))
}

// describe sets a file's descriptor directly, not through the server.
func (w *world) describe(name, text string) {
	w.Helper()
	w.must(unix.Setxattr(w.path(name), attributeHere(w), w.accepted(text), 0))
}

// accepted returns an attribute with a descriptor that every server accepts.
func (w *world) accepted(text string) []byte {
	w.Helper()
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
	return check.Must(a.Append(nil))
}

// file creates a file with contents and a descriptor.
func (w *world) file(name, contents, text string) {
	w.Helper()
	w.must(os.WriteFile(w.path(name), []byte(contents), 0o600))
	w.describe(name, text)
}

// dir creates a directory with a descriptor.
func (w *world) dir(name, text string) {
	w.Helper()
	w.must(os.Mkdir(w.path(name), 0o700))
	w.describe(name, text)
}

// as returns a thread of a new process of a user.
func (w *world) as(user string, privileges ...winnt.Privilege) *nt.Thread {
	w.Helper()
	tok := check.Must(token.New(userSpec(user, privileges...)))
	p := check.Must(w.sys.NewProcess("test", tok))
	return check.Must(p.NewThread())
}

// userSpec returns a user's primary token.
func userSpec(user string, privileges ...winnt.Privilege) token.Spec {
	var groups []sid.SID
	if user == alice {
		groups = append(groups, sid.MustParse(staff))
	}
	spec := token.NetworkUser(sid.MustParse(user), groups...)
	spec.Type = winnt.TokenPrimary
	for _, p := range privileges {
		spec.Privileges |= p.Bit()
		spec.EnabledPrivileges |= p.Bit()
	}
	return spec
}

// call is an open with defaults: full sharing, no options.
type call struct {
	desired     winnt.AccessMask
	disposition fileaccess.Disposition
	options     fileaccess.CreateOptions
	exclusive   bool
	sd          *sd.Descriptor
}

const shareAll = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

func (q call) at(name string) nt.CreateFileIn {
	in := nt.CreateFileIn{DesiredAccess: q.desired, CreateDisposition: uint32(q.disposition),
		CreateOptions: uint32(q.options), ShareAccess: shareAll,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\` + name, SecurityDescriptor: q.sd})}
	if q.exclusive {
		in.ShareAccess = 0
	}
	return in
}

// open opens an existing file and expects a status.
func (w *world) open(th *nt.Thread, name string, desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
	w.Helper()
	return w.create(th, name, call{desired: desired, disposition: fileaccess.FileOpen}, want)
}

func (w *world) create(th *nt.Thread, name string, q call, want ntstatus.Status) winnt.Handle {
	w.Helper()
	h, _, st := th.NtCreateFile(q.at(name))
	check.Equal(w, st, want, "open %s for %v with disposition %d", name, q.desired, q.disposition)
	return h
}

// renames renames the file of a handle and expects a status.
func (w *world) renames(th *nt.Thread, h winnt.Handle, to nt.FileRename, want ntstatus.Status) {
	w.Helper()
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, to), want)
}

// deletes marks the file of a handle for deletion and expects a status.
func (w *world) deletes(th *nt.Thread, h winnt.Handle, want ntstatus.Status) {
	w.Helper()
	w.want(th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}), want)
}

// mustClose closes handles and expects success.
func (w *world) mustClose(th *nt.Thread, handles ...winnt.Handle) {
	w.Helper()
	for _, h := range handles {
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// want expects a status.
func (w *world) want(st, want ntstatus.Status) {
	w.Helper()
	check.Equal(w, st, want, "status")
}

var long = strings.Repeat("x", 256)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o666) }

func setAttribute(path, name string, value []byte) error { return unix.Setxattr(path, name, value, 0) }

// subject returns a user as the subject of an access check.
func (w *world) subject(user string) access.Subject {
	w.Helper()
	tok := check.Must(token.New(userSpec(user)))
	return access.Subject{Primary: tok}
}

// awaitCache waits until a file's change time is old enough for its descriptor to be cached.
func awaitCache(t testing.TB, path string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Second; time.Sleep(settled) {
		var s unix.Stat_t
		check.NoError(t, unix.Stat(path, &s))
		if time.Since(time.Unix(s.Ctim.Unix())) > settled {
			return
		}
	}
	t.Fatalf("%s never settles: the clock and the file system's clock differ", path)
}

// formatted returns a descriptor as text, "nothing" if there is none.
func formatted(d *sd.Descriptor) string {
	if d == nil {
		return "nothing"
	}
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return text
}

func (w *world) exists(name string, want bool) {
	w.Helper()
	if _, err := os.Lstat(w.path(name)); (err == nil) != want {
		w.Errorf("Lstat of %s: %v, want that the file exists: %t", name, err, want)
	}
}

// readBack returns the stored attribute of a file.
func (w *world) readBack(name string) *ntacl.Attribute {
	w.Helper()
	b := check.Must(attribute(w.path(name), w.tree.cfg.Attribute))
	return check.Must(ntacl.Decode(b))
}

// nothingPrivate expects that no private name of the tree is left.
func (w *world) nothingPrivate(dirs ...string) {
	w.Helper()
	for _, d := range dirs {
		list := check.Must(os.ReadDir(w.path(d)))
		for _, e := range list {
			if len(e.Name()) >= len(privatePrefix) && e.Name()[:len(privatePrefix)] == privatePrefix {
				w.Errorf("private name %s was left in %q", e.Name(), d)
			}
		}
	}
}

func closeAny(th *nt.Thread, h winnt.Handle) ntstatus.Status {
	if h == 0 {
		return ntstatus.Success
	}
	return th.NtClose(h)
}

// opened opens a name through the tree itself, with the decision that the test gives. It is closed at the test's end
// unless the test closed it.
func (w *world) opened(name string, r fileaccess.Request, granted winnt.AccessMask) *file {
	w.Helper()
	r.Name, r.Disposition, r.Share = name, fileaccess.FileOpen, 7
	p, st := w.tree.Find(&r, nil)
	check.Require(w, st, ntstatus.Success, "Find(%s)", name)
	defer p.Release()
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: granted, Action: fileaccess.Opened}
	f, again, st := p.Open(&r, &d)
	check.RequireThat(w, !again && st == ntstatus.Success,
		"Open of %s: again %t, %v, want false, %v", name, again, st, ntstatus.Success)
	w.Cleanup(func() {
		if !w.closed[f.(*file)] {
			f.Close()
		}
	})
	return f.(*file)
}

// mustShut closes a file from opened.
func (w *world) mustShut(f *file) {
	if w.closed == nil {
		w.closed = map[*file]bool{}
	}
	w.closed[f] = true
	f.Close()
}

// inode returns the inode number of a name.
func (w *world) inode(name string) uint64 {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(w.path(name), &s))
	return s.Ino
}

// setHidden gives a file the hidden attribute as a file server stores it, or skips the test.
func (w *world) setHidden(t *testing.T, name string, directory bool) {
	t.Helper()
	value := dos{fileaccess.AttributeHidden, true, 0x01dd79c50631be1a}.append(nil, directory)
	if err := setAttribute(w.path(name), dosName, value); err != nil {
		t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
	}
}

// dosOf returns a file's stored attributes.
func (w *world) dosOf(place string) dos {
	w.Helper()
	value := check.Must(attribute(place, dosName))
	return decodeDOS(value)
}

const (
	wide      = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	narrow    = "O:BAG:SYD:P(A;;FR;;;WD)"
	aliceOnly = "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")"
)

// newMoveTree returns a tree of files to rename. Their descriptors differ, so that the facts of a move show which file
// they are of.
func newMoveTree(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.describe("", wide)
	w.dir("d", aliceOnly)
	w.dir(`d\e`, narrow)
	w.dir("dx", wide)
	for name, text := range map[string]string{"f": wide, `d\f`: narrow, `d\e\f`: aliceOnly, `dx\f`: wide,
		`d\hidden`: narrow} {
		w.file(name, name, text)
	}
	w.setHidden(t, `d\hidden`, false)
	w.setHidden(t, "dx", true)
	w.must(os.Link(w.path(`d\hidden`), w.path(`d\other`)))
	return w
}

// agree returns a decision that permits a move, after look has run.
func agree(look func()) func(*fileaccess.Move) fileaccess.MoveDecision {
	return func(*fileaccess.Move) fileaccess.MoveDecision {
		if look != nil {
			look()
		}
		return fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success), Replaces: true}
	}
}

// holds checks the contents of files. "" is a directory, "-" a missing file.
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
		check.That(w, string(b) == contents, "contents of %s: %q, want %q", name, b, contents)
	}
}

// swapped gives the name of a file to a new file.
func (w *world) swapped(name, contents string) {
	w.Helper()
	w.must(os.Rename(w.path(name), w.path("away")))
	w.file(name, contents, wide)
}
