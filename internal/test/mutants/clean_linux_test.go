package mutants

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestCleanEndsProgramsOfStoppedTests(t *testing.T) {
	r := Runner{Scratch: filepath.Join(t.TempDir(), "scratch")}
	check.NoError(t, os.Mkdir(r.Scratch, 0o700))
	check.NoError(t, os.WriteFile(filepath.Join(r.Scratch, "file"), nil, 0o600))
	other := exec.Command("sleep", "60") // of nobody's tests
	other.Env = append(os.Environ(), "TMPDIR="+r.Scratch+"2")
	check.NoError(t, other.Start())
	cmd := r.prepare(t.TempDir(), "sh", "-c", "sleep 60 & setsid sleep 60 & echo; wait")
	out, err := cmd.StdoutPipe()
	check.NoError(t, err)
	check.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	check.NoError(t, err)
	check.RequireThat(t, len(check.Must(r.left())) != 0, "no program of the runner is found while one runs")
	check.NoError(t, r.Clean())
	check.That(t, cmd.Wait() != nil, "the shell was not ended")
	check.That(t, len(check.Must(r.left())) == 0, "a program of the shell runs on")
	_, err = os.Stat(r.Scratch)
	check.ErrorIs(t, err, os.ErrNotExist, "the files")
	check.That(t, other.Process.Signal(syscall.Signal(0)) == nil, "another's program was ended")
	check.NoError(t, other.Process.Kill())
	_ = other.Wait() // it was killed
}

func TestCleanRefusesFolderOfOthers(t *testing.T) {
	for _, folder := range []string{"", "folder", "/"} {
		check.That(t, (&Runner{Scratch: folder}).Clean() != nil, "the folder %q was cleaned", folder)
	}
}

func TestCleanLeavesFilesOfForeignMounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root alone may mount")
	}
	r := Runner{Scratch: filepath.Join(t.TempDir(), "scratch")}
	kept, at := t.TempDir(), filepath.Join(r.Scratch, "at")
	check.NoError(t, os.MkdirAll(at, 0o700))
	check.NoError(t, os.WriteFile(filepath.Join(kept, "file"), nil, 0o600))
	if err := syscall.Mount(kept, at, "", syscall.MS_BIND, ""); err != nil {
		t.Skip("mounting:", err)
	}
	check.NoError(t, r.Clean())
	check.NoError(t, check.Err(os.Stat(filepath.Join(kept, "file"))))
	_, err := os.Stat(r.Scratch)
	check.ErrorIs(t, err, os.ErrNotExist, "the files")
}
