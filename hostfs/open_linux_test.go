package hostfs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
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
	}
}
