package hostfs

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// link makes a link with a descriptor behind the server's back.
func (w *world) link(name, to, text string) {
	w.Helper()
	w.must(os.Symlink(to, w.path(name)))
	w.must(unix.Lsetxattr(w.path(name), attributeHere(w), w.raw(text), 0))
}

// linksHere skips a test where links cannot have descriptors.
func linksHere(t *testing.T) {
	t.Helper()
	if attributeHere(t) != ntacl.Name {
		t.Skip("a link has no attributes of users, and others take CAP_SYS_ADMIN")
	}
}

// A link is opened as what it is by who says that it knows links, as its descriptor
// grants; it has no contents, nothing is behind it, and no descriptor of it is handed
// out (F-191, F-193, F-152).
func TestLink(t *testing.T) {
	linksHere(t)
	w := newWorld(t, func(c *Config) { c.HandOut = HandOutReads })
	const readers = "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")(A;OICI;0x1200a9;;;" + bob + ")"
	w.dir("d", readers)
	w.file(`d\f`, "contents", readers)
	w.link(`d\l`, "f", readers)
	w.link(`d\s`, "/", readers)
	w.must(os.Symlink("f", w.path(`d\planted`)))
	his, hers := w.as(bob), w.as(alice)
	known := call{desired: winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileOpen,
		options: fileaccess.OpenReparsePoint}
	for name, want := range map[string]ntstatus.Status{`d\l`: ntstatus.Success, `d\f`: ntstatus.Success,
		`d\planted`: ntstatus.AccessDenied, `d\s\etc`: ntstatus.AccessDenied, `d\l\f`: ntstatus.AccessDenied} {
		w.create(his, name, known, want)
		if name != `d\f` {
			w.open(his, name, winnt.FILE_READ_DATA, ntstatus.AccessDenied)
		}
	}
	h := w.create(his, `d\l`, known, ntstatus.Success)
	_, st := his.NtReadFileAt(h, 10, 0)
	w.want(st, ntstatus.AccessDenied)
	f, _, done, st := w.sys.TreeFile(his, h)
	w.want(st, ntstatus.Success)
	defer done()
	link := f.(*file)
	if text, st := link.Target(); text != "f" || st != ntstatus.Success {
		t.Errorf("F-193: %q, %v", text, st)
	}
	_, st = link.Backing(false)
	w.want(st, ntstatus.InvalidParameter)
	_, st = link.Locking()
	w.want(st, ntstatus.InvalidParameter)
	_, _, st = link.HandOut(winnt.FILE_READ_DATA|seen, 61001)
	w.want(st, ntstatus.AccessDenied)
	for options, disposition := range map[fileaccess.CreateOptions]fileaccess.Disposition{
		fileaccess.OpenReparsePoint:                            fileaccess.FileOverwrite,
		fileaccess.OpenReparsePoint | fileaccess.DirectoryFile: fileaccess.FileOpen} {
		in := known
		in.disposition, in.options, in.desired = disposition, options, winnt.FILE_WRITE_DATA
		want := ntstatus.AccessDenied
		if disposition == fileaccess.FileOpen {
			want = ntstatus.NotADirectory
		}
		w.create(hers, `d\l`, in, want)
	}
	if to, err := os.Readlink(w.path(`d\l`)); to != "f" || err != nil {
		t.Errorf("the link says %q, %v", to, err)
	}
}

// A link is made where a file could be made, in one step and with the descriptor of one,
// replaced and removed like one, and never in a tree whose descriptors are attributes of
// users (F-192).
func TestMakeLink(t *testing.T) {
	linksHere(t)
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+alice+")(A;;0x1200a9;;;"+bob+")")
	w.file(`d\f`, "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	hers, his := w.as(alice), w.as(bob)
	makes := func(th *nt.Thread, name, to string, want ntstatus.Status) {
		t.Helper()
		h, st := w.sys.MakeLink(th, nt.ObjectAttributes{ObjectName: `\??\share\` + name}, to)
		w.want(st, want)
		if st == ntstatus.Success {
			w.want(th.NtClose(h), ntstatus.Success)
		}
	}
	makes(his, `d\l`, "f", ntstatus.AccessDenied)
	makes(hers, `d\l`, "f", ntstatus.Success)
	makes(hers, `d\l`, "g", ntstatus.ObjectNameCollision)
	makes(hers, `d\f`, "g", ntstatus.ObjectNameCollision)
	makes(hers, `none\l`, "g", ntstatus.ObjectPathNotFound)
	makes(hers, `d\l\m`, "g", ntstatus.AccessDenied)
	makes(hers, `d\nul`, "a\x00b", ntstatus.InvalidParameter)
	makes(hers, `d\empty`, "", ntstatus.NotSupported)
	makes(hers, `d\long`, string(bytes4096()), ntstatus.ObjectNameInvalid)
	if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 2 {
		t.Errorf("F-192: %v stand there, %v", left, err)
	}
	// Who may not delete the link does not replace it; a name that is free takes it.
	w.file(`d\his`, "", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
	known := call{desired: winnt.DELETE, disposition: fileaccess.FileOpen, options: fileaccess.OpenReparsePoint}
	h := w.create(his, `d\his`, known, ntstatus.Success)
	st := his.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "l", ReplaceIfExists: true})
	w.want(st, ntstatus.AccessDenied)
	w.create(his, `d\l`, known, ntstatus.AccessDenied)
	h = w.create(hers, `d\l`, known, ntstatus.Success)
	w.want(hers.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "m"}), ntstatus.Success)
	if to, err := os.Readlink(w.path(`d\m`)); to != "f" || err != nil {
		t.Errorf("F-192: it says %q, %v", to, err)
	}
	w.want(hers.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.Success)
	w.want(hers.NtClose(h), ntstatus.Success)
	if _, err := os.Lstat(w.path(`d\m`)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("F-192: it is there: %v", err)
	}
	u := newWorld(t, func(c *Config) { c.Attribute = ntacl.UserName })
	h, st = u.sys.MakeLink(u.as(alice, winnt.SeBackupPrivilege), nt.ObjectAttributes{ObjectName: `\??\share\l`}, "f")
	u.want(st, ntstatus.NotSupported)
	if h != 0 {
		t.Error("F-192: a handle came")
	}
}

func bytes4096() []byte {
	b := make([]byte, unix.PathMax)
	for i := range b {
		b[i] = 'x'
	}
	return b
}
