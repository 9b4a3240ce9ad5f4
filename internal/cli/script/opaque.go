package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/internal/calltext"
)

// opaqueValue is a structure that one kernel routine fills and another consumes: a client or subject context, a saved
// impersonation, an access state. A program can only pass it on.
type opaqueValue struct{ v reflect.Value }

// String returns the text that print shows for the value.
func (o *opaqueValue) String() string { return calltext.Opaque[o.v.Type()] }

// Type returns the name of the type in programs.
func (o *opaqueValue) Type() string { return calltext.Opaque[o.v.Type()] }

// Freeze does nothing: programs cannot change the value.
func (*opaqueValue) Freeze() {}

// Truth reports whether the value is not NULL.
func (o *opaqueValue) Truth() starlark.Bool { return starlark.Bool(!o.v.IsNil()) }

// Hash returns an error: the value cannot be a key.
func (*opaqueValue) Hash() (uint32, error) {
	return 0, fmt.Errorf("unhashable: a structure of the kernel")
}

// same reports whether both hold the same kernel structure, compared by address.
func (o *opaqueValue) same(p *opaqueValue) bool { return o.v.Pointer() == p.v.Pointer() }

// CompareSameType implements starlark.Comparable: values with the same structure are equal.
func (o *opaqueValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameObject(op, o.same(y.(*opaqueValue)))
}

// setOpaque sets a parameter of an opaque type to a value that a routine returned. None is NULL. A value of another
// type is an error.
func setOpaque(to reflect.Value, v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	o, ok := v.(*opaqueValue)
	if !ok || o.v.Type() != to.Type() {
		return fmt.Errorf("want a %s that a routine returned, or None, got %s", calltext.Opaque[to.Type()], v.Type())
	}
	to.Set(o.v)
	return nil
}
