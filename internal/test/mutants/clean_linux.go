package mutants

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/refmon/refmon/internal/mountinfo"
)

// Clean ends the programs that stopped tests left running, and removes their mounts and all files of Scratch. It knows
// the programs by the TMPDIR of their environment.
func (r *Runner) Clean() error {
	if !filepath.IsAbs(r.Scratch) || filepath.Dir(r.Scratch) == r.Scratch {
		return fmt.Errorf("the folder %q is not the tests' own", r.Scratch)
	}
	// A program that was about to start another is found again until none is left.
	for range 100 {
		left, err := r.left()
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		for _, pid := range left {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending process %d: %w", pid, err)
			}
		}
	}
	mounts, err := mountinfo.Read()
	if err != nil {
		return err
	}
	for i := range slices.Backward(mounts) { // the innermost first
		at := mounts[i].Point
		if strings.HasPrefix(at, r.Scratch+"/") {
			err = errors.Join(err, os.NewSyscallError("unmount "+at, syscall.Unmount(at, syscall.MNT_DETACH)))
		}
	}
	if err != nil {
		return err // and never remove files through a mount
	}
	return os.RemoveAll(r.Scratch)
}

// left returns the processes of tests, without zombies.
func (r *Runner) left() ([]int, error) {
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, name := range names {
		env, _ := os.ReadFile(name) // another user's process, or one that has ended
		if bytes.Contains(append([]byte{0}, env...), []byte("\x00TMPDIR="+r.Scratch+"\x00")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				return nil, err
			}
			pids = append(pids, pid)
		}
	}
	return pids, err
}
