package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
)

// codeValue returns the value of a Win32 error code. It prints its name and converts to its number.
func codeValue(c win32.Code) named { return named{"WIN32", uint64(c), c.String()} }

// win32Method returns a function of win32.Table as a method of a thread. Its result has .result, the BOOL;
// .last_error, the code that the call set or ERROR_SUCCESS; .status, the status behind the code; and the out
// parameters. After a failure out parameters that are handles are None.
func (r *Runner) win32Method(v *threadValue, row *nt.Row) *starlark.Builtin {
	return starlark.NewBuiltin(row.Info().Name, func(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(args) > 0 {
			return nil, fmt.Errorf("%s takes its parameters by name: %s", b.Name(), calltext.Signature(row))
		}
		in := reflect.New(row.InType()).Elem()
		if err := r.fill(row, in, kwargs); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		r.out.at = lineOf(th)
		c, err := v.callFunction(row, in.Interface())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		r.out.win32(c)
		fields := starlark.StringDict{"result": starlark.Bool(c.result), "last_error": codeValue(c.code),
			"status": statusValue(c.Status)}
		for _, p := range calltext.Parameters(row.OutType()) {
			fields[p.Name] = starlark.None
			if f := reflect.ValueOf(c.Out).FieldByIndex(p.Index); c.result || p.Type != handleType {
				fields[p.Name] = r.toValue(f, p.Object)
			}
		}
		return starlarkstruct.FromStringDict(starlark.String(row.Info().Name), fields), nil
	})
}

// recorder stores the services that a function calls.
type recorder struct{ calls []nt.Call }

// Traced appends a copy of a call to the recorded ones. It implements the kernel's tracer.
func (r *recorder) Traced(c *nt.Call) { r.calls = append(r.calls, *c) }

// win32Call is a finished call of a function.
type win32Call struct {
	nt.Call
	result bool
	code   win32.Code
	inner  []nt.Call
}

// win32 prints or records a finished Win32 function. It prints the services below it if the function called several.
// With Quiet it prints nothing. With Record it only records, with JSON it prints an object.
func (t *transcript) win32(c *win32Call) {
	if t.r.cfg.Record != nil {
		t.recordFunction(c)
		return
	}
	if t.r.cfg.Quiet {
		return
	}
	if t.r.cfg.JSON {
		t.win32JSON(c)
		return
	}
	verdict := t.colour(green, "TRUE")
	if !c.result {
		verdict = t.colour(red, "FALSE")
	}
	if c.code != 0 {
		verdict += " " + c.code.String()
	}
	w := t.buffer()
	fmt.Fprintf(w, "%-18s %s(%s) -> %s%s\n", c.Thread, c.Row.Info().Name, t.printer().Arguments(&c.Call), verdict,
		t.printer().Results(&c.Call))
	for _, line := range t.win32Reasons(c) {
		fmt.Fprintf(w, "%-18s   %s\n", "", t.colour(dim, line))
	}
}

// win32Reasons returns the reasons for the result of a function: the reasons of the services behind it, or the table's
// condition if the function itself failed. It returns nil if no reason is known.
func (t *transcript) win32Reasons(c *win32Call) []string {
	if len(c.inner) == 1 && c.inner[0].Status == c.Status {
		return calltext.Reasons(&c.inner[0])
	}
	var lines []string
	explained := c.result
	for i := range c.inner {
		n := &c.inner[i]
		lines = append(lines, fmt.Sprintf("%s(%s) -> %s%s", n.Row.Info().Name, t.printer().Arguments(n), n.Status,
			t.printer().Results(n)))
		for _, why := range calltext.Reasons(n) {
			lines = append(lines, "  "+why)
		}
		explained = explained || n.Status == c.Status
	}
	if !explained {
		for _, k := range c.Row.Info().Conditions {
			if k.Status == c.Status {
				return append(lines, "because "+k.Rule+": "+k.When)
			}
		}
	}
	return lines
}

// win32JSON writes a Win32 call as one line of JSON. "out" is there only if the call succeeded, and "why" only
// if there are reasons.
func (t *transcript) win32JSON(c *win32Call) {
	show := func(v any, row reflect.Type) map[string]string {
		m := map[string]string{}
		for _, p := range calltext.Parameters(row) {
			m[p.Name] = t.printer().Parameter(&p, reflect.ValueOf(v).FieldByIndex(p.Index))
		}
		return m
	}
	o := map[string]any{"thread": c.Thread, "call": c.Row.Info().Name, "result": c.result, "lastError": c.code.String(),
		"status": c.Status.String(), "in": show(c.In, c.Row.InType())}
	if c.result {
		o["out"] = show(c.Out, c.Row.OutType())
	}
	if why := t.win32Reasons(c); why != nil {
		o["why"] = why
	}
	t.line(o)
}
