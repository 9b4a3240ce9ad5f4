package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by release builds: -ldflags "-X main.version=v1.2.3".
var version = ""

type versionCmd struct{}

// Run prints the version, the revision it was built from and the toolchain.
func (versionCmd) Run(std *streams) error {
	v, revision := version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	_, err := fmt.Fprintf(std.out, "refmon %s%s (%s, %s/%s)\n", v, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
