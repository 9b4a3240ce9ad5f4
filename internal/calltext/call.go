package calltext

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Printer formats calls. The zero value names a token object by its user and uses no color.
type Printer struct {
	TokenNames map[*kernel.AccessToken]string // may be nil; an object without a name goes by its user
	Colour     bool                           // mark statuses with terminal colours
}

// Terminal colours.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	dim   = "\x1b[2m"
	reset = "\x1b[0m"
)

// colour returns s in the color of an ANSI escape code, or s itself if colors are off.
func (p *Printer) colour(code, s string) string {
	if !p.Colour {
		return s
	}
	return code + s + reset
}

// Lines returns the transcript lines of a call: caller, service, arguments, status and results, then the reasons for
// a failure. Secrets appear as *** (L-1).
func (p *Printer) Lines(c *nt.Call) []string {
	code := red
	if c.Status.IsSuccess() {
		code = green
	}
	lines := []string{fmt.Sprintf("%-18s %s(%s) -> %s%s", c.Thread, c.Row.Info().Name, p.Arguments(c),
		p.colour(code, c.Status.String()), p.Results(c))}
	for _, reason := range Reasons(c) {
		lines = append(lines, fmt.Sprintf("%-18s   %s", "", p.colour(dim, reason)))
	}
	return lines
}

// Arguments returns the input parameters by name, separated by commas. It leaves out defaults and parameters that are
// optional and zero. A call without any gives "".
func (p *Printer) Arguments(c *nt.Call) string {
	var parts []string
	in := reflect.ValueOf(c.In)
	for _, of := range Parameters(c.Row.InType()) {
		f := in.FieldByIndex(of.Index)
		if of.Preset != 0 && f.Uint() == of.Preset || f.IsZero() && (of.Zero || optional(of.Type)) || of.Empty && leftOut(f) {
			continue
		}
		parts = append(parts, of.Name+"="+p.Parameter(&of, f))
	}
	return strings.Join(parts, ", ")
}

// optional reports whether the zero value of a type means "absent": a NULL pointer or flags without a bit. A NULL
// token has a meaning of its own.
func optional(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t == reflect.TypeFor[uint32]() || t == reflect.TypeFor[string]() ||
		t == reflect.TypeFor[nt.DuplicateOptions]() || t.Kind() == reflect.Pointer && t != kernel.TokenType
}

// Results returns the output parameters of a successful call by name, "" for a failed call. Lengths are left out, and
// so are nil lists and pointers. Each result begins with a space.
func (p *Printer) Results(c *nt.Call) string {
	if !c.Status.IsSuccess() {
		return ""
	}
	var b strings.Builder
	out := reflect.ValueOf(c.Out)
	for _, of := range Parameters(c.Row.OutType()) {
		if of.Name == "ReturnLength" || of.Name == "PrivilegeSetLength" {
			continue
		}
		f := out.FieldByIndex(of.Index)
		if f.IsZero() && (f.Kind() == reflect.Slice || f.Kind() == reflect.Pointer) {
			continue
		}
		fmt.Fprintf(&b, " %s=%s", of.Name, p.Parameter(&of, f))
	}
	return b.String()
}

// Parameter returns the value of a parameter as text. Attributes are hexadecimal, and control codes have their names.
func (p *Printer) Parameter(of *Parameter, f reflect.Value) string {
	if f.Kind() == reflect.Uint32 && strings.HasSuffix(of.Name, "Attributes") {
		return fmt.Sprintf("0x%x", f.Uint())
	}
	if name := controlNames[controlOf(of, f)]; name != "" {
		return name
	}
	return p.Value(f, of.Object)
}

// controlNames maps pipe control codes to their documented names.
var controlNames = map[uint32]string{
	winnt.FSCTL_PIPE_LISTEN: "FSCTL_PIPE_LISTEN", winnt.FSCTL_PIPE_DISCONNECT: "FSCTL_PIPE_DISCONNECT",
	winnt.FSCTL_PIPE_IMPERSONATE: "FSCTL_PIPE_IMPERSONATE", winnt.FSCTL_PIPE_PEEK: "FSCTL_PIPE_PEEK",
	winnt.FSCTL_PIPE_TRANSCEIVE: "FSCTL_PIPE_TRANSCEIVE", winnt.FSCTL_PIPE_WAIT: "FSCTL_PIPE_WAIT",
}

// controlOf returns the value of a parameter that is a file system control code, 0 for another parameter.
func controlOf(p *Parameter, f reflect.Value) uint32 {
	if p.Name != "FsControlCode" {
		return 0
	}
	return uint32(f.Uint())
}

// leftOut reports whether a parameter is an OBJECT_ATTRIBUTES with no field set, which transcripts omit.
func leftOut(f reflect.Value) bool {
	oa, ok := f.Interface().(nt.Captured[*nt.ObjectAttributes])
	return ok && oa.V != nil && *oa.V == (nt.ObjectAttributes{}) && oa.Status == ntstatus.Success
}
