package mutants

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Together has many mutants in one build of the tests: each is a second copy of the function that it changes, which
// the first calls when a file says so. To ask about a mutant costs no build, and only the time of the tests that call
// the function. The [Runner] asks about a mutant outside a function.
//
// It belongs to one goroutine. Its files are below the Runner's Scratch.
type Together struct {
	runner  *Runner
	overlay string            // the JSON that the go command wants
	chosen  string            // the file with the number of the mutant
	called  string            // the file to which the numbers of called mutants are appended
	number  map[string]int    // of a mutant, by its name; immutable
	built   map[string]binary // by the package's folder
}

// wholeTests is the package whose tests run without -short, because -short leaves out its C programs.
const wholeTests = "capi"

// A binary is the test program of a package.
type binary struct {
	name  string
	red   string           // a pattern of the tests that fail without a mutant; "" if all pass
	took  time.Duration    // all tests without a mutant
	calls map[int][]string // the tests that call a mutant's function, by the mutant's number
	rest  []string         // the tests whose calls are not known
	err   error            // why it does not compile
}

// enough returns the time after which a test program with a mutant is stopped and the mutant counts as killed. It is
// several times the time that the program takes without a mutant. For the run without a mutant it is the maximum.
func (b binary) enough() time.Duration {
	const most = 4 * timeout
	if b.took == 0 {
		return most
	}
	return min(most, 20*time.Second+5*b.took)
}

// NewTogether writes the sources of one build that contains all mutants that a switch can select. It returns an
// error if a mutant does not apply or leaves no valid Go. It leaves stale mutants to the Runner, which reports them.
func NewTogether(r *Runner, mutants []Mutant) (*Together, error) {
	root, err := filepath.Abs(r.Root)
	if err != nil {
		return nil, err
	}
	t := &Together{runner: r, number: map[string]int{}, built: map[string]binary{}}
	files := map[string]*switched{}
	for i, f := range mutants {
		name, changed, err := f.Apply(root)
		if errors.Is(err, ErrStale) || err == nil && filepath.Ext(name) != ".go" {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := files[name]
		if s == nil {
			if s, err = newSwitched(name); err != nil {
				return nil, err
			}
			files[name] = s
		}
		ok, err := s.add(i+1, changed)
		if err != nil {
			return nil, fmt.Errorf("mutant %q: %w", f.Name, err)
		}
		if ok {
			t.number[f.Name] = i + 1
		}
	}
	return t, t.write(files)
}

// write writes the overlay of the changed files, and the switch of each package.
func (t *Together) write(files map[string]*switched) error {
	dir, err := os.MkdirTemp(t.runner.Scratch, "together")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // tests run programs as other users
		return err
	}
	t.chosen, t.called = filepath.Join(dir, "chosen"), filepath.Join(dir, "called")
	replace := map[string]string{}
	put := func(name, text string) error {
		to := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		replace[name] = to
		return os.WriteFile(to, []byte(text), 0o600)
	}
	for name, s := range files {
		at := filepath.Join(filepath.Dir(name), "zz_refmon_mutant.go")
		err := put(name, s.text())
		if replace[at] == "" {
			err = errors.Join(err, put(at, fmt.Sprintf(choice, s.file.Name.Name, t.chosen, t.called)))
		}
		if err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(t.chosen, nil, 0o600), os.Chmod(t.chosen, 0o644)); err != nil {
		return err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	t.overlay = filepath.Join(dir, "overlay.json")
	return errors.Join(err, os.WriteFile(t.overlay, list, 0o600))
}

// Ask says what [Runner.Ask] says. If the build fails because some mutant does not compile, the Runner asks about f.
func (t *Together) Ask(f Mutant) (Outcome, error) {
	outcome, err := t.ask(f)
	if errors.Is(err, errBroken) {
		return t.runner.Ask(f)
	}
	return outcome, err
}

// ask implements Ask. The error wraps errBroken if the build fails.
func (t *Together) ask(f Mutant) (Outcome, error) {
	n := t.number[f.Name]
	if n == 0 {
		return t.runner.Ask(f)
	}
	for _, p := range f.Tests {
		if f.Rule() == "" {
			break
		}
		pattern, err := Citing(filepath.Join(t.runner.Root, p), f.Rule())
		if err != nil {
			return 0, err
		}
		if pattern == "" {
			continue
		}
		if seen, err := t.test(n, p, pattern); seen || err != nil {
			return KilledByRule, err
		}
	}
	for _, p := range f.Tests {
		if seen, err := t.test(n, p, ""); seen || err != nil {
			return Killed, err
		}
	}
	if t.runner.Own {
		return Survived, nil
	}
	dependents, err := t.runner.dependents(f)
	if err != nil {
		return 0, err
	}
	for _, p := range dependents {
		if seen, err := t.test(n, p, ""); seen || err != nil {
			return KilledLater, err
		}
	}
	return Survived, nil
}

// test reports whether tests of a package fail with a mutant, except for those that fail without one. Without a
// pattern it runs the tests that call the mutant's function.
func (t *Together) test(number int, folder, pattern string) (seen bool, err error) {
	b, err := t.binary(folder)
	if err != nil || b.name == "" {
		return false, err
	}
	if pattern == "" {
		if b.calls == nil {
			if err := t.findCalls(&b, folder); err != nil {
				return false, err
			}
			t.built[folder] = b
		}
		if pattern = anyOf(slices.Concat(b.calls[number], b.rest)); pattern == "" {
			return false, nil
		}
	}
	_, failed, err := t.run(b, number, folder, pattern)
	return failed, err
}

// binary builds the tests of a package once, and finds the tests that fail without a mutant, such as tests that
// measure memory.
func (t *Together) binary(folder string) (binary, error) {
	if b, ok := t.built[folder]; ok {
		return b, b.err
	}
	module, rel := moduleOf(folder)
	name, err := filepath.Abs(filepath.Join(filepath.Dir(t.overlay), strings.ReplaceAll(folder, "/", "-")+".test"))
	if err != nil {
		return binary{}, err
	}
	out, err := t.runner.command(filepath.Join(t.runner.Root, module), "test", "-c", "-vet=off",
		"-overlay="+t.overlay, "-o="+name, "./"+rel)
	if err != nil {
		b := binary{err: cmp.Or(onlyTime(err), fmt.Errorf("%w: %s", errBroken, out))}
		t.built[folder] = b
		return b, b.err
	}
	b := binary{name: name}
	if _, err := os.Stat(name); err != nil { // it has no tests
		b.name = ""
	} else {
		begun := time.Now()
		out, failed, err := t.run(b, 0, folder, "")
		if err != nil {
			return binary{}, err
		}
		b.took = time.Since(begun)
		if b.red = failures(out); failed && b.red == "" {
			return binary{}, fmt.Errorf("%w: %s: %s", errRed, folder, out)
		}
	}
	t.built[folder] = b
	return b, nil
}

// onlyTime returns err if it wraps ErrTime, and otherwise nil.
func onlyTime(err error) error {
	if errors.Is(err, ErrTime) {
		return err
	}
	return nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// failures returns a pattern of the failed tests in a run's output.
func failures(out []byte) string {
	var names []string
	for _, m := range failed.FindAllSubmatch(out, -1) {
		if names = append(names, string(m[1])); slices.Contains(names[:len(names)-1], string(m[1])) {
			names = names[:len(names)-1]
		}
	}
	return anyOf(names)
}

// anyOf returns a pattern of some tests, "" for none.
func anyOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// run runs a test program with the mutant of that number, or without a mutant for 0.
func (t *Together) run(b binary, number int, folder, pattern string) (out []byte, failed bool, err error) {
	args := []string{"-test.timeout=" + b.enough().String(), "-test.paniconexit0"}
	if folder != wholeTests {
		args = append(args, "-test.short")
	}
	if number > 0 {
		args = append(args, "-test.failfast")
	}
	if pattern != "" {
		args = append(args, "-test.run="+pattern)
	}
	if skip := strings.Trim(t.runner.Skip+"|"+b.red, "|"); skip != "" {
		args = append(args, "-test.skip="+skip)
	}
	return t.start(b, number, folder, args)
}

// start runs a test program with the mutant of that number and reports whether it failed.
func (t *Together) start(b binary, number int, folder string, args []string) (out []byte, failed bool, err error) {
	if err := os.WriteFile(t.chosen, []byte(strconv.Itoa(number)), 0o600); err != nil {
		return nil, false, err
	}
	cmd := t.runner.prepare(filepath.Join(t.runner.Root, folder), b.name, args...)
	// Programs that the tests build contain all mutants, too. All runs share these programs.
	cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+t.overlay),
		"REFMON_PROGRAMS="+filepath.Join(filepath.Dir(t.overlay), "programs"))
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case t.runner.late():
		return nil, false, ErrTime
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return text.Bytes(), false, nil
	case errors.As(err, &exit):
		return text.Bytes(), true, nil
	}
	return nil, false, err
}
