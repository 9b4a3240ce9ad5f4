package script

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/internal/strict"
)

// maxLine is the longest line of an interactive session, in bytes.
const maxLine = 1 << 20

// errLong ends a session with a statement that is longer than a program may be.
var errLong = fmt.Errorf("a statement is longer than %d bytes", MaxSource)

// Interact reads statements from in and runs each as soon as it is complete. It prints the value of an expression, and
// prompt, unless empty, before each statement. It prints the error of a statement and goes on. help and exit exist as
// in [Runner.Converse]. At the end of the input, or after exit, it returns [ErrExpectation] if an expectation failed,
// otherwise nil. It returns [ErrStopped] if the kernel has stopped, and an error for a line over 1 MiB or a statement
// of more than [MaxSource] bytes. With an empty prompt the input is a program: positions count its lines, its end also
// ends the last block, and an end inside a statement is an error. If statements failed, the result is then an error
// with their number.
func (r *Runner) Interact(in io.Reader, prompt string) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	env := r.session()
	r.env = env
	begun, ended := false, false // begun: the statement has a line of code; ended: the input has ended
	count, before := 0, r.wrong  // lines of the program up to now; statements that failed before it
	lineNumber := 0              // of the line that was read last
	next := func(read int) ([]byte, error) {
		line, err := r.scan(lines, prompt, read)
		if lineNumber++; prompt == "" {
			count = lineNumber
		}
		text := bytes.TrimSpace(line)
		begun = read > 0 && begun || len(text) > 0 && text[0] != '#'
		if !errors.Is(err, io.EOF) || prompt != "" || !begun || lines.Err() != nil {
			return line, err
		}
		if ended {
			return nil, errCut
		}
		ended = true
		return []byte{'\n'}, nil // an empty line ends a block
	}
	for {
		err := r.statement(env, count, next)
		switch {
		case err == nil:
			continue
		case r.stopped != nil:
			return r.stopped
		case errors.Is(err, errExit):
		case errors.Is(err, errCut), errors.Is(err, errLong):
			return err
		case lines.Err() != nil:
			return fmt.Errorf("read the statements: %w", strict.LineError(lines.Err(), lineNumber, maxLine))
		}
		if failed := r.wrong - before; failed > 0 && prompt == "" {
			return r.outcome(fmt.Errorf("statements that ended with an error: %d", failed))
		}
		return r.outcome(nil)
	}
}

// errCut means that a program ends where its last statement does not.
var errCut = errors.New("the input ends inside a statement, which was not run: is it cut off?")

// scan prints a prompt, flushes the output and returns the next input line. The line includes its newline. The
// argument read counts the lines of the statement so far; above 0 the prompt is "... ". The end of the input and a
// read error give io.EOF. Output errors are returned.
func (r *Runner) scan(lines *bufio.Scanner, prompt string, read int) ([]byte, error) {
	if prompt != "" && read > 0 {
		prompt = "... "
	}
	fmt.Fprint(r.out.buffer(), prompt)
	if err := r.out.flush(); err != nil {
		return nil, err
	}
	if !lines.Scan() {
		return nil, io.EOF
	}
	return append(lines.Bytes(), '\n'), nil
}

// statement reads and runs one statement. It reports a wrong statement and returns nil. It returns errors of next and
// of the output, errExit, errLong and [ErrStopped]. next gets the number of lines of the statement so far. line is
// the number of lines before the statement.
func (r *Runner) statement(env starlark.StringDict, line int, next func(read int) ([]byte, error)) error {
	var ended error
	read, size := 0, 0
	f, err := options.ParseCompoundStmt("input", func() ([]byte, error) {
		line, err := next(read)
		if size += len(line); err == nil && size > MaxSource {
			err = errLong
		}
		if err != nil {
			ended = err
			return nil, err
		}
		read++
		return line, nil
	})
	if ended != nil {
		return ended
	}
	if err != nil {
		if wrong := (syntax.Error{}); errors.As(err, &wrong) {
			wrong.Pos.Line += int32(line)
			err = wrong
		}
		r.wrong++
		r.out.complain(err)
		return r.out.flush()
	}
	moveLines(f, int32(line))
	err = r.guarded(func() error { return r.evaluate(f, env) })
	switch {
	case r.stopped != nil:
		return r.stopped
	case errors.Is(err, errExit):
		return errors.Join(r.out.flush(), errExit)
	case err != nil:
		r.wrong++
		r.out.complain(err)
	}
	return r.out.flush()
}

// moveLines adds by to the line of every position in f, whose lines count from the start of the statement.
func moveLines(f *syntax.File, by int32) {
	syntax.Walk(f, func(n syntax.Node) bool {
		if n == nil {
			return true
		}
		v := reflect.ValueOf(n).Elem()
		for i := range v.NumField() {
			if p := v.Field(i); p.Type() == reflect.TypeFor[syntax.Position]() {
				line := p.FieldByName("Line")
				line.SetInt(line.Int() + int64(by))
			}
		}
		return true
	})
}

// evaluate runs one input of the session and prints its value, if it is a single expression and not None. The bare
// words exit and help are called. An error of the program is returned.
func (r *Runner) evaluate(f *syntax.File, env starlark.StringDict) error {
	boundProducts(f)
	if len(f.Stmts) == 1 {
		if e, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
			v, err := starlark.EvalExprOptions(options, r.thread, e.X, env)
			// In a session exit and help are typed as in a shell, too.
			if word, ok := v.(*starlark.Builtin); ok && err == nil && (word == env["exit"] || word == env["help"]) {
				v, err = starlark.Call(r.thread, word, nil, nil)
			}
			if err == nil && v != starlark.None {
				r.out.say(v.String())
			}
			return err
		}
	}
	return starlark.ExecREPLChunk(f, r.thread, env)
}
