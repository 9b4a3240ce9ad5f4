package script

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// structValue is a structure for a parameter of its type.
type structValue struct {
	v    reflect.Value
	name string
	text string
}

// String returns the text that print shows for the value.
func (v *structValue) String() string { return v.text }

// Type returns the name of the type in programs.
func (v *structValue) Type() string { return v.name }

// Freeze does nothing: programs cannot change the value.
func (*structValue) Freeze() {}

// Truth returns true.
func (*structValue) Truth() starlark.Bool { return true }

// Hash returns an error: the value cannot be a key.
func (v *structValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", v.name) }

// newStruct returns a Starlark value that holds x. kwargs are the arguments that made it, for its text.
func newStruct(name string, x any, kwargs []starlark.Tuple) *structValue {
	var parts []string
	for _, kw := range kwargs {
		parts = append(parts, string(kw[0].(starlark.String))+"="+kw[1].String())
	}
	return &structValue{reflect.ValueOf(x), name, name + "(" + strings.Join(parts, ", ") + ")"}
}

// structTypes maps the parameter types to the function that creates them.
var structTypes = map[reflect.Type]string{
	reflect.TypeFor[nt.Captured[*nt.JobSecurityLimitInformation]](): "job_security_limits",
	reflect.TypeFor[*win32.SecurityAttributes]():                    "security_attributes",
}

// setStruct sets a parameter of one of structTypes; None is NULL. done is false for other types. Another value is an
// error. An error leaves the parameter unchanged.
func setStruct(to reflect.Value, v starlark.Value) (done bool, err error) {
	name, ok := structTypes[to.Type()]
	if !ok {
		return false, nil
	}
	if v == starlark.None {
		return true, nil
	}
	s, ok := v.(*structValue)
	if !ok || s.v.Type() != to.Type() {
		return true, fmt.Errorf("want %s(…) or None, got %s", name, v.Type())
	}
	to.Set(s.v)
	return true, nil
}

// securityAttributes implements security_attributes: it returns a SECURITY_ATTRIBUTES structure for a call of a Win32
// function. Without sd the descriptor is nil.
func (r *Runner) securityAttributes(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var text starlark.Value = starlark.None
	a := &win32.SecurityAttributes{}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "sd?", &text, "inherit?", &a.InheritHandle); err != nil {
		return nil, err
	}
	d, err := r.parseDescriptor(text)
	if err != nil {
		return nil, fmt.Errorf("sd: %w", err)
	}
	a.SecurityDescriptor = d
	return newStruct("security_attributes", a, kwargs), nil
}

// jobSecurityLimits implements job_security_limits: it returns a JOBOBJECT_SECURITY_LIMIT_INFORMATION structure for a
// call. Without arguments it has no limits. A malformed SID, privilege or token is an error. Positional arguments have
// the order of the structure.
func (r *Runner) jobSecurityLimits(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var flags uint32
	var tok starlark.Value = starlark.None
	var disable, remove, restrict *starlark.List
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "SecurityLimitFlags?", &flags, "JobToken?", &tok,
		"SidsToDisable?", &disable,
		"PrivilegesToDelete?", &remove, "RestrictedSids?", &restrict); err != nil {
		return nil, err
	}
	h, err := handle(tok)
	if err != nil {
		return nil, fmt.Errorf("JobToken: %w", err)
	}
	l := &nt.JobSecurityLimitInformation{SecurityLimitFlags: flags, JobToken: winnt.Handle(h)}
	for _, part := range []struct {
		from *starlark.List
		to   *[]token.Group
	}{{disable, &l.SidsToDisable}, {restrict, &l.RestrictedSids}} {
		sids, err := r.sids(part.from)
		if err != nil {
			return nil, err
		}
		for _, s := range sids {
			*part.to = append(*part.to, token.Group{SID: s})
		}
	}
	if remove != nil {
		if l.PrivilegesToDelete, err = luids(remove, 0); err != nil {
			return nil, fmt.Errorf("PrivilegesToDelete: %w", err)
		}
	}
	return newStruct("job_security_limits", nt.Cap(l), kwargs), nil
}

// processByID implements process_by_id: it returns the process with an id. A process that the program already has is
// returned as the same value. The value's thread is the first of the process, or a new one if the process has none.
// An unknown id is an error.
func (r *Runner) processByID(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var id starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "id", &id); err != nil {
		return nil, err
	}
	h, err := handle(id)
	if err != nil {
		return nil, err
	}
	p := r.sys.Process(winnt.Handle(h))
	if p == nil {
		return nil, fmt.Errorf("process_by_id: no process has the id %s", id)
	}
	for _, t := range r.threads {
		if t.process.p == p {
			return t.process, nil
		}
	}
	v := &processValue{r: r, p: p}
	th := p.FirstThread()
	if th == nil {
		v.t, err = r.newThread(v)
		return v, err
	}
	if v.t, err = r.attach(v, th); err != nil {
		return nil, err
	}
	r.threads[th] = v.t
	return v, nil
}

// queueSystemWork implements queue_system_work: it runs fn(worker, requester) on a system thread. It waits and
// returns the result of fn. worker is the system thread in kernel mode. requester is the thread's security context
// when the work was queued. fn must not queue other work. An error or panic of fn, and a full or closed queue, are
// errors.
func (r *Runner) queueSystemWork(
	th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var t *threadValue
	var fn starlark.Callable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "thread", &t, "fn", &fn); err != nil {
		return nil, err
	}
	if err := r.missing("queue_system_work"); err != nil {
		return nil, err
	}
	if r.working {
		return nil, fmt.Errorf("queue_system_work: work in the queue cannot wait for other work")
	}
	r.working = true
	defer func() { r.working = false }()
	type outcome struct {
		v   starlark.Value
		err error
	}
	done := make(chan outcome, 1)
	err := r.sys.KernelMode(t.th).QueueSystemWork(func(_ context.Context, worker *kernel.KernelThread,
		requester *kernel.SubjectContext) {
		var o outcome
		defer func() {
			if x := recover(); x != nil {
				o = outcome{nil, recovered(x)}
			}
			done <- o
		}()
		worker.Trace(r.out)
		defer worker.Trace(nil)
		o.v, o.err = starlark.Call(th, fn, starlark.Tuple{&kernelValue{r, worker},
			&opaqueValue{reflect.ValueOf(requester)}}, nil)
	})
	if err != nil {
		return nil, err
	}
	o := <-done // wait: only one goroutine at a time may run the program
	return o.v, o.err
}
