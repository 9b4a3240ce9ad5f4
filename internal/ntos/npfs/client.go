package npfs

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// dynamic returns the client's quality of service, and whether each write of this end carries its own client context
// for impersonation. That is so on a client end with dynamic tracking.
func (e *End) dynamic() (nt.SecurityQualityOfService, bool) {
	in := e.instance
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.sqos, !e.isServer && in.sqos.ContextTrackingMode == winnt.SECURITY_DYNAMIC_TRACKING
}

// takeLocked reads up to n bytes from a queue, or if n is 0 from the first message only. An empty queue gives no
// data and success. message limits the read to one message; a remainder gives STATUS_BUFFER_OVERFLOW. server lets
// the server impersonate the client context of the message read. The caller must release the contexts in dropped.
//
// +checklocks:in.mu
func (in *Instance) takeLocked(box *queue, n int, server, message bool) (data []byte, st ntstatus.Status,
	dropped []*ps.ClientContext) {
	for len(box.messages) > 0 && (len(data) < n || n == 0) {
		m := box.messages[0]
		k := min(n-len(data), len(m.data))
		if data == nil && k > 0 {
			data = m.data[:k:k] // no copy: nothing else refers to these bytes after leave
		} else {
			data = append(data, m.data[:k]...)
		}
		whole := k == len(m.data)
		box.leave(0, k, whole)
		m.fits = m.fits || whole // a message that was read completely needs no room
		if server && (k > 0 || whole) {
			// A read of zero bytes of a message has not read it (I-154).
			in.read = true
			if m.context != nil || m.failed.Status != ntstatus.Success {
				if in.last != nil && in.last != m.context {
					dropped = append(dropped, in.last)
				}
				in.last, in.lastFail = m.context, m.failed
				m.context = nil // owned by the instance now
			}
		}
		if !whole && message {
			st = ntstatus.BufferOverflow
		}
		if !whole || message {
			break
		}
	}
	return data, st, dropped
}

// Impersonate implements FSCTL_PIPE_IMPERSONATE: the thread acts as the client (I-85, I-86). The context is the
// connection's with static tracking, else the context of the last message read. Errors: STATUS_ILLEGAL_FUNCTION
// on a client end, STATUS_PIPE_LISTENING, STATUS_INVALID_PIPE_STATE, STATUS_CANNOT_IMPERSONATE before a read,
// and the errors of the capture.
func (e *End) Impersonate(t *ps.Thread) ps.Outcome {
	if !e.isServer {
		// Only the server's end impersonates.
		return ps.Outcome{Status: ntstatus.IllegalFunction, Rule: "I-85", Because: "this is the client's end"}
	}
	in := e.instance
	in.mu.Lock()
	c, fail := in.contextLocked()
	if c != nil {
		c.Token.Ref(ob.TagCall)
	}
	in.mu.Unlock()
	if c == nil {
		return fail
	}
	defer c.Token.Deref(ob.TagCall)
	// The token is copied on open, and the client's EffectiveOnly stays (I-81).
	return c.Impersonate(t)
}

// contextLocked returns the client context that the server would impersonate. The instance keeps the context. A
// static context takes precedence. Without a context the outcome is:
//   - a listening pipe: STATUS_PIPE_LISTENING
//   - a disconnected pipe: STATUS_INVALID_PIPE_STATE
//   - no message read yet, or none with a context: STATUS_CANNOT_IMPERSONATE
//   - a failed capture for the last message read: the failure of that capture
//
// +checklocks:in.mu
func (in *Instance) contextLocked() (*ps.ClientContext, ps.Outcome) {
	switch {
	case in.state == Listening:
		return nil, ps.Outcome{Status: ntstatus.PipeListening, Rule: "I-85", Because: "no client is connected yet"}
	case in.state == Disconnected:
		return nil, ps.Outcome{Status: ntstatus.InvalidPipeState, Rule: "I-85", Because: "the client was disconnected"}
	case !in.read:
		// The server acts for no client before it has read a message.
		return nil, ps.Outcome{Status: ntstatus.CannotImpersonate, Rule: "I-85",
			Because: "nothing has been read from the client yet"}
	case in.static != nil:
		// Static tracking uses the client's context of the time when it connected (I-4).
		return in.static, ps.Outcome{}
	case in.last != nil:
		return in.last, ps.Outcome{}
	case in.lastFail.Status == ntstatus.Success:
		// A success without a context would leave the server with its own rights.
		return nil, ps.Outcome{Status: ntstatus.CannotImpersonate, Rule: "I-85", Because: "no message had a context"}
	}
	return nil, in.lastFail
}
