//go:build cgo && linux

package main

import (
	"sync"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// attached is the connection to the daemon that the environment names. It stands for the process of this program. Calls
// go to the daemon instead of the embedded kernel, which is then not booted.
type attached struct {
	*client.Conn
	process winnt.Handle

	mu  sync.Mutex
	own *nt.Thread // of the library itself, for look-ups; guarded by mu
}

// daemon returns the connection to the daemon, which its first call makes. It returns nil if REFMON_SOCKET is not used.
var daemon = sync.OnceValue(func() *attached {
	socket := environment("REFMON_SOCKET")
	if socket == "" {
		return nil
	}
	c, err := client.Dial(socket)
	if err != nil {
		die("REFMON_SOCKET: %v", err)
	}
	return &attached{Conn: c, process: c.Process(), own: c.Thread()}
})

// processID returns the id of this program's process.
func processID() winnt.Handle {
	if d := daemon(); d != nil {
		return d.process
	}
	_, p := embedded()
	return p.ID()
}

// attach makes a thread of the daemon for the calling pthread. It returns the thread's number, 0 on failure.
func (d *attached) attach() uint64 {
	tr, err := d.NewTransport()
	if err != nil {
		return 0
	}
	return attachTo(tr, d.Profile())
}

// attachTo registers a daemon's thread for the calling pthread and returns its number. It ends the thread and returns 0
// if the daemon does not return its id.
func attachTo(tr nt.Transport, p nt.Profile) uint64 {
	r := &remote{tr: tr}
	t := &thread{nt: nt.NewRemoteThread(tr, ""), sys: r, profile: p, Memory: new(marshal.Memory)}
	out, st := r.NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
		ThreadInformationClass: nt.ThreadBasicInformation, ThreadInformationLength: ^uint32(0)})
	basic, ok := out.ThreadInformation.(nt.ThreadBasic)
	if st != ntstatus.Success || !ok {
		r.EndThread()
		return 0
	}
	t.id = basic.ClientID.UniqueThread
	return register(t)
}

// remote sends the calls of one pthread to the daemon. Only that pthread uses it, and the goroutine of callQueued. It
// implements [nt.Services].
type remote struct {
	tr   nt.Transport
	wait *nt.Wait // set while a call waits
}

// remote returns the thread's connection to the daemon, nil for a thread of the embedded kernel.
func (t *thread) remote() *remote {
	r, _ := t.sys.(*remote)
	return r
}

// rows are the services by their names.
var rows = sync.OnceValue(func() map[string]*nt.Row {
	m := map[string]*nt.Row{}
	for r := range nt.NtTable.All {
		m[r.Info().Name] = r
	}
	return m
})

// over calls a service of the daemon by name and returns its output. The zero output comes with a status of a failed
// call or connection.
func over[O any](r *remote, name string, in any) (out O, st ntstatus.Status) {
	var v any
	if l := laterOf(in); l != nil {
		v, st = r.tr.(interface {
			CallLater(*nt.Row, any, *nt.Later) (any, ntstatus.Status)
		}).CallLater(rows()[name], in, l)
	} else if r.wait != nil {
		v, st = r.tr.CallWhenReady(rows()[name], in, *r.wait)
	} else {
		v, st, _ = r.tr.Call(rows()[name], in, false)
	}
	out, _ = v.(O)
	return out, st
}

// laterOf returns the Later field of a service's input: the destination of a delayed result (see [nt.Later]). in is
// the input. The result is nil if the caller waits in the call. Services other than read, write, flush and file
// system control have no such field and return nil.
func laterOf(in any) *nt.Later {
	switch p := in.(type) {
	case nt.ReadFileIn:
		return p.Later
	case nt.WriteFileIn:
		return p.Later
	case nt.FsControlFileIn:
		return p.Later
	case nt.FlushBuffersFileIn:
		return p.Later
	}
	return nil
}

// until makes the call try, and lets the daemon repeat it as long as its status is blocked. h is the object whose
// changes the daemon waits for. It returns the final status.
func (r *remote) until(h winnt.Handle, blocked ntstatus.Status, try func() ntstatus.Status) ntstatus.Status {
	st := try()
	if st != blocked {
		return st
	}
	r.wait = &nt.Wait{Handle: h, NotYet: blocked}
	defer func() { r.wait = nil }()
	return try()
}

// PipeChanged returns nil and false, because the daemon waits for pipes; see CallLater. It implements [nt.Services].
func (r *remote) PipeChanged(winnt.Handle) (<-chan struct{}, bool) { return nil, false }

// ObjectSignaled returns nil and false, because the daemon waits for objects; see waitFor and waitAny. It implements
// [nt.Services].
func (r *remote) ObjectSignaled(winnt.Handle) (nt.Waiter, bool) { return nil, false }

// CallQueued implements [nt.Services]. It returns nil because the daemon waits, see waitFor and waitAny.
func (r *remote) CallQueued() <-chan struct{} { return nil }

// callQueued returns a channel that is closed if an APC is already queued to the thread, or is queued before over is
// closed. It stays open if the daemon refuses the wait, so that only the end of the operation ends it.
func (r *remote) callQueued(over <-chan struct{}) <-chan struct{} {
	queued := make(chan struct{})
	go func() {
		if r.anyOf(nil, true, over) == ntstatus.UserAPC {
			close(queued)
		}
	}()
	return queued
}

// CallsQueued implements [nt.Services]. It always returns false: only NtTestAlert can tell whether calls are queued.
func (r *remote) CallsQueued() bool { return false }

// waitFor waits in the daemon until one object is signaled or the limit has passed, which is STATUS_TIMEOUT. It tries
// the object first. With a limit of 0 it only tries. Without a limit it waits for ever.
func (r *remote) waitFor(h winnt.Handle, l limit) ntstatus.Status {
	in := nt.WaitForSingleObjectIn{Handle: h}
	_, st := r.NtWaitForSingleObject(in)
	if st != ntstatus.Timeout || l.given && time.Until(l.until) <= 0 {
		return st
	}
	due, stop := l.due()
	defer stop()
	r.wait = &nt.Wait{Handle: h, NotYet: ntstatus.Timeout, Due: due}
	defer func() { r.wait = nil }()
	if _, st = r.NtWaitForSingleObject(in); st == ntstatus.Cancelled {
		st = ntstatus.Timeout
	}
	return st
}

// due returns a channel that is closed at the limit, or nil for no limit, and a function that stops the timer.
func (l limit) due() (over <-chan struct{}, stop func() bool) {
	if !l.given {
		return nil, func() bool { return false }
	}
	due := make(chan struct{})
	return due, time.AfterFunc(time.Until(l.until), func() { close(due) }).Stop
}

// waitAny waits in the daemon for the first of several objects and returns its index. With alertable, queued APCs end
// it with STATUS_USER_APC. At the limit it returns STATUS_TIMEOUT.
func (r *remote) waitAny(handles []winnt.Handle, alertable bool, l limit) ntstatus.Status {
	due, stop := l.due()
	defer stop()
	if st := r.anyOf(handles, alertable, due); st != ntstatus.Cancelled {
		return st
	}
	return ntstatus.Timeout
}

// anyOf does the work of waitAny, but returns STATUS_CANCELLED when due is closed.
func (r *remote) anyOf(handles []winnt.Handle, alertable bool, due <-chan struct{}) ntstatus.Status {
	return r.tr.(interface {
		WaitAny([]winnt.Handle, bool, <-chan struct{}) ntstatus.Status
	}).WaitAny(handles, alertable, due)
}

// PortChanged returns nil and false, because the daemon waits for ports. It implements [nt.Services].
func (r *remote) PortChanged(winnt.Handle) (<-chan struct{}, bool) { return nil, false }

// PortConnected waits at the daemon until the connection is complete, and returns the server's information and the
// longest message. It implements [nt.Services].
func (r *remote) PortConnected(h winnt.Handle) ([]byte, uint32, ntstatus.Status) {
	return r.tr.(interface {
		PortConnected(winnt.Handle) ([]byte, uint32, ntstatus.Status)
	}).PortConnected(h)
}

// NewThread starts a thread in the program's process at the daemon and returns its services and name. It implements
// [nt.Services].
func (r *remote) NewThread() (nt.Services, string, ntstatus.Status) {
	tr, name, st := r.tr.NewThread()
	return &remote{tr: tr}, name, st
}

// EndThread ends the thread at the daemon. It implements [nt.Services].
func (r *remote) EndThread() { r.tr.EndThread() }

// Profile returns the conformance profile of the daemon's kernel. It implements [nt.Services].
func (r *remote) Profile() nt.Profile { return r.tr.Profile() }

// RecordWhy implements [nt.Services]. It does nothing, because C programs get no reasons.
func (r *remote) RecordWhy(bool) {}

// OnWait implements [nt.Services]: the daemon waits for its own disk.
func (r *remote) OnWait(func(<-chan struct{})) {}

// TakeWhy returns the zero Why, because C programs get no reasons. It implements [nt.Services].
func (r *remote) TakeWhy() nt.Why { return nt.Why{} }

// SaveImpersonation saves the thread's client token at the daemon and returns a ticket for it. If the connection
// fails, the ticket restores nothing. It implements [nt.Services].
func (r *remote) SaveImpersonation() nt.Ticket {
	k, _ := r.tr.SaveImpersonation()
	return k
}

// RestoreImpersonation restores the client token of a ticket at the daemon. It implements [nt.Services].
func (r *remote) RestoreImpersonation(k nt.Ticket) { r.tr.RestoreImpersonation(k) }
