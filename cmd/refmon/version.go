package main

import (
	"fmt"

	"github.com/refmon/refmon/internal/cli/version"
)

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

type versionCmd struct{}

// Run prints one line with the version, the revision it was built from and the toolchain.
func (versionCmd) Run(std *streams) error {
	_, err := fmt.Fprintln(std.out, version.Line("refmon", release))
	return err
}
