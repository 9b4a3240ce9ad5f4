package ntostest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// The interpreter fails a case for every reason it promises to, whatever the
// text below the line states, so rewriting cannot accept a mistake.
func TestInterpreterFailsWrongCases(t *testing.T) {
	const prelude = `svc = process("server", token(user="S-1-5-20", privileges=["SeImpersonatePrivilege"]))`
	for _, c := range []struct {
		name, program, args string
		want                []string // in each failure; nil: none
		printed             string
	}{
		{"right", "expect(svc.thread.NtClose(Handle=0).status, STATUS_INVALID_HANDLE)", "", nil,
			"server/1           NtClose(Handle=NULL) -> STATUS_INVALID_HANDLE\n"},
		{"an expectation failed", "expect(1, 2)", "documented", []string{"(documented): 1 of 1 expectations failed"},
			"FAILED case:1:7: got 1, want 2\n"},
		{"nothing is expected", "svc.thread.NtClose(Handle=0)", "observed",
			[]string{"(observed): the case expects nothing"}, ""},
		{"wrong program", "expect(1, 1)\nx = y", "documented", []string{"case:2:5: undefined: y"},
			"error: case:2:5: undefined: y\n"},
		{"a leak", "k = kernel_mode(svc.thread)\nk.PsReferencePrimaryToken(Process=svc)\nexpect(1, 1)", "documented",
			[]string{"did not close cleanly"}, ""},
		{"profiles differ", "expect(1, 1)\nprint(profile())", "", []string{"the profiles differ"}, "documented\n"},
	} {
		in := &interpreter{prelude: prelude}
		d := &datadriven.TestData{Pos: "here", Cmd: "run", Input: c.program}
		if c.args != "" {
			d.CmdArgs = []datadriven.CmdArg{{Key: "profile", Vals: []string{c.args}}}
		}
		out := in.command(t, d)
		if len(in.failures) != len(c.want) {
			t.Errorf("%s: failures %q, want %q", c.name, in.failures, c.want)
			continue
		}
		for i, f := range in.failures {
			if !strings.HasPrefix(f, "here") || !strings.Contains(f, c.want[i]) {
				t.Errorf("%s: failure %q, want %q", c.name, f, c.want[i])
			}
		}
		check.That(t, strings.HasPrefix(out, c.printed), "%s: printed %q, want %q", c.name, out, c.printed)
	}
}

// A wrong prelude fails each case under its own name.
func TestPreludeErrorFailsEachCase(t *testing.T) {
	in := &interpreter{}
	in.command(t, &datadriven.TestData{Cmd: "prelude", Input: "x = y"})
	in.program(&datadriven.TestData{Pos: "here", Input: "expect(1, 1)"}, nt.Documented)
	check.That(t, len(in.failures) == 1 && strings.Contains(in.failures[0], "prelude:1:5: undefined: y"),
		`the failures are %q, want one that contains "prelude:1:5: undefined: y"`, in.failures)
}

// Each case has its name and its reason.
func TestEachCaseHasReason(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"# IC-1: a thread without a token (I-20).\nrun\nx\n----\n", ""},
		{"# I-20 alone is enough, on\n# two lines.\nrun profile=observed\nx\n----\n", ""},
		{"run\nx\n----\n", "case.txt:1: "},
		{"# A comment without an id, however long.\nrun\nx\n----\n", "case.txt:2: "},
		{"# IC-1\nrun\nx\n----\n", "case.txt:2: "},
		{"# IC-1: too far away from the case.\n\nrun\nx\n----\n", "case.txt:3: "},
	} {
		name := filepath.Join(t.TempDir(), "case.txt")
		check.NoError(t, os.WriteFile(name, []byte(c.text), 0o600))
		err := checkReasons(name)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// The transcripts of testdata, each on a kernel of its own.
func TestKernelTranscriptsReplay(t *testing.T) { Walk(t, "testdata") }

func TestKernelTranscriptsReplayOverConnection(t *testing.T) { WalkWired(t, "testdata") }
