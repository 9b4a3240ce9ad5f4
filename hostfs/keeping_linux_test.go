package hostfs

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestKeptOfAnOpen: what is kept beside the descriptor is asked for once of a file at rest, and again when it has
// changed; of a file that has just changed, or whose change has no time, it is asked for each time (F-115, F-130).
func TestKeptOfAnOpen(t *testing.T) {
	old := time.Now().Add(-time.Hour).Unix()
	rest := unix.Statx_t{Ino: 1, Ctime: unix.StatxTimestamp{Sec: old}}
	young, none := rest, rest
	young.Ctime.Sec, none.Ctime.Sec = time.Now().Add(time.Hour).Unix(), 0
	hidden := dos{attributes: fileaccess.AttributeHidden, there: true}
	f := &file{fd: -1} // nothing can be read of it again
	keep := func(s *unix.Statx_t) {
		f.keeping.Lock()
		defer f.keeping.Unlock()
		f.keepLocked(hidden, s)
	}
	later := rest
	later.Ctime.Sec++
	for i, c := range []struct {
		kept, asked *unix.Statx_t
		want        dos
	}{
		{&rest, &rest, hidden}, {&rest, &later, dos{}}, {&rest, &rest, hidden}, {&young, &young, dos{}},
		{&none, &none, dos{}}, {&young, &rest, dos{}},
	} {
		keep(c.kept)
		if got := f.dosNow(c.asked); got != c.want {
			t.Errorf("F-130: %d: %+v, want %+v", i, got, c.want)
		}
	}
}

// TestAttributesThatAreReplaced: replacing contents adds what was asked for and the archive attribute, and takes none
// away; the end of that open marks it again; a directory is not archived (F-172, F-173).
func TestAttributesThatAreReplaced(t *testing.T) {
	w, _ := keeper(t)
	const hidden, system, archive = fileaccess.AttributeHidden, fileaccess.AttributeSystem, fileaccess.AttributeArchive
	w.file("f", "", wide)
	w.dir("d", wide)
	now := func(name string) fileaccess.Attributes { return dosOf(w.path(name)).attributes }
	for i, c := range []struct {
		was, asked, want fileaccess.Attributes
	}{{0, 0, archive}, {0, hidden, archive | hidden}, {hidden, system, archive | hidden | system},
		{hidden, 0, archive | hidden},
		{archive, fileaccess.AttributeReadOnly | 0x1000, archive | fileaccess.AttributeReadOnly}} {
		w.must(setAttribute(w.path("f"), dosName, dos{c.was, true, 5}.append(nil, false)))
		f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
		w.must(f.replaced(c.asked))
		if got := now("f"); got != c.want || dosOf(w.path("f")).created != 5 {
			t.Errorf("F-172: %d: %#x, want %#x", i, got, c.want)
		}
		w.must(setAttribute(w.path("f"), dosName, dos{c.was, true, 5}.append(nil, false)))
		w.shut(f)
		if got := now("f"); got != c.was|archive {
			t.Errorf("F-173: %d: after the end %#x", i, got)
		}
	}
	// A file without any kept attributes gets the one, in a form that says so.
	w.must(unix.Removexattr(w.path("f"), dosName))
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	f.archive()
	if got := dosOf(w.path("f")); !got.there || got.attributes != archive {
		t.Errorf("F-173: %+v", got)
	}
	// What was said counts for what changed before, and a time alone says nothing of it.
	for _, c := range []struct {
		said nt.FileBasic
		want fileaccess.Attributes
	}{{nt.FileBasic{FileAttributes: hidden}, hidden}, {nt.FileBasic{CreationTime: 77}, hidden | archive},
		{nt.FileBasic{LastWriteTime: epoch + 1}, hidden | archive}} {
		w.must(setAttribute(w.path("f"), dosName, dos{hidden, true, 5}.append(nil, false)))
		g := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
		g.changed.Store(true)
		w.want(g.SetBasic(c.said), ntstatus.Success)
		w.shut(g)
		if got := now("f"); got != c.want {
			t.Errorf("F-173: after %+v %#x, want %#x", c.said, got, c.want)
		}
	}
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	d.archive()
	w.shut(d)
	if value, _ := w.kept("d"); value != "" || d.changed.Load() {
		t.Errorf("F-173: a directory is kept as %s", value)
	}
	// The time that a file was made by itself needs not be kept.
	w.must(os.WriteFile(w.path("born"), nil, 0o600))
	w.describe("born", wide)
	b := w.opened("born", fileaccess.Request{}, winnt.FILE_WRITE_ATTRIBUTES)
	s, err := b.stat()
	w.must(err)
	w.want(b.SetBasic(nt.FileBasic{CreationTime: fileTime(s.Btime)}), ntstatus.Success)
	if value, _ := w.kept("born"); value != "" {
		t.Errorf("F-122: kept as %s", value)
	}
	// What is refused changes nothing.
	w.want(b.SetBasic(nt.FileBasic{FileAttributes: 0x2000, CreationTime: 77, LastWriteTime: epoch + 1}),
		ntstatus.NotSupported)
	if facts, st := b.Facts(); st != ntstatus.Success || facts.LastWriteTime == epoch+1 || facts.CreationTime == 77 {
		t.Errorf("F-122: %+v, %v", facts, st)
	}
}

// TestSharedAsAsked: an open shares what it asks for, and reading where it can keep no other from that; it knows links
// where it said so, and it was found as it was opened (F-48, F-116, F-191).
func TestSharedAsAsked(t *testing.T) {
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
				p, st := w.tree.Find(&r, nil)
				w.want(st, ntstatus.Success)
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
					t.Errorf("F-48: %d is shared as %d, links %t, found %+v", share, f.share, f.links, f.found)
				}
				facts, _, st := f.Found()
				if w.want(st, ntstatus.Success); facts.EndOfFile != int64(len(contents)) {
					t.Errorf("found with %d bytes, want %q", facts.EndOfFile, contents)
				}
				b := make([]byte, 9)
				if n, st := f.ReadAt(b, 0); st != ntstatus.Success || string(b[:n]) != contents { // who may run it reads it
					t.Errorf("F-114: %q, %v, want %q", b[:n], st, contents)
				}
				f.Close()
			}
		}
	}
}

// TestOpenThatFailsToEmpty: what is to be deleted on close stays where its contents cannot be taken away (F-117).
func TestOpenThatFailsToEmpty(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", wide)
	lease, err := os.Open(w.path("f"))
	w.must(err)
	defer func() { w.must(lease.Close()) }()
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	before := len(descriptors(t))
	r := fileaccess.Request{Name: "f", Share: 7, Options: fileaccess.DeleteOnClose, Subject: w.subject(bob)}
	p, st := w.tree.Find(&r, nil)
	w.want(st, ntstatus.Success)
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.DELETE,
		Action: fileaccess.Overwritten}
	f, again, st := p.Open(&r, &d)
	p.Release()
	if f != nil || again || st != ntstatus.SharingViolation {
		t.Errorf("F-124: %v, %t, %v", f, again, st)
	}
	w.holds(map[string]string{"f": "text"})
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	if w.tree.opens != 0 || len(descriptors(t)) != before {
		t.Errorf("F-123: %d opens, %d descriptors, were %d", w.tree.opens, len(descriptors(t)), before)
	}
}
