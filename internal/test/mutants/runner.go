package mutants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An Outcome tells who saw a fault. The zero value says that it was
// not asked.
type Outcome int

// The outcomes of a fault, from best to worst.
const (
	KilledByRule Outcome = iota + 1 // a test that cites the fault's rule saw it
	Killed                          // another test of its own package saw it
	KilledLater                     // a dependent's tests saw it
	Survived                        // no test saw it
)

// String returns the word of the table.
func (o Outcome) String() string {
	return [...]string{"not asked", "killed by its rule", "killed", "killed by a dependent", "survived"}[o]
}

// timeout ends the tests of a package. A fault that makes them run for ever
// counts as seen.
const timeout = 3 * time.Minute

// errBroken is the error of a fault that does not compile.
var errBroken = errors.New("it does not compile")

// errRed is the error of tests that fail without a fault too.
var errRed = errors.New("the tests fail without the fault too")

// A Runner runs tests with a fault in place of what is right. Its fields are
// immutable.
type Runner struct {
	Root    string // the module's folder
	Scratch string // where overlays are written
	Own     bool   // the tests of packages that import a fault's are left out
	Skip    string // a pattern of tests that [Together] leaves out; "" for no test
	// Until is when a test that still runs is ended, and its fault counts as not
	// asked; the zero time never comes.
	Until time.Time
}

// ErrTime is wrapped by the error of a fault that [Runner.Until] cut short.
var ErrTime = errors.New("there was no time to ask")

// Ask applies a fault and runs the tests of its packages, those that cite its
// rule first, then those of the packages that import it. It is an error if the
// fault does not apply or does not compile.
func (r *Runner) Ask(f Fault) (Outcome, error) {
	dir, err := os.MkdirTemp(r.Scratch, "fault")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is below Scratch, which the caller removes
	at, err := r.seed(f, dir)
	if err != nil {
		return 0, err
	}
	cited, err := r.cited(at, f)
	if err != nil {
		return 0, fmt.Errorf("fault %q: %w", f.Name, err)
	}
	if cited {
		return KilledByRule, nil
	}
	seen, err := r.test(at, f.Tests, "")
	if err != nil {
		return 0, fmt.Errorf("fault %q: %w", f.Name, err)
	}
	if seen {
		return Killed, nil
	}
	if r.Own {
		return Survived, nil
	}
	dependents, err := r.dependents(f)
	if err != nil {
		return 0, err
	}
	if seen, err = r.test(at, dependents, ""); err != nil {
		return 0, fmt.Errorf("fault %q: %w", f.Name, err)
	}
	if seen {
		return KilledLater, nil
	}
	return Survived, nil
}

// cited tells whether a test that cites the fault's rule fails with it.
func (r *Runner) cited(at place, f Fault) (seen bool, err error) {
	id := f.Rule()
	if id == "" {
		return false, nil
	}
	for _, p := range f.Tests {
		pattern, err := Citing(filepath.Join(r.Root, p), id)
		if err != nil || pattern == "" {
			if err != nil {
				return false, err
			}
			continue
		}
		if seen, err = r.test(at, []string{p}, pattern); seen || err != nil {
			return seen, err
		}
	}
	return false, nil
}

// test tells whether tests of some packages fail at a place and pass without
// the fault: those whose names match a pattern, "" for all.
func (r *Runner) test(at place, packages []string, pattern string) (seen bool, err error) {
	for _, m := range modules {
		var own []string
		for _, p := range packages {
			if in, rel := moduleOf(p); in == m {
				own = append(own, "./"+rel)
			}
		}
		if len(own) == 0 {
			continue
		}
		if seen, err = r.testIn(at, m, own, pattern); seen || err != nil {
			return seen, err
		}
	}
	return false, nil
}

// testIn runs test for packages of one module, by their paths in it.
func (r *Runner) testIn(at place, module string, packages []string, pattern string) (seen bool, err error) {
	args := []string{"test", "-failfast", "-vet=off"}
	if at.long {
		args = append(args, "-timeout="+(4*timeout).String())
	} else {
		args = append(args, "-short", "-timeout="+timeout.String())
	}
	if at.overlay != "" {
		args = append(args, "-overlay="+at.overlay)
	}
	if pattern != "" {
		args = append(args, "-run="+pattern)
	}
	out, err := r.command(filepath.Join(at.root, module), append(args, packages...)...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &exit):
		return false, err
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return false, fmt.Errorf("%w: %s", errBroken, out)
	}
	right := place{root: r.Root, long: at.long}
	if at == right {
		return true, nil
	}
	// Tests that fail without the fault say nothing of it. The go command knows
	// the answer of the last time.
	red, err := r.testIn(right, module, packages, pattern)
	if red {
		err = fmt.Errorf("%w: %s", errRed, out)
	}
	return !red && err == nil, err
}

// untested are the folders whose tests take minutes and go through the same
// packages once more.
var untested = []string{"capi", "cmd/refmon-record", "internal/test/mutants", "bench", "."}

// dependents lists the packages of the fault's module that import its package, or
// whose tests do.
func (r *Runner) dependents(f Fault) ([]string, error) {
	const format = `{{.Dir}} {{.ImportPath}} {{join .Deps " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	module, rel := moduleOf(f.Folder)
	out, err := r.command(filepath.Join(r.Root, module), "list", "-f", format, "./...")
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, out)
	}
	root, err := filepath.Abs(r.Root)
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		dir, err := filepath.Rel(root, words[0])
		if err != nil {
			return nil, err
		}
		imported := slices.ContainsFunc(words[2:], func(p string) bool { return strings.HasSuffix(p, "/"+rel) })
		if imported && !slices.Contains(f.Tests, dir) && !slices.Contains(untested, dir) {
			list = append(list, dir)
		}
	}
	return list, nil
}

// command runs the go command in a folder, until there is no time left.
func (r *Runner) command(dir string, args ...string) ([]byte, error) {
	ctx := context.Background()
	if !r.Until.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, r.Until)
		defer cancel()
		ctx = bounded
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // for what a test left running
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, ErrTime
	}
	return out, err
}
