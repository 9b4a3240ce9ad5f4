package mount

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// revoke revokes a file of the tree, like refmond revoke, and returns the handles that the mount cannot end.
func (w *world) revoke(file string) []Passed {
	w.Helper()
	selected := func(_ *token.Token, name string) bool { return strings.EqualFold(name, `\Device\share\`+file) }
	if _, n := w.sys.Revoke(nil, selected); n == 0 {
		w.Errorf("W-99: no open file of %s was found", file)
	}
	return w.m.Revoke(selected)
}

// TestRevokeEndsServedHandles checks that a revoked handle that the mount serves can no longer read, also what the
// host's kernel had cached and what a memory map shows, and that the file can be opened again. A changed descriptor
// alone ends nothing (W-101).
func TestRevokeEndsServedHandles(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("g", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	f := check.Must(os.Open(filepath.Join(w.at, "f")))
	defer f.Close()
	other := check.Must(os.Open(filepath.Join(w.at, "g")))
	defer other.Close()
	b := make([]byte, 10)
	_, err := f.ReadAt(b, 0) // into the cache of the host's kernel
	w.must(err)
	w.must(unix.Flock(int(f.Fd()), unix.LOCK_EX))
	page := check.Must(unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ, unix.MAP_SHARED))
	defer func() { w.must(unix.Munmap(page)) }()
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;BA)")
	check.Equal(t, check.Err(f.ReadAt(b, 0)), nil,
		"docs/revocation.md says that an open file stays when its descriptor changes")
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;WD)")
	if remain := w.revoke("f"); len(remain) != 0 {
		t.Errorf("W-101: remains %v, want nothing", remain)
	}
	if _, err := f.ReadAt(b, 0); !errors.Is(err, unix.EACCES) {
		t.Errorf("W-101: a read through the revoked handle: %v, want %v", err, unix.EACCES)
	}
	check.Equal(t, unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), error(unix.EACCES),
		"W-101: locking a revoked handle")
	again := check.Must(os.Open(filepath.Join(w.at, "f")))
	defer again.Close()
	check.Equal(t, unix.Flock(int(again.Fd()), unix.LOCK_EX|unix.LOCK_NB), error(unix.EAGAIN),
		"the revoked handle's lock")
	w.must(unix.Flock(int(f.Fd()), unix.LOCK_UN))
	w.must(unix.Flock(int(again.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	// write(2) reads the mapped page in the host's kernel, so a page that is gone is an error and no signal. The kernel
	// holds the process's memory map meanwhile. The race detector maps memory, and could block the mount's answer.
	if !testing.Short() {
		r, to, err := os.Pipe()
		w.must(err)
		defer r.Close()
		defer to.Close()
		if n, err := unix.Write(int(to.Fd()), page); !errors.Is(err, unix.EFAULT) {
			t.Errorf("W-101: the memory map: %d bytes, %v, want %v", n, err, unix.EFAULT)
		}
	}
	check.Equal(t, check.Err(other.ReadAt(b, 0)), nil, "another file")
	check.Equal(t, check.Err(os.ReadFile(filepath.Join(w.at, "f"))), nil, "a new open")
}

// TestRevokeNamesPassthrough checks that a handle which the host's kernel serves past the mount is reported with its
// user until it is closed. The handle and its memory map remain usable (W-101).
func TestRevokeNamesPassthrough(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	f := check.Must(os.Open(filepath.Join(w.at, "f")))
	if passed, _ := w.handleCounts("f"); passed == 0 {
		t.Skip("the host's kernel has no passthrough")
	}
	page := check.Must(unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ, unix.MAP_SHARED))
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;BA)")
	check.Equal(t, check.Err(f.ReadAt(make([]byte, 10), 0)), nil,
		"docs/revocation.md says that a passthrough handle stays when the descriptor changes")
	if got := w.revoke("f"); len(got) != 1 || got[0] != (Passed{Name: `\Device\share\f`, UID: 0}) {
		t.Errorf(`W-101: remains %v, want \Device\share\f of uid 0`, got)
	}
	root := fileaccess.UnixUser(0)
	byUser := func(user *token.Token, name string) bool { return user != nil && name != "" && user.User().SID == root }
	check.SlicesEqual(t, w.m.Revoke(byUser), []Passed{{Name: `\Device\share\f`, UID: 0}}, "W-101: what remains")
	check.Equal(t, check.Err(f.ReadAt(make([]byte, 10), 0)), nil,
		"docs/revocation.md says that a passthrough handle goes on reading")
	if string(page) != "0123456789" { // a missing page would be a signal
		t.Errorf("the map of a passthrough file has %q, against docs/revocation.md", page)
	}
	w.must(unix.Munmap(page))
	w.must(f.Close())
	w.awaitRelease("f")
	if got := w.m.Revoke(func(*token.Token, string) bool { return true }); len(got) != 0 {
		t.Errorf("after the close: %v remain, want none", got)
	}
}

// TestRevokeOfGroupFindsFilesOfDroppedTokens checks that a revocation of a group ends the use of a file whose user was
// a member at the open, also if no token of the user is left (W-99).
func TestRevokeOfGroupFindsFilesOfDroppedTokens(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	f := check.Must(os.Open(filepath.Join(w.at, "f")))
	defer f.Close()
	acc := w.m.accounts.get(person{uid: 0, gid: 0})
	group := sid.SID{}
	for _, g := range acc.token.Groups() {
		if acc.token.Member(g.SID, false) {
			group = g.SID
		}
	}
	w.m.accounts.put(acc)
	w.m.DropAccounts(0, true)
	w.m.accounts.closing.Wait()
	selected := func(user *token.Token, _ string) bool { return user != nil && user.Member(group, false) }
	tokens, files := w.sys.Revoke(func(t *token.Token) bool { return selected(t, "") }, selected)
	check.That(t, tokens == 0 && files == 1, "W-99: %d tokens and %d files end, want 0 and 1", tokens, files)
	check.Equal(t, len(w.m.Revoke(selected)), 0, "W-101: files that remain")
	_, err := f.ReadAt(make([]byte, 10), 0)
	check.ErrorIs(t, err, unix.EACCES, "W-101: a read through the revoked handle")
}

// TestRevokeDropsCachedToken checks that the cached token of a user loses its rights, and that the next request logs
// the user on again (W-98, M-2).
func TestRevokeDropsCachedToken(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(check.Err(os.ReadFile(filepath.Join(w.at, "f"))))
	p := person{uid: 0, gid: 0}
	acc := w.m.accounts.get(p)
	root := fileaccess.UnixUser(0)
	if n, _ := w.sys.Revoke(func(t *token.Token) bool { return t.User().SID == root }, nil); n == 0 {
		t.Error("W-98: no token of the user was found")
	}
	if tok := acc.object.Value(); tok.Member(sid.Everyone, false) || tok.Member(root, false) {
		t.Error("W-98: the cached token still matches entries that grant")
	}
	if _, err := os.ReadFile(filepath.Join(w.at, "f")); !errors.Is(err, unix.EACCES) {
		t.Errorf("W-98: a request with the revoked token: %v, want %v", err, unix.EACCES)
	}
	w.m.Revoke(func(user *token.Token, name string) bool { return name == "" && user.User().SID == root })
	w.m.accounts.put(acc)
	check.Equal(t, check.Err(os.ReadFile(filepath.Join(w.at, "f"))), nil, "after the next logon")
}

// TestRevokeEndsListing checks that the names that the host's kernel caches cannot be listed through a revoked handle
// (W-101, M-70).
func TestRevokeEndsListing(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.now = func() time.Time { return time.Now().Add(time.Hour) } })
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.file("d/f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	d := check.Must(os.Open(filepath.Join(w.at, "d")))
	defer d.Close()
	for range 2 {
		w.must(check.Err(d.Seek(0, io.SeekStart)))
		names, err := d.Readdirnames(-1)
		check.RequireThat(t, err == nil && len(names) == 1, "before the revocation: %q, %v, want one name", names, err)
	}
	if remain := w.revoke("d"); len(remain) != 0 {
		t.Errorf("W-101: remains %v, want nothing", remain)
	}
	w.must(check.Err(d.Seek(0, io.SeekStart)))
	if names, err := d.Readdirnames(-1); !errors.Is(err, unix.EACCES) {
		t.Errorf("W-101: a listing through the revoked handle: %q, %v, want %v", names, err, unix.EACCES)
	}
}

// TestRevokeFindsFileByAnyOfItsNames checks that a passthrough handle is reported under the name at its open, under the
// one that the file has now, and under another hard link, by which the host's kernel has looked the file up since. The
// report names that link (W-101).
func TestRevokeFindsFileByAnyOfItsNames(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.file("d/f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Link(filepath.Join(w.root, "d", "f"), filepath.Join(w.root, "hard")))
	f := check.Must(os.Open(filepath.Join(w.at, "d", "f")))
	defer f.Close()
	if passed, _ := w.handleCounts("d/f"); passed == 0 {
		t.Skip("the host's kernel has no passthrough")
	}
	w.must(check.Err(os.Stat(filepath.Join(w.at, "hard"))))
	w.must(os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "e")))
	for _, name := range []string{`d\f`, `e\f`, `e`, `hard`} {
		selected := func(_ *token.Token, n string) bool {
			return n == `\Device\share\`+name || strings.HasPrefix(n, `\Device\share\`+name+`\`)
		}
		check.SlicesEqual(t, w.m.Revoke(selected), []Passed{{Name: `\Device\share\hard`}}, "W-101: what remains of %s", name)
	}
}
