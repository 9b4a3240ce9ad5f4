package ntostest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/nt"
)

// Walk runs every transcript below a folder, each file as a subtest.
func Walk(t *testing.T, dir string) { walk(t, dir, interpreter{}) }

// WalkWired runs the transcripts like [Walk], but sends the calls of user mode over connections. The output must be
// equal byte for byte (W-10).
func WalkWired(t *testing.T, dir string) { walk(t, dir, interpreter{wired: true}) }

// WalkThrough runs the transcripts like [Walk], but another client makes the calls of user mode. It runs every fifth
// case of each file, from the first on, and all with REFMON_DEEP=1. [WalkWired] covers the server's side of the others.
func WalkThrough(t *testing.T, dir string, dial func(net.Conn) (wired.Client, error)) {
	walk(t, dir, interpreter{wired: true, dial: dial})
}

func walk(t *testing.T, dir string, with interpreter) {
	datadriven.Walk(t, dir, func(t *testing.T, path string) { runFile(t, path, with) })
}

// runFile runs one transcript, each case as a subtest named by its line. With -rewrite the cases run one after
// another, and printed text becomes the expected text. A failed expectation is never rewritten, but reported after
// the file. Over a connection only every fifth case runs, unless the tests are deep.
func runFile(t *testing.T, path string, with interpreter) {
	t.Helper()
	if err := checkReasons(path); err != nil {
		t.Error(err)
	}
	in := &with
	var cases []func()
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		if d.Rewrite || d.Cmd != "run" {
			return in.command(t, d)
		}
		c, each := *d, &interpreter{prelude: in.prelude, wired: in.wired, dial: in.dial}
		cases = append(cases, func() { each.compare(t, &c) })
		return d.Expected
	})
	for _, f := range in.failures {
		t.Error(f)
	}
	every := 1
	if with.dial != nil && !randtest.Deep() {
		every = 5
	}
	for i := 0; i < len(cases); i += every {
		cases[i]()
	}
}

// compare runs one case as a subtest of the file's.
func (in *interpreter) compare(t *testing.T, d *datadriven.TestData) {
	_, line, _ := strings.Cut(d.Pos, ":")
	t.Run("line"+line, func(t *testing.T) {
		if got := in.run(t, d); got != d.Expected {
			t.Errorf("%s: printed\n%s\nwant\n%s", d.Pos, got, d.Expected)
		}
		for _, f := range in.failures {
			t.Error(f)
		}
	})
}

// interpreter is the state of one file.
type interpreter struct {
	wired    bool // the calls of user mode go over connections
	dial     func(net.Conn) (wired.Client, error)
	prelude  string
	failures []string
}

// command runs one command of a test file: prelude stores its input for later runs, and run returns the output of a
// program. Any other command ends the test.
func (in *interpreter) command(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "prelude":
		in.prelude = d.Input
		return ""
	case "run":
		return in.run(t, d)
	}
	d.Fatalf(t, "no command %s: want prelude or run", d.Cmd)
	return ""
}

// run runs a case with each profile that it names.
func (in *interpreter) run(t *testing.T, d *datadriven.TestData) string {
	profile := "both"
	d.MaybeScanArgs(t, "profile", &profile)
	switch profile {
	case "documented":
		return in.program(d, nt.Documented)
	case "observed":
		return in.program(d, nt.Observed)
	case "both":
	default:
		d.Fatalf(t, "no profile %s: want documented or observed, or leave it out for both", profile)
	}
	documented, observed := in.program(d, nt.Documented), in.program(d, nt.Observed)
	if documented != observed {
		in.failures = append(in.failures,
			fmt.Sprintf("%s: the profiles differ; split the case into "+
				"profile=documented and profile=observed.\nobserved:\n%s", d.Pos, observed))
	}
	return documented
}

// program runs the prelude and the case on a kernel of their own and returns
// what the case printed.
func (in *interpreter) program(d *datadriven.TestData, profile nt.Profile) string {
	fail := func(format string, a ...any) {
		in.failures = append(in.failures, fmt.Sprintf("%s (%s): ", d.Pos, profile)+fmt.Sprintf(format, a...))
	}
	var out strings.Builder
	cfg := script.Config{Output: &out, Profile: profile}
	connections := wired.Connections{Dial: in.dial}
	if in.wired {
		cfg.Attach = connections.Attach
	}
	r := script.New(cfg)
	err := r.Load("prelude", []byte(in.prelude))
	if err == nil {
		err = r.Run("case", []byte(d.Input))
	}
	switch held, failed := r.Expectations(); {
	case errors.Is(err, script.ErrExpectation):
		fail("%d of %d expectations failed:\n%s", failed, held+failed, out.String())
	case err != nil:
		fail("%v", err)
		fmt.Fprintf(&out, "error: %v\n", err)
	case held == 0:
		fail("the case expects nothing: say with expect(…) what the documents say")
	}
	if err := connections.Close(); err != nil {
		fail("a connection ended: %v", err)
	}
	if leak := r.Close(); leak != nil {
		fail("the kernel did not close cleanly: %v", leak)
	}
	return out.String()
}

// caseID is an id that the comment above a case names: a case of the specification,
// or a rule.
var caseID = regexp.MustCompile(`\b(OC|TC|IC|AC|UC|O|T|I|A|P|S|U|L)-[0-9]+`)

// checkReasons returns an error that lists the cases of a file without a comment at their beginning.
func checkReasons(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var bad []string
	comment := ""
	for i, line := range strings.Split(string(b), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			comment += line
		case line == "run" || strings.HasPrefix(line, "run "):
			if !caseID.MatchString(comment) || len(comment) < 20 {
				bad = append(bad, fmt.Sprintf("%s:%d: a case wants a comment above it: its id and its reason",
					filepath.Base(path), i+1))
			}
			comment = ""
		default:
			comment = ""
		}
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "\n"))
	}
	return nil
}
