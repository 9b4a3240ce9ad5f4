package hostfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
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

// The people of the tests. alice is a member of staff.
const (
	alice = "S-1-5-21-1-2-3-1107"
	bob   = "S-1-5-21-1-2-3-1108"
	staff = "S-1-5-21-1-2-3-2001"
)

// world is a tree in a system, and what a test does to it.
type world struct {
	testing.TB
	root string
	tree *Tree
	sys  *kernel.System
	// closed has the files of opened that the test closed itself.
	closed map[*file]bool
}

// newWorld makes a tree at \??\share. Its root lets everybody list and pass.
func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	c := Config{Path: t.TempDir(), Attribute: attributeHere(t)}
	for _, f := range change {
		f(&c)
	}
	w := &world{TB: t, root: c.Path, sys: kernel.Boot(kernel.Config{})}
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;OICI;FA;;;BA)")
	tree, err := Open(c)
	w.must(err)
	w.tree = tree
	w.must(w.sys.AddTree("share", tree))
	before := len(descriptors(t))
	t.Cleanup(func() {
		w.must(w.sys.Close())
		if after := len(descriptors(t)); after != before && !t.Failed() {
			t.Errorf("%d descriptors were open, %d are", before, after)
		}
		w.must(tree.Close())
	})
	return w
}

func descriptors(t testing.TB) []os.DirEntry {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// attributeHere returns the name of an attribute that this test can write where it
// makes its files.
func attributeHere(t testing.TB) string {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		t.Fatal(err)
	}
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
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) path(name string) string {
	return filepath.Join(w.root, strings.ReplaceAll(name, `\`, "/"))
}

// describe gives a file of the tree a descriptor behind the server's back.
func (w *world) describe(name, text string) {
	w.Helper()
	w.must(unix.Setxattr(w.path(name), attributeHere(w), w.raw(text), 0))
}

// raw returns the attribute that says a descriptor and that every server believes.
func (w *world) raw(text string) []byte {
	w.Helper()
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
	value, err := a.Append(nil)
	w.must(err)
	return value
}

// file makes a file with contents and a descriptor.
func (w *world) file(name, contents, text string) {
	w.Helper()
	w.must(os.WriteFile(w.path(name), []byte(contents), 0o600))
	w.describe(name, text)
}

// dir makes a directory with a descriptor.
func (w *world) dir(name, text string) {
	w.Helper()
	w.must(os.Mkdir(w.path(name), 0o700))
	w.describe(name, text)
}

// as returns a thread of a process of a person.
func (w *world) as(user string, privileges ...winnt.Privilege) *nt.Thread {
	w.Helper()
	tok, err := token.New(person(user, privileges...))
	w.must(err)
	p, err := w.sys.NewProcess("test", tok)
	w.must(err)
	th, err := p.NewThread()
	w.must(err)
	return th
}

// person is the primary token of a person.
func person(user string, privileges ...winnt.Privilege) token.Spec {
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

// call is an open of the tests: everything shared, nothing special.
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

// open opens what is there, and expects a status.
func (w *world) open(th *nt.Thread, name string, desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
	w.Helper()
	return w.create(th, name, call{desired: desired, disposition: fileaccess.FileOpen}, want)
}

func (w *world) create(th *nt.Thread, name string, q call, want ntstatus.Status) winnt.Handle {
	w.Helper()
	h, _, st := th.NtCreateFile(q.at(name))
	if st != want {
		w.Errorf("%s with %v as %d: %v, want %v", name, q.desired, q.disposition, st, want)
	}
	return h
}

// want expects a status.
func (w *world) want(st, want ntstatus.Status) {
	w.Helper()
	if st != want {
		w.Errorf("%v, want %v", st, want)
	}
}

var long = strings.Repeat("x", 256)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o666) }

func setAttribute(path, name string, value []byte) error { return unix.Setxattr(path, name, value, 0) }

// subject returns a person as an access check sees one.
func (w *world) subject(user string) access.Subject {
	w.Helper()
	tok, err := token.New(person(user))
	w.must(err)
	return access.Subject{Primary: tok}
}

// settle gives files a time of change that is old enough for their descriptors to be
// kept.
func settle(t testing.TB, path string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Second; time.Sleep(settled) {
		var s unix.Stat_t
		if err := unix.Stat(path, &s); err != nil {
			t.Fatal(err)
		}
		if time.Since(time.Unix(s.Ctim.Unix())) > settled {
			return
		}
	}
	t.Fatalf("%s never settles: the clock and the file system's differ", path)
}

// formatted returns a descriptor as text; "nothing" for none.
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
