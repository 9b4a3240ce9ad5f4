package script

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Connection is a process in another program's kernel, with its first thread. Package client implements it. The
// interface is here so that the playground does not link the network.
type Connection interface {
	Process() winnt.Handle
	Thread() *nt.Thread
	NewThread() (*nt.Thread, error)
	Close() error
}

// absent maps further functions that a connection does not support to the feature that they need.
var absent = map[string]string{
	"kernel_mode": "a routine of kernel mode", "system": "a routine of kernel mode",
	"file": "an object made from outside", "token_object": "a token object made from outside",
	"counts": "the count of a kernel's objects", "close_all": "closing handles from outside",
	"audit_policy": "a change of the system's policy",
}

// missing returns an [*UnaskableError] if the backend or the connection does not support a function, otherwise nil.
// Functions in inside are missing with a backend and with a connection, those in absent with a connection only.
func (r *Runner) missing(name string) error {
	if r.cfg.Backend != nil && inside[name] != "" {
		return unaskable(name)
	}
	if r.cfg.Connect == nil {
		return nil
	}
	what := absent[name]
	if what == "" {
		what = inside[name]
	}
	if what == "" {
		return nil
	}
	// Routines of kernel mode never travel (W-26).
	return &UnaskableError{fmt.Sprintf("%s: %s cannot be had over a connection, which carries calls of user mode only",
		name, what)}
}

// connectProcess creates a process by connecting to the other kernel. The daemon determines its token, so a token or
// descriptor in the call is an [*UnaskableError]. The Runner takes over the daemon's profile. The connection closes
// with the Runner.
func (r *Runner) connectProcess(name string, t, descriptor starlark.Value) (starlark.Value, error) {
	if t != nil || descriptor != starlark.None {
		// The daemon, not the program, decides the identity of a connection (W-26).
		return nil, &UnaskableError{"process: the daemon decides which token and descriptor a connection gets, " +
			`from who you are: write process("` + name + `")`}
	}
	c, err := r.cfg.Connect()
	if err != nil {
		return nil, err
	}
	r.connections = append(r.connections, c)
	r.cfg.Profile = c.Thread().Profile()
	v := &processValue{r: r, c: c, name: name}
	v.t = r.connected(v, c.Thread())
	return v, nil
}

// connected returns a value for a thread of a connection and traces its calls.
func (r *Runner) connected(v *processValue, th *nt.Thread) *threadValue {
	th.Trace(r.out)
	return &threadValue{r: r, th: th, calls: th, process: v}
}

// disconnect closes the connections of a program and returns their errors, joined. A second call does nothing.
func (r *Runner) disconnect() error {
	var failed error
	for _, c := range r.connections {
		failed = errors.Join(failed, c.Close())
	}
	r.connections = nil
	return failed
}
