package script

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// faultValue is a pointer whose access fails.
type faultValue struct{ st ntstatus.Status }

// String returns the text that print shows for the value.
func (v faultValue) String() string { return calltext.BadPointer(v.st) }

// Type returns "bad pointer", the name of the type in programs.
func (faultValue) Type() string { return "bad pointer" }

// Freeze does nothing: programs cannot change the value.
func (faultValue) Freeze() {}

// Truth returns true.
func (faultValue) Truth() starlark.Bool { return true }

// Hash returns a hash, so that the value can be a key.
func (faultValue) Hash() (uint32, error) { return 0, nil }

// attributesValue is OBJECT_ATTRIBUTES as captured.
type attributesValue struct {
	oa     *nt.ObjectAttributes
	status ntstatus.Status
	text   string
}

// String returns the text that print shows for the value.
func (v *attributesValue) String() string { return v.text }

// Type returns "object_attributes", the name of the type in programs.
func (*attributesValue) Type() string { return "object_attributes" }

// Freeze does nothing: programs cannot change the value.
func (*attributesValue) Freeze() {}

// Truth returns true.
func (*attributesValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*attributesValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: object_attributes") }

// sqosValue is SECURITY_QUALITY_OF_SERVICE with the status of capturing it.
type sqosValue struct {
	q      nt.SecurityQualityOfService
	status ntstatus.Status
	text   string
}

// String returns the text that print shows for the value.
func (v *sqosValue) String() string { return v.text }

// Type returns "sqos", the name of the type in programs.
func (*sqosValue) Type() string { return "sqos" }

// Freeze does nothing: programs cannot change the value.
func (*sqosValue) Freeze() {}

// Truth returns true.
func (*sqosValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*sqosValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: sqos") }

// privilegeSetValue is PRIVILEGE_SET.
type privilegeSetValue struct{ set nt.PrivilegeSet }

// String returns the text that print shows for the value.
func (v *privilegeSetValue) String() string {
	return "privilege_set" + calltext.Privileges(v.set.Privilege)
}

// Type returns "privilege_set", the name of the type in programs.
func (*privilegeSetValue) Type() string { return "privilege_set" }

// Freeze does nothing: programs cannot change the value.
func (*privilegeSetValue) Freeze() {}

// Truth returns true.
func (*privilegeSetValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*privilegeSetValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: privilege_set") }

// attributes implements object_attributes(…). All arguments are optional. A length other than 48 sets the status that
// the service then returns; it is not an error here. sqos may bring a status too. A malformed descriptor is an error.
func (r *Runner) attributes(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v := &attributesValue{oa: &nt.ObjectAttributes{}}
	var q *sqosValue
	var qv, text starlark.Value = starlark.None, starlark.None
	length := 48
	var attributes, root starlark.Value = starlark.MakeInt(0), starlark.MakeInt(0)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name?", &v.oa.ObjectName, "attributes?", &attributes, "sd?",
		&text, "sqos?", &qv, "root?", &root, "length?", &length); err != nil {
		return nil, err
	}
	n, err := uint32Value(attributes)
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	h, err := handle(root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	v.oa.Attributes, v.oa.RootDirectory = n, winnt.Handle(h)
	if v.oa.SecurityDescriptor, err = r.parseDescriptor(text); err != nil {
		return nil, fmt.Errorf("sd: %w", err)
	}
	if qv != starlark.None {
		var ok bool
		if q, ok = qv.(*sqosValue); !ok {
			return nil, fmt.Errorf("sqos: want sqos(…) or None, got %s", qv.Type())
		}
		v.oa.SecurityQualityOfService, v.status = &q.q, q.status
	}
	if length != 48 {
		v.status = ntstatus.InvalidParameter // Length is wrong (O-22)
	}
	var parts []string
	for _, kw := range kwargs {
		parts = append(parts, string(kw[0].(starlark.String))+"="+kw[1].String())
	}
	v.text = "object_attributes(" + strings.Join(parts, ", ") + ")"
	return v, nil
}

// sqosBuiltin implements sqos(level, …). It accepts any 32-bit level, also an invalid one. A length other than 12
// sets the status that the service then returns. A level that is no number, and one beyond 32 bits, are errors.
func sqosBuiltin(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var level starlark.Value
	v := &sqosValue{}
	length := 12
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "level", &level, "dynamic?", &v.q.ContextTrackingMode,
		"effective_only?", &v.q.EffectiveOnly, "length?", &length); err != nil {
		return nil, err
	}
	n, err := number(level)
	if err != nil || n > 0xFFFFFFFF {
		return nil, fmt.Errorf("sqos: level: want a level such as SecurityIdentification")
	}
	v.q.ImpersonationLevel = winnt.SecurityImpersonationLevel(n)
	if length != 12 {
		v.status = ntstatus.InvalidParameter // a wrong Length (T-40)
	}
	v.text = fmt.Sprintf("sqos(%s)", level)
	return v, nil
}

// privilegeSetBuiltin implements privilege_set(privileges, all=True). all means that the check needs every privilege,
// otherwise one suffices. An unknown privilege is an error.
func privilegeSetBuiltin(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var names starlark.Value
	all := true
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "privileges", &names, "all?", &all); err != nil {
		return nil, err
	}
	list, err := luids(names, 0)
	if err != nil {
		return nil, err
	}
	v := &privilegeSetValue{nt.PrivilegeSet{Privilege: list}}
	if all {
		v.set.Control = winnt.PRIVILEGE_SET_ALL_NECESSARY
	}
	return v, nil
}

// badPointer implements bad_pointer(status=…): a value whose capture fails with the status,
// STATUS_ACCESS_VIOLATION by default.
func badPointer(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	st := named{n: uint64(ntstatus.AccessViolation)}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "status?", &st); err != nil {
		return nil, err
	}
	return faultValue{ntstatus.Status(st.n)}, nil
}
