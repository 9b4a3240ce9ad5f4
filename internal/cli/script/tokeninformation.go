package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenInformation converts the input of NtSetInformationToken to the Go type of its class. None is a NULL pointer. A
// string for TokenIntegrityLevel is a SID, any other value a group. An empty prefix disables isolation. A class
// without its own type takes a 32-bit number.
func (r *Runner) tokenInformation(v starlark.Value) (any, error) {
	if v == starlark.None {
		return nil, nil // a NULL pointer; a NULL ACL is "D:NO_ACCESS_CONTROL"
	}
	switch r.class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup:
		return r.sidText(v)
	case winnt.TokenIntegrityLevel:
		if _, ok := v.(starlark.String); ok {
			return r.sidText(v)
		}
		return r.group(v)
	case winnt.TokenDefaultDacl:
		return r.acl(v)
	case winnt.TokenOrigin:
		return privilegeLUID(v)
	case winnt.TokenLinkedToken:
		n, err := handle(v)
		return winnt.Handle(n), err
	case winnt.TokenAuditPolicy:
		s, err := goString(v)
		if err != nil {
			return nil, err
		}
		return []byte(s), nil
	case winnt.TokenBnoIsolation:
		s, err := goString(v)
		return nt.TokenBnoIsolation{IsolationPrefix: s, IsolationEnabled: s != ""}, err
	case winnt.TokenSecurityAttributes:
		return listOf(v, r.attributeChange)
	}
	return uint32Value(v)
}

// attributeChange converts a tuple (operation, attribute), such as ("ADD", {…}). Another form and an unknown
// operation are errors. The operation is in upper case.
func (r *Runner) attributeChange(v starlark.Value) (c token.AttributeChange, err error) {
	t, ok := v.(starlark.Tuple)
	if !ok || len(t) != 2 {
		return c, fmt.Errorf("want (operation, attribute), got %s", v)
	}
	name, err := goString(t[0])
	if err != nil {
		return c, err
	}
	if c.Operation, ok = attributeOperations[name]; !ok {
		return c, fmt.Errorf("no operation %s: want ADD, DELETE, REPLACE or REPLACE_ALL", name)
	}
	c.Attribute, err = r.claim(t[1])
	return c, err
}

// setRoutine sets a callback parameter to a function of the program. The same function is always the same routine. An
// error of the function is printed and counts as a failed expectation. None is an error, as any other value.
func (r *Runner) setRoutine(to reflect.Value, v starlark.Value) error {
	f, ok := v.(starlark.Callable)
	if !ok {
		return fmt.Errorf("want a function of one parameter, got %s", v.Type())
	}
	if r.routines[f] == nil {
		if r.routines == nil {
			r.routines = map[starlark.Callable]*kernel.LogonSessionTerminatedRoutine{}
		}
		r.routines[f] = &kernel.LogonSessionTerminatedRoutine{Call: func(id winnt.LUID) {
			th := &starlark.Thread{Name: "callback", Print: r.thread.Print}
			r.bound(th)
			if _, err := starlark.Call(th, f, starlark.Tuple{starlark.MakeUint64(uint64(id))}, nil); err != nil {
				r.failed++
				r.out.complain(fmt.Errorf("callback: %w", locate(err)))
			}
		}}
	}
	to.Set(reflect.ValueOf(r.routines[f]))
	return nil
}

// tokenOut converts out parameters of the token services. It returns false for other types.
func (r *Runner) tokenOut(x any) (starlark.Value, bool) {
	switch x := x.(type) {
	case claims.Attribute:
		return starlarkstruct.FromStringDict(starlark.String("claim"), starlark.StringDict{
			"Name": starlark.String(x.Name), "ValueType": starlark.String(calltext.ClaimTypes[x.Type]),
			"Flags":  starlark.MakeUint64(uint64(x.Flags)),
			"Values": r.claimList(x)}), true
	}
	return nil, false
}
