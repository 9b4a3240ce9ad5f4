package replay

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var header = Header{System: System{Product: "Windows 10.0 server", Build: 20348, Revision: 1, Architecture: "amd64"},
	Date: "2026-01-02", Tokens: MadeTokens, Token: json.RawMessage(`{"user":"S-1-5-18"}`)}

// recordOurs is a recording of refmon itself: its answers are the recorded ones.
func recordOurs(t *testing.T, profile nt.Profile, files ...string) *Recording {
	t.Helper()
	rec := &Recording{Header: header}
	rec.Header.Recording = Version
	for _, name := range files {
		for _, p := range check.Must(Programs(name, check.Must(os.ReadFile(name)))) {
			calls, _ := p.Run(profile, nil, nil)
			rec.Lines = append(rec.Lines, Line{Case: p.Case, Program: p.Source, Prelude: p.Prelude, Rules: p.Rules})
			rec.Lines = append(rec.Lines, calls...)
		}
	}
	return throughJSON(t, rec)
}

const transcripts = "../../test/ntostest/testdata/"

// TestEveryTranscriptCaseIsAProgram checks that every case of every transcript is a program, and that one of our
// files has as many programs as cases.
func TestEveryTranscriptCaseIsAProgram(t *testing.T) {
	files, err := filepath.Glob(transcripts + "*.txt")
	check.RequireThat(t, err == nil && len(files) >= 30, "%d transcripts, %v, want at least 30, nil", len(files), err)
	for _, name := range files {
		b := check.Must(os.ReadFile(name))
		list, want := check.Must(Programs(name, b)), 0
		for _, line := range strings.Split(string(b), "\n") {
			if line == "run" || strings.HasPrefix(line, "run profile=") {
				want++
			}
		}
		check.That(t, len(list) == want, "%s: %d programs, want %d", name, len(list), want)
		for _, p := range list {
			check.That(t, !strings.Contains(p.Source, "----") && p.Source != "",
				"%s: source is cut wrongly, want a non-empty case without ----:\n%s", p.Case, p.Source)
		}
	}
}

// kernelBackend answers the calls of a program from a kernel that the program
// does not know.
type kernelBackend struct{ sys *kernel.System }

type kernelProcess struct{ p *kernel.Process }

type kernelThread struct {
	sys *kernel.System
	th  *nt.Thread
}

func (b *kernelBackend) NewProcess(name string, t *token.Token) (script.BackendProcess, error) {
	p, err := b.sys.CreateProcess(kernel.ProcessSpec{Name: name, Token: t})
	return &kernelProcess{p}, err
}

func (p *kernelProcess) ID() (winnt.Handle, error) { return p.p.ID(), nil }

func (p *kernelProcess) Exit() { p.p.Exit() }

func (p *kernelProcess) NewThread() (script.BackendThread, error) {
	th, err := p.p.NewThread()
	return &kernelThread{nil, th}, err
}

func (t *kernelThread) ID() (winnt.Handle, error) { return 4711, nil }

func (t *kernelThread) CallRow(row *nt.Row, in any) (any, ntstatus.Status, error) {
	out, st := t.th.CallRow(row, in)
	if !st.IsSuccess() {
		if o, ok := out.(nt.OpenThreadTokenOut); ok {
			o.TokenHandle = script.Untouched
			out = o
		}
	}
	return out, st, nil
}

func (t *kernelThread) CallFunction(row *nt.Row, in any) (any, bool, win32.Code, error) {
	out, result, code, _ := win32.On(t.th).CallRow(row, in)
	return out, result, code, nil
}

// All calls go to the backend, an unsupported one ends the program, and its lines are comparable with ours.
func TestAllCallsGoToTheBackend(t *testing.T) {
	p := Program{Case: "b", Source: `
p = process("p", token_profile("user")).thread
k = kernel_mode(p)
opened = p.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY, OpenAsSelf=False)
expect(opened.TokenHandle, None)
h = p.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
p.NtClose(Handle=h)
p.ImpersonateSelf(ImpersonationLevel=SecurityIdentification)
p.AdjustTokenPrivileges(TokenHandle=h, DisableAllPrivileges=True)
k.PsRevertToSelf()
p.NtClose(Handle=h)
`}
	sys := kernel.Boot(kernel.Config{})
	calls, err := p.Run(nt.Documented, nil, &kernelBackend{sys})
	var why *script.UnaskableError
	check.RequireThat(t, errors.As(err, &why) && len(calls) == 5 && calls[4].Status == "ERROR_INVALID_HANDLE",
		"%d calls, %v, want 5 and ERROR_INVALID_HANDLE", len(calls), err)
	lines := append([]Line{{Case: "b", Program: p.Source}}, calls...)
	lines = append(lines, Line{Case: "b", Skipped: why.Why})
	r := compare(throughJSON(t, &Recording{Header: header, Lines: lines}))
	check.That(t, r.Counts == (Counts{Same: 5, Skipped: 1}),
		"counts %+v, differences %+v, want 5 equal and 1 skipped", r.Counts, r.Differences)
}

// TestFailedExpectationsDoNotEndProgram checks that a program with failing expectations runs to its end, and that a
// wrong program does not.
func TestFailedExpectationsDoNotEndProgram(t *testing.T) {
	const call = `process("p", token_profile("user")).thread.NtClose(Handle=4)` + "\n"
	for name, c := range map[string]struct {
		prelude, source string
		calls           int
		fails           bool
	}{
		"holds":             {"expect(1, 1)\n", call + "expect(1, 1)\n", 1, false},
		"fails":             {"", "expect(1, 2)\n" + call + "expect(1, 2)\n", 1, false},
		"fails at first":    {"expect(1, 2)\n", call, 1, false},
		"is wrong":          {"", call + "nonsense\n", 0, true},
		"is wrong at first": {"nonsense\n", call, 0, true},
		"stops":             {"", call + "fail(\"here\")\n", 1, true},
	} {
		p := Program{Case: "c", Prelude: c.prelude, Source: c.source}
		calls, err := p.Run(nt.Documented, nil, nil)
		check.That(t, len(calls) == c.calls && (err != nil) == c.fails,
			"%s: %d calls, %v, want %d calls, an error: %t", name, len(calls), err, c.calls, c.fails)
	}
}
