package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// transcript prints what a program does. It is the tracer of every thread.
type transcript struct {
	r *Runner
	w io.Writer
	b *bufio.Writer

	at      int     // of the program: the call being made
	rule    string  // of the last step
	symbols symbols // of Record
	table   string  // the process whose handles are being named
	fresh   bool    // these handles are new
}

// Terminal colours.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	dim   = "\x1b[2m"
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

func (t *transcript) buffer() *bufio.Writer {
	if t.b == nil {
		t.b = bufio.NewWriter(t.w)
	}
	return t.b
}

// flush writes what is buffered out; the error is of the first write that failed.
func (t *transcript) flush() error { return t.buffer().Flush() }

func (t *transcript) colour(code, s string) string {
	if !t.r.cfg.Colour {
		return s
	}
	return code + s + reset
}

// Traced implements nt.Tracer.
func (t *transcript) Traced(c *nt.Call) {
	switch {
	case t.r.cfg.Record != nil:
		if nt.NtTable.Find(c.Row.Info().Name) == c.Row {
			t.record(c)
		}
	case t.r.cfg.Quiet:
	case t.r.cfg.JSON:
		t.json(c)
	default:
		t.text(c)
	}
}

// text prints one call: caller, service, arguments, status and results, and
// below it why.
func (t *transcript) text(c *nt.Call) {
	w := t.buffer()
	status := c.Status.String()
	if c.Status.IsSuccess() {
		status = t.colour(green, status)
	} else {
		status = t.colour(red, status)
	}
	fmt.Fprintf(w, "%-18s %s(%s) -> %s%s\n", c.Thread, c.Row.Info().Name, t.arguments(c), status, t.results(c))
	for _, line := range t.reasons(c) {
		fmt.Fprintf(w, "%-18s   %s\n", "", t.colour(dim, line))
	}
}

// arguments prints the parameters that were given, by name.
func (t *transcript) arguments(c *nt.Call) string {
	var parts []string
	in := reflect.ValueOf(c.In)
	for _, p := range parameters(c.Row.InType()) {
		f := in.FieldByIndex(p.index)
		if p.preset != 0 && f.Uint() == p.preset || f.IsZero() && optional(p.typ) || p.empty && leftOut(f) {
			continue
		}
		parts = append(parts, p.name+"="+t.parameter(&p, f))
	}
	return strings.Join(parts, ", ")
}

// optional reports whether a zero value of the type says nothing: a pointer
// that is NULL, flags without a bit. A token that is NULL does say something.
func optional(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t == reflect.TypeFor[uint32]() || t == reflect.TypeFor[string]() ||
		t == reflect.TypeFor[nt.DuplicateOptions]() || t.Kind() == reflect.Pointer && t != kernel.TokenType
}

// results prints the out parameters of a call that succeeded.
func (t *transcript) results(c *nt.Call) string {
	if !c.Status.IsSuccess() {
		return ""
	}
	var b strings.Builder
	out := reflect.ValueOf(c.Out)
	for _, p := range parameters(c.Row.OutType()) {
		if p.name == "ReturnLength" || p.name == "PrivilegeSetLength" {
			continue
		}
		f := out.FieldByIndex(p.index)
		if f.IsZero() && (f.Kind() == reflect.Slice || f.Kind() == reflect.Pointer) {
			continue
		}
		fmt.Fprintf(&b, " %s=%s", p.name, t.parameter(&p, f))
	}
	return b.String()
}

// parameter prints the value of a parameter; attributes are bits, so hex.
func (t *transcript) parameter(p *parameter, f reflect.Value) string {
	if f.Kind() == reflect.Uint32 && strings.HasSuffix(p.name, "Attributes") {
		return fmt.Sprintf("0x%x", f.Uint())
	}
	if name := controlNames[controlOf(p, f)]; name != "" {
		return name
	}
	return t.show(f, p.object)
}

// controlNames are the documented names of what a pipe can be asked for.
var controlNames = map[uint32]string{
	winnt.FSCTL_PIPE_LISTEN: "FSCTL_PIPE_LISTEN", winnt.FSCTL_PIPE_DISCONNECT: "FSCTL_PIPE_DISCONNECT",
	winnt.FSCTL_PIPE_IMPERSONATE: "FSCTL_PIPE_IMPERSONATE", winnt.FSCTL_PIPE_PEEK: "FSCTL_PIPE_PEEK",
	winnt.FSCTL_PIPE_TRANSCEIVE: "FSCTL_PIPE_TRANSCEIVE", winnt.FSCTL_PIPE_WAIT: "FSCTL_PIPE_WAIT",
}

// controlOf returns the control code that a parameter is, 0 for another one.
func controlOf(p *parameter, f reflect.Value) uint32 {
	if p.name != "FsControlCode" {
		return 0
	}
	return uint32(f.Uint())
}

// say prints a line of the program's own.
func (t *transcript) say(msg string) {
	switch {
	case t.r.cfg.Quiet:
	case t.r.cfg.JSON:
		t.line(map[string]any{"print": msg})
	default:
		fmt.Fprintln(t.buffer(), msg)
	}
}

// complain prints what was wrong with a statement; quiet does not silence it.
func (t *transcript) complain(err error) {
	if t.r.cfg.JSON {
		t.line(map[string]any{"error": err.Error()})
	} else {
		fmt.Fprintln(t.buffer(), "error: "+err.Error())
	}
}

// step prints what the next calls show.
func (t *transcript) step(text, rule string) {
	if t.r.cfg.Quiet {
		return
	}
	if t.r.cfg.JSON {
		t.line(map[string]any{"step": text, "rule": rule})
		return
	}
	if rule != "" {
		rule = " [" + rule + "]"
	}
	fmt.Fprintf(t.buffer(), "%s\n", t.colour(bold, "# "+text+rule))
}

// failure prints an expectation that did not hold; quiet does not silence it.
func (t *transcript) failure(at string, got, want starlark.Value, why string) {
	if t.r.cfg.JSON {
		t.line(map[string]any{"failed": at, "got": got.String(), "want": want.String(), "why": why})
		return
	}
	if why != "" {
		why = " (" + why + ")"
	}
	fmt.Fprintf(t.buffer(), "%s %s: got %s, want %s%s\n", t.colour(red, "FAILED"), at, got, want, why)
}

// json prints one call as one object.
func (t *transcript) json(c *nt.Call) {
	o := map[string]any{"thread": c.Thread, "call": c.Row.Info().Name, "status": c.Status.String()}
	in := map[string]string{}
	v := reflect.ValueOf(c.In)
	for _, p := range parameters(c.Row.InType()) {
		in[p.name] = t.show(v.FieldByIndex(p.index), p.object)
	}
	o["in"] = in
	if c.Status.IsSuccess() {
		out := map[string]string{}
		v := reflect.ValueOf(c.Out)
		for _, p := range parameters(c.Row.OutType()) {
			out[p.name] = t.show(v.FieldByIndex(p.index), p.object)
		}
		o["out"] = out
	}
	if c.Why.Rule != "" {
		o["rule"] = c.Why.Rule
	}
	if c.Why.Object != "" {
		o["object"] = c.Why.Object
	}
	if c.Why.Explanation != nil {
		o["why"] = c.Why.Explanation.Steps
	}
	t.line(o)
}

func (t *transcript) line(o map[string]any) {
	b, err := json.Marshal(o)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	t.buffer().Write(append(b, '\n'))
}

// leftOut reports whether attributes name and ask nothing, as those that a
// program did not give.
func leftOut(f reflect.Value) bool {
	oa, ok := f.Interface().(nt.Captured[*nt.ObjectAttributes])
	return ok && oa.V != nil && *oa.V == (nt.ObjectAttributes{}) && oa.Status == ntstatus.Success
}
