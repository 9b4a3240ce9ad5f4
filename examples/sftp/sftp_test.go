package store_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/sftp"

	store "github.com/refmon/refmon/examples/sftp"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

// owner is the Unix user 4711, as a file server names him. stranger is an account of a domain.
var owner, stranger = sid.MustParse("S-1-22-1-4711"), sid.MustParse("S-1-5-21-1-2-3-1107")

// sessions makes a tree whose files have mode bits alone, and clients of a server of it, each as one user.
func sessions(t *testing.T) (root string, of func(sid.SID) *sftp.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
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
	return root, func(user sid.SID) *sftp.Client {
		tok, err := token.New(token.NetworkUser(user))
		must(err)
		server, err := token.New(token.LocalSystem())
		must(err)
		p, err := sys.NewProcess("sftp", server)
		must(err)
		th, err := p.NewThreadAs(tok)
		must(err)
		ours, theirs := net.Pipe()
		s := sftp.NewRequestServer(theirs, store.Handlers(treefs.New(th, "store")))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		c, err := sftp.NewClientPipe(ours, ours)
		must(err)
		t.Cleanup(func() {
			_ = c.Close() // the server may have closed it
			if err := <-ended; !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		})
		return c
	}
}

// want fails the test unless err is the wanted error, of package fs or a code of package sftp. nil wants no error.
func want(t *testing.T, what string, err, wanted error) {
	t.Helper()
	var status *sftp.StatusError
	if !errors.Is(err, wanted) && !(errors.As(err, &status) && status.FxCode() == wanted) {
		t.Errorf("%s: %v, want %v", what, err, wanted)
	}
}

// put opens a file with flags and writes a text at an offset.
func put(c *sftp.Client, name string, flag int, text string, at int64) error {
	f, err := c.OpenFile(name, flag)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(text), at)
	return errors.Join(err, f.Close())
}

// Each user can do exactly what the files' descriptors allow, and a missing file is not a denied one.
func TestSessionGrantsWhatDescriptorsAllow(t *testing.T) {
	root, of := sessions(t)
	his, other := of(owner), of(stranger)
	for _, c := range []*sftp.Client{his, other} {
		f, err := c.Open("/public")
		want(t, "open", err, nil)
		text, err := io.ReadAll(f)
		if err != nil || string(text) != "0123456789" {
			t.Errorf("%q, %v", text, err)
		}
		want(t, "close", f.Close(), nil)
		if info, err := c.Stat("/public"); err != nil || info.Size() != 10 {
			t.Errorf("%+v, %v, want 10 bytes", info, err)
		}
		if list, err := c.ReadDir("/"); err != nil || len(list) != 2 {
			t.Errorf("%+v, %v, want two files", list, err)
		}
		_, err = c.Stat("/missing")
		want(t, "a missing file", err, fs.ErrNotExist)
	}
	_, read := other.Open("/private")
	want(t, "read", read, fs.ErrPermission)
	want(t, "write", put(other, "/public", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, "", 0), fs.ErrPermission)
	want(t, "make", other.Mkdir("/d"), fs.ErrPermission)
	want(t, "rename", other.Rename("/public", "/mine"), fs.ErrPermission)
	want(t, "remove", other.Remove("/public"), fs.ErrPermission)
	want(t, "replace", other.PosixRename("/public", "/private"), fs.ErrPermission)
	want(t, "an unsupported command", other.Chmod("/public", 0o777), sftp.ErrSSHFxOpUnsupported)
	_, link := other.ReadLink("/public")
	want(t, "read as a link", link, sftp.ErrSSHFxOpUnsupported)
	// New files get an attribute, so an ordinary user's test ends here on a file system without attributes.
	if err := his.Mkdir("/d"); err != nil {
		t.Skipf("descriptors cannot be kept in %s: %v", root, err)
	}
	want(t, "create", put(his, "/d/new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, "written", 0), nil)
	want(t, "remove a file as a directory", his.RemoveDirectory("/d/new"), sftp.ErrSSHFxFailure)
	want(t, "rename", errors.Join(his.Rename("/d/new", "/moved"), his.RemoveDirectory("/d")), nil)
	if text, err := os.ReadFile(filepath.Join(root, "moved")); err != nil || string(text) != "written" {
		t.Errorf(`%q, %v, want "written"`, text, err)
	}
	if his.Rename("/moved", "/public") == nil {
		t.Error("a rename replaced a file")
	}
	want(t, "replace", his.PosixRename("/moved", "/public"), nil)
	if left, err := os.ReadDir(root); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v, want two files", left, err)
	}
}

// An open for writing creates or truncates a file only if the client asks for that.
func TestOpenKeepsContentsUnlessAsked(t *testing.T) {
	root, of := sessions(t)
	c := of(owner)
	for _, step := range []struct {
		flag   int
		text   string
		at     int64
		wanted error
		after  string
	}{
		{flag: os.O_WRONLY, text: "abc", at: 10, after: "0123456789abc"}, // a resumed upload
		{flag: os.O_RDWR | os.O_CREATE, text: "ABC", after: "ABC3456789abc"},
		{flag: os.O_WRONLY | os.O_CREATE | os.O_EXCL, wanted: sftp.ErrSSHFxFailure, after: "ABC3456789abc"},
		{flag: os.O_WRONLY | os.O_APPEND, wanted: sftp.ErrSSHFxOpUnsupported, after: "ABC3456789abc"},
		{flag: os.O_WRONLY | os.O_CREATE | os.O_TRUNC, text: "new", after: "new"},
	} {
		want(t, "put", put(c, "/public", step.flag, step.text, step.at), step.wanted)
		if text, err := os.ReadFile(filepath.Join(root, "public")); err != nil || string(text) != step.after {
			t.Errorf("%#x: %q, %v, want %q", step.flag, text, err, step.after)
		}
	}
	want(t, "open a missing file", put(c, "/missing", os.O_WRONLY, "", 0), fs.ErrNotExist)
	f, err := c.OpenFile("/public", os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "new" {
		t.Errorf("%q, %v, want the written text", text, err)
	}
	want(t, "close", f.Close(), nil)
}
