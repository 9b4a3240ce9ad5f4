package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// refValue is a reference to an object other than a token, as the Ob* routines return it.
type refValue struct{ o kernel.Object }

// String returns the text that print shows for the value.
func (v *refValue) String() string { return v.o.Head().Type().Name + " object" }

// Type returns "object", the name of the type in programs.
func (*refValue) Type() string { return "object" }

// Freeze does nothing: programs cannot change the value.
func (*refValue) Freeze() {}

// Truth returns true.
func (*refValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (v *refValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: object") }

// CompareSameType implements starlark.Comparable: references to the same object are equal.
func (v *refValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameObject(op, v.o == y.(*refValue).o)
}

// AttrNames returns the names that Attr accepts, sorted.
func (*refValue) AttrNames() []string { return []string{"HandleCount", "PointerCount"} }

// Attr returns the current HandleCount or PointerCount of the object. Any other name is an error that lists these.
func (v *refValue) Attr(name string) (starlark.Value, error) {
	if x := counts(v.o, name); x != nil {
		return x, nil
	}
	return noAttribute("object", name, v.AttrNames())
}

// AttrNames returns the names that Attr accepts, sorted.
func (*objectValue) AttrNames() []string { return []string{"HandleCount", "PointerCount", "TokenId"} }

// Attr returns the id of the token object, or its current HandleCount or PointerCount. Any other name is an error
// that lists these.
func (v *objectValue) Attr(name string) (starlark.Value, error) {
	if name == "TokenId" {
		return starlark.MakeUint64(uint64(v.t.ID())), nil
	}
	if x := counts(v.t, name); x != nil {
		return x, nil
	}
	return noAttribute("token object", name, v.AttrNames())
}

// counts returns the current HandleCount or PointerCount of an object. It returns nil for another name.
func counts(o kernel.Object, name string) starlark.Value {
	switch name {
	case "HandleCount":
		return starlark.MakeInt64(o.Head().HandleCount())
	case "PointerCount":
		return starlark.MakeInt64(o.Head().PointerCount())
	}
	return nil
}

// sameObject returns the result of == or != for operands that are the same object or not. Other operators are
// an error.
func sameObject(op syntax.Token, same bool) (bool, error) {
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("objects have no order")
}

// setObject sets a parameter that is a reference to any object. Values other than objects, threads and processes are an
// error. None is such a value.
func (r *Runner) setObject(to reflect.Value, v starlark.Value) error {
	var o kernel.Object
	switch v := v.(type) {
	case *refValue:
		o = v.o
	case *objectValue:
		o = v.t
	case *threadValue:
		o = r.sys.ThreadObject(v.th)
	case *kernelValue:
		o = v.k.Thread()
	case *processValue:
		o = v.p.Object()
	default:
		return fmt.Errorf("want a reference to an object, got %s", v.Type())
	}
	to.Set(reflect.ValueOf(o))
	return nil
}

// objectType converts the name of an object type. It returns nil for None, which means any type. An unknown name is
// an error.
func objectType(v starlark.Value) (*winnt.ObjectType, error) {
	if v == starlark.None {
		return nil, nil
	}
	s, _ := starlark.AsString(v)
	if t := winnt.ObjectTypeByName(s); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("want the name of an object type such as \"Token\" or \"Thread\", got %s", v)
}

// tokenObject implements token_object: it creates a token object from a value. With sd it has that descriptor,
// otherwise the token's default. The program holds a reference until it ends. Malformed SDDL is an error.
func (r *Runner) tokenObject(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var v *tokenValue
	var text starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "token", &v, "sd?", &text); err != nil {
		return nil, err
	}
	d, err := r.parseDescriptor(text)
	if err != nil {
		return nil, fmt.Errorf("sd: %w", err)
	}
	k, err := r.system()
	if err != nil {
		return nil, err
	}
	t, st := k.k.NewTokenProtected(v.t, d)
	if err := st.Err(); err != nil {
		return nil, fmt.Errorf("sd: %w", err)
	}
	r.owned = append(r.owned, t)
	r.names[t] = v.name
	return &objectValue{t, v.name}, nil
}

// tokenWith implements token_with: it sets fields of a token that only a logon service sets. It returns a copy; the
// argument does not change. Fields that are not passed stay. A field of the wrong type, and values that contradict
// each other, are errors.
func tokenWith(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v *tokenValue
	var origin, authentication, parent, elevation, session starlark.Value
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "token", &v, "OriginatingLogon?", &origin, "AuthenticationId?",
		&authentication,
		"ParentTokenId?", &parent, "ElevationType?", &elevation, "SessionId?", &session)
	if err != nil {
		return nil, err
	}
	s := v.t.Spec()
	wide := func(to *winnt.LUID) func(starlark.Value) error {
		return func(v starlark.Value) error {
			n, err := number(v)
			*to = winnt.LUID(n)
			return err
		}
	}
	narrow := func(to *uint32) func(starlark.Value) error {
		return func(v starlark.Value) (err error) {
			*to, err = uint32Value(v)
			return err
		}
	}
	for _, f := range []struct {
		name string
		v    starlark.Value
		set  func(starlark.Value) error
	}{
		{"OriginatingLogon", origin, wide(&s.OriginatingLogon)},
		{"AuthenticationId", authentication, wide(&s.AuthenticationID)},
		{"ParentTokenId", parent, wide(&s.ParentTokenID)},
		{"ElevationType", elevation, narrow(&s.ElevationType)},
		{"SessionId", session, narrow(&s.SessionID)},
	} {
		if f.v == nil {
			continue
		}
		if err := f.set(f.v); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	t, err := token.New(s)
	if err != nil {
		return nil, err
	}
	return &tokenValue{t, v.name, v.dacl}, nil
}

// handleInformation implements handle_information: it returns the granted rights of a handle in a thread's process or
// in the kernel (OBJECT_HANDLE_INFORMATION). It prints nothing. A handle that is not open is an error. With a recording
// or a connection it queries as user mode can.
func (r *Runner) handleInformation(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var th *threadValue
	var hv starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "thread", &th, "handle", &hv); err != nil {
		return nil, err
	}
	h, err := handle(hv)
	if err != nil {
		return nil, err
	}
	if r.cfg.Record != nil || r.cfg.Connect != nil {
		return r.queryHandle(th, winnt.Handle(h))
	}
	k := &kernelValue{r, r.sys.KernelMode(th.th)}
	var info kernel.HandleInformation
	k.quietly(func() {
		o, i, st := k.k.ObReferenceObjectByHandle(winnt.Handle(h), 0, nil, kernel.KernelMode)
		if err = st.Err(); err == nil {
			info = i
			k.k.ObDereferenceObject(o)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("handle %s: %w", hv, err)
	}
	return r.toValue(reflect.ValueOf(info), nil), nil
}

// fault implements fault: it makes the next count allocations at a point of the kernel fail, 1 by default (O-81). It
// replaces an earlier count of that point. A count of 0 ends the failures. A negative count is an error. An unknown
// point has no effect.
func (r *Runner) fault(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var point string
	count := 1
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "point", &point, "count?", &count); err != nil {
		return nil, err
	}
	if count < 0 {
		return nil, fmt.Errorf("%s: count: want 0 or more, got %d", b.Name(), count)
	}
	r.faults[point] = count
	return starlark.None, nil
}

// fails reports to the kernel whether an allocation at a point must fail, and counts it. An unknown point never
// fails.
func (r *Runner) fails(point string) bool {
	if r.faults[point] == 0 {
		return false
	}
	r.faults[point]--
	return true
}
