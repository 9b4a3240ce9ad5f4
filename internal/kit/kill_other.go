//go:build !unix

package kit

import "os/exec"

// killWithChildren changes nothing: on this system the end of the context kills only the process.
func killWithChildren(*exec.Cmd) {}
