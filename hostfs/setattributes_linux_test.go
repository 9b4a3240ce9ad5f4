package hostfs

import (
	"cmp"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// dosAttrib returns user.DOSATTRIB of a file in hexadecimal digits: the creation time in its last 8 bytes, and all
// before.
func (w *world) dosAttrib(name string) (value, created string) {
	w.Helper()
	var b [64]byte
	n, err := unix.Getxattr(w.path(name), dosName, b[:])
	if err == unix.ENODATA {
		return "", ""
	}
	w.must(err)
	value = hex.EncodeToString(b[:n])
	return value[:max(len(value)-16, 0)], value[max(len(value)-16, 0):]
}

// keeper returns a world that can store attributes and is open to all, and a thread of bob.
func keeper(t *testing.T) (*world, *nt.Thread) {
	t.Helper()
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	if err := setAttribute(w.path(""), dosName, []byte{0}); err != nil {
		t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
	}
	return w, w.as(bob)
}

// The bytes that a file server writes for these attributes, as observed with Samba 4.17.
const (
	keptNormal    = "00000500050000001100000000000000"
	keptArchive   = "00000500050000001100000020000000"
	keptReadHide  = "00000500050000001100000023000000"
	keptDirectory = "00000500050000001100000010000000"
	keptHiddenDir = "00000500050000001100000012000000"
)

// Setting attributes and the creation time requires the right. They are stored like the file server's. A call fails
// if attributes would be lost (F-122, F-130, F-174).
func TestSetAttributesStoresSambaForm(t *testing.T) {
	w, th := keeper(t)
	w.file("f", "", "D:P(A;;FA;;;WD)")
	w.dir("d", "D:P(A;;FA;;;WD)")
	const then = 125912558456000000 // 2000-01-02 03:04:05.6 UTC in units of 100 ns since 1601
	both := []winnt.Handle{
		w.open(th, "f", winnt.FILE_WRITE_ATTRIBUTES|winnt.FILE_READ_ATTRIBUTES, ntstatus.Success),
		w.open(th, "d", winnt.FILE_WRITE_ATTRIBUTES|winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)}
	reader := w.open(th, "f", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	const readOnly, hidden, archive = fileaccess.AttributeReadOnly, fileaccess.AttributeHidden, fileaccess.AttributeArchive
	const directory, normal = fileaccess.AttributeDirectory, fileaccess.AttributeNormal
	w.want(th.NtSetInformationFile(reader, nt.FileBasicInformation, nt.FileBasic{FileAttributes: hidden}),
		ntstatus.AccessDenied)
	for i, c := range []struct {
		on    int
		set   nt.FileBasic
		st    ntstatus.Status
		shown fileaccess.Attributes
		kept  string
	}{
		{0, nt.FileBasic{FileAttributes: normal}, 0, normal, ""},
		{0, nt.FileBasic{FileAttributes: readOnly | hidden | archive}, 0, readOnly | hidden | archive, keptReadHide},
		{0, nt.FileBasic{LastWriteTime: then}, 0, readOnly | hidden | archive, keptReadHide},
		{0, nt.FileBasic{FileAttributes: normal | archive}, 0, archive, keptArchive},
		{0, nt.FileBasic{FileAttributes: directory}, ntstatus.InvalidParameter, archive, keptArchive},
		{0, nt.FileBasic{FileAttributes: hidden | 0x2000}, ntstatus.NotSupported, archive, keptArchive},
		{0, nt.FileBasic{FileAttributes: fileaccess.AttributeTemporary}, ntstatus.NotSupported, archive, keptArchive},
		{0, nt.FileBasic{FileAttributes: normal}, 0, normal, keptNormal},
		{1, nt.FileBasic{FileAttributes: fileaccess.AttributeTemporary}, ntstatus.InvalidParameter, directory, ""},
		{1, nt.FileBasic{FileAttributes: hidden}, 0, directory | hidden, keptHiddenDir},
		{1, nt.FileBasic{FileAttributes: directory}, 0, directory, keptDirectory},
	} {
		w.want(th.NtSetInformationFile(both[c.on], nt.FileBasicInformation, c.set), c.st)
		v, st := th.NtQueryInformationFile(both[c.on], nt.FileBasicInformation)
		basic, ok := v.(nt.FileBasic)
		value, _ := w.dosAttrib([]string{"f", "d"}[c.on])
		if w.want(st, ntstatus.Success); !ok || basic.FileAttributes != c.shown || value != c.kept {
			t.Errorf("case %d: attributes %#x, stored %q; want %#x, %q", i, basic.FileAttributes, value, c.shown,
				c.kept)
		}
	}
	born := fileTime(check.Must(statAt(unix.AT_FDCWD, w.path("f"), 0)).Btime)
	for _, created := range []int64{then, born, then} {
		set := nt.FileBasic{CreationTime: created}
		w.want(th.NtSetInformationFile(both[0], nt.FileBasicInformation, set), ntstatus.Success)
		v := check.Result(th.NtQueryInformationFile(both[0], nt.FileBasicInformation))
		check.Equal(t, v.(nt.FileBasic).CreationTime, created, "creation time")
	}
	if value, created := w.dosAttrib("f"); value != keptNormal || created != "00ce8707ce54bf01" {
		t.Errorf("stored attributes: %s %s, want %s 00ce8707ce54bf01", value, created, keptNormal)
	}
}

// Each time and the attributes can be set separately. The others do not change (F-122).
func TestTimesAreSetSeparately(t *testing.T) {
	w, th := keeper(t)
	w.file("f", "", "D:P(A;;FA;;;WD)")
	const access, write, then = 125912558456000000, 125912558457000000, 125912558458000000 // in the year 2000
	h := w.open(th, "f", winnt.FILE_WRITE_ATTRIBUTES|winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	w.want(th.NtSetInformationFile(h, nt.FileBasicInformation, nt.FileBasic{LastAccessTime: access, LastWriteTime: write}),
		ntstatus.Success)
	created := fileTime(check.Must(statAt(unix.AT_FDCWD, w.path("f"), 0)).Btime)
	for _, c := range []struct {
		set                   nt.FileBasic
		wantAccess, wantWrite int64
	}{
		{nt.FileBasic{FileAttributes: fileaccess.AttributeReadOnly}, access, write},
		{nt.FileBasic{LastAccessTime: then}, then, write}, {nt.FileBasic{LastAccessTime: access}, access, write},
		{nt.FileBasic{LastWriteTime: then}, access, then}, {nt.FileBasic{LastWriteTime: write}, access, write},
		{nt.FileBasic{CreationTime: then}, access, write},
		{nt.FileBasic{FileAttributes: fileaccess.AttributeHidden}, access, write},
		{nt.FileBasic{LastAccessTime: -1, LastWriteTime: -1}, access, write},
	} {
		w.want(th.NtSetInformationFile(h, nt.FileBasicInformation, c.set), ntstatus.Success)
		created = cmp.Or(c.set.CreationTime, created)
		v := check.Result(th.NtQueryInformationFile(h, nt.FileBasicInformation))
		if b, ok := v.(nt.FileBasic); !ok || b.LastAccessTime != c.wantAccess || b.LastWriteTime != c.wantWrite ||
			b.CreationTime != created {
			t.Errorf("F-122: after setting %+v: %+v, want access time %d, write time %d, creation time %d", c.set, v,
				c.wantAccess, c.wantWrite, created)
		}
	}
}

// A new file has the archive attribute and the requested ones. Replacing its contents adds attributes (F-172).
func TestNewFileHasArchiveAttribute(t *testing.T) {
	w, th := keeper(t)
	const hidden, system = fileaccess.AttributeHidden, fileaccess.AttributeSystem
	for i, c := range []struct {
		name        string
		disposition fileaccess.Disposition
		requested   fileaccess.Attributes
		options     fileaccess.CreateOptions
		kept        string // the stored attributes
	}{
		{"f", fileaccess.FileCreate, 0, 0, "20"}, {"g", fileaccess.FileCreate, hidden, 0, "22"},
		{"d", fileaccess.FileCreate, hidden, fileaccess.DirectoryFile, "12"},
		{"g", fileaccess.FileOverwrite, hidden | system, 0, "26"}, {"g", fileaccess.FileSupersede, hidden | system, 0, "26"},
		{"f", fileaccess.FileOverwrite, hidden, 0, "22"}, {"f", fileaccess.FileSupersede, hidden, 0, "22"},
		{"s", fileaccess.FileCreate, system, 0, "24"}, {"s", fileaccess.FileSupersede, system | hidden, 0, "26"},
		{"p", fileaccess.FileCreate, 0, 0, "20"}, {"p", fileaccess.FileOverwriteIf, hidden, 0, "22"},
		{"r", fileaccess.FileCreate, fileaccess.AttributeReadOnly, 0, "21"},
	} {
		in := call{desired: winnt.GENERIC_WRITE, disposition: c.disposition, options: c.options}.at(c.name)
		in.FileAttributes = c.requested
		h, _, st := th.NtCreateFile(in)
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		value, created := w.dosAttrib(c.name)
		if want := keptNormal[:24] + c.kept + "000000"; value != want || created == strings.Repeat("0", 16) {
			t.Errorf("case %d: stored attributes of %s: %s %s, want %s", i, c.name, value, created, want)
		}
	}
	w.open(th, "r", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
}

// A write, a change of size and a rename set the archive attribute. The close sets it again, unless attributes were
// set since (F-173).
func TestChangeSetsArchiveAttribute(t *testing.T) {
	w, th := keeper(t)
	for name, change := range map[string]func(winnt.Handle) ntstatus.Status{
		"written": func(h winnt.Handle) ntstatus.Status {
			return check.Status(th.NtWriteFileAt(h, []byte("x"), 0))
		},
		"sized": func(h winnt.Handle) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 3})
		},
		"renamed": func(h winnt.Handle) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "renamed"})
		},
	} {
		w.must(os.WriteFile(w.path("f"), nil, 0o600))
		w.describe("f", "D:P(A;;FA;;;WD)")
		h := w.open(th, "f", winnt.GENERIC_READ|winnt.GENERIC_WRITE|winnt.DELETE, ntstatus.Success)
		w.want(check.Status(th.NtReadFileAt(h, 1, 0)), ntstatus.EndOfFile)
		if value, _ := w.dosAttrib("f"); value != "" {
			t.Errorf("%s: attributes stored by a read: %s, want none", name, value)
		}
		w.want(change(h), ntstatus.Success)
		v, st := th.NtQueryInformationFile(h, nt.FileBasicInformation)
		basic, ok := v.(nt.FileBasic)
		check.That(t, ok && st == ntstatus.Success && basic.FileAttributes == fileaccess.AttributeArchive,
			"%s: basic information %+v, %v, want only the archive attribute", name, v, st)
		normal := nt.FileBasic{FileAttributes: fileaccess.AttributeNormal}
		w.want(th.NtSetInformationFile(h, nt.FileBasicInformation, normal), ntstatus.Success)
		if name == "written" { // Attributes that were set after the last change stay.
			w.want(change(h), ntstatus.Success)
			w.must(unix.Removexattr(w.path("f"), dosName))
		}
		w.want(th.NtClose(h), ntstatus.Success)
		if name != "renamed" {
			w.must(os.Rename(w.path("f"), w.path(name)))
		}
		want := keptNormal
		if name == "written" { // A backup program removed them in between.
			want = keptArchive
		}
		if value, _ := w.dosAttrib(name); value != want {
			t.Errorf("%s: attributes stored at the close: %q, want %s", name, value, want)
		}
	}
}

func FuzzSetAttributes(f *testing.F) {
	f.Add(uint32(0x23), int64(1), true)
	f.Fuzz(func(t *testing.T, attributes uint32, created int64, directory bool) {
		d := dos{fileaccess.Attributes(attributes) & dosKept, true, max(created, 0)}
		check.Equal(t, decodeDOS(d.append(nil, directory)), d, "attributes %+v were encoded and decoded as", d)
	})
}

// Replacing contents adds the requested attributes and the archive attribute, and clears none. The close sets the
// archive attribute again. A directory does not get it (F-172, F-173).
func TestOverwriteAddsAttributes(t *testing.T) {
	w, _ := keeper(t)
	const hidden, system, archive = fileaccess.AttributeHidden, fileaccess.AttributeSystem, fileaccess.AttributeArchive
	w.file("f", "", wide)
	w.dir("d", wide)
	now := func(name string) fileaccess.Attributes { return w.dosOf(w.path(name)).attributes }
	for i, c := range []struct {
		was, requested, want fileaccess.Attributes
	}{{0, 0, archive}, {0, hidden, archive | hidden}, {hidden, system, archive | hidden | system},
		{hidden, 0, archive | hidden},
		{archive, fileaccess.AttributeReadOnly | 0x1000, archive | fileaccess.AttributeReadOnly}} {
		w.must(setAttribute(w.path("f"), dosName, dos{c.was, true, 5}.append(nil, false)))
		f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
		w.must(f.replaced(c.requested))
		if got := now("f"); got != c.want || w.dosOf(w.path("f")).created != 5 {
			t.Errorf("F-172: case %d: attributes after a replacement: %#x, want %#x", i, got, c.want)
		}
		w.must(setAttribute(w.path("f"), dosName, dos{c.was, true, 5}.append(nil, false)))
		w.mustShut(f)
		check.Equal(t, now("f"), c.was|archive, "F-173: case %d: attributes after the close", i)
	}
	// A file without stored attributes gets only this one.
	w.must(unix.Removexattr(w.path("f"), dosName))
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	f.archive()
	if got := w.dosOf(w.path("f")); !got.there || got.attributes != archive {
		t.Errorf("F-173: stored attributes: %+v, want %#x", got, archive)
	}
	// Setting attributes replaces the archive attribute of earlier changes. Setting only a time does not.
	for _, c := range []struct {
		said nt.FileBasic
		want fileaccess.Attributes
	}{{nt.FileBasic{FileAttributes: hidden}, hidden}, {nt.FileBasic{CreationTime: 77}, hidden | archive},
		{nt.FileBasic{LastWriteTime: filetime.UnixEpoch + 1}, hidden | archive}} {
		w.must(setAttribute(w.path("f"), dosName, dos{hidden, true, 5}.append(nil, false)))
		g := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
		g.changed.Store(true)
		w.want(g.SetBasic(c.said), ntstatus.Success)
		w.mustShut(g)
		check.Equal(t, now("f"), c.want, "F-173: attributes after setting %+v", c.said)
	}
	g := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	g.archived.Store(true) // as for a new file
	w.want(g.SetBasic(nt.FileBasic{FileAttributes: hidden}), ntstatus.Success)
	g.archive()
	check.Equal(t, now("f"), hidden|archive, "F-173: attributes after setting those of a new file and writing")
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	d.archive()
	w.mustShut(d)
	if value, _ := w.dosAttrib("d"); value != "" || d.changed.Load() {
		t.Errorf("F-173: stored attributes of a directory: %s, want none", value)
	}
	// A creation time equal to the file's own need not be stored.
	w.must(os.WriteFile(w.path("born"), nil, 0o600))
	w.describe("born", wide)
	b := w.opened("born", fileaccess.Request{}, winnt.FILE_WRITE_ATTRIBUTES)
	s := check.Must(b.stat())
	w.want(b.SetBasic(nt.FileBasic{CreationTime: fileTime(s.Btime)}), ntstatus.Success)
	if value, _ := w.dosAttrib("born"); value != "" {
		t.Errorf("F-122: stored attributes: %s, want none", value)
	}
	// A rejected call changes nothing.
	w.want(b.SetBasic(nt.FileBasic{FileAttributes: 0x2000, CreationTime: 77, LastWriteTime: filetime.UnixEpoch + 1}),
		ntstatus.NotSupported)
	if facts, st := b.Facts(); st != ntstatus.Success || facts.LastWriteTime == filetime.UnixEpoch+1 ||
		facts.CreationTime == 77 {
		t.Errorf("F-122: facts after a rejected call: %+v, %v, want them unchanged", facts, st)
	}
}
