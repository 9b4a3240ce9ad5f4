package stages

import (
	"context"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// deciding is a share of the classes that this worker has: it says who has their rights. Owned
// by the share's goroutine.
type deciding struct {
	*ledger
	shift    *shift
	filter   string // the subjects of its classes
	worker   *index.Worker
	next     uint64 // the class to look from
	left     int    // how many were taken and not taken away: often where it is not known
	version  string // of the directory; "": none was read yet
	unusable string // a version that cannot be used
	started  int64  // when the directory's source began
	beaten   int64  // its last beat
	clock    int64  // the beat of the version
}

// workPeople works on a share of the classes while it is this worker's.
func workPeople(ctx context.Context, s *shift, n int) error {
	for _, subject := range []string{headSubject, classesOf(n)} {
		quiet, err := s.hear(subject)
		if err != nil {
			return err
		}
		defer quiet()
	}
	d, err := newDeciding(ctx, s, n)
	if err != nil {
		return err
	}
	for ctx.Err() == nil && s.crew.mine(s.name) {
		if err := d.turns(ctx); err != nil {
			return err
		}
		if err := s.rest(ctx); err != nil {
			return nil
		}
	}
	return nil
}

func classesOf(n int) string { return fmt.Sprintf("class.%d.>", n) }

// newDeciding takes a share.
func newDeciding(ctx context.Context, s *shift, n int) (*deciding, error) {
	l, err := take(ctx, s.c, site.StreamPeople, s.name, s.crew.name)
	if err != nil {
		return nil, err
	}
	q, err := s.c.site.Question()
	if err != nil {
		return nil, err
	}
	d := &deciding{ledger: l, shift: s, filter: classesOf(n), next: l.last.Cursor + 1, left: often}
	d.worker, err = q.Worker(l.state)
	return d, err
}

// turns takes what is there, and keeps the log and the classes that were told of small.
func (d *deciding) turns(ctx context.Context) error {
	if err := d.turn(ctx); err != nil {
		return err
	}
	if err := d.compact(ctx, d.worker, d.shift.compact, true); err != nil {
		return err
	}
	d.purge(ctx)
	return nil
}

// turn takes the newest directory, then the classes that were told of, and vouches for the
// directory behind them (N-7).
func (d *deciding) turn(ctx context.Context) error {
	h, early, err := d.c.newest(ctx)
	if err != nil {
		return err
	}
	known := beat{Time: d.beaten}
	if h != nil && !known.ahead(index.Now()) &&
		(h.Started < d.started || h.Started == d.started && h.Beat.Time <= d.beaten) {
		h = nil // it is the one that is known, or one from earlier
	}
	if h != nil && h.Version != d.version {
		if err := d.directory(ctx, h); err != nil {
			return err
		}
	}
	if d.version == "" {
		return nil
	}
	if err := d.classes(ctx); err != nil {
		return err
	}
	if h == nil || h.Version != d.version || early { // its clock is ahead: it vouches for nothing (N-80)
		return nil
	}
	d.started, d.beaten = h.Started, h.Beat.Time
	return d.vouch(ctx, d.last.Cursor, &h.Beat, d.version[:16])
}

// directory takes a version. One that is malformed vouches for nothing, and the classes stay.
func (d *deciding) directory(ctx context.Context, h *head) error {
	if h.Version == d.unusable {
		return nil
	}
	file, err := d.c.pieces(ctx, h)
	if err != nil {
		d.c.warn(fmt.Errorf("directory %s: %w", h.Version[:16], err))
		return nil
	}
	list, err := people.Read(file)
	if err != nil {
		d.unusable = h.Version
		d.c.warn(fmt.Errorf("directory %s: %w", h.Version[:16], err))
		return nil
	}
	err = guarded(func() error { return d.worker.Directory(list, h.Version[:16], h.Beat.Time) })
	if err != nil {
		return err
	}
	next := d.last
	next.Tries = 0
	if err := d.write(ctx, next, d.worker.Take()); err != nil {
		return err
	}
	d.version, d.clock = h.Version, h.Beat.Time
	return nil
}

// classes decides those that were told of and are not decided yet.
func (d *deciding) classes(ctx context.Context) error {
	for {
		list, err := d.c.next(ctx, site.StreamClass, d.filter, d.next)
		if err != nil || len(list) == 0 {
			return err
		}
		next := d.last
		next.Tries = 0
		for i := range list {
			m := &list[i]
			next.Cursor = m.sequence
			switch err := d.class(m); {
			case m.signed != nil:
				next.Refused++
			case err != nil: // no one has it (N-54)
				d.c.warn(err)
				next.Poison++
			}
		}
		if err := d.write(ctx, next, d.worker.Take()); err != nil {
			return err
		}
		d.next, d.left = next.Cursor+1, d.left+len(list)
	}
}

// purge takes away the classes that are in the log, once there are enough of them, or this worker does not
// know how many there are (N-86).
func (d *deciding) purge(ctx context.Context) {
	if d.left < often || d.version == "" {
		return
	}
	if err := d.c.purge(ctx, site.StreamClass, d.filter, d.next); err != nil { // it is asked for again
		d.c.warn(fmt.Errorf("%s: what is kept was not taken away: %w", d.filter, err))
		return
	}
	d.left = 0
}

func (d *deciding) class(m *message) error {
	if m.signed != nil {
		return m.signed
	}
	list, err := parseClass(m.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Subject, err)
	}
	if id := list[len(list)-1].ID; !strings.HasSuffix(m.Subject, "."+id) {
		return fmt.Errorf("%s: it is about class %s", m.Subject, id)
	}
	for _, e := range list {
		if err := guarded(func() error { return d.worker.Define(e, d.clock) }); err != nil {
			return err
		}
	}
	return nil
}
