package script

import (
	"fmt"
	"reflect"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Types that convert handles by type and not by kind.
var (
	handleType     = reflect.TypeFor[winnt.Handle]()
	maskType       = reflect.TypeFor[winnt.AccessMask]()
	attributesType = reflect.TypeFor[nt.Captured[*nt.ObjectAttributes]]()
	clientIDType   = reflect.TypeFor[nt.Captured[*nt.ClientID]]()
	descriptorType = reflect.TypeFor[nt.Captured[*sd.Descriptor]]()
	mappingType    = reflect.TypeFor[nt.Captured[winnt.GenericMapping]]()
	stateType      = reflect.TypeFor[nt.Captured[[]nt.LUIDAndAttributes]]()
	setType        = reflect.TypeFor[nt.Captured[*nt.PrivilegeSet]]()
	bytesType      = reflect.TypeFor[nt.Captured[[]byte]]()
	textType       = reflect.TypeFor[nt.Captured[string]]()
	modeType       = reflect.TypeFor[access.Mode]()
	capHandleType  = reflect.TypeFor[nt.Captured[winnt.Handle]]()
	timeType       = reflect.TypeFor[nt.Captured[int64]]()
	selfType       = reflect.TypeFor[nt.Captured[sid.SID]]()
	objectTypeType = reflect.TypeFor[*winnt.ObjectType]()
	listType       = reflect.TypeFor[nt.Captured[[]access.ObjectTypeEntry]]()
)

// convert sets a parameter of a call from the program's value v. The parameter is p, and to is its field in the In
// structure. A value of the wrong type is an error and leaves the field unchanged. So is bad_pointer() for a
// parameter that is no pointer.
func (r *Runner) convert(row *nt.Row, p *calltext.Parameter, to reflect.Value, v starlark.Value) error {
	if f, ok := v.(faultValue); ok { // bad_pointer() is valid for any pointer
		if s := to; s.Kind() == reflect.Struct && s.FieldByName("Status").IsValid() {
			s.FieldByName("Status").SetUint(uint64(f.st))
			return nil
		}
		return fmt.Errorf("not a pointer parameter")
	}
	if done, err := setStruct(to, v); done {
		return err
	}
	if p.Name == "FileInformation" {
		return set(to, v, fileInformation)
	}
	if f := converters[p.Type]; f != nil {
		return f(r, row, to, v)
	}
	if known, err := r.convertObject(to, v); known {
		return err
	}
	if known, err := r.convertToken(p.Name, to, v); known {
		return err
	}
	return plain(to, v)
}

// converter sets a parameter of one type.
type converter func(r *Runner, row *nt.Row, to reflect.Value, v starlark.Value) error

// by returns a converter that uses the function read, for a parameter type whose conversion depends only on the
// value.
func by[T any](read func(starlark.Value) (T, error)) converter {
	return func(_ *Runner, _ *nt.Row, to reflect.Value, v starlark.Value) error { return set(to, v, read) }
}

// converters maps the types with a notation of their own to their converters.
var converters = map[reflect.Type]converter{
	maskType:       by(mask),
	attributesType: by(objectAttributes),
	mappingType:    by(mapping),
	stateType:      by(privilegeState),
	setType:        by(privilegeSet),
	bytesType:      by(octets),
	textType:       by(text),
	modeType:       by(processorMode),
	selfType:       by(selfSID),
	timeType: by(func(v starlark.Value) (t nt.Captured[int64], err error) {
		err = starlark.AsInt(v, &t.V)
		return t, err
	}),
	listType:                               by(objectTypeList),
	objectTypeType:                         by(objectType),
	reflect.TypeFor[nt.LogonInformation](): by(logonInformation),
	reflect.TypeFor[[]sid.SID]():           by(sids),
	reflect.TypeFor[[]string](): by(func(v starlark.Value) ([]string, error) {
		return listOf(v, goString)
	}),
	capHandleType: by(func(v starlark.Value) (nt.Captured[winnt.Handle], error) {
		n, err := handle(v)
		return nt.Cap(winnt.Handle(n)), err
	}),
	clientIDType: func(_ *Runner, row *nt.Row, to reflect.Value, v starlark.Value) error {
		return set(to, v, func(v starlark.Value) (nt.Captured[*nt.ClientID],
			error) {
			return clientID(row.Info().Name, v)
		})
	},
	descriptorType: func(r *Runner, _ *nt.Row, to reflect.Value, v starlark.Value) error {
		return set(to, v, func(v starlark.Value) (nt.Captured[*sd.Descriptor], error) {
			d, err := r.parseDescriptor(v)
			return nt.Cap(d), err
		})
	},
	kernel.ThreadType: func(r *Runner, _ *nt.Row, to reflect.Value,
		v starlark.Value) error {
		return r.setThread(to, v)
	},
	kernel.ProcessType: func(_ *Runner, _ *nt.Row, to reflect.Value, v starlark.Value) error {
		p, ok := v.(*processValue)
		if !ok {
			return fmt.Errorf("want a process, got %s", v.Type())
		}
		to.Set(reflect.ValueOf(p.p.Object()))
		return nil
	},
	kernel.TokenType: func(r *Runner, _ *nt.Row, to reflect.Value, v starlark.Value) error { return r.setToken(to, v) },
	kernel.ObjectType: func(r *Runner, _ *nt.Row, to reflect.Value,
		v starlark.Value) error {
		return r.setObject(to, v)
	},
}

// octets converts a string to a buffer. Any other value is an error.
func octets(v starlark.Value) (nt.Captured[[]byte], error) {
	s, ok := starlark.AsString(v)
	if !ok {
		return nt.Captured[[]byte]{}, fmt.Errorf("want a string, got %s", v.Type())
	}
	return nt.Cap([]byte(s)), nil
}

// processorMode converts KernelMode or UserMode to an access.Mode. Their numbers are the documented ones, which differ
// from package access. Other values are an error.
func processorMode(v starlark.Value) (access.Mode, error) {
	switch n, err := number(v); {
	case err == nil && n == uint64(kernel.KernelMode):
		return access.Kernel, nil
	case err == nil && n == uint64(kernel.UserMode):
		return access.User, nil
	}
	return 0, fmt.Errorf("want KernelMode or UserMode, got %s", v)
}

// set converts v by f and stores the result in to. If f fails, it returns f's error and leaves to unchanged.
func set[T any](to reflect.Value, v starlark.Value, f func(starlark.Value) (T, error)) error {
	x, err := f(v)
	if err == nil {
		to.Set(reflect.ValueOf(x))
	}
	return err
}

// plain sets a field from a boolean, a number or a string. Numbers of 64 bits may be handles. A value of another
// type, a number that does not fit and a field type without a notation are errors. An error leaves the field
// unchanged.
func plain(to reflect.Value, v starlark.Value) error {
	switch to.Kind() {
	case reflect.Bool:
		b, ok := v.(starlark.Bool)
		if !ok {
			return fmt.Errorf("want True or False, got %s", v.Type())
		}
		to.SetBool(bool(b))
	case reflect.Int64:
		n, err := handle(v)
		if err != nil {
			return err
		}
		to.SetInt(n)
	case reflect.Int32:
		var n int32
		if err := starlark.AsInt(v, &n); err != nil {
			return err
		}
		to.SetInt(int64(n))
	case reflect.Uint32, reflect.Uint64, reflect.Uint16, reflect.Uint8:
		n, err := number(v)
		if err != nil {
			return err
		}
		if to.OverflowUint(n) {
			return fmt.Errorf("%d does not fit", n)
		}
		to.SetUint(n)
	case reflect.String:
		s, ok := starlark.AsString(v)
		if !ok {
			return fmt.Errorf("want a string, got %s", v.Type())
		}
		to.SetString(s)
	default:
		return fmt.Errorf("a parameter of type %s cannot be set by a script", to.Type())
	}
	return nil
}

// number returns a non-negative integer or the number of a documented constant. Other values are an error. A negative
// integer, and one beyond 64 bits, are such.
func number(v starlark.Value) (uint64, error) {
	switch v := v.(type) {
	case named:
		return v.n, nil
	case starlark.Int:
		if n, ok := v.Uint64(); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("want a number, got %s", v)
}

// handle returns the number of a handle; None is NULL. It accepts a pseudo handle as a negative or as an unsigned
// number. Larger numbers and other types are errors.
func handle(v starlark.Value) (int64, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return 0, nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return n, nil
		}
		if n, ok := v.Uint64(); ok { // a pseudo handle written as in C, such as 0xffffffffffffffff
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("want a handle, got %s", v)
}

// mask returns an access mask from a 32-bit number or from names such as "FR|WD". A larger number and an unknown name
// are errors.
func mask(v starlark.Value) (winnt.AccessMask, error) {
	if s, ok := starlark.AsString(v); ok {
		return sddl.ParseRights(s)
	}
	n, err := number(v)
	if err != nil || n > 0xFFFFFFFF {
		return 0, fmt.Errorf("want an access mask, got %s", v)
	}
	return winnt.AccessMask(n), nil
}

// objectAttributes converts the result of object_attributes(…), with its status. None is a NULL pointer.
// Anything else is an error.
func objectAttributes(v starlark.Value) (nt.Captured[*nt.ObjectAttributes], error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nt.Captured[*nt.ObjectAttributes]{}, nil
	case *attributesValue:
		return nt.Captured[*nt.ObjectAttributes]{V: v.oa, Status: v.status}, nil
	}
	return nt.Captured[*nt.ObjectAttributes]{}, fmt.Errorf("want object_attributes(…) or None, got %s", v.Type())
}

// clientID converts a process or thread id to a CLIENT_ID. It accepts a number, a pair (process id, thread id), a
// ClientId of an earlier call, and None for NULL. A number is a process id for services that end in OpenProcess, and
// a thread id for all others. Any other value is an error.
func clientID(service string, v starlark.Value) (nt.Captured[*nt.ClientID], error) {
	id := &nt.ClientID{}
	switch v := v.(type) {
	case starlark.NoneType:
		return nt.Captured[*nt.ClientID]{}, nil
	case starlark.Tuple:
		if len(v) == 2 {
			p, err1 := handle(v[0])
			t, err2 := handle(v[1])
			if err1 == nil && err2 == nil {
				id.UniqueProcess, id.UniqueThread = winnt.Handle(p), winnt.Handle(t)
				return nt.Cap(id), nil
			}
		}
	case *starlarkstruct.Struct: // the ClientId that a call returned
		p, err1 := v.Attr("UniqueProcess")
		t, err2 := v.Attr("UniqueThread")
		if err1 == nil && err2 == nil {
			return clientID(service, starlark.Tuple{p, t})
		}
	case starlark.Int:
		n, err := handle(v)
		if err != nil {
			return nt.Captured[*nt.ClientID]{}, err
		}
		if strings.HasSuffix(service, "OpenProcess") {
			id.UniqueProcess = winnt.Handle(n)
		} else {
			id.UniqueThread = winnt.Handle(n)
		}
		return nt.Cap(id), nil
	}
	return nt.Captured[*nt.ClientID]{}, fmt.Errorf("want an id such as other.id, or (process id, thread id), got %s", v)
}
