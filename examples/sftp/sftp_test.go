package sftp_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/examples/sftp"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

// owner is the Unix user 4711, as a file server names him.
var owner = sid.MustParse("S-1-22-1-4711")

// sessions makes a tree whose files have mode bits alone, and sessions of its owner and
// of a stranger.
func sessions(t *testing.T) (root string, of func(sid.SID) sftp.Session) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	root = t.TempDir()
	must(errors.Join(os.WriteFile(filepath.Join(root, "public"), []byte("0123456789"), 0o600),
		os.Chmod(filepath.Join(root, "public"), 0o644),
		os.WriteFile(filepath.Join(root, "private"), nil, 0o600), os.Chmod(root, 0o755)))
	accounts := func(uint32, bool) sid.SID { return owner } // the test's user owns its files
	tree, err := hostfs.Open(hostfs.Config{Path: root, Attribute: ntacl.UserName, Missing: hostfs.SynthesiseMissing,
		Accounts: accounts})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no trees: ", err)
	}
	must(err)
	sys := kernel.Boot(kernel.Config{})
	must(sys.AddTree("store", tree))
	t.Cleanup(func() { must(errors.Join(sys.Close(), tree.Close())) })
	return root, func(user sid.SID) sftp.Session {
		tok, err := token.New(token.NetworkUser(user))
		must(err)
		server, err := token.New(token.LocalSystem())
		must(err)
		p, err := sys.NewProcess("sftp", server)
		must(err)
		th, err := p.NewThreadAs(tok)
		must(err)
		return sftp.Session{Files: treefs.New(th, "store")}
	}
}

// Each user can do exactly what the files' descriptors allow, and written data can be read.
func TestSessionGrantsWhatDescriptorsAllow(t *testing.T) {
	root, of := sessions(t)
	his, other := of(owner), of(sid.MustParse("S-1-5-21-1-2-3-1107"))
	b := make([]byte, 4)
	for _, s := range []sftp.Session{his, other} {
		f := check.Must(s.Fileread("/public"))
		if n, err := f.ReadAt(b, 2); n != 4 || err != nil || string(b) != "2345" {
			t.Errorf("%q, %v", b[:n], err)
		}
		if n, err := f.ReadAt(b, 8); n != 2 || !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %q, %v", b[:n], err)
		}
		check.NoError(t, f.(io.Closer).Close())
		if list, err := s.Filelist("Stat", "/public"); err != nil || len(list) != 1 || list[0].Size() != 10 {
			t.Errorf("%+v, %v, want len(list) = 1, list[0].Size() = 10, no error", list, err)
		}
		if list, err := s.Filelist("List", "/"); err != nil || len(list) != 2 {
			t.Errorf("%+v, %v, want len(list) = 2, no error", list, err)
		}
	}
	_, read := other.Fileread("/private")
	_, write := other.Filewrite("/public")
	for what, err := range map[string]error{"read": read, "write": write, "make": other.Filecmd("Mkdir", "/d", ""),
		"rename": other.Filecmd("Rename", "/public", "/mine"), "remove": other.Filecmd("Remove", "/public", "")} {
		check.ErrorIs(t, err, fs.ErrPermission, "a stranger may %s", what)
	}
	check.ErrorIs(t, other.Filecmd("Chmod", "/public", ""), fs.ErrInvalid, "an unsupported command")
	// New files get an attribute, so an ordinary user's test ends here on a file system without attributes.
	if err := his.Filecmd("Mkdir", "/d", ""); err != nil {
		t.Skipf("descriptors cannot be kept in %s: %v", root, err)
	}
	f, err := his.Filewrite("/d/new")
	check.NoError(t, err)
	if n, err := f.WriteAt([]byte("written"), 0); n != 7 || err != nil {
		t.Errorf("%d, %v, want 7, nil", n, err)
	}
	err = errors.Join(f.(io.Closer).Close(), his.Filecmd("Rename", "/d/new", "/moved"), his.Filecmd("Rmdir", "/d", ""))
	check.NoError(t, err)
	if text, err := os.ReadFile(filepath.Join(root, "moved")); err != nil || string(text) != "written" {
		t.Errorf(`%q, %v, want string(text) = "written", no error`, text, err)
	}
	check.NoError(t, his.Filecmd("Remove", "/moved", ""))
	if left, err := os.ReadDir(root); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v, want len(left) = 2, no error", left, err)
	}
}
