package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// maxLine bounds one line typed or piped into the loop, in bytes.
const maxLine = 1 << 20

// Interact reads statements one by one and runs each as soon as it is
// complete; the value of an expression is printed. prompt is printed before
// each statement, nothing if it is empty. It returns [ErrExpectation] if an
// expectation did not hold, after the last statement.
func (r *Runner) Interact(in io.Reader, prompt string) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	env := starlark.StringDict{}
	for k, v := range r.globals {
		env[k] = v
	}
	for r.statement(lines, prompt, env) {
	}
	if r.stopped != nil {
		return r.stopped
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the statements: %w", err)
	}
	return r.outcome(nil)
}

// statement reads and runs one statement; false at the end of the input. A
// statement that is wrong is reported and the loop goes on.
func (r *Runner) statement(lines *bufio.Scanner, prompt string, env starlark.StringDict) bool {
	read := 0
	f, err := options.ParseCompoundStmt("input", func() ([]byte, error) {
		if prompt != "" {
			p := prompt
			if read > 0 {
				p = "... "
			}
			fmt.Fprint(r.out.buffer(), p)
			if err := r.out.flush(); err != nil {
				return nil, err
			}
		}
		if !lines.Scan() {
			return nil, io.EOF
		}
		read++
		return append(lines.Bytes(), '\n'), nil
	})
	if err != nil {
		if errors.Is(err, io.EOF) || read == 0 {
			return false
		}
		r.out.complain(err)
		return true
	}
	err = r.guarded(func() error { return r.evaluate(f, env) })
	if r.stopped != nil {
		return false
	}
	if err != nil {
		r.out.complain(err)
	}
	return r.out.flush() == nil
}

func (r *Runner) evaluate(f *syntax.File, env starlark.StringDict) error {
	if len(f.Stmts) == 1 {
		if e, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
			v, err := starlark.EvalExprOptions(options, r.thread, e.X, env)
			if err == nil && v != starlark.None {
				r.out.say(v.String())
			}
			return err
		}
	}
	return starlark.ExecREPLChunk(f, r.thread, env)
}
