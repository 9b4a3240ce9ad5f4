//go:build !linux

package client

import (
	"errors"
	"os/exec"
)

// runAs returns an error on this system.
func runAs(*exec.Cmd, uint32) error { return errors.ErrUnsupported }
