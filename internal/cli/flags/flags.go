// Package flags rejects empty flag values on a command line.
//
//	ctx, err := parser.Parse(args)
//	if err == nil {
//		err = flags.RefuseEmpty(ctx)
//	}
//
// The package has no types and no state.
package flags

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

// RefuseEmpty returns an error that names the first flag with an empty text, or with an empty element
// in its list. It returns nil if every flag of the line has a value. A script writes --want "$RIGHT"
// with a variable that is not set: without this check the question would be about everything.
func RefuseEmpty(ctx *kong.Context) error {
	for _, p := range ctx.Path {
		if p.Flag != nil && empty(p.Flag.Target) {
			return fmt.Errorf("--%s is empty: give a value, or omit the flag", p.Flag.Name)
		}
	}
	return nil
}

// empty reports whether v is an empty string, an empty list, or a list with an empty element. A nil pointer and any
// other type are not empty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return v.Len() == 0
	case reflect.Pointer:
		return !v.IsNil() && empty(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if empty(v.Index(i)) {
				return true
			}
		}
		return v.Len() == 0
	}
	return false
}
