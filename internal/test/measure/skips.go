package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output string
}

// runTests runs go test with arguments. It prints what go test prints without -v, and then each reason for which tests
// were skipped, with their names. Its error is that of go test.
func runTests(args []string, out io.Writer) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = printTests(events, out)
	if failed := cmd.Wait(); failed != nil {
		return fmt.Errorf("go test: %w", failed)
	}
	return err
}

// printTests reads the events of go test -json.
func printTests(events io.Reader, out io.Writer) error {
	said := map[[2]string]string{}         // by package and test; the package's own are under ""
	skipped := map[string][]string{}       // reason to tests
	lines := bufio.NewReader(events)       // a line may be long
	failed := map[string]map[string]bool{} // package to tests
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var e event
		if json.Unmarshal(line, &e) != nil { // go vet's own lines
			fmt.Fprintf(out, "%s", line)
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch {
		case e.Action == "build-output":
			fmt.Fprint(out, e.Output)
		case e.Action == "output":
			said[key] += e.Output
		case e.Action == "skip" && e.Test != "":
			reason := reasonOf(said[key])
			skipped[reason] = append(skipped[reason], e.Test)
		case e.Action == "fail" && e.Test != "":
			if failed[e.Package] == nil {
				failed[e.Package] = map[string]bool{}
			}
			failed[e.Package][e.Test] = true
		case e.Test == "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
			for _, test := range slices.Sorted(maps.Keys(failed[e.Package])) {
				fmt.Fprint(out, said[[2]string{e.Package, test}])
			}
			fmt.Fprint(out, packageText(said[key], e.Action))
			maps.DeleteFunc(said, func(k [2]string, _ string) bool { return k[0] == e.Package })
		}
	}
	for i, reason := range slices.Sorted(maps.Keys(skipped)) {
		if i == 0 {
			fmt.Fprintln(out, "\nskipped:")
		}
		slices.Sort(skipped[reason])
		fmt.Fprintf(out, "  %s: %s\n", reason, strings.Join(skipped[reason], ", "))
	}
	return nil
}

var skipLine = regexp.MustCompile(`(?m)^\s+\S+\.go:[0-9]+: (.*)$`)

// reasonOf returns the last line that a skipped test logged.
func reasonOf(said string) string {
	all := skipLine.FindAllStringSubmatch(said, -1)
	if len(all) == 0 {
		return "no reason"
	}
	return strings.TrimRight(all[len(all)-1][1], ":")
}

// packageText returns what a package printed itself: all of it if it failed, else the line with its result.
func packageText(said, action string) string {
	if action == "fail" {
		return said
	}
	var last string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
			last = line
		}
	}
	return last
}
