package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
		code, _, errs := runLine("who-can", "read", "-o", "objects.jsonl", "-d", "people.yaml", "-f", "jsonl", "--out", "out",
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

// TestFilesAboutRunArePrivate checks that other users cannot read the files with a run's progress and with the
// descriptors that it changed. They can read a token file and a report.
func TestFilesAboutRunArePrivate(t *testing.T) {
	t.Chdir(t.TempDir())
	defer syscall.Umask(syscall.Umask(0))
	check.NoError(t, errors.Join(writeCheckpoint("checkpoint", &checkpoint{}), (&junit{}).write("report.xml")))
	t.Setenv("XDG_STATE_HOME", "state")
	undo := check.Must((&aclRun{editFlags: &editFlags{}}).journal())
	check.NoError(t, undo.Close())
	code, _, errs := runLine("token", "filter", "user", "-o", "token.json")
	check.Equal(t, code, 0, "exit code of token filter: %s", errs)
	for name, want := range map[string]os.FileMode{"checkpoint": 0o600, undo.Name(): 0o600, "token.json": 0o644,
		"report.xml": 0o644, filepath.Join("state", "refmon"): os.ModeDir | 0o700} {
		check.Equal(t, check.Must(os.Stat(name)).Mode(), want, "mode of %s", name)
	}
}

// TestInterruptedRunDoesNotLookWhole checks that an interrupted second run leaves the earlier output and does not say
// that the output has a part of the new rows (B-19). An interrupted export has no line at its end.
func TestInterruptedRunDoesNotLookWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	writePeople(t, "people.yaml")
	const earlier = `{"path":"/old","principals":[]}` + "\n"
	check.NoError(t, errors.Join(os.WriteFile("out", []byte(earlier), 0o600), unix.Mkfifo("objects.jsonl", 0o600)))
	backstop := make(chan os.Signal, 1) // the signal may come before the run expects it
	signal.Notify(backstop, syscall.SIGTERM)
	defer signal.Stop(backstop)
	for line, want := range map[string]string{
		"who-can read -o objects.jsonl -d people.yaml -f jsonl --out out -q": "^refmon: interrupted\nthe earlier output " +
			"stays in out\n$",
		"acl export -o objects.jsonl": "^refmon: interrupted: the output has the first [0-9]+ objects and not the rest\n$",
	} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread() // a signal to this thread has arrived when Tgkill returns
			pipe, err := os.OpenFile("objects.jsonl", os.O_WRONLY, 0)
			for err == nil { // until the run closes its end
				_, err = pipe.WriteString(`{"path":"/a","sd":"O:BAG:BAD:"}` + "\n")
				_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGTERM)
				time.Sleep(time.Millisecond)
			}
			_ = pipe.Close()
		}()
		code, out, errs := runLine(strings.Fields(line)...)
		<-ended
		check.That(t, code == exitMalformed && regexp.MustCompile(want).MatchString(errs) &&
			!strings.Contains(out, "end") && (out != "") == regexp.MustCompile("first [1-9]").MatchString(errs),
			"%s: exit code %d: %s%s", line, code, out, errs)
	}
	check.Equal(t, string(check.Must(os.ReadFile("out"))), earlier, "the output")
}

// TestFmtKeepsOwner checks that fmt -w leaves a file to its owner, also if root rewrites it.
func TestFmtKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.WriteFile("f", []byte("O:BAG:BAD:(A;;0x120089;;;WD)\n"), 0o640),
		os.Chown("f", 4001, 4002)))
	code, _, errs := runLine("fmt", "-w", "f")
	check.Equal(t, code, 0, "exit code: %s", errs)
	info := check.Must(os.Stat("f"))
	stat := info.Sys().(*syscall.Stat_t)
	check.That(t, info.Mode() == 0o640 && stat.Uid == 4001 && stat.Gid == 4002, "%v %d %d", info.Mode(), stat.Uid,
		stat.Gid)
	check.Equal(t, string(check.Must(os.ReadFile("f"))), "O:BAG:BAD:(A;;FR;;;WD)\n", "contents")
}
