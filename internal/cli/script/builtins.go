package script

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

type builtin func(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

// predeclared returns the predeclared names of a program: its functions and the documented constants. A function that
// the backend or the connection does not support is there, and returns an [*UnaskableError] when it is called.
func (r *Runner) predeclared() starlark.StringDict {
	env := constants()
	for name, f := range map[string]builtin{
		"token": r.token, "process": r.process, "system": r.systemThread, "kernel_mode": r.kernelMode, "file": r.file,
		"object_attributes": r.attributes, "sqos": sqosBuiltin, "privilege_set": privilegeSetBuiltin,
		"bad_pointer":  badPointer,
		"token_object": r.tokenObject, "token_with": tokenWith, "fault": r.fault, "job": r.job,
		"handle_information": r.handleInformation, "security_policy": r.securityPolicy,
		"package_directory":   r.packageDirectory,
		"security_attributes": r.securityAttributes, "job_security_limits": r.jobSecurityLimits,
		"process_by_id": r.processByID,
		"logon_session": r.logonSession, "package_sid": packageSID, "capability_sid": capabilitySID,
		"audit_policy": r.auditPolicy, "audit_records": r.auditRecords, "audit_full": r.auditFull,
		"profile": r.profile, "counts": r.counts, "close_all": r.closeAll, "step": r.step,
		"token_profile": tokenProfile,
	} {
		env[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kwargs []starlark.Tuple) (starlark.Value, error) {
			if err := r.missing(name); err != nil {
				return nil, err
			}
			return f(b, args, kwargs)
		})
	}
	env["expect"] = starlark.NewBuiltin("expect", r.expect)
	env["range"] = starlark.NewBuiltin("range", boundedRange)
	env["getattr"] = starlark.NewBuiltin("getattr", boundedGetattr)
	env[times] = starlark.NewBuiltin(times, boundedOperand)
	env["int"] = starlark.NewBuiltin("int", boundedInt)
	env["queue_system_work"] = starlark.NewBuiltin("queue_system_work", r.queueSystemWork)
	for name, h := range map[string]winnt.Handle{
		"NtCurrentProcess": winnt.NtCurrentProcess, "NtCurrentThread": winnt.NtCurrentThread,
		"NtCurrentProcessToken": winnt.NtCurrentProcessToken,
		"NtCurrentThreadToken":  winnt.NtCurrentThreadToken, "NtCurrentEffectiveToken": winnt.NtCurrentEffectiveToken,
	} {
		env[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kwargs []starlark.Tuple) (starlark.Value, error) {
			return starlark.MakeInt64(int64(h)), starlark.UnpackArgs(b.Name(), args, kwargs)
		})
	}
	return env
}

// process implements process(name, token, sd=None): it creates a process with one thread. token is a token value or a
// token object. It is required, except with Config.Connect. Config.Token replaces a token value. With a backend, a
// token object or a descriptor is an [UnaskableError].
func (r *Runner) process(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var spec kernel.ProcessSpec
	var t, text starlark.Value = nil, starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &spec.Name, "token?", &t, "sd?", &text); err != nil {
		return nil, err
	}
	if r.cfg.Connect != nil {
		return r.connectProcess(spec.Name, t, text)
	}
	switch t := t.(type) {
	case *tokenValue:
		spec.Token = t.t
	case *objectValue:
		spec.TokenObject = t.t
	case nil:
		return nil, errors.New("process: missing argument for token")
	default:
		return nil, fmt.Errorf("process: token: want a token or a token object, got %s", t.Type())
	}
	var err error
	if spec.Descriptor, err = r.parseDescriptor(text); err != nil {
		return nil, fmt.Errorf("sd: %w", err)
	}
	if r.cfg.Token != nil && spec.TokenObject == nil {
		spec.Token = r.cfg.Token
	}
	if r.cfg.Backend != nil && (spec.TokenObject != nil || text != starlark.None) {
		return nil,
			&UnaskableError{"process: a token object, or a descriptor of its own, cannot be given to a process " +
				"that is made from outside"}
	}
	p, err := r.sys.CreateProcess(spec)
	if err != nil {
		return nil, err
	}
	v := &processValue{r: r, p: p}
	if r.cfg.Backend != nil {
		return r.backendProcess(v, spec.Token)
	}
	v.t, err = r.newThread(v)
	return v, err
}

// attach returns a value for a thread and traces its calls. With Config.Attach another thread makes the calls. An
// error of Attach is returned unchanged.
func (r *Runner) attach(v *processValue, th *nt.Thread) (t *threadValue, err error) {
	t = &threadValue{r: r, th: th, calls: th, process: v}
	if r.cfg.Attach != nil {
		if t.calls, err = r.cfg.Attach(v.p, th); err != nil {
			return nil, err
		}
	}
	t.calls.Trace(r.out)
	return t, nil
}

// newThread creates a further thread in v and registers it for the transcript. In a connected process, the daemon
// creates it; with a backend, the backend creates one too. After an error the thread may exist and is not registered.
func (r *Runner) newThread(v *processValue) (*threadValue, error) {
	if v.c != nil {
		th, err := v.c.NewThread()
		if err != nil {
			return nil, err
		}
		return r.connected(v, th), nil
	}
	th, err := v.p.NewThread()
	if err != nil {
		return nil, err
	}
	t, err := r.attach(v, th)
	if err != nil {
		return nil, err
	}
	if v.b != nil {
		if t.b, err = v.b.NewThread(); err != nil {
			return nil, err
		}
	}
	r.threads[th] = t
	return t, nil
}

// systemThread implements system(): it returns the kernel-mode thread of the System process, always the same
// one.
func (r *Runner) systemThread(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return r.system()
}

// system returns the kernel-mode thread of the System process. It creates the thread on the first call and returns
// the same one later. An error is not remembered.
func (r *Runner) system() (*kernelValue, error) {
	if r.kthread == nil {
		k, err := r.sys.SystemThread()
		if err != nil {
			return nil, err
		}
		k.Trace(r.out)
		r.kthread = k
	}
	return &kernelValue{r, r.kthread}, nil
}

// kernelMode implements kernel_mode(thread): it returns the thread's kernel routines, whose calls go to the
// transcript.
func (r *Runner) kernelMode(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var t *threadValue
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "thread", &t); err != nil {
		return nil, err
	}
	k := r.sys.KernelMode(t.th)
	k.Trace(r.out)
	return &kernelValue{r, k}, nil
}

// file implements file: it creates a named file object with a descriptor and returns its name. The descriptor None
// makes an object without security. An existing name and another type than File are errors.
func (r *Runner) file(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	var text starlark.Value
	typ := "File"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "sd", &text, "type?", &typ); err != nil {
		return nil, err
	}
	if typ != "File" {
		return nil, fmt.Errorf("file: type %q: only File objects can be made by a program", typ)
	}
	d, err := r.parseDescriptor(text) // nil for None: the object has no descriptor (O-35)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	return starlark.String(name), r.sys.CreateFile(name, d)
}

// profile implements profile(): it returns the run's profile as a string.
func (r *Runner) profile(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.String(r.cfg.Profile.String()), starlark.UnpackArgs(b.Name(), args, kwargs)
}

// counts implements counts: it returns the numbers of objects, handles and references of the kernel. All are 0 if calls
// are recorded.
func (r *Runner) counts(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	o, h, n := r.sys.Counts()
	if r.cfg.Record != nil {
		o, h, n = 0, 0, 0 // a recording omits the counts, because a backend has none
	}
	return starlark.Tuple{starlark.MakeInt64(o), starlark.MakeInt64(h), starlark.MakeInt64(n)},
		starlark.UnpackArgs(b.Name(), args, kwargs)
}

// closeAll implements close_all: it closes all handles of all processes, ends all impersonations, and drops the
// runner's references to token objects.
func (r *Runner) closeAll(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	r.sys.CloseAllHandles()
	r.release()
	return starlark.None, nil
}

// step implements step: it prints a heading for the following calls. rule, if given, is the rule that they show.
// Without a rule the calls show none.
func (r *Runner) step(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text, rule string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text, "rule?", &rule); err != nil {
		return nil, err
	}
	r.out.rule = rule
	r.out.step(text, rule)
	return starlark.None, nil
}

// expect implements expect: it compares two values. A difference fails the run but does not stop it, so that one run
// shows all differences. Values that cannot be compared stop the program.
func (r *Runner) expect(
	th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var got, want starlark.Value
	why := ""
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "want", &want, "why?", &why); err != nil {
		return nil, err
	}
	same, err := starlark.Equal(got, want)
	if err != nil {
		return nil, err
	}
	if same {
		r.held++
		return starlark.None, nil
	}
	r.failed++
	r.out.failure(position(th), got, want, why)
	return starlark.None, nil
}
