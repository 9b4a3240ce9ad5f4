//go:build !windows

package main

import (
	"os/exec"

	"github.com/refmon/refmon/winnt"
)

const onWindows = false

// do carries nothing out: there is no Windows to ask.
func do(*request) reply { return reply{Missing: "this is not Windows"} }

// startAs does nothing: no call reaches it, as nothing makes a token.
func startAs(*exec.Cmd, winnt.Handle) {}
