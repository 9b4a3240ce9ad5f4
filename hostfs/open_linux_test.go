package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A file is opened by its descriptor as the thread's user, whatever its mode says, and
// the handle does what was granted (F-110, F-114).
func TestOpenAsTheClient(t *testing.T) {
	w := newWorld(t)
	w.dir("plans", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file(`plans\plan`, "the plan", "O:BAG:SYD:P(A;;FR;;;"+staff+")")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, `plans\plan`, winnt.GENERIC_READ, ntstatus.Success)
	if b, st := one.NtReadFileAt(h, 100, 0); string(b) != "the plan" || st != ntstatus.Success {
		t.Errorf("alice reads %q, %v", b, st)
	}
	if b, st := one.NtReadFileAt(h, 3, 4); string(b) != "pla" || st != ntstatus.Success {
		t.Errorf("alice reads %q, %v", b, st)
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
	// By NtOpenFile, by another case of the tree's name, and below a directory's handle.
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
		t.Errorf("the name is %v, %v", v, st)
	}
	in.ObjectName = `\plan`
	_, st = one.NtOpenFile(winnt.FILE_READ_DATA, in, shareAll, 0)
	w.want(st, ntstatus.ObjectPathSyntaxBad)
}

// What stands in the tree and is no file of it is refused, and so is every name that
// leads out of it (F-112, F-113).
func TestOnlyFilesOfTheTree(t *testing.T) {
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

// A directory on the way is asked where the policy or a missing privilege says so (F-23).
func TestTraverse(t *testing.T) {
	for policy, want := range map[fileaccess.Traverse]ntstatus.Status{fileaccess.TraversePrivilege: ntstatus.Success,
		fileaccess.TraverseAlways: ntstatus.AccessDenied, fileaccess.TraverseNever: ntstatus.Success} {
		w := newWorld(t, func(c *Config) { c.Policy.Traverse = policy })
		w.dir("closed", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
		w.dir(`closed\open`, "O:BAG:SYD:P(A;;FA;;;WD)")
		w.file(`closed\open\f`, "", "O:BAG:SYD:P(A;;FR;;;WD)")
		w.open(w.as(alice), `closed\open\f`, winnt.GENERIC_READ, want)
		w.open(w.as(bob), `closed\open\f`, winnt.GENERIC_READ, ntstatus.Success)
	}
}

// A file without the attribute grants nothing, or what its mode amounts to; one whose
// attribute is malformed grants nothing in any case (F-115).
func TestMissingAttribute(t *testing.T) {
	for missing, want := range map[Missing]ntstatus.Status{RefuseMissing: ntstatus.AccessDenied,
		SynthesiseMissing: ntstatus.Success} {
		w := newWorld(t, func(c *Config) { c.Missing = missing })
		w.must(os.WriteFile(w.path("f"), nil, 0o644))
		w.must(os.Chmod(w.path("f"), 0o644))
		th := w.as(bob)
		w.open(th, "f", winnt.GENERIC_READ, want)
		w.open(th, "f", winnt.GENERIC_WRITE, ntstatus.AccessDenied)
		w.must(os.WriteFile(w.path("g"), nil, 0o644))
		w.must(setAttribute(w.path("g"), w.tree.cfg.Attribute, []byte("nonsense")))
		w.open(th, "g", winnt.GENERIC_READ, ntstatus.AccessDenied)
		// Permissions that changed belie a descriptor: it counts no more than a missing one.
		belied := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse("O:BAG:SYD:P(A;;FA;;;" + bob + ")")}
		w.must(os.WriteFile(w.path("h"), nil, 0o600))
		w.must(belied.Seal(ntacl.Info{Mode: 0o600, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}, nil, nil))
		value, err := belied.Append(nil)
		w.must(err)
		w.must(setAttribute(w.path("h"), w.tree.cfg.Attribute, value))
		w.open(th, "h", winnt.GENERIC_WRITE, ntstatus.Success)
		w.must(os.Chmod(w.path("h"), 0o604))
		w.open(th, "h", winnt.GENERIC_READ, want)
		w.open(th, "h", winnt.GENERIC_WRITE, ntstatus.AccessDenied)
	}
}

// A descriptor below an open does what was granted and no more: it reads, writes, does both, or neither (F-114).
func TestDescriptorsDoWhatIsGranted(t *testing.T) {
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
				t.Errorf("F-114: %v is granted, and the descriptor has flags %#x, want %#x (%v)", granted, got, want, err)
			}
		}
		w.tree.mu.Unlock()
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// A name that another program takes between the look-up and the making is looked up anew (F-114), and what was to
// be made under it is nowhere.
func TestNameIsTakenMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	tok, err := token.New(person(bob))
	w.must(err)
	for _, kind := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile} {
		r := &fileaccess.Request{Subject: access.SubjectOf(tok), Name: "new", Desired: winnt.FILE_READ_DATA,
			Disposition: fileaccess.FileOpenIf, Options: kind, Share: 7}
		found, st := w.tree.Find(r, nil)
		w.want(st, ntstatus.Success)
		d := fileaccess.Open(r, found.Facts())
		if !d.Allowed() {
			t.Fatalf("%+v", d)
		}
		w.must(os.WriteFile(w.path("new"), []byte("another's"), 0o600))
		if _, again, st := found.Open(r, &d); !again {
			t.Errorf("F-114: the name is not looked up anew: %v", st)
		}
		found.Release()
		if b, err := os.ReadFile(w.path("new")); err != nil || string(b) != "another's" {
			t.Errorf("F-114: the file that was there holds %q, %v", b, err)
		}
		w.must(os.Remove(w.path("new")))
		w.nothingPrivate("")
	}
}

// What an open that fails was to delete on close stays, and so does the open of a file's other name in a directory
// that took the first one's place (F-117).
func TestNothingElseIsDeleted(t *testing.T) {
	w := newWorld(t)
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	th := w.as(bob)
	w.file("leased", "", all)
	lease, err := os.Open(w.path("leased"))
	w.must(err)
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
	w.want(th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.Success)
	w.want(closeAny(th, w.open(th, `d\f`, winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)), ntstatus.Success)
	w.want(th.NtClose(h), ntstatus.Success)
	w.exists(`e\f`, false)
	w.exists(`d\f`, true)
}
