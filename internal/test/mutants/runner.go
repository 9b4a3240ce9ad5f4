package mutants

import (
	"bytes"
	"cmp"
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

// An Outcome says whether a test detected a mutant. The zero value means that it was not tested.
type Outcome int

// The outcomes of a mutant, from best to worst.
const (
	KilledByRule Outcome = iota + 1 // a test that cites the mutant's rule saw it
	Killed                          // another test of its own package saw it
	KilledLater                     // a dependent's tests saw it
	Survived                        // no test saw it
)

// String returns the word for the outcome in the table.
func (o Outcome) String() string {
	return [...]string{"not asked", "killed by its rule", "killed", "killed by a dependent", "survived"}[o]
}

// timeout ends the tests of a package. A mutant that makes them run for ever
// counts as seen.
const timeout = 3 * time.Minute

// errBroken is the error of a mutant that does not compile.
var errBroken = errors.New("it does not compile")

// errRed is the error of tests that fail without a mutant too.
var errRed = errors.New("the tests fail without the mutant too")

// A Runner runs tests with a mutant in place of the original. Its fields are immutable.
type Runner struct {
	Root    string // the module's folder
	Scratch string // where overlays are written, and the temporary files of tests
	Own     bool   // the tests of packages that import a mutant's are left out
	Skip    string // a pattern of tests that [Together] leaves out; "" for no test
	// Context's end stops the tests that run, and their mutants count as not asked; nil never ends.
	Context context.Context
}

// ErrTime is wrapped by the error of a mutant that [Runner.Context] cut short.
var ErrTime = errors.New("there was no time to ask")

// Ask applies a mutant and runs the tests of its packages, those that cite its rule first, then those of the packages
// that import it. The first of these that fails gives KilledByRule, Killed or KilledLater. If all pass, the mutant
// Survived. With r.Own it does not test the packages that import it. It is an error if the mutant does not apply or
// does not compile.
func (r *Runner) Ask(f Mutant) (Outcome, error) {
	dir, err := os.MkdirTemp(r.Scratch, "mutant")
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
		return 0, fmt.Errorf("mutant %q: %w", f.Name, err)
	}
	if cited {
		return KilledByRule, nil
	}
	seen, err := r.test(at, f.Tests, "")
	if err != nil {
		return 0, fmt.Errorf("mutant %q: %w", f.Name, err)
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
		return 0, fmt.Errorf("mutant %q: %w", f.Name, err)
	}
	if seen {
		return KilledLater, nil
	}
	return Survived, nil
}

// cited reports whether a test that cites the mutant's rule fails with it.
func (r *Runner) cited(at place, f Mutant) (seen bool, err error) {
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

// test reports whether tests of some packages fail at a place and pass without the mutant: those whose names match a
// pattern, "" for all.
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

// testIn does the work of test for packages of one module. The packages are paths inside the module.
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
	// Tests that fail without the mutant say nothing of it. The go command knows
	// the answer of the last time.
	red, err := r.testIn(right, module, packages, pattern)
	if red {
		err = fmt.Errorf("%w: %s", errRed, out)
	}
	return !red && err == nil, err
}

// untested are the folders whose tests take minutes and go through the same
// packages once more.
var untested = []string{"capi", "internal/test/mutants", "bench", "."}

// dependents lists the packages of the mutant's module that import its package, or
// whose tests do.
func (r *Runner) dependents(f Mutant) ([]string, error) {
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

// command runs the go command in a folder and stops it when the runner's context ends.
func (r *Runner) command(dir string, args ...string) ([]byte, error) {
	cmd := r.prepare(dir, "go", args...)
	out, err := cmd.CombinedOutput()
	if err != nil && r.late() {
		return out, ErrTime
	}
	return out, err
}

// prepare returns a command that is killed when the runner's context ends. Programs that it started run on, and
// [Runner.Clean] kills them.
func (r *Runner) prepare(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.context(), name, args...)
	cmd.Dir = dir
	// A killed test leaves its temporary files, which Clean removes with Scratch.
	cmd.Env = append(os.Environ(), "TMPDIR="+r.Scratch)
	// A program that a killed test started can hold the output open.
	cmd.WaitDelay = time.Second
	return cmd
}

// context returns the context of the runner's commands.
func (r *Runner) context() context.Context { return cmp.Or(r.Context, context.Background()) }

// late reports whether there is no time left.
func (r *Runner) late() bool { return r.context().Err() != nil }
