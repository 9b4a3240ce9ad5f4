package script

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Recorded is one call in a form that is comparable with the same call on another system. Symbolic names replace
// system-generated numbers (handles, ids, LUIDs). They say where the number first appeared.
type Recorded struct {
	Line   int // of the program; 0: in the prelude
	Time   int // how often the line had called until now, this call included
	Thread string
	Call   string
	In     map[string]any // by documented names; values as encoding/json takes them
	Out    map[string]any // after a failure only handles that were written
	Status string
	Rule   string // of the deciding branch, if the system returns it
	Step   string // rule of the last step() before the call
}

// symbols assigns symbolic names to the handles, ids and LUIDs of one run, so that recordings of two systems are
// comparable. A name has the kind, and the line and iteration of the call in which the value first appeared. A call
// that only one system makes, or that fails on one, does not change the names of others.
type symbols struct {
	here  string         // where the program is
	times map[int]int    // calls by line
	count map[string]int // number of names with the same prefix
	seen  map[symbol]string
}

// call starts a call on a line of the program, to which new names then refer. It returns how often the line has made
// a call, this one included.
func (s *symbols) call(line int) (time int) {
	if s.seen == nil {
		s.times, s.count, s.seen = map[int]int{}, map[string]int{}, map[symbol]string{}
	}
	s.times[line]++
	s.here = fmt.Sprintf("line %d", line)
	if time = s.times[line]; time > 1 {
		s.here = fmt.Sprintf("line %d, time %d", line, time)
	}
	return time
}

type symbol struct {
	kind string // for handles with the process, whose table it is
	n    uint64
}

// name returns the symbolic name of a number, and assigns one to a new number. The name contains kind. The process of
// a handle is table, "" for other numbers. If fresh is true, the number denotes a new object, even if it occurred
// before.
func (s *symbols) name(kind, table string, n uint64, fresh bool) string {
	at := symbol{kind + table, n}
	if name := s.seen[at]; name != "" && !fresh {
		return name
	}
	name := kind + " of " + s.here
	if s.count[name]++; s.count[name] > 1 {
		name = fmt.Sprintf("%s, number %d", name, s.count[name])
	}
	s.seen[at] = name
	return name
}

// begin returns the record of one call with its line, thread, inputs and rule, but without outputs and status.
func (t *transcript) begin(c *nt.Call) Recorded {
	time := t.symbols.call(t.at)
	process, _, _ := strings.Cut(c.Thread, "/")
	t.table, t.fresh = process, false
	return Recorded{Line: t.at, Time: time, Thread: c.Thread, Call: c.Row.Info().Name,
		In: t.fields(c.Row.InType(), c.In, true), Rule: c.Why.Rule, Step: t.rule}
}

// recordFunction passes one call of a Win32 function to Config.Record. Its status is the last error after a failure,
// and always for AdjustTokenPrivileges. Otherwise it is ERROR_SUCCESS. A failed call has no out parameters.
func (t *transcript) recordFunction(c *win32Call) {
	rec := t.begin(&c.Call)
	t.fresh = true
	if n := len(c.inner); n > 0 && c.inner[n-1].Status == c.Status {
		rec.Rule = c.inner[n-1].Why.Rule
	}
	rec.Out = map[string]any{"result": c.result}
	rec.Status = win32.Code(0).String()
	if !c.result || rec.Call == "AdjustTokenPrivileges" {
		rec.Status = c.code.String()
	}
	if c.result {
		for name, v := range t.fields(c.Row.OutType(), c.Out, true) {
			rec.Out[name] = v
		}
	}
	t.r.cfg.Record(rec)
}

// record passes one service call to Config.Record. A handle that the call returns gets a new name. With a backend, a
// failed call has only its handles as outputs. Without a backend it has none, or NULL for each handle if the Observed
// profile probed the outputs.
func (t *transcript) record(c *nt.Call) {
	rec := t.begin(c)
	if d, ok := c.In.(nt.DuplicateObjectIn); ok && d.TargetProcessHandle != winnt.NtCurrentProcess {
		t.table = "another process"
	}
	t.fresh = true // handles in the outputs are new
	rec.Status = c.Status.String()
	rec.Out = t.fields(c.Row.OutType(), c.Out, c.Status.IsSuccess())
	if !c.Status.IsSuccess() && t.r.cfg.Backend == nil {
		// As in result: the variable is NULL in one profile only (O-5).
		if rec.Out = nil; t.r.cfg.Profile == nt.Observed && c.Row.Probed(c.In) {
			rec.Out = t.nulls(c.Row.OutType())
		}
	}
	t.r.cfg.Record(rec)
}

// fields returns the parameters of a call in JSON values, by their documented names. Without all it returns only the
// handles that the call has written.
func (t *transcript) fields(typ reflect.Type, v any, all bool) map[string]any {
	m := map[string]any{}
	for _, p := range calltext.Parameters(typ) {
		f := reflect.ValueOf(v).FieldByIndex(p.Index)
		switch h, isHandle := f.Interface().(winnt.Handle); {
		case isHandle && h == Untouched:
		case all || isHandle:
			m[p.Name] = t.value(f)
		}
	}
	return m
}

// nulls returns "NULL" for each handle of an output type: the outputs of a failed call that had probed them.
func (t *transcript) nulls(typ reflect.Type) map[string]any {
	m := map[string]any{}
	for _, p := range calltext.Parameters(typ) {
		if p.Type == handleType {
			m[p.Name] = "NULL"
		}
	}
	return m
}

// lastFixedLUID is the last LUID that is the same on every system.
const lastFixedLUID = 0x3E7

// value returns a parameter as a JSON value. Handles, ids and dynamic LUIDs become symbolic names, a zero handle
// "NULL". A nil pointer becomes null. Access masks are padded text. Bytes and descriptors that SDDL cannot express are
// hexadecimal. A secret is "***".
func (t *transcript) value(f reflect.Value) any {
	switch x := f.Interface().(type) {
	case nil:
		return nil
	case ntstatus.Status, win32.Code, winnt.TokenType, winnt.SecurityImpersonationLevel, winnt.TokenInfoClass,
		nt.ThreadInfoClass, nt.ObjectInfoClass, logon.Secret: // a Secret prints as *** (L-1)
		return fmt.Sprint(x)
	case winnt.AccessMask:
		return x.Padded()
	case winnt.Handle:
		switch {
		case x == 0:
			return "NULL"
		case x < 0:
			return x.String() // a pseudo handle
		}
		return t.symbols.name("handle", t.table, uint64(x), t.fresh)
	case winnt.LUID:
		if x <= lastFixedLUID {
			return x.String()
		}
		return t.symbols.name("luid", "", uint64(x), false)
	case nt.LUIDAndAttributes:
		return map[string]any{"Luid": calltext.PrivilegeName(x.LUID), "Attributes": fmt.Sprintf("0x%x", x.Attributes)}
	case *nt.ClientID:
		if x == nil {
			return nil
		}
		return map[string]any{"UniqueProcess": t.id(x.UniqueProcess), "UniqueThread": t.id(x.UniqueThread)}
	case sid.SID:
		return x.String()
	case winnt.GUID:
		return x.String()
	case []byte:
		return hex.EncodeToString(x)
	case *sd.Descriptor:
		if x == nil {
			return nil
		}
		if text, err := sddl.Format(x, sddl.Options{}); err == nil {
			return text
		}
		return hex.EncodeToString(x.Binary())
	case *sd.ACL:
		if x == nil {
			return nil
		}
		return t.value(reflect.ValueOf(sd.New(sd.Parts{Control: sd.DACLPresent, DACL: x})))
	}
	return t.composite(f)
}

// id returns the symbolic name of a process or thread id, or nil for 0.
func (t *transcript) id(h winnt.Handle) any {
	if h == 0 {
		return nil
	}
	return t.symbols.name("id", "", uint64(h), false)
}

// composite returns a structure, a list or a plain value as a JSON value. A nil pointer becomes null, and a nil slice
// an empty list. Unsigned numbers become hexadecimal strings, signed numbers decimal strings. Any other kind becomes
// its name.
func (t *transcript) composite(f reflect.Value) any {
	switch f.Kind() {
	case reflect.Pointer, reflect.Interface:
		if f.IsNil() {
			return nil
		}
		return t.value(f.Elem())
	case reflect.Bool:
		return f.Bool()
	case reflect.String:
		return f.String()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("0x%x", f.Uint())
	case reflect.Int, reflect.Int32, reflect.Int64:
		return fmt.Sprint(f.Int())
	case reflect.Slice, reflect.Array:
		list := []any{}
		for i := range f.Len() {
			list = append(list, t.value(f.Index(i)))
		}
		return list
	case reflect.Struct:
		return t.structure(f)
	}
	return fmt.Sprint(f.Kind()) // no parameter of a user-mode call has such a kind
}

// structure returns the exported fields of f by name. A captured parameter becomes its value, or {"fault": status} if
// the capture failed.
func (t *transcript) structure(f reflect.Value) any {
	if f.NumField() == 2 && f.Type().Field(0).Name == "V" && f.Type().Field(1).Name == "Status" { // nt.Captured
		if st, _ := f.Field(1).Interface().(ntstatus.Status); st != ntstatus.Success {
			return map[string]any{"fault": st.String()}
		}
		return t.value(f.Field(0))
	}
	m := map[string]any{}
	for _, p := range calltext.Parameters(f.Type()) {
		if x := f.FieldByIndex(p.Index); x.CanInterface() {
			m[p.Name] = t.value(x)
		}
	}
	return m
}
