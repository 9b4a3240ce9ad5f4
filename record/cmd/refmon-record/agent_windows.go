package main

import (
	"os/exec"
	"syscall"

	"github.com/refmon/refmon/winnt"
)

// startAs makes a command run with a primary token (CreateProcessAsUser).
func startAs(cmd *exec.Cmd, h winnt.Handle) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Token: syscall.Token(h)}
}
