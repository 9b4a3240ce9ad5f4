//go:build unix

package kit

import (
	"os/exec"
	"syscall"
)

// killWithChildren starts cmd in a process group of its own, and makes the end of its context kill the whole group.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
