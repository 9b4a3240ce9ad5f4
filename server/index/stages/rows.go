package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// rows is a part of a tree that this worker has: it makes rows of what the watcher tells.
// Owned by the share's goroutine.
type rows struct {
	*ledger
	shift   *shift
	part    site.Part
	worker  *index.Worker
	in      follower
	walking bool   // this worker has seen the beginning of the walk that goes on
	durable uint64 // what was made of messages up to it is kept
	count   int    // messages since
	purged  uint64
	skip    bool // the next message has ended other workers
}

// often is how many messages a worker takes before it writes how far it is.
const often = waiting / 4

// workRows works on a part of a tree while it is this worker's.
func workRows(ctx context.Context, s *shift, p site.Part) error {
	quiet, err := s.hear(subjectOf(p))
	if err != nil {
		return err
	}
	defer quiet()
	l, err := take(ctx, s.c, site.StreamRows, s.name, s.crew.name)
	if err != nil {
		return err
	}
	rights, share, err := s.c.site.Question()
	if err != nil {
		return err
	}
	r := &rows{ledger: l, shift: s, part: p, durable: l.last.Cursor, skip: l.last.Tries > maxTries}
	if r.worker, err = index.NewRows(l.state, rights, share, s.c.site.Share); err != nil {
		return err
	}
	r.in = follower{c: s.c, stream: site.StreamSeen, subject: subjectOf(p), head: l.last.Cursor, next: l.last.Cursor + 1,
		root: r.later, drop: r.remove}
	return r.run(ctx)
}

func (r *rows) run(ctx context.Context) error {
	for ctx.Err() == nil && r.shift.crew.mine(r.shift.name) {
		more, err := r.in.read(ctx, func(m *message) error { return r.take(ctx, m) })
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !r.last.Whole && !r.walking { // what was told before can be known by a walk alone (N-53)
			_ = r.c.nc.Publish("again."+(site.Part{Host: r.part.Host, Tree: r.part.Tree}).Subject(), nil)
		}
		if err := r.shift.rest(ctx); err != nil {
			return nil
		}
	}
	return nil
}

// later reports whether a message begins a walk later than all that were known.
func (r *rows) later(m *message) bool {
	s, _, err := parseSeen(r.c.site, r.part, m.Body)
	return err == nil && s.Begin && s.Started > r.last.Started
}

// remove takes away a message that does not count, so that it fills no place.
func (r *rows) remove(ctx context.Context, m *message) {
	body := fmt.Appendf(nil, `{"seq":%d,"no_erase":true}`, m.sequence)
	_ = r.c.nc.Publish("$JS.API.STREAM.MSG.DELETE."+site.StreamSeen, body) // it is skipped in any case
	r.c.warn(fmt.Errorf("%s: message %d does not count: %w", m.Subject, m.sequence, errors.Join(errPlace, m.signed)))
	if m.signed == nil && m.After > r.in.head { // what stood before it is lost
		r.last.Whole, r.walking = false, false
	}
}

var errPlace = errors.New("it was not written to stand there")

// take makes rows of a message.
func (r *rows) take(ctx context.Context, m *message) error {
	next := r.last
	next.Cursor, next.Tries, next.Refused = m.sequence, 0, next.Refused+r.in.refused
	r.in.refused = 0
	s, batch, err := parseSeen(r.c.site, r.part, m.Body)
	if err == nil && !s.Begin && s.Started != r.last.Started {
		err = fmt.Errorf("a message of the walk of %d in that of %d", s.Started, r.last.Started)
	}
	if err == nil && r.skip {
		err = errPanic
	}
	r.skip = false
	if err != nil {
		return r.poison(ctx, next, err)
	}
	if s.Begin {
		next.Whole, next.Started, r.walking = false, s.Started, true
	}
	if s.End && !r.walking { // the walk began before this worker: what is gone is not known (N-53)
		batch.End = false
	}
	if err := guarded(func() error { return r.worker.Batch(batch) }); err != nil {
		return err // what it left in memory is not to be used: the next turn reads the log, and counts
	}
	if batch.End {
		next.Whole, r.walking = true, false
	}
	events := r.worker.Take()
	if err := r.define(ctx, events); err != nil {
		return err
	}
	if r.count++; len(events) > 0 || s.Begin || s.End || r.count >= often {
		if err := r.write(ctx, next, events); err != nil {
			return err
		}
		r.durable = m.sequence
	}
	r.last = next
	if s.Beat != nil && r.last.Whole {
		if err := r.vouch(ctx, m.sequence, s.Beat, ""); err != nil {
			return err
		}
		r.durable = m.sequence
	}
	return r.purge(ctx)
}

// poison leaves out a message that counts and cannot be used. Nothing is vouched for until
// another walk has looked at the whole tree (N-54).
func (r *rows) poison(ctx context.Context, next record, why error) error {
	r.c.warn(fmt.Errorf("%s: message %d is left out: %w", r.in.subject, next.Cursor, why))
	next.Poison++
	next.Whole, r.walking = false, false
	if err := r.write(ctx, next, nil); err != nil {
		return err
	}
	r.durable = next.Cursor
	return r.purge(ctx)
}

// define tells those who decide what new classes are made of, before a row names one.
func (r *rows) define(ctx context.Context, events []index.Event) error {
	var list []*index.ClassEvent
	for i := range events {
		if events[i].Class != nil {
			list = append(list, events[i].Class)
		}
	}
	const lanes = 8
	return together(ctx, min(lanes, len(list)), func(ctx context.Context, lane int) error {
		for i := lane; i < len(list); i += lanes {
			body, err := json.Marshal(list[i])
			if err != nil {
				return err
			}
			subject := fmt.Sprintf("class.%d.%s", r.c.site.DeciderOf(list[i].ID), list[i].ID)
			if err := r.c.keep(ctx, subject, fmt.Sprintf("%s/%s", r.ledger.run, list[i].ID), body); err != nil {
				return err
			}
		}
		return nil
	})
}

// purge takes away what is kept in the log. The last message stays: the watcher writes behind it.
func (r *rows) purge(ctx context.Context) error {
	if r.count < often {
		return nil
	}
	r.count = 0
	if r.durable <= r.purged {
		return nil
	}
	r.purged = r.durable
	body := fmt.Appendf(nil, `{"filter":%q,"seq":%d}`, r.in.subject, r.durable)
	return r.c.nc.Publish("$JS.API.STREAM.PURGE."+site.StreamSeen, body)
}
