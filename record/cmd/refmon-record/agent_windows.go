package main

import (
	"os/exec"
	"syscall"

	"github.com/refmon/refmon/winnt"
)

// startAs makes cmd start with the primary token h (CreateProcessAsUser).
func startAs(cmd *exec.Cmd, h winnt.Handle) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Token: syscall.Token(h)}
}
