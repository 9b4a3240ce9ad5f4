package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
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

// reasons says why a call failed, was demoted, or found access denied: the
// rule and the object, and for a denied check the entries that decided.
func (t *transcript) reasons(c *nt.Call) []string {
	w := c.Why
	if w.Explanation != nil {
		return denials(w.Explanation, w.Object)
	}
	if w.Rule == "" {
		return nil
	}
	if w.Because != "" {
		return []string{"because " + w.Rule + ": " + w.Because}
	}
	switch text, exact := conditionText(c, w.Rule); {
	case w.Object == "" && text == "":
		return []string{"because " + w.Rule}
	case w.Object == "":
		return []string{"because " + w.Rule + ": " + text}
	case exact:
		return []string{"because " + w.Rule + " " + w.Object + ": " + text}
	}
	return []string{"because " + w.Rule + ": " + w.Object}
}

// ofHandles returns the conditions of referencing the handles of a service,
// whatever rules they are listed under: the first run of no handle, another
// type, and the missing right behind these two. Later ones are of handles that
// stand in a value. O-23 is about names.
func ofHandles(all []nt.Condition) []nt.Condition {
	reference := func(i int) bool {
		switch k := all[i]; k.Status {
		case ntstatus.InvalidHandle, ntstatus.ObjectTypeMismatch:
			return k.Rule != "O-23"
		case ntstatus.AccessDenied:
			before := i > 0 && (all[i-1].Status == ntstatus.InvalidHandle ||
				all[i-1].Status == ntstatus.ObjectTypeMismatch)
			return k.Rule == "O-31" || before && all[i-1].Rule != "O-23"
		}
		return false
	}
	first := 0
	for first < len(all) && !reference(first) {
		first++
	}
	last := first
	for last < len(all) && reference(last) {
		last++
	}
	return all[first:last]
}

// conditionText returns what the table of services says about a status by a
// rule: each condition it can be. It is not exact when it only speaks of the
// status, and empty when it does so more than once, since the reason may then
// be another.
func conditionText(c *nt.Call, rule string) (text string, exact bool) {
	var byRule, byStatus []string
	conditions := c.Row.Info().Conditions
	for _, k := range conditions {
		if k.Status == c.Status && k.Rule == rule {
			byRule = append(byRule, k.When)
		}
	}
	if rule == "O-31" {
		conditions = ofHandles(conditions)
	}
	for _, k := range conditions {
		if k.Status == c.Status {
			byStatus = append(byStatus, k.When)
		}
	}
	switch {
	case byRule != nil:
		return strings.Join(byRule, "; or "), true
	case len(byStatus) == 1:
		return byStatus[0], false
	}
	return "", false
}

// denials returns the lines of an explanation that decided against the caller:
// the entries and stages that refused, else the verdict.
func denials(ex *access.Explanation, object string) []string {
	if object != "" {
		object = " " + object
	}
	var lines []string
	for i := range ex.Steps {
		s := &ex.Steps[i]
		if s.Granted || s.Bits&ex.Asked == 0 {
			continue
		}
		where := ""
		if s.ACE >= 0 {
			where = fmt.Sprintf(" %s[%d] %s", s.List, s.ACE, s.Entry())
		}
		lines = append(lines, "because "+s.Rule+object+where+": "+s.Because)
	}
	if lines == nil {
		lines = append(lines, "because"+object+": "+ex.Verdict())
	}
	return lines
}

// parameter prints the value of a parameter; attributes are bits, so hex.
func (t *transcript) parameter(p *parameter, f reflect.Value) string {
	if f.Kind() == reflect.Uint32 && strings.HasSuffix(p.name, "Attributes") {
		return fmt.Sprintf("0x%x", f.Uint())
	}
	return t.show(f, p.object)
}

// show prints a value as a program would write it.
func (t *transcript) show(f reflect.Value, object *winnt.ObjectType) string {
	if s := f; s.Kind() == reflect.Struct && s.NumField() == 2 && s.Type().Field(1).Name == "Status" {
		if st, ok := s.Field(1).Interface().(ntstatus.Status); ok && st != ntstatus.Success {
			return faultValue{st}.String() // nt.Captured: what capturing it gave
		}
	}
	if s, ok := t.valueText(f.Interface(), object); ok {
		return s
	}
	if s, ok := t.inputText(f.Interface()); ok {
		return s
	}
	if s, ok := t.capturedText(f); ok {
		return s
	}
	if s, ok := t.tokenText(f.Interface()); ok {
		return s
	}
	if f.Kind() == reflect.Interface && !f.IsNil() {
		return t.show(f.Elem(), object)
	}
	if s, ok := f.Interface().(fmt.Stringer); ok && (f.Kind() == reflect.Uint32 || f.Kind() == reflect.Uint8) {
		return s.String() // an enumeration prints by name
	}
	if f.Kind() == reflect.Struct && f.NumField() == 2 && f.Type().Field(0).Name == "V" {
		return t.show(f.Field(0), object) // nt.Captured: the value
	}
	if v := t.r.toValue(f, object); v != starlark.None {
		return v.String()
	}
	if f.Kind() == reflect.Pointer && !f.IsNil() {
		return f.Type().Elem().Name() // never an address: a transcript is compared
	}
	return fmt.Sprint(f.Interface())
}

// valueText prints a value that has a spelling of its own.
func (t *transcript) valueText(v any, object *winnt.ObjectType) (string, bool) {
	switch x := v.(type) {
	case winnt.AccessMask:
		return maskText(x, object), true
	case winnt.Handle:
		if x == 0 {
			return "NULL", true
		}
		return x.String(), true
	case bool:
		if x {
			return "True", true
		}
		return "False", true
	case *winnt.ObjectType:
		if x == nil {
			return "None", true
		}
		return x.Name, true
	case []access.ObjectTypeEntry:
		var parts []string
		for _, e := range x {
			parts = append(parts, fmt.Sprintf("(%d, %q)", e.Level, e.GUID))
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case *nt.PrivilegeSet:
		return privilegeList(x.Privilege), true
	case []nt.LUIDAndAttributes:
		return privilegeList(x), true
	case *kernel.EThread:
		return x.Name(), true
	case *kernel.EProcess:
		return x.Name(), true
	case *kernel.AccessToken:
		if x == nil {
			return "None", true
		}
		return t.r.tokenName(x), true
	}
	return "", false
}

// inputText prints what a caller gave by pointer and capturing it did not fail.
func (t *transcript) inputText(v any) (string, bool) {
	switch x := v.(type) {
	case nt.Captured[*nt.ObjectAttributes]:
		return attributesText(x), true
	case nt.Captured[*nt.SecurityQualityOfService]:
		return sqosText(x.V), true
	case nt.Captured[*nt.ClientID]:
		if x.V == nil {
			return "None", true
		}
		if x.V.UniqueProcess == 0 {
			return x.V.UniqueThread.String(), true
		}
		if x.V.UniqueThread == 0 {
			return x.V.UniqueProcess.String(), true
		}
		return fmt.Sprintf("(%s, %s)", x.V.UniqueProcess, x.V.UniqueThread), true
	case nt.Captured[*sd.Descriptor]:
		return descriptorText(x.V), true
	case nt.Captured[winnt.GenericMapping]:
		return mappingText(x.V), true
	case nt.Captured[[]nt.LUIDAndAttributes]:
		return privilegeList(x.V), true
	case nt.Captured[*nt.PrivilegeSet]:
		if x.V == nil {
			return "None", true
		}
		return privilegeList(x.V.Privilege), true
	case nt.Captured[*nt.JobSecurityLimitInformation]:
		return t.limits(x.V), true
	case *win32.SecurityAttributes:
		if x == nil {
			return "None", true
		}
		return attributesText(nt.Cap(x.ObjectAttributes())), true
	case nt.Captured[winnt.Handle]:
		return t.show(reflect.ValueOf(x.V), nil), true
	case nt.Captured[sid.SID]:
		return x.V.String(), true
	case nt.Captured[[]byte]:
		return fmt.Sprintf("%q", x.V), true
	case nt.Captured[string]:
		if x.Status != ntstatus.Success {
			return "None", true
		}
		return fmt.Sprintf("%q", x.V), true
	}
	return "", false
}

func maskText(m winnt.AccessMask, object *winnt.ObjectType) string {
	if object == nil {
		return m.String()
	}
	if name := allAccess(m, object); name != "" {
		return name
	}
	return object.Names(m)
}

// allAccess returns the documented name for all rights of a type, such as
// TOKEN_ALL_ACCESS, if m is that; "" otherwise.
func allAccess(m winnt.AccessMask, object *winnt.ObjectType) string {
	if len(object.Rights) == 0 {
		return ""
	}
	prefix, _, _ := strings.Cut(object.Rights[0].Name, "_")
	for name, all := range rights {
		if all == m && strings.HasPrefix(name, prefix+"_") && strings.HasSuffix(name, "_ALL_ACCESS") {
			return name
		}
	}
	return ""
}

func descriptorText(d *sd.Descriptor) string {
	if d == nil {
		return "None"
	}
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return fmt.Sprintf("(%d bytes)", d.Size())
	}
	return fmt.Sprintf("%q", s)
}

func attributesText(c nt.Captured[*nt.ObjectAttributes]) string {
	if c.V == nil {
		return "None"
	}
	var parts []string
	if c.V.ObjectName != "" {
		parts = append(parts, fmt.Sprintf("%q", c.V.ObjectName))
	}
	if c.V.Attributes != 0 {
		parts = append(parts, fmt.Sprintf("attributes=0x%x", c.V.Attributes))
	}
	if c.V.SecurityDescriptor != nil {
		parts = append(parts, "sd="+descriptorText(c.V.SecurityDescriptor))
	}
	if q := c.V.SecurityQualityOfService; q != nil {
		parts = append(parts, "sqos="+sqosText(q))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// sqosText prints a quality of service: its level, and what is not the default.
func sqosText(q *nt.SecurityQualityOfService) string {
	if q == nil {
		return "None"
	}
	s := q.ImpersonationLevel.String()
	if q.ContextTrackingMode {
		s += " dynamic"
	}
	if q.EffectiveOnly {
		s += " effective only"
	}
	return s
}

func mappingText(m winnt.GenericMapping) string {
	for _, name := range []string{"file", "key", "token", "process", "thread", "directoryService", "event", "job"} {
		if winnt.ObjectTypeByName(name).Mapping == m {
			return name
		}
	}
	return fmt.Sprintf("[%s, %s, %s, %s]", m.Read, m.Write, m.Execute, m.All)
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
