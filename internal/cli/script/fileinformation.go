package script

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/nt"
)

// fileInformation converts the input of NtSetInformationFile: the modes of a pipe, as a dict with ReadMode and
// CompletionMode or as returned by a query. Other structures are not supported. A missing mode is an error.
func fileInformation(v starlark.Value) (c nt.Captured[any], err error) {
	var i nt.PipeInformation
	for _, mode := range []struct {
		name string
		to   *uint32
	}{{"ReadMode", &i.ReadMode}, {"CompletionMode", &i.CompletionMode}} {
		x, err := member(v, mode.name)
		if err != nil {
			return c, err
		}
		if *mode.to, err = uint32Value(x); err != nil {
			return c, fmt.Errorf("%s: %w", mode.name, err)
		}
	}
	return nt.Cap[any](i), nil
}

// member returns an entry of a dict, or an attribute of another value. A missing one is an error. A value without
// members is an error, too.
func member(v starlark.Value, name string) (starlark.Value, error) {
	if d, ok := v.(*starlark.Dict); ok {
		if x, found, err := d.Get(starlark.String(name)); found && err == nil {
			return x, nil
		}
	} else if s, ok := v.(starlark.HasAttrs); ok {
		if x, err := s.Attr(name); x != nil && err == nil {
			return x, nil
		}
	}
	return nil, fmt.Errorf("want ReadMode and CompletionMode, as FilePipeInformation has: %s has no %s", v.Type(), name)
}
