package script

import (
	"fmt"
	"reflect"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenInformation reads what NtSetInformationToken is given, by the class the
// call names.
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

// attributeChange reads (operation, attribute).
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

// setRoutine takes a function of the program for a callback; the same function
// is the same routine.
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
				r.out.say("callback: " + err.Error())
			}
		}}
	}
	to.Set(reflect.ValueOf(r.routines[f]))
	return nil
}

// tokenOut turns out parameters of the services on tokens into values.
func (r *Runner) tokenOut(x any) (starlark.Value, bool) {
	switch x := x.(type) {
	case claims.Attribute:
		return starlarkstruct.FromStringDict(starlark.String("claim"), starlark.StringDict{
			"Name": starlark.String(x.Name), "ValueType": starlark.String(claimTypeNames[x.Type]),
			"Flags":  starlark.MakeUint64(uint64(x.Flags)),
			"Values": r.claimList(x)}), true
	}
	return nil, false
}

// tokenText prints parameters of the services on tokens as a program would
// write them; known is false for what it does not know.
func (t *transcript) tokenText(x any) (text string, known bool) {
	switch x := x.(type) {
	case token.Group:
		if x.Attributes == 0 {
			return x.SID.String(), true
		}
		return fmt.Sprintf("(%s, 0x%x)", x.SID, x.Attributes), true
	case *token.Group:
		if x == nil {
			return "None", true
		}
		return t.tokenText(*x)
	case []token.Group:
		var parts []string
		for _, g := range x {
			s, _ := t.tokenText(g)
			parts = append(parts, s)
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case claims.Attribute:
		s := x.Format(nil)
		if s == "" {
			s = fmt.Sprintf("%q", x.Name)
			if x.Flags != 0 {
				s = fmt.Sprintf("(%q, 0x%x)", x.Name, x.Flags)
			}
		}
		return s, true
	case token.AttributeChange:
		s, _ := t.tokenText(x.Attribute)
		return x.Operation.String() + " " + s, true
	case *token.Source:
		if x == nil {
			return "None", true
		}
		return fmt.Sprintf("%q", x.Name), true
	case *sd.ACL:
		return daclText(x), true
	case sid.SID:
		return x.String(), true
	}
	return "", false
}

// daclText writes a list of entries as SDDL.
func daclText(l *sd.ACL) string {
	if l == nil {
		return "None"
	}
	return descriptorText(sd.New(sd.Parts{Control: sd.DACLPresent, DACL: l}))
}

// capturedText prints the value of a captured parameter of any type; known is
// false for any other value.
func (t *transcript) capturedText(f reflect.Value) (text string, known bool) {
	if f.Kind() != reflect.Struct || f.NumField() != 2 || !f.Field(1).CanInterface() ||
		!strings.HasPrefix(f.Type().Name(), "Captured[") {
		return "", false
	}
	v := f.Field(0)
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Interface) && v.IsNil() {
		return "None", true
	}
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Uint32 {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		if s, ok := t.tokenText(v.Interface()); ok {
			return s, true
		}
		var parts []string
		for i := range v.Len() {
			parts = append(parts, t.show(v.Index(i), nil))
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	}
	return t.show(v, nil), true
}
