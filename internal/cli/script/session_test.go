package script_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// typed is an editor whose user types these lines; "^C" gives a line up.
type typed struct {
	lines   []string
	prompts []string
}

func (e *typed) Line(prompt string) (string, error) {
	e.prompts = append(e.prompts, prompt)
	if len(e.lines) == 0 {
		return "", io.EOF
	}
	line := e.lines[0]
	e.lines = e.lines[1:]
	if line == "^C" {
		return "", script.ErrInterrupted
	}
	return line, nil
}

// An aborted line drops only its statement. help and exit work as words and as calls, and services have names.
func TestAbortedLineDropsOnlyItsStatement(t *testing.T) {
	for _, c := range []struct {
		lines   string // one a line
		want    string // printed
		prompts string
	}{
		{"1 + 1", "2\n", ">>> >>> "},
		{"def f():\n  pass\n^C\n3", "3\n", ">>> ... ... >>> >>> "},
		{"^C\n3", "3\n", ">>> >>> >>> "},
		{"3\nexit\n4", "3\n", ">>> >>> "},
		{"exit()\n4", "", ">>> "},
		{"NtClose", "NtClose(Handle): closes a handle; help(NtClose) explains it\n", ">>> >>> "},
		{"help(NtClosse)", "error: ", ">>> >>> "},
		{"help('ntclose')", "error: input:1:5: no service \"ntclose\": did you mean NtClose?\n", ">>> >>> "},
		{"help('xyzzy')", "error: input:1:5: no service \"xyzzy\": 'refmon services' lists them\n", ">>> >>> "},
	} {
		var b bytes.Buffer
		r := script.New(script.Config{Output: &b})
		e := &typed{lines: strings.Split(c.lines, "\n")}
		err := r.Converse(e)
		check.That(t, err == nil, "%q: %v", c.lines, err)
		if got := b.String(); got != c.want && !(c.want == "error: " && strings.HasPrefix(got, c.want)) {
			t.Errorf("%q prints %q, want %q", c.lines, got, c.want)
		}
		check.Equal(t, strings.Join(e.prompts, ""), c.prompts, "%q: prompts", c.lines)
		check.NoError(t, r.Close())
	}
	r := script.New(script.Config{})
	check.ErrorIs(t, r.Converse(&typed{lines: []string{"expect(1, 2)"}}), script.ErrExpectation, "a failed expectation")
	check.NoError(t, r.Close())
}

// TestHelpListsParametersAndStatuses checks that help of a service, by its name or by a method, has its parameters and
// the documented statuses in their order; without one it has examples that run.
func TestHelpListsParametersAndStatuses(t *testing.T) {
	var b bytes.Buffer
	r := script.New(script.Config{Output: &b})
	err := r.Converse(&typed{lines: []string{"help", "th = process('p', token_profile('user')).thread",
		"print('--')", "help(NtClose)", "print('--')", "help(th.NtClose)", "print('--')", "help(PrivilegeCheck)"}})
	check.NoError(t, errors.Join(err, r.Close()))
	parts := strings.Split(b.String(), "--\n")
	if len(parts) != 4 || !strings.Contains(parts[0], "help(NtOpenThreadToken) prints the parameters of a service") {
		t.Fatalf("help printed %q", b.String())
	}
	handle, closable := strings.Index(parts[1], "STATUS_INVALID_HANDLE "), strings.Index(parts[1],
		"STATUS_HANDLE_NOT_CLOSABLE ")
	check.That(t, strings.HasPrefix(parts[1], "NtClose(Handle)\n") && handle >= 0 && closable >= handle,
		"help(NtClose): %q", parts[1])
	if parts[2] != parts[1] || !strings.HasPrefix(parts[3], "PrivilegeCheck(ClientToken, RequiredPrivileges)\n") ||
		!strings.Contains(parts[3], "\n  returns result, last_error, status, RequiredPrivileges, pfResult\n") {
		t.Errorf("help of a method: %q; of a function: %q, want %q, text starting with %q", parts[2], parts[3],
			parts[1], "PrivilegeCheck(ClientToken, RequiredPrivileges)\n")
	}
}

// TestRowsStartWithUserModeAndEndWithKernelMode checks the order of the services.
func TestRowsStartWithUserModeAndEndWithKernelMode(t *testing.T) {
	rows := slices.Collect(script.Rows)
	first, last := rows[0].Info().Name, rows[len(rows)-1].Info().Name
	check.That(t, nt.NtTable.Find(first) != nil && kernel.Table.Find(last) != nil, "%s to %s", first, last)
}

// TestHelpIsAsWideAsTheTerminal checks that help breaks at blanks, not within a word (U-101).
func TestHelpIsAsWideAsTheTerminal(t *testing.T) {
	const program = "help(NtDuplicateToken)"
	show := func(width int) string {
		var b bytes.Buffer
		r := script.New(script.Config{Output: &b, Width: width})
		check.NoError(t, errors.Join(r.Converse(&typed{lines: []string{program}}), r.Close()))
		return b.String()
	}
	all, narrow := show(0), show(80)
	check.That(t, all != narrow && slices.Equal(strings.Fields(all), strings.Fields(narrow)),
		"words of\n%s\nare others in\n%s", all, narrow)
	for line := range strings.Lines(narrow) {
		check.That(t, len(strings.TrimSuffix(line, "\n")) <= 80, "%d columns: %q", len(line), line)
	}
}

// TestCompletionOffersKnownNames checks the completion of names after a dot, parameters within a call, and known names.
func TestCompletionOffersKnownNames(t *testing.T) {
	r := script.New(script.Config{Output: io.Discard})
	check.NoError(t, r.Converse(&typed{lines: []string{"svc = process('p', token_profile('user'))"}}))
	for _, c := range []struct {
		before string
		from   int
		want   []string // nil: nothing; the last "…": more follow
	}{
		{"sv", 0, []string{"svc"}},
		{"svc.thr", 4, []string{"thread"}},
		{"svc.thread.NtOpenThr", 11, []string{"NtOpenThread", "NtOpenThreadToken", "NtOpenThreadTokenEx"}},
		{"x = svc.thread.NtOpenThreadTokenE", 15, []string{"NtOpenThreadTokenEx"}},
		{"svc.thread.NtOpenThreadToken(ThreadH", 29, []string{"ThreadHandle="}},
		{"svc.thread.NtOpenThreadToken(a=[{}], ThreadH", 37, []string{"ThreadHandle="}},
		{"svc.thread.NtOpenThreadToken(", 29, []string{"DesiredAccess=", "OpenAsSelf=", "ThreadHandle="}},
		{"svc.thread.NtClose(Handle=NtCurrentThr", 26, []string{"NtCurrentThread", "NtCurrentThreadToken"}},
		{"f(svc.thread.NtClose(), ", 24, nil},
		{"svc.thread.NtClose([", 20, nil}, {"svc.thread.NtClose[", 19, nil},
		{"TOKEN_QUERY_", 0, []string{"TOKEN_QUERY_SOURCE"}},
		{"STATUS_CANT_OPEN_A", 0, []string{"STATUS_CANT_OPEN_ANONYMOUS"}},
		{"NtImpersonateAn", 0, []string{"NtImpersonateAnonymousToken"}},
		{"enumer", 0, []string{"enumerate"}},
		{"svc.nosuch.", 11, nil}, {"nosuch.", 7, nil}, {"3.", 2, nil}, {"f().x", 4, nil}, {"", 0, nil}, {".", 1, nil},
		{"(", 1, nil}, {"é.a", 3, nil}, {"rang", 0, []string{"range"}},
	} {
		from, got := r.Complete(c.before)
		check.That(t, from == c.from && slices.Equal(got, c.want),
			"%q: from %d %q, want from %d %q", c.before, from, got, c.from, c.want)
	}
	check.NoError(t, r.Close())
}

// TestInterruptEndsStatementButNotSession checks that a statement that runs ends when it is interrupted, and the
// session goes on, also where the interrupt comes after its end.
func TestInterruptEndsStatementButNotSession(t *testing.T) {
	var b bytes.Buffer
	r := script.New(script.Config{Output: &b})
	e := &interrupter{typed: typed{lines: []string{"def f():", "  while True:", "    pass", "", "f()", "7"}}, r: r}
	check.NoError(t, errors.Join(r.Converse(e), r.Close()))
	got := b.String()
	check.That(t, strings.Contains(got, "interrupted") && strings.HasSuffix(got, "7\n"), "printed %q", got)
}

// interrupter interrupts again and again from the line f() until the next is read.
type interrupter struct {
	typed
	r          *script.Runner
	stop, done chan struct{}
}

func (e *interrupter) Line(prompt string) (string, error) {
	if e.stop != nil {
		close(e.stop)
		<-e.done
		e.stop = nil
	}
	line, err := e.typed.Line(prompt)
	if line == "f()" {
		e.stop, e.done = make(chan struct{}), make(chan struct{})
		go func() {
			defer close(e.done)
			for {
				e.r.Interrupt()
				select {
				case <-e.stop:
					return
				case <-time.After(time.Millisecond):
				}
			}
		}()
	}
	return line, err
}
