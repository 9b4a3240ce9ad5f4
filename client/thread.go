package client

import (
	"fmt"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// thread sends the calls of one thread to the daemon. It implements [nt.Transport].
type thread struct {
	c      *Conn
	number uint32
}

// Call makes a call and blocks until the answer. out is the row's output structure, its zero value after an error.
// reason explains a refusal if why is true. If the daemon defines the row differently, the status is
// STATUS_NOT_SUPPORTED (W-5). On a lost connection it is STATUS_PORT_DISCONNECTED (W-9). If the call would have ended
// the thread's own impersonation and fails, the connection ends, as for RestoreImpersonation.
func (t *thread) Call(row *nt.Row, in any, why bool) (out any, st ntstatus.Status, reason nt.Why) {
	out, st, reason = t.send(&wire.Frame{Kind: wire.Call}, row, in, why, nil, nil)
	if s, ok := in.(nt.SetInformationThreadIn); ok && s == revert {
		t.ended(st)
	}
	return out, st, reason
}

// revert is the input of the call that ends the impersonation of its thread, as RevertToSelf does.
var revert = nt.SetInformationThreadIn{ThreadHandle: winnt.NtCurrentThread, ThreadInformationLength: 8,
	ThreadInformationClass: nt.ThreadImpersonationToken}

// CallWhenReady makes a call and blocks until its status is no longer w.NotYet. The daemon waits, so there is one
// call and one answer, however long it takes (W-20). Closing w.Closed or w.Due cancels the call, with
// STATUS_CANCELLED.
func (t *thread) CallWhenReady(row *nt.Row, in any, w nt.Wait) (any, ntstatus.Status) {
	out, st, _ := t.send(&wire.Frame{Kind: wire.Wait, Body: wire.AppendWait(nil, w.Handle, w.NotYet)}, row, in, false,
		w.Closed, w.Due)
	return out, st
}

// send calls the service row with the parameters in, and waits for the answer. f is the request's frame; its body
// holds the bytes before the call. Failures, with the row's empty result in out, are:
//   - a row that the daemon does not have: STATUS_NOT_SUPPORTED
//   - a parameter that cannot be encoded, or a body above wire.MaxBody: STATUS_INVALID_PARAMETER
//   - a lost connection or a malformed answer: STATUS_PORT_DISCONNECTED
func (t *thread) send(f *wire.Frame, row *nt.Row, in any, why bool, closed, due <-chan struct{}) (out any,
	st ntstatus.Status, reason nt.Why) {
	r := wire.Rows()[row.Info().Number]
	number, known := t.c.services[row.Info().Name]
	if !known {
		return r.Nothing(), ntstatus.NotSupported, nt.Why{Rule: "W-5", Because: "the daemon does not have this row"}
	}
	body, err := r.AppendCall(f.Body, in, why)
	if err != nil || len(body) > wire.MaxBody {
		return r.Nothing(), ntstatus.InvalidParameter, nt.Why{Rule: "W-6", Because: "a parameter does not travel"}
	}
	f.Thread, f.Service, f.Body = t.number, number, body
	head, rest, err := t.c.askUntil(f, closed, due)
	if err != nil {
		return r.Nothing(), ntstatus.PortDisconnected, nt.Why{Rule: "W-9", Because: err.Error()}
	}
	if len(rest) == 0 {
		return r.Nothing(), head.Status, head.Reason()
	}
	if out, err = r.DecodeOut(rest); err != nil {
		err = t.c.lose(err)
		return r.Nothing(), ntstatus.PortDisconnected, nt.Why{Rule: "W-9", Because: err.Error()}
	}
	return out, head.Status, head.Reason()
}

// NewThread creates another thread of the process and returns its transport and name. The status is that of a
// refusal, or STATUS_PORT_DISCONNECTED.
func (t *thread) NewThread() (nt.Transport, string, ntstatus.Status) {
	n, err := t.c.newThread()
	if err == nil {
		return &thread{t.c, n.Thread}, n.Name, ntstatus.Success
	}
	return nil, "", ntstatus.Of(err, ntstatus.PortDisconnected)
}

// PortConnected blocks until the server of a port has completed the connection of the client port h. It returns the
// server's answer and the maximum message length in bytes (W-41). After a failure, such as a refusal by the server,
// both are zero.
func (t *thread) PortConnected(h winnt.Handle) (information []byte, longest uint32, st ntstatus.Status) {
	f := &wire.Frame{Kind: wire.Connected, Thread: t.number, Body: wire.AppendHandle(nil, h)}
	head, rest, err := t.c.ask(f)
	if err != nil {
		return nil, 0, ntstatus.PortDisconnected
	}
	if !head.Status.IsSuccess() {
		return nil, 0, head.Status
	}
	b, err := wire.DecodeConnected(rest)
	if err != nil {
		_ = t.c.lose(err)
		return nil, 0, ntstatus.PortDisconnected
	}
	return b.Information, b.MaximumMessageLength, head.Status
}

// WaitAny blocks until one of the objects is signalled, acquires it, and returns its index as a status. More than 64
// handles give STATUS_INVALID_PARAMETER_1. It returns STATUS_USER_APC if calls are queued to an alertable thread, and
// STATUS_CANCELLED when due is closed; nil waits without a limit (W-54). A lost connection gives
// STATUS_PORT_DISCONNECTED.
func (t *thread) WaitAny(handles []winnt.Handle, alertable bool, due <-chan struct{}) ntstatus.Status {
	f := &wire.Frame{Kind: wire.WaitAny, Thread: t.number, Body: wire.AppendAny(nil, handles, alertable)}
	head, _, err := t.c.askUntil(f, nil, due)
	if err != nil {
		return ntstatus.PortDisconnected
	}
	return head.Status
}

// EndThread ends the thread in the daemon. If the daemon refuses, the connection ends, as for RestoreImpersonation.
func (t *thread) EndThread() { t.end(&wire.Frame{Kind: wire.EndThread}) }

// end sends a request that ends the thread or its impersonation. If the daemon refuses, it ends the connection, so that
// no later call runs as the client (W-8). A thread that has ended already is no error.
func (t *thread) end(f *wire.Frame) {
	f.Thread = t.number
	if head, _, err := t.c.ask(f); err == nil {
		t.ended(head.Status)
	}
}

// ended handles the status of a request that ends the thread or its impersonation: see end.
func (t *thread) ended(st ntstatus.Status) {
	if st != ntstatus.Success && st != ntstatus.InvalidCid {
		_ = t.c.lose(fmt.Errorf("the end of a thread or of its impersonation: %w", st.Err()))
	}
}

// Profile returns the conformance profile of the daemon's kernel. It makes no call.
func (t *thread) Profile() nt.Profile { return t.c.profile }

// SaveImpersonation saves what the thread impersonates, and returns a ticket for RestoreImpersonation. The
// impersonation continues. STATUS_INSUFFICIENT_RESOURCES means that the thread has too many saved ones. A lost
// connection is STATUS_PORT_DISCONNECTED. A malformed answer ends the connection.
func (t *thread) SaveImpersonation() (nt.Ticket, ntstatus.Status) {
	head, rest, err := t.c.ask(&wire.Frame{Kind: wire.Save, Thread: t.number})
	if err != nil {
		return 0, ntstatus.PortDisconnected
	}
	if head.Status != ntstatus.Success {
		return 0, head.Status
	}
	b, err := wire.DecodeTicket(rest)
	if err != nil {
		_ = t.c.lose(err)
		return 0, ntstatus.PortDisconnected
	}
	return nt.Ticket(b.Ticket), ntstatus.Success
}

// RestoreImpersonation gives the thread the impersonation that SaveImpersonation saved with the ticket. A ticket
// works once. The daemon ignores an unknown one. If the daemon refuses, the connection ends: no thread is left that
// could still impersonate.
func (t *thread) RestoreImpersonation(k nt.Ticket) {
	t.end(&wire.Frame{Kind: wire.Restore, Body: wire.AppendTicket(nil, k)})
}
