//go:build !linux

package client

import (
	"errors"
	"os/exec"
)

// runAs fails: refmond, which asks for it, runs on Linux alone.
func runAs(*exec.Cmd, uint32) error { return errors.ErrUnsupported }
