package main

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// agentArgument is the argument that starts this program as an agent, a process of a replayed program. It reads orders
// from standard input, executes them on its own OS threads, and writes the replies to standard output.
const agentArgument = "-agent"

// order is a message from the recorder to an agent process: make a call on a thread or, with New, start a thread.
type order struct {
	Thread int
	New    bool
	Call   request
}

// serve runs the agent until in ends, and returns its exit code: 0 at the end, 2 for an unknown thread or if out fails.
// Each order is answered before the next is read.
func serve(in io.Reader, out io.Writer) (code int) {
	orders, answers := gob.NewDecoder(in), gob.NewEncoder(out)
	var threads []chan *request
	done := make(chan reply)
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			return 0 // the recorder has gone
		}
		if o.New {
			c := make(chan *request)
			threads = append(threads, c)
			go thread(c, done)
			o.Thread, o.Call = len(threads)-1, *call("kernel32.dll", "GetCurrentThreadId")
		}
		if o.Thread >= len(threads) {
			return 2
		}
		threads[o.Thread] <- &o.Call
		if err := answers.Encode(<-done); err != nil {
			return 2
		}
	}
}

// thread executes the requests of one simulated thread on an OS thread of its own, until the channel is closed. The
// OS thread then ends, and its impersonation with it.
func thread(requests <-chan *request, done chan<- reply) {
	runtime.LockOSThread()
	for r := range requests {
		done <- do(r)
	}
}

// machine implements [script.Backend] with the Windows of this machine. Each process of a program is an agent: a
// process of this recorder.
type machine struct {
	a      *asker
	agents []*agent
}

// close ends the processes of a program.
func (m *machine) close() {
	for _, g := range m.agents {
		g.Exit()
	}
}

// NewProcess returns an agent with the token. It does not start the process: the first call on it does, because many
// programs create processes that they never use.
func (m *machine) NewProcess(_ string, t *token.Token) (script.BackendProcess, error) {
	g := &agent{a: m.a, token: t}
	m.agents = append(m.agents, g)
	return g, nil
}

// newUnaskable wraps an error in a [script.UnaskableError], which ends the program and becomes a skipped line.
func newUnaskable(err error) error { return &script.UnaskableError{Why: err.Error()} }

// patience limits the time of one call. No recorded call waits for anything.
const patience = 30 * time.Second

// agent controls one agent process from the recorder's side. It sends it orders and reads replies.
type agent struct {
	a       *asker
	token   *token.Token // that it has, where tokens are made
	cmd     *exec.Cmd    // nil: not started yet
	in      io.Closer
	orders  *gob.Encoder
	answers *gob.Decoder
	threads int
	ended   bool
}

// start starts the process, once. With MadeTokens it gets a new token like g.token, otherwise this process's own. A
// token that cannot be created is an UnaskableError. A second call does nothing. After an error it may be called again.
func (g *agent) start() error {
	if g.cmd != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, agentArgument)
	cmd.Env = os.Environ() // a token that was made has no profile to take one from
	if g.a.tokens == replay.MadeTokens {
		h, err := g.a.make(g.token, winnt.TokenPrimary)
		if err != nil {
			return newUnaskable(err)
		}
		defer g.a.closeHandle(h) // the process has a token of its own once it is started
		startAs(cmd, h)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return newUnaskable(fmt.Errorf("a process with this token could not be started: %w", err))
	}
	g.cmd, g.in, g.orders, g.answers = cmd, in, gob.NewEncoder(in), gob.NewDecoder(out)
	return nil
}

// ID returns the id of the agent's process. It starts the process if necessary, and returns an error if that fails.
func (g *agent) ID() (winnt.Handle, error) {
	if err := g.start(); err != nil {
		return 0, err
	}
	return winnt.Handle(g.cmd.Process.Pid), nil
}

// Exit kills the process and waits for it. A second call does nothing, and no call starts the process afterwards.
func (g *agent) Exit() {
	if g.ended || g.cmd == nil {
		g.ended = true
		return
	}
	g.ended = true
	_ = g.in.Close()
	_ = g.cmd.Process.Kill() // it may be in a call
	_ = g.cmd.Wait()
}

// NewThread returns a thread, which the first call on it starts. It never fails.
func (g *agent) NewThread() (script.BackendThread, error) { return &agentThread{g: g}, nil }

// send sends an order and returns the reply. It starts the process if necessary, and kills it after patience. A process
// that has ended, or that the call ended, is an UnaskableError. After an UnaskableError every further call is one.
func (g *agent) send(o order) (p reply, err error) {
	if g.ended {
		return p, newUnaskable(errors.New("the process has ended"))
	}
	if err := g.start(); err != nil {
		return p, err
	}
	late := time.AfterFunc(patience, func() { _ = g.cmd.Process.Kill() }) // then the answer fails
	defer late.Stop()
	if err = g.orders.Encode(o); err == nil {
		err = g.answers.Decode(&p)
	}
	if err != nil {
		g.ended = true
		_ = g.in.Close()
		err = newUnaskable(fmt.Errorf("%s ended the process that called it: %w", o.Call.Proc,
			errors.Join(err, g.cmd.Wait())))
	}
	return p, err
}

// agentThread is one thread of an agent process, from the recorder's side.
type agentThread struct {
	g  *agent
	n  int          // in the agent
	id winnt.Handle // 0: not begun yet
}

// ID returns the id of the thread. It starts the thread if necessary, and returns an error if the agent does not
// answer.
func (t *agentThread) ID() (winnt.Handle, error) {
	if t.id != 0 {
		return t.id, nil
	}
	p, err := t.g.send(order{New: true})
	if err != nil {
		return 0, err
	}
	t.n, t.id = t.g.threads, winnt.Handle(uint32(p.Return))
	t.g.threads++
	return t.id, nil
}

// CallRow calls a service on the thread. A service that this recorder does not support is an UnaskableError.
func (t *agentThread) CallRow(row *nt.Row, in any) (out any, st ntstatus.Status, err error) {
	s := findService(row.Info().Name)
	if s == nil {
		return nil, 0, &script.UnaskableError{Why: row.Info().Name + ": this recorder does not make the call"}
	}
	err = t.withGate(func(do gate) (err error) {
		out, st, err = s(do, in)
		return err
	})
	return out, st, err
}

// CallFunction calls a function of advapi32.dll on the thread. A function that this recorder does not support is an
// UnaskableError.
func (t *agentThread) CallFunction(row *nt.Row, in any) (out any, result bool, code win32.Code, err error) {
	f := functions[row.Info().Name]
	if f == nil {
		return nil, false, 0, &script.UnaskableError{Why: row.Info().Name + ": this recorder does not make the call"}
	}
	err = t.withGate(func(do gate) (err error) {
		out, result, code, err = f(do, in)
		return err
	})
	return out, result, code, err
}

// withGate calls f with a gate that executes requests on this thread of the agent. It returns the error of a lost
// process before that of f. A skipError becomes an UnaskableError. A thread without an id is an error before f runs.
func (t *agentThread) withGate(f func(gate) error) error {
	if _, err := t.ID(); err != nil {
		return err
	}
	var lost error
	err := f(func(r *request) reply {
		p, err := t.g.send(order{Thread: t.n, Call: *r})
		if err != nil {
			lost = err
			return reply{Missing: err.Error()}
		}
		return p
	})
	var why *skipError
	switch {
	case lost != nil:
		return lost
	case errors.As(err, &why):
		return newUnaskable(err)
	}
	return err
}
