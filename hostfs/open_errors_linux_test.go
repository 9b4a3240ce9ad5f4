package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A file that is to be overwritten and deleted on close stays if its contents cannot be removed (F-117).
func TestFailedTruncateKeepsDeletedFile(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", wide)
	lease := check.Must(os.Open(w.path("f")))
	defer func() { w.must(lease.Close()) }()
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	before := w.descriptors()
	r := fileaccess.Request{Name: "f", Share: 7, Options: fileaccess.DeleteOnClose, Subject: w.subject(bob)}
	p := check.Result(w.tree.Find(&r, nil))
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.DELETE,
		Action: fileaccess.Overwritten}
	f, again, st := p.Open(&r, &d)
	p.Release()
	check.That(t, f == nil && !again && st == ntstatus.SharingViolation,
		"F-124: Open of a leased file: %v, again %t, %v; want nil, false, %v", f, again, st, ntstatus.SharingViolation)
	w.holds(map[string]string{"f": "text"})
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	if w.tree.opens != 0 || w.descriptors() != before {
		t.Errorf("F-123: %d opens, %d host descriptors; want 0, %d", w.tree.opens, w.descriptors(), before)
	}
}

// failing creates a file through the tree itself, with the decision that the test gives, and checks that nothing of
// it remains.
func (w *world) failing(name string, options fileaccess.CreateOptions, change func(*place, *fileaccess.Decision),
	again bool, want ntstatus.Status) {
	w.Helper()
	before := w.descriptors()
	r := &fileaccess.Request{Name: name, Subject: w.subject(bob), Options: options, Disposition: fileaccess.FileCreate}
	found := check.Result(w.tree.Find(r, nil))
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA,
		Action: fileaccess.Created, NewSD: sddl.MustParse(wide)}
	change(found.(*place), &d)
	f, more, st := found.Open(r, &d)
	found.Release()
	check.That(w, f == nil && more == again && st == want,
		"Open of %s: %v, again %t, %v; want nil, %t, %v", name, f, more, st, again, want)
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	if len(w.tree.nodes) != 0 || w.tree.opens != 0 || w.tree.dooms != 0 || w.descriptors() != before {
		w.Errorf("after the failed Open of %s: %d nodes, %d opens, %d names pending deletion, %d host "+
			"descriptors; want 0, 0, 0, %d", name, len(w.tree.nodes), w.tree.opens, w.tree.dooms, w.descriptors(),
			before)
	}
}

// If a creation fails at any step, no name, open or host descriptor remains: for a file, a directory, and both with
// delete-on-close (F-114, F-123).
func TestFailedCreateLeavesNothing(t *testing.T) {
	for _, kind := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile, fileaccess.DeleteOnClose,
		fileaccess.DirectoryFile | fileaccess.DeleteOnClose} {
		w := newWorld(t)
		w.dir("d", wide)
		leave := func(*place, *fileaccess.Decision) {}
		w.failing(`d\f`, kind, func(_ *place, d *fileaccess.Decision) { *d = fileaccess.Decision{} }, false,
			ntstatus.AccessDenied)
		w.failing(`none\f`, kind, leave, false, ntstatus.AccessDenied) // Its directory does not exist.
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.file(`d\f`, "new", wide) }, true,
			ntstatus.ObjectNameCollision)
		w.holds(map[string]string{`d\f`: "new"})
		w.must(os.Remove(w.path(`d\f`)))
		w.failing(`d\f`, kind, func(_ *place, d *fileaccess.Decision) { d.NewSD = nil }, false, ntstatus.Unsuccessful)
		was := w.tree.cfg.Opens
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.tree.cfg.Opens = 0 }, false,
			ntstatus.TooManyOpenedFiles)
		w.tree.cfg.Opens = was
		w.failing(`d\f`, kind, func(*place, *fileaccess.Decision) { w.must(os.Remove(w.path("d"))) }, true,
			ntstatus.ObjectNameNotFound)
		w.dir("d", wide)
		if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 0 {
			t.Errorf("F-114: names left: %v, %v, want none", left, err)
		}
		w.nothingPrivate("")
	}
}
