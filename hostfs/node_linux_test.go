package hostfs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A file that is marked for deletion disappears with its last handle. Until then it cannot be opened (F-117).
func TestDeletePendingFileGoesWithLastHandle(t *testing.T) {
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
	w.deletes(two, reader, ntstatus.AccessDenied)
	w.want(remove(true), ntstatus.Success)
	w.open(two, "f", winnt.GENERIC_READ, ntstatus.DeletePending)
	w.want(remove(false), ntstatus.Success)
	w.want(two.NtClose(w.open(two, "f", winnt.GENERIC_READ, ntstatus.Success)), ntstatus.Success)
	w.want(remove(true), ntstatus.Success)
	w.want(one.NtClose(h), ntstatus.Success)
	w.exists("f", true)
	w.want(two.NtClose(reader), ntstatus.Success)
	w.exists("f", false)
	// Deletion with only the directory's right works. After a rename by another program, delete-on-close removes
	// neither the renamed file nor a new file with the name.
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
	// A revoked open deletes only a file that it created (W-99).
	for _, c := range []struct {
		name        string
		disposition fileaccess.Disposition
		options     fileaccess.CreateOptions
	}{{`d\h`, fileaccess.FileOpenIf, 0}, {`d\old`, fileaccess.FileOpenIf, fileaccess.DeleteOnClose},
		{`d\h`, fileaccess.FileOverwriteIf, fileaccess.DeleteOnClose},
		{`d\made`, fileaccess.FileOverwriteIf, fileaccess.DeleteOnClose}} {
		h = w.create(one, c.name, call{desired: winnt.DELETE, disposition: c.disposition, options: c.options},
			ntstatus.Success)
		_, n := w.sys.Revoke(nil, func(_ *token.Token, opened string) bool { return opened == `\Device\share\`+c.name })
		check.Equal(t, n, 1, "W-99: revoked opens of %s", c.name)
		w.want(one.NtClose(h), ntstatus.Success)
		w.exists(c.name, c.name != `d\made`)
	}
	// A directory with entries cannot be deleted, nor can the root.
	w.want(two.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\d`}), ntstatus.AccessDenied)
	w.want(one.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\d`}), ntstatus.DirectoryNotEmpty)
	empty := newWorld(t)
	empty.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.want(empty.as(alice).NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\share\`}), ntstatus.CannotDelete)
	w.want(one.NtDeleteFile(&nt.ObjectAttributes{ObjectName: `\??\NUL`}), ntstatus.NotSupported)
	w.nothingPrivate("", "d")
}

// A user without the right to write to the file cannot exclude other readers, even with the first open (F-48).
func TestExclusiveReadNeedsWriteRight(t *testing.T) {
	w := newWorld(t)
	w.file("f", "x", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.dir("d", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.dir("made", "O:BAG:SYD:P(A;OICI;FA;;;"+bob+")(A;OICI;FR;;;WD)")
	one, two := w.as(bob), w.as(alice)
	for _, name := range []string{"f", "d"} {
		h := w.create(one, name, call{desired: winnt.FILE_READ_DATA, exclusive: true, disposition: fileaccess.FileOpen},
			ntstatus.Success)
		w.want(closeAny(two, w.open(two, name, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
		w.want(one.NtClose(h), ntstatus.Success)
	}
	// A user with the right to write to the directory can.
	h := w.create(one, `made\f`, call{desired: winnt.FILE_READ_DATA, exclusive: true, disposition: fileaccess.FileCreate},
		ntstatus.Success)
	w.open(two, `made\f`, winnt.FILE_READ_DATA, ntstatus.SharingViolation)
	w.want(one.NtClose(h), ntstatus.Success)
}

// Each of two opens must share the access that the other has (F-116).
func TestConflictingShareModeFailsSecondOpen(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)") // Without write access a user cannot exclude readers (F-48).
	w.file("f", "x", "O:BAG:SYD:P(A;;FA;;;WD)")
	one, two := w.as(alice), w.as(bob)
	rights := map[winnt.AccessMask]fileaccess.ShareAccess{
		winnt.FILE_READ_DATA: fileaccess.ShareRead, winnt.FILE_EXECUTE: fileaccess.ShareRead,
		winnt.FILE_WRITE_DATA: fileaccess.ShareWrite, winnt.FILE_APPEND_DATA: fileaccess.ShareWrite,
		winnt.DELETE: fileaccess.ShareDelete,
	}
	for mine, first := range rights {
		for share := range fileaccess.ShareAccess(8) {
			for theirs, second := range rights {
				in := call{desired: mine, disposition: fileaccess.FileOpen}.at("f")
				in.ShareAccess = uint32(share)
				h, _, st := one.NtCreateFile(in)
				w.want(st, ntstatus.Success)
				want := ntstatus.Success
				if share&second == 0 {
					want = ntstatus.SharingViolation
				}
				other := w.open(two, "f", theirs, want)
				in.DesiredAccess, in.ShareAccess = theirs, uint32(7&^first)
				w.want(closeAny(two, other), ntstatus.Success)
				_, _, st = two.NtCreateFile(in)
				w.want(st, ntstatus.SharingViolation)
				w.want(w.attributesOnly(two), ntstatus.Success)
				w.want(one.NtClose(h), ntstatus.Success)
			}
		}
	}
	h := w.create(one, "f", call{desired: winnt.GENERIC_READ, exclusive: true, disposition: fileaccess.FileOpen},
		ntstatus.Success)
	w.create(two, "f", call{desired: winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileOverwrite},
		ntstatus.SharingViolation)
	w.want(one.NtClose(h), ntstatus.Success)
	w.create(one, "f", call{desired: winnt.FILE_READ_ATTRIBUTES, exclusive: true, disposition: fileaccess.FileOpen},
		ntstatus.Success)
	w.open(two, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	w.holds(map[string]string{"f": "x"})
}

// attributesOnly opens the file with rights that conflict with no sharing mode.
func (w *world) attributesOnly(th *nt.Thread) ntstatus.Status {
	w.Helper()
	h, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileOpen,
		exclusive: true}.at("f"))
	if st != ntstatus.Success {
		return st
	}
	return th.NtClose(h)
}

// wantPending checks DeletePending of a handle.
func (w *world) wantPending(th *nt.Thread, h winnt.Handle, want bool) {
	w.Helper()
	about := check.Result(th.NtQueryInformationFile(h, nt.FileStandardInformation))
	if s := about.(nt.FileStandard); s.DeletePending != want {
		w.Errorf("F-117: DeletePending is %t, want %t", s.DeletePending, want)
	}
}

// Deleting one name of a file does not affect its other names (F-117).
func TestDeleteKeepsOtherNames(t *testing.T) {
	w := newWorld(t)
	const full = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.describe("", full)
	th := w.as(alice)
	w.file("f", "text", full)
	w.file("other", "", full)
	w.must(os.Link(w.path("f"), w.path("g")))
	kept := w.open(th, "g", winnt.FILE_READ_DATA|winnt.DELETE, ntstatus.Success)
	first := w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	gone := w.create(th, "f", call{desired: winnt.DELETE, disposition: fileaccess.FileOpen,
		options: fileaccess.DeleteOnClose}, ntstatus.Success)
	w.wantPending(th, gone, false)
	w.want(th.NtClose(gone), ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.DeletePending)
	w.exists("f", true)
	w.wantPending(th, first, true)
	w.wantPending(th, kept, false)
	// A name that is marked for deletion cannot be replaced, and the other name can be changed.
	h := w.open(th, "other", winnt.DELETE, ntstatus.Success)
	if st := th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "f",
		ReplaceIfExists: true}); st == ntstatus.Success {
		t.Errorf("F-117: rename over a name with a pending deletion: %v, want a failure", ntstatus.Success)
	}
	w.want(th.NtClose(h), ntstatus.Success)
	w.renames(th, kept, nt.FileRename{FileName: "k"}, ntstatus.Success)
	w.want(th.NtClose(w.open(th, "k", winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	w.want(th.NtClose(first), ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound)
	w.want(th.NtClose(kept), ntstatus.Success)
	w.exists("k", true)
	w.exists("f", false)
}

// An open shares the requested access, and also reading if it must not exclude readers. It supports links if
// requested, and keeps the facts of the lookup unless it changed the file (F-48, F-116, F-191).
func TestOpenSharesRequestedAccess(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", wide)
	for share := range fileaccess.ShareAccess(8) {
		for _, forced := range []bool{false, true} {
			for _, action := range []fileaccess.Action{fileaccess.Opened, fileaccess.Overwritten, fileaccess.Superseded} {
				w.must(os.WriteFile(w.path("f"), []byte("text"), 0o600))
				r := fileaccess.Request{Name: "f", Share: share, Subject: w.subject(bob)}
				if forced {
					r.Options = fileaccess.OpenReparsePoint
				}
				p := check.Result(w.tree.Find(&r, nil))
				d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_EXECUTE,
					Action: action, ForceShareRead: forced}
				made, _, st := p.Open(&r, &d)
				p.Release()
				w.want(st, ntstatus.Success)
				f := made.(*file)
				want, contents := share, "text"
				if forced {
					want |= fileaccess.ShareRead
				}
				if action != fileaccess.Opened {
					contents = ""
				}
				if f.share != want || f.links != forced || (f.found.FileID != 0) != (action == fileaccess.Opened) {
					t.Errorf("F-48: share mode %d, forced %t: %d, links %t, found %+v; want %d, %t", share, forced,
						f.share, f.links, f.found, want, forced)
				}
				facts, _, st := f.Found()
				w.want(st, ntstatus.Success)
				if facts.EndOfFile != int64(len(contents)) || facts.FileID != w.inode("f") {
					t.Errorf("size %d and inode %d at the open, want those of %q", facts.EndOfFile, facts.FileID, contents)
				}
				b := make([]byte, 9)
				n, st := f.ReadAt(b, 0)
				if st != ntstatus.Success || string(b[:n]) != contents { // FILE_EXECUTE permits the server to read.
					t.Errorf("F-114: ReadAt = %q, %v, want %q", b[:n], st, contents)
				}
				f.Close()
			}
		}
	}
}

// A tree has one node for each open file and one link for each of its open names. The counts follow every open and
// close, and nothing remains after the last (F-117, F-123, F-181).
func TestOpensAreCounted(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	w.must(os.Link(w.path("f"), w.path("g")))
	w.file("x", "x", wide)
	counts := func(opens, nodes, dooms int, users ...int) {
		t.Helper()
		w.tree.mu.Lock()
		defer w.tree.mu.Unlock()
		if w.tree.opens != opens || len(w.tree.nodes) != nodes || w.tree.dooms != dooms {
			t.Errorf("F-123: %d opens of %d files, %d names pending deletion; want %d, %d, %d", w.tree.opens,
				len(w.tree.nodes), w.tree.dooms, opens, nodes, dooms)
		}
		n := w.tree.nodes[w.inode("f")]
		for i, want := range users {
			check.Equal(t, n.opens[i].link.users, want, "F-117: users of the name of open %d", i)
		}
	}
	counts(0, 0, 0)
	a := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	counts(1, 1, 0, 1)
	b := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	counts(2, 1, 0, 2, 2)
	g := w.opened("g", fileaccess.Request{}, winnt.DELETE)
	counts(3, 1, 0, 2, 2, 1)
	x := w.opened("x", fileaccess.Request{}, winnt.FILE_READ_DATA)
	counts(4, 2, 0, 2, 2, 1)
	for range 2 { // A repeated call changes nothing.
		w.want(a.SetDelete(true), ntstatus.Success)
		counts(4, 2, 1, 3, 3, 1)
	}
	for range 2 {
		w.want(b.SetDelete(false), ntstatus.Success)
		counts(4, 2, 0, 2, 2, 1)
	}
	w.want(g.SetDelete(true), ntstatus.Success)
	counts(4, 2, 1, 2, 2, 2)
	w.mustShut(a)
	counts(3, 2, 1, 1, 2)
	check.That(t, w.tree.isOpen(w.inode("f")) && !w.tree.isOpen(w.inode("")),
		"F-48: isOpen must be true for the open file and false for the root")
	w.mustShut(g)
	counts(2, 2, 0, 1)
	w.holds(map[string]string{"g": "-", "f": "f"})
	w.mustShut(b)
	counts(1, 1, 0)
	check.That(t, w.tree.Close() != nil, "Close of a tree with an open file: no error, want one")
	w.mustShut(x)
	counts(0, 0, 0)
}

// Two links of a file are the same name if name and directory are equal. If one of them has no descriptor of its
// directory, the paths decide (F-181).
func TestLinksInOneDirectoryAreOneName(t *testing.T) {
	for _, c := range []struct {
		a, b link
		want bool
	}{
		{link{dir: 3, directory: 7, name: "f", path: `d\f`}, link{dir: 4, directory: 7, name: "f", path: `e\f`}, true},
		{link{dir: 3, directory: 7, name: "f", path: `d\f`}, link{dir: 3, directory: 8, name: "f", path: `d\f`}, false},
		{link{dir: 3, directory: 7, name: "f"}, link{dir: 3, directory: 7, name: "g"}, false},
		{link{dir: -1, name: "f", path: `d\f`}, link{dir: 4, directory: 7, name: "f", path: `d\f`}, true},
		{link{dir: 4, directory: 7, name: "f", path: `d\f`}, link{dir: -1, name: "f", path: `d\f`}, true},
		{link{dir: -1, name: "f", path: `d\f`}, link{dir: -1, name: "f", path: `e\f`}, false},
		{link{dir: 4, name: "f", path: `d\f`}, link{dir: -1, name: "f", path: `e\f`}, false},
		{link{dir: -1, name: "f", path: `d\f`}, link{dir: 4, name: "f", path: `e\f`}, false},
		{link{dir: -1, name: "f", path: "f"}, link{dir: -1, name: "g", path: "f"}, false},
		{link{dir: 0, directory: 7, name: "f", path: "x"}, link{dir: 0, directory: 7, name: "f", path: "y"}, true},
	} {
		check.Equal(t, c.a.same(&c.b), c.want, "F-181: %+v and %+v are the same name", c.a, c.b)
	}
}
