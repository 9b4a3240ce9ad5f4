package stages

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// ledger is the log of a share that a worker has taken. Owned by the share's goroutine.
type ledger struct {
	c       *Conn
	name    string // of the share: rows.HOST.TREE.PART or people.NUMBER
	worker  string
	run     string
	number  int
	records *records
	chain   chain
	state   *index.State // as it was when the share was taken
	last    record       // without its events
}

// errRecord says that a record that counts cannot be read: nothing is made of the share any
// more, so that nothing vouches for it.
var errRecord = errors.New("a record cannot be used")

// take reads the log of a share and writes that this worker has it now (N-49).
func take(ctx context.Context, c *Conn, stream, name, worker string) (*ledger, error) {
	l := &ledger{c: c, name: name, worker: worker, run: rand.Text(), state: index.NewState(),
		records: newRecords(c, stream, name)}
	err := l.records.all(ctx, func() { l.state = index.NewState() }, func(r *record) error {
		l.last = *r
		for i := range r.events {
			if err := l.state.Apply(&r.events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && l.records.loading {
		err = l.records.unusable(errors.New("half of what there was is gone"))
	}
	if err != nil {
		return nil, err
	}
	l.last.events, l.last.Piece, l.last.Final = nil, 0, false
	read := &l.records.follower
	l.chain = chain{c: c, stream: stream, subject: name, head: read.head,
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

// resume goes on from the fence where nothing was written for it, and counts how often a worker
// began at the same message.
func (l *ledger) resume(ctx context.Context) error {
	m, err := l.c.last(ctx, site.StreamFence, "fence."+l.name)
	if err != nil {
		return err
	}
	l.last.Tries++
	if m == nil || m.signed != nil {
		return nil
	}
	f, err := parseFence(m.Body)
	if err == nil && f.Generation == l.last.Generation && f.Log == l.chain.head && f.Cursor > l.last.Cursor {
		l.last.Cursor, l.last.Tries = f.Cursor, 0
	}
	return nil
}

// write appends events and moves the share on to next, in as many records as they need: only
// the last says next, so that what is half written is made again.
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
	next.lines = list[len(list)-1]
	if err := l.append(ctx, &next); err != nil {
		return err
	}
	next.lines = nil
	l.last = next
	return nil
}

// cut returns the lines of events, of one record after another: one at least.
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

func (l *ledger) append(ctx context.Context, r *record) error {
	body, err := r.bytes()
	if err != nil {
		return err
	}
	l.number++
	if err := l.chain.append(ctx, fmt.Sprintf("%s/%d", l.run, l.number), body, false); err != nil {
		return err
	}
	r.events = make([]index.Event, len(r.lines)) // to be counted
	l.records.count(&message{Signed: site.Signed{Body: body}, sequence: l.chain.head}, r, false)
	r.events = nil
	return nil
}

// compact writes what the share amounts to behind its log, once that says little else that holds, and takes
// away what stands before it: nothing before the servers have all of it (N-83). all is of [index.Worker.Compact].
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
			r.lines, r.Piece, r.Final = lines, i+1, i == len(list)-1
			if err := l.append(ctx, &r); err != nil {
				return err
			}
		}
	}
	if l.records.before == 0 {
		return nil
	}
	if err := l.c.purge(ctx, l.chain.stream, l.name, l.records.before); err != nil { // it is asked for again
		l.c.warn(fmt.Errorf("%s: what no longer holds was not taken away: %w", l.name, err))
		return nil
	}
	l.records.before = 0
	return nil
}

// held reports by an error whether another worker has the share by now. One who writes nothing
// hears of it no other way (N-49).
func (l *ledger) held(ctx context.Context) error {
	m, err := l.c.last(ctx, l.chain.stream, l.name)
	if err != nil || m == nil || m.sequence <= l.chain.head || m.signed != nil || !l.chain.rival(m) {
		return err
	}
	return fmt.Errorf("%s: %w", l.name, errFenced)
}

// vouch tells up to when the share is true, behind what was written.
func (l *ledger) vouch(ctx context.Context, cursor uint64, b *beat, version string) error {
	if err := l.held(ctx); err != nil {
		return err
	}
	body, err := json.Marshal(&fence{Generation: l.last.Generation, Log: l.chain.head, Cursor: cursor, Beat: *b,
		Version: version})
	if err != nil {
		return err
	}
	l.number++
	return l.c.keep(ctx, "fence."+l.name, fmt.Sprintf("%s/fence/%d", l.run, l.number), body)
}
