package stages

import (
	"context"
)

// follower reads the messages of one subject that count: signed by their role, each behind the
// one before it. Owned by one goroutine.
type follower struct {
	c               *Conn
	stream, subject string
	head            uint64 // the last message that counts
	next            uint64 // the sequence to look from
	refused         uint64 // messages that do not count
	// root reports whether a message begins a chain anew that does not stand behind the last one; nil: none
	// does.
	root func(m *message) bool
	// drop is told of a message that does not count; nil: it stays where it is.
	drop func(ctx context.Context, m *message)
}

// read calls f with the messages that are there. more is whether there may be others.
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

// counts reports whether a message is of its role and stands where it was written to stand: one
// that was copied from elsewhere or from earlier does not (N-43).
func (r *follower) counts(m *message) bool {
	if m.signed != nil || m.Subject != r.subject {
		return false
	}
	return m.After == r.head || r.root != nil && r.root(m)
}

// all reads until nothing is left.
func (r *follower) all(ctx context.Context, f func(m *message) error) error {
	for {
		more, err := r.read(ctx, f)
		if err != nil || !more {
			return err
		}
	}
}
