package stages

import (
	"context"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// deciding computes the class members of one share of the classes, with the newest directory. It writes them to the
// share's log. The share's goroutine owns it.
type deciding struct {
	*ledger
	shift    *shareWorker
	number   int    // of the share
	filter   string // pattern of the subjects with the share's classes
	worker   *index.Worker
	next     uint64 // the sequence to read from
	left     int    // messages processed but not purged; starts at often, because the number is not known
	version  string // of the directory; "": none read yet
	unusable string // the version that failed to parse
	started  int64  // start time of the directory source
	beaten   int64  // time of the directory source's last heartbeat
	clock    int64  // time of the heartbeat that came with the version
	lag      lag
	defined  []*index.ClassEvent // classes that an earlier log has lost, to be decided with the next directory
	idle     int                 // turns without a message
	first    string              // ID of the first message of the classes, when that was last compared

	known []*knownClasses // the classes of the parts, while unused ones are searched
	kept  int64           // bytes of the log after the last search
	rest  int             // turns before the next search, after one that failed
	parts string          // hash of the parts whose classes are in the log once defined is decided; "": not all of them
}

// workPeople computes class members for share n while the share belongs to this worker. workPeople first takes the
// share over from the former worker. workPeople returns nil when ctx ends or the share belongs to another worker, and
// otherwise the first error. Without its subscriptions it takes nothing over.
func workPeople(ctx context.Context, s *shareWorker, n int) error {
	for _, subject := range []string{headSubject, classesOf(n)} {
		quiet, err := s.subscribe(subject)
		if err != nil {
			return err
		}
		defer quiet()
	}
	d, err := newDeciding(ctx, s, n)
	if err != nil {
		return err
	}
	for ctx.Err() == nil && s.workers.mine(s.name) {
		if err := d.turns(ctx); err != nil {
			return err
		}
		if err := s.wait(ctx); err != nil {
			return nil
		}
	}
	return nil
}

// classesOf returns the subject pattern on which the class definitions of share n arrive.
func classesOf(n int) string { return fmt.Sprintf("class.%d.>", n) }

// newDeciding takes over share n of the classes from its former worker, and continues after the last record of its
// log. It reads the logs of all parts if the log is new, because an earlier one may be lost with its stream (N-147), or
// if the site had other parts before. It returns an error if the log is damaged or another worker takes it at the same
// time.
func newDeciding(ctx context.Context, s *shareWorker, n int) (*deciding, error) {
	l, err := take(ctx, s.c, site.StreamPeople, s.name, s.workers.name)
	if err != nil {
		return nil, err
	}
	q, err := s.c.site.Question()
	if err != nil {
		return nil, err
	}
	d := &deciding{ledger: l, shift: s, number: n, filter: classesOf(n), next: l.last.Cursor + 1, left: often,
		lag: s.lag(), idle: silence - 1, // the first turn looks for a recreated stream, before it deletes messages
		kept: l.records.size.Least, parts: hashOfParts(s.c.site)}
	if l.last.Parts != d.parts {
		var all bool
		if d.defined, all, err = s.c.definitions(ctx, n); err != nil {
			return nil, err
		}
		if !all { // the next worker reads them again
			d.parts = ""
		}
		l.forgetOtherParts()
	}
	d.worker, err = q.Worker(l.state)
	return d, err
}

// turns does one complete round of a share's work: it processes new messages, compacts the log if that pays, purges
// processed messages and reports the lag. It returns the first error; an error of the purge is ignored.
func (d *deciding) turns(ctx context.Context) error {
	if err := d.turn(ctx); err != nil {
		return err
	}
	if err := d.compact(ctx, d.worker, d.shift.compact, true); err != nil {
		return err
	}
	if err := d.dropUnused(ctx); err != nil {
		return err
	}
	d.purge(ctx)
	d.lag.report(d.next - 1)
	return nil
}

// turn applies the newest directory and new classes, and then publishes the share's watermark (N-7). Before the first
// directory no class is applied. Without a new heartbeat of an applied directory there is no watermark; a heartbeat in
// the future is ignored. After an error the changes applied before stay.
func (d *deciding) turn(ctx context.Context) error {
	h, early, err := d.c.newest(ctx)
	if err != nil {
		return err
	}
	known := heartbeat{Time: d.beaten}
	if h != nil && !known.ahead(watch.Now()) &&
		(h.Started < d.started || h.Started == d.started && h.Beat.Time <= d.beaten) {
		h = nil // ignore a heartbeat that is not newer than the known one
	}
	if h != nil && h.Version != d.version {
		if err := d.directory(ctx, h); err != nil {
			return err
		}
	}
	if d.version == "" {
		return nil
	}
	read := d.lag.read
	if err := d.classes(ctx); err != nil {
		return err
	}
	if d.idle++; d.lag.read > read {
		d.idle = 0
	}
	if d.idle%silence == 0 {
		if err := d.recover(ctx); err != nil {
			return err
		}
	}
	if h == nil || h.Version != d.version || early { // the heartbeat of a clock that is ahead proves nothing (N-80)
		return nil
	}
	d.started, d.beaten = h.Started, h.Beat.Time
	return d.publishWatermark(ctx, d.last.Cursor, &h.Beat, d.version[:16])
}

// directory applies the directory version that h names, and computes all members again, also of classes that an earlier
// log has lost. An unreadable or malformed version only goes to Warn: the old members stay, and the share gets no
// watermark. A malformed version is not parsed again. A failure to apply or write a readable version is an error, and
// so is a panic of the worker.
func (d *deciding) directory(ctx context.Context, h *head) error {
	if h.Version == d.unusable {
		return nil
	}
	file, err := d.c.pieces(ctx, h)
	if err != nil {
		d.c.warn(fmt.Errorf("directory %s: %w", h.Version[:16], err))
		return nil
	}
	list, err := dirfile.Read(file)
	if err != nil {
		d.unusable = h.Version
		d.c.warn(fmt.Errorf("directory %s: %w", h.Version[:16], err))
		return nil
	}
	err = guarded(func() error { return d.worker.Directory(list, h.Name, h.Beat.Time) })
	if err != nil {
		return err
	}
	for _, e := range d.defined {
		if err := guarded(func() error { return d.worker.Define(e, h.Beat.Time) }); err != nil {
			d.c.warn(err)
		}
	}
	next := d.last
	next.Tries, next.Parts = 0, d.parts
	if err := d.write(ctx, next, d.worker.Take()); err != nil {
		return err
	}
	d.version, d.clock, d.defined = h.Version, h.Beat.Time, nil
	return nil
}

// classes decides the members of all new classes and stores them. An invalid message is counted and skipped, so its
// class has no members. A message with a wrong signature counts as refused. It returns nil when there are no further
// messages.
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
			case err != nil: // the class has no members (N-54)
				d.c.warn(err)
				next.Poison++
			}
		}
		if err := d.write(ctx, next, d.worker.Take()); err != nil {
			return err
		}
		d.next, d.left = next.Cursor+1, d.left+len(list)
		d.lag.read += len(list)
	}
}

// recover reads the definitions of classes again if their stream was recreated. New messages then have numbers that
// were read, and definitions of the old stream may be lost. Such a stream begins with a message that was read by its
// number and defines an unknown class. recover decides the classes that the logs of the parts define, and starts again
// with the first message (N-147). Otherwise it does nothing.
func (d *deciding) recover(ctx context.Context) error {
	list, err := d.c.get(ctx, site.StreamClass, question{Seq: 1, NextBy: d.filter, Batch: 1})
	if err != nil || len(list) == 0 || list[0].sequence >= d.next || list[0].ID == d.first {
		return err
	}
	m := &list[0]
	d.first = m.ID
	if d.worker.Knows(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]) || d.class(m) != nil {
		return nil // the message was read, or it cannot be used
	}
	d.c.warn(fmt.Errorf("%s: %w", d.filter, errLost))
	defined, _, err := d.c.definitions(ctx, d.number)
	if err != nil {
		return err
	}
	for _, e := range defined {
		if err := guarded(func() error { return d.worker.Define(e, d.clock) }); err != nil {
			d.c.warn(err)
		}
	}
	next := d.last
	next.Cursor, next.Tries = 0, 0
	if err := d.write(ctx, next, d.worker.Take()); err != nil {
		return err
	}
	d.next = 1
	return d.classes(ctx)
}

// purge deletes the messages of processed classes, if there are many or their number is unknown (N-86). A failure goes
// to Warn, and the next turn tries again.
func (d *deciding) purge(ctx context.Context) {
	if d.left < often || d.version == "" {
		return
	}
	if err := d.c.remove(ctx, d.name, request{Input: d.next}); err != nil { // a later call tries again
		d.c.warn(fmt.Errorf("%s: cannot delete old records: %w", d.filter, err))
		return
	}
	d.left = 0
}

// class computes the members of the class that a message defines, and of its folders' classes. An invalid signature, a
// malformed definition, a class other than the subject's, and a panic of the worker are errors. After an error some of
// the message's classes may be defined.
func (d *deciding) class(m *message) error {
	if m.signed != nil {
		return m.signed
	}
	from, class, err := parseAnnouncer(m.Subject)
	if err != nil {
		return err
	}
	d.noteAnnouncement(from)
	list, err := parseClass(m.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Subject, err)
	}
	if id := list[len(list)-1].ID; id != class {
		return fmt.Errorf("%s: it is about class %s", m.Subject, id)
	}
	for _, e := range list {
		if err := guarded(func() error { return d.worker.Define(e, d.clock) }); err != nil {
			return err
		}
	}
	return nil
}
