package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// tree makes a directory with a file of mode 0600, one of mode 0644, and another one of 0644 in a folder of mode 0700,
// all of this test's user.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(dir, "closed"), 0o700))
	for name, mode := range map[string]os.FileMode{"private": 0o600, "public": 0o644, "closed/public": 0o644} {
		path := filepath.Join(dir, name)
		check.NoError(t, errors.Join(os.WriteFile(path, []byte("of "+name+"\n"), 0o600), os.Chmod(path, mode),
			os.Chmod(dir, 0o755)))
	}
	return dir
}

// The program prints a file that its user may read, and for another file the rule and the entry that denied it.
func TestProgramPrintsFileOrReason(t *testing.T) {
	dir, bin := tree(t), filepath.Join(t.TempDir(), "readserver")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	me := check.Must(user.Current())
	other := "nobody"
	if me.Username == other {
		other = "root"
	}
	for _, c := range []struct {
		user, file string
		code       int
		want       string
	}{
		{me.Username, "private", 0, "of private\n"},
		{other, "public", 0, "of public\n"},
		{other, "private", 1, "denied: open private: STATUS_ACCESS_DENIED (0xC0000022) by F-44: 0x1 "},
		{other, "private", 1, " FILE_READ_DATA refused: no entry grants it; "},
		{other, "private", 1, ": no entry allows them\n"},
		{me.Username, "closed/public", 0, "of closed/public\n"},
		{other, "closed/public", 1, "denied: open closed/public: STATUS_ACCESS_DENIED (0xC0000022) by F-2"},
		{other, "none", 2, "open none: STATUS_OBJECT_NAME_NOT_FOUND"},
		{me.Username, ".", 2, "read .: STATUS_FILE_IS_A_DIRECTORY"},
		{"no-such-user", "public", 2, "no-such-user"},
	} {
		cmd := exec.Command(bin, dir, c.user, c.file)
		out, err := cmd.CombinedOutput()
		if errors.Is(err, errors.ErrUnsupported) || strings.Contains(string(out), "unsupported") {
			t.Skipf("this system has no trees: %s", out)
		}
		if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.want) {
			t.Errorf("%s reads %s: exit status %d, output %q, want %d, output containing %q", c.user, c.file,
				cmd.ProcessState.ExitCode(), out, c.code, c.want)
		}
	}
}

// TestServerWithoutImpersonateIsDenied checks that a server without SeImpersonatePrivilege is denied everything, with
// an error that names the privilege (I-42).
func TestServerWithoutImpersonateIsDenied(t *testing.T) {
	shared, err := hostfs.Open(hostfs.Config{Path: tree(t), Missing: hostfs.SynthesiseMissing})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no trees: ", err)
	}
	sys := kernel.Boot(kernel.Config{})
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	must(err)
	must(sys.AddTree("share", shared))
	weak, err := token.New(token.StandardUser(sid.MustParse("S-1-22-1-4711")))
	must(err)
	p, err := sys.NewProcess("server", weak)
	must(err)
	client, err := token.New(token.NetworkUser(sid.MustParse("S-1-22-1-4712")))
	must(err)
	th, err := p.NewThreadAs(client)
	must(err)
	_, err = treefs.Explained(th, "share").Open("public")
	var denied *treefs.Denied
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &denied) ||
		!strings.Contains(err.Error(), "give the token of the server's process SeImpersonatePrivilege") {
		t.Errorf("I-42: %v", err)
	}
	th.Close()
	must(errors.Join(sys.Close(), shared.Close()))
}
