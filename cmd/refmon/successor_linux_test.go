package main

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestSecondRunKeepsModeOwnerAndLink checks that a second run does not publish a private output: it keeps the mode and
// the owner of the earlier one, and a symbolic link to it (B-19).
func TestSecondRunKeepsModeOwnerAndLink(t *testing.T) {
	t.Chdir(t.TempDir())
	writePeople(t, "people.yaml")
	check.NoError(t, errors.Join(os.Mkdir("s", 0o755), os.WriteFile("s/real", nil, 0o600), os.Symlink("s/real", "out")))
	uid := os.Getuid()
	if uid == 0 {
		uid = 4001
		check.NoError(t, os.Chown("s/real", uid, uid))
	}
	// A new file that was left with another mode, or a link, is replaced.
	check.NoError(t, errors.Join(os.WriteFile("other", []byte("kept"), 0o644), os.Symlink("../other", "s/real.new")))
	for _, sd := range []string{"O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:BAD:"} {
		check.NoError(t, os.WriteFile("objects.jsonl", []byte(`{"path":"/a","sd":"`+sd+`"}`), 0o600))
		code, _, errs := asked("who-can", "read", "-o", "objects.jsonl", "-d", "people.yaml", "-f", "jsonl", "--out", "out",
			"-q")
		check.Equal(t, code, 0, "exit code: %s", errs)
	}
	info := check.Must(os.Lstat("s/real"))
	check.That(t, info.Mode() == 0o600 && info.Sys().(*syscall.Stat_t).Uid == uint32(uid), "%v %+v", info.Mode(),
		info.Sys())
	check.Equal(t, check.Must(os.Lstat("out")).Mode().Type(), os.ModeSymlink, "type of the link")
	text := string(check.Must(os.ReadFile("s/real")))
	check.That(t, strings.Contains(text, `"principals":[]`), "the link's target is old: %s", text)
	check.Equal(t, string(check.Must(os.ReadFile("other"))), "kept", "contents of the link's target")
}

// A user who may not set a file's owner cannot replace the output of another user. The error says so, and FILE.new is
// removed (B-19).
func TestOutputOfAnotherOwnerIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.WriteFile("out", []byte("x"), 0o600), os.Chmod(".", 0o777)))
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, 4001, 4001, 4001); errno != 0 {
			failed <- errno
			return
		}
		_, err := (&output{}).openSuccessor("out")
		failed <- err
	}()
	err := <-failed
	check.That(t, err != nil && strings.Contains(err.Error(), "out belongs to another user or group"), "error: %v", err)
	_, err = os.Lstat("out.new")
	check.That(t, errors.Is(err, os.ErrNotExist), "out.new: %v, want it removed", err)
}

// TestNewOutputIsNeverPublic checks that the new output is a new file that others cannot have opened (B-19).
func TestNewOutputIsNeverPublic(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.WriteFile("out", []byte("x"), 0o600), os.WriteFile("out.new", nil, 0o644)))
	reader := check.Must(os.Open("out.new"))
	defer reader.Close()
	o := &output{}
	next := check.Must(o.openSuccessor("out"))
	check.Must(next.WriteString("secret"))
	var err error
	o.close(&err)
	check.NoError(t, err)
	n, _ := reader.Read(make([]byte, 9))
	check.Equal(t, n, 0, "bytes that an earlier reader of out.new gets")
	check.Equal(t, check.Must(os.Stat("out.new")).Mode(), os.FileMode(0o600), "mode")
}

// TestFmtKeepsOwner checks that fmt -w leaves a file to its owner, also if root rewrites it.
func TestFmtKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.WriteFile("f", []byte("O:BAG:BAD:(A;;0x120089;;;WD)\n"), 0o640),
		os.Chown("f", 4001, 4002)))
	code, _, errs := asked("fmt", "-w", "f")
	check.Equal(t, code, 0, "exit code: %s", errs)
	info := check.Must(os.Stat("f"))
	stat := info.Sys().(*syscall.Stat_t)
	check.That(t, info.Mode() == 0o640 && stat.Uid == 4001 && stat.Gid == 4002, "%v %d %d", info.Mode(), stat.Uid,
		stat.Gid)
	check.Equal(t, string(check.Must(os.ReadFile("f"))), "O:BAG:BAD:(A;;FR;;;WD)\n", "contents")
}
