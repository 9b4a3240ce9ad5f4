package hostfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// parts are the parts of a descriptor to query and set, alone and together.
var parts = []uint32{0, winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION, winnt.LABEL_SECURITY_INFORMATION,
	winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION,
	winnt.DACL_SECURITY_INFORMATION | winnt.PROTECTED_DACL_SECURITY_INFORMATION}

// operatesAlike compares operations on a handle to each kind of file. Queries and changes of security have the same
// status and result, and duplicated handles the same rights (adr 36).
func (w *world) operatesAlike(th *nt.Thread, tree, named winnt.Handle, next *sd.Descriptor,
	counts map[ntstatus.Status]int) {
	w.Helper()
	alike := func(what string, f func(winnt.Handle) (string, ntstatus.Status)) {
		w.Helper()
		x, got := f(tree)
		y, want := f(named)
		if counts[want]++; got != want || x != y {
			w.Errorf("adr 36: %s: on the tree's file %v %q, on the named file %v %q, want both equal", what, got, x,
				want, y)
		}
	}
	tell := func(part uint32) {
		w.Helper()
		alike("query", func(h winnt.Handle) (string, ntstatus.Status) {
			d, st := th.NtQuerySecurityObject(h, part)
			if st != ntstatus.Success {
				return "", st
			}
			return string(d.Append(nil)), st
		})
	}
	for _, part := range parts {
		tell(part)
	}
	for _, part := range parts {
		alike("set", func(h winnt.Handle) (string, ntstatus.Status) { return "", th.NtSetSecurityObject(h, part, next) })
		tell(winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION)
		tell(winnt.SACL_SECURITY_INFORMATION)
	}
	for _, desired := range []winnt.AccessMask{0, winnt.FILE_READ_DATA, winnt.GENERIC_ALL, winnt.WRITE_DAC} {
		alike("duplicate", func(h winnt.Handle) (string, ntstatus.Status) {
			copied, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, desired, 0, 0)
			if st != ntstatus.Success {
				return "", st
			}
			defer th.NtClose(copied)
			return granted(th, copied).String(), st
		})
	}
}

// An operation that only tree files support fails on other files with the same status, whatever the handle grants,
// and has no effect (F-110, adr 36).
func TestNamedFilesHaveNoContents(t *testing.T) {
	w := newWorld(t)
	w.must(w.sys.CreateFile("named", sddl.MustParse("D:(A;;FA;;;WD)")))
	th := w.as(alice)
	for _, rights := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA,
		winnt.FILE_WRITE_ATTRIBUTES, winnt.DELETE, winnt.READ_CONTROL} {
		h := check.Result(th.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: "named"}, shareAll, 0))
		for class, v := range map[nt.FileInfoClass]any{nt.FileBasicInformation: nt.FileBasic{},
			nt.FileRenameInformation: nt.FileRename{FileName: "x"}, nt.FileLinkInformation: nt.FileRename{FileName: "x"},
			nt.FileDispositionInformation: nt.FileDisposition{DeleteFile: true},
			nt.FilePositionInformation:    nt.FilePosition{}, nt.FileEndOfFileInformation: nt.FileEndOfFile{}} {
			w.want(th.NtSetInformationFile(h, class, v), ntstatus.InvalidParameter)
		}
		for _, class := range []nt.FileInfoClass{nt.FileBasicInformation, nt.FileStandardInformation,
			nt.FilePositionInformation} {
			w.want(check.Status(th.NtQueryInformationFile(h, class)), ntstatus.InvalidInfoClass)
		}
		w.want(check.Status(th.NtQueryDirectoryFile(h, "", true)), ntstatus.InvalidParameter)
		// Reading returns no data, and written data is discarded.
		reading, writing := ntstatus.AccessDenied, ntstatus.AccessDenied
		if rights == winnt.MAXIMUM_ALLOWED || rights == winnt.FILE_READ_DATA {
			reading = ntstatus.EndOfFile
		}
		if rights == winnt.MAXIMUM_ALLOWED || rights == winnt.FILE_WRITE_DATA {
			writing = ntstatus.Success
		}
		w.want(check.Status(th.NtWriteFile(h, []byte("x"))), writing)
		w.want(check.Status(th.NtReadFile(h, 1)), reading)
		w.want(th.NtFlushBuffersFile(h), ntstatus.Success)
		w.want(check.Status(th.NtQueryVolumeInformationFile(h, nt.FileFsSizeInformation)), ntstatus.InvalidParameter)
		w.want(th.NtClose(h), ntstatus.Success)
	}
	_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: "named"}, shareAll, 0)
	w.want(st, ntstatus.Success)
}

// An open of the kernel's named file and of a tree file with the same descriptor gives the same status and rights,
// for random descriptors, users, rights and privileges. The tree's directory grants nothing, so that only the file
// decides (adr 36).
func TestNamedFileOpensLikeTreeFile(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 36))
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;BA)")
	people := []sid.SID{sid.MustParse(alice), sid.MustParse(bob), sid.MustParse(staff)}
	threads := []*nt.Thread{w.as(alice), w.as(bob), w.as(alice, winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege)}
	counts, after := map[ntstatus.Status]int{}, map[ntstatus.Status]int{}
	var left []*sd.Descriptor
	some := func(rnd *rand.Rand, people []sid.SID) *sd.Descriptor {
		world := draw(rnd, people)
		return world.descriptors[world.files[rnd.IntN(len(world.files))]]
	}
	n := randtest.Count(t, "REFMON_OPENS", 400)
	for i := range n {
		if len(left) == 0 {
			some := draw(rnd, people)
			for _, file := range some.files {
				left = append(left, some.descriptors[file])
			}
		}
		name, d := fmt.Sprint("f", i), left[0]
		left = left[1:]
		text := check.Must(sddl.Format(d, sddl.Options{}))
		w.file(name, "", text)
		w.must(w.sys.CreateFile(name, d))
		th := threads[rnd.IntN(len(threads))]
		mask := question{}.mask(rnd)
		in := call{desired: mask, disposition: fileaccess.FileOpen}.at(name)
		tree, _, got := th.NtCreateFile(in)
		named, want := th.NtOpenFile(mask, &nt.ObjectAttributes{ObjectName: name}, shareAll, 0)
		counts[want]++
		if got != want || granted(th, tree) != granted(th, named) {
			t.Errorf("open for %v of a file with %s: in the tree %v, %v, named %v, %v, want both equal", mask, text,
				got, granted(th, tree), want, granted(th, named))
		}
		if got == ntstatus.Success {
			w.operatesAlike(th, tree, named, some(rnd, people), after)
		}
		w.want(closeAny(th, tree), ntstatus.Success)
		w.want(closeAny(th, named), ntstatus.Success)
	}
	if counts[ntstatus.Success] < n/20 || counts[ntstatus.AccessDenied] < n/20 {
		t.Errorf("opens by status: %v, want at least %d of success and of access denied", counts, n/20)
	}
	check.That(t, after[ntstatus.Success] >= n && after[ntstatus.AccessDenied] >= n,
		"operations on handles by status: %v, want at least %d of success and of access denied", after, n)
}

// mask returns random rights to request.
func (question) mask(rnd *rand.Rand) winnt.AccessMask {
	words := []winnt.AccessMask{winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE, winnt.GENERIC_ALL,
		winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.DELETE, winnt.READ_CONTROL,
		winnt.WRITE_DAC, winnt.WRITE_OWNER, winnt.FILE_EXECUTE, winnt.SYNCHRONIZE, winnt.ACCESS_SYSTEM_SECURITY, 0, 1 << 21}
	m := words[rnd.IntN(len(words))]
	if rnd.IntN(2) == 0 {
		m |= words[rnd.IntN(len(words))]
	}
	return m
}

// granted returns a handle's granted rights, 0 if there is no handle.
func granted(th *nt.Thread, h winnt.Handle) winnt.AccessMask {
	if v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation); st == ntstatus.Success {
		return v.(nt.AccessInformation).AccessFlags
	}
	return 0
}

// question is a random operation on a file of a random tree.
type question struct {
	User        int
	Path        string // with backslashes
	Mask        winnt.AccessMask
	Disposition fileaccess.Disposition
	Options     fileaccess.CreateOptions
}

// drawn is a tree of random descriptors, by path with backslashes.
type drawn struct {
	dirs, files []string
	descriptors map[string]*sd.Descriptor
}

// draw returns a random tree. people are the SIDs in its descriptors, in addition to well-known ones.
func draw(rnd *rand.Rand, people []sid.SID) *drawn {
	const dirs, files = 12, 60
	d := &drawn{descriptors: map[string]*sd.Descriptor{"": sddl.MustParse("O:BAG:SYD:P(A;;0x1301bf;;;WD)")}}
	some := func() *sd.Descriptor {
		who := func() string {
			return pick(rnd, "WD", "AU", "NU", "OW", "BA", people[rnd.IntN(len(people))].String())
		}
		text := "O:" + people[rnd.IntN(len(people))].String() + "G:" + people[rnd.IntN(len(people))].String() + "D:P"
		for range 1 + rnd.IntN(5) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", pick(rnd, "A", "A", "D"), pick(rnd, "0x120089", "0x120116", "0x1200a0",
				"0x1f01ff", "0x1", "0x2", "0x4", "0x6", "0x10000", "0x40", "0x20", "0x80", "0x100", "0x60000", "0x1301bf"), who())
		}
		return sddl.MustParse(text)
	}
	for i := range dirs {
		path := fmt.Sprint("d", i)
		if i > 3 {
			path = d.dirs[rnd.IntN(4)] + `\` + path
		}
		d.dirs = append(d.dirs, path)
		d.descriptors[path] = some()
	}
	for i := range files {
		path := d.dirs[rnd.IntN(dirs)] + fmt.Sprint(`\f`, i)
		d.files = append(d.files, path)
		d.descriptors[path] = some()
	}
	return d
}

// make creates the tree below a directory. The host's modes permit everything, so that only the descriptors decide.
func (d *drawn) make(t testing.TB, root, attribute string) {
	t.Helper()
	var err error
	for _, dir := range d.dirs {
		at := filepath.Join(root, strings.ReplaceAll(dir, `\`, "/"))
		err = errors.Join(err, os.Mkdir(at, 0o700), os.Chmod(at, 0o777))
	}
	for _, file := range d.files {
		at := filepath.Join(root, strings.ReplaceAll(file, `\`, "/"))
		err = errors.Join(err, os.WriteFile(at, []byte("x"), 0o600), os.Chmod(at, 0o666))
	}
	for path, sec := range d.descriptors {
		a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sec}
		value, bad := a.Append(nil)
		err = errors.Join(err, bad, setAttribute(filepath.Join(root, strings.ReplaceAll(path, `\`, "/")), attribute, value))
	}
	check.NoError(t, errors.Join(err, os.Chmod(root, 0o777)))
}

// ask returns a random operation: an open with one right, several, generic rights or all rights, or the creation of a
// file that is deleted on close.
func (d *drawn) ask(rnd *rand.Rand, users int) question {
	q := question{User: rnd.IntN(users), Disposition: fileaccess.FileOpen}
	bits := []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA, winnt.FILE_EXECUTE,
		winnt.FILE_READ_ATTRIBUTES, winnt.FILE_WRITE_ATTRIBUTES, winnt.DELETE, winnt.READ_CONTROL, winnt.WRITE_DAC,
		winnt.WRITE_OWNER, winnt.FILE_READ_EA, winnt.FILE_DELETE_CHILD}
	words := []winnt.AccessMask{winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE, winnt.GENERIC_ALL,
		winnt.MAXIMUM_ALLOWED, winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_WRITE}
	q.Mask = bits[rnd.IntN(len(bits))]
	if rnd.IntN(3) == 0 {
		q.Mask |= bits[rnd.IntN(len(bits))]
	}
	if rnd.IntN(4) == 0 {
		q.Mask = words[rnd.IntN(len(words))]
	}
	q.Path = d.files[rnd.IntN(len(d.files))]
	switch rnd.IntN(5) {
	case 0:
		q.Path, q.Options = d.dirs[rnd.IntN(len(d.dirs))], fileaccess.DirectoryFile
	case 1:
		q.Path, q.Disposition = d.dirs[rnd.IntN(len(d.dirs))]+`\new`, fileaccess.FileCreate
		q.Mask, q.Options = winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, fileaccess.DeleteOnClose
		if rnd.IntN(2) == 0 {
			q.Options |= fileaccess.DirectoryFile
		}
	}
	return q
}

// onTree runs the operation on the tree and returns the status.
func (q *question) onTree(t testing.TB, th *nt.Thread) ntstatus.Status {
	t.Helper()
	h, _, st := th.NtCreateFile(call{desired: q.Mask, disposition: q.Disposition, options: q.Options}.at(q.Path))
	check.Require(t, closeAny(th, h), ntstatus.Success, "NtClose")
	return st
}

// A tree decides thousands of random operations on real files as access checks of the descriptors alone do: of the
// object's and, where it matters, of its directory's (F-2, F-31, F-40 to F-44).
func TestRandomOperationsMatchAccessChecks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 31))
	w := newWorld(t)
	users := []string{alice, bob, "S-1-5-21-1-2-3-1109"}
	d := draw(rnd, []sid.SID{sid.MustParse(alice), sid.MustParse(bob), sid.MustParse(staff), sid.Anonymous})
	d.make(t, w.root, attributeHere(t))
	var threads []*nt.Thread
	for _, u := range users {
		threads = append(threads, w.as(u))
	}
	count, wrong := map[bool]int{}, 0
	for range randtest.Count(t, "REFMON_OPENS", 3000) {
		q := d.ask(rnd, len(users))
		st := q.onTree(t, threads[q.User])
		want := d.allows(w.subject(users[q.User]), &q)
		if count[want]++; want != (st == ntstatus.Success) && wrong < 10 {
			wrong++
			dir, _ := parentOf(q.Path)
			t.Errorf("%+v as %s: %v, success by access checks %t\n%s\nin %s", q, users[q.User], st, want,
				numericOr(d.descriptors[q.Path]), numericOr(d.descriptors[dir]))
		}
	}
	if total := count[true] + count[false]; count[true] < total/20 || count[false] < total/20 {
		t.Errorf("operations by success: %v, want at least %d successful and %d denied ones", count, total/20,
			total/20)
	}
}

// allows decides with access checks alone. The users have SeChangeNotifyPrivilege, so directories on the path are not
// checked.
func (d *drawn) allows(s access.Subject, q *question) bool {
	most := func(of *sd.Descriptor) (m winnt.AccessMask) {
		for bit := winnt.AccessMask(1); bit <= winnt.SYNCHRONIZE; bit <<= 1 {
			if dec, err := access.Check(s.Primary, of, bit, winnt.FileObject); err == nil && dec.Allowed() {
				m |= bit
			}
		}
		return m
	}
	dir, _ := parentOf(q.Path)
	if q.Disposition == fileaccess.FileCreate {
		need := winnt.FILE_ADD_FILE
		if q.Options&fileaccess.DirectoryFile != 0 {
			need = winnt.FILE_ADD_SUBDIRECTORY
		}
		return most(d.descriptors[dir])&need != 0
	}
	has := most(d.descriptors[q.Path])
	above := most(d.descriptors[dir])
	if above&winnt.FILE_DELETE_CHILD != 0 {
		has |= winnt.DELETE
	}
	if above&winnt.FILE_LIST_DIRECTORY != 0 {
		has |= winnt.FILE_READ_ATTRIBUTES
	}
	need := winnt.FileObject.Mapping.Map(q.Mask)
	if need&winnt.MAXIMUM_ALLOWED != 0 {
		return has != 0
	}
	return need&^has == 0
}
