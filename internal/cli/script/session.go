package script

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// Editor is a line editor for an interactive session.
type Editor interface {
	// Line returns the next line without its end. The error is io.EOF at the end of
	// the input, and ErrInterrupted where the user gave the line up.
	Line(prompt string) (string, error)
}

// ErrInterrupted is the error of [Editor] for an aborted line. The session drops the current statement and continues.
var ErrInterrupted = errors.New("interrupted")

// errExit ends a session.
var errExit = errors.New("exit")

// Greeting is the first line of a session.
const Greeting = "refmon: type help for help, Tab to complete a name, and exit or Ctrl-D to end."

const helpText = `A program is written in Starlark, a dialect of Python. Create a token and a process, then call:

  alice = token(user="S-1-5-21-1-2-3-1107", groups=["DU"])
  svc = process("server", token_profile("network service"))
  kernel_mode(svc.thread).PsImpersonateClient(Thread=svc.thread,
    Token=alice, ImpersonationLevel=SecurityImpersonation)
  svc.thread.NtOpenThreadToken(ThreadHandle=NtCurrentThread(),
    DesiredAccess=TOKEN_QUERY)

help(NtOpenThreadToken) prints the parameters of a service, and each status with its condition and rule.
Tab after "svc.thread." lists the services of a thread. Tab within a call lists the parameters.
`

// serviceName is a service referred to by name, for help.
type serviceName struct{ row *nt.Row }

// String returns the text that print shows for the value.
func (v serviceName) String() string {
	name := v.row.Info().Name
	return fmt.Sprintf("%s: %s; help(%s) explains it", calltext.Signature(v.row), v.row.Info().Summary, name)
}

// Type returns "service", the name of the type in programs.
func (serviceName) Type() string { return "service" }

// Freeze does nothing: programs cannot change the value.
func (serviceName) Freeze() {}

// Truth returns true.
func (serviceName) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (serviceName) Hash() (uint32, error) { return 0, errors.New("unhashable: service") }

// Converse runs a session like [Runner.Interact], with a line editor. It drops the statement of a line that the editor
// aborts with [ErrInterrupted]. io.EOF and exit end the session. It returns other errors of the editor. An error of a
// statement is printed and does not end it.
func (r *Runner) Converse(e Editor) error {
	r.env = r.session()
	for {
		err := r.statement(r.env, 0, func(read int) ([]byte, error) {
			prompt := ">>> "
			if read > 0 {
				prompt = "... "
			}
			line, err := e.Line(prompt)
			return []byte(line + "\n"), err
		})
		switch {
		case errors.Is(err, ErrInterrupted):
			continue
		case errors.Is(err, errExit), errors.Is(err, io.EOF):
			return r.outcome(nil)
		case err != nil:
			return err
		}
	}
}

// session returns the predeclared names of a session: globals, help, exit and the names of the services.
func (r *Runner) session() starlark.StringDict {
	env := starlark.StringDict{}
	for row := range Rows {
		env[row.Info().Name] = serviceName{row}
	}
	for k, v := range r.globals {
		env[k] = v
	}
	env["help"] = starlark.NewBuiltin("help", r.help)
	env["exit"] = starlark.NewBuiltin("exit", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
		[]starlark.Tuple) (starlark.Value, error) {
		return nil, errExit
	})
	return env
}

// Interrupt ends the running statement with an error; it does nothing if none runs. It may be called from another
// goroutine and does not wait.
func (r *Runner) Interrupt() { r.thread.Cancel("interrupted") }

// help implements help([SERVICE]): it prints an explanation of a service. The service is named by a string, by its
// bare name or by a method of a thread. Without a service it prints a general text. Any other value, and an unknown
// service, are errors.
func (r *Runner) help(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	var what starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "service?", &what); err != nil {
		return nil, err
	}
	name := ""
	switch v := what.(type) {
	case nil:
		r.out.say(wrapped(strings.TrimSpace(helpText), r.cfg.Width))
		return starlark.None, nil
	case serviceName:
		name = v.row.Info().Name
	case starlark.String:
		name = string(v)
	case *starlark.Builtin:
		name = v.Name()
	}
	row, err := Find(name)
	if err != nil {
		return nil, err
	}
	r.out.say(wrapped(explain(row), r.cfg.Width))
	return starlark.None, nil
}

// Rows yields the services of all tables, in their order: user mode, Win32 functions, kernel routines. Use it as a
// range function.
func Rows(yield func(*nt.Row) bool) {
	for _, t := range []*nt.Table{&nt.NtTable, &win32.Table, &kernel.Table} {
		for row := range t.All {
			if !yield(row) {
				return
			}
		}
	}
}

// Find returns the service with that exact name. An unknown name is an error, which suggests the most similar name.
// Case matters.
func Find(name string) (*nt.Row, error) {
	var names []string
	for row := range Rows {
		if row.Info().Name == name {
			return row, nil
		}
		names = append(names, row.Info().Name)
	}
	if near := words.Nearest(name, names); near != "" {
		return nil, fmt.Errorf("no service %q: did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("no service %q: 'refmon services' lists them", name)
}

// explain returns a description of a service in several lines: parameters, results, and each condition with its rule
// and status.
func explain(row *nt.Row) string {
	m := row.Info()
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n  %s (%s)\n  returns %s", calltext.Signature(row), m.Summary, m.Document(),
		strings.Join(calltext.OutNames(row), ", "))
	for _, k := range m.Conditions {
		fmt.Fprintf(&out, "\n  %-6s %-32s %s", k.Rule, k.Status, k.When)
	}
	return out.String()
}

// wrapped breaks lines wider than the terminal at blanks and indents the continuation by four (U-101). It returns the
// text unchanged for a width of at most 8. Width 0 means no terminal.
func wrapped(text string, width int) string {
	const further = 4
	if width <= 2*further {
		return text
	}
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) <= width {
			out = append(out, line)
			continue
		}
		indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))+further)
		parts := printable.Wrap(line, width-len(indent))
		out = append(out, parts[0])
		for _, more := range parts[1:] {
			out = append(out, indent+more)
		}
	}
	return strings.Join(out, "\n")
}
