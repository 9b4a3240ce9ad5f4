package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// action is one step of the go command, as its -debug-actiongraph file has it.
type action struct {
	Mode, Package       string
	TimeStart, TimeDone time.Time
	CmdUser, CmdSys     time.Duration // processor time of the compiler, linker or vet; 0 of a test
}

// execWord is the first argument by which the go command starts this program around each test program (-exec).
const execWord = "exec"

// execTest runs a package's test program and appends its folder and processor time, children included, to the file of
// its first argument. It returns the program's exit status.
func execTest(args []string) int {
	test := exec.Command(args[1], args[2:]...)
	test.Stdin, test.Stdout, test.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := test.Run()
	if test.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 2
	}
	dir, _ := os.Getwd()
	used := test.ProcessState.UserTime() + test.ProcessState.SystemTime()
	if err := appendLine(args[0], fmt.Sprintf("%d %s\n", used, dir)); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 2
	}
	if code := test.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return 2
}

// appendLine appends a line to a file, and creates a missing one. It adds no newline.
func appendLine(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// printTime runs the tests of packages of the module in a folder, from an empty build cache, and prints where the time
// went.
func printTime(folder string, packages []string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of its own
	self, err := os.Executable()
	if err != nil {
		return err
	}
	graph, runs := filepath.Join(dir, "graph.json"), filepath.Join(dir, "runs")
	test := exec.Command("go", append([]string{"-C", folder, "test", "-count=1", "-debug-actiongraph=" + graph,
		"-skip=^(TestServerModuleTestsPass|TestRecordModuleTestsPass)$", // they run the tests of other modules
		"-exec=" + strings.Join([]string{self, execWord, runs}, " ")}, packages...)...)
	test.Env = append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"), "GOWORK=off")
	begun := time.Now()
	printed, failure := test.CombinedOutput()
	wall := time.Since(begun)
	b, err := os.ReadFile(graph)
	if err != nil {
		return fmt.Errorf("go test wrote no action graph: %w\n%s", err, printed)
	}
	var actions []action
	if err := json.Unmarshal(b, &actions); err != nil {
		return fmt.Errorf("read the action graph: %w", err)
	}
	list := append([]string{"-C", folder, "list", "-f={{.Dir}} {{.ImportPath}}"}, packages...)
	folders, err := exec.Command("go", list...).Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	used, err := os.ReadFile(runs)
	if err != nil {
		return fmt.Errorf("no test program ran: %w\n%s", err, printed)
	}
	all := test.ProcessState.UserTime() + test.ProcessState.SystemTime()
	d := divide(actions, string(folders), string(used))
	d.print(out, wall, all)
	if failure != nil {
		return fmt.Errorf("the tests failed, so these times are not theirs: %w\n%s", failure, printed)
	}
	return nil
}

// spent is the processor time of one package, and the wall time of its tests.
type spent struct {
	compile, vet, link, run, wall time.Duration
}

// division is the time of each package of the module, and of the compiler on everything else.
type division struct {
	packages            map[string]*spent
	standard, libraries time.Duration
}

// divide adds up the go command's actions and the lines that execTest wrote. folders has a line for each package: its
// folder and its import path.
func divide(actions []action, folders, runs string) division {
	d := division{packages: map[string]*spent{}}
	for _, a := range actions {
		cpu := a.CmdUser + a.CmdSys
		first, _, _ := strings.Cut(a.Package, "/")
		switch {
		case a.Mode == "test run":
			d.of(a.Package).wall += a.TimeDone.Sub(a.TimeStart)
		case a.Mode == "link":
			d.of(a.Package).link += cpu
		case a.Mode == "vet":
			d.of(a.Package).vet += cpu
		case a.Mode == "build" && strings.HasPrefix(a.Package, "github.com/refmon/refmon"):
			d.of(a.Package).compile += cpu
		case a.Mode == "build" && strings.Contains(first, "."):
			d.libraries += cpu
		case a.Mode == "build":
			d.standard += cpu
		}
	}
	paths := map[string]string{}
	for line := range strings.Lines(folders) {
		if dir, path, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			paths[dir] = path
		}
	}
	for line := range strings.Lines(runs) {
		var used time.Duration
		var dir string
		if _, err := fmt.Sscanf(line, "%d %s", &used, &dir); err == nil {
			d.of(paths[dir]).run += used
		}
	}
	return d
}

// of returns the row of a package. Its variants for tests ("a [a.test]", "a_test [a.test]", "a.test") are in its row.
func (d division) of(path string) *spent {
	path, _, _ = strings.Cut(path, " ")
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".test"), "_test")
	if d.packages[path] == nil {
		d.packages[path] = &spent{}
	}
	return d.packages[path]
}

// print prints the sums, then the packages that take a second or more, the most expensive first. all is the processor
// time of the whole run.
func (d division) print(out io.Writer, wall, all time.Duration) {
	var sum spent
	for _, s := range d.packages {
		sum.compile += s.compile
		sum.vet += s.vet
		sum.link += s.link
		sum.run += s.run
	}
	rest := all - d.standard - d.libraries - sum.compile - sum.vet - sum.link - sum.run
	for _, row := range []struct {
		kind string
		used time.Duration
	}{
		{"compile standard library", d.standard}, {"compile libraries", d.libraries}, {"compile ours", sum.compile},
		{"vet", sum.vet}, {"link", sum.link}, {"run", sum.run}, {"the go command", rest}, {"all", all},
	} {
		fmt.Fprintf(out, "%-26s %7.1f core-seconds\n", row.kind, row.used.Seconds())
	}
	fmt.Fprintf(out, "%-26s %7.1f s\n\n", "from start to end", wall.Seconds())
	total := func(s *spent) time.Duration { return s.compile + s.vet + s.link + s.run }
	paths := make([]string, 0, len(d.packages))
	for p := range d.packages {
		if total(d.packages[p]) >= time.Second {
			paths = append(paths, p)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return int(total(d.packages[b]) - total(d.packages[a])) })
	fmt.Fprintf(out, "%8s%8s%8s%8s%8s  core-seconds of, and seconds\n", "compile", "vet", "link", "run", "run's s")
	for _, p := range paths {
		s := d.packages[p]
		for _, t := range []time.Duration{s.compile, s.vet, s.link, s.run, s.wall} {
			fmt.Fprintf(out, "%8.1f", t.Seconds())
		}
		fmt.Fprintf(out, "  %s\n", p)
	}
}
