package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/nt"
)

// transcript prints the actions of a program. It is the tracer of every thread.
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

// buffer returns the transcript's buffered writer and creates it at the first call.
func (t *transcript) buffer() *bufio.Writer {
	if t.b == nil {
		t.b = bufio.NewWriter(t.w)
	}
	return t.b
}

// flush writes the buffered output and returns the first write error.
func (t *transcript) flush() error { return t.buffer().Flush() }

// colour returns s in the colour of an ANSI code, or s itself if colours are off.
func (t *transcript) colour(code, s string) string {
	if !t.r.cfg.Colour {
		return s
	}
	return code + s + reset
}

// Traced prints or records a finished call, as the Config requests. With Config.Record it records only calls of user
// mode. Config.Record comes before Quiet and JSON.
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

// text prints one call and its reasons.
func (t *transcript) text(c *nt.Call) {
	for _, line := range t.printer().Lines(c) {
		fmt.Fprintln(t.buffer(), line)
	}
}

// printer formats calls with the program's names for token objects.
func (t *transcript) printer() *calltext.Printer {
	return &calltext.Printer{TokenNames: t.r.names, Colour: t.r.cfg.Colour}
}

// say prints a line of the program, unless quiet.
func (t *transcript) say(msg string) {
	switch {
	case t.r.cfg.Quiet:
	case t.r.cfg.JSON:
		t.line(map[string]any{"print": msg})
	default:
		fmt.Fprintln(t.buffer(), sanitize(msg))
	}
}

// sanitize returns a program's text safe for a terminal, like [printable.Text]. It keeps tabs.
func sanitize(text string) string {
	columns := strings.Split(text, "\t")
	for i, c := range columns {
		columns[i] = printable.Text(c)
	}
	return strings.Join(columns, "\t")
}

// complain prints the error of a statement or a callback, even if quiet. It does not end the run.
func (t *transcript) complain(err error) {
	if t.r.cfg.JSON {
		t.line(map[string]any{"error": err.Error()})
	} else {
		fmt.Fprintln(t.buffer(), "error: "+sanitize(err.Error()))
	}
}

// step prints a heading for the following calls. With Quiet it prints nothing, with JSON a line of its own.
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
	fmt.Fprintf(t.buffer(), "%s\n", t.colour(bold, "# "+printable.Line(text+rule)))
}

// failure prints a failed expectation with its position, both values and the reason, even if quiet.
func (t *transcript) failure(at string, got, want starlark.Value, why string) {
	if t.r.cfg.JSON {
		t.line(map[string]any{"failed": at, "got": got.String(), "want": want.String(), "why": why})
		return
	}
	if why != "" {
		why = " (" + printable.Line(why) + ")"
	}
	fmt.Fprintf(t.buffer(), "%s %s: got %s, want %s%s\n", t.colour(red, "FAILED"), at, got, want, why)
}

// json prints one call as a JSON object. It has the outputs of a success only.
func (t *transcript) json(c *nt.Call) {
	o := map[string]any{"thread": c.Thread, "call": c.Row.Info().Name, "status": c.Status.String()}
	in := map[string]string{}
	v := reflect.ValueOf(c.In)
	for _, p := range calltext.Parameters(c.Row.InType()) {
		in[p.Name] = t.printer().Value(v.FieldByIndex(p.Index), p.Object)
	}
	o["in"] = in
	if c.Status.IsSuccess() {
		out := map[string]string{}
		v := reflect.ValueOf(c.Out)
		for _, p := range calltext.Parameters(c.Row.OutType()) {
			out[p.Name] = t.printer().Value(v.FieldByIndex(p.Index), p.Object)
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

// line writes o as one line of JSON. If o has no JSON form, the line has the error instead.
func (t *transcript) line(o map[string]any) {
	b, err := json.Marshal(o)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	t.buffer().Write(append(b, '\n'))
}
