package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// readBack returns the attribute of a file as it stands there.
func (w *world) readBack(name string) *ntacl.Attribute {
	w.Helper()
	b, err := attribute(w.path(name), w.tree.cfg.Attribute)
	w.must(err)
	a, err := ntacl.Decode(b)
	w.must(err)
	return a
}

// Who may add files makes them, with the descriptor that the directory says, in the
// directory's version of the attribute; who may not makes nothing (F-31, F-32).
func TestCreate(t *testing.T) {
	w := newWorld(t)
	w.dir("in", "O:BAG:SYD:PAI(A;OICI;FA;;;"+alice+")(A;OICI;FR;;;WD)(A;OICIIO;FA;;;CO)")
	one, two := w.as(alice), w.as(bob)
	q := call{desired: winnt.FILE_ALL_ACCESS, disposition: fileaccess.FileCreate}
	w.create(two, `in\f`, q, ntstatus.AccessDenied)
	if _, err := os.Lstat(w.path("in/f")); err == nil {
		t.Error("bob's file is there")
	}
	h, action, st := one.NtCreateFile(q.at(`in\f`))
	if st != ntstatus.Success || action != fileaccess.Created {
		t.Fatalf("alice makes a file: %v, %v", action, st)
	}
	if n, st := one.NtWriteFileAt(h, []byte("hello"), 0); n != 5 || st != ntstatus.Success {
		t.Errorf("alice writes %d bytes, %v", n, st)
	}
	want := sddl.MustParse("O:" + alice + "D:AI(A;ID;FA;;;" + alice + ")(A;ID;FR;;;WD)(A;ID;FA;;;" + alice + ")")
	got := w.readBack(`in\f`)
	if !got.Descriptor.DACL().Equal(want.DACL()) || got.Descriptor.Owner() != want.Owner() || got.Version != 3 {
		text, _ := sddl.Format(got.Descriptor, sddl.Options{})
		t.Errorf("version %d: %s", got.Version, text)
	}
	w.create(one, `in\f`, q, ntstatus.ObjectNameCollision)
	w.want(one.NtClose(h), ntstatus.Success)
	// A directory, with a descriptor of the creator's own.
	q = call{desired: winnt.FILE_LIST_DIRECTORY, disposition: fileaccess.FileOpenIf, options: fileaccess.DirectoryFile,
		sd: sddl.MustParse("D:P(A;OICI;FA;;;" + alice + ")")}
	w.create(two, `in\d`, q, ntstatus.AccessDenied)
	w.create(one, `in\d`, q, ntstatus.Success)
	w.create(one, `in\d`, q, ntstatus.Success)
	w.create(two, `in\d`, q, ntstatus.AccessDenied)
	w.create(one, `in\d\f`, call{desired: winnt.GENERIC_READ, disposition: fileaccess.FileCreate}, ntstatus.Success)
	w.create(two, `in\d\g`, call{desired: winnt.GENERIC_READ, disposition: fileaccess.FileCreate}, ntstatus.AccessDenied)
	w.create(one, `in\d\f`, call{desired: winnt.GENERIC_READ, disposition: fileaccess.FileCreate,
		options: fileaccess.DirectoryFile}, ntstatus.ObjectNameCollision)
	w.create(one, `no\f`, call{desired: winnt.GENERIC_READ, disposition: fileaccess.FileCreate},
		ntstatus.ObjectPathNotFound)
	w.nothingPrivate("", "in", "in/d")
}

// nothingPrivate fails for a name of the tree's own that was left behind.
func (w *world) nothingPrivate(dirs ...string) {
	w.Helper()
	for _, d := range dirs {
		list, err := os.ReadDir(w.path(d))
		w.must(err)
		for _, e := range list {
			if len(e.Name()) >= len(privatePrefix) && e.Name()[:len(privatePrefix)] == privatePrefix {
				w.Errorf("%s was left in %q", e.Name(), d)
			}
		}
	}
}

// Overwriting empties a file for a user who may write it and no other; the set-uid bit
// goes with the contents (F-33, F-125).
func TestOverwrite(t *testing.T) {
	w := newWorld(t)
	const theirs = "O:BAG:SYD:P(A;;FA;;;" + alice + ")(A;;FR;;;" + bob + ")"
	one, two := w.as(alice), w.as(bob)
	for d, action := range map[fileaccess.Disposition]fileaccess.Action{fileaccess.FileOverwrite: fileaccess.Overwritten,
		fileaccess.FileOverwriteIf: fileaccess.Overwritten, fileaccess.FileSupersede: fileaccess.Superseded} {
		w.file("f", "contents", theirs)
		w.must(os.Chmod(w.path("f"), 0o600|os.ModeSetuid))
		q := call{desired: winnt.GENERIC_READ, disposition: d}
		w.create(two, "f", q, ntstatus.AccessDenied)
		if b, _ := os.ReadFile(w.path("f")); string(b) != "contents" {
			t.Errorf("bob emptied the file: %q", b)
		}
		h, got, st := one.NtCreateFile(q.at("f"))
		if got != action || st != ntstatus.Success {
			t.Errorf("disposition %d: %v, %v", d, got, st)
		}
		s, err := os.Stat(w.path("f"))
		w.must(err)
		if s.Size() != 0 || s.Mode()&os.ModeSetuid != 0 {
			t.Errorf("disposition %d leaves %d bytes, %v", d, s.Size(), s.Mode())
		}
		w.want(one.NtClose(h), ntstatus.Success)
		w.must(os.Remove(w.path("f")))
	}
	w.create(one, "none", call{desired: winnt.GENERIC_READ, disposition: fileaccess.FileOverwrite},
		ntstatus.ObjectNameNotFound)
}

// Each way to change the contents of a file takes either special bit off it, and
// leaves the other bits (F-125).
func TestSpecialBits(t *testing.T) {
	w := newWorld(t)
	th := w.as(alice)
	ways := map[string]func(){
		"write": func() {
			_, st := th.NtWriteFileAt(w.open(th, "s", winnt.FILE_WRITE_DATA, ntstatus.Success), []byte("C"), 0)
			w.want(st, ntstatus.Success)
		},
		"append": func() {
			_, st := th.NtWriteFileAt(w.open(th, "s", winnt.FILE_APPEND_DATA, ntstatus.Success), []byte("C"), 0)
			w.want(st, ntstatus.Success)
		},
		"set the size": func() {
			h := w.open(th, "s", winnt.FILE_WRITE_DATA, ntstatus.Success)
			w.want(th.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 3}), ntstatus.Success)
		},
		"overwrite": func() {
			w.create(th, "s", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOverwrite}, ntstatus.Success)
		},
	}
	for name, change := range ways {
		for _, special := range []os.FileMode{os.ModeSetuid, os.ModeSetgid, os.ModeSetuid | os.ModeSetgid} {
			w.file("s", "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
			w.must(os.Chmod(w.path("s"), 0o755|special|os.ModeSticky))
			change()
			var s unix.Stat_t
			w.must(unix.Stat(w.path("s"), &s))
			if s.Mode&0o7777 != 0o1755 {
				t.Errorf("%s: a mode with %v becomes %o", name, special, s.Mode&0o7777)
			}
			w.must(os.Remove(w.path("s")))
		}
	}
}

// Who can keep no other from reading does not, though no other had the file open before (F-48).
func TestForcedSharing(t *testing.T) {
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
	// Who may write to the directory may.
	h := w.create(one, `made\f`, call{desired: winnt.FILE_READ_DATA, exclusive: true, disposition: fileaccess.FileCreate},
		ntstatus.Success)
	w.open(two, `made\f`, winnt.FILE_READ_DATA, ntstatus.SharingViolation)
	w.want(one.NtClose(h), ntstatus.Success)
}

// Two opens must each share what the other may do (F-116).
func TestShareModes(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)") // who may not write here keeps no other from reading (F-48)
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
	if b, _ := os.ReadFile(w.path("f")); string(b) != "x" {
		t.Errorf("an open that was refused emptied the file: %q", b)
	}
}

// attributesOnly opens the file for what conflicts with nothing.
func (w *world) attributesOnly(th *nt.Thread) ntstatus.Status {
	w.Helper()
	h, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileOpen,
		exclusive: true}.at("f"))
	if st != ntstatus.Success {
		return st
	}
	return th.NtClose(h)
}

func closeAny(th *nt.Thread, h winnt.Handle) ntstatus.Status {
	if h == 0 {
		return ntstatus.Success
	}
	return th.NtClose(h)
}
