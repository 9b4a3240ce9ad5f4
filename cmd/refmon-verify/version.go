package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// verbs maps first arguments to functions. Without one of them the program checks a certificate.
var verbs = map[string]func(args []string) int{"audit": runAudit, "version": runVersion,
	"--help": func([]string) int { return say(0, usage) }}

const usage = `Usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN
       refmon-verify audit KEY.pub PROOF [OLD-CHECKPOINT]
       refmon-verify version

Checks a certificate of refmon why --certificate, or a proof of refmon audit
prove: that a log has a record, or that it continues an old checkpoint.
Exit codes: 0 it is true, 1 it is not, 2 an input or the output failed.`

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
	version := release
	if version == "" || version == "(devel)" {
		version = "development"
	}
	return say(0, fmt.Sprintf("refmon-verify %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
}

// sayVerdict prints the outcome of a check, or why it refuses, and returns the exit code. A text from a file cannot
// forge a second line or control the terminal.
func sayVerdict(outcome string, err error) int {
	if err != nil {
		return say(1, "refused: "+controls.ReplaceAllString(err.Error(), "\uFFFD"))
	}
	return say(0, "verified: "+controls.ReplaceAllString(outcome, "\uFFFD"))
}

// say prints a line and returns code. If the line is lost, for example on a full disk, it returns 2, so that nobody
// takes a lost verdict for a true certificate.
func say(code int, line string) int {
	if _, err := fmt.Println(line); err != nil {
		fmt.Fprintf(os.Stderr, "refmon-verify: %v\n", err)
		return 2
	}
	return code
}
