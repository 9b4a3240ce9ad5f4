package hostfs

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// identityAt returns the identity of a file from a lookup, and checks that an open has the same.
func (w *world) identityAt(name string) (number uint64, id string) {
	w.Helper()
	p, st := w.tree.Find(&fileaccess.Request{Name: name, Desired: winnt.FILE_READ_DATA, Subject: w.subject(bob)}, nil)
	w.want(st, ntstatus.Success)
	defer p.Release()
	number, id = p.(*place).Identity()
	d := fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Granted: winnt.FILE_READ_DATA}
	f, _, st := p.Open(&fileaccess.Request{Share: 7}, &d)
	w.want(st, ntstatus.Success)
	defer f.Close()
	root := check.Result(w.tree.Find(&fileaccess.Request{Subject: w.subject(bob)}, nil)).(*place)
	defer root.Release()
	above, in := p.(*place).Directory()
	_, none := root.Directory()
	var want nt.FileIdentity
	want.Number, want.ID = root.Identity()
	check.That(w, in && above == want && !none, "F-180: directory of %s: %+v, of the root: %t; want %+v, false", name,
		above, none, want)
	for range 2 {
		if n, opened := f.(*file).Identity(); n != number || opened != id {
			w.Errorf("F-180: identity of %s: %d %q by lookup, %d %q by open, want equal", name, number, id, n, opened)
		}
		f.(*file).decided = nil // the open reads the identity again
	}
	return number, id
}

// A file keeps its identity under each of its names, whatever changes. A new file that reuses a removed file's inode
// number has another identity (F-180).
func TestIdentityIsKeptAndUnique(t *testing.T) {
	w := newWorld(t)
	const text = "D:P(A;;FA;;;WD)"
	w.file("f", "x", text)
	number, id := w.identityAt("f")
	w.must(os.Link(w.path("f"), w.path("g")))
	w.must(os.Remove(w.path("f")))
	w.must(os.WriteFile(w.path("g"), []byte("longer"), 0o600))
	w.must(os.Chmod(w.path("g"), 0o640))
	awaitCache(t, w.path("g"))
	for range 2 { // The second one comes from the cache.
		if n, again := w.identityAt("g"); n != number || again != id {
			t.Errorf("F-180: identity after changes: %d %q, want %d %q", n, again, number, id)
		}
	}
	w.must(os.Remove(w.path("g")))
	for i := range 500 {
		name := fmt.Sprint("new", i)
		w.file(name, "", text)
		n, other := w.identityAt(name)
		check.RequireThat(t, other != id && other != "",
			"F-180: removed file %d %q, new file %d %q; want different identities", number, id, n, other)
		if n == number {
			return
		}
	}
	t.Skip("the file system reused the removed file's inode number for none of 500 others")
}

// Birth time or file handle distinguish files. If both are unknown, the identity is empty (F-180).
func TestIdentityNeedsBirthTimeOrHandle(t *testing.T) {
	born := unix.Statx_t{Ino: 7, Mask: unix.STATX_BTIME, Btime: unix.StatxTimestamp{Sec: 1, Nsec: 2}}
	later, next := born, born
	later.Btime.Nsec++
	next.Btime.Sec++
	unborn := unix.Statx_t{Ino: 7, Btime: born.Btime} // a time that the mask does not include
	seen := map[string]bool{}
	for _, id := range []string{identityString(&born, nil), identityString(&later, nil), identityString(&next, nil),
		identityString(&born, []byte("a")), identityString(&born, []byte("b")), identityString(&unborn, []byte("a"))} {
		check.That(t, id != "" && !seen[id], "F-180: the identity %q is empty or not unique", id)
		seen[id] = true
	}
	check.Equal(t, identityString(&unborn, nil), "", "F-180: identity of an inode number alone")
}
