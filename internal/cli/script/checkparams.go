package script

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// parseDescriptor parses a descriptor in SDDL. It returns nil for None, which is NULL. Malformed SDDL and other types
// are errors.
func (r *Runner) parseDescriptor(v starlark.Value) (*sd.Descriptor, error) {
	if v == starlark.None {
		return nil, nil
	}
	s, ok := starlark.AsString(v)
	if !ok {
		return nil, fmt.Errorf("want SDDL text or None, got %s", v.Type())
	}
	return r.parseSDDL(s)
}

// parseSDDL parses SDDL. Relative aliases such as DU refer to the program's domain.
func (r *Runner) parseSDDL(text string) (*sd.Descriptor, error) {
	return sddl.Parse(text, sddl.Options{Domain: r.domain})
}

// mapping converts the name of an object type, or a list [read, write, execute, all], to a generic mapping. Another
// value, and an unknown name, are errors. The list may be any sequence of four masks.
func mapping(v starlark.Value) (nt.Captured[winnt.GenericMapping], error) {
	var none nt.Captured[winnt.GenericMapping]
	if s, ok := starlark.AsString(v); ok {
		t := winnt.ObjectTypeByName(s)
		if t == nil {
			return none, fmt.Errorf("no object type %q: want one such as file, key, process, token", s)
		}
		return nt.Cap(t.Mapping), nil
	}
	if l, ok := v.(starlark.Indexable); ok && l.Len() == 4 {
		var m [4]winnt.AccessMask
		for i := range m {
			var err error
			if m[i], err = mask(l.Index(i)); err != nil {
				return none, err
			}
		}
		return nt.Cap(winnt.GenericMapping{Read: m[0], Write: m[1], Execute: m[2], All: m[3]}), nil
	}
	return none, fmt.Errorf("want a type such as \"file\" or [read, write, execute, all], got %s", v)
}

// selfSID converts a text or None, which means no SID. For a text that is no SID it returns STATUS_INVALID_SID for the
// service to report, not an error. Another type of value is an error.
func selfSID(v starlark.Value) (nt.Captured[sid.SID], error) {
	if v == starlark.None {
		return nt.Captured[sid.SID]{}, nil
	}
	s, ok := starlark.AsString(v)
	if !ok {
		return nt.Captured[sid.SID]{}, fmt.Errorf("want a SID, got %s", v.Type())
	}
	x, err := sid.Resolve(s, sid.SID{})
	if err != nil { // for an invalid SID the service returns its status
		return nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}, nil
	}
	return nt.Cap(x), nil
}

// objectTypeList converts a list of (level, guid). None means no list, which differs from an empty one. A level over
// 65535 and a malformed GUID are errors. A value that is not a list of pairs is an error too.
func objectTypeList(v starlark.Value) (nt.Captured[[]access.ObjectTypeEntry], error) {
	var none nt.Captured[[]access.ObjectTypeEntry]
	if v == starlark.None {
		return none, nil
	}
	it, ok := v.(starlark.Iterable)
	if !ok {
		return none, fmt.Errorf("want a list of (level, guid), got %s", v.Type())
	}
	list := []access.ObjectTypeEntry{}
	for x := range starlark.Elements(it) {
		t, ok := x.(starlark.Tuple)
		if !ok || len(t) != 2 {
			return none, fmt.Errorf("want (level, guid), got %s", x)
		}
		n, err := number(t[0])
		if err != nil || n > 0xFFFF {
			return none, fmt.Errorf("level %s: want a small number", t[0])
		}
		s, _ := starlark.AsString(t[1])
		g, err := winnt.ParseGUID(s)
		if err != nil {
			return none, err
		}
		list = append(list, access.ObjectTypeEntry{Level: uint16(n), GUID: g})
	}
	return nt.Cap(list), nil
}
