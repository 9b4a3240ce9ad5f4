// Command measure prints how much code the repository has, by part, and where the time of `go test ./...` goes, by
// package. It also runs go test and prints at the end which tests were skipped, and why.
//
//	go run ./internal/test/measure lines
//	go run ./internal/test/measure test [ARGUMENT…]
//	go run ./internal/test/measure time [FOLDER [PACKAGE…]]
//
// time compiles everything again in an empty build cache, so it takes minutes. FOLDER is a module's (.); without
// packages it measures all of them (./...).
package main

import (
	"fmt"
	"io"
	"os"
)

// main runs one measurement and exits with 2 after an error. As the -exec program of go test it exits with the status
// of the test.
func main() {
	if len(os.Args) > 1 && os.Args[1] == execWord {
		os.Exit(execTest(os.Args[2:]))
	}
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(2)
	}
}

// run runs the measurement that the arguments name and prints the result to out. Unknown arguments are an error that
// lists the known ones.
func run(args []string, out io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "test":
		return runTests(args[1:], out)
	case len(args) == 1 && args[0] == "lines":
		return printLines(".", out)
	case len(args) == 1 && args[0] == "time":
		return printTime(".", []string{"./..."}, out)
	case len(args) == 2 && args[0] == "time":
		return printTime(args[1], []string{"./..."}, out)
	case len(args) > 2 && args[0] == "time":
		return printTime(args[1], args[2:], out)
	}
	return fmt.Errorf("unknown arguments %q: use lines, test [ARGUMENT…], or time [FOLDER [PACKAGE…]]", args)
}
