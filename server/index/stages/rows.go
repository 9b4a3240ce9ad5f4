package stages

import (
	"context"
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
	count   int    // messages since the last record
	left    int    // how many messages were taken and not taken away: often where it is not known
	purged  uint64 // what stood before it is gone
	skip    bool   // the next message has ended other workers
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
	r, err := newRows(ctx, s, p)
	if err != nil {
		return err
	}
	return r.run(ctx)
}

// newRows takes a part.
func newRows(ctx context.Context, s *shift, p site.Part) (*rows, error) {
	l, err := take(ctx, s.c, site.StreamRows, s.name, s.crew.name)
	if err != nil {
		return nil, err
	}
	q, err := s.c.site.Question()
	if err != nil {
		return nil, err
	}
	r := &rows{ledger: l, shift: s, part: p, durable: l.last.Cursor, skip: l.last.Tries > maxTries,
		left: often}
	if r.worker, err = q.Rows(l.state); err != nil {
		return nil, err
	}
	r.in = follower{c: s.c, stream: site.StreamSeen, subject: subjectOf(p), head: l.last.Cursor, next: l.last.Cursor + 1,
		root: r.later, drop: r.remove}
	return r, nil
}

func (r *rows) run(ctx context.Context) error {
	for ctx.Err() == nil && r.shift.crew.mine(r.shift.name) {
		more, err := r.turn(ctx)
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

// turn takes the messages that are there. more is whether there may be others.
func (r *rows) turn(ctx context.Context) (more bool, err error) {
	more, err = r.in.read(ctx, func(m *message) error { return r.take(ctx, m) })
	if more || err != nil {
		return more, err
	}
	if r.skip = false; r.last.Tries > 0 { // nothing was there at which a worker could end (N-54)
		next := r.last
		next.Tries = 0
		if err := r.write(ctx, next, nil); err != nil {
			return false, err
		}
	}
	return false, r.purge(ctx)
}

// later reports whether a message begins a walk later than all that were known.
func (r *rows) later(m *message) bool {
	s, _, err := parseSeen(r.c.site, r.part, m.Body)
	return err == nil && m.After == 0 && s.Begin && s.Started > r.last.Started
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
		r.durable, r.count = m.sequence, 0
	}
	r.last = next
	if s.Beat != nil && r.last.Whole && !s.Beat.early(m) {
		if err := r.vouch(ctx, m.sequence, s.Beat, ""); err != nil {
			return err
		}
		r.durable = m.sequence
	}
	if err := r.compact(ctx, r.worker, r.shift.compact, false); err != nil {
		return err
	}
	return r.taken(ctx)
}

// taken counts a message that was taken, and takes it away with others.
func (r *rows) taken(ctx context.Context) error {
	if r.left++; r.left%often != 0 { // where it has failed, the next messages do not wait for it
		return nil
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
	return r.taken(ctx)
}

// define tells those who decide what new classes are made of, before a row names one.
func (r *rows) define(ctx context.Context, events []index.Event) error {
	var list []*index.ClassEvent
	for i := range events {
		if c := events[i].Class; c != nil && !c.Passing { // folders are told of with what lies behind them
			list = append(list, c)
		}
	}
	const lanes = 8
	return together(ctx, min(lanes, len(list)), func(ctx context.Context, lane int) error {
		for i := lane; i < len(list); i += lanes {
			body, err := classBytes(r.worker.Definition(list[i].ID))
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

// purge takes away what is kept in the log, once there is enough of it, or this worker does not
// know how much there is. The last message stays: the watcher writes behind it. It is asked for
// again until the servers have done it: a part that stays full has its watcher wait for ever (N-77).
func (r *rows) purge(ctx context.Context) error {
	if r.left < often || r.durable <= r.purged {
		return nil
	}
	if err := r.c.purge(ctx, site.StreamSeen, r.in.subject, r.durable); err != nil {
		r.c.warn(fmt.Errorf("%s: what is kept was not taken away: %w", r.in.subject, err))
		return nil
	}
	r.left, r.purged = 0, r.durable
	return nil
}
