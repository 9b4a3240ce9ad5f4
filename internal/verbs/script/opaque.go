package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/kernel"
)

// opaqueValue is a structure that one kernel routine fills and another takes
// back: a client or subject context, a saved impersonation, an access state.
// A program passes it on and looks at nothing in it.
type opaqueValue struct{ v reflect.Value }

// opaque names the structures, by the name that the documents give them.
var opaque = map[reflect.Type]string{
	reflect.TypeFor[*kernel.ClientContext]():  "SECURITY_CLIENT_CONTEXT",
	reflect.TypeFor[*kernel.SubjectContext](): "SECURITY_SUBJECT_CONTEXT",
	reflect.TypeFor[*kernel.SavedState]():     "SE_IMPERSONATION_STATE",
	reflect.TypeFor[*kernel.AccessState]():    "ACCESS_STATE",
}

func (o *opaqueValue) String() string       { return opaque[o.v.Type()] }
func (o *opaqueValue) Type() string         { return opaque[o.v.Type()] }
func (*opaqueValue) Freeze()                {}
func (o *opaqueValue) Truth() starlark.Bool { return starlark.Bool(!o.v.IsNil()) }
func (*opaqueValue) Hash() (uint32, error) {
	return 0, fmt.Errorf("unhashable: a structure of the kernel")
}
func (o *opaqueValue) same(p *opaqueValue) bool { return o.v.Pointer() == p.v.Pointer() }

// CompareSameType reports two values equal if they are the same structure.
func (o *opaqueValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameObject(op, o.same(y.(*opaqueValue)))
}

// setOpaque sets a parameter that takes such a structure; None is NULL.
func setOpaque(to reflect.Value, v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	o, ok := v.(*opaqueValue)
	if !ok || o.v.Type() != to.Type() {
		return fmt.Errorf("want a %s as a routine gave it, or None, got %s", opaque[to.Type()], v.Type())
	}
	to.Set(o.v)
	return nil
}
