package hostfs

import (
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

func (w *world) exists(name string, want bool) {
	w.Helper()
	if _, err := os.Lstat(w.path(name)); (err == nil) != want {
		w.Errorf("%s: %v, want it there: %v", name, err, want)
	}
}

// A file to be deleted goes with its last handle, and cannot be opened until then (F-117).
func TestDelete(t *testing.T) {
	w := newWorld(t)
	const rw = "O:BAG:SYD:P(A;;FA;;;" + alice + ")(A;;FR;;;" + bob + ")"
	one, two := w.as(alice), w.as(bob)
	w.file("f", "", rw)
	w.want(two.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\f`}), ntstatus.AccessDenied)
	w.exists("f", true)
	reader := w.open(two, "f", winnt.GENERIC_READ, ntstatus.Success)
	h := w.open(one, "f", winnt.DELETE, ntstatus.Success)
	remove := func(v bool) ntstatus.Status {
		return one.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: v})
	}
	w.want(two.NtSetInformationFile(reader, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.AccessDenied)
	w.want(remove(true), ntstatus.Success)
	w.open(two, "f", winnt.GENERIC_READ, ntstatus.DeletePending)
	w.want(remove(false), ntstatus.Success)
	w.want(two.NtClose(w.open(two, "f", winnt.GENERIC_READ, ntstatus.Success)), ntstatus.Success)
	w.want(remove(true), ntstatus.Success)
	w.want(one.NtClose(h), ntstatus.Success)
	w.exists("f", true)
	w.want(two.NtClose(reader), ntstatus.Success)
	w.exists("f", false)
	// By its directory's right, on close, and what took the name since stays.
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	w.file(`d\g`, "", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.want(one.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\d\g`}), ntstatus.Success)
	w.exists(`d\g`, false)
	w.file(`d\h`, "old", rw)
	h = w.create(one, `d\h`, call{desired: winnt.DELETE, disposition: fileaccess.FileOpen,
		options: fileaccess.DeleteOnClose}, ntstatus.Success)
	w.must(os.Rename(w.path(`d\h`), w.path(`d\old`)))
	w.file(`d\h`, "new", rw)
	w.want(one.NtClose(h), ntstatus.Success)
	w.exists(`d\h`, true)
	w.exists(`d\old`, true)
	// A directory with entries, and the root.
	w.want(two.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\d`}), ntstatus.AccessDenied)
	w.want(one.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\d`}), ntstatus.DirectoryNotEmpty)
	empty := newWorld(t)
	empty.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.want(empty.as(alice).NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\`}), ntstatus.CannotDelete)
	w.want(one.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\NUL`}), ntstatus.NotSupported)
	w.nothingPrivate("", "d")
}

// A rename needs DELETE and the right to add where the file goes; what is in the way is
// replaced only by who may delete it (F-57, F-58, F-118).
func TestRename(t *testing.T) {
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
	w.want(two.NtSetInformationFile(reader, nt.FileRenameInformation, nt.FileRename{FileName: "x"}), ntstatus.AccessDenied)
	for name, want := range map[string]ntstatus.Status{`\??\share\shut\f`: ntstatus.AccessDenied,
		`\??\share\none\f`: ntstatus.ObjectPathNotFound, `\??\share\to\his`: ntstatus.ObjectNameCollision,
		`\??\NUL`: ntstatus.NotSameDevice, `\??\other\f`: ntstatus.NotSameDevice, `a:b`: ntstatus.InvalidParameter,
		`..\f`: ntstatus.InvalidParameter, privatePrefix + "x": ntstatus.InvalidParameter} {
		if st := move(name, false); st != want {
			t.Errorf("%s: %v, want %v", name, st, want)
		}
	}
	w.want(move(`\??\share\shut\his`, true), ntstatus.AccessDenied)
	w.want(move("g", false), ntstatus.Success)
	w.exists(`from\f`, false)
	w.want(move("g", false), ntstatus.Success) // its own name
	w.want(move(`\??\share\to\his`, true), ntstatus.Success)
	if b, _ := os.ReadFile(w.path(`to\his`)); string(b) != "f" {
		t.Errorf("the file that was moved holds %q", b)
	}
	w.exists(`from\g`, false)
	// Below a directory's handle, and hard links.
	d := w.open(one, "from", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	w.want(one.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{RootDirectory: d, FileName: "k"}),
		ntstatus.Success)
	link := nt.FileRename{FileName: "l"}
	w.want(two.NtSetInformationFile(reader, nt.FileLinkInformation, link), ntstatus.AccessDenied)
	w.want(one.NtSetInformationFile(h, nt.FileLinkInformation, link), ntstatus.Success)
	w.want(one.NtSetInformationFile(h, nt.FileLinkInformation, link), ntstatus.ObjectNameCollision)
	w.exists(`from\k`, true)
	w.exists(`from\l`, true)
	// A link needs the right to write attributes, a rename that to delete (F-57, F-59).
	for rights, want := range map[winnt.AccessMask][2]ntstatus.Status{
		winnt.FILE_WRITE_ATTRIBUTES: {ntstatus.AccessDenied, ntstatus.Success},
		winnt.DELETE:                {ntstatus.Success, ntstatus.AccessDenied},
	} {
		w.file(`from\m`, "m", mine)
		x := w.open(one, `from\m`, rights, ntstatus.Success)
		w.want(one.NtSetInformationFile(x, nt.FileLinkInformation, nt.FileRename{FileName: "n"}), want[1])
		w.want(one.NtSetInformationFile(x, nt.FileRenameInformation, nt.FileRename{FileName: "o"}), want[0])
		w.want(one.NtClose(x), ntstatus.Success)
		for _, name := range []string{"m", "n", "o"} {
			_ = os.Remove(w.path(`from\` + name))
		}
	}
	// A directory with an open file below it stays.
	dir := w.open(one, "from", winnt.DELETE, ntstatus.Success)
	w.want(one.NtSetInformationFile(dir, nt.FileRenameInformation, nt.FileRename{FileName: "elsewhere"}),
		ntstatus.AccessDenied)
	w.nothingPrivate("", "from", "to", "shut")
}

// A file moves within its tree alone, whether another one is meant by its name or by a
// directory that is open in it, and what is looked up on the way is let go (F-118).
func TestRenameIntoAnotherTree(t *testing.T) {
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
			if st := th.NtSetInformationFile(h, class, to); st != c.want {
				t.Errorf("F-118: %d: class %v: %v, want %v", i, class, st, c.want)
			}
		}
	}
	if o, n, r := w.sys.Counts(); o != objects || n != handles || r != references {
		t.Errorf("%d objects, %d handles, %d references, want %d, %d, %d", o, n, r, objects, handles, references)
	}
	for _, h := range []winnt.Handle{h, here, there} {
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// What a name stood for when it was decided about is moved; another file that took the
// name goes back to its place (F-118).
func TestRenameOfAnotherFile(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	const all = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.file("f", "f", all)
	th := w.as(alice)
	h := w.open(th, "f", winnt.DELETE, ntstatus.Success)
	w.must(os.Rename(w.path("f"), w.path("moved")))
	w.file("f", "another", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "g"}),
		ntstatus.ObjectNameNotFound)
	w.file("t", "target", all)
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "t", ReplaceIfExists: true}),
		ntstatus.ObjectNameNotFound)
	for name, want := range map[string]string{"f": "another", "moved": "f", "t": "target"} {
		if b, _ := os.ReadFile(w.path(name)); string(b) != want {
			t.Errorf("%s holds %q, want %q", name, b, want)
		}
	}
	w.exists("g", false)
	w.nothingPrivate("")
}

// Reads and writes have offsets, or the position of a synchronous handle (F-119); sizes
// and times are set by who may (F-55, F-124).
func TestContents(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+alice+")(A;;0x100004;;;"+bob+")")
	one, two := w.as(alice), w.as(bob)
	h := w.create(one, "f", call{desired: winnt.GENERIC_READ | winnt.GENERIC_WRITE, disposition: fileaccess.FileOpen,
		options: fileaccess.SynchronousIONonalert}, ntstatus.Success)
	for _, want := range []string{"0123", "4567", "89"} {
		if b, st := one.NtReadFile(h, 4); string(b) != want || st != ntstatus.Success {
			t.Errorf("%q, %v, want %q", b, st, want)
		}
	}
	_, st := one.NtReadFile(h, 4)
	w.want(st, ntstatus.EndOfFile)
	st = one.NtSetInformationFile(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 8})
	w.want(st, ntstatus.Success)
	_, st = one.NtWriteFile(h, []byte("AB"))
	w.want(st, ntstatus.Success)
	// A handle that may append appends, wherever it says it writes.
	a := w.create(two, "f", call{desired: winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE, disposition: fileaccess.FileOpen,
		options: fileaccess.SynchronousIONonalert}, ntstatus.Success)
	_, st = two.NtWriteFileAt(a, []byte("end"), 0)
	w.want(st, ntstatus.Success)
	v, st := two.NtQueryInformationFile(a, nt.FilePositionInformation)
	if want := (nt.FilePosition{CurrentByteOffset: 13}); v != any(want) || st != ntstatus.Success {
		t.Errorf("after an append the position is %+v, %v", v, st)
	}
	_, st = two.NtReadFileAt(a, 1, 0)
	w.want(st, ntstatus.AccessDenied)
	if b, _ := os.ReadFile(w.path("f")); string(b) != "01234567ABend" {
		t.Errorf("the file holds %q", b)
	}
	// Offset 0 is the file's beginning, for whom may write it.
	_, st = one.NtWriteFileAt(h, []byte("x"), 0)
	w.want(st, ntstatus.Success)
	if b, _ := os.ReadFile(w.path("f")); string(b) != "x1234567ABend" {
		t.Errorf("written at 0, the file holds %q", b)
	}
	w.want(two.NtSetInformationFile(a, nt.FileEndOfFileInformation, nt.FileEndOfFile{}), ntstatus.AccessDenied)
	w.want(one.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 4}), ntstatus.Success)
	w.want(one.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: -1}),
		ntstatus.InvalidParameter)
	w.want(one.NtFlushBuffersFile(h), ntstatus.Success)
	x := w.open(one, "f", winnt.GENERIC_READ, ntstatus.Success)
	_, st = one.NtReadFile(x, 4) // no position
	w.want(st, ntstatus.InvalidParameter)
	// 2000-01-02 03:04:05.6 UTC in units of 100 ns since 1601
	const then = 125912558456000000
	w.want(one.NtSetInformationFile(x, nt.FileBasicInformation, nt.FileBasic{LastWriteTime: then}), ntstatus.AccessDenied)
	w.want(one.NtSetInformationFile(h, nt.FileBasicInformation, nt.FileBasic{LastWriteTime: then}), ntstatus.Success)
	s, err := os.Stat(w.path("f"))
	w.must(err)
	if want := time.Date(2000, 1, 2, 3, 4, 5, 600_000_000, time.UTC); !s.ModTime().Equal(want) {
		t.Errorf("written at %v, want %v", s.ModTime().UTC(), want)
	}
	v, st = one.NtQueryInformationFile(x, nt.FileBasicInformation)
	w.want(st, ntstatus.Success)
	if v.(nt.FileBasic).LastWriteTime != then {
		t.Errorf("%+v", v)
	}
	_, st = two.NtQueryInformationFile(a, nt.FileBasicInformation)
	w.want(st, ntstatus.AccessDenied)
	v, st = two.NtQueryInformationFile(a, nt.FileStandardInformation)
	w.want(st, ntstatus.Success)
	if f := v.(nt.FileStandard); f.EndOfFile != 4 || f.NumberOfLinks != 1 || f.Directory {
		t.Errorf("%+v", v)
	}
	// A directory has one name and no contents, whatever the host counts.
	w.dir("many", "D:(A;OICI;FA;;;WD)")
	for _, below := range []string{"a", "b", "c"} {
		w.dir("many/"+below, "D:(A;OICI;FA;;;WD)")
	}
	many := w.open(one, "many", winnt.FILE_READ_DATA, ntstatus.Success)
	v, st = one.NtQueryInformationFile(many, nt.FileStandardInformation)
	w.want(st, ntstatus.Success)
	if f := v.(nt.FileStandard); f.EndOfFile != 0 || f.AllocationSize != 0 || f.NumberOfLinks != 1 || !f.Directory {
		t.Errorf("%+v", v)
	}
	d := w.open(one, "", winnt.FILE_READ_DATA, ntstatus.Success)
	_, st = one.NtReadFileAt(d, 1, 0)
	w.want(st, ntstatus.InvalidParameter)
}
