package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// verbs maps first arguments to functions. Without one of them the program checks a certificate.
var verbs = map[string]func(args []string) int{"audit": runAudit, "version": runVersion,
	"--help": func([]string) int { fmt.Println(usage); return 0 }}

const usage = `Usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN
       refmon-verify audit KEY.pub PROOF [OLD-CHECKPOINT]
       refmon-verify version

Checks a certificate of refmon why --certificate, or a proof of refmon audit
prove: that a log has a record, or that it continues an old checkpoint.
Exit codes: 0 it is true, 1 it is not, 2 a file cannot be read.`

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

// runVersion prints the version and returns 0. It returns 2 if there are arguments.
func runVersion(args []string) int {
	if len(args) > 0 {
		fmt.Println("usage: refmon-verify version")
		return 2
	}
	if info, ok := debug.ReadBuildInfo(); ok && release == "" {
		release = info.Main.Version
	}
	told := pick(release == "" || release == "(devel)", "development", release)
	fmt.Printf("refmon-verify %s (%s, %s/%s)\n", told, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return 0
}
