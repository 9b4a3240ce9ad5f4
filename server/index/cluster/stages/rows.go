package stages

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// rows computes the rows of one part of a tree, which this worker has taken, from the watcher's messages. The share's
// goroutine owns it.
type rows struct {
	*ledger
	shift   *shareWorker
	part    site.Part
	worker  *index.Worker
	in      follower
	walking bool   // this worker has seen the start of the current walk
	durable uint64 // the results of messages up to this sequence are stored
	count   int    // messages since the last record
	left    int    // messages processed but not purged; starts at often, because the number is not known
	purged  uint64 // messages before this sequence are purged
	skip    bool   // the next message has crashed other workers
	idle    int    // turns without a message
	lag     lag
}

// often is the number of messages after which a worker stores its position.
const often = waiting / 4

// workRows processes part p of a tree while it belongs to this worker. It returns nil when ctx ends or the part
// belongs to another worker, and otherwise the first error.
func workRows(ctx context.Context, s *shareWorker, p site.Part) error {
	quiet, err := s.subscribe(subjectOf(p))
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

// newRows takes over a part of a tree from its former worker. The new worker continues after the last record of the
// part's log. The next message is skipped if it has crashed more than maxTries workers. A damaged log is an error, and
// so is a takeover by another worker at the same time.
func newRows(ctx context.Context, s *shareWorker, p site.Part) (*rows, error) {
	l, err := take(ctx, s.c, site.StreamRows, s.name, s.workers.name)
	if err != nil {
		return nil, err
	}
	q, err := s.c.site.Question()
	if err != nil {
		return nil, err
	}
	r := &rows{ledger: l, shift: s, part: p, durable: l.last.Cursor, skip: l.last.Tries > maxTries,
		left: often, lag: s.lag()}
	if r.worker, err = q.Rows(l.state); err != nil {
		return nil, err
	}
	r.in = follower{c: s.c, stream: site.StreamSeen, subject: subjectOf(p), head: l.last.Cursor, next: l.last.Cursor + 1,
		root: r.later, drop: r.remove}
	if err := r.present(ctx); errors.Is(err, errLost) { // the watcher's next walk begins a new chain
		s.c.warn(err)
		r.in.head, r.in.next, r.durable, r.last.Cursor, r.last.Whole = 0, 1, 0, 0, false
		r.last.Generation++ // the places of a generation only grow
	} else if err != nil {
		return nil, err
	}
	return r, nil
}

// present returns errLost if the input stream lost the last message that was processed. New messages then have numbers
// that were read before, and would never be read.
func (r *rows) present(ctx context.Context) error {
	_, err := r.c.present(ctx, r.in.stream, r.in.subject, r.in.head)
	return err
}

// run processes messages until ctx ends or another worker owns the part, which are not errors. If the part needs a
// walk, it requests one from the watcher. It returns the first error of processing. The request is repeated after each
// wait.
func (r *rows) run(ctx context.Context) error {
	for ctx.Err() == nil && r.shift.workers.mine(r.shift.name) {
		more, err := r.turn(ctx)
		if err != nil {
			return err
		}
		r.lag.report(r.in.head)
		if more {
			continue
		}
		if !r.last.Whole && !r.walking { // messages were lost, and only a new walk reports their documents again (N-53)
			_ = r.c.nc.Publish("again."+(site.Part{Host: r.part.Host, Tree: r.part.Tree}).Subject(), nil)
		}
		if err := r.shift.wait(ctx); err != nil {
			return nil
		}
	}
	return nil
}

// turn processes the next messages, at most one batch. more is false if there were none. It then clears the count of
// workers that failed here, and purges. After several turns without a message it returns errLost if the input stream
// lost the last processed message. An error leaves the messages after it for the next call.
func (r *rows) turn(ctx context.Context) (more bool, err error) {
	more, err = r.in.read(ctx, func(m *message) error { return r.take(ctx, m) })
	if more || err != nil {
		r.idle = 0
		return more, err
	}
	if r.idle++; r.idle%silence == 0 {
		if err := r.present(ctx); err != nil {
			return false, err
		}
	}
	if r.skip = false; r.last.Tries > 0 { // these messages crashed no worker, so clear the count (N-54)
		next := r.last
		next.Tries = 0
		if err := r.write(ctx, next, nil); err != nil {
			return false, err
		}
	}
	return false, r.purge(ctx)
}

// later reports whether a message without a predecessor may start a new chain: it begins a walk that is later than all
// known ones. It returns false for a malformed message.
func (r *rows) later(m *message) bool {
	s, _, err := parseSeen(r.c.site, r.part, m.Body)
	return err == nil && m.After == 0 && s.Begin && s.Started > r.last.Started
}

// remove deletes an invalid message, so that it does not use up the part's capacity, and passes the reason to Warn. If
// valid messages before it were lost, the part needs a new walk.
func (r *rows) remove(ctx context.Context, m *message) {
	if err := r.c.remove(ctx, r.name, request{Drop: m.sequence}); err != nil { // the message is skipped anyway
		r.c.warn(fmt.Errorf("%s: cannot delete message %d: %w", m.Subject, m.sequence, err))
	}
	r.c.warn(fmt.Errorf("%s: message %d is ignored: %w", m.Subject, m.sequence, errors.Join(errPlace, m.signed)))
	if m.signed == nil && m.After > r.in.head { // valid messages before it were lost
		r.last.Whole, r.walking = false, false
	}
}

var errPlace = errors.New("it was not written to stand there")

// take converts one watcher message to rows and stores them in the share's log. A message that cannot be used is
// skipped, and the cursor advances (N-54). After an error the worker's memory is unusable; the part must be taken over
// again.
func (r *rows) take(ctx context.Context, m *message) error {
	next := r.last
	r.lag.read++
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
	if s.End && !r.walking { // the walk began before this worker, so it cannot know which files are gone (N-53)
		batch.End = false
	}
	if err := guarded(func() error { return r.worker.Batch(batch) }); err != nil {
		return err // the worker's memory may be inconsistent; the next turn reads the log again
	}
	if batch.End {
		next.Whole, r.walking = true, false
	}
	events := r.worker.Take()
	if err := r.define(ctx, next.Cursor, events); err != nil {
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
		if err := r.publishWatermark(ctx, m.sequence, s.Beat, ""); err != nil {
			return err
		}
		r.durable = m.sequence
	}
	if err := r.compact(ctx, r.worker, r.shift.compact, false); err != nil {
		return err
	}
	return r.countProcessed(ctx)
}

// countProcessed counts a processed message and deletes processed messages from the stream from time to time: after
// every `often` messages it purges.
func (r *rows) countProcessed(ctx context.Context) error {
	if r.left++; r.left%often != 0 { // after a failure, do not retry for each message
		return nil
	}
	return r.purge(ctx)
}

// poison skips a message that cannot be processed, and passes why to Warn. next is the record to write. An error is
// that of writing the log. The part has no watermark until another walk has read the whole tree (N-54).
func (r *rows) poison(ctx context.Context, next record, why error) error {
	r.c.warn(fmt.Errorf("%s: message %d is left out: %w", r.in.subject, next.Cursor, why))
	next.Poison++
	next.Whole, r.walking = false, false
	if err := r.write(ctx, next, nil); err != nil {
		return err
	}
	r.durable = next.Cursor
	return r.countProcessed(ctx)
}

// define publishes the new classes in events, the results of input message cursor, and returns after the servers have
// stored them. Call it before storing a row that refers to them. Classes of folders are skipped, because each is
// published with the classes that need it. After an error some classes may be stored.
func (r *rows) define(ctx context.Context, cursor uint64, events []index.Event) error {
	from := announcer{r.name, place{r.last.Generation, cursor}}
	var list []*index.ClassEvent
	for i := range events {
		if c := events[i].Class; c != nil && !c.Passing { // Definition adds the folders' classes
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
			subject := from.subject(r.c.site.DeciderOf(list[i].ID), list[i].ID)
			// A worker can announce a class again that it has dropped, so the message has an ID of its own (N-148).
			id := fmt.Sprintf("%s/%d/%s", r.ledger.run, cursor, list[i].ID)
			if err := r.c.keep(ctx, subject, id, body); err != nil {
				return err
			}
		}
		return nil
	})
}

// purge deletes processed messages, if there are many or their number is unknown. The last message stays. A failure
// goes to Warn and returns nil; later calls try again, because a full subject would block its watcher (N-77).
func (r *rows) purge(ctx context.Context) error {
	if r.left < often || r.durable <= r.purged {
		return nil
	}
	if err := r.c.remove(ctx, r.name, request{Input: r.durable}); err != nil {
		r.c.warn(fmt.Errorf("%s: cannot delete old records: %w", r.in.subject, err))
		return nil
	}
	r.left, r.purged = 0, r.durable
	return nil
}
