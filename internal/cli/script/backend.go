package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Backend is another system that answers the calls of a program's threads. refmon's kernel then only stores the
// program's names. A program that needs more than user-mode calls (kernel routines, fault, audit_records …) ends
// with an [*UnaskableError].
type Backend interface {
	// NewProcess makes a process that has one thread.
	NewProcess(name string, t *token.Token) (BackendProcess, error)
}

// BackendProcess is a process of a [Backend].
type BackendProcess interface {
	ID() (winnt.Handle, error)
	// NewThread gives the first thread, then further ones.
	NewThread() (BackendThread, error)
	Exit()
}

// BackendThread is a thread of a [Backend].
type BackendThread interface {
	ID() (winnt.Handle, error)
	// CallRow makes a call as nt.Thread.CallRow does. After a failure an output
	// handle is Untouched or what the call left in the variable.
	CallRow(row *nt.Row, in any) (any, ntstatus.Status, error)
	// CallFunction calls a function of win32.Table, as win32.Thread.CallRow.
	CallFunction(row *nt.Row, in any) (out any, result bool, code win32.Code, err error)
}

// Untouched is the value of an output handle that a failed call did not write.
const Untouched winnt.Handle = -0x3333333333333334

// UnaskableError ends a program that uses a function that the backend does not support.
type UnaskableError struct{ Why string }

// Error returns why the backend cannot be asked.
func (e *UnaskableError) Error() string { return e.Why }

// inside maps the functions that inspect or change refmon's kernel from outside to the reason why a backend does not
// support them. Functions that only prepare later calls (kernel_mode, system, file, token_object) are missing: their
// calls fail instead.
var inside = map[string]string{
	"queue_system_work": "a thread of kernel mode", "job": "a job made from outside", "fault": "a failing allocation",
	"close_all": "closing handles from outside", "process_by_id": "a process that a call has made",
	"logon_session":   "a logon session",
	"security_policy": "a change of the system's policy", "package_directory": "a directory made from outside",
	"audit_records": "a look at the audit log", "audit_full": "a full audit log",
}

// unaskable returns the [*UnaskableError] of a predeclared function that a backend does not support. The reason comes
// from the table inside.
func unaskable(name string) error {
	return &UnaskableError{fmt.Sprintf("%s: %s cannot be had from user mode", name, inside[name])}
}

// backendProcess creates the process v in the backend, with its first thread, and returns v. If the backend makes no
// process, it ends v's process in the program's own kernel.
func (r *Runner) backendProcess(v *processValue, t *token.Token) (starlark.Value, error) {
	var err error
	if v.b, err = r.cfg.Backend.NewProcess(v.p.Name(), t); err != nil {
		v.p.Close()
		return nil, err
	}
	v.t, err = r.newThread(v)
	return v, err
}

// queryHandle implements handle_information if calls are recorded or the program is connected to another kernel. It
// calls NtQueryObject on the thread, so that a recording has the rights of the handle. An error status is an error of
// the program.
func (r *Runner) queryHandle(th *threadValue, h winnt.Handle) (starlark.Value, error) {
	out, st, err := th.callRow(nt.NtTable.Find("NtQueryObject"),
		nt.QueryObjectIn{Handle: h, ObjectInformationClass: nt.ObjectBasicInformation, ObjectInformationLength: 56})
	if err != nil {
		return nil, err
	}
	if err := st.Err(); err != nil {
		return nil, fmt.Errorf("handle %s: %w", h, err)
	}
	basic, _ := out.(nt.QueryObjectOut).ObjectInformation.(nt.BasicInformation)
	return r.toValue(reflect.ValueOf(kernel.HandleInformation{HandleAttributes: basic.Attributes,
		GrantedAccess: basic.GrantedAccess}), nil), nil
}

// idValue returns the id of a process or thread of a backend.
func idValue(b interface{ ID() (winnt.Handle, error) }) (starlark.Value, error) {
	id, err := b.ID()
	return starlark.MakeInt64(int64(id)), err
}

// callRow makes a service call of a thread, in refmon's kernel or in the backend, and traces it. It returns only errors
// of the backend; a failed call has an error status and no error.
func (v *threadValue) callRow(row *nt.Row, in any) (any, ntstatus.Status, error) {
	if v.b == nil {
		out, st := v.calls.CallRow(row, in)
		return out, st, nil
	}
	out, st, err := v.b.CallRow(row, in)
	if err == nil {
		v.r.out.Traced(&nt.Call{Thread: v.th.Name(), Row: row, In: in, Out: out, Status: st})
	}
	return out, st, err
}

// callFunction calls a Win32 function of a thread, in refmon's kernel or in the backend. A backend does not return the
// status behind the error code: the Status of a failed call is then STATUS_UNSUCCESSFUL. It returns only errors of the
// backend.
func (v *threadValue) callFunction(row *nt.Row, in any) (*win32Call, error) {
	c := &win32Call{Call: nt.Call{Thread: v.th.Name(), Row: row, In: in}}
	if v.b != nil {
		var err error
		c.Out, c.result, c.code, err = v.b.CallFunction(row, in)
		if !c.result {
			c.Status = ntstatus.Unsuccessful
		}
		return c, err
	}
	w := v.r.win32[v.calls]
	if w == nil {
		w = win32.On(v.calls)
		v.r.win32[v.calls] = w
	}
	inner := &recorder{}
	v.calls.Trace(inner)
	c.Out, c.result, c.code, c.Status = w.CallRow(row, in)
	v.calls.Trace(v.r.out)
	c.inner = inner.calls
	return c, nil
}
