package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// users is how many of the packages that import a mutant's package directly are asked about it.
const users = 4

// Rooms are the parts of the repository that a draw can be limited to.
var Rooms = []string{"all", "core", "outside", "server", "capi"}

// A Drawn is a mutant that an operator made in a function drawn at random.
type Drawn struct {
	Edit
	Folder, Function string
	Place            string // file:line
	path             string
	changed          []byte
}

// String returns the mutant on one line, with its file and edit.
func (d Drawn) String() string {
	return fmt.Sprintf("%s  %s in %s: %s → %s", d.Place, d.Operator, d.Function, shorten(d.Old), shorten(d.New))
}

// shorten cuts a long text in its middle.
func shorten(text string) string {
	if r := []rune(text); len(r) > 160 {
		return string(r[:100]) + " … " + string(r[len(r)-58:])
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// A Drawer draws mutants. It belongs to one goroutine; several may call Try.
type Drawer struct {
	runner     *Runner
	rng        *rand.Rand
	all        map[string]listed // by folder; immutable
	pool       []string          // folders, each as often as it has functions
	sources    map[string]*source
	equivalent map[string]string // reasons by key; immutable
	drawn      map[string]bool
	Known      int // how many recorded mutants were drawn and left out

	mu     sync.Mutex
	passes map[string]bool // tests that pass without a mutant; guarded by mu
}

// NewDrawer returns a Drawer for a room of [Rooms]. It draws from the folders whose names contain match. It returns
// an error for an unknown room and if these folders have no function.
func NewDrawer(r *Runner, room, match string, seed uint64) (*Drawer, error) {
	if !slices.Contains(Rooms, room) {
		return nil, fmt.Errorf("-in %s: want one of %s", room, strings.Join(Rooms, ", "))
	}
	d := &Drawer{runner: r, rng: rand.New(rand.NewPCG(seed, seed)), all: map[string]listed{},
		sources: map[string]*source{}, drawn: map[string]bool{}, passes: map[string]bool{}}
	core, err := coreFolders(r.Root)
	if err != nil {
		return nil, err
	}
	if d.equivalent, err = equivalents(); err != nil {
		return nil, err
	}
	for _, m := range modules {
		if _, err := os.Stat(filepath.Join(r.Root, m, "go.mod")); err != nil {
			continue
		}
		if m == "record" || room == "server" && m != "server" || (room == "core" || room == "capi") && m != "." {
			continue // most of the recorder builds for Windows only
		}
		packages, err := r.packages(m)
		if err != nil {
			return nil, err
		}
		for folder, p := range packages {
			d.all[folder] = p
		}
	}
	for folder, p := range d.all {
		if !inRoom(room, folder, core) || !strings.Contains(folder, match) {
			continue
		}
		n, err := countFunctions(p)
		if err != nil {
			return nil, err
		}
		d.pool = append(d.pool, slices.Repeat([]string{folder}, n)...)
	}
	if len(d.pool) == 0 {
		return nil, fmt.Errorf("-in %s -match %q: no function", room, match)
	}
	slices.Sort(d.pool)
	return d, nil
}

// coreFolders returns the folders of the core's packages. It returns nil if the tree has no list of them.
func coreFolders(root string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(root, "internal/test/layers/testdata/core.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(string(b), "\n"), err
}

// inRoom reports whether functions of a folder are drawn for a room.
func inRoom(room, folder string, core []string) bool {
	for _, out := range []string{"internal/test", "server/internal/test", "examples", "bench", "vectors", "web"} {
		if folder == out || strings.HasPrefix(folder, out+"/") {
			return false
		}
	}
	switch room {
	case "core":
		return slices.Contains(core, folder)
	case "outside":
		return !slices.Contains(core, folder) && folder != "capi"
	case "server":
		return strings.HasPrefix(folder, "server/")
	case "capi":
		return folder == "capi"
	}
	return true
}

var declaration = regexp.MustCompile(`(?m)^func `)

// countFunctions counts the functions of a package's files.
func countFunctions(p listed) (n int, err error) {
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		b, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return 0, err
		}
		n += len(declaration.FindAllIndex(b, -1))
	}
	return n, nil
}

// attempts is how many functions Draw looks at before it gives up.
const attempts = 1000

// Draw returns a mutant that compiles and that it did not return before: a random function, one of the operators that
// apply to it, and one of that operator's edits.
func (d *Drawer) Draw() (Drawn, error) {
	for range attempts {
		folder := d.pool[d.rng.IntN(len(d.pool))]
		s := d.sources[folder]
		if s == nil {
			var err error
			if s, err = d.runner.load(folder); err != nil {
				return Drawn{}, err
			}
			d.sources[folder] = s
		}
		functions := s.functions()
		if len(functions) == 0 {
			continue
		}
		fn := functions[d.rng.IntN(len(functions))]
		e, ok := d.pick(s.edits(fn))
		if !ok {
			continue
		}
		at := s.fset.Position(e.at)
		m := Drawn{Edit: e, Folder: folder, Function: e.of(fn), path: at.Filename,
			Place: fmt.Sprintf("%s/%s:%d", folder, filepath.Base(at.Filename), at.Line)}
		switch {
		case d.drawn[m.key()]:
		case d.equivalent[m.key()] != "":
			d.drawn[m.key()] = true
			d.Known++
		case s.compiles(e):
			d.drawn[m.key()] = true
			m.changed = s.changed(e)
			return m, nil
		}
	}
	return Drawn{}, fmt.Errorf("no new mutant in %d functions", attempts)
}

// pick returns an edit of a random operator. It returns false if edits is empty.
func (d *Drawer) pick(edits []Edit) (Edit, bool) {
	if len(edits) == 0 {
		return Edit{}, false
	}
	var names []string
	for _, e := range edits {
		if !slices.Contains(names, e.Operator) {
			names = append(names, e.Operator)
		}
	}
	name := names[d.rng.IntN(len(names))]
	edits = slices.DeleteFunc(edits, func(e Edit) bool { return e.Operator != name })
	return edits[d.rng.IntN(len(edits))], true
}

// Try runs the short tests of the mutant's package, then those of the packages that use it most, and returns the test
// that fails, "" if all pass. The package capi has no short tests: its whole tests run.
func (d *Drawer) Try(m Drawn) (killer string, err error) {
	dir, err := os.MkdirTemp(d.runner.Scratch, "drawn")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is below Scratch, which the caller removes
	file, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {m.path: file}})
	if err = errors.Join(err, os.WriteFile(file, m.changed, 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		return "", err
	}
	folders := append([]string{m.Folder}, importers(d.all, m.Folder, users)...)
	for _, folder := range folders {
		if killer, err = d.fails(folder, overlay, ""); err != nil || killer != "" {
			return killer, err
		}
	}
	return "", nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// fails returns the name of a test of a folder that fails with an overlay and passes without it.
func (d *Drawer) fails(folder, overlay, pattern string) (killer string, err error) {
	module, rel := moduleOf(folder)
	args := []string{"test", "-failfast", "-vet=off", "-timeout=120s", "-run=" + pattern}
	if folder == "capi" {
		// Its programs in C take longer. Some tests run them again: by another calling convention or over a socket.
		args[3] = "-timeout=300s"
		args = append(args, "-skip=MSABI|Sanitized|Daemon")
	} else {
		args = append(args, "-short")
	}
	cmd := d.runner.prepare(filepath.Join(d.runner.Root, module), "go", append(args, "./"+rel)...)
	cmd.Env = append(cmd.Env, "REFMON_DEEP=") // random tests run at a tenth of their size
	if overlay != "" {
		// The environment reaches the go commands of tests that build programs.
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return "", nil
	case d.runner.late():
		return "", ErrTime
	case !errors.As(err, &exit):
		return "", err
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "", fmt.Errorf("%w: %s", errBroken, out)
	}
	name := "the end of the test process"
	only := ""
	if found := failedTest.FindSubmatch(out); found != nil {
		name = string(found[1])
		test, _, _ := strings.Cut(name, "/")
		only = "^" + test + "$"
	} else if bytes.Contains(out, []byte("panic: test timed out")) {
		name = "the time limit"
	}
	if overlay == "" || d.passesWithout(folder, only) {
		return folder + " " + name, nil
	}
	return "", fmt.Errorf("%w: %s %s", errRed, folder, name)
}

// passesWithout reports whether tests of a folder pass without a mutant.
func (d *Drawer) passesWithout(folder, pattern string) bool {
	key := folder + " " + pattern
	d.mu.Lock()
	passes, known := d.passes[key]
	d.mu.Unlock()
	if known {
		return passes
	}
	killer, err := d.fails(folder, "", pattern)
	passes = killer == "" && (err == nil || errors.Is(err, ErrTime))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passes[key] = passes
	return passes
}

// Functions counts the functions that the Drawer draws from.
func (d *Drawer) Functions() int { return len(d.pool) }

// find returns the edit of a recorded mutant, if its function still has it.
func (s *source) find(function, operator, old, changed string) bool {
	return slices.ContainsFunc(s.functions(), func(fn *ast.FuncDecl) bool {
		return strings.HasPrefix(function, nameOf(fn)) && slices.ContainsFunc(s.edits(fn), func(e Edit) bool {
			return e.of(fn) == function && e.Operator == operator && e.Old == old && e.New == changed
		})
	})
}
