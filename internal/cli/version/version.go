// Package version prints how a command was built, in the same form for every command of refmon.
//
//	fmt.Println(version.Line("refmon", "v1.2.3"))
//	// refmon v1.2.3 1b2c3d4e5f60 (go1.26, linux/amd64)
//
// The package has no types and no state.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Line returns a command's name, release, revision and toolchain as one line without a newline. It replaces an empty
// release by the module's version, or by "development" if the binary has none. It omits a revision that the binary does
// not record.
func Line(command, release string) string {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if release == "" {
			release = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	if release == "" || release == "(devel)" {
		release = "development"
	}
	return fmt.Sprintf("%s %s%s (%s, %s/%s)", command, release, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
