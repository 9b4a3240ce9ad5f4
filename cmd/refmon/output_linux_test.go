package main

import (
	"errors"
	"os"
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
