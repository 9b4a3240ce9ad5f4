package script

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// method returns a service of the table as a callable of the program. The callable takes its parameters by name;
// invoke receives them converted. The result has the status, also an error status. An error of invoke, a wrong
// parameter and a panic of the kernel are errors of the program.
func (r *Runner) method(row *nt.Row, invoke func(*nt.Row, any) (any, ntstatus.Status, error)) *starlark.Builtin {
	return starlark.NewBuiltin(row.Info().Name, func(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (v starlark.Value, err error) {
		defer func() {
			if x := recover(); x != nil { // recover here, so that the error has the position in the program
				v, err = nil, fmt.Errorf("%s: %w", b.Name(), recovered(x))
			}
		}()
		if len(args) > 0 {
			return nil, fmt.Errorf("%s takes its parameters by name: %s", b.Name(), calltext.Signature(row))
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

// fill sets the In structure of a call from its keywords, which it reorders. An absent parameter gets its preset or
// zero value. A pointer that is None counts as absent. ObjectName and Attributes are short forms if the service takes
// OBJECT_ATTRIBUTES. An unknown name is an error that suggests a similar one. A missing required parameter is an
// error.
func (r *Runner) fill(row *nt.Row, in reflect.Value, kwargs []starlark.Tuple) error {
	params := calltext.Parameters(row.InType())
	byName := map[string]*calltext.Parameter{}
	var names []string
	for i := range params {
		p := &params[i]
		byName[p.Name] = p
		names = append(names, p.Name)
		if f := in.FieldByIndex(p.Index); p.Preset != 0 {
			f.SetUint(p.Preset)
		}
	}
	short := &nt.ObjectAttributes{}
	shortUsed := false
	given := map[string]bool{}
	r.server, r.class = nil, 0
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
		f := in.FieldByIndex(p.Index)
		if err := r.convert(row, p, f, kw[1]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if c, ok := f.Interface().(winnt.TokenInfoClass); ok {
			r.class = c
		}
		given[name] = f.Kind() != reflect.Pointer || !f.IsNil()
	}
	for _, p := range params {
		switch f := in.FieldByIndex(p.Index); {
		case p.Must && !given[p.Name]:
			return fmt.Errorf("%s is missing, and the call requires it", p.Name)
		case p.Empty && !given[p.Name]:
			f.Set(reflect.ValueOf(nt.Cap(&nt.ObjectAttributes{})))
		}
	}
	if shortUsed {
		in.FieldByIndex(byName["ObjectAttributes"].Index).Set(reflect.ValueOf(nt.Cap(short)))
	}
	return nil
}

// first reports whether a keyword of a call must be converted before the others. One is Thread, because a token
// object created for the call admits the thread's server. The other is the information class, because it determines
// the type of the information.
func first(keyword starlark.Value) bool {
	return keyword == starlark.String("Thread") || keyword == starlark.String("TokenInformationClass")
}

// setShort sets ObjectName if that is the name, and otherwise Attributes. A value of another type is an error. The
// error names the field.
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

// failed reports whether a status is an error. A warning such as STATUS_BUFFER_OVERFLOW has outputs and is none.
func failed(st ntstatus.Status) bool { return st>>30 == 3 }

// result returns the structure of a call's results: status and out parameters. An output that a failed call did not
// write is None. An output handle is None after a failure, or 0 if the call wrote NULL. In the Observed profile every
// call past its probe does (O-5).
func (r *Runner) result(row *nt.Row, in, out any, st ntstatus.Status) starlark.Value {
	fields := starlark.StringDict{"status": statusValue(st)}
	v := reflect.ValueOf(out)
	for _, p := range calltext.Parameters(row.OutType()) {
		f := v.FieldByIndex(p.Index)
		if p.Type == handleType && !st.IsSuccess() {
			fields[p.Name] = starlark.None
			if r.cfg.Backend == nil && r.cfg.Profile == nt.Observed && row.Probed(in) || r.cfg.Backend != nil &&
				f.Int() == 0 {
				// Windows clears the handle of a call that got past its probe and failed (O-5).
				fields[p.Name] = starlark.MakeInt(0)
			}
			continue
		}
		if failed(st) && f.IsZero() {
			fields[p.Name] = starlark.None // the failed call did not write this output
			continue
		}
		fields[p.Name] = r.toValue(f, p.Object)
	}
	return starlarkstruct.FromStringDict(starlark.String(row.Info().Name), fields)
}
