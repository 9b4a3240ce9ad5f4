package stages

import (
	"context"
	"fmt"
)

// follower reads the valid messages of one subject, which a [chain] wrote: signed by their role, each naming the one
// before it. One goroutine owns it.
type follower struct {
	c               *Conn
	stream, subject string
	head            uint64 // the last valid message
	id              string // of the last valid message; "": unknown
	next            uint64 // the sequence to read from
	refused         uint64 // number of invalid messages
	// root reports whether a message that names no predecessor may start a new chain; nil: no message may.
	root func(m *message) bool
	// drop deletes an invalid message; nil: invalid messages stay in the stream.
	drop func(ctx context.Context, m *message)
}

// read calls f with the next valid messages, at most one batch, and skips invalid ones. more is false if the stream
// had no more. If f returns an error, read returns it, and the next read begins with the same message. read returns
// errLost, and calls nothing, if the stream was recreated and its new messages reach beyond the last valid one.
func (r *follower) read(ctx context.Context, f func(m *message) error) (more bool, err error) {
	list, err := r.c.next(ctx, r.stream, r.subject, r.next)
	if err != nil {
		return false, err
	}
	if len(list) > 0 {
		if err := r.continues(ctx); err != nil {
			return false, err
		}
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
		r.head, r.id, r.next = m.sequence, m.ID, m.sequence+1
	}
	return len(list) > 0, nil
}

// continues returns errLost if the last valid message is another one now: a recreated stream gives its sequence to
// another message, and the next message names only that sequence (N-49). A deleted message is not an error.
func (r *follower) continues(ctx context.Context) error {
	if r.id == "" {
		return nil
	}
	m, err := r.c.at(ctx, r.stream, r.head)
	if err == nil && m != nil && m.ID != r.id {
		err = fmt.Errorf("%s: %w", r.subject, errLost)
	}
	return err
}

// counts reports whether a message is valid: it has its role's signature for this position, and it follows the last
// valid message or starts a new chain. A copy from another subject or an earlier position is not valid (N-43).
func (r *follower) counts(m *message) bool {
	if m.signed != nil || m.Subject != r.subject {
		return false
	}
	return m.After == r.head || r.root != nil && r.root(m)
}
