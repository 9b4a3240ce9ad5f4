package stages

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// ledger is the log of a share for writing: this worker has taken the share over, and no other one can append. The
// share's goroutine owns it.
type ledger struct {
	c       *Conn
	name    string // name of the share: rows.HOST.TREE.PART or people.NUMBER
	worker  string
	run     string
	number  int
	records *records
	chain   chain
	state   *index.State // state at the time when the share was taken
	last    record       // the log's last record, without its events
	record  string       // message ID of the log's last record

	announced map[string]place // the last announcement of each part that was read
	pending   map[string]place // those of announced that are not in the log yet; nil: none
}

// errRecord says that a valid record cannot be parsed or applied. Processing of the share stops, so
// it gets no watermark.
var errRecord = errors.New("a record cannot be used")

// take makes worker the only writer of a share's log, and reads the log. stream and name select the log. The former
// owner can no longer write (N-49). An unreadable or damaged log is an error. If another worker takes the log at the
// same time, the error is errTakenOver.
func take(ctx context.Context, c *Conn, stream, name, worker string) (*ledger, error) {
	l := &ledger{c: c, name: name, worker: worker, run: rand.Text(), state: index.NewState(),
		records: newRecords(c, stream, name), announced: map[string]place{}}
	err := l.records.all(ctx, func() { l.state = index.NewState() }, func(r *record) error {
		l.last = *r
		for part, at := range r.Announced {
			if l.noteAnnouncement(announcer{part, at}); at == (place{}) {
				delete(l.announced, part)
			}
		}
		for i := range r.events {
			if err := l.state.Apply(&r.events[i]); err != nil {
				return err
			}
		}
		// The snapshot of a part omits unused classes, so this worker must define them again before it uses them (N-83).
		if r.Final && stream == site.StreamRows {
			l.state.DropUnused()
		}
		return nil
	})
	if err == nil && l.records.loading {
		err = l.records.unusable(errors.New("the log starts with a gap and has no complete snapshot"))
	}
	if err != nil {
		return nil, err
	}
	l.last.events, l.last.repeated, l.last.Piece, l.last.Final, l.last.Announced, l.pending = nil, nil, 0, false, nil, nil
	l.record = l.last.id
	read := &l.records.follower
	l.chain = chain{c: c, stream: stream, subject: name, head: read.head, kept: true,
		last:  read.next - min(read.next, 1),
		rival: func(m *message) bool { return m.After >= l.chain.head && m.ID != "" }}
	if err := l.resume(ctx); err != nil {
		return nil, err
	}
	next := l.last
	next.Generation++
	next.Worker = worker
	return l, l.write(ctx, next, nil)
}

// resume sets the input message after which the worker continues. If no record follows the share's watermark, that is
// the watermark's cursor. Otherwise it is the last record's cursor, and resume counts another attempt. A malformed
// watermark, or one of another generation, is ignored; only a new log continues its generation.
func (l *ledger) resume(ctx context.Context) error {
	m, err := l.c.last(ctx, site.StreamFence, "fence."+l.name)
	if err != nil {
		return err
	}
	l.last.Tries++
	if m == nil || m.signed != nil {
		return nil
	}
	f, err := parseWatermark(m.Body)
	switch {
	case err != nil:
	case l.last.Generation == 0: // the log was lost, and the places of its part only grow (N-148)
		l.last.Generation = f.Generation
	case f.Generation == l.last.Generation && f.Log == l.chain.head && f.Record == l.record && f.Cursor > l.last.Cursor:
		l.last.Cursor, l.last.Tries = f.Cursor, 0
	}
	return nil
}

// write appends events and advances the share to next, in as many records as needed. Only the last record contains
// next, so another worker repeats an incomplete write. It writes a record also without events. After an error the
// ledger must not be used.
func (l *ledger) write(ctx context.Context, next record, events []index.Event) error {
	list, err := cut(events)
	if err != nil {
		return err
	}
	r := l.last
	for _, r.lines = range list[:len(list)-1] {
		if err := l.append(ctx, &r); err != nil {
			return err
		}
	}
	next.lines, next.Announced = list[len(list)-1], l.pending
	if err := l.append(ctx, &next); err != nil {
		return err
	}
	next.lines, next.Announced, l.pending = nil, nil, nil
	l.last = next
	return nil
}

// cut encodes events and divides them among records of about targetRecord bytes, because a message has a limited size.
// It returns at least one record, which is empty without events. A single longer line is a record of its own.
func cut(events []index.Event) (out [][][]byte, err error) {
	out = append(out, nil)
	size := 0
	for i := range events {
		line, err := json.Marshal(&events[i])
		if err != nil {
			return nil, err
		}
		here := &out[len(out)-1]
		if size += len(line); size > targetRecord && len(*here) > 0 {
			out, size = append(out, nil), len(line)
			here = &out[len(out)-1]
		}
		*here = append(*here, line)
	}
	return out, nil
}

// append writes one record to the log and adds it to the log's size. It sets r.events to nil. After an error the
// record may or may not be in the log, and its number is used up.
func (l *ledger) append(ctx context.Context, r *record) error {
	body, err := r.bytes()
	if err != nil {
		return err
	}
	l.number++
	id := fmt.Sprintf("%s/%d", l.run, l.number)
	if err := l.chain.append(ctx, id, body, false); err != nil {
		return err
	}
	l.record = id
	r.events = make([]index.Event, len(r.lines)) // count reads only the number of events
	l.records.count(&message{Signed: site.Signed{Body: body}, sequence: l.chain.head}, r, false)
	r.events = nil
	return nil
}

// compact appends a snapshot to the log if [index.Size.Large] returns true for most and all. Messages before a stored
// snapshot are then deleted (N-83). A failed deletion goes to Warn, and the next call repeats it.
func (l *ledger) compact(ctx context.Context, w *index.Worker, most int64, all bool) error {
	if l.records.size.Large(most, w, all) {
		events, err := w.Compact(all)
		if err != nil || events == nil {
			return err
		}
		list, err := cut(events)
		if err != nil {
			return err
		}
		r := l.last
		for i, lines := range list {
			if r.lines, r.Piece, r.Final = lines, i+1, i == len(list)-1; r.Final {
				r.Announced = l.announced
			}
			if err := l.append(ctx, &r); err != nil {
				return err
			}
		}
	}
	if l.records.before == 0 {
		return nil
	}
	err := l.c.remove(ctx, l.name, request{Log: l.records.before, Final: l.records.final})
	if err != nil { // the next call tries again
		l.c.warn(fmt.Errorf("%s: cannot delete old records: %w", l.name, err))
		return nil
	}
	l.records.before = 0
	return nil
}

// checkOwner checks that this worker still owns the share: it returns errTakenOver if another worker has taken it, and
// errLost if the stream lost the log. A worker that writes nothing would not notice otherwise (N-49). Other errors
// come from the servers.
func (l *ledger) checkOwner(ctx context.Context) error {
	m, err := l.c.present(ctx, l.chain.stream, l.name, l.chain.head)
	if err != nil || m == nil || m.sequence <= l.chain.head || m.signed != nil || !l.chain.rival(m) {
		return err
	}
	return fmt.Errorf("%s: %w", l.name, errTakenOver)
}

// publishWatermark publishes the share's watermark for the records written so far. cursor is the input message that
// contained the heartbeat b, and version the directory version; "" for a part of a tree. It returns errTakenOver if
// another worker has taken the share, and errLost if the stream lost the log.
func (l *ledger) publishWatermark(ctx context.Context, cursor uint64, b *heartbeat, version string) error {
	if err := l.checkOwner(ctx); err != nil {
		return err
	}
	body, err := json.Marshal(&watermark{Generation: l.last.Generation, Log: l.chain.head, Record: l.record,
		Cursor: cursor, Beat: *b, Version: version})
	if err != nil {
		return err
	}
	l.number++
	return l.c.keep(ctx, "fence."+l.name, fmt.Sprintf("%s/fence/%d", l.run, l.number), body)
}
