package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// CallLater sends a call on a file that may end after it has returned. With STATUS_PENDING the operation ends later,
// and l.Over is closed then. At the end l.Done writes the result to the program's memory, and after it the event is
// signalled and the APC queued (W-90). If the connection is lost, the operation ends with STATUS_PORT_DISCONNECTED. A
// service that the daemon does not have is STATUS_NOT_SUPPORTED, and a call that is too long
// STATUS_INVALID_PARAMETER.
func (t *thread) CallLater(row *nt.Row, in any, l *nt.Later) (out any, st ntstatus.Status) {
	r := wire.Rows()[row.Info().Number]
	number, known := t.c.services[row.Info().Name]
	if !known {
		return r.Nothing(), ntstatus.NotSupported
	}
	body, err := r.AppendCall(wire.AppendLater(nil, l), in, false)
	if err != nil || len(body) > wire.MaxBody {
		return r.Nothing(), ntstatus.InvalidParameter
	}
	f := &wire.Frame{Kind: wire.Begin, Thread: t.number, Service: number, Body: body}
	head, rest, err := t.c.ask(f)
	if err != nil {
		return r.Nothing(), ntstatus.PortDisconnected
	}
	if len(rest) == 0 {
		return r.Nothing(), head.Status
	}
	b, rest, err := wire.DecodeLater(rest)
	if err == nil && !b.Ended && len(rest) > 0 {
		out, err = r.DecodeOut(rest)
	} else {
		out = r.Nothing()
	}
	if err != nil {
		_ = t.c.lose(err)
		return r.Nothing(), ntstatus.PortDisconnected
	}
	l.Synchronous, l.Alertable = b.Synchronous, b.Alertable
	switch {
	case b.Ended:
		t.c.end(f.Request, &b, l)
	case head.Status == ntstatus.Pending:
		l.Over = make(chan struct{})
		go t.c.collect(f.Request, l)
	}
	return out, head.Status
}

// end completes an operation that ended after its call: it passes the result b to l.Done, which writes the program's
// memory. It then asks the daemon to signal the completion, unless the daemon already has.
func (c *Conn) end(operation uint64, b *wire.LaterBody, l *nt.Later) {
	l.Done(nt.IOResult{Status: b.Status, Data: b.Data, Information: b.Information})
	if !b.Confirmed {
		_, _, _ = c.ask(&wire.Frame{Kind: wire.Confirm, Body: wire.AppendOperation(nil, operation)})
	}
}

// collect blocks until the daemon has the result of an operation, passes it to l and closes l.Over. A lost connection
// ends the operation with STATUS_PORT_DISCONNECTED. A synchronous operation is not passed to Done then.
func (c *Conn) collect(operation uint64, l *nt.Later) {
	defer close(l.Over)
	head, rest, err := c.ask(&wire.Frame{Kind: wire.Collect, Body: wire.AppendOperation(nil, operation)})
	var b wire.LaterBody
	if err == nil && len(rest) > 0 {
		if b, _, err = wire.DecodeLater(rest); err != nil {
			err = c.lose(err)
		}
	}
	l.Failure = head.Status
	switch {
	case err == nil && b.Ended:
		l.Failure = b.Status
		c.end(operation, &b, l)
	case err != nil:
		l.Failure = ntstatus.PortDisconnected
		fallthrough
	case !b.Confirmed:
		if !l.Synchronous {
			l.Done(nt.IOResult{Status: l.Failure}) // the daemon will not report the end
		}
	}
}
