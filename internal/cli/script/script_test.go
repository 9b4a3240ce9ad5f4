package script_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// run runs a program and returns its output, the error of Run, and the error of closing the kernel.
func run(tb testing.TB, cfg script.Config, program string) (out string, err, leak error) {
	tb.Helper()
	var b bytes.Buffer
	cfg.Output = &b
	r := script.New(cfg)
	err = r.Run("test.star", []byte(program))
	leak = r.Close()
	return b.String(), err, leak
}

// mustRun runs a valid program that leaks nothing.
func mustRun(tb testing.TB, cfg script.Config, program string) string {
	tb.Helper()
	out, err, leak := run(tb, cfg, program)
	check.RequireThat(tb, err == nil && leak == nil, "run: %v, close: %v, want nil, nil\n%s", err, leak, out)
	return out
}

const prelude = `
svc = process("server", token(user="S-1-5-20", privileges=["SeImpersonatePrivilege"]))
th, k = svc.thread, kernel_mode(svc.thread)
alice = token(user="S-1-5-21-1-2-3-1107", type="Impersonation")
`

// Users read the programs of examples/ first. All of their expectations must hold, and nothing may leak.
func TestExampleProgramsPass(t *testing.T) {
	files, err := filepath.Glob("../../../examples/*.star")
	check.RequireThat(t, err == nil && len(files) != 0, "no examples: %v, want at least one", err)
	for _, f := range files {
		source := check.Must(os.ReadFile(f))
		r := script.New(script.Config{})
		err := r.Run(f, source)
		check.That(t, err == nil, "%s: %v, want no error", f, err)
		if held, failed := r.Expectations(); held == 0 || failed != 0 {
			t.Errorf("%s: %d expectations passed, %d failed, want at least 1, 0", f, held, failed)
		}
		err = r.Close()
		check.That(t, err == nil, "closing %s: %v, want no error", f, err)
	}
}

// A wrong program ends with an error with file, line and column, and with what to do.
func TestProgramErrorsHavePositionAndHint(t *testing.T) {
	for _, c := range []struct{ program, want string }{
		{"x = ", `^test\.star:5:\d+: `},
		{"\n\nfail('no')", `^test\.star:7:5: .*no`},
		{"\nth.NtClose(Handel=4)", `^test\.star:6:11: NtClose: no parameter Handel: did you mean Handle\?`},
		{"th.NtClose(4)", `NtClose takes its parameters by name: NtClose\(Handle\)`},
		{"th.NtOpenTreadToken()", `did you mean NtOpenThreadToken\?`},
		{"th.PsRevertToSelf()", `kernel-mode routine: call it on kernel_mode\(thread\) or system\(\)`},
		{"k.NtClose(Handle=4)", `user-mode service: call it on a thread, or ZwClose here`},
		{"th.NtClose(Handle='four')", `Handle: want a handle, got "four"`},
		{"th.NtOpenThreadToken(ThreadHandle=4, OpenAsSelf=1)", `OpenAsSelf: want True or False, got int`},
		{"k.PsImpersonateClient(Thread=svc, Token=alice)", `Thread: want a thread, got process`},
		{"k.SeTokenIsAdmin(Token=None)", `SeTokenIsAdmin: Token is missing, and the call requires it`},
		{"k.SeTokenIsAdmin()", `SeTokenIsAdmin: Token is missing, and the call requires it`},
		{"k.PsImpersonateClient(Thread=th, Token=4)", `Token: want a token, a token object or None, got int`},
		{"th.NtOpenFile(ObjectName=4)", `ObjectName: want a string`},
		{"th.NtOpenFile(DesiredAccess='FRX')", `DesiredAccess: `},
		{"token(user='stranger')", `token: .*user`},
		{"token(user='S-1-5-20', colour='red')", `token: .*colour`},
		{"process('p', alice)", `want a primary token`},
		{"process('p', 4)", `want a token or a token object, got int`},
		{"file('f', sd='D:(A;;FA;;;XX)')", `file f: `},
		{"token_profile('stranger')", `no profile "stranger"`},
		{"kernel_mode(svc)", `kernel_mode: .*thread`},
		{"handle_information(th, 400)", `handle 400: STATUS_INVALID_HANDLE`},
		{"job(svc, 'NO_FUN')", `no limit "NO_FUN"`},
		{"k.ObReferenceObjectByHandle(Handle=4, ObjectType='Tokn')", `want the name of an object type`},
		{"k.ObDereferenceObject(Object=None)", `want a reference to an object`},
		{"token_with(alice, ElevationType='Full')", `ElevationType: want a number`},
		{"object_attributes(sqos=2)", `sqos: want sqos\(…\) or None`},
		{"x, y = [], []\nx.append(x)\ny.append(y)\nexpect(x, y)", `comparison exceeded maximum recursion depth`},
	} {
		out, err, leak := run(t, script.Config{}, prelude+c.program)
		check.That(t, err != nil && regexp.MustCompile(c.want).MatchString(err.Error()),
			"%s:\n got %v\nwant %s\n%s", c.program, err, c.want, out)
		check.That(t, !errors.Is(err, script.ErrExpectation),
			"%s: error = %v, want one other than %v", c.program, err, script.ErrExpectation)
		check.That(t, leak == nil, "%s: %v, want nil", c.program, leak)
	}
}

// The position of an error is that of the program's innermost frame.
func TestErrorPositionIsInnermostFrame(t *testing.T) {
	out, err, _ := run(t, script.Config{}, "def f():\n    fail('no')\n\nprint('x')\nf()\n")
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "test.star:2:9: ") && out == "x\n",
		"error = %v, want it at test.star:2:9, after the output %q", err, out)
	out, err, _ = run(t, script.Config{Quiet: true}, "def f():\n    expect(1, 2, 'because\\x1b\\n')\n\nf()\n")
	const want = "FAILED test.star:2:11: got 1, want 2 (because\ufffd\ufffd)\n" // the reason cannot control a terminal
	check.That(t, errors.Is(err, script.ErrExpectation) && out == want, "got %v\n%q, want %v, %q", err, out,
		script.ErrExpectation, want)
}

// A program continues after a failed expectation, so that one run shows all failures.
func TestProgramContinuesAfterFailedExpectation(t *testing.T) {
	r := script.New(script.Config{})
	err := r.Run("test.star", []byte("expect(1, 2)\nexpect(1, 1)\nexpect([1], (1,))\nexpect(STATUS_SUCCESS, 0)\n"))
	if held, failed := r.Expectations(); !errors.Is(err, script.ErrExpectation) || held != 1 || failed != 3 {
		t.Errorf("%v: %d passed, %d failed, want %v, 1, 3", err, held, failed, script.ErrExpectation)
	}
	check.NoError(t, r.Close())
}

// Quiet prints only failures. A transcript has no address and no time.
func TestTranscriptIsReproducible(t *testing.T) {
	const program = prelude + `
step("a step", "I-22")
k.PsImpersonateClient(Thread=th, Token=alice, ImpersonationLevel=SecurityImpersonation)
r = th.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY, OpenAsSelf=True)
o = k.ObReferenceObjectByHandle(Handle=r.TokenHandle, ObjectType="Token")
k.ObDereferenceObject(Object=o.Object)
th.NtClose(Handle=0)
print("said")
`
	out := mustRun(t, script.Config{Quiet: true}, program)
	check.That(t, out == "", `quiet printed %q, want ""`, out)
	first := mustRun(t, script.Config{}, program)
	second := mustRun(t, script.Config{}, program)
	check.That(t, first == second, "two runs print differently:\n%s, want %s\n%s", first, second, second)
	check.That(t, !strings.Contains(first, "0xc0") && strings.Contains(first, "# a step [I-22]\nserver/1 (k) ") &&
		strings.Contains(first, "\nsaid\n"), "transcript\n%s\nwant the step and the output, without addresses", first)
	coloured := mustRun(t, script.Config{Colour: true}, program)
	check.That(t, strings.Contains(coloured, "\x1b[32mSTATUS_SUCCESS\x1b[0m") &&
		strings.Contains(coloured, "\x1b[1m# a step [I-22]\x1b[0m\n") &&
		regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured, "") == first,
		"coloured transcript differs in more than colours:\n%s, want the same text", coloured)
}

// objects returns the JSON object of each line.
func objects(t *testing.T, out string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		m := map[string]any{}
		err := json.Unmarshal([]byte(line), &m)
		check.RequireThat(t, err == nil, "line %s is not JSON: %v, want JSON", line, err)
		lines = append(lines, m)
	}
	return lines
}

// With JSON each line is an object: the call, its parameters, status and reason.
func TestEachCallIsOneJSONObject(t *testing.T) {
	out := mustRun(t, script.Config{JSON: true}, prelude+`
file("f", sd="O:SYG:SYD:(A;;FR;;;SY)")
th.NtOpenFile(ObjectName="f", DesiredAccess=FILE_READ_DATA)
r = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY)
th.NtClose(Handle=0)
step("s", "I-1")
print("p")
q = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_ADJUST_PRIVILEGES).TokenHandle
th.NtAdjustPrivilegesToken(TokenHandle=q, NewState=["SeTcbPrivilege"])
`)
	failed, _, _ := run(t, script.Config{JSON: true}, "expect(1, 2, \"w\")")
	lines := objects(t, out)
	check.Equal(t, failed, `{"failed":"test.star:1:7","got":"1","want":"2","why":"w"}`+"\n", "failed expectation")
	check.RequireThat(t, len(lines) == 7 && lines[6]["status"] == "STATUS_NOT_ALL_ASSIGNED" && lines[6]["out"] != nil,
		"%d lines, want 7, the last with the outputs of a success:\n%s", len(lines), out)
	if l := lines[0]; l["thread"] != "server/1" || l["call"] != "NtOpenFile" || l["status"] != "STATUS_ACCESS_DENIED" ||
		l["why"] == nil || l["out"] != nil || l["object"] != `File \Files\f` {
		t.Errorf("denied open = %v, want NtOpenFile with STATUS_ACCESS_DENIED and a reason", l)
	}
	if l := lines[1]; l["out"].(map[string]any)["TokenHandle"] != "0x4" ||
		l["in"].(map[string]any)["DesiredAccess"] != "TOKEN_QUERY" {
		t.Errorf("open = %v, want handle 0x4 with TOKEN_QUERY", l)
	}
	if l := lines[2]; l["rule"] != "O-40" {
		t.Errorf("a failed close: %v, want the rule O-40", l)
	}
	check.That(t, lines[3]["step"] == "s" && lines[3]["rule"] == "I-1" && lines[4]["print"] == "p",
		"a step and a print: %v, %v, want the step s of I-1 and the text p", lines[3], lines[4])
}

// The program reads from an output handle after a failure the value that the service left (O-5).
func TestFailedCallKeepsOutputHandleValue(t *testing.T) {
	mustRun(t, script.Config{}, prelude+`
expect(th.NtOpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY).TokenHandle, None)
expect(profile(), "documented")`)
	mustRun(t, script.Config{Profile: nt.Observed}, prelude+`
expect(th.NtOpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY).TokenHandle, 0)
expect(th.NtDuplicateToken(ExistingTokenHandle=400, TokenType=3).NewTokenHandle, None)
expect(profile(), "observed")`)
}

// Load defines names for later programs, and prints nothing. Calls of a loaded function count for the program's line.
func TestPreludeDefinesNames(t *testing.T) {
	var b bytes.Buffer
	var lines []int
	r := script.New(script.Config{Output: &b, Record: func(c script.Recorded) { lines = append(lines, c.Line) }})
	check.NoError(t, r.Load("prelude", []byte(prelude+
		"th.NtClose(Handle=0)\nnames = []\ndef twice(x):\n    th.NtClose(Handle=0)\n    return x + x\n")))
	check.NoError(t, r.Run("a.star", []byte("\nexpect(twice(2), 4)\ntwice = None\n")))
	check.NoError(t, r.Run("b.star", []byte("expect(twice(3), 6)\n")))
	check.NoError(t, r.Load("later", []byte("def twice(x): return [x, x]\n")))
	if err := r.Run("c.star", []byte("expect(twice(3), [3, 3])\nstep(\"s\")\n")); err != nil {
		t.Error(err) // of two preludes the later one counts
	}
	check.That(t, r.Load("wrong", []byte("x = 1 +")) != nil, "loading a wrong prelude succeeded, want an error")
	err := r.Run("d.star", []byte("names.append(1)"))
	check.That(t, err != nil && strings.Contains(err.Error(), "frozen"), "change of a list of the prelude: %v", err)
	check.SlicesEqual(t, lines, []int{0, 2, 1}, "lines of the calls")
	check.NoError(t, r.Load(script.Prelude, []byte("def wrong():\n    expect(1, 2)\n")))
	check.ErrorIs(t, r.Run("e.star", []byte("wrong()")), script.ErrExpectation, "an expectation of the prelude")
	check.Equal(t, b.String(), "# s\nFAILED prelude:2:11: got 1, want 2\n", "output of the programs")
	check.NoError(t, r.Close())
}

// A leaked reference is reported at the end.
func TestLeakedReferenceIsReported(t *testing.T) {
	_, err, leak := run(t, script.Config{}, prelude+`
k.PsImpersonateClient(Thread=th, Token=alice, ImpersonationLevel=SecurityImpersonation)
k.PsReferenceImpersonationToken(Thread=th)
`)
	check.That(t, err == nil && leak != nil && strings.Contains(leak.Error(), "Token: handles 0, references 1"),
		"run: %v, close: %v, want no error and one leaked reference", err, leak)
}

// An injected error occurs the number of times that the program sets, and the failing call changes nothing (O-81).
func TestInjectedErrorFailsCallsAndChangesNothing(t *testing.T) {
	mustRun(t, script.Config{}, prelude+`
h = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_DUPLICATE).TokenHandle
def duplicate():
    return th.NtDuplicateToken(ExistingTokenHandle=h, TokenType=TokenPrimary).status
before = counts()
fault("se: duplicate token", 7)
fault("se: duplicate token", 2)
expect([duplicate(), duplicate()], [STATUS_INSUFFICIENT_RESOURCES] * 2)
expect(counts(), before)
expect(duplicate(), STATUS_SUCCESS)
close_all()
expect(counts()[1], 0)
`)
}

// The runner releases its own objects once: at close_all(), and later ones at the end.
func TestRunnerReleasesItsObjectsOnce(t *testing.T) {
	out, err, leak := run(t, script.Config{}, prelude+`
alice = token_object(token(user="S-1-5-21-1-2-3-1107"))
close_all()
close_all()
before = counts()
bob = token_object(token(user="S-1-5-21-1-2-3-1108"))
expect(counts()[2] > before[2], True)
close_all()
expect(counts(), before)
token_object(token(user="S-1-5-21-1-2-3-1109"))
`)
	check.That(t, err == nil && leak == nil, "%v, close: %v, want nil, nil\n%s", err, leak, out)
}

// The interactive loop runs each statement immediately, prints values, and continues after an error.
func TestInteractiveLoopContinuesAfterErrors(t *testing.T) {
	var b bytes.Buffer
	r := script.New(script.Config{Output: &b})
	err := r.Interact(strings.NewReader(
		"x = 20\nx + 1\nnonsense(\n)\ny\nfor i in range(2):\n    x += i\n\nx\nexpect(x, 20)\n"+
			"a = logon_session()\nlogon_session(7)\n(logon_session() - a) * 1001\n"), "")
	check.That(t, err != nil && !errors.Is(err, script.ErrExpectation),
		"ended with %v, want the error of the statements, which is more than a failed expectation", err)
	out := b.String()
	for _, want := range []string{"21\n", "error: ", "FAILED ", "1001\n"} {
		check.That(t, strings.Contains(out, want), "printed %q, want %q in it", out, want)
	}
	check.NoError(t, r.Close())
}

// A failing callback of the program is a failure of the run, even if all expectations hold.
func TestFailingCallbackFailsTheRun(t *testing.T) {
	program := `
def gone(id):
    fail("it is gone")

L = process("L", token(user="SY", groups=["WD"], privileges=["SeCreateTokenPrivilege", "SeTcbPrivilege"]))
k, a = system(), logon_session()
expect(k.SeRegisterLogonSessionTerminatedRoutine(CallbackRoutine=gone).status, STATUS_SUCCESS)
expect(k.SeMarkLogonSessionForTerminationNotification(LogonId=a).status, STATUS_SUCCESS)
h = L.thread.NtCreateToken(DesiredAccess=TOKEN_ALL_ACCESS, TokenType=TokenPrimary, AuthenticationId=a,
    ExpirationTime=0, User="S-1-5-21-1-2-3-1001", Groups=["WD"], Privileges={},
    PrimaryGroup="S-1-5-21-1-2-3-1001", Source="refmon").TokenHandle
L.thread.NtClose(Handle=h)
expect(1, 1)
`
	out, err, leak := run(t, script.Config{}, program)
	check.That(t, err != nil && leak == nil && strings.Contains(out, "callback: ") && strings.Contains(out, "it is gone"),
		"run: %v, close: %v, want the callback's error\n%s", err, leak, out)
	for _, cfg := range []script.Config{{Quiet: true}, {Quiet: true, JSON: true}} {
		out, err, leak = run(t, cfg, program)
		check.That(t, errors.Is(err, script.ErrExpectation) && leak == nil && strings.Count(out, "\n") == 1 &&
			strings.Contains(out, "callback: test.star:3:9: fail: it is gone"),
			"%+v: run: %v, close: %v, want one line with the callback's error\n%s", cfg, err, leak, out)
	}
	if out, err, leak = run(t, script.Config{}, strings.Replace(program, `fail("it is gone")`, "pass", 1)); err != nil ||
		leak != nil {
		t.Errorf("without the failure: %v, close: %v, want nil, nil\n%s", err, leak, out)
	}
}

// An event can have attributes without a name. An inspection of its handle keeps no reference. A range has at most 2^24
// elements.
func TestProgramCreatesEventWithAttributes(t *testing.T) {
	mustRun(t, script.Config{}, prelude+`
before = counts()
h = th.NtCreateEvent(DesiredAccess=EVENT_ALL_ACCESS, Attributes=OBJ_INHERIT, EventType=NotificationEvent,
    InitialState=False).EventHandle
expect(handle_information(th, h).HandleAttributes, OBJ_INHERIT)
th.NtClose(Handle=h)
expect(counts(), before)
expect(len(range(1 << 24)), 1 << 24)
close_all()
`)
}
