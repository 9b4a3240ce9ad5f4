package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// privilegeState converts {"SeBackupPrivilege": SE_PRIVILEGE_ENABLED, …}, or a list of names to enable; None is
// NULL.
func privilegeState(v starlark.Value) (nt.Captured[[]nt.LUIDAndAttributes], error) {
	list, err := luids(v, winnt.SE_PRIVILEGE_ENABLED)
	return nt.Cap(list), err
}

// luids converts a list of privilege names or numbers, or a dictionary {name: attributes}. Names without attributes get
// the argument attributes. None returns nil, an empty list an empty slice. An unknown name and a value of another type,
// such as a string, are errors. Duplicates are kept.
func luids(v starlark.Value, attributes uint32) ([]nt.LUIDAndAttributes, error) {
	if v == starlark.None {
		return nil, nil
	}
	list := []nt.LUIDAndAttributes{}
	add := func(name, attr starlark.Value) error {
		l, err := privilegeLUID(name)
		if err != nil {
			return err
		}
		a := attributes
		if attr != nil {
			if a, err = uint32Value(attr); err != nil {
				return err
			}
		}
		list = append(list, nt.LUIDAndAttributes{LUID: l, Attributes: a})
		return nil
	}
	switch v := v.(type) {
	case *starlark.Dict:
		for _, kv := range v.Items() {
			if err := add(kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case starlark.Iterable:
		for x := range starlark.Elements(v) {
			if err := addOne(x, add); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("want privilege names, or {name: attributes}, got %s", v.Type())
}

// addOne passes the name and attributes of a privilege to add. x is a privilege, whose attributes are nil, or the
// struct that a call returned. A struct without Luid or Attributes is an error. An error of add is returned.
func addOne(x starlark.Value, add func(name, attr starlark.Value) error) error {
	s, ok := x.(*starlarkstruct.Struct)
	if !ok {
		return add(x, nil)
	}
	name, err := s.Attr("Luid")
	if err != nil {
		return err
	}
	attr, err := s.Attr("Attributes")
	if err != nil {
		return err
	}
	return add(name, attr)
}

// privilegeLUID returns the LUID of a privilege name, or the number itself. An unknown name is an error; an
// unknown number is not.
func privilegeLUID(v starlark.Value) (winnt.LUID, error) {
	if s, ok := starlark.AsString(v); ok {
		p, err := winnt.ParsePrivilege(s)
		return p.LUID(), err
	}
	n, err := number(v)
	return winnt.LUID(n), err
}

// privilegeSet converts the result of privilege_set(…), or a list as luids does, which then needs every privilege.
// None is an empty list. An unknown privilege is an error.
func privilegeSet(v starlark.Value) (nt.Captured[*nt.PrivilegeSet], error) {
	if s, ok := v.(*privilegeSetValue); ok {
		return nt.Cap(&s.set), nil
	}
	list, err := luids(v, 0)
	if err != nil {
		return nt.Captured[*nt.PrivilegeSet]{}, err
	}
	return nt.Cap(&nt.PrivilegeSet{Control: winnt.PRIVILEGE_SET_ALL_NECESSARY, Privilege: list}), nil
}

// setThread stores the kernel's thread of v in to, and makes it the runner's server thread. A value that is no
// thread is an error.
func (r *Runner) setThread(to reflect.Value, v starlark.Value) error {
	switch v := v.(type) {
	case *threadValue:
		r.server = r.sys.ThreadObject(v.th)
		to.Set(reflect.ValueOf(r.server))
	case *kernelValue:
		r.server = v.k.Thread()
		to.Set(reflect.ValueOf(r.server))
	default:
		return fmt.Errorf("want a thread, got %s", v.Type())
	}
	return nil
}

// setToken sets a token parameter to a token object; None is NULL. From a token value it creates an object, which the
// runner owns until it closes. Any other value is an error.
func (r *Runner) setToken(to reflect.Value, v starlark.Value) error {
	switch v := v.(type) {
	case starlark.NoneType:
	case *objectValue:
		to.Set(reflect.ValueOf(v.t))
	case *tokenValue:
		k, err := r.system()
		if err != nil {
			return err
		}
		var t *kernel.AccessToken
		if server := r.server; server == nil || v.dacl {
			t = k.k.NewToken(v.t)
		} else {
			t = k.k.CaptureToken(v.t, server)
		}
		r.owned = append(r.owned, t)
		r.names[t] = v.name
		to.Set(reflect.ValueOf(t))
	default:
		return fmt.Errorf("want a token, a token object or None, got %s", v.Type())
	}
	return nil
}
