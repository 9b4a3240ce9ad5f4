package daemon_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
)

// Clients of the example: their tokens and users.
const (
	aliceSID, bobSID = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108"
	aliceToken       = `{"user":"` + aliceSID + `","groups":["WD"]}`
	bobToken         = `{"user":"` + bobSID + `","groups":["WD"]}`
)

// describe gives a file of a tree a descriptor.
func describe(t *testing.T, path, text string) {
	t.Helper()
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}).Append(nil)
	if err == nil {
		err = unix.Setxattr(path, ntacl.Name, value, 0)
	}
	check.NoError(t, err)
}

// readable copies the Python client and the programs of the example to a folder that every user can read.
func readable(t *testing.T) string {
	t.Helper()
	dir := check.Must(os.MkdirTemp("", "story"))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, from := range []string{"clients/python/refmon", "examples/files/python"} {
		to := filepath.Join(dir, filepath.Base(from))
		check.NoError(t, os.CopyFS(to, os.DirFS(filepath.Join("..", "..", filepath.FromSlash(from)))))
		check.NoError(t, os.Chmod(to, 0o755))
	}
	check.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// pythonOf returns an interpreter that a user can run, or skips the test.
func pythonOf(t *testing.T, who *syscall.Credential) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, "-c", "import sys; sys.exit(sys.version_info < (3, 9))")
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: who}
		if cmd.Run() == nil {
			return path
		}
	}
	t.Skip("there is no Python 3.9 that every user can run")
	return ""
}

// TestPythonServerOpensFilesAsClient runs a Python server as a user without rights on any file. It opens each client's
// files as that client and reads them by descriptors, and cuts no large one. The trail names the reader of each file
// (F-157, W-61).
func TestPythonServerOpensFilesAsClient(t *testing.T) {
	who := &syscall.Credential{Uid: stranger, Gid: stranger}
	interpreter := pythonOf(t, who)
	sink := audit.NewMemory(0, 0)
	d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) { c.Audit = &audit.Log{Sink: sink} })
	describe(t, filepath.Join(d.tree, "a", "b", "plan"), "O:BAG:SYD:P(A;;FR;;;"+aliceSID+")")
	large := filepath.Join(d.tree, "large")
	check.NoError(t, os.WriteFile(large, make([]byte, 1<<20+1), 0o600))
	describe(t, large, "O:BAG:SYD:P(A;;FR;;;"+aliceSID+")")
	check.NoError(t, os.Chmod(d.tree, 0o700))
	programs := readable(t)
	t.Setenv("PYTHONPATH", programs)
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	in, out, err := os.Pipe()
	check.NoError(t, err)
	defer in.Close()
	server := d.programAs(who, out, interpreter,
		`{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`,
		filepath.Join(programs, "python", "server.py"))
	defer func() { _, _ = server.Process.Kill(), server.Wait() }()
	_ = out.Close()
	if line, err := bufio.NewReader(in).ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening") {
		t.Fatalf(`%q, %v, want text starting with "listening", nil`, line, err)
	}
	client := filepath.Join(programs, "python", "client.py")
	for tok, want := range map[string]string{
		aliceToken: "a\\b\\plan: the plan\n\na\\b\\none: STATUS_OBJECT_NAME_NOT_FOUND\n" +
			"large: STATUS_FILE_TOO_LARGE\n",
		bobToken: "a\\b\\plan: STATUS_ACCESS_DENIED\na\\b\\none: STATUS_OBJECT_NAME_NOT_FOUND\n" +
			"large: STATUS_ACCESS_DENIED\n",
	} {
		if got, err := d.output(interpreter, tok, client, `a\b\plan`, `a\b\none`, "large"); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", tok, got, err, want)
		}
	}
	want := []string{aliceSID + ` \Device\share\a\b\plan 0x1`, aliceSID + ` \Device\share\large 0x1`}
	check.SlicesEqual(t, handedOut(sink), want, "the trail says")
}
