package script

import (
	"fmt"
	"sort"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// named is a constant with a documented name: a status, level, token type or information class. It is equal only to
// itself and converts to its number.
type named struct {
	kind string
	n    uint64
	name string
}

// String returns the text that print shows for the value.
func (v named) String() string { return v.name }

// Type returns the name of the type in programs.
func (v named) Type() string { return v.kind }

// Freeze does nothing: programs cannot change the value.
func (named) Freeze() {}

// Truth returns true.
func (named) Truth() starlark.Bool { return true }

// Hash returns a hash, so that the value can be a key.
func (v named) Hash() (uint32, error) { return uint32(v.n), nil }

// CompareSameType implements starlark.Comparable. Constants of one kind have the order of their numbers; ordering
// different kinds is an error. Equality of different kinds is no error: they are different.
func (v named) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	w := y.(named)
	switch op {
	case syntax.EQL:
		return v.kind == w.kind && v.n == w.n, nil
	case syntax.NEQ:
		return v.kind != w.kind || v.n != w.n, nil
	}
	if v.kind != w.kind {
		return false, fmt.Errorf("%s and %s cannot be ordered", v.kind, w.kind)
	}
	switch op {
	case syntax.LT:
		return v.n < w.n, nil
	case syntax.LE:
		return v.n <= w.n, nil
	case syntax.GT:
		return v.n > w.n, nil
	}
	return v.n >= w.n, nil
}

// tokenValue is a token as a value. It is not an object yet.
type tokenValue struct {
	t    *token.Token
	name string
	dacl bool // defaultDacl was given: it protects the objects made of the value
}

// String returns the text that print shows for the value.
func (v *tokenValue) String() string { return v.name }

// Type returns "token", the name of the type in programs.
func (*tokenValue) Type() string { return "token" }

// Freeze does nothing: programs cannot change the value.
func (*tokenValue) Freeze() {}

// Truth returns true.
func (*tokenValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*tokenValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: token") }

// objectValue is a reference to a token object, as kernel routines return it.
type objectValue struct {
	t    *kernel.AccessToken
	name string
}

// String returns the text that print shows for the value.
func (v *objectValue) String() string { return v.name }

// Type returns "token object", the name of the type in programs.
func (*objectValue) Type() string { return "token object" }

// Freeze does nothing: programs cannot change the value.
func (*objectValue) Freeze() {}

// Truth returns true.
func (*objectValue) Truth() starlark.Bool { return true }

// Hash returns a hash, so that the value can be a key.
func (v *objectValue) Hash() (uint32, error) { return uint32(v.t.ID()), nil }

// CompareSameType implements starlark.Comparable: references to the same object are equal.
func (v *objectValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameObject(op, v.t == y.(*objectValue).t)
}

// noAttribute returns an error with the most similar name for a missing attribute. Without a similar name it returns
// nil and no error, so that the interpreter reports the attribute.
func noAttribute(typ, name string, has []string) (starlark.Value, error) {
	if near := words.Nearest(name, has); near != "" {
		return nil, fmt.Errorf("%s has no attribute %s: did you mean %s?", typ, name, near)
	}
	return nil, nil
}

// processValue is a process.
type processValue struct {
	r *Runner
	p *kernel.Process // nil for a connection
	t *threadValue    // the first thread
	b BackendProcess

	c    Connection // nil unless the program is connected to a kernel elsewhere
	name string     // of a connection
}

// String returns the text that print shows for the value.
func (v *processValue) String() string {
	if v.c != nil {
		return v.name
	}
	return v.p.Name()
}

// Type returns "process", the name of the type in programs.
func (*processValue) Type() string { return "process" }

// Freeze does nothing: programs cannot change the value.
func (*processValue) Freeze() {}

// Truth returns true.
func (*processValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*processValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: process") }

// AttrNames returns the names that Attr accepts, sorted.
func (*processValue) AttrNames() []string {
	return []string{"exit", "id", "name", "new_thread", "thread"}
}

// Attr returns an attribute of the process: id, name, its first thread, and the functions new_thread and exit. exit
// disconnects a client process of a daemon, and otherwise exits the process. Another name is an error.
func (v *processValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "thread":
		return v.t, nil
	case "id":
		if v.b != nil {
			return idValue(v.b)
		}
		if v.c != nil {
			return starlark.MakeInt64(int64(v.c.Process())), nil
		}
		return starlark.MakeInt64(int64(v.p.ID())), nil
	case "name":
		return starlark.String(v.String()), nil
	case "new_thread":
		return starlark.NewBuiltin("new_thread", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kw []starlark.Tuple) (starlark.Value, error) {
			if err := starlark.UnpackArgs(b.Name(), args, kw); err != nil {
				return nil, err
			}
			return v.r.newThread(v)
		}), nil
	case "exit":
		return starlark.NewBuiltin("exit", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kw []starlark.Tuple) (starlark.Value, error) {
			if err := starlark.UnpackArgs(b.Name(), args, kw); err != nil {
				return nil, err
			}
			if v.c != nil {
				return starlark.None, v.c.Close()
			}
			if v.b != nil {
				v.b.Exit()
			}
			v.p.Exit()
			return starlark.None, nil
		}), nil
	}
	return noAttribute("process", name, v.AttrNames())
}

// threadValue is a thread in user mode. Its methods are the rows of nt.NtTable.
type threadValue struct {
	r       *Runner
	th      *nt.Thread // as the kernel made it
	calls   *nt.Thread // makes the calls: th, or what Config.Attach gave
	process *processValue
	b       BackendThread
}

// String returns the text that print shows for the value.
func (v *threadValue) String() string { return v.th.Name() }

// Type returns "thread", the name of the type in programs.
func (*threadValue) Type() string { return "thread" }

// Freeze does nothing: programs cannot change the value.
func (*threadValue) Freeze() {}

// Truth returns true.
func (*threadValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*threadValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: thread") }

// AttrNames returns the names that Attr accepts, sorted: id, name, process and all services and Win32 functions.
func (*threadValue) AttrNames() []string {
	names := []string{"id", "name", "process"}
	for _, t := range []*nt.Table{&nt.NtTable, &win32.Table} {
		for row := range t.All {
			names = append(names, row.Info().Name)
		}
	}
	sort.Strings(names)
	return names
}

// Attr returns id, name or process, or a service or Win32 function as a method. A kernel-mode routine is an error. So
// is an unknown name. The id of a thread over a connection is an UnaskableError.
func (v *threadValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id":
		if v.b != nil {
			return idValue(v.b)
		}
		o := v.r.sys.ThreadObject(v.th)
		if o == nil {
			return nil, &UnaskableError{"id: the id of a thread cannot be had over a connection"}
		}
		return starlark.MakeInt64(int64(o.ID())), nil
	case "name":
		return starlark.String(v.th.Name()), nil
	case "process":
		return v.process, nil
	}
	if row := nt.NtTable.Find(name); row != nil {
		return v.r.method(row, v.callRow), nil
	}
	if row := win32.Table.Find(name); row != nil {
		return v.r.win32Method(v, row), nil
	}
	if kernel.Table.Find(name) != nil {
		return nil, fmt.Errorf("%s is a kernel-mode routine: call it on kernel_mode(thread) or system()", name)
	}
	return noAttribute("thread", name, v.AttrNames())
}

// kernelValue is a thread in kernel mode. Its methods are the rows of kernel.Table.
type kernelValue struct {
	r *Runner
	k *kernel.KernelThread
}

// String returns the text that print shows for the value.
func (v *kernelValue) String() string { return v.k.Name() }

// Type returns "kernel thread", the name of the type in programs.
func (*kernelValue) Type() string { return "kernel thread" }

// Freeze does nothing: programs cannot change the value.
func (*kernelValue) Freeze() {}

// Truth returns true.
func (*kernelValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (*kernelValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: kernel thread") }

// AttrNames returns the names that Attr accepts, sorted: name and all kernel routines.
func (*kernelValue) AttrNames() []string {
	names := []string{"name"}
	for row := range kernel.Table.All {
		names = append(names, row.Info().Name)
	}
	sort.Strings(names)
	return names
}

// Attr returns the name, or a kernel routine as a method. A user-mode service is an error. So is an unknown name. With
// a backend a routine returns an UnaskableError when it is called.
func (v *kernelValue) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(v.k.Name()), nil
	}
	if row := kernel.Table.Find(name); row != nil {
		return v.r.method(row, func(row *nt.Row, in any) (any, ntstatus.Status, error) {
			if v.r.cfg.Backend != nil {
				return nil, 0, &UnaskableError{"a routine of kernel mode cannot be called from user mode"}
			}
			out, st := v.k.CallRow(row, in)
			return out, st, nil
		}), nil
	}
	if nt.NtTable.Find(name) != nil {
		return nil, fmt.Errorf("%s is a user-mode service: call it on a thread, or Zw%s here", name,
			strings.TrimPrefix(name, "Nt"))
	}
	return noAttribute("kernel thread", name, v.AttrNames())
}

// quietly runs f without printing its calls.
func (v *kernelValue) quietly(f func()) {
	v.k.Trace(nil)
	defer v.k.Trace(v.r.out)
	f()
}
