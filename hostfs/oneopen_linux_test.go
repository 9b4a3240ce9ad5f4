package hostfs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestRemoveName: a name that is to go goes at once; the opens by it go on without one, and what takes the name later
// is theirs no more; what was not to go stays (F-117, M-20).
func TestRemoveName(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	w.file(`d\f`, "f", wide)
	w.must(os.Link(w.path(`d\f`), w.path(`d\other`)))
	one := w.opened(`d\f`, fileaccess.Request{}, winnt.DELETE)
	two := w.opened(`d\f`, fileaccess.Request{}, winnt.FILE_READ_DATA)
	other := w.opened(`d\other`, fileaccess.Request{}, winnt.FILE_READ_DATA)
	w.want(one.RemoveName(), ntstatus.CannotDelete)
	w.want(one.SetDelete(true), ntstatus.Success)
	w.want(other.RemoveName(), ntstatus.CannotDelete)
	w.holds(map[string]string{`d\f`: "f", `d\other`: "f"})
	w.want(two.RemoveName(), ntstatus.Success)
	w.holds(map[string]string{`d\f`: "-", `d\other`: "f"})
	for _, f := range []*file{one, two, other} {
		facts, st := f.Facts()
		if w.want(st, ntstatus.Success); facts.DeletePending || facts.Links != 1 {
			t.Errorf("F-117: %+v", facts)
		}
	}
	w.tree.mu.Lock()
	if l := one.link; w.tree.dooms != 0 || len(one.node.doomed) != 0 || l.users != 2 || other.link.users != 1 {
		t.Errorf("F-117: %d to go, %+v", w.tree.dooms, l)
	}
	w.tree.mu.Unlock()
	b := make([]byte, 9)
	if n, st := two.ReadAt(b, 0); n != 1 || b[0] != 'f' || st != ntstatus.Success {
		t.Errorf("M-20: %q, %v", b[:n], st)
	}
	w.want(one.RemoveName(), ntstatus.CannotDelete)
	w.file(`d\f`, "new", wide)
	// By the name it had it is found no more: another file's stays.
	w.want(one.SetDelete(true), ntstatus.Success)
	w.want(one.RemoveName(), ntstatus.ObjectNameNotFound)
	w.shut(one)
	w.shut(two)
	w.holds(map[string]string{`d\f`: "new", `d\other`: "f"})
	w.nothingPrivate("d")
}

// TestOpensAreCounted: what a tree knows of the opens of a file, with each open and each close, by one name and by
// two: one node, one link a name, and nothing after the last (F-117, F-123, F-181).
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
			t.Errorf("F-123: %d opens of %d files, %d to go, want %d, %d, %d", w.tree.opens, len(w.tree.nodes), w.tree.dooms,
				opens, nodes, dooms)
		}
		n := w.tree.nodes[w.inode("f")]
		for i, want := range users {
			if got := n.opens[i].link.users; got != want {
				t.Errorf("F-117: open %d is by a name of %d, want %d", i, got, want)
			}
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
	for range 2 { // once is as good as twice
		w.want(a.SetDelete(true), ntstatus.Success)
		counts(4, 2, 1, 3, 3, 1)
	}
	for range 2 {
		w.want(b.SetDelete(false), ntstatus.Success)
		counts(4, 2, 0, 2, 2, 1)
	}
	w.want(g.SetDelete(true), ntstatus.Success)
	counts(4, 2, 1, 2, 2, 2)
	w.shut(a)
	counts(3, 2, 1, 1, 2)
	if !w.tree.isOpen(w.inode("f")) || w.tree.isOpen(w.inode("")) {
		t.Error("F-48: the one is open, the other is not")
	}
	w.shut(g)
	counts(2, 2, 0, 1)
	w.holds(map[string]string{"g": "-", "f": "f"})
	w.shut(b)
	counts(1, 1, 0)
	if err := w.tree.Close(); err == nil {
		t.Error("a tree is closed with an open file")
	}
	w.shut(x)
	counts(0, 0, 0)
}

// TestOneName: two links are one name of a file where their directory is one, or else their path (F-181).
func TestOneName(t *testing.T) {
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
		if got := c.a.same(&c.b); got != c.want {
			t.Errorf("F-181: %+v and %+v are one name: %t", c.a, c.b, got)
		}
	}
}
