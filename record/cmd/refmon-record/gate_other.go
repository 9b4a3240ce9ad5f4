//go:build !windows

package main

import (
	"os/exec"

	"github.com/refmon/refmon/winnt"
)

const onWindows = false

// do returns a reply with Missing set: this is not Windows.
func do(*request) reply { return reply{Missing: "this is not Windows"} }

// startAs does nothing. No call reaches it, because no token can be created on this system.
func startAs(*exec.Cmd, winnt.Handle) {}
