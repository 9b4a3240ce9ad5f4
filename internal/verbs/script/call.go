package script

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// parameter is one parameter of a service as a program writes it.
type parameter struct {
	name   string
	index  []int
	typ    reflect.Type
	object *winnt.ObjectType // of a mask
	preset uint64            // value when it is left out
	empty  bool              // OBJECT_ATTRIBUTES that name and ask nothing when they are left out
	must   bool              // it cannot be left out
}

// parameters lists the fields of an In or Out structure under their
// documented names.
func parameters(t reflect.Type) []parameter {
	var list []parameter
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("param")
		switch name {
		case "-":
			continue
		case "":
			name = f.Name
		}
		p := parameter{name: name, index: f.Index, typ: f.Type, object: winnt.ObjectTypeByName(f.Tag.Get("object"))}
		p.preset, _ = strconv.ParseUint(f.Tag.Get("default"), 10, 64)
		p.empty = f.Tag.Get("default") == "empty"
		p.must = mustBeGiven(f)
		list = append(list, p)
	}
	return list
}

// mustBeGiven reports whether a parameter has no meaning when it is left out:
// a reference to an object, unless the documents allow NULL, and what the tag
// required says.
func mustBeGiven(f reflect.StructField) bool {
	switch f.Tag.Get("required") {
	case "true":
		return true
	case "false":
		return false
	}
	return references[f.Type]
}

// references are the types of parameters that are references to objects of the kernel.
var references = map[reflect.Type]bool{
	kernel.ThreadType: true, kernel.TokenType: true, kernel.ProcessType: true, kernel.RoutineType: true,
	kernel.ObjectType:                        true,
	reflect.TypeFor[*kernel.ClientContext](): true, reflect.TypeFor[*kernel.SubjectContext](): true,
	reflect.TypeFor[*kernel.SavedState](): true, reflect.TypeFor[*kernel.AccessState](): true,
}

// method makes a row of a table callable.
func (r *Runner) method(row *nt.Row, invoke func(*nt.Row, any) (any, ntstatus.Status, error)) *starlark.Builtin {
	return starlark.NewBuiltin(row.Info().Name, func(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (v starlark.Value, err error) {
		defer func() {
			if x := recover(); x != nil { // here, where the place in the program is known
				v, err = nil, fmt.Errorf("%s: %w", b.Name(), recovered(x))
			}
		}()
		if len(args) > 0 {
			return nil, fmt.Errorf("%s takes its parameters by name: %s", b.Name(), Signature(row))
		}
		in := reflect.New(row.InType()).Elem()
		if err := r.fill(row, in, kwargs); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		r.out.at = lineOf(th)
		out, st, err := invoke(row, in.Interface())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		return r.result(row, in.Interface(), out, st), nil
	})
}

// Signature returns "NtClose(Handle)", for listings.
func Signature(row *nt.Row) string {
	return row.Info().Name + "(" + strings.Join(InNames(row), ", ") + ")"
}

// InNames returns the documented names of a service's parameters.
func InNames(row *nt.Row) []string { return names(row.InType()) }

// OutNames returns the names of what a call returns: the status and the out parameters,
// for a Win32 function after the BOOL and the last error.
func OutNames(row *nt.Row) []string {
	first := []string{"status"}
	if win32.Table.Find(row.Info().Name) == row {
		first = []string{"result", "last_error", "status"}
	}
	return append(first, names(row.OutType())...)
}

func names(t reflect.Type) []string {
	var list []string
	for _, p := range parameters(t) {
		list = append(list, p.name)
	}
	return list
}

// fill converts the keywords of a call. ObjectName and Attributes stand for a
// whole OBJECT_ATTRIBUTES where the service takes one.
func (r *Runner) fill(row *nt.Row, in reflect.Value, kwargs []starlark.Tuple) error {
	params := parameters(row.InType())
	byName := map[string]*parameter{}
	var names []string
	for i := range params {
		p := &params[i]
		byName[p.name] = p
		names = append(names, p.name)
		if f := in.FieldByIndex(p.index); p.preset != 0 {
			f.SetUint(p.preset)
		}
	}
	short := &nt.ObjectAttributes{}
	shortUsed := false
	given := map[string]bool{}
	r.server = nil
	sort.SliceStable(kwargs, func(i, j int) bool { return first(kwargs[i][0]) && !first(kwargs[j][0]) })
	for _, kw := range kwargs {
		name := string(kw[0].(starlark.String))
		p := byName[name]
		if p == nil && byName["ObjectAttributes"] != nil && (name == "ObjectName" || name == "Attributes") {
			shortUsed = true
			if err := setShort(short, name, kw[1]); err != nil {
				return err
			}
			continue
		}
		if p == nil {
			if near := words.Nearest(name, names); near != "" {
				return fmt.Errorf("no parameter %s: did you mean %s?", name, near)
			}
			return fmt.Errorf("no parameter %s: it takes %s", name, strings.Join(names, ", "))
		}
		f := in.FieldByIndex(p.index)
		if err := r.convert(row, p, f, kw[1]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if c, ok := f.Interface().(winnt.TokenInfoClass); ok {
			r.class = c
		}
		given[name] = f.Kind() != reflect.Pointer || !f.IsNil()
	}
	for _, p := range params {
		switch f := in.FieldByIndex(p.index); {
		case p.must && !given[p.name]:
			return fmt.Errorf("%s is missing: the call needs it", p.name)
		case p.empty && !given[p.name]:
			f.Set(reflect.ValueOf(nt.Cap(&nt.ObjectAttributes{})))
		}
	}
	if shortUsed {
		in.FieldByIndex(byName["ObjectAttributes"].index).Set(reflect.ValueOf(nt.Cap(short)))
	}
	return nil
}

// first says which keywords are converted first: Thread, as a token object made
// for the call admits the server that the thread belongs to, and the class that
// says what the information is.
func first(keyword starlark.Value) bool {
	return keyword == starlark.String("Thread") || keyword == starlark.String("TokenInformationClass")
}

func setShort(oa *nt.ObjectAttributes, name string, v starlark.Value) error {
	if name == "ObjectName" {
		s, ok := starlark.AsString(v)
		if !ok {
			return fmt.Errorf("ObjectName: want a string, got %s", v.Type())
		}
		oa.ObjectName = s
		return nil
	}
	n, err := uint32Value(v)
	if err != nil {
		return fmt.Errorf("Attributes: %w", err)
	}
	oa.Attributes = n
	return nil
}

// failed reports whether a status is an error; a warning such as
// STATUS_BUFFER_OVERFLOW comes with outputs.
func failed(st ntstatus.Status) bool { return st>>30 == 3 }

// result returns the structure a call returns: status and the out parameters. An
// output that a failed call did not write reads None. An output handle reads None
// after every failure, as the variable is left alone; in the Observed profile
// it is 0, as NULL is written (O-5).
func (r *Runner) result(row *nt.Row, in, out any, st ntstatus.Status) starlark.Value {
	fields := starlark.StringDict{"status": statusValue(st)}
	v := reflect.ValueOf(out)
	for _, p := range parameters(row.OutType()) {
		f := v.FieldByIndex(p.index)
		if p.typ == handleType && !st.IsSuccess() {
			fields[p.name] = starlark.None
			if r.cfg.Backend == nil && r.cfg.Profile == nt.Observed && row.Probed(in) || r.cfg.Backend != nil &&
				f.Int() == 0 {
				// Windows clears the handle of a call that got past its probe and failed (O-5).
				fields[p.name] = starlark.MakeInt(0)
			}
			continue
		}
		if failed(st) && f.IsZero() {
			fields[p.name] = starlark.None // A call that failed wrote nothing there.
			continue
		}
		fields[p.name] = r.toValue(f, p.object)
	}
	return starlarkstruct.FromStringDict(starlark.String(row.Info().Name), fields)
}
