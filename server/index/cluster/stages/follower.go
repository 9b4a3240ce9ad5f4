package stages

import (
	"context"
)

// follower reads the valid messages of one subject, which a [chain] wrote: signed by their role, each naming the one
// before it. One goroutine owns it.
type follower struct {
	c               *Conn
	stream, subject string
	head            uint64 // the last valid message
	next            uint64 // the sequence to read from
	refused         uint64 // number of invalid messages
	// root reports whether a message may start a new chain without naming the last one; nil: none
	// may.
	root func(m *message) bool
	// drop receives each invalid message; nil: it stays in the stream.
	drop func(ctx context.Context, m *message)
}

// read calls f with the next valid messages, at most one batch, and skips invalid ones. more is false if the stream
// had no more. If f returns an error, read returns it, and the next read begins with the same message.
func (r *follower) read(ctx context.Context, f func(m *message) error) (more bool, err error) {
	list, err := r.c.next(ctx, r.stream, r.subject, r.next)
	if err != nil {
		return false, err
	}
	for i := range list {
		m := &list[i]
		if !r.counts(m) {
			r.refused++
			r.next = m.sequence + 1
			if r.drop != nil {
				r.drop(ctx, m)
			}
			continue
		}
		if err := f(m); err != nil {
			return false, err
		}
		r.head, r.next = m.sequence, m.sequence+1
	}
	return len(list) > 0, nil
}

// counts reports whether a message is valid: it has its role's signature for this position and follows the last valid
// message or starts a new chain. A copy from another subject or an earlier position is not valid (N-43).
func (r *follower) counts(m *message) bool {
	if m.signed != nil || m.Subject != r.subject {
		return false
	}
	return m.After == r.head || r.root != nil && r.root(m)
}

// all calls f with each valid message until the stream has no more, and then returns nil. It returns the first error.
func (r *follower) all(ctx context.Context, f func(m *message) error) error {
	for {
		more, err := r.read(ctx, f)
		if err != nil || !more {
			return err
		}
	}
}
